//! `turnstile serve`.

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};
use turnstile::gateway::config::Config;
use turnstile::gateway::store::sqlite::{Settings, Sqlite};
use turnstile::gateway::{Gateway, Running, secret};

use super::{SERVING, Wrong, config, path_value, say, toml_text};

/// Configuration comes from --config, then the environment (TURNSTILE_LISTEN, TURNSTILE_LIMITS__CONNECTIONS, ..), then
/// flags, each over the one before. Every key and its default: `turnstile serve --print-config`.
#[derive(Args)]
#[command(after_help = "Examples:
  turnstile serve
  turnstile serve --design single-select --openim v3.5.1
  turnstile serve --set limits.connections=500 --set token_days=7
  TURNSTILE_POLICY=4 turnstile serve --check-config")]
pub(super) struct Serve {
    /// A TOML file.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where clients connect by WebSocket [default: 127.0.0.1:10001]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where the HTTP API is [default: 127.0.0.1:10002]
    #[arg(long, value_name = "ADDRESS")]
    api: Option<String>,
    /// Where the administrator's page is, with the metrics [default: 127.0.0.1:10003]
    #[arg(long, value_name = "ADDRESS")]
    admin_page: Option<String>,
    /// The folder of store and secret [default: turnstile-data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The shape of the hub: see `turnstile designs` [default: lanes]
    #[arg(long)]
    design: Option<String>,
    /// The OpenIM version whose steps the hub follows: see `turnstile designs` [default: main]
    #[arg(long, value_name = "VERSION")]
    openim: Option<String>,
    /// Who kicks whom, as OpenIM's multiLogin.policy: 0, 1, 4, 5 or a name [default: 1]
    #[arg(long)]
    policy: Option<String>,
    /// Sets a key of the configuration, as limits.connections=500.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Checks the configuration, and ends.
    #[arg(long)]
    check_config: bool,
    /// Prints the configuration as TOML, defaults and all, and ends.
    #[arg(long)]
    print_config: bool,
    /// Prints where it listens as one line of JSON.
    #[arg(long)]
    json: bool,
    /// Ends at once when standard input does, so that it does not outlive the command that has started it.
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
    /// How log lines look; which there are is said by RUST_LOG.
    #[arg(long, value_enum, default_value_t = Log::Pretty)]
    log: Log,
}

/// Exit code where the watchdog ends the process: `EX_SOFTWARE` of sysexits.h.
const DEADLOCK: u8 = 70;

#[derive(Clone, Copy, ValueEnum)]
enum Log {
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it must be KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Serve {
    pub(super) fn run(self) -> Result<ExitCode, Wrong> {
        let (json, log, bound) = (self.json, self.log, self.until_stdin_ends);
        let (check, print) = (self.check_config, self.print_config);
        let config = self.configuration()?;
        if print {
            say(&config.to_toml());
            return Ok(ExitCode::SUCCESS);
        }
        if check {
            say("the configuration is good\n");
            return Ok(ExitCode::SUCCESS);
        }
        start_log(log);
        let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let code = tokio.block_on(serve(config, json, bound))?;
        // What still runs is stuck, or was not to be waited for.
        tokio.shutdown_background();
        Ok(code)
    }

    fn configuration(self) -> Result<Config, Wrong> {
        let text = |value: Option<String>| value.map(|value| toml_text(&value));
        let mut set: Vec<(&str, Option<String>)> =
            self.set.iter().map(|(key, value)| (key.as_str(), Some(value.clone()))).collect();
        set.extend([
            ("listen", text(self.listen)),
            ("api", text(self.api)),
            ("admin_page", text(self.admin_page)),
            ("data", path_value(self.data)),
            ("design", text(self.design)),
            ("version", text(self.openim)),
            ("policy", text(self.policy)),
        ]);
        config(self.config.as_deref(), set)
    }
}

fn start_log(log: Log) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colour = std::io::stderr().is_terminal() && !plain;
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(colour);
    let lines = match log {
        Log::Pretty => lines.with_target(false).boxed(),
        Log::Json => lines.json().boxed(),
    };
    #[cfg(not(feature = "console"))]
    tracing_subscriber::registry().with(filter).with(lines).init();
    // What the console is told is not to be in the log.
    #[cfg(feature = "console")]
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(console_subscriber::spawn()).init();
}

async fn serve(config: Config, json: bool, bound: bool) -> Result<ExitCode, Wrong> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (data, design) = (config.data.clone(), config.design);
    let key = secret(&data).map_err(Wrong)?;
    let store = Arc::new(Sqlite::open(&Settings::server(&data))?);
    let running = Gateway::start(config.clone(), store, key).await?;
    let says = Config { listen: running.listen, api: running.api, admin_page: running.admin_page, ..config };
    say_in_folder(&data, &says)?;
    announce(&running, &data, json);
    let Running { listen, api, admin_page, .. } = &running;
    tracing::info!(%listen, %api, admin = %admin_page, design = design.name(), "serving");
    let alarms = running.gateway.alarms().clone();
    tokio::select! {
        () = stdin_ends(), if bound => return Ok(ExitCode::FAILURE),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        // The watchdog has said why.
        _ = alarms.gives_up() => return Ok(ExitCode::from(DEADLOCK)),
    }
    let ended = tokio::select! {
        ended = running.drain() => ended,
        _ = terminate.recv() => return Ok(at_once()),
        _ = interrupt.recv() => return Ok(at_once()),
    };
    if ended.left > 0 {
        tracing::error!(
            connections = ended.left,
            "the time to drain is over and some connections have not ended"
        );
        return Ok(ExitCode::FAILURE);
    }
    tracing::info!("drained");
    Ok(ExitCode::SUCCESS)
}

async fn stdin_ends() {
    let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await;
}

/// Says in the data folder how the server is set up: readable by its owner only, and whole or not at all.
fn say_in_folder(data: &Path, says: &Config) -> std::io::Result<()> {
    let (new, path) = (data.join("serving.toml.new"), data.join(SERVING));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(says.to_toml().as_bytes())?;
    std::fs::rename(new, path)
}

fn at_once() -> ExitCode {
    tracing::warn!("a second signal: ending at once");
    ExitCode::FAILURE
}

fn announce(running: &Running, data: &Path, json: bool) {
    let (ws, api) = (format!("ws://{}", running.listen), format!("http://{}", running.api));
    let admin = format!("http://{}", running.admin_page);
    if json {
        let line = serde_json::json!({ "ws": ws, "api": api, "admin": admin, "data": data });
        return say(&format!("{line}\n"));
    }
    let data = data.display();
    say(&format!(
        "turnstile serves OpenIM clients

  WebSocket  {ws}
  HTTP API   {api}
  admin      {admin}
  data       {data}

  a token:   turnstile token --data {data} --user alice --platform 5
  try it:    turnstile chat --data {data} --url {ws} --user alice --to bob
  the end:   Ctrl-C, which lets everybody go; once more ends at once
"
    ));
}
