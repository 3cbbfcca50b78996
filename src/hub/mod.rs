//! The session hub, faithful to OpenIM (`internal/msggateway`) at several versions, and its designs.
//!
//! `docs/MODEL.md` maps each step here to its function there. The steps and their names are those of the Go code.

mod calls;
mod channels;
mod client;
mod closing;
mod connection;
mod design;
mod designs;
mod events;
mod nodes;
mod order;
mod outlet;
mod register;
mod socket;
mod stop;
mod table;
mod unregister;
mod version;

pub use channels::ChannelState;
pub use client::{Binding, Client};
pub use connection::peer;
pub use design::{Design, Loops};
pub use events::{Event, REGISTER, UNREGISTER};
pub use nodes::Answer;
pub use outlet::{Outlet, Payload};
pub use socket::{By, Cause, Log, Message, Socket, writer};
pub use version::{FlagRead, Objects, Shutdown, Steps, Table, Version, Write};

use std::collections::BTreeSet;

use crate::name::Name;
use crate::policy::Policy;
use crate::runtime::{Runtime, Task};
use crate::session::{Connection, User};
use crate::sync::{Case, Channel, Channels, Chosen, Counter, Mutex, Pool, Shared};
use designs::lanes;
use register::Newcomer;
use stop::Stopping;
use table::Users;

/// How a hub is set up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Settings {
    /// The shape of its loop.
    pub design: Design,
    /// The OpenIM version whose steps it follows.
    pub version: Version,
    /// Who kicks whom.
    pub policy: Policy,
    /// Capacity of its channels: 1000 in OpenIM.
    pub capacity: usize,
    /// How many lanes `lanes` has, at least 1.
    pub lanes: usize,
    /// Whether it can be stopped.
    pub stops: bool,
    /// Which node it is, from 1; 0 if it is the only one.
    pub node: u32,
}

impl Settings {
    fn name(&self, role: &'static str) -> Name {
        Name::of(role, self.node)
    }

    fn loops(&self) -> usize {
        match self.design.loops() {
            Loops::One => 1,
            Loops::Two => 2,
            Loops::Lanes => self.lanes,
            Loops::None => 0,
        }
    }
}

/// The hub: what its loops and the connections share. OpenIM's `WsServer`.
pub struct Hub<R: Runtime> {
    settings: Settings,
    channels: Channels<R, Event<R>>,
    users: Shared<R, Users<Client<R>>>,
    pool: Pool<R, Client<R>>,
    online_users: Counter<R>,
    online_connections: Counter<R>,
    /// `locked-table`.
    lock: Mutex<R>,
    /// `overflow-list`.
    overflow: Shared<R, Vec<Client<R>>>,
    stopping: Option<Stopping<R>>,
    /// The hubs of the other nodes; those do not know any others in turn.
    others: Vec<Hub<R>>,
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
            lock: self.lock.clone(),
            overflow: self.overflow.clone(),
            stopping: self.stopping.clone(),
            others: self.others.clone(),
        }
    }
}

impl<R: Runtime> Hub<R> {
    /// Makes a hub and starts its loops.
    pub fn start(runtime: &R, settings: Settings) -> Hub<R> {
        let hub = Hub::new(runtime, Settings { node: 0, ..settings });
        hub.start_loops(runtime);
        hub
    }

    /// Makes the hubs of several nodes, that tell one another of logins, and starts their loops.
    pub fn start_nodes(runtime: &R, settings: Settings, nodes: u32) -> Vec<Hub<R>> {
        let alone: Vec<Hub<R>> =
            (1..=nodes).map(|node| Hub::new(runtime, Settings { node, ..settings })).collect();
        let others = |node: u32| alone.iter().filter(move |hub| hub.settings.node != node).cloned().collect();
        let hubs: Vec<Hub<R>> =
            alone.iter().map(|hub| Hub { others: others(hub.settings.node), ..hub.clone() }).collect();
        hubs.iter().for_each(|hub| hub.start_loops(runtime));
        hubs
    }

    fn new(runtime: &R, settings: Settings) -> Hub<R> {
        let specs = match settings.design {
            Design::Lanes => lanes::specs(&settings),
            _ => events::specs(&settings).to_vec(),
        };
        let table = settings.version.steps().table;
        Hub {
            settings,
            channels: Channels::new(runtime, settings.name("hub channels"), specs),
            users: Shared::new(runtime, settings.name("user table"), Users::new(table)),
            pool: Pool::new(runtime, settings.name("client pool")),
            online_users: Counter::new(runtime, settings.name("online users")),
            online_connections: Counter::new(runtime, settings.name("online connections")),
            lock: Mutex::new(runtime, settings.name("lock of the table")),
            overflow: Shared::new(runtime, settings.name("list"), Vec::new()),
            stopping: settings.stops.then(|| Stopping::new(runtime, &settings)),
            others: Vec::new(),
        }
    }

    /// The task that drains the register channel.
    fn register_loop(&self) -> Name {
        self.settings.design.register_loop(self.settings.node)
    }

    /// The task that drains the unregister channel.
    fn unregister_loop(&self) -> Name {
        self.settings.design.unregister_loop(self.settings.node)
    }

    /// Sends an event to a loop; waits while the channel is full.
    async fn send(&self, me: &Task<R>, channel: Channel, event: Event<R>) {
        if let Err(closed) = self.channels.send(me, channel, event).await {
            me.runtime.crash(me.name, &closed.to_string());
        }
    }

    /// The next event on one of some channels; `None` if one of them is closed.
    async fn next(&self, me: &Task<R>, channels: &[Channel]) -> Option<Event<R>> {
        let cases = channels.iter().map(|c| Case::Receive(c.0)).collect();
        match self.channels.select(me, cases).await {
            Chosen::Received { value, .. } => value,
            _ => unreachable!("every case receives"),
        }
    }

    /// Closes a channel.
    async fn close(&self, me: &Task<R>, channel: Channel) {
        if let Err(closed) = self.channels.close(me, channel).await {
            me.runtime.crash(me.name, &closed.to_string());
        }
    }

    /// Does what an event asks of OpenIM's loop.
    async fn handle(&self, me: &Task<R>, event: Event<R>) {
        match event {
            Event::Register(client) => me.apart(self.register_client(me, client)).await,
            Event::Unregister(client) => me.apart(self.unregister_client(me, client)).await,
            Event::Kick(old_clients, login) => {
                let newcomer = Newcomer::There(login);
                me.apart(self.multi_terminal_login_checker(me, newcomer, old_clients)).await;
            }
            Event::Check(..) | Event::Look | Event::Stop => {}
        }
    }

    /// Looks at the hub from outside, for reports and properties; at its counters only if asked, else they are 0 here.
    pub fn look(&self, counters: bool) -> Census {
        let table = self.users.peek(|users| {
            let row = |clients: &[Client<R>]| clients.iter().map(|c| c.binding().login.connection).collect();
            users.rows().into_iter().map(|(user, clients)| (user, row(&clients))).collect()
        });
        Census {
            table,
            online_users: if counters { self.online_users.peek() } else { 0 },
            online_connections: if counters { self.online_connections.peek() } else { 0 },
            loops: self.loops_running(),
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
    /// How many of its loops run; `None` if it cannot be stopped.
    pub loops: Option<usize>,
}

impl Census {
    /// The connections in the table.
    pub fn registered(&self) -> BTreeSet<Connection> {
        self.table.iter().flat_map(|(_, row)| row.iter().copied()).collect()
    }
}
