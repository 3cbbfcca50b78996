//! Logins on other nodes: the call that a registration makes to each, and what that node does about it.

use super::designs::{lanes, locked_table};
use super::events::{Event, KICK};
use super::socket::Cause;
use super::{Client, Design, Hub};
use crate::name::Name;
use crate::runtime::{Runtime, Task};
use crate::session::Login;
use crate::sync::{Shared, WaitGroup};

const CHECKS: [&str; 4] = ["login check", "second login check", "third login check", "fourth login check"];
const REPLIES: [&str; 4] = ["reply", "second reply", "third reply", "fourth reply"];

/// The answer to a question about a login: the newest session that kicks it, if there is one.
pub struct Answer<R: Runtime> {
    newer: Shared<R, Option<Login>>,
    given: WaitGroup<R>,
}

impl<R: Runtime> Clone for Answer<R> {
    fn clone(&self) -> Self {
        Answer { newer: self.newer.clone(), given: self.given.clone() }
    }
}

impl<R: Runtime> Answer<R> {
    /// An answer that the task `by` owes.
    pub(super) fn new(me: &Task<R>, about: Login, by: Name) -> Answer<R> {
        Answer::called(me, "answer of the lane", "what the lane says", about, by)
    }

    fn called(me: &Task<R>, given: &'static str, newer: &'static str, about: Login, by: Name) -> Answer<R> {
        let number = about.connection.0;
        Answer {
            newer: Shared::new(&me.runtime, Name::of(newer, number), None),
            given: WaitGroup::new(&me.runtime, Name::of(given, number), [by]),
        }
    }

    /// Gives it, within the current step.
    pub(super) fn give(&self, me: &Task<R>, newer: Option<Login>) {
        self.newer.with(|it| *it = newer);
        self.given.done(me);
    }

    /// Waits for it.
    pub(super) async fn wait(&self, me: &Task<R>) -> Option<Login> {
        self.given.wait(me).await;
        self.newer.with(|it| *it)
    }
}

impl<R: Runtime> Hub<R> {
    /// Tells each other node of a login, and waits for its reply; `sendUserOnlineInfoToOtherNode`. In OpenIM's designs the loop
    /// waits; where kicks are orders, the connection's own task, and the reply may say that a newer session is there.
    pub(super) async fn send_user_online_info_to_other_node(&self, me: &Task<R>, client: &Client<R>) {
        for other in &self.others {
            me.turn().await;
            let bound = client.bound();
            let login = bound.login;
            let check = bound.socket.another(login.connection, &CHECKS);
            let nth = CHECKS.iter().position(|role| *role == check.role()).unwrap_or_default();
            let reply = Answer::called(me, REPLIES[nth], SAID[nth], login, check);
            me.note(|| format!("call the other node: {check}"));
            let (other, answer) = (other.clone(), reply.clone());
            Task::spawn(&me.runtime, check, async move |me| {
                let newer = other.multi_terminal_login_check(&me, login).await;
                answer.give(&me, newer);
            });
            let newer = reply.wait(me).await;
            if let (Some(newer), true) = (newer, self.settings.design.orders()) {
                me.turn().await;
                client.order(self, me, Cause::Login(newer));
            }
        }
    }

    /// Hears of a login on another node; `MultiTerminalLoginCheck`, served by a task of its own.
    async fn multi_terminal_login_check(&self, me: &Task<R>, newcomer: Login) -> Option<Login> {
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
                None
            }
        }
    }
}

/// What a reply says, by the reply's own place in its list.
const SAID: [&str; 4] =
    ["what the reply says", "what the second reply says", "what the third says", "what the fourth says"];
