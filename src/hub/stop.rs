//! How a hub is stopped.

use super::designs::{lanes, locked_table};
use super::events::DONE;
use super::version::Shutdown;
use super::{Design, Hub, Settings};
use crate::runtime::{Runtime, Task};
use crate::sync::{Channel, Shared, Signal};

/// Whether connections are accepted, and how many were that have not left.
#[derive(Hash)]
struct Gate {
    open: bool,
    present: usize,
}

/// What a hub that can be stopped keeps for it.
pub(super) struct Stopping<R: Runtime> {
    gate: Shared<R, Gate>,
    all_left: Signal<R>,
    loops: Shared<R, usize>,
    loops_ended: Signal<R>,
}

impl<R: Runtime> Clone for Stopping<R> {
    fn clone(&self) -> Self {
        Stopping {
            gate: self.gate.clone(),
            all_left: self.all_left.clone(),
            loops: self.loops.clone(),
            loops_ended: self.loops_ended.clone(),
        }
    }
}

impl<R: Runtime> Stopping<R> {
    pub(super) fn new(runtime: &R, settings: &Settings) -> Self {
        let loops = settings.loops();
        Stopping {
            gate: Shared::new(runtime, settings.name("gate"), Gate { open: true, present: 0 }),
            all_left: Signal::new(runtime, settings.name("all connections left")),
            loops: Shared::new(runtime, settings.name("loops running"), loops),
            loops_ended: Signal::new(runtime, settings.name("end of the loops")),
        }
    }
}

impl<R: Runtime> Hub<R> {
    /// Whether a new connection is accepted, within the current step; if so it is counted.
    pub(super) fn accepts(&self, me: &Task<R>) -> bool {
        let Some(stopping) = &self.stopping else { return true };
        let accepts = stopping.gate.with(|gate| {
            gate.present += usize::from(gate.open);
            gate.open
        });
        me.note(|| if accepts { "is accepted" } else { "is refused" }.to_owned());
        accepts
    }

    /// Whether new connections are still accepted, within the current step.
    pub(super) fn listens(&self) -> bool {
        self.stopping.as_ref().is_none_or(|stopping| stopping.gate.with(|gate| gate.open))
    }

    /// Accepts nobody any more, within the current step.
    pub(super) fn refuse(&self) {
        if let Some(stopping) = &self.stopping {
            stopping.gate.with(|gate| gate.open = false);
        }
    }

    /// Counts a connection that has reported its end, within the current step.
    pub(super) fn one_has_left(&self, me: &Task<R>) {
        if let Some(stopping) = &self.stopping {
            let last = stopping.gate.with(|gate| {
                gate.present -= 1;
                !gate.open && gate.present == 0
            });
            if last {
                stopping.all_left.raise(me);
            }
        }
    }

    /// Counts a loop that has ended, within the current step.
    pub(super) fn loop_ends(&self, me: &Task<R>) {
        if let Some(stopping) = &self.stopping {
            let last = stopping.loops.with(|loops| {
                *loops -= 1;
                *loops == 0
            });
            if last {
                stopping.loops_ended.raise(me);
            }
        }
    }

    /// How many loops run, from outside; `None` if the hub cannot be stopped.
    pub fn loops_running(&self) -> Option<usize> {
        self.stopping.as_ref().map(|stopping| stopping.loops.peek(|loops| *loops))
    }

    /// Stops the hub, as its version does, or, where kicks are orders: accepts nobody any more, orders all to end, waits until
    /// they have, and then ends the loops.
    pub async fn stop(&self, me: &Task<R>) {
        let Some(stopping) = &self.stopping else { return };
        match self.settings.design {
            Design::LockedTable => locked_table::stop(self, me).await,
            Design::Lanes => lanes::stop(self, me).await,
            _ => return self.stop_as_the_version(me, stopping).await,
        }
        let empty = stopping.gate.step(me, "see whether all have left", |gate| gate.present == 0).await;
        if !empty {
            stopping.all_left.wait(me).await;
        }
        if self.settings.design == Design::Lanes {
            for lane in 0..self.settings.lanes {
                self.close(me, Channel(lane)).await;
            }
        }
    }

    /// `Run`, from the signal on. The server's own shutdown lets connections be that were upgraded: it knows nothing of them.
    async fn stop_as_the_version(&self, me: &Task<R>, stopping: &Stopping<R>) {
        let shutdown = self.settings.version.steps().shutdown;
        if shutdown == Shutdown::Context {
            self.close(me, DONE).await;
        }
        me.turn().await;
        me.note(|| "shut the HTTP server down".to_owned());
        self.refuse();
        match shutdown {
            Shutdown::Context => {}
            Shutdown::AfterLoops => {
                stopping.loops_ended.wait(me).await;
                self.close(me, DONE).await;
            }
            Shutdown::DeadlineFromStart => {
                if me.choose(2) == 0 {
                    self.close(me, DONE).await;
                } else {
                    me.note(|| "its deadline is over: return".to_owned());
                }
            }
        }
    }
}
