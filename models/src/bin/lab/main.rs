//! `lab`: asks the engines, and prints what they say.

mod args;
mod bar;
mod commands;
mod demo;
mod explore;
mod findings;
mod likely;
mod odds;
mod output;
mod pictures;
mod schedulers;
mod smallest;
mod spin;
mod table;
mod words;
mod zoo;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use output::Out;

/// Bad usage, as in BSD's sysexits.
const USAGE: u8 = 64;
/// Output that could not be written, as there.
const IO_ERROR: u8 = 74;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            // What is wrong, in one line; how it is used is what --help is for.
            let text = error.to_string();
            let rest = ["Usage:", "For more information"];
            let lines = text.lines().map(str::trim).take_while(|l| !rest.iter().any(|r| l.starts_with(r)));
            let line = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
            anstream::eprintln!("lab: {}; try --help", line.trim_start_matches("error: "));
            return ExitCode::from(USAGE);
        }
        Err(help) => {
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
    };
    let mut out = Out::new();
    let done = match cli.command {
        None => demo::run(&mut out),
        Some(Command::Check(check)) => commands::check(&mut out, &check),
        Some(Command::Replay { key, json }) => commands::replay(&mut out, &key, json),
        Some(Command::Explain(explain)) => commands::explain(&mut out, &explain),
        Some(Command::Explore(args)) => explore::run(&mut out, &args),
        Some(Command::List { json }) => commands::list(&mut out, json),
        Some(Command::Schedulers(args)) => schedulers::run(&mut out, &args),
        Some(Command::Spin(args)) => spin::run(&mut out, &args),
        Some(Command::Smallest(args)) => smallest::run(&mut out, &args),
        Some(Command::Table(args)) => table::run(&mut out, &args),
        Some(Command::Odds(args)) => odds::run(&mut out, &args),
        Some(Command::Likely(args)) => likely::run(&mut out, &args),
        Some(Command::Findings(args)) => findings::run(&mut out, &args),
        Some(Command::Pictures(args)) => pictures::run(&mut out, &args),
        Some(Command::Zoo(args)) => zoo::run(&mut out, &args),
        Some(Command::Completions { shell }) => commands::completions(&mut out, shell),
        Some(Command::Man) => commands::man(&mut out),
    };
    if let Some(error) = out.failure() {
        anstream::eprintln!("lab: cannot write the output: {error}");
        return ExitCode::from(IO_ERROR);
    }
    match done {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            anstream::eprintln!("lab: {why}");
            ExitCode::from(USAGE)
        }
    }
}
