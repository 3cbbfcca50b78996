//! The post's stress program: accounts that connect, send a message, receive the reply and disconnect, over and over.
//!
//! A [`Plan`] says how many there are and how they behave, a [`Target`] where the server is, and a [`Report`] what came of it:
//! how long each [`Phase`] took, what failed, and, if everything stopped, which phase stopped and in which words one would
//! complain about it. What is watched meanwhile comes as [`Sample`]s.

mod account;
mod held;
mod report;
mod server;
mod tally;

pub use report::{Failed, Latency, Report, Sample, Stall};
pub use server::{Watch, online};
pub use tally::{Failure, Phase, Waiting};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

use crate::client::Http;
use crate::client::Place;
use crate::gateway::wire::Secret;
use crate::session::Platform;
use account::Account;
use report::Watcher;
use tally::Tally;

/// How long an account waits after it was refused, so that it does not only ask and ask.
const BACK_OFF: Duration = Duration::from_millis(100);
/// How often is looked how it goes.
const LOOK: Duration = Duration::from_millis(250);
/// How long it may take to register all accounts and to get their tokens.
const PREPARES: Duration = Duration::from_secs(60);
/// How many calls to the API are under way at once.
const CALLS: usize = 16;
/// How many users one call names.
const NAMED: usize = 500;

/// How a storm goes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many accounts there are.
    pub users: u64,
    /// How many logins of each account come and go at once, and so fight for it.
    pub contenders: u64,
    /// Cycles/s that begin, whatever comes back; without it, each account begins again when it is done.
    pub rate: Option<f64>,
    /// Which share of the accounts leaves by a reset, from 0 to 1.
    pub reset: f64,
    /// How many sockets fall silent halfway.
    pub half_open: u64,
    /// How many readers take nothing of what is pushed to them.
    pub slow: u64,
    /// The platforms that logins take in turn.
    pub platforms: Vec<Platform>,
    /// Whether messages are stored.
    pub history: bool,
    /// How long it lasts.
    pub time: Duration,
    /// How many cycles it has at most.
    pub cycles: Option<u64>,
    /// How long a phase may take until the account gives up.
    pub patience: Duration,
    /// How long no cycle may come to its end until that is a stall; less than `patience`.
    pub stall: Duration,
    /// What the names of the accounts begin with.
    pub prefix: String,
    /// The user who may get tokens for others.
    pub admin: String,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            users: 100,
            contenders: 1,
            rate: None,
            reset: 0.0,
            half_open: 0,
            slow: 0,
            platforms: vec![Platform::Linux],
            history: true,
            time: Duration::from_secs(30),
            cycles: None,
            patience: Duration::from_secs(5),
            stall: Duration::from_secs(3),
            prefix: "storm".to_owned(),
            admin: "imAdmin".to_owned(),
        }
    }
}

impl Plan {
    /// The name of a user. OpenIM joins names with `_`, so there is none in it.
    fn name(&self, role: &str, n: u64) -> String {
        format!("{}{role}{n}", self.prefix)
    }

    /// How many sockets it may have open at once, calls to the API among them.
    pub fn sockets(&self) -> u64 {
        let pusher = u64::from(self.slow > 0);
        let logins = self.users.saturating_mul(self.contenders);
        logins.saturating_add(self.half_open).saturating_add(self.slow).saturating_add(pusher + CALLS as u64)
    }

    /// Whether it can be.
    ///
    /// # Errors
    /// Says what is wrong and what to do.
    pub fn check(&self, sockets: u64) -> Result<(), String> {
        let share = |what: bool, words: &str| if what { Ok(()) } else { Err(words.to_owned()) };
        share(self.users > 0 && self.contenders > 0, "there must be at least one account and one contender")?;
        share((0.0..=1.0).contains(&self.reset), "the share of resets is from 0 to 1")?;
        share(
            self.rate.is_none_or(|rate| rate > 0.0 && rate <= 1e6),
            "the rate is above 0 and at most 1000000",
        )?;
        share(!self.platforms.is_empty(), "there must be at least one platform")?;
        share(self.cycles != Some(0), "there must be at least one cycle")?;
        share(!self.stall.is_zero() && self.stall < self.patience, "--stall must be less than --patience")?;
        let wants = self.sockets();
        share(
            wants <= sockets,
            &format!(
                "this takes {wants} sockets and {sockets} may be open; take fewer, or raise --max-sockets"
            ),
        )
    }
}

/// A server to storm. Whoever has one has looked up each address, and nobody asks the resolver again.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where clients connect.
    pub ws: Place,
    /// Where the HTTP API is.
    pub api: Place,
    /// Where the admin page is, if the server has one.
    pub admin: Option<Place>,
    /// The server's secret, with which an administrator gets tokens.
    pub secret: Secret,
}

impl Target {
    /// Looks up the servers of these URLs. Unless `foreign` is set, each must be on this machine.
    ///
    /// # Errors
    /// Names the URL that is not on this machine, or cannot be found.
    pub async fn find(
        ws: &str,
        api: &str,
        admin: Option<&str>,
        secret: Secret,
        foreign: bool,
    ) -> Result<Target, String> {
        let ws = Place::find(ws, "ws", foreign).await?;
        let api = Place::find(api, "http", foreign).await?;
        let admin = match admin {
            Some(url) => Some(Place::find(url, "http", foreign).await?),
            None => None,
        };
        Ok(Target { ws, api, admin, secret })
    }
}

/// A storm that goes on.
struct Storm {
    plan: Plan,
    target: Target,
    api: Http,
    tally: Tally,
    /// How many cycles were begun, or are to be next.
    begun: AtomicU64,
    /// Nobody begins again: everything has stopped, and it is looked whether those who wait can leave.
    holds: AtomicBool,
}

/// Storms a server, and tells `look` how it goes several times a second.
///
/// It ends when its time is over, when it has had its cycles, when `stop` says so, or some time after everything has stopped:
/// long enough to see whether those who give up can leave. A server where everything fails that once went well has stopped, too.
///
/// # Errors
/// If no tokens can be had in time, or nothing at all came to its end.
pub async fn run(
    plan: Plan,
    target: Target,
    mut stop: watch::Receiver<bool>,
    mut look: impl FnMut(&Sample),
) -> Result<Report, String> {
    let place = target.api.clone();
    let prepared = tokio::select! {
        prepared = timeout(PREPARES, prepare(plan, target)) => prepared,
        Ok(_) = stop.wait_for(|stop| *stop) => {
            return Err("interrupted while the accounts were registered; nothing was stormed".to_owned());
        }
    };
    let (storm, cast) = prepared.map_err(|_| {
        format!(
            "{place}: the accounts have no tokens after {} s; take fewer, or look how the server is",
            PREPARES.as_secs()
        )
    })??;
    let server = storm.target.admin.clone().map(|place| Watch::new(place, storm.api.token.clone()));
    let (end, ends) = watch::channel(false);
    let mut talkers = JoinSet::new();
    let mut held = storm.hold(&cast, &ends);
    let began = Instant::now();
    for account in cast.accounts {
        talkers.spawn(storm.clone().talk(account, began, ends.clone()));
    }
    let mut watcher = Watcher::new(&storm, began, server);
    look(watcher.look().await);
    let time_is_over = tokio::time::Instant::from_std(began + storm.plan.time);
    loop {
        tokio::select! {
            // All have had their cycles.
            None = join_all(&mut talkers), if !talkers.is_empty() => break,
            () = sleep_until(time_is_over), if !watcher.stalls() && !watcher.doubts() => break,
            _ = stop.wait_for(|stop| *stop) => break,
            () = sleep(LOOK) => {
                look(watcher.look().await);
                if watcher.has_seen_enough() {
                    break;
                }
            }
        }
    }
    let seconds = began.elapsed();
    watcher.look().await;
    watcher.conclude();
    end.send_replace(true);
    // Those who are halfway round may come to the end, unless nothing moves any more.
    if !watcher.stalls() {
        let _ = timeout(storm.plan.patience, join_all(&mut talkers)).await;
    }
    let unfinished = storm.tally.waiting();
    talkers.shutdown().await;
    let (mut half_open, mut slow) = (held::Ends::new(), held::Ends::new());
    while let Some(ended) = held.join_next().await {
        match ended {
            Ok((true, how)) => *half_open.entry(how).or_default() += 1,
            Ok((false, how)) => *slow.entry(how).or_default() += 1,
            Err(_) => {}
        }
    }
    let still_online = storm.still_online(&cast.users).await;
    watcher.report(seconds, unfinished, half_open, slow, still_online)
}

/// Registers those who take part.
async fn prepare(plan: Plan, target: Target) -> Result<(Arc<Storm>, Cast), String> {
    let token = administrator(&target, &plan.admin).await?;
    let storm = Arc::new(Storm {
        api: Http { place: target.api.clone(), token },
        plan,
        target,
        tally: Tally::default(),
        begun: AtomicU64::new(0),
        holds: AtomicBool::new(false),
    });
    let cast = storm.cast().await?;
    Ok((storm, cast))
}

/// A token of an administrator, for the secret.
///
/// # Errors
/// If the server does not take the secret, or is no OpenIM.
pub async fn administrator(target: &Target, admin: &str) -> Result<Secret, String> {
    let api = Http { place: target.api.clone(), token: Secret::default() };
    let asked = json!({ "secret": target.secret.reveal(), "userID": admin });
    let data = api.must("/auth/get_admin_token", asked).await?;
    let token = data["token"].as_str().map(Secret::from);
    token.ok_or_else(|| format!("{}: no token of an administrator comes", target.api))
}

/// Waits for all of them; `None` when there are no more.
async fn join_all(tasks: &mut JoinSet<()>) -> Option<()> {
    while tasks.join_next().await.is_some() {}
    None
}

/// Who takes part.
struct Cast {
    users: Vec<String>,
    accounts: Vec<Account>,
    half_open: Vec<Account>,
    slow: Vec<Account>,
    pusher: Option<Account>,
}

impl Storm {
    fn platform(&self, n: u64) -> Platform {
        self.plan.platforms[n as usize % self.plan.platforms.len()]
    }

    /// Registers those who take part, and gets a token for each.
    async fn cast(&self) -> Result<Cast, String> {
        let plan = &self.plan;
        let talkers = (0..plan.users).flat_map(|user| (0..plan.contenders).map(move |nth| (user, nth)));
        let talker = |(user, nth): (u64, u64)| {
            // The neighbour's, so that somebody is pushed to.
            let peer = self.plan.name("", (user + 1) % plan.users);
            (self.plan.name("", user), self.platform(user + nth), peer)
        };
        let mut wanted: Vec<(String, Platform, String)> = talkers.map(talker).collect();
        let logins = wanted.len();
        let other = |role: &str, n: u64| (self.plan.name(role, n), self.platform(n), String::new());
        // A third of those who fall silent do so after they have logged in; the others never say who they are.
        wanted.extend((0..plan.half_open).map(|n| other("half", n)));
        wanted.extend((0..plan.slow).map(|n| other("slow", n)));
        wanted.extend((plan.slow > 0).then(|| other("pusher", 0)));
        let mut users: Vec<String> = wanted.iter().map(|(user, ..)| user.clone()).collect();
        users.dedup();
        for some in users.chunks(NAMED) {
            let some: Vec<_> = some.iter().map(|user| json!({ "userID": user, "nickname": user })).collect();
            // Whom OpenIM knows already it refuses, together with the others; they are users all the same.
            let _ = self.api.call("/user/user_register", json!({ "users": some })).await?;
        }
        // Logins of one user and platform share a token, as devices that come back do.
        let mut of: Vec<(String, Platform)> =
            wanted.iter().map(|(user, platform, _)| (user.clone(), *platform)).collect();
        of.sort();
        of.dedup();
        let tokens: std::collections::BTreeMap<(String, Platform), Secret> = stream::iter(of)
            .map(|(user, platform)| async move {
                let token = self.token(&user, platform).await?;
                Ok::<_, String>(((user, platform), token))
            })
            .buffer_unordered(CALLS)
            .try_collect()
            .await?;
        let mut accounts: Vec<Account> = wanted
            .into_iter()
            .map(|(user, platform, peer)| {
                let token = tokens[&(user.clone(), platform)].clone();
                Account { user, platform, token, peer }
            })
            .collect();
        let mut rest = accounts.split_off(logins).into_iter();
        let half_open = rest.by_ref().take(plan.half_open as usize).collect();
        let slow = rest.by_ref().take(plan.slow as usize).collect();
        Ok(Cast { users, accounts, half_open, slow, pusher: rest.next() })
    }

    /// Comes and goes until the end.
    async fn talk(self: Arc<Self>, mut account: Account, began: Instant, mut end: watch::Receiver<bool>) {
        while !*end.borrow() {
            if self.holds.load(Ordering::Relaxed) {
                sleep(LOOK / 4).await;
                continue;
            }
            let nth = self.begun.fetch_add(1, Ordering::Relaxed);
            if self.plan.cycles.is_some_and(|cycles| nth >= cycles) {
                return;
            }
            let due = match self.plan.rate {
                None => Instant::now(),
                Some(rate) => began + Duration::from_secs_f64(nth as f64 / rate),
            };
            tokio::select! {
                biased;
                () = sleep_until(due.into()) => {}
                _ = end.wait_for(|end| *end) => return,
            }
            self.cycle(&mut account, due).await;
        }
    }

    /// Starts those who do not talk; each says whether it is a half-open socket, and how it ended.
    fn hold(self: &Arc<Self>, cast: &Cast, ends: &watch::Receiver<bool>) -> JoinSet<(bool, String)> {
        let mut held = JoinSet::new();
        for (n, account) in cast.half_open.iter().cloned().enumerate() {
            let (storm, ends) = (self.clone(), ends.clone());
            held.spawn(async move { (true, storm.half_open(n as u64, account, ends).await) });
        }
        for account in cast.slow.iter().cloned() {
            let (storm, ends) = (self.clone(), ends.clone());
            held.spawn(async move { (false, storm.slow(account, ends).await) });
        }
        if let Some(account) = cast.pusher.clone() {
            let (storm, ends) = (self.clone(), ends.clone());
            tokio::spawn(async move { storm.push(account, storm.plan.slow, ends).await });
        }
        held
    }
}
