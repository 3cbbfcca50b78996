//! What a gateway is told: a TOML file, then the environment, then flags, each over the one before.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hub::{Design, Version};
use crate::policy::Policy;

/// Environment variables begin so; `TURNSTILE_LIMITS__CONNECTIONS=5` is `limits.connections = 5`.
pub const PREFIX: &str = "TURNSTILE_";

/// Everything that a gateway is told.
///
/// ```
/// use turnstile::gateway::config::Config;
///
/// let config = Config::read("policy = '4'\n[limits]\nconnections = 5", [], &[]).unwrap();
/// assert_eq!((config.policy.number(), config.limits.connections), (4, 5));
/// let unknown = Config::read("limit = 5", [], &[]).unwrap_err();
/// assert!(unknown.to_string().contains("unknown field `limit`"));
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where clients connect by WebSocket.
    pub listen: SocketAddr,
    /// Where the HTTP API is.
    pub api: SocketAddr,
    /// Where the administrator's page is, with the metrics.
    pub admin_page: SocketAddr,
    /// The folder of store and secret.
    pub data: PathBuf,
    /// The shape of the hub; `turnstile designs` lists them.
    #[serde(serialize_with = "named", deserialize_with = "design")]
    pub design: Design,
    /// The OpenIM version whose steps the hub follows.
    #[serde(serialize_with = "version_name", deserialize_with = "version")]
    pub version: Version,
    /// Who kicks whom: OpenIM's `multiLogin.policy`, by number (0, 1, 4, 5) or by name.
    #[serde(serialize_with = "policy_name", deserialize_with = "policy")]
    pub policy: Policy,
    /// Capacity of the hub's channels.
    pub capacity: usize,
    /// How many lanes the design `lanes` has.
    pub lanes: usize,
    /// The user who may do what an administrator may, with a token of platform 10.
    pub admin: String,
    /// How many days a token is good for.
    pub token_days: u32,
    /// Posts a line to this URL (`http://`) when a user comes online, goes offline or is kicked.
    pub webhook: Option<String>,
    /// Pages of these origins may call the HTTP API; `*` is any. Tokens come in a header of the caller's, never in a cookie.
    pub cors_origins: Vec<String>,
    /// Microseconds that each call takes which OpenIM's designs make to other services from within the hub's loop; 0 leaves them out.
    /// For experiments: `lanes` and `locked-table` make none.
    pub service_us: u64,
    /// What is done about deadlocks and long waits.
    pub watchdog: Watchdog,
    /// What nobody may exceed.
    pub limits: Limits,
}

/// What is done about deadlocks and long waits.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Watchdog {
    /// Milliseconds after which a task that waits in the midst of work is said to starve.
    pub starved_ms: u64,
    /// On a deadlock the process writes a report into the data folder and ends, for its supervisor to start another.
    pub exit: bool,
}

impl Default for Watchdog {
    fn default() -> Self {
        Watchdog { starved_ms: 10_000, exit: false }
    }
}

/// What nobody may exceed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections in all, counted from the accepted socket on.
    pub connections: usize,
    /// Connections to the HTTP API in all.
    pub api_connections: usize,
    /// Connections to the administrator's page in all.
    pub page_connections: usize,
    /// Connections from one address.
    pub connections_per_ip: usize,
    /// Connections of one user.
    pub connections_per_user: usize,
    /// Milliseconds from the accepted socket to the whole request for an upgrade.
    pub handshake_ms: u64,
    /// Milliseconds from the upgrade to the first frame.
    pub first_frame_ms: u64,
    /// Milliseconds from one whole message to the next; pings and pongs count.
    pub idle_ms: u64,
    /// Milliseconds between the pings that browsers get.
    pub web_ping_ms: u64,
    /// Milliseconds that a write may take.
    pub write_ms: u64,
    /// Bytes of a request's head.
    pub header_bytes: usize,
    /// Header lines of a request.
    pub headers: usize,
    /// Bytes of an incoming message, as sent.
    pub frame_bytes: usize,
    /// Bytes of an incoming message, inflated.
    pub inflated_bytes: usize,
    /// Messages that wait for one connection to take them.
    pub queue_messages: usize,
    /// Bytes that wait for one connection to take them.
    pub queue_bytes: usize,
    /// Users whose status one connection may follow.
    pub subscriptions: usize,
    /// Members of a group.
    pub group_members: usize,
    /// Bytes of the body of a call to the HTTP API or the administrator's page.
    pub body_bytes: usize,
    /// Milliseconds that such a call may take, from its head to the answer.
    pub call_ms: u64,
    /// Milliseconds from SIGTERM to the end.
    pub shutdown_ms: u64,
    /// Milliseconds over which the connections are told to come back elsewhere.
    pub shutdown_spread_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 10001)),
            api: SocketAddr::from(([127, 0, 0, 1], 10002)),
            admin_page: SocketAddr::from(([127, 0, 0, 1], 10003)),
            data: PathBuf::from("turnstile-data"),
            design: Design::Lanes,
            version: Version::Main,
            policy: Policy::SameTerminal,
            capacity: 1000,
            lanes: cores,
            admin: "imAdmin".to_owned(),
            token_days: 90,
            webhook: None,
            cors_origins: vec!["*".to_owned()],
            service_us: 0,
            watchdog: Watchdog::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 100_000,
            api_connections: 1000,
            page_connections: 100,
            connections_per_ip: 20_000,
            connections_per_user: 100,
            handshake_ms: 10_000,
            first_frame_ms: 30_000,
            idle_ms: 30_000,
            web_ping_ms: 27_000,
            write_ms: 10_000,
            header_bytes: 16 * 1024,
            headers: 64,
            frame_bytes: 51_200,
            inflated_bytes: 1024 * 1024,
            queue_messages: 256,
            queue_bytes: 1024 * 1024,
            subscriptions: 1000,
            group_members: 5000,
            body_bytes: 1024 * 1024,
            call_ms: 30_000,
            shutdown_ms: 10_000,
            shutdown_spread_ms: 3000,
        }
    }
}

impl Limits {
    /// A limit in milliseconds as a duration.
    pub fn time(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }
}

/// Why there is no configuration.
#[derive(Debug)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// From the file, if one is named, the environment and `path=value` pairs.
    pub fn load(file: Option<&Path>, set: &[(String, String)]) -> Result<Config, ConfigError> {
        let text = match file {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path).map_err(|why| {
                ConfigError(format!("cannot read the configuration {}: {why}", path.display()))
            })?,
        };
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix(PREFIX)?.to_owned();
            Some((name, value.to_string_lossy().into_owned()))
        });
        Config::read(&text, environment, set)
    }

    /// From a TOML text, environment variables without their prefix, and `path=value` pairs.
    ///
    /// # Errors
    /// Names what is wrong and where it was said.
    pub fn read(
        toml: &str,
        environment: impl IntoIterator<Item = (String, String)>,
        set: &[(String, String)],
    ) -> Result<Config, ConfigError> {
        let mut table: toml::Table =
            toml.parse().map_err(|why| ConfigError(format!("the configuration is not TOML: {why}")))?;
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        for (name, value) in &environment {
            put(&mut table, &name.to_lowercase().replace("__", "."), value)
                .map_err(|why| ConfigError(format!("{PREFIX}{name}: {why}")))?;
        }
        for (path, value) in set {
            put(&mut table, path, value).map_err(|why| ConfigError(format!("{path}: {why}")))?;
        }
        let config: Config = table.try_into().map_err(|why: toml::de::Error| {
            let known = "the keys are listed by `turnstile serve --print-config`";
            ConfigError(format!("the configuration says what cannot be: {}; {known}", why.message()))
        })?;
        config.check()
    }

    /// As TOML, all of it.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration can be written as TOML")
    }

    fn check(self) -> Result<Config, ConfigError> {
        let limits = &self.limits;
        let positive = [
            ("lanes", self.lanes),
            ("token_days", self.token_days as usize),
            ("watchdog.starved_ms", self.watchdog.starved_ms as usize),
            ("limits.connections", limits.connections),
            ("limits.api_connections", limits.api_connections),
            ("limits.page_connections", limits.page_connections),
            ("limits.connections_per_ip", limits.connections_per_ip),
            ("limits.connections_per_user", limits.connections_per_user),
            ("limits.handshake_ms", limits.handshake_ms as usize),
            ("limits.first_frame_ms", limits.first_frame_ms as usize),
            ("limits.idle_ms", limits.idle_ms as usize),
            ("limits.web_ping_ms", limits.web_ping_ms as usize),
            ("limits.write_ms", limits.write_ms as usize),
            ("limits.call_ms", limits.call_ms as usize),
            ("limits.frame_bytes", limits.frame_bytes),
            ("limits.inflated_bytes", limits.inflated_bytes),
            ("limits.queue_messages", limits.queue_messages),
            ("limits.queue_bytes", limits.queue_bytes),
            ("limits.group_members", limits.group_members),
            ("limits.body_bytes", limits.body_bytes),
        ];
        if let Some((name, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError(format!("{name} is 0; it must be at least 1")));
        }
        if limits.header_bytes < 8192 {
            return Err(ConfigError(format!(
                "limits.header_bytes is {}; it must be at least 8192, since a token comes in the address",
                limits.header_bytes
            )));
        }
        if self.admin.is_empty() {
            return Err(ConfigError("admin is empty; name the user who administrates".to_owned()));
        }
        if let Some(url) = &self.webhook
            && !url.starts_with("http://")
        {
            return Err(ConfigError(format!("webhook is {url}; it must begin with http://")));
        }
        Ok(self)
    }
}

/// Puts a value at a dotted path, read as TOML if it is some, else as text.
fn put(table: &mut toml::Table, path: &str, value: &str) -> Result<(), String> {
    let mut at = table;
    let mut keys: Vec<&str> = path.split('.').collect();
    let last = keys.pop().unwrap_or_default();
    for key in keys {
        let inner = at.entry(key).or_insert_with(|| toml::Table::new().into());
        at = inner.as_table_mut().ok_or_else(|| format!("{key} is a value and has no parts"))?;
    }
    let parsed: Result<toml::Table, _> = format!("v = {value}").parse();
    let value = parsed.ok().and_then(|mut t| t.remove("v")).unwrap_or_else(|| value.to_owned().into());
    at.insert(last.to_owned(), value);
    Ok(())
}

fn named<S: Serializer>(design: &Design, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(design.name())
}

fn version_name<S: Serializer>(version: &Version, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(version.name())
}

fn policy_name<S: Serializer>(policy: &Policy, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u8(policy.number())
}

fn design<'a, D: Deserializer<'a>>(from: D) -> Result<Design, D::Error> {
    let name = String::deserialize(from)?;
    let names = Design::ALL.map(Design::name).join(", ");
    Design::ALL
        .into_iter()
        .find(|design| design.name() == name)
        .ok_or_else(|| serde::de::Error::custom(format!("there is no design {name}; there are {names}")))
}

fn version<'a, D: Deserializer<'a>>(from: D) -> Result<Version, D::Error> {
    let name = String::deserialize(from)?;
    let names = Version::ALL.map(Version::name).join(", ");
    Version::ALL
        .into_iter()
        .find(|version| version.name() == name)
        .ok_or_else(|| serde::de::Error::custom(format!("there is no version {name}; there are {names}")))
}

fn policy<'a, D: Deserializer<'a>>(from: D) -> Result<Policy, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Number(u8),
        Name(String),
    }
    let said = match Said::deserialize(from)? {
        Said::Number(number) => number.to_string(),
        Said::Name(name) => name,
    };
    let names = Policy::ALL.map(|p| format!("{} ({})", p.number(), p.name())).join(", ");
    Policy::parse(&said)
        .ok_or_else(|| serde::de::Error::custom(format!("there is no policy {said}; there are {names}")))
}
