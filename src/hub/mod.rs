//! The session hub, faithful to OpenIM v3.5.1 (`internal/msggateway`), and its designs.
//!
//! `docs/MODEL.md` maps each step here to its function there. The steps and their names are those of the Go code.

mod client;
mod connection;
mod design;
mod events;
mod register;
pub mod single_select;
pub mod split_loops;
pub mod split_loops_shared;
mod unregister;

pub use client::{Binding, Client, Socket};
pub use connection::peer;
pub use design::{Design, Version};
pub use events::{Event, REGISTER, UNREGISTER};

use std::collections::BTreeSet;

use crate::name::Name;
use crate::policy::Policy;
use crate::registry::UserTable;
use crate::runtime::Runtime;
use crate::session::{Connection, User};
use crate::sync::{Channels, Counter, Pool, Shared};

/// How a hub is set up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Settings {
    /// The shape of its loop.
    pub design: Design,
    /// The OpenIM version whose steps it follows.
    pub version: Version,
    /// Who kicks whom.
    pub policy: Policy,
    /// Capacity of the register, unregister and kick-handler channels: 1000 in OpenIM.
    pub capacity: usize,
}

/// The hub: what its loops and the connections share. OpenIM's `WsServer`.
pub struct Hub<R: Runtime> {
    settings: Settings,
    channels: Channels<R, Event<R>>,
    users: Shared<R, UserTable<Client<R>>>,
    pool: Pool<R, Client<R>>,
    online_users: Counter<R>,
    online_connections: Counter<R>,
}

impl<R: Runtime> Clone for Hub<R> {
    fn clone(&self) -> Self {
        Hub {
            settings: self.settings,
            channels: self.channels.clone(),
            users: self.users.clone(),
            pool: self.pool.clone(),
            online_users: self.online_users.clone(),
            online_connections: self.online_connections.clone(),
        }
    }
}

impl<R: Runtime> Hub<R> {
    /// Makes a hub and starts its loops.
    pub fn start(runtime: &R, settings: Settings) -> Hub<R> {
        let hub = Hub {
            settings,
            channels: Channels::new(
                runtime,
                Name::one("hub channels"),
                events::specs(settings.capacity, settings.design),
            ),
            users: Shared::new(runtime, Name::one("user table"), UserTable::default()),
            pool: Pool::new(runtime, Name::one("client pool")),
            online_users: Counter::new(runtime, Name::one("online users")),
            online_connections: Counter::new(runtime, Name::one("online connections")),
        };
        match settings.design {
            Design::SingleSelect => single_select::start(&hub, runtime),
            Design::SplitLoops => split_loops::start(&hub, runtime),
            Design::SplitLoopsShared => split_loops_shared::start(&hub, runtime),
        }
        hub
    }

    /// Looks at the hub from outside, for reports and properties.
    pub fn look(&self) -> Census {
        let table = self.users.peek(|users| {
            let row = |clients: &[Client<R>]| clients.iter().map(|c| c.binding().login.connection).collect();
            users.rows().map(|(user, clients)| (user, row(clients))).collect()
        });
        Census {
            table,
            online_users: self.online_users.peek(),
            online_connections: self.online_connections.peek(),
        }
    }
}

/// What a hub believes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Census {
    /// The user table: the connections that each row's clients speak for now.
    pub table: Vec<(User, Vec<Connection>)>,
    /// The counter of users online.
    pub online_users: i64,
    /// The counter of connections online.
    pub online_connections: i64,
}

impl Census {
    /// The connections in the table.
    pub fn registered(&self) -> BTreeSet<Connection> {
        self.table.iter().flat_map(|(_, row)| row.iter().copied()).collect()
    }
}
