//! Your own hub under the laboratory: a broker that takes jobs from one inbox and answers each client in an outbox of its own.
//!
//! `cargo run -p turnstile-models --example broker`

use turnstile_models::prelude::*;

// ANCHOR: model
/// A broker and two clients, each with so many jobs.
#[derive(Clone, Copy)]
pub struct Broker {
    /// How many jobs each client has.
    pub jobs: u32,
    /// A client takes answers while it hands in jobs, instead of after that.
    pub selects: bool,
}

const CLIENTS: u32 = 2;
const INBOX: usize = 0; // Channel n is the outbox of client n.

impl Model for Broker {
    type World<R: Runtime> = Shared<R, u32>;
    type Outcome = u32;

    fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, u32> {
        let (broker, model) = (Name::one("broker"), *self);
        let inbox = Spec::new(Name::one("inbox"), 1).drained_by([broker]);
        let outboxes =
            (1..=CLIENTS).map(|n| Spec::new(Name::of("outbox", n), 1).drained_by([Name::of("client", n)]));
        let channels = Channels::new(runtime, Name::one("channels"), [inbox].into_iter().chain(outboxes));
        let answered = Shared::new(runtime, Name::one("answered"), 0);
        let jobs = channels.clone();
        Task::spawn(runtime, broker, async move |me| {
            loop {
                me.rest(); // Nothing is carried over from one job to the next.
                let client = jobs.receive(&me, Channel(INBOX)).await.expect("never closed");
                jobs.send(&me, Channel(client as usize), client).await.expect("never closed");
            }
        });
        for n in 1..=CLIENTS {
            let (channels, answered) = (channels.clone(), answered.clone());
            Task::spawn(runtime, Name::of("client", n), async move |me| {
                let (mut given, mut taken) = (0, 0);
                while taken < model.jobs {
                    let gives = (given < model.jobs).then_some(Case::Send(INBOX, n));
                    let takes = (model.selects || gives.is_none()).then_some(Case::Receive(n as usize));
                    match channels.select(&me, gives.into_iter().chain(takes).collect()).await {
                        Chosen::Sent { .. } => given += 1,
                        _ => taken += 1,
                    }
                }
                answered.step(&me, "count the answers", |all| *all += taken).await;
            });
        }
        answered
    }

    fn look<R: Runtime>(&self, answered: &Shared<R, u32>) -> u32 {
        answered.peek(|all| *all)
    }
}

/// Asks of every interleaving: does it hang, and is each job answered?
pub fn check(broker: Broker) -> Check<Broker> {
    Check::of(broker).at_rest("each job is answered", move |answered| *answered == CLIENTS * broker.jobs)
}
// ANCHOR_END: model

/// What there is to say of a broker: the verdict, and the way into its hang.
pub fn report(broker: Broker) -> String {
    let Broker { jobs, selects } = broker;
    let verdict = check(broker).run();
    let story = verdict.counterexample().map_or(String::new(), Failure::text);
    format!(
        "{jobs} jobs, clients that {}\n{verdict}\n{story}\n",
        if selects { "select" } else { "do not select" }
    )
}

#[expect(clippy::print_stdout, reason = "an example speaks to who runs it")]
fn main() {
    for (jobs, selects) in [(2, false), (3, false), (3, true)] {
        print!("{}", report(Broker { jobs, selects }));
    }
}
