//! `turnstile waits`: the live wait-for graph.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::Value;
use turnstile::client::{Http, Place};
use turnstile::gateway::wire::Secret;
use turnstile::session::Platform;

use super::{Wrong, beside, say, token};

/// Exit code if there is a deadlock.
const DEADLOCK: u8 = 3;
/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// For how many seconds a token is issued.
const LASTS: i64 = 24 * 3600;

/// Says who waits for whom in a server that runs: the cycle first, if there is one, then what waits behind it, for how long, and how
/// full the channels are.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 there is no deadlock; 3 there is one; 1 the server could not be asked; 64 bad usage.

Examples:
  turnstile waits
  turnstile waits --watch
  turnstile waits http://127.0.0.1:10003 --format svg > waits.svg
  turnstile waits --json | jq .deadlock.words"
)]
pub(super) struct Waits {
    /// The administrator's page of the server [default: that of the server of the data folder]
    #[arg(value_name = "URL")]
    url: Option<String>,
    /// Looks every second, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// An administrator's token; without one, one is issued from the server's data folder.
    #[arg(long, env = "OPENIM_ADMIN_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A configuration file [default: what the server has said in its data folder]
    #[arg(long)]
    config: Option<PathBuf>,
    /// The server's data folder [default: turnstile-data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// In words.
    Text,
    /// For machines.
    Json,
    /// A flowchart.
    Mermaid,
    /// A picture.
    Svg,
}

impl Waits {
    pub(super) fn run(self) -> Result<ExitCode, Wrong> {
        let config = beside(self.config, self.data)?;
        let given = self.token.is_some();
        let token = match self.token {
            Some(token) => Secret::from(token),
            None => token::issue(&config, &config.admin, Platform::Admin, Some(LASTS))?.0,
        };
        let url = self.url.unwrap_or_else(|| format!("http://{}", config.admin_page));
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let screen = std::io::stdout().is_terminal();
        let format = match if self.json { Format::Json } else { self.format } {
            Format::Text if screen && !plain => "colour",
            Format::Text => "text",
            Format::Json => "json",
            Format::Mermaid => "mermaid",
            Format::Svg => "svg",
        };
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        tokio.block_on(async {
            // A token that was issued here is not sent to another machine.
            let place = Place::find(&url, "http", given).await;
            let place = place.map_err(|why| {
                if given {
                    Wrong(why)
                } else {
                    Wrong(format!("{url}: to ask another machine's server, give a --token"))
                }
            });
            let server = Http { place: place?, token };
            loop {
                let shown = server.text(&format!("/debug/waits?format={format}")).await;
                let shown = match shown {
                    // It may come back: a supervisor starts another where a watchdog has ended it.
                    Err(why) if self.watch => format!("the server does not answer: {why}\n"),
                    shown => {
                        shown.map_err(|why| Wrong(format!("{why}; is `turnstile serve` running there?")))?
                    }
                };
                let clear = if self.watch && screen { "\x1b[H\x1b[2J" } else { "" };
                say(&format!("{clear}{shown}"));
                if !self.watch {
                    break;
                }
                tokio::time::sleep(EVERY).await;
            }
            let shown = server.text("/debug/waits").await.map_err(Wrong)?;
            let graph: Value = serde_json::from_str(&shown)?;
            Ok(if graph["deadlock"].is_null() { ExitCode::SUCCESS } else { ExitCode::from(DEADLOCK) })
        })
    }
}
