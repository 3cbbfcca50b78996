//! The servers, each a process on a core of its own, and what the system says about them.

use std::fs;
use std::io::{BufRead, BufReader, Error, Result};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use turnstile::gateway::config::PREFIX;
use turnstile::gateway::secret;
use turnstile::gateway::store::sqlite::{Settings, Sqlite};
use turnstile::gateway::store::{NewToken, Store};
use turnstile::gateway::token::{Claims, sign};
use turnstile::gateway::wire::handshake::Handshake;
use turnstile::session::Platform;

use crate::client::CODEC;

/// What the naive server is called.
pub(crate) const NAIVE: &str = "naive";

/// What a server is called before its design if it has no probe: its binary is built for it.
const UNWATCHED: &str = "unwatched-";

/// How many users log in over and over.
pub(crate) const CHURNERS: usize = 16;

/// Who connects, and the data folder in which their tokens are.
pub(crate) struct People {
    folder: TempDir,
    /// Users with one token each, and the query to connect with.
    pub(crate) idle: Vec<(String, String)>,
    /// For each user who logs in over and over, the queries of its logins.
    pub(crate) churners: Vec<Vec<String>>,
}

impl People {
    /// Issues tokens for `idle` users, and for `logins` logins of each who logs in over and over.
    pub(crate) async fn new(idle: usize, logins: usize) -> Result<People> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let key = secret(folder.path()).map_err(Error::other)?;
        let store = Sqlite::open(&Settings::tool(folder.path())).map_err(Error::other)?;
        let idle: Vec<(String, Platform, usize)> =
            (0..idle).map(|n| (format!("user{n}"), Platform::Linux, 0)).collect();
        let churners = (0..CHURNERS).flat_map(|n| (0..logins).map(move |login| (n, login)));
        let churners: Vec<(String, Platform, usize)> =
            churners.map(|(n, login)| (format!("churner{n}"), Platform::Android, login)).collect();
        let mut idle_queries = issue(&store, key.reveal(), &idle).await?;
        let mut queries = issue(&store, key.reveal(), &churners).await?;
        store.close().await.map_err(Error::other)?;
        let idle = idle.into_iter().map(|(user, ..)| user).zip(idle_queries.drain(..)).collect();
        let churners = (0..CHURNERS).map(|_| queries.drain(..logins).collect()).collect();
        Ok(People { folder, idle, churners })
    }
}

/// Tokens, as a login without a policy makes them: none takes another's place.
async fn issue(store: &Sqlite, key: &str, whose: &[(String, Platform, usize)]) -> Result<Vec<String>> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_err(Error::other)?;
    let now = i64::try_from(now.as_secs()).map_err(Error::other)?;
    let one = |(user, platform, nth): &(String, Platform, usize)| {
        let (user, platform_id) = (user.clone(), platform.id());
        // One token for each second in which it might have been issued.
        let issued = now - *nth as i64;
        let claims = Claims { user: user.clone(), platform_id, issued, expires: now + 24 * 3600 };
        let token = sign(&claims, key.as_bytes());
        let digest: [u8; 32] = Sha256::digest(token.reveal().as_bytes()).into();
        let new = NewToken { user: user.clone(), platform_id, expires_at: claims.expires };
        let handshake = Handshake {
            user,
            token,
            platform_id,
            operation_id: "bench".to_owned(),
            codec: CODEC,
            wants_first_frame: true,
            background: false,
            sdk_version: String::new(),
        };
        async move {
            store.user_number(&handshake.user).await.map_err(Error::other)?;
            store.issue(digest, new).await.map_err(Error::other)?;
            Ok(handshake.query())
        }
    };
    let mut queries = Vec::new();
    for some in whose.chunks(500) {
        queries.extend(try_join_all(some.iter().map(one)).await.map_err(|why: Error| why)?);
    }
    Ok(queries)
}

/// A server that runs.
pub(crate) struct Server {
    /// What it is called: its design, or [`NAIVE`].
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    child: Child,
    /// The next login of each user who logs in over and over.
    pub(crate) logins: AtomicUsize,
    _data: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts one, on its core if it is to have one.
    pub(crate) fn start(name: &str, people: &People, core: Option<usize>) -> Result<Server> {
        let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        copy(people.folder.path(), data.path())?;
        let (program, design) = match (name, name.strip_prefix(UNWATCHED)) {
            (NAIVE, _) => (std::env::current_exe()?, NAIVE),
            (_, Some(design)) => (unwatched()?, design),
            (design, None) => (env!("CARGO_BIN_EXE_turnstile").into(), design),
        };
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.arg("-c").arg(core.to_string()).arg(program);
                command
            }
            None => Command::new(program),
        };
        match design {
            NAIVE => command.arg(NAIVE),
            // So that a user who logs in over and over can do so with tokens that were issued before.
            design => command
                .args(["serve", "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0", "--json", "--policy", "4"])
                .args(["--admin-page", "127.0.0.1:0", "--design", design, "--data"])
                .arg(data.path()),
        };
        for (variable, _) in std::env::vars_os() {
            if variable.to_str().is_some_and(|name| name.starts_with(PREFIX)) {
                command.env_remove(variable);
            }
        }
        let mut child =
            command.env("RUST_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or(Error::other("no stdout"))?).read_line(&mut line)?;
        let address = match name {
            NAIVE => line.trim().to_owned(),
            _ => {
                let said: serde_json::Value = serde_json::from_str(&line)?;
                said["ws"].as_str().unwrap_or_default().trim_start_matches("ws://").to_owned()
            }
        };
        let address =
            address.parse().map_err(|_| Error::other(format!("{name} has not started: {line:?}")))?;
        Ok(Server { name: name.to_owned(), address, child, logins: AtomicUsize::new(0), _data: data })
    }

    /// The number of the next login of each who logs in over and over.
    pub(crate) fn login(&self) -> usize {
        self.logins.load(Ordering::Relaxed)
    }

    /// The processor time it has used, in the system's ticks of 10 ms.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name, in parentheses, may have spaces.
        let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
        let ticks = |n: usize| fields.split_whitespace().nth(n).and_then(|field| field.parse::<u64>().ok());
        let (user, system) = ticks(11).zip(ticks(12)).ok_or(Error::other("no processor time in /proc"))?;
        Ok(Duration::from_millis(10 * (user + system)))
    }

    /// The memory it has resident, in KiB.
    pub(crate) fn resident(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().map_err(|_| Error::other("no VmRSS in /proc"))
    }
}

/// The server without its probe, built if it is not there yet.
fn unwatched() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unwatched");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args([
        "build",
        "--release",
        "--locked",
        "--bin",
        "turnstile",
        "--features",
        "unwatched",
        "--manifest-path",
    ]);
    build.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).arg("--target-dir").arg(&folder);
    let built = build.status()?;
    if !built.success() {
        return Err(Error::other("the server without its probe could not be built"));
    }
    Ok(folder.join("release/turnstile"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
