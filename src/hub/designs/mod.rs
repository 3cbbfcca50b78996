//! The designs, each in a file, with the same functions in the same order: start the loops, report an end, run a loop. The two
//! in which a kick is an order have in their place what a connection and others do: register, leave, kick, check, stop.

pub(super) mod biased_select;
pub(super) mod inline_removal;
pub(super) mod lanes;
pub(super) mod locked_table;
pub(super) mod overflow_list;
pub(super) mod send_after_unlock;
pub(super) mod single_select;
pub(super) mod spawned_send;
pub(super) mod split_loops;
pub(super) mod split_loops_shared;

use super::client::Client;
use super::closing::Held;
use super::events::{Event, REGISTER};
use super::{Design, Hub};
use crate::runtime::{Runtime, Task};

impl<R: Runtime> Hub<R> {
    /// Starts the loops of its design.
    pub(super) fn start_loops(&self, runtime: &R) {
        match self.settings.design {
            Design::SingleSelect | Design::Unbounded => single_select::start(self, runtime),
            Design::SplitLoops => split_loops::start(self, runtime),
            Design::SplitLoopsShared => split_loops_shared::start(self, runtime),
            Design::InlineRemoval => inline_removal::start(self, runtime),
            Design::SpawnedSend => spawned_send::start(self, runtime),
            Design::OverflowList => overflow_list::start(self, runtime),
            Design::BiasedSelect => biased_select::start(self, runtime),
            Design::SendAfterUnlock => send_after_unlock::start(self, runtime),
            Design::Lanes => lanes::start(self, runtime),
            Design::LockedTable => {}
        }
    }

    /// Hands a new connection to the hub: `registerChan`, in most designs.
    pub(super) async fn register(&self, me: &Task<R>, client: &Client<R>) {
        match self.settings.design {
            Design::LockedTable => locked_table::register(self, me, client).await,
            Design::Lanes => lanes::register(self, me, client).await,
            _ => self.send(me, REGISTER, Event::Register(client.clone())).await,
        }
        if self.settings.design.orders() {
            self.send_user_online_info_to_other_node(me, client).await;
        }
    }

    /// Reports that a client is closed; `UnRegister`. Its lock is to be freed here, before or after.
    pub(super) async fn un_register(&self, me: &Task<R>, client: &Client<R>, held: Held<R>) {
        match self.settings.design {
            Design::SingleSelect | Design::Unbounded => {
                single_select::un_register(self, me, client, held).await;
            }
            Design::SplitLoops => split_loops::un_register(self, me, client, held).await,
            Design::SplitLoopsShared => split_loops_shared::un_register(self, me, client, held).await,
            Design::InlineRemoval => inline_removal::un_register(self, me, client, held).await,
            Design::SpawnedSend => spawned_send::un_register(self, me, client, held).await,
            Design::OverflowList => overflow_list::un_register(self, me, client, held).await,
            Design::BiasedSelect => biased_select::un_register(self, me, client, held).await,
            Design::SendAfterUnlock => send_after_unlock::un_register(self, me, client, held).await,
            Design::LockedTable | Design::Lanes => {
                unreachable!("where kicks are orders, a connection reports its own end")
            }
        }
    }
}
