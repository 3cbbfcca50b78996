//! Logins on other nodes: the call that a registration makes to each, and what that node does about it.

use super::designs::{lanes, locked_table};
use super::events::{Event, KICK};
use super::{Client, Design, Hub};
use crate::runtime::{Runtime, Task};
use crate::session::Login;
use crate::sync::Signal;

const CHECKS: [&str; 4] = ["login check", "second login check", "third login check", "fourth login check"];
const REPLIES: [&str; 4] = ["reply", "second reply", "third reply", "fourth reply"];

impl<R: Runtime> Hub<R> {
    /// Tells each other node of a login, and waits for its reply; `sendUserOnlineInfoToOtherNode`. In OpenIM's designs the loop
    /// waits; where kicks are orders, the connection's own task.
    pub(super) async fn send_user_online_info_to_other_node(&self, me: &Task<R>, client: &Client<R>) {
        for other in &self.others {
            me.turn().await;
            let bound = client.bound();
            let login = bound.login;
            let check = bound.socket.another(login.connection, &CHECKS);
            let nth = CHECKS.iter().position(|role| *role == check.role()).unwrap_or_default();
            let reply = Signal::reply(&me.runtime, crate::Name::of(REPLIES[nth], login.connection.0), check);
            me.note(|| format!("call the other node: {check}"));
            let (other, answer) = (other.clone(), reply.clone());
            Task::spawn(&me.runtime, check, async move |me| {
                other.multi_terminal_login_check(&me, login).await;
                answer.raise(&me);
            });
            reply.wait(me).await;
        }
    }

    /// Hears of a login on another node; `MultiTerminalLoginCheck`, served by a task of its own.
    async fn multi_terminal_login_check(&self, me: &Task<R>, newcomer: Login) {
        match self.settings.design {
            Design::LockedTable => locked_table::multi_terminal_login_check(self, me, newcomer).await,
            Design::Lanes => lanes::multi_terminal_login_check(self, me, newcomer).await,
            _ => {
                me.turn().await;
                me.note(|| format!("look up user {} in the table", newcomer.user.0));
                let (user_ok, old_clients) = self.get(newcomer.user, newcomer.platform);
                if user_ok {
                    self.send(me, KICK, Event::Kick(old_clients, newcomer)).await;
                }
            }
        }
    }
}
