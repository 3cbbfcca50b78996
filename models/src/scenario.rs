//! A scenario: the small world of hub, users and connections that is explored.

use std::collections::BTreeSet;

use serde::Serialize;
use turnstile::hub::{self, By, Census, Design, Hub, Log, Loops, Payload, Settings, Socket, Version, Write};
use turnstile::policy::Policy;
use turnstile::session::{Connection, Login, Platform, Token, User};
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
    /// Both.
    pub const ALL: [Peers; 2] = [Peers::Leave, Peers::Stay];

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

/// From which platforms a user's logins come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Platforms {
    /// All from the same one.
    Same,
    /// From two of one class, in turn.
    Class,
    /// From three of two classes, in turn.
    Mixed,
}

impl Platforms {
    /// All of them.
    pub const ALL: [Platforms; 3] = [Platforms::Same, Platforms::Class, Platforms::Mixed];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Platforms::Same => "same",
            Platforms::Class => "class",
            Platforms::Mixed => "mixed",
        }
    }

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Platforms::Same => "a user's logins are all from Android",
            Platforms::Class => "a user's logins are from Android and iOS in turn, which are of one class",
            Platforms::Mixed => "a user's logins are from Android, Windows and iOS in turn",
        }
    }

    fn of(self, login: u32) -> Platform {
        let among: &[Platform] = match self {
            Platforms::Same => &[Platform::Android],
            Platforms::Class => &[Platform::Android, Platform::Ios],
            Platforms::Mixed => &[Platform::Android, Platform::Windows, Platform::Ios],
        };
        among[login as usize % among.len()]
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
    /// How many connections each user has, all contending at once.
    pub logins: u32,
    /// Capacity of the hub's channels.
    pub capacity: u32,
    /// Whether peers leave.
    pub peers: Peers,
    /// From which platforms the logins of a user come.
    pub platforms: Platforms,
    /// All logins of a user come with the same token, as those of one client that reconnects.
    pub same_token: bool,
    /// How many tasks push a message to user 1, 0 to 2.
    pub pushers: u32,
    /// How many administrators kick user 1 off Android, 0 to 2.
    pub kickers: u32,
    /// On how many nodes the logins of a user come in turn, 1 or 2, each with a hub.
    pub nodes: u32,
    /// What is written to a socket goes through a writer task, where the version has it so.
    pub writers: bool,
    /// A stop signal comes, at any moment.
    pub stop: bool,
    /// How many lanes there are, 1 to 4; `lanes`.
    pub lanes: u32,
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
            platforms: Platforms::Same,
            same_token: false,
            pushers: 0,
            kickers: 0,
            nodes: 1,
            writers: false,
            stop: false,
            lanes: 1,
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
            ("--pushers", self.pushers, 0, 2),
            ("--kickers", self.kickers, 0, 2),
            ("--nodes", self.nodes, 1, 2),
            ("--lanes", self.lanes, 1, 4),
        ];
        for (what, is, least, most) in rules {
            if !(least..=most).contains(&is) {
                return Err(format!("{what} is {is}; it can be {least} to {most}"));
            }
        }
        if self.policy == Policy::SameClass && !self.version.steps().rules.same_class {
            return Err(format!("{} has no policy same-class; take v3.8.3 or main", self.version.name()));
        }
        if self.nodes > 1 && self.stop {
            return Err("--stop is for one node; take --nodes 1".to_owned());
        }
        if self.lanes > 1 && self.design != Design::Lanes {
            return Err(format!("--lanes is for the design lanes; this is {}", self.design.name()));
        }
        Ok(())
    }

    /// Says whether loom's five threads are enough: one for each loop and connection, and one for all peers.
    ///
    /// # Errors
    /// How many threads it takes.
    pub fn validate_for_loom(&self) -> Result<(), String> {
        let loops = self.nodes
            * match self.design.loops() {
                Loops::One => 1,
                Loops::Two => 2,
                Loops::Lanes => self.lanes,
                Loops::None => 0,
            };
        let senders = if self.design == Design::SpawnedSend { self.connections() } else { 0 };
        let checks = if self.nodes > 1 { self.connections() } else { 0 };
        let writers = if self.queues() { self.connections() } else { 0 };
        let others = self.pushers + self.kickers + u32::from(self.stop) + senders + checks + writers;
        let threads = loops + self.connections() + u32::from(self.peers == Peers::Leave) + others;
        if threads > 5 {
            return Err(format!(
                "loom has 5 threads, this world needs {threads}: {loops} for the hub, {} for the connections{}{}; take fewer \
                 connections, or --engine exhaustive",
                self.connections(),
                if self.peers == Peers::Leave { ", 1 for the peers" } else { "" },
                if others > 0 { format!(", {others} for others") } else { String::new() }
            ));
        }
        Ok(())
    }

    fn login(&self, connection: u32) -> Login {
        // The connections of one user are numbered in a row.
        let user = User((connection - 1) / self.logins + 1);
        Login {
            user,
            platform: self.platforms.of((connection - 1) % self.logins),
            connection: Connection(connection),
            token: Token(if self.same_token { user.0 } else { connection }),
        }
    }

    /// Whether writes go through writer tasks.
    fn queues(&self) -> bool {
        self.writers && self.version.steps().write != Write::Direct
    }
}

/// The world of a scenario.
pub struct World<R: Runtime> {
    hubs: Vec<Hub<R>>,
    sockets: Vec<(Login, Socket<R>)>,
}

/// What can be seen of a scenario at rest.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sight {
    /// What the hub of each node believes.
    pub nodes: Vec<Census>,
    /// The connections.
    pub connections: Vec<Seen>,
}

/// What can be seen of a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Seen {
    /// Who logged in on it.
    pub login: Login,
    /// Its socket is open.
    pub open: bool,
    /// What happened to it.
    pub log: Log,
}

impl Sight {
    /// The connections in the tables.
    pub fn registered(&self) -> BTreeSet<Connection> {
        self.nodes.iter().flat_map(Census::registered).collect()
    }

    /// The connections whose socket is open.
    pub fn open(&self) -> impl Iterator<Item = &Seen> {
        self.connections.iter().filter(|seen| seen.open)
    }
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
            permutations(users)
                .into_iter()
                .flat_map(|user| rows.iter().map(|row| (user.clone(), row.clone())).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let factorial = |n: u32| (1..=n).product::<u32>();
        let fits = |users: u32, logins: u32| {
            users <= 4 && logins <= 4 && factorial(users) * factorial(logins).pow(users) <= 48
        };
        // Numbered nodes are no connections. Who is pushed to or kicked, and who shares a lane, is not like the others.
        if self.nodes > 1 {
            return Vec::new();
        }
        let users_differ = self.pushers + self.kickers > 0 || self.lanes > 1;
        let mut users = if users_differ { 1 } else { self.users };
        let mut logins = if self.platforms == Platforms::Same { self.logins } else { 1 };
        while !fits(users, logins) {
            if users > 2 || logins == 1 {
                users -= 1
            } else if logins > 1 {
                logins -= 1
            }
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
            lanes: self.lanes as usize,
            stops: self.stop,
            node: 0,
        };
        let hubs = match self.nodes {
            1 => vec![Hub::start(runtime, settings)],
            nodes => Hub::start_nodes(runtime, settings, nodes),
        };
        let socket = |n| Socket::new(runtime, Connection(n), self.queues(), None);
        let sockets: Vec<(Login, Socket<R>)> =
            (1..=self.connections()).map(|n| (self.login(n), socket(n))).collect();
        let own_peer = self.peers == Peers::Leave && !self.one_peer_task;
        let write = self.version.steps().write;
        for (login, socket) in &sockets {
            let number = login.connection.0;
            let node = (number - 1) % self.logins % self.nodes;
            let (hub, socket) = (hubs[node as usize].clone(), socket.clone());
            let writes = self.queues().then_some(write);
            Task::spawn(runtime, Name::of("connection", number), |me| {
                connection(hub, me, *login, socket, own_peer, writes)
            });
        }
        if self.peers == Peers::Leave && self.one_peer_task {
            let sockets = sockets.iter().map(|(_, socket)| socket.clone()).collect();
            Task::spawn(runtime, Name::one("peers"), |me| all_peers(me, sockets));
        }
        for pusher in 0..self.pushers {
            let hub = hubs[0].clone();
            let name = Name::one(["pusher", "second pusher"][pusher as usize]);
            Task::spawn(runtime, name, async move |me| {
                hub.push_to_user(&me, User(1), Payload::default()).await
            });
        }
        for kicker in 0..self.kickers {
            let hub = hubs[0].clone();
            let name = Name::one(["administrator", "second administrator"][kicker as usize]);
            Task::spawn(runtime, name, async move |me| {
                hub.kick_user_offline(&me, User(1), Platform::Android).await;
            });
        }
        if self.stop {
            let hub = hubs[0].clone();
            Task::spawn(runtime, Name::one("stop signal"), async move |me| hub.stop(&me).await);
        }
        World { hubs, sockets }
    }

    fn look<R: Runtime>(&self, world: &World<R>) -> Sight {
        world.look(true, true)
    }
}

impl<R: Runtime> World<R> {
    fn look(&self, logs: bool, counters: bool) -> Sight {
        let seen = |(login, socket): &(Login, Socket<R>)| Seen {
            login: *login,
            open: !socket.closed.peek(),
            log: if logs { socket.look() } else { Log::default() },
        };
        Sight {
            nodes: self.hubs.iter().map(|hub| hub.look(counters)).collect(),
            connections: self.sockets.iter().map(seen).collect(),
        }
    }
}

/// A scenario of which only some is looked at: an engine need not tell apart what differs in the rest alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    pub(crate) scenario: Scenario,
    /// Look at what happened to the connections.
    pub(crate) logs: bool,
    /// Look at the counters.
    pub(crate) counters: bool,
}

impl Model for Part {
    type World<R: Runtime> = World<R>;
    type Outcome = Sight;

    fn symmetries(&self) -> Vec<Vec<u32>> {
        self.scenario.symmetries()
    }

    fn start<R: Runtime>(&self, runtime: &R) -> World<R> {
        self.scenario.start(runtime)
    }

    fn look<R: Runtime>(&self, world: &World<R>) -> Sight {
        world.look(self.logs, self.counters)
    }
}

/// All orders of the numbers below `n`.
fn permutations(n: u32) -> Vec<Vec<u32>> {
    (0..n).fold(vec![Vec::new()], |shorter, last| {
        shorter
            .iter()
            .flat_map(|order| (0..=order.len()).map(move |at| [&order[..at], &[last], &order[at..]].concat()))
            .collect()
    })
}

/// Serves one connection. Its peer comes to the stage when the reader does: that it left before is nothing that anybody
/// could see before the reader reads.
async fn connection<R: Runtime>(
    hub: Hub<R>,
    me: Task<R>,
    login: Login,
    socket: Socket<R>,
    own_peer: bool,
    writes: Option<Write>,
) {
    if let Some(write) = writes {
        let (name, socket) = (Name::of("writer", login.connection.0), socket.clone());
        Task::spawn(&me.runtime, name, |me| hub::writer(me, socket, write));
    }
    let Some(client) = me.call(hub.ws_handler(&me, login, socket.clone())).await else { return };
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
        leaves.end(&me, By::Peer);
    }
}
