//! What the gateway costs, design by design, beside a naive server: on loopback, the server on one core and the clients on
//! another.
//!
//!     cargo bench --bench gateway
//!     cargo bench --bench gateway -- --quick
//!     cargo bench --bench gateway -- --servers naive,lanes --only window --markdown
//!     cargo bench --bench gateway -- --servers unwatched-lanes,lanes
//!
//! All servers run from the beginning to the end, and each load is put on one after the other, in several rounds; a figure is
//! the median of its rounds. `docs/PERFORMANCE.md` has a table and says what each figure is.

mod client;
mod loads;
#[path = "../naive/mod.rs"]
mod naive;
mod server;
mod table;

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use client::Ask;
use loads::{Load, Plan};
use server::{NAIVE, People, Server};
use table::Findings;

/// What a process needs beside its connections.
const OTHER_FILES: usize = 200;

/// Measures what the gateway costs, beside a naive server.
#[derive(Parser)]
struct Args {
    /// Half a minute, fewer connections, one round.
    #[arg(long)]
    quick: bool,
    /// Which servers; ratios are to the first. `unwatched-` before a design is that one without the probe for the wait-for graph.
    #[arg(long, value_delimiter = ',', default_value = "naive,lanes,locked-table,single-select,split-loops")]
    servers: Vec<String>,
    /// Only the loads whose name has this in it.
    #[arg(long)]
    only: Option<String>,
    /// How many rounds [default: 3]
    #[arg(long)]
    rounds: Option<usize>,
    /// How many seconds each load is put on [default: 0.9]
    #[arg(long)]
    seconds: Option<f64>,
    /// How many connections are idle [default: 10000]
    #[arg(long)]
    idle: Option<usize>,
    /// The table in Markdown.
    #[arg(long)]
    markdown: bool,
    /// Writes all values to a file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What `cargo bench` says, and `cargo test` does not.
    #[arg(long, hide = true)]
    bench: bool,
    /// The core of the servers, once this runs on another.
    #[arg(long, hide = true)]
    core: Option<usize>,
}

fn main() -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    if std::env::args().nth(1).as_deref() == Some(NAIVE) {
        let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        tokio.block_on(naive::serve())?;
        return Ok(ExitCode::SUCCESS);
    }
    let args = Args::parse();
    let mut out = std::io::stdout();
    if !args.bench {
        writeln!(out, "measures with `cargo bench --bench gateway`")?;
        return Ok(ExitCode::SUCCESS);
    }
    let cores = cores();
    let apart = cores.len() > 1 && runs("taskset");
    if apart && args.core.is_none() {
        // Once more, on the last core, and with as many files as may be.
        let mut again = Command::new("sh");
        again.args([
            "-c",
            r#"ulimit -n "$(ulimit -Hn)"; exec taskset -c "$0" "$@""#,
            &cores[cores.len() - 1].to_string(),
        ]);
        again.arg(std::env::current_exe()?).args(std::env::args_os().skip(1));
        return Err(again.arg("--core").arg(cores[0].to_string()).exec().into());
    }
    if args.core.is_none() {
        writeln!(
            out,
            "the servers and the clients share their cores: there is one core only, or no `taskset`\n"
        )?;
    }
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let findings = tokio.block_on(measure(&args))?;
    write!(out, "{}", if args.markdown { findings.markdown() } else { findings.text() })?;
    for failure in &findings.failures {
        writeln!(out, "{failure}")?;
    }
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_string_pretty(&findings.json())?)?;
    }
    // What still waits is of a server that was stuck.
    tokio.shutdown_background();
    Ok(if findings.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(args: &Args) -> Result<Findings, Box<dyn Error + Send + Sync>> {
    let rounds = args.rounds.unwrap_or(if args.quick { 1 } else { 3 });
    let time = Duration::from_secs_f64(args.seconds.unwrap_or(if args.quick { 0.3 } else { 0.9 }));
    let mut idle = args.idle.unwrap_or(if args.quick { 1000 } else { 10_000 }).max(100);
    let mut findings = Findings { servers: args.servers.clone(), ..Findings::default() };
    let files = files().saturating_sub(OTHER_FILES);
    if idle > files {
        let said = format!(
            "{idle} idle connections need {} files each: only {files} (ulimit -n)",
            idle + OTHER_FILES
        );
        findings.failures.push(said);
        idle = files;
    }
    let wanted = |load: &Load| args.only.as_ref().is_none_or(|only| load.name().contains(only.as_str()));
    let loads: Vec<Load> = Load::ALL.into_iter().filter(wanted).collect();
    // No server is known to take more logins.
    let logins = (rounds as f64 * (time.as_secs_f64() * 500.0 + 20.0)) as usize;
    let churns = loads.contains(&Load::Churn);
    let people =
        People::new(if loads.contains(&Load::Idle) { idle } else { 100 }, if churns { logins } else { 1 })
            .await?;
    let plan = Plan { time, idle };
    let start = |name: &String| Server::start(name, &people, args.core);
    let servers: Vec<Server> = args.servers.iter().map(start).collect::<Result<_, _>>()?;
    let began = Instant::now();
    let progress = std::io::stderr().is_terminal();
    for round in 0..rounds {
        for &load in &loads {
            // Once, with servers that were not used before.
            if load == Load::Idle && round > 0 {
                continue;
            }
            let first = row_of(&mut findings, load);
            for (n, server) in servers.iter().enumerate() {
                if !load.fits(server) {
                    continue;
                }
                if progress {
                    let seconds = began.elapsed().as_secs();
                    let line = format!(
                        "{seconds:3} s, round {} of {rounds}: {}: {}",
                        round + 1,
                        server.name,
                        load.name()
                    );
                    write!(std::io::stderr(), "\r\x1b[K{line}")?;
                }
                let run = async {
                    if load == Load::Idle {
                        let fresh = start(&server.name)?;
                        load.run(&fresh, &people, plan, f64::MAX).await
                    } else {
                        let most = most(&findings, load, n);
                        load.run(server, &people, plan, most).await
                    }
                };
                match run.await {
                    Ok(values) => {
                        for (at, value) in values.into_iter().enumerate() {
                            findings.values.entry((first + at, n)).or_default().push(value);
                        }
                    }
                    Err(why) => findings.failures.push(format!("{}: {}: {why}", server.name, load.name())),
                }
            }
        }
    }
    if progress {
        write!(std::io::stderr(), "\r\x1b[K")?;
    }
    Ok(findings)
}

/// The first row of a load.
fn row_of(findings: &mut Findings, load: Load) -> usize {
    let rows = load.rows();
    findings.row(&rows[0].name).unwrap_or_else(|| {
        let first = findings.rows.len();
        findings.rows.extend(rows);
        first
    })
}

/// Messages/s that a server has taken with a window, if that was measured.
fn most(findings: &Findings, load: Load, server: usize) -> f64 {
    let Load::Rate(ask) = load else { return f64::MAX };
    let row = findings.row(&Load::Echo(ask, 16).name());
    let guess = if ask == Ask::Store { 10_000.0 } else { f64::MAX };
    row.and_then(|row| findings.median(row, server)).unwrap_or(guess)
}

/// The cores that this process may run on.
fn cores() -> Vec<usize> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(from.parse().ok()?..=to.parse().ok()?)
    };
    list.trim().split(',').filter_map(range).flatten().collect()
}

/// How many files this process may have open.
fn files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    line.split_whitespace().next().and_then(|soft| soft.parse().ok()).unwrap_or(1024)
}

fn runs(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}
