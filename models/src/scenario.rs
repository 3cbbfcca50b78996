//! A scenario: the small world of hub, users and connections that is explored.

use std::collections::BTreeSet;

use serde::Serialize;
use turnstile::hub::{self, Census, Design, Hub, Settings, Socket, Version};
use turnstile::policy::Policy;
use turnstile::session::{Connection, Login, Platform, User};
use turnstile::{Name, Runtime, Task};

use crate::model::Model;

/// Whether peers may close their sockets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Peers {
    /// Each peer leaves at any moment after its connection was accepted, or never.
    Leave,
    /// No peer ever leaves.
    Stay,
}

impl Peers {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Peers::Leave => "leave",
            Peers::Stay => "stay",
        }
    }

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Peers::Leave => "each peer closes its socket at any moment, or never",
            Peers::Stay => "no peer ever closes its socket",
        }
    }
}

/// A hub and the connections that contend for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Scenario {
    /// The hub's design.
    pub design: Design,
    /// The OpenIM version it follows.
    pub version: Version,
    /// Who kicks whom.
    pub policy: Policy,
    /// How many users there are.
    pub users: u32,
    /// How many connections each user has, all contending at once, all from the same platform.
    pub logins: u32,
    /// Capacity of the hub's channels.
    pub capacity: u32,
    /// Whether peers leave.
    pub peers: Peers,
    /// One task plays all the peers, in any order and number, as an engine with few threads needs. Their steps are the same.
    pub one_peer_task: bool,
}

impl Default for Scenario {
    /// The smallest world that hangs: two logins of one user, capacity 1.
    fn default() -> Self {
        Scenario {
            design: Design::SingleSelect,
            version: Version::V3_5_1,
            policy: Policy::SameTerminal,
            users: 1,
            logins: 2,
            capacity: 1,
            peers: Peers::Leave,
            one_peer_task: false,
        }
    }
}

impl Scenario {
    /// How many connections there are.
    pub fn connections(&self) -> u32 {
        self.users * self.logins
    }

    /// Says what is wrong with it, if anything.
    ///
    /// # Errors
    /// The first thing that is wrong, and what would be right.
    pub fn validate(&self) -> Result<(), String> {
        let rules = [
            ("--users", self.users, 1, 10_000),
            ("--logins", self.logins, 1, 10_000),
            ("--capacity", self.capacity, 0, 100_000),
            ("users x logins", self.users.saturating_mul(self.logins), 1, 20_000),
        ];
        for (what, is, least, most) in rules {
            if !(least..=most).contains(&is) {
                return Err(format!("{what} is {is}; it can be {least} to {most}"));
            }
        }
        Ok(())
    }

    /// Says whether loom's five threads are enough: one for each loop and connection, and one for all peers.
    ///
    /// # Errors
    /// How many threads it takes.
    pub fn validate_for_loom(&self) -> Result<(), String> {
        let loops = if self.design.register_loop() == self.design.unregister_loop() { 1 } else { 2 };
        let threads = loops + self.connections() + u32::from(self.peers == Peers::Leave);
        if threads > 5 {
            return Err(format!(
                "loom has 5 threads, this world needs {threads}: {loops} for the hub, {} for the connections{}; take fewer \
                 connections, or --engine exhaustive",
                self.connections(),
                if self.peers == Peers::Leave { ", 1 for the peers" } else { "" }
            ));
        }
        Ok(())
    }

    fn login(&self, connection: u32) -> Login {
        // The connections of one user are numbered in a row.
        let user = User((connection - 1) / self.logins + 1);
        Login { user, platform: Platform::Android, connection: Connection(connection) }
    }
}

/// The world of a scenario.
pub struct World<R: Runtime> {
    hub: Hub<R>,
    sockets: Vec<(Login, Socket<R>)>,
}

/// What can be seen of a scenario at rest.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sight {
    /// What the hub believes.
    pub census: Census,
    /// Who logged in on which connection.
    pub logins: Vec<Login>,
    /// The connections whose socket is open.
    pub open: BTreeSet<Connection>,
}

impl Model for Scenario {
    type World<R: Runtime> = World<R>;
    type Outcome = Sight;

    /// Users are interchangeable, and so are the connections of one user.
    fn symmetries(&self) -> Vec<Vec<u32>> {
        // More than a few dozen renumberings cost more than they save; a subgroup is as good.
        let all = |users: u32, logins: u32| {
            let of_logins = permutations(logins);
            let each = |rows: Vec<Vec<Vec<u32>>>, _| -> Vec<Vec<Vec<u32>>> {
                let longer = |row: &Vec<Vec<u32>>| {
                    let row = row.clone();
                    of_logins.clone().into_iter().map(move |order| [row.as_slice(), &[order]].concat())
                };
                rows.iter().flat_map(longer).collect()
            };
            let rows = (0..users).fold(vec![Vec::new()], each);
            permutations(users).into_iter().flat_map(|user| {
                rows.iter().map(|row| (user.clone(), row.clone())).collect::<Vec<_>>()
            }).collect::<Vec<_>>()
        };
        let factorial = |n: u32| (1..=n).product::<u32>();
        let fits = |users: u32, logins: u32| {
            users <= 4 && logins <= 4 && factorial(users) * factorial(logins).pow(users) <= 48
        };
        let (mut users, mut logins) = (self.users, self.logins);
        while !fits(users, logins) {
            if users > 2 || logins == 1 { users -= 1 } else if logins > 1 { logins -= 1 }
        }
        let renumbering = |(user, row): (Vec<u32>, Vec<Vec<u32>>)| {
            (0..self.connections())
                .map(|at| {
                    let (u, l) = (at / self.logins, at % self.logins);
                    let image = |n: u32, by: &[u32]| by.get(n as usize).copied().unwrap_or(n);
                    let login = row.get(u as usize).map_or(l, |order| image(l, order));
                    image(u, &user) * self.logins + login + 1
                })
                .collect()
        };
        all(users, logins).into_iter().map(renumbering).collect()
    }

    fn start<R: Runtime>(&self, runtime: &R) -> World<R> {
        let settings = Settings {
            design: self.design,
            version: self.version,
            policy: self.policy,
            capacity: self.capacity as usize,
        };
        let hub = Hub::start(runtime, settings);
        let sockets: Vec<(Login, Socket<R>)> = (1..=self.connections())
            .map(|n| (self.login(n), Socket::new(runtime, Connection(n))))
            .collect();
        let own_peer = self.peers == Peers::Leave && !self.one_peer_task;
        for (login, socket) in &sockets {
            let (hub, socket) = (hub.clone(), socket.clone());
            let name = Name::of("connection", login.connection.0);
            Task::spawn(runtime, name, |me| connection(hub, me, *login, socket, own_peer));
        }
        if self.peers == Peers::Leave && self.one_peer_task {
            let sockets = sockets.iter().map(|(_, socket)| socket.clone()).collect();
            Task::spawn(runtime, Name::one("peers"), |me| all_peers(me, sockets));
        }
        World { hub, sockets }
    }

    fn look<R: Runtime>(&self, world: &World<R>) -> Sight {
        Sight {
            census: world.hub.look(),
            logins: world.sockets.iter().map(|(login, _)| *login).collect(),
            open: world
                .sockets
                .iter()
                .filter(|(_, socket)| !socket.closed.peek())
                .map(|(login, _)| login.connection)
                .collect(),
        }
    }
}

/// All orders of the numbers below `n`.
fn permutations(n: u32) -> Vec<Vec<u32>> {
    (0..n).fold(vec![Vec::new()], |shorter, last| {
        shorter
            .iter()
            .flat_map(|order| {
                (0..=order.len()).map(move |at| [&order[..at], &[last], &order[at..]].concat())
            })
            .collect()
    })
}

/// Serves one connection. Its peer comes to the stage when the reader does: that it left before is nothing that anybody
/// could see before the reader reads.
async fn connection<R: Runtime>(hub: Hub<R>, me: Task<R>, login: Login, socket: Socket<R>, own_peer: bool) {
    let client = me.call(hub.ws_handler(&me, login, socket.clone())).await;
    if own_peer {
        Task::spawn(&me.runtime, Name::of("peer", login.connection.0), |me| hub::peer(me, socket));
    }
    hub.read_message(&me, &client).await;
}

/// Plays all the peers: each step, one that is still there leaves.
async fn all_peers<R: Runtime>(me: Task<R>, mut sockets: Vec<Socket<R>>) {
    while !sockets.is_empty() && me.whim().await {
        let leaves = sockets.remove(me.choose(sockets.len()));
        me.note(|| "a peer leaves".to_owned());
        leaves.closed.raise(&me);
    }
}
