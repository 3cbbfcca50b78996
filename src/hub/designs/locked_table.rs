//! No loop: one lock around the table. Each connection registers and removes itself; a kick is an order to the kicked one's
//! own task.
//!
//! What is done with the lock held is one step. Nobody touches the table without the lock, so nobody could tell it from many
//! (Lipton, «Reduction», CACM 1975).

use super::super::Hub;
use super::super::client::Client;
use super::super::socket::{By, Cause};
use crate::runtime::{Runtime, Task};
use crate::session::{Login, Platform, User};

/// Puts a connection into the table, after the policy has had its say.
pub(in crate::hub) async fn register<R: Runtime>(hub: &Hub<R>, me: &Task<R>, client: &Client<R>) {
    let lock = hub.lock.lock(me).await;
    hub.admit(me, client);
    lock.unlock(me);
}

/// Ends a connection, and takes it from the table.
pub(in crate::hub) async fn leave<R: Runtime>(hub: &Hub<R>, me: &Task<R>, client: &Client<R>) {
    let lock = hub.lock.lock(me).await;
    client.bound().socket.obey(me);
    hub.dismiss(me, client);
    lock.unlock(me);
}

/// Kicks a user off a platform.
pub(in crate::hub) async fn kick_user_offline<R: Runtime>(
    hub: &Hub<R>,
    me: &Task<R>,
    user: User,
    platform: Platform,
) {
    let lock = hub.lock.lock(me).await;
    for client in hub.get(user, platform).1 {
        client.order(hub, me, Cause::Admin(user, platform));
    }
    lock.unlock(me);
}

/// Kicks those whom a login on another node kicks. The newest session here that kicks it, if there is one.
pub(in crate::hub) async fn multi_terminal_login_check<R: Runtime>(
    hub: &Hub<R>,
    me: &Task<R>,
    newcomer: Login,
) -> Option<Login> {
    let lock = hub.lock.lock(me).await;
    let newer = hub.make_way_for(me, newcomer);
    lock.unlock(me);
    newer
}

/// Orders every connection to end, and every one that is still to come.
pub(in crate::hub) async fn stop<R: Runtime>(hub: &Hub<R>, me: &Task<R>) {
    let lock = hub.lock.lock(me).await;
    me.note(|| "accept nobody any more, and order all to end".to_owned());
    hub.refuse();
    hub.order_all(me, By::Stop);
    lock.unlock(me);
}
