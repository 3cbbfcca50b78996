//! `turnstile token`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use turnstile::gateway::config::Config;
use turnstile::gateway::store::Store;
use turnstile::gateway::store::sqlite::{Settings, Sqlite};
use turnstile::gateway::wire::Secret;
use turnstile::gateway::{Tokens, secret};
use turnstile::session::Platform;

use super::{Wrong, beside, say};

#[derive(Args)]
#[command(after_help = "Examples:
  turnstile token --user alice --platform 5
  turnstile token --user imAdmin --platform 10 --expires-in 1h")]
pub(super) struct Issue {
    /// Whose it is.
    #[arg(long)]
    user: String,
    /// For which platform: 1 iOS, 2 Android, 3 Windows, 4 OSX, 5 Web, 6 MiniWeb, 7 Linux, 8 APad, 9 IPad, 10 Admin, 11 HarmonyOS.
    #[arg(long, value_parser = platform, default_value = "5")]
    platform: Platform,
    /// How long it is good for, as 30s, 10m, 12h, 90d [default: the configuration's token_days]
    #[arg(long, value_parser = seconds)]
    expires_in: Option<i64>,
    /// A configuration file [default: what the server has said in its data folder]
    #[arg(long)]
    config: Option<PathBuf>,
    /// The server's data folder [default: turnstile-data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// A platform by its id.
pub(super) fn platform(text: &str) -> Result<Platform, String> {
    text.parse()
        .ok()
        .and_then(Platform::from_id)
        .ok_or_else(|| "a platform is a number from 1 to 11".to_owned())
}

fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || "it must be a number and s, m, h or d, as 90d".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    let each = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return Err(wrong()),
    };
    number.checked_mul(each).filter(|seconds| (1..=1 << 40).contains(seconds)).ok_or_else(wrong)
}

impl Issue {
    pub(super) fn run(self) -> Result<ExitCode, Wrong> {
        let config = beside(self.config, self.data)?;
        let (token, lasts) = issue(&config, &self.user, self.platform, self.expires_in)?;
        let line = if self.json {
            let object = serde_json::json!({
                "token": token.reveal(),
                "userID": self.user,
                "platformID": self.platform.id(),
                "expireTimeSeconds": lasts,
            });
            object.to_string()
        } else {
            token.reveal().to_owned()
        };
        say(&format!("{line}\n"));
        Ok(ExitCode::SUCCESS)
    }
}

/// Issues a token through the store, as the server does.
pub(super) fn issue(
    config: &Config,
    user: &str,
    platform: Platform,
    lasts: Option<i64>,
) -> Result<(Secret, i64), Wrong> {
    there(&config.data)?;
    turnstile::gateway::check_user(user).map_err(Wrong)?;
    let key = secret(&config.data).map_err(Wrong)?;
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&Settings::tool(&config.data))?);
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio.block_on(async {
        let issued = Tokens::new(store.clone(), key, config).issue(user, platform, lasts).await?;
        store.close().await?;
        Ok(issued)
    })
}

pub(super) fn there(data: &Path) -> Result<(), Wrong> {
    if data.join("secret").exists() {
        return Ok(());
    }
    let data = data.display();
    Err(Wrong(format!(
        "{data} is no data folder of a server; start `turnstile serve --data {data}` once, or name another"
    )))
}
