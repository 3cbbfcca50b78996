//! Exercise 6: a select whose drainer also sends.

use std::collections::VecDeque;

use turnstile_models::prelude::*;

// ANCHOR: model
/// A foreman takes orders and results in one select, and hands the orders to a worker.
#[derive(Clone, Copy)]
struct Foreman {
    orders: u32,
    /// Orders are kept in a list, and handed over by the same select: when the worker takes one.
    queues: bool,
}

const ORDERS: usize = 0;
const JOBS: usize = 1;
const RESULTS: usize = 2;

impl Model for Foreman {
    type World<R: Runtime> = Shared<R, u32>;
    type Outcome = u32;

    fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, u32> {
        let (foreman, worker) = (Name::one("foreman"), Name::one("worker"));
        let channels = Channels::new(
            runtime,
            Name::one("orders and results"),
            [
                Spec::new(Name::one("orders"), 1).drained_by([foreman]),
                Spec::new(Name::one("jobs"), 1).drained_by([worker]),
                Spec::new(Name::one("results"), 1).drained_by([foreman]),
            ],
        );
        let done = Shared::new(runtime, Name::one("done"), 0);
        let (mine, orders) = (channels.clone(), self.orders);
        Task::spawn(runtime, Name::one("customer"), async move |me| {
            for order in 1..=orders {
                mine.send(&me, Channel(ORDERS), order).await.expect("never closed");
            }
        });
        let mine = channels.clone();
        Task::spawn(runtime, worker, async move |me| {
            loop {
                me.rest();
                let job = mine.receive(&me, Channel(JOBS)).await.expect("never closed");
                mine.send(&me, Channel(RESULTS), job).await.expect("never closed");
            }
        });
        let list = Shared::new(runtime, Name::one("list"), VecDeque::new());
        let (results, queues) = (done.clone(), self.queues);
        Task::spawn(runtime, foreman, async move |me| {
            loop {
                me.rest(); // Nothing is carried over but the list, which is shared memory.
                let mut cases = vec![Case::Receive(ORDERS), Case::Receive(RESULTS)];
                cases.extend(list.with(|list| list.front().copied()).map(|job| Case::Send(JOBS, job)));
                match channels.select(&me, cases).await {
                    Chosen::Received { case: 0, value: Some(order) } if queues => {
                        list.with(|list| list.push_back(order))
                    }
                    Chosen::Received { case: 0, value: Some(order) } => {
                        channels.send(&me, Channel(JOBS), order).await.expect("never closed");
                    }
                    Chosen::Sent { .. } => list.with(|list| _ = list.pop_front()),
                    _ => results.write(|done| *done += 1),
                }
            }
        });
        done
    }

    fn look<R: Runtime>(&self, done: &Shared<R, u32>) -> u32 {
        done.peek(|done| *done)
    }
}
// ANCHOR_END: model

// ANCHOR: check
fn check(orders: u32, queues: bool) -> Check<Foreman> {
    Check::of(Foreman { orders, queues }).at_rest("each order is done", move |done| *done == orders)
}

#[test]
fn who_sends_to_whom_it_drains_hangs_once_all_places_are_taken() {
    check(3, false).run().unwrap_holds();
    let failure = check(4, false).run().unwrap_fails();
    let cycle: Vec<String> =
        failure.knot.iter().flat_map(|knot| &knot.cycle).map(ToString::to_string).collect();
    assert_eq!(
        cycle,
        [
            "foreman waits to send on jobs (1/1 full), which only worker drains",
            "worker waits to send on results (1/1 full), which only foreman drains",
        ]
    );
}

#[test]
fn a_send_that_is_a_case_of_the_select_holds_nothing_up() {
    check(5, true).run().unwrap_holds();
}
// ANCHOR_END: check
