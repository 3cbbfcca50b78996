//! `turnstile storm`: the post's stress program.

use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use turnstile::gateway::config::Config;
use turnstile::gateway::secret;
use turnstile::gateway::wire::Secret;
use turnstile::session::Platform;
use turnstile::storm::{Phase, Plan, Sample, Target};

use super::{Wrong, beside, config, say, token};

/// Exit code if everything stopped.
pub(super) const STALLED: u8 = 3;
/// Exit code after a second Ctrl-C.
const INTERRUPTED: i32 = 130;
/// What a process needs beside its sockets.
const OTHER_FILES: u64 = 100;
/// The most sockets that are opened unless asked for.
const SOCKETS: u64 = 10_000;

/// Storms a server: each account connects, sends a message to its neighbour, receives the reply, disconnects, and begins again.
///
/// The phases, each measured: `connect` is TCP, upgrade and first frame; `reply` from the message to the server's answer to
/// it; `disconnect` from the close frame until the server has closed its side; `cycle` is all of that. The server may be a
/// turnstile or a real OpenIM; tokens come from its HTTP API, with its secret. Only servers on this machine are stormed, unless
/// --i-own-this-server says otherwise.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 it went on to the end; 3 everything stopped, and which phase is said; 1 it could not be done; \
64 bad usage; 130 interrupted twice, without a report.

Examples:
  turnstile storm
  turnstile storm --users 100 --contenders 2 --seconds 60
  turnstile storm --rate 200 --reset 0.3 --json
  turnstile storm --users 20 --half-open 30 --slow 10 --platforms mixed"
)]
pub(super) struct Storm {
    /// How many accounts there are.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    users: u64,
    /// How many logins of each account come and go at once, and so fight for it.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    contenders: u64,
    /// Open loop: so many cycles begin each second, whatever comes back; times are counted from when one was to begin.
    #[arg(long, value_name = "PER_SECOND")]
    rate: Option<f64>,
    /// Which share of the cycles ends by a reset instead of a close, from 0 to 1.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    reset: f64,
    /// How many sockets fall silent: after TCP, within the request, after the first frame.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=100_000))]
    half_open: u64,
    /// How many readers read nothing while much is pushed to them.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=100_000))]
    slow: u64,
    /// The platforms of the logins, in turn: `mixed`, or numbers from 1 to 11.
    #[arg(long, default_value = "7", value_delimiter = ',', value_name = "PLATFORM")]
    platforms: Vec<String>,
    /// Messages are pushed and not stored.
    #[arg(long)]
    no_history: bool,
    /// How long it lasts, at most an hour.
    #[arg(long, default_value_t = 30.0)]
    seconds: f64,
    /// How many cycles there are in all [default: as many as the time allows]
    #[arg(long)]
    cycles: Option<u64>,
    /// How many seconds a phase may take until the account gives up and tries to leave.
    #[arg(long, default_value_t = 5.0, value_name = "SECONDS")]
    patience: f64,
    /// For how many seconds no cycle may come to its end until that is a stall; less than --patience.
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    stall: f64,
    /// How many sockets may be open at once [default: 10000, or what the system allows]
    #[arg(long, value_name = "COUNT")]
    max_sockets: Option<u64>,
    /// What the names of the accounts begin with.
    #[arg(long, default_value = "storm")]
    prefix: String,
    /// Where clients connect [default: where the server of the data folder listens]
    #[arg(long, value_name = "WS_URL")]
    url: Option<String>,
    /// Where the HTTP API is [default: that of the server of the data folder]
    #[arg(long, value_name = "HTTP_URL")]
    api: Option<String>,
    /// The admin page, whose count of connections is watched [default: that of the server of the data folder, unless --url names another]
    #[arg(long, value_name = "HTTP_URL")]
    admin: Option<String>,
    /// The user who may get tokens for others [default: the configuration's `admin`]
    #[arg(long, value_name = "USER")]
    admin_user: Option<String>,
    /// The server's secret [default: that in the data folder, for a server on this machine]
    #[arg(long, env = "OPENIM_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// A configuration file [default: what the server has said in its data folder]
    #[arg(long)]
    config: Option<PathBuf>,
    /// The server's data folder [default: turnstile-data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The server is on another machine, and may be stormed.
    #[arg(long)]
    i_own_this_server: bool,
    /// Prints what came of it as one JSON object.
    #[arg(long)]
    json: bool,
}

impl Storm {
    pub(super) fn run(self) -> Result<ExitCode, Wrong> {
        let most = self.max_sockets.unwrap_or(SOCKETS).min(files().saturating_sub(OTHER_FILES));
        let config = match &self.config {
            Some(_) => config(self.config.as_deref(), Vec::new())?,
            None => beside(None, self.data.clone())?,
        };
        let plan = match self.plan(&config).and_then(|plan| plan.check(most).map(|()| plan)) {
            Ok(plan) => plan,
            Err(why) => return Ok(super::usage(&why)),
        };
        let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let code = tokio.block_on(self.storm(plan, &config));
        tokio.shutdown_background();
        code
    }

    fn plan(&self, config: &Config) -> Result<Plan, String> {
        let platforms: Result<Vec<Vec<Platform>>, String> = (self.platforms.iter())
            .map(|said| match said.as_str() {
                // What people have; the admin's is another matter, and the last is not in every version.
                "mixed" => Ok(Platform::ALL[..9].to_vec()),
                number => token::platform(number).map(|platform| vec![platform]),
            })
            .collect();
        let seconds = |what: &str, value: f64, most: f64| {
            if value > 0.0 && value <= most {
                return Ok(Duration::from_secs_f64(value));
            }
            Err(format!("--{what} is {value}; it must be above 0 and at most {most}"))
        };
        turnstile::gateway::check_user(&self.prefix).map_err(|why| format!("--prefix: {why}"))?;
        Ok(Plan {
            users: self.users,
            contenders: self.contenders,
            rate: self.rate,
            reset: self.reset,
            half_open: self.half_open,
            slow: self.slow,
            platforms: platforms.map_err(|why| format!("--platforms: {why}, or mixed"))?.concat(),
            history: !self.no_history,
            time: seconds("seconds", self.seconds, 3600.0)?,
            cycles: self.cycles,
            patience: seconds("patience", self.patience, 600.0)?,
            stall: seconds("stall", self.stall, 600.0)?,
            prefix: self.prefix.clone(),
            admin: self.admin_user.clone().unwrap_or_else(|| config.admin.clone()),
        })
    }

    async fn target(&self, config: &Config) -> Result<Target, String> {
        let key = match &self.secret {
            Some(key) => Secret::from(key.as_str()),
            None => {
                token::there(&config.data).map_err(|Wrong(why)| format!("{why}; or give --secret"))?;
                secret(&config.data)?
            }
        };
        let ws = self.url.clone().unwrap_or_else(|| format!("ws://{}", reachable(config.listen)));
        let api = self.api.clone().unwrap_or_else(|| format!("http://{}", reachable(config.api)));
        // That of the data folder's server is of no use for another one.
        let beside = self.url.is_none().then(|| format!("http://{}", reachable(config.admin_page)));
        let admin = self.admin.clone().or(beside);
        let target = Target::find(&ws, &api, admin.as_deref(), key, self.i_own_this_server).await?;
        let all = [Some(&target.ws), Some(&target.api), target.admin.as_ref()];
        let elsewhere = all.into_iter().flatten().find(|place| !place.is_here());
        if self.secret.is_none()
            && let Some(place) = elsewhere
        {
            return Err(format!(
                "{place} is another machine, and the data folder's secret is not for it; give its own with --secret. Nothing was sent"
            ));
        }
        Ok(target)
    }

    async fn storm(&self, plan: Plan, config: &Config) -> Result<ExitCode, Wrong> {
        let target = self.target(config).await.map_err(Wrong)?;
        let (stop, stops) = watch::channel(false);
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(async move {
            if interrupt.recv().await.is_some() {
                let _ = stop.send(true);
            }
            // Whoever asks twice does not want the report.
            if interrupt.recv().await.is_some() {
                std::process::exit(INTERRUPTED);
            }
            std::future::pending::<()>().await;
        });
        let bar = if std::io::stderr().is_terminal() { progress() } else { ProgressBar::hidden() };
        let report = turnstile::storm::run(plan, target, stops, |sample| bar.set_message(line(sample))).await;
        bar.finish_and_clear();
        let report = report.map_err(Wrong)?;
        if self.json {
            say(&format!("{}\n", serde_json::to_string(&report)?));
        } else {
            say(&report.text());
        }
        Ok(ExitCode::from(if report.stall.is_some() { STALLED } else { 0 }))
    }
}

/// A line that says how it goes.
pub(super) fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {wide_msg}").expect("a template that can be read"));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// How it goes, in a line.
pub(super) fn line(sample: &Sample) -> String {
    let Sample { seconds, cycles, per_second, failures, .. } = sample;
    let waiting = |phase| sample.waiting.get(&phase).map_or(0, |waiting| waiting.accounts);
    let [connect, reply, disconnect] = [Phase::Connect, Phase::Reply, Phase::Disconnect].map(waiting);
    let server = sample.connections.map(|count| format!(" · server counts {count}")).unwrap_or_default();
    let stalled = if sample.stalled { " · STOPPED" } else { "" };
    format!(
        "{seconds:.0} s · {cycles} cycles, {per_second:.0}/s · waiting: connect {connect}, reply {reply}, disconnect \
         {disconnect} · failed {failures}{server}{stalled}"
    )
}

/// Where to connect to who listens at all addresses.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// How many files this process may have open.
fn files() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    line.split_whitespace().next().and_then(|soft| soft.parse().ok()).unwrap_or(1024)
}
