//! A task's future with the watch around it.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use turnstile::Name;

use super::{CURRENT, Entry, Seat, Stands, Watch};

/// Wakes a task, and says so in the table: at once, not when the task is polled, since in between it would seem to wait
/// for what it has already been given.
pub(super) struct Bell {
    watch: Watch,
    seat: Seat,
    task: Mutex<Waker>,
}

impl Bell {
    /// Wakes the task whether it waits or not.
    pub(super) fn ring(&self) {
        let waker = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        waker.wake();
    }

    fn set(&self, waker: &Waker) {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).clone_from(waker);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.watch.woken(self.seat);
        self.ring();
    }
}

/// A task that is watched.
pub(crate) struct Tracked {
    watch: Watch,
    seat: Seat,
    bell: Arc<Bell>,
    waker: Waker,
    task: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Watch {
    /// Takes in a task that is about to be spawned; `None` if the execution is over.
    ///
    /// # Panics
    /// If there is a task of that name.
    pub(crate) fn track(
        &self,
        who: Name,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Option<Tracked> {
        let mut table = self.table();
        // Asked under the lock: a task that is let in has a bell that the teardown rings.
        if self.is_over() {
            return None;
        }
        let seat = table.tasks.len();
        assert!(table.seats.insert(who, seat).is_none(), "two tasks are called {who}");
        let bell = Arc::new(Bell { watch: self.clone(), seat, task: Mutex::new(Waker::noop().clone()) });
        table.tasks.push(Entry {
            name: who,
            stands: Stands::Able,
            woken: false,
            wait: None,
            polls: 0,
            turn: None,
            due: false,
            resumed: false,
            several: false,
            broken: false,
            bell: Some(bell.clone()),
        });
        table.able += 1;
        table.left += 1;
        drop(table);
        let waker = Waker::from(bell.clone());
        Some(Tracked { watch: self.clone(), seat, bell, waker, task: Some(Box::pin(task)) })
    }

    fn woken(&self, seat: Seat) {
        let mut table = self.table();
        table.tasks[seat].woken = true;
        if table.tasks[seat].stands == Stands::Parked {
            table.tasks[seat].stands = Stands::Able;
            table.working.remove(&seat);
            table.able += 1;
        }
    }

    fn begins(&self, seat: Seat) {
        let mut table = self.table();
        if table.tasks[seat].stands == Stands::Parked {
            // Polled without having been woken, as an executor may.
            table.tasks[seat].stands = Stands::Able;
            table.working.remove(&seat);
            table.able += 1;
        }
        table.tasks[seat].woken = false;
        // It was parked: by nothing else does a poll of the core end.
        table.tasks[seat].resumed = table.tasks[seat].polls > 0;
        table.tasks[seat].polls += 1;
    }

    fn parks(&self, seat: Seat) {
        let mut table = self.table();
        table.record_due(seat);
        if table.tasks[seat].woken {
            return;
        }
        table.tasks[seat].stands = Stands::Parked;
        let works = table.tasks[seat].wait.as_ref().is_some_and(|wait| wait.kind.is_work());
        if works {
            table.working.insert(seat);
        }
        table.able -= 1;
        drop(table);
        if works {
            self.look_for_a_knot(seat);
        }
        self.look_for_rest();
    }

    fn ends(&self, seat: Seat) {
        let mut table = self.table();
        table.record_due(seat);
        match std::mem::replace(&mut table.tasks[seat].stands, Stands::Done) {
            Stands::Able => table.able -= 1,
            Stands::Parked | Stands::Done => {}
        }
        table.working.remove(&seat);
        table.left -= 1;
        let main = if table.left == 0 && self.is_over() { table.main.take() } else { None };
        let (bell, wait) = (table.tasks[seat].bell.take(), table.tasks[seat].wait.take());
        let working: Vec<Seat> = table.working.iter().copied().collect();
        drop(table);
        drop((bell, wait));
        // Whoever counted on the help of the one that has ended may now wait in vain.
        working.into_iter().for_each(|seat| self.look_for_a_knot(seat));
        self.look_for_rest();
        if let Some(main) = main {
            main.wake();
        }
    }

    fn look_for_rest(&self) {
        let table = self.table();
        let rests = table.able == 0 && !table.settled;
        drop(table);
        if rests {
            self.settle(false);
        }
    }

    fn panicked(&self, panic: Box<dyn Any + Send>) {
        self.table().panic.get_or_insert(panic);
        self.cut("a panic".to_owned());
    }
}

impl Tracked {
    fn end(&mut self) -> Poll<()> {
        // What the task still holds it gives back before it counts as ended.
        self.task = None;
        self.watch.ends(self.seat);
        Poll::Ready(())
    }

    fn is_broken(&self) -> bool {
        self.watch.table().tasks[self.seat].broken
    }
}

impl Future for Tracked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.bell.set(cx.waker());
        if this.watch.is_over() {
            return this.end();
        }
        let Some(task) = this.task.as_mut() else { return Poll::Ready(()) };
        this.watch.begins(this.seat);
        let outer = CURRENT.replace(Some(this.seat));
        let polled =
            catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut Context::from_waker(&this.waker))));
        CURRENT.set(outer);
        match polled {
            Ok(Poll::Ready(())) => this.end(),
            Ok(Poll::Pending) if this.watch.is_over() || this.is_broken() => this.end(),
            Ok(Poll::Pending) => {
                this.watch.parks(this.seat);
                Poll::Pending
            }
            Err(panic) => {
                this.watch.panicked(panic);
                this.end()
            }
        }
    }
}
