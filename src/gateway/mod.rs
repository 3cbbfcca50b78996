//! The gateway: the core on tokio, behind real sockets, with OpenIM's wire protocol in front and a store behind.
//!
//! A connection's way: [`listen`](self) accepts the socket, the upgrade checks handshake and token, and one task serves the
//! session: the hub's own functions for register, kick and unregister, beside a reader, which answers requests one after
//! another, and a writer, which takes what waits in the connection's line and flushes it at once. The hub hears of
//! nothing but its own events, and nothing that it does waits for store, presence or webhook.

mod admission;
mod api;
pub mod config;
mod counts;
mod histogram;
mod http;
mod line;
mod listen;
mod metrics;
mod online;
mod outgoing;
mod page;
mod push;
pub mod runtime;
mod secret;
mod service;
mod session;
mod status;
pub mod store;
pub mod token;
mod tokens;
mod upgrade;
pub mod watch;
mod webhook;
pub mod wire;

pub use counts::{Count, Counts, Requests};
pub use histogram::{Durations, Histogram};
pub use line::Close;
pub use secret::secret;
pub use tokens::Tokens;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::hub::{Cause, Client, Hub, Settings, Socket};
use crate::name::Name;
use crate::runtime::Task;
use crate::session::{Connection, Platform};
use admission::Admission;
use config::{Config, Limits};
use line::Line;
use online::Online;
use push::Pushers;
use runtime::Tokio;
use status::Followers;
use store::{Counting, Store, StoreError};
use tokens::Bearer;
use watch::{Alarms, Watchdog};
use webhook::Webhooks;

/// What the core runs on in a gateway.
#[cfg(not(feature = "unwatched"))]
type Core = Tokio<watch::Live>;
/// What it runs on where the probe's own cost is to be measured: nobody looks on.
#[cfg(feature = "unwatched")]
type Core = Tokio<()>;

/// How long the hub may take to stop once all have left.
const HUB_STOPS: Duration = Duration::from_millis(500);

/// A gateway that runs.
pub struct Gateway {
    config: Config,
    core: Core,
    tokio: Handle,
    watched: watch::Live,
    alarms: Alarms,
    hub: Hub<Core>,
    store: Arc<dyn Store>,
    tokens: Tokens,
    online: Online,
    followers: Followers,
    pushers: Pushers,
    webhooks: Webhooks,
    counts: Arc<Counts>,
    admission: Admission,
    api_admission: Admission,
    page_admission: Admission,
    live: Mutex<BTreeMap<u32, Live>>,
    next: AtomicU32,
    draining: AtomicBool,
    empty: Notify,
}

/// A connection that is served.
#[derive(Clone)]
struct Live {
    line: Arc<Line>,
    socket: Socket<Core>,
    /// Once the hub was told.
    client: Option<Client<Core>>,
}

/// Whether a user or a group may be called so.
///
/// No `_`: OpenIM joins IDs with it to the ID of a conversation, so `si_a_b_c` would be that of `a` and `b_c` and of `a_b` and `c`.
///
/// # Errors
/// Says what is wrong with it.
///
/// ```
/// assert!(turnstile::gateway::check_user("alice").is_ok());
/// assert!(turnstile::gateway::check_user("a_b").is_err());
/// ```
pub fn check_user(id: &str) -> Result<(), String> {
    let good = (1..=64).contains(&id.len()) && !id.chars().any(|c| c.is_control() || c == '_');
    if good {
        return Ok(());
    }
    Err(format!("{id:?} cannot be an ID: it must have 1 to 64 bytes, without control characters and `_`"))
}

/// Why a gateway did not start.
#[derive(Debug)]
pub enum StartError {
    /// An address cannot be listened on.
    Bind(SocketAddr, std::io::Error),
    /// The watchdog has no thread.
    Watchdog(std::io::Error),
    /// The store cannot be read.
    Store(StoreError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Bind(address, why) => {
                write!(
                    f,
                    "cannot listen on {address}: {why}; choose another with --listen, --api or --admin-page"
                )
            }
            StartError::Watchdog(why) => write!(f, "cannot start a thread for the watchdog: {why}"),
            StartError::Store(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

/// A gateway with its listeners.
pub struct Running {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where the HTTP API is.
    pub api: SocketAddr,
    /// Where the administrator's page is, with the metrics.
    pub admin_page: SocketAddr,
    listeners: Vec<JoinHandle<()>>,
    watchdog: Watchdog,
}

/// How a gateway has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    /// Connections that had not ended when the time was over.
    pub left: usize,
}

impl Gateway {
    /// Starts a gateway on this tokio runtime, with `key` to sign tokens.
    ///
    /// # Errors
    /// If an address cannot be listened on.
    pub async fn start(
        config: Config,
        store: Arc<dyn Store>,
        key: wire::Secret,
    ) -> Result<Running, StartError> {
        let bind = async |address| {
            let listener = TcpListener::bind(address).await.map_err(|why| StartError::Bind(address, why))?;
            let bound = listener.local_addr().map_err(|why| StartError::Bind(address, why))?;
            Ok((listener, bound))
        };
        let (clients, listen) = bind(config.listen).await?;
        let (calls, api) = bind(config.api).await?;
        let (looks, admin_page) = bind(config.admin_page).await?;
        let tokio = Handle::current();
        let counts = Arc::new(Counts::default());
        let store: Arc<dyn Store> = Arc::new(Counting::new(store, counts.clone()));
        let watched = watch::Live::with_service(Duration::from_micros(config.service_us));
        let alarms = Alarms::default();
        let watchdog =
            watch::start(&config, watched.clone(), alarms.clone()).map_err(StartError::Watchdog)?;
        #[cfg(not(feature = "unwatched"))]
        let probe = watched.clone();
        #[cfg(feature = "unwatched")]
        let probe = ();
        let core = Tokio::new(tokio.clone(), probe);
        let settings = Settings {
            design: config.design,
            version: config.version,
            policy: config.policy,
            capacity: config.capacity,
            lanes: config.lanes,
            stops: true,
            node: 0,
        };
        let gateway = Arc::new(Gateway {
            hub: Hub::start(&core, settings),
            tokens: Tokens::new(store.clone(), key, &config),
            online: Online::default(),
            followers: Followers::default(),
            pushers: Pushers::default(),
            webhooks: Webhooks::default(),
            counts,
            admission: Admission::default(),
            api_admission: Admission::default(),
            page_admission: Admission::default(),
            live: Mutex::default(),
            next: AtomicU32::new(1),
            draining: AtomicBool::new(false),
            empty: Notify::new(),
            core,
            tokio,
            watched,
            alarms,
            store,
            config,
        });
        push::start(&gateway);
        status::start(&gateway);
        webhook::start(&gateway);
        tokens::start(&gateway);
        let listeners = vec![
            tokio::spawn(listen::clients(gateway.clone(), clients)),
            tokio::spawn(listen::calls(gateway.clone(), calls)),
            tokio::spawn(listen::looks(gateway.clone(), looks)),
        ];
        Ok(Running { gateway, listen, api, admin_page, listeners, watchdog })
    }

    /// What it has counted.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Who waits for whom, now.
    pub fn glance(&self) -> watch::Glance {
        self.watched.glance()
    }

    /// Where the program broke, if it did: in Go, all of it would have ended there.
    pub fn crash(&self) -> Option<String> {
        self.watched.crash()
    }

    /// What the watchdog has to say.
    pub fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// How many connections are served.
    pub fn connections(&self) -> usize {
        self.live().len()
    }

    fn live(&self) -> MutexGuard<'_, BTreeMap<u32, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_admin(&self, bearer: &Bearer) -> bool {
        bearer.platform == Platform::Admin && bearer.user == self.config.admin
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// A number that no connection has.
    fn number(&self) -> Connection {
        let live = self.live();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number != 0 && !live.contains_key(&number) {
                return Connection(number);
            }
        }
    }

    fn task(&self, role: &'static str, number: u32) -> Task<Core> {
        Task { runtime: self.core.clone(), name: Name::of(role, number) }
    }

    /// How many connections wait for the hub: to come into the user table, and to be let go.
    fn pending(&self) -> (u64, u64) {
        let get = |count| self.counts.get(count);
        let dealt_with = get(Count::Registered) + get(Count::RefusedStopping);
        let gone = get(Count::Unregistered);
        (get(Count::Connected).saturating_sub(dealt_with), get(Count::Leaving).saturating_sub(gone))
    }

    /// Ends a user's sessions on a platform; the tokens for them are good no more.
    async fn force_logout(&self, user: &str, platform: Platform) -> Result<(), StoreError> {
        self.tokens.kick_all(user, platform).await?;
        if let Some(user) = self.online.number(user) {
            // By a task of its own: where a design can hang, the caller is not to hang with it.
            let (hub, me) = (self.hub.clone(), self.task("kicker", self.number().0));
            tokio::spawn(async move { hub.kick_user_offline(&me, user, platform).await });
        }
        Ok(())
    }

    /// A connection is in the user table.
    fn came_online(&self, line: &Line) {
        self.counts.add(Count::Registered);
        let came = self.online.add(&line.user, line.login);
        if came.same_platform && self.config.policy == crate::policy::Policy::SameTerminal {
            self.tokens.kick_others(&line.user, line.login.platform, line.login.token, &self.counts);
        }
        if came.changed {
            self.status_changed(&line.user);
        }
    }

    /// A connection is in the user table no more.
    fn went_offline(&self, line: &Line) {
        if self.online.remove(&line.user, line.login.connection) {
            self.status_changed(&line.user);
        }
    }

    fn status_changed(&self, user: &Arc<str>) {
        self.followers.changed(user, &self.counts);
        self.webhooks.status(user, &self.counts);
    }

    /// The hub kicks a connection.
    fn was_kicked(&self, line: &Line, cause: Cause) {
        self.counts.add(match cause {
            Cause::Login(_) => Count::KickedByLogin,
            Cause::Admin(..) => Count::KickedByAdministrator,
        });
        let spared = matches!(cause, Cause::Login(newcomer) if newcomer.token == line.login.token);
        if !spared {
            self.tokens.kick(line.login.token);
        }
        self.webhooks.kicked(&line.user, line.login.platform, &self.counts);
        self.went_offline(line);
    }
}

impl Running {
    /// Accepts nobody any more, tells the connections over a few seconds to come back elsewhere, and ends when they have, or when
    /// the time is over.
    pub async fn drain(self) -> Ended {
        let Running { gateway, listeners, watchdog, .. } = self;
        let limits = &gateway.config.limits;
        let deadline = Instant::now() + Limits::time(limits.shutdown_ms);
        gateway.draining.store(true, Ordering::SeqCst);
        let mut listeners = listeners.into_iter();
        // The API and the page stay until the end, to be asked how it goes.
        listeners.by_ref().take(1).for_each(|clients| clients.abort());
        let sessions: Vec<Live> = gateway.live().values().cloned().collect();
        tracing::info!(connections = sessions.len(), "draining");
        let spread = limits.shutdown_spread_ms.min(limits.shutdown_ms / 2);
        for live in sessions {
            let gateway = gateway.clone();
            let after = Duration::from_millis(fastrand::u64(0..=spread));
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                gateway.end(&live, Close::Restart);
            });
        }
        let all_left = async {
            loop {
                let left = gateway.empty.notified();
                if gateway.live().is_empty() {
                    return;
                }
                left.await;
            }
        };
        let hub = gateway.hub.clone();
        let stop = gateway.task("stop", 0);
        let left = match tokio::time::timeout_at(deadline, all_left).await {
            Ok(()) => 0,
            Err(_) => gateway.live().len(),
        };
        // Who waits for a hub that has ended waits in vain, as it is to be.
        drop(watchdog);
        // At v3.5.1 the loops never end, which is a finding and no reason to wait: nobody is left.
        if left == 0 && tokio::time::timeout(HUB_STOPS, hub.stop(&stop)).await.is_err() {
            tracing::warn!(version = gateway.config.version.name(), "the hub's loops have not ended");
        }
        listeners.for_each(|others| others.abort());
        gateway.tokens.settle().await;
        if let Err(why) = gateway.store.close().await {
            tracing::error!(%why, "the store did not end well");
        }
        Ended { left }
    }
}

impl Gateway {
    /// Has a connection's own task end it.
    fn end(&self, live: &Live, close: Close) {
        live.line.close_with(close);
        live.socket.closed.raise(&self.task("end", live.line.login.connection.0));
    }
}
