//! What calls from other services do to a hub, each in a task of its own: push a message, kick a user.

use super::designs::{lanes, locked_table};
use super::outlet::Payload;
use super::socket::{Cause, Message};
use super::{Client, Design, Hub};
use crate::runtime::{Runtime, Task};
use crate::session::{Platform, User};

impl<R: Runtime> Hub<R> {
    /// Writes an answer to the client that asked; `replyMessage`.
    pub async fn reply(&self, me: &Task<R>, client: &Client<R>, user: User, payload: Payload) {
        let message = Message::Push(user, payload);
        if self.settings.design.orders() {
            me.turn().await;
            self.write_to(me, client, message).await;
        } else {
            me.call(client.write_binary_msg(self, me, message)).await;
        }
    }

    /// Writes a message to each client of a user; `pushToUser`, at v3.5.1 a part of `SuperGroupOnlineBatchPushOneMsg`; `hub_server.go`.
    pub async fn push_to_user(&self, me: &Task<R>, user: User, payload: Payload) {
        if self.settings.design.orders() {
            self.push_to_copies(me, user, payload).await;
            return;
        }
        me.turn().await;
        me.note(|| format!("list all clients of user {}", user.0));
        let Some(all) = self.get_all(user) else { return };
        for at in 0..all.len() {
            let client = self.client_at(me, &all, at).await;
            let message = Message::Push(user, payload.clone());
            me.call(client.write_binary_msg(self, me, message)).await;
        }
        self.gone_through(all);
    }

    /// The same from a copy of the row, and without a lock of the client's: its queue is all there is to guard.
    async fn push_to_copies(&self, me: &Task<R>, user: User, payload: Payload) {
        let row = if self.settings.design == Design::LockedTable {
            let lock = self.lock.lock(me).await;
            let row = self.users.with(|users| users.get(user));
            lock.unlock(me);
            row
        } else {
            me.turn().await;
            self.users.with(|users| users.get(user))
        };
        me.note(|| format!("list all clients of user {}", user.0));
        for client in row.unwrap_or_default() {
            me.turn().await;
            self.write_to(me, &client, Message::Push(user, payload.clone())).await;
        }
    }

    /// Writes a message where kicks are orders: without a lock of the client's.
    async fn write_to(&self, me: &Task<R>, client: &Client<R>, message: Message) {
        let bound = client.bound();
        message.note(me, client);
        self.judge_write(me, &bound.login, &message);
        bound.socket.write(me, message).await;
    }

    /// Kicks a user off a platform; `KickUserOffline`, `KickUserConn`.
    pub async fn kick_user_offline(&self, me: &Task<R>, user: User, platform: Platform) {
        match self.settings.design {
            Design::LockedTable => locked_table::kick_user_offline(self, me, user, platform).await,
            Design::Lanes => lanes::kick_user_offline(self, me, user, platform).await,
            _ => {
                me.turn().await;
                me.note(|| format!("look up user {} in the table", user.0));
                for client in self.get(user, platform).1 {
                    me.call(self.kick_user_conn(me, client, Cause::Admin(user, platform))).await;
                }
            }
        }
    }

    async fn kick_user_conn(&self, me: &Task<R>, client: Client<R>, cause: Cause) {
        let gone = std::slice::from_ref(&client);
        // That this may have emptied the row is ignored there, too.
        me.call(self.delete_clients(me, || client.bound().login, gone)).await;
        client.kick_online_message(self, me, cause).await;
    }
}
