//! How a client is written to, kicked and closed.

use super::Hub;
use super::client::Client;
use super::socket::{By, Cause, Message};
use super::version::FlagRead;
use crate::runtime::{Runtime, Task};
use crate::session::Login;
use crate::sync::Mutex;

/// A client's lock, taken, and the one that is to be unlocked when done.
///
/// In Go that need not be the same: `defer c.w.Unlock()` reads the lock through the object once more, after it was taken, and
/// a reset in between has put another there.
#[must_use = "a lock that is not freed stays locked"]
pub(super) struct Held<R: Runtime>(Mutex<R>);

impl<R: Runtime> Held<R> {
    /// Unlocks, within the current step. Where Go would end the program, the run ends.
    pub(super) fn unlock(self, me: &Task<R>) {
        if let Err(unheld) = self.0.unlock(me) {
            me.runtime.crash(me.name, &unheld.to_string());
        }
    }
}

impl<R: Runtime> Client<R> {
    /// Kicks it: writes the kick message unless it is closed, then closes it; `KickOnlineMessage`. Where kicks are orders, its
    /// own task does both.
    pub(super) async fn kick_online_message(&self, hub: &Hub<R>, me: &Task<R>, cause: Cause) {
        if hub.settings.design.orders() {
            me.turn().await;
            self.order(hub, me, cause);
            return;
        }
        me.call(me.apart(self.write_binary_msg(hub, me, Message::Kick))).await;
        me.apart(self.close(hub, me, By::Kick(cause))).await;
    }

    /// Orders its own task to kick it, within the current step.
    pub(super) fn order(&self, hub: &Hub<R>, me: &Task<R>, cause: Cause) {
        let bound = self.bound();
        hub.judge_kick(me, &bound.login, cause);
        bound.socket.kicked(cause);
        me.note(|| format!("order {} to end", self.name()));
        bound.socket.order(me, By::Kick(cause));
    }

    /// Writes a message to it, unless it is closed; `writeBinaryMsg`.
    pub(super) async fn write_binary_msg(&self, hub: &Hub<R>, me: &Task<R>, message: Message) {
        if self.closed().load(me).await {
            return;
        }
        let held = self.lock(me).await;
        let bound = self.bound();
        message.note(me, self);
        hub.judge_write(me, &bound.login, &message);
        bound.socket.write(me, message).await;
        held.unlock(me);
    }

    /// Closes it and reports its end to the hub: in most designs with the lock held until the hub has room for the report;
    /// `close`.
    pub(super) async fn close(&self, hub: &Hub<R>, me: &Task<R>, by: By) {
        let steps = hub.settings.version.steps();
        if steps.flag == FlagRead::BeforeLock && self.closed().load(me).await {
            return;
        }
        let held = self.lock(me).await;
        if steps.flag == FlagRead::UnderLock && self.closed().get(me) {
            held.unlock(me);
            return;
        }
        self.closed().store(me, true);
        let bound = self.bound();
        if let By::Kick(cause) = by {
            hub.judge_kick(me, &bound.login, cause);
            bound.socket.kicked(cause);
        }
        bound.socket.close(me, by, steps.write).await;
        me.apart(hub.un_register(me, self, held)).await;
    }

    /// Takes the lock of whatever connection it speaks for now.
    async fn lock(&self, me: &Task<R>) -> Held<R> {
        // Read through the object at the end of the step before; see docs/MODEL.md.
        let lock = self.bound().lock;
        lock.lock(me).await.leave();
        Held(self.bound().lock)
    }
}

impl<R: Runtime> Hub<R> {
    /// `right-kick`: no connection is kicked but by another login of its user that the policy lets kick it, or by an
    /// administrator who means it.
    fn judge_kick(&self, me: &Task<R>, kicked: &Login, cause: Cause) {
        let policy = self.settings.policy;
        let right = match cause {
            Cause::Login(newcomer) => {
                newcomer.connection != kicked.connection
                    && policy.kicks(&self.settings.version.steps().rules, &newcomer, kicked)
            }
            Cause::Admin(user, platform) => (kicked.user, kicked.platform) == (user, platform),
        };
        if !right {
            me.breach("right-kick", || {
                let who = match cause {
                    Cause::Login(newcomer) => format!(
                        "the login of user {} on connection {}",
                        newcomer.user.0, newcomer.connection.0
                    ),
                    Cause::Admin(user, _) => format!("an administrator who means user {}", user.0),
                };
                format!("{who} kicks connection {} of user {}", kicked.connection.0, kicked.user.0)
            });
        }
    }

    /// `no-leak`: a message for one user is never written to a connection of another.
    pub(super) fn judge_write(&self, me: &Task<R>, to: &Login, message: &Message) {
        if let Message::Push(user, _) = message
            && *user != to.user
        {
            me.breach("no-leak", || {
                format!(
                    "a message for user {} is written to connection {} of user {}",
                    user.0, to.connection.0, to.user.0
                )
            });
        }
    }
}
