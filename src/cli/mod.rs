//! The commands of `turnstile`.

mod chat;
mod designs;
mod incident;
mod serve;
mod storm;
mod token;
mod waits;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use turnstile::gateway::config::Config;

/// A WebSocket session gateway for OpenIM clients, whose hub is checked in every interleaving.
///
/// `turnstile serve` is all that is needed to begin. The laboratory that checks the hub is the command `lab`.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves clients until SIGTERM or SIGINT.
    Serve(serve::Serve),
    /// Issues a token for a user, beside a server that runs or not.
    Token(token::Issue),
    /// Chats in the terminal: connects as a user, sends lines, shows what comes.
    Chat(chat::Chat),
    /// Storms a server: accounts that connect, send, receive the reply and disconnect, over and over.
    Storm(storm::Storm),
    /// Says who waits for whom in a server that runs.
    Waits(waits::Waits),
    /// Plays the incident: OpenIM's hub is stormed until it hangs, then the fix, then the default design, with a report.
    Incident(incident::Incident),
    /// Lists the designs of the hub, and the OpenIM versions whose steps they follow.
    Designs {
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Prints a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// What is wrong with a command, in words.
struct Wrong(String);

impl<E: std::error::Error> From<E> for Wrong {
    fn from(why: E) -> Wrong {
        Wrong(why.to_string())
    }
}

/// Exit code for output that could not be written, as in BSD's sysexits.
const IO_ERROR: i32 = 74;

/// Exit code for a command that cannot be understood.
const USAGE: u8 = 64;

/// Parses the command line and does what it says.
pub(crate) fn run() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(why) => {
            let _ = why.print();
            return if why.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let done = match command {
        Command::Serve(serve) => serve.run(),
        Command::Token(issue) => issue.run(),
        Command::Chat(chat) => chat.run(),
        Command::Storm(storm) => storm.run(),
        Command::Waits(waits) => waits.run(),
        Command::Incident(incident) => incident.run(),
        Command::Designs { json } => {
            say(&designs::list(json));
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "turnstile", &mut script);
            say(&String::from_utf8_lossy(&script));
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|Wrong(why)| {
        eprintln!("turnstile: {why}");
        ExitCode::FAILURE
    })
}

/// Says that a command cannot be understood.
fn usage(why: &str) -> ExitCode {
    eprintln!("turnstile: {why}");
    ExitCode::from(USAGE)
}

/// Prints to standard output. Where that cannot be, the program ends: quietly if the reader has gone away.
fn say(text: &str) {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => {}
        // Whoever read it has seen enough.
        Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(why) => {
            eprintln!("turnstile: cannot write the output: {why}");
            std::process::exit(IO_ERROR);
        }
    }
}

/// A configuration from a file, the environment, and what a command's flags set.
fn config(file: Option<&Path>, set: Vec<(&str, Option<String>)>) -> Result<Config, Wrong> {
    let set: Vec<(String, String)> =
        set.into_iter().filter_map(|(path, value)| Some((path.to_owned(), value?))).collect();
    Ok(Config::load(file, &set)?)
}

/// What a server with this data folder says of itself, for the commands beside it: the file that it writes when it starts.
const SERVING: &str = "serving.toml";

/// The configuration of the server beside which a command works: from a file that is named, else as the server has said.
fn beside(file: Option<PathBuf>, data: Option<PathBuf>) -> Result<Config, Wrong> {
    let config = config(file.as_deref(), vec![("data", path_value(data))])?;
    let said = config.data.join(SERVING);
    if file.is_some() || !said.exists() {
        return Ok(config);
    }
    let set = vec![("data", path_value(Some(config.data.clone())))];
    self::config(Some(&said), set)
}

fn path_value(path: Option<PathBuf>) -> Option<String> {
    path.map(|path| toml_text(&path.to_string_lossy()))
}

/// A text as TOML, so that a folder called `5` is no number.
fn toml_text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
