//! `turnstile`: the gateway's command line. So far it lists the designs that the gateway can have.

use clap::{Parser, Subcommand};
use turnstile::hub::{Design, Version};

/// A WebSocket session gateway whose hub is checked in every interleaving.
///
/// The gateway itself is not served yet: what is here is its core. The laboratory that checks it is the command `lab`.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lists the designs of the hub, and the OpenIM versions whose steps they follow.
    Designs {
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
}

fn main() {
    let Command::Designs { json } = Cli::try_parse().map(|cli| cli.command).unwrap_or_else(|error| {
        let code = if error.use_stderr() { 64 } else { 0 };
        let _ = error.print();
        std::process::exit(code)
    });
    let designs = Design::ALL.map(|d| (d.name(), d.about()));
    let versions = Version::ALL.map(|v| (v.name(), v.about()));
    let text = if json {
        let object = |(name, about): &(&str, &str)| serde_json::json!({ "name": name, "about": about });
        let designs: Vec<_> = designs.iter().map(object).collect();
        let versions: Vec<_> = versions.iter().map(object).collect();
        format!("{:#}\n", serde_json::json!({ "designs": designs, "versions": versions }))
    } else {
        designs.iter().chain(&versions).map(|(name, about)| format!("{name:<20}{about}\n")).collect()
    };
    // A reader that has gone away is no error.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
}
