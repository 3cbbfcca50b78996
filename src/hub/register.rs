//! What a loop does with a client that has connected, and with a login on another node.

use super::Hub;
use super::client::Client;
use super::socket::Cause;
use crate::runtime::{Runtime, Task};
use crate::session::Login;

/// Who has logged in: read through the object whenever it is used, if it is a client here.
pub(super) enum Newcomer<'a, R: Runtime> {
    /// A client of this node.
    Here(&'a Client<R>),
    /// A login on another node.
    There(Login),
}

impl<R: Runtime> Newcomer<'_, R> {
    fn login(&self) -> Login {
        match self {
            Newcomer::Here(client) => client.bound().login,
            Newcomer::There(login) => *login,
        }
    }
}

impl<R: Runtime> Hub<R> {
    /// Puts a client into the table, after the policy has had its say, and tells the other nodes; `registerClient`.
    ///
    /// The calls to the user service and to the token store touch nothing that is modelled; see [`Runtime::call_service`].
    pub(super) async fn register_client(&self, me: &Task<R>, client: Client<R>) {
        let user_ok = me.call(self.make_way(me, &client)).await;
        self.set(me, &client).await;
        if !user_ok {
            self.online_users.add(me, 1);
        }
        self.online_connections.add(me, 1);
        me.apart(self.send_user_online_info_to_other_node(me, &client)).await;
        if self.settings.version.steps().tells_user_service {
            me.call_service("user service").await;
        }
    }

    /// Looks whether the user is there already, and if so lets the policy have its say.
    async fn make_way(&self, me: &Task<R>, client: &Client<R>) -> bool {
        me.turn().await;
        let Login { user, platform, .. } = client.bound().login;
        me.note(|| format!("look up {} in the table", client.name()));
        let (user_ok, old_clients) = self.get(user, platform);
        if user_ok {
            let newcomer = Newcomer::Here(client);
            me.apart(self.multi_terminal_login_checker(me, newcomer, old_clients)).await;
        }
        user_ok
    }

    /// Removes and kicks the older sessions that the policy says; `multiTerminalLoginChecker`. `old_clients` are those on the
    /// newcomer's platform.
    pub(super) async fn multi_terminal_login_checker(
        &self,
        me: &Task<R>,
        newcomer: Newcomer<'_, R>,
        old_clients: Vec<Client<R>>,
    ) {
        let (steps, policy) = (self.settings.version.steps(), self.settings.policy);
        // Read here through the object, as everything about a client; the step is the one that looked up the row.
        let login = newcomer.login();
        let kicked = |c: &Client<R>| policy.picks(&steps.rules, &login, &c.bound().login);
        let old_clients = if policy.reads_all(&steps.rules, &login) {
            me.call(self.all_that(me, &login, &kicked)).await
        } else {
            old_clients.into_iter().filter(kicked).collect()
        };
        if old_clients.is_empty() {
            return;
        }
        let emptied = me.call(self.delete_clients(me, || newcomer.login(), &old_clients)).await;
        if emptied && steps.kick_counts {
            self.online_users.add(me, -1);
        }
        for old in &old_clients {
            me.call(old.kick_online_message(self, me, Cause::Login(login))).await;
        }
        for service in steps.invalidates {
            me.call_service(service).await;
        }
    }

    /// Goes through all clients of the newcomer's user.
    async fn all_that(
        &self,
        me: &Task<R>,
        newcomer: &Login,
        wanted: &impl Fn(&Client<R>) -> bool,
    ) -> Vec<Client<R>> {
        me.turn().await;
        me.note(|| format!("list all clients of user {}", newcomer.user.0));
        let mut found = Vec::new();
        let Some(all) = self.get_all(newcomer.user) else { return found };
        for at in 0..all.len() {
            let client = self.client_at(me, &all, at).await;
            if wanted(&client) {
                found.push(client);
            }
        }
        self.gone_through(all);
        found
    }
}
