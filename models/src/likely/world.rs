//! One run: accounts that come and go, until the hub hangs or the time is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use turnstile::hub::{self, By, Design, Hub, Settings, Socket, Version, Write};
use turnstile::policy::Policy;
use turnstile::session::{Connection, Login, Platform, Token, User};
use turnstile::waits::Knot;
use turnstile::{Name, Task};

use crate::clock::Clock;

/// What a run is asked.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct World {
    /// The hub's design.
    pub design: Design,
    /// The OpenIM version whose steps it follows, and whose calls it makes.
    pub version: Version,
    /// Capacity of its channels.
    pub capacity: usize,
    /// How many accounts there are. Each logs in again once it has left.
    pub accounts: u32,
    /// Logins per second of all accounts together, while they can.
    pub rate: f64,
    /// How long each call to a service takes which the hub's loop makes.
    pub service: Duration,
    /// How long a session lasts on average, from its registration to its end.
    pub talk: Duration,
    /// The longest run, in virtual time.
    pub horizon: Duration,
}

impl Default for World {
    /// The post's: channels of 1000, 100 accounts.
    fn default() -> Self {
        World {
            design: Design::SingleSelect,
            version: Version::V3_5_1,
            capacity: 1000,
            accounts: 100,
            rate: 100.0,
            service: Duration::from_millis(2),
            talk: Duration::from_millis(5),
            horizon: Duration::from_secs(3600),
        }
    }
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// The hub hangs, since this moment.
    Hangs(Duration, Knot),
    /// The program broke, at this moment.
    Breaks(Duration, String),
    /// It did not within the horizon.
    Goes,
}

/// What came of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// How it ended.
    pub end: End,
    /// How many sessions were registered with the hub.
    pub logins: u64,
}

/// How long it takes a client to connect, and to leave, on average.
const ON_THE_WAY: Duration = Duration::from_millis(1);

/// What all accounts share.
struct Crowd {
    clock: Clock,
    hub: Hub<Clock>,
    world: World,
    connections: AtomicU32,
    logins: AtomicU64,
    /// When the next login is due, in nanoseconds.
    due: AtomicU64,
}

/// Runs a world once. The same seed makes the same run.
///
/// ```
/// use std::time::Duration;
/// use turnstile_models::likely::{End, World, simulate};
///
/// // Twice as many logins as the hub can serve: it hangs, for certain and soon.
/// let world = World { capacity: 10, rate: 500.0, ..World::default() };
/// let run = simulate(&world, 1);
/// let End::Hangs(when, knot) = &run.end else { panic!("{run:?}") };
/// assert!(*when < Duration::from_secs(60));
/// assert_eq!(knot.cycle[0].to_string(), "hub waits to send on unregister (10/10 full), which only hub drains");
/// assert_eq!(simulate(&world, 1), run);
/// ```
pub fn simulate(world: &World, seed: u64) -> Run {
    let clock = Clock::new(seed, world.service);
    let settings = Settings {
        design: world.design,
        version: world.version,
        policy: Policy::SameTerminal,
        capacity: world.capacity,
        lanes: 1,
        stops: false,
        node: 0,
    };
    let hub = Hub::start(&clock, settings);
    clock.these_are_the_loops();
    let crowd = Arc::new(Crowd {
        clock: clock.clone(),
        hub,
        world: *world,
        connections: AtomicU32::new(0),
        logins: AtomicU64::new(0),
        due: AtomicU64::new(0),
    });
    for n in 1..=world.accounts {
        let crowd = crowd.clone();
        Task::spawn(&clock, Name::of("account", n), async move |_| crowd.come_and_go(n).await);
    }
    let end = loop {
        clock.settle();
        if let Some(why) = clock.crash() {
            break End::Breaks(clock.now(), why);
        }
        if let Some(knot) = clock.stuck() {
            break End::Hangs(clock.now(), knot);
        }
        if !clock.tick(world.horizon) {
            break End::Goes;
        }
    };
    clock.end();
    Run { end, logins: crowd.logins.load(Ordering::Relaxed) }
}

impl Crowd {
    /// An account logs in whenever it is its turn, as long as nothing stops it.
    async fn come_and_go(self: &Arc<Self>, account: u32) {
        loop {
            let gap = self.clock.exponential(Duration::from_secs_f64(1.0 / self.world.rate));
            let gap = gap.as_nanos() as u64;
            let due = self.due.fetch_add(gap, Ordering::Relaxed) + gap;
            let wait = Duration::from_nanos(due).saturating_sub(self.clock.now());
            self.clock.sleep(wait).await;
            self.clock.sleep(self.clock.exponential(ON_THE_WAY)).await;
            self.session(account).await;
            self.clock.sleep(self.clock.exponential(ON_THE_WAY)).await;
        }
    }

    /// A session, until its peer has left. What the server does about that is a task of the server's.
    async fn session(self: &Arc<Self>, account: u32) {
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let login = Login {
            user: User(account),
            platform: Platform::Android,
            connection: Connection(number),
            token: Token(number),
        };
        let write = self.world.version.steps().write;
        let queued = write != Write::Direct && !self.world.design.orders();
        let socket = Socket::new(&self.clock, login.connection, queued, None);
        let registered = turnstile::sync::Signal::new(&self.clock, Name::of("registered", number));
        let (crowd, theirs, told) = (self.clone(), socket.clone(), registered.clone());
        Task::spawn(&self.clock, Name::of("connection", number), async move |me| {
            let client = crowd.hub.ws_handler(&me, login, theirs).await;
            crowd.logins.fetch_add(1, Ordering::Relaxed);
            told.raise(&me);
            if let Some(client) = client {
                crowd.hub.read_message(&me, &client).await;
            }
        });
        if queued {
            let theirs = socket.clone();
            Task::spawn(&self.clock, Name::of("writer", number), async move |me| {
                hub::writer(me, theirs, write).await;
            });
        }
        let me = Task { runtime: self.clock.clone(), name: Name::of("account", account) };
        registered.wait(&me).await;
        self.clock.sleep(self.clock.exponential(self.world.talk)).await;
        socket.end(&me, By::Peer);
    }
}
