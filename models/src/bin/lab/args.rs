//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use turnstile::hub::{Design, Version};
use turnstile::policy::Policy;
use turnstile_models::scenario::{Peers, Platforms, Scenario};
use turnstile_models::{Engine, Limits, Property, Scheduler};

const EXAMPLES: &str = "\
Examples:
  lab                                        the whole story, in a minute
  lab check                                  the shortest way into the hang
  lab check --design split-loops --logins 3  every interleaving of the post's fix
  lab check --property no-ghost --design split-loops
  lab check --engine shuttle --users 100 --logins 12 --capacity 1000
  lab check --json | jq .cycle
  lab replay KEY                             one schedule again, step by step
  lab explain --out pictures                 the same as SVG and Mermaid files
  lab zoo                                    other systems with the same bug

Exit codes: 0 holds, 1 fails, 2 unknown, 64 bad usage, 74 output that could not be written.";

const TABLE_EXAMPLES: &str = "\
Examples:
  lab table                                  all designs, all published versions, in minutes
  lab table --design split-loops --design lanes --version main
  lab table --markdown                       with the worlds, and a replay key for each failure
  lab table --deep --threads 4               larger worlds, in hours
  lab table --worlds mine.toml               your own worlds; models/worlds.toml shows how they are written

Exit codes: 0 all cells decided, 1 two engines contradict each other, 2 a cell is unknown, 64 bad usage.";

const EXPLORE_EXAMPLES: &str = "\
Examples:
  lab explore                                the hub that hangs, in the browser
  lab explore --design lanes --version main  start with another world; the page can change it
  lab explore --port 8080 --no-open          says the address, and opens nothing
  lab explore --export site --logins 1       one world in a folder, that works without a server

Exit codes: 0 ended by Ctrl-C or exported, 64 bad usage or a world too large to export.";

/// Searches the interleavings of OpenIM's session hub, and of its fixes, for the deadlock; says who waits for whom.
///
/// Without a command: the post's incident at small size on each engine, the split fix verified, and the hang at the
/// post's own size.
#[derive(Parser)]
#[command(name = "lab", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Searches for a schedule under which a property breaks.
    #[command(after_help = EXAMPLES)]
    Check(Box<Check>),
    /// Plays the schedule of a replay key and says what happens.
    Replay {
        /// The key, as a check printed it; @FILE reads it from a file, - from standard input.
        key: String,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Draws a counterexample: trace and wait-for graph as SVG, Mermaid and text files, and as a log for ShiViz; a hang also as
    /// lock, and as the unlock of the post's fix.
    Explain(Box<Explain>),
    /// Opens a page on which you are the scheduler: each step of the real core is yours to choose, and it says what can still happen.
    #[command(after_help = EXPLORE_EXAMPLES)]
    Explore(Box<Explore>),
    /// Lists designs, versions, policies, properties, engines and schedulers, with a line on each.
    List {
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// The verdict table: each design at each version against each property.
    #[command(after_help = TABLE_EXAMPLES)]
    Table(Box<TableArgs>),
    /// Searches the smallest worlds where a property fails, by capacity, and says which law they follow.
    Smallest(Box<Smallest>),
    /// Measures how many schedules shuttle's schedulers need to find the deadlock, over many seeds.
    Schedulers(Box<Schedulers>),
    /// Measures how many whole runs under a random scheduler break a property, with a 95 % interval.
    ///
    /// Every run counts, each draws alike, and none is stopped by what another has shown; unlike `check --engine shuttle`, which
    /// hunts. Exits with 0, or 2 if there was no time for all runs.
    Odds(Box<Odds>),
    /// Says how soon the hub hangs, by capacity, load and accounts: on a virtual clock, and on the real gateway
    Likely(Likely),
    /// Searches every known failure of OpenIM's hub and of the post's fix again, and draws and writes down what it finds.
    ///
    /// Exits with 0 if each is found as it is known, 1 if one is not.
    Findings(Findings),
    /// Draws the pictures of the documentation again: all that engines and core determine. What was measured, it leaves.
    ///
    /// Exits with 0; with --check, 1 if a file is stale.
    Pictures(Pictures),
    /// Searches small kernels of other systems that had the same bug, with the fixes that were chosen side by side.
    ///
    /// Exits with 0 if each is found as it is known, be that a hang; 1 if one is not; 2 if a search was cut short.
    Zoo(Zoo),
    /// Asks SPIN for a second opinion, from a model of the same steps in Promela, and compares what both say.
    Spin(Box<Spin>),
    /// Prints a shell's completion script.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page.
    Man,
}

/// The world.
#[derive(Args, Clone)]
pub(crate) struct World {
    /// The hub's design.
    #[arg(long, value_enum, default_value_t = Named(Design::SingleSelect))]
    pub(crate) design: Named<Design>,
    /// The OpenIM version whose steps are followed.
    #[arg(long, value_enum, default_value_t = Named(Version::V3_5_1))]
    pub(crate) version: Named<Version>,
    /// The multi-login policy.
    #[arg(long, value_enum, default_value_t = Named(Policy::SameTerminal))]
    pub(crate) policy: Named<Policy>,
    /// Users.
    #[arg(long, default_value_t = 1)]
    pub(crate) users: u32,
    /// Connections of each user, all contending at once.
    #[arg(long, default_value_t = 2)]
    pub(crate) logins: u32,
    /// Capacity of the hub's channels; OpenIM's is 1000.
    #[arg(long, default_value_t = 1)]
    pub(crate) capacity: u32,
    /// Whether each peer may close its socket at any moment, or never does.
    #[arg(long, value_enum, default_value_t = Named(Peers::Leave))]
    pub(crate) peers: Named<Peers>,
    /// From which platforms the logins of a user come.
    #[arg(long, value_enum, default_value_t = Named(Platforms::Same))]
    pub(crate) platforms: Named<Platforms>,
    /// All logins of a user come with the same token, as those of a client that reconnects.
    #[arg(long)]
    pub(crate) same_token: bool,
    /// Tasks that push a message to user 1.
    #[arg(long, default_value_t = 0)]
    pub(crate) pushers: u32,
    /// Administrators who kick user 1 off Android.
    #[arg(long, default_value_t = 0)]
    pub(crate) kickers: u32,
    /// Nodes, on which the logins of a user come in turn.
    #[arg(long, default_value_t = 1)]
    pub(crate) nodes: u32,
    /// What is written to a socket goes through a queue and a writer task, where the version has it so.
    #[arg(long)]
    pub(crate) writers: bool,
    /// A stop signal comes, at any moment.
    #[arg(long)]
    pub(crate) stop: bool,
    /// Lanes; for the design lanes.
    #[arg(long, default_value_t = 1)]
    pub(crate) lanes: u32,
}

impl World {
    pub(crate) fn scenario(&self) -> Scenario {
        Scenario {
            design: self.design.0,
            version: self.version.0,
            policy: self.policy.0,
            users: self.users,
            logins: self.logins,
            capacity: self.capacity,
            peers: self.peers.0,
            platforms: self.platforms.0,
            same_token: self.same_token,
            pushers: self.pushers,
            kickers: self.kickers,
            nodes: self.nodes,
            writers: self.writers,
            stop: self.stop,
            lanes: self.lanes,
            one_peer_task: false,
        }
    }
}

#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) world: World,
    /// The claim.
    #[arg(long, value_enum, default_value_t = Named(Property::NoDeadlock))]
    pub(crate) property: Named<Property>,
    /// Who searches.
    #[arg(long, value_enum, default_value_t = Named(Engine::Exhaustive))]
    pub(crate) engine: Named<Engine>,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Writes the replay key to a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct LimitArgs {
    /// Seconds after which a search gives up.
    #[arg(long, default_value = "60", value_parser = seconds, allow_hyphen_values = true, value_name = "SECONDS")]
    pub(crate) budget: Duration,
    /// exhaustive: MiB for states.
    #[arg(long, default_value_t = 2048, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub(crate) memory: u64,
    /// exhaustive: search also states that differ only in who is who.
    #[arg(long)]
    pub(crate) no_symmetry: bool,
    /// loom: at most so many preemptions in one execution.
    #[arg(long, value_name = "PREEMPTIONS", value_parser = clap::value_parser!(u64).range(0..=1000))]
    pub(crate) bound: Option<u64>,
    /// shuttle: how schedules are drawn: random, urw, or pct with a bug depth, as in pct3.
    #[arg(long, value_parser = scheduler, value_name = "SCHEDULER")]
    pub(crate) scheduler: Option<Scheduler>,
    /// shuttle and tokio: how many runs at most [default: 1000000 for shuttle, 10000 for tokio].
    #[arg(long, value_name = "RUNS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) schedules: Option<u64>,
    /// shuttle and tokio: where random choice starts.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// shuttle: on how many threads.
    #[arg(long, value_name = "THREADS", value_parser = clap::value_parser!(u64).range(1..=256))]
    pub(crate) threads: Option<u64>,
}

impl LimitArgs {
    /// The limits, if the flags fit the engine.
    pub(crate) fn limits(&self, engine: Engine) -> Result<Limits, String> {
        let random = matches!(engine, Engine::Shuttle | Engine::Tokio);
        let foreign = [
            ("--bound", self.bound.is_some(), engine == Engine::Loom, "loom"),
            ("--no-symmetry", self.no_symmetry, engine == Engine::Exhaustive, "exhaustive"),
            ("--scheduler", self.scheduler.is_some(), engine == Engine::Shuttle, "shuttle"),
            ("--threads", self.threads.is_some(), engine == Engine::Shuttle, "shuttle"),
            ("--schedules", self.schedules.is_some(), random, "shuttle and tokio"),
            ("--seed", self.seed.is_some(), random, "shuttle and tokio"),
        ];
        for (flag, given, fits, of) in foreign {
            if given && !fits {
                return Err(format!("{flag} is for {of}; the engine is {}", engine.name()));
            }
        }
        let usual = Limits::default();
        let runs = if engine == Engine::Shuttle { 1_000_000 } else { 10_000 };
        Ok(Limits {
            budget: self.budget,
            memory: usize::try_from(self.memory << 20).unwrap_or(usize::MAX),
            symmetry: !self.no_symmetry,
            audit: usual.audit,
            bound: self.bound.map(|b| b as usize),
            scheduler: self.scheduler.unwrap_or(usual.scheduler),
            schedules: self.schedules.unwrap_or(runs),
            seed: self.seed.unwrap_or(usual.seed),
            threads: self.threads.map_or(usual.threads, |t| t as usize),
        })
    }
}

#[derive(Args)]
pub(crate) struct Explore {
    #[command(flatten)]
    pub(crate) world: World,
    /// Port on 127.0.0.1; 0 for any that is free.
    #[arg(long, default_value_t = 7007)]
    pub(crate) port: u16,
    /// Opens no browser.
    #[arg(long)]
    pub(crate) no_open: bool,
    /// Writes a folder with the page for this world alone, and serves nothing.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) export: Option<PathBuf>,
    /// The most states that an export holds.
    #[arg(long, default_value_t = 20_000, value_name = "STATES", requires = "export")]
    pub(crate) states: usize,
    /// Seconds after which the search of a world's states gives up.
    #[arg(long, default_value = "60", value_parser = seconds, allow_hyphen_values = true, value_name = "SECONDS")]
    pub(crate) budget: Duration,
    /// MiB for states.
    #[arg(long, default_value_t = 1024, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub(crate) memory: u64,
}

#[derive(Args)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) world: World,
    /// The claim.
    #[arg(long, value_enum, default_value_t = Named(Property::NoDeadlock))]
    pub(crate) property: Named<Property>,
    /// A replay key, instead of a search in the world above; @FILE reads it from a file, - from standard input.
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// Folder to write to.
    #[arg(long, default_value = "pictures", value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// Seconds after which the search gives up.
    #[arg(long, default_value = "60", value_parser = seconds, allow_hyphen_values = true, value_name = "SECONDS")]
    pub(crate) budget: Duration,
}

#[derive(Args)]
pub(crate) struct TableArgs {
    /// Only this design; may be repeated.
    #[arg(long, value_enum)]
    pub(crate) design: Vec<Named<Design>>,
    /// Only this version; may be repeated. Without, all that OpenIM has published.
    #[arg(long, value_enum)]
    pub(crate) version: Vec<Named<Version>>,
    /// Also the worlds that take long.
    #[arg(long, conflicts_with = "quick")]
    pub(crate) deep: bool,
    /// Only the worlds that the tests search.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Worlds to search instead of the committed ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) worlds: Option<PathBuf>,
    /// Seconds for each search [default: 400, or 1800 with --deep].
    #[arg(long, value_parser = seconds, value_name = "SECONDS")]
    pub(crate) budget: Option<Duration>,
    /// MiB for the states of each search.
    #[arg(long, default_value_t = 4096, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub(crate) memory: u64,
    /// How many searches at once [default: 2].
    #[arg(long, value_name = "THREADS", value_parser = clap::value_parser!(u64).range(1..=256))]
    pub(crate) threads: Option<u64>,
    /// Does not have shuttle and loom look at the cells.
    #[arg(long)]
    pub(crate) no_cross_check: bool,
    /// Seconds that shuttle, and loom, each have for a cell.
    #[arg(long, default_value = "0.25", value_parser = seconds, value_name = "SECONDS")]
    pub(crate) cross: Duration,
    /// Prints Markdown tables, with the worlds and replay keys.
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
    /// Fails if the table in this file is another one.
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Option<PathBuf>,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Smallest {
    /// The hub's design.
    #[arg(long, value_enum, default_value_t = Named(Design::SingleSelect))]
    pub(crate) design: Named<Design>,
    /// Only this version; may be repeated. Without, all that OpenIM has published.
    #[arg(long, value_enum)]
    pub(crate) version: Vec<Named<Version>>,
    /// The claim.
    #[arg(long, value_enum, default_value_t = Named(Property::NoDeadlock))]
    pub(crate) property: Named<Property>,
    /// The largest capacity to search.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=20))]
    pub(crate) most: u32,
    /// Seconds for each world and capacity.
    #[arg(long, default_value = "20", value_parser = seconds, value_name = "SECONDS")]
    pub(crate) budget: Duration,
    /// Also looks around the law's line at this capacity, with shuttle and by the pattern of the small worlds.
    #[arg(long, value_name = "CAPACITY", value_parser = clap::value_parser!(u32).range(1..=2000))]
    pub(crate) at: Option<u32>,
    /// Seconds that shuttle has for each world there.
    #[arg(long, default_value = "20", value_parser = seconds, value_name = "SECONDS")]
    pub(crate) sample: Duration,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Schedulers {
    /// Users.
    #[arg(long, default_value_t = 4)]
    pub(crate) users: u32,
    /// Connections of each user.
    #[arg(long, default_value_t = 3)]
    pub(crate) logins: u32,
    /// Capacity of the hub's channels.
    #[arg(long, default_value_t = 4)]
    pub(crate) capacity: u32,
    /// How many seeds.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) seeds: u64,
    /// Schedules at most for each seed.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) schedules: u64,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Odds {
    #[command(flatten)]
    pub(crate) world: World,
    /// The claim; may be repeated.
    #[arg(long, value_enum, default_value = "no-deadlock")]
    pub(crate) property: Vec<Named<Property>>,
    /// How many runs.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) runs: u64,
    /// Where random choice starts.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// On how many threads; the count depends on it.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=256))]
    pub(crate) threads: u64,
    /// Of eight peers that may leave, so many do.
    #[arg(long, default_value_t = 4, value_name = "EIGHTHS", value_parser = clap::value_parser!(u64).range(0..=8))]
    pub(crate) leave: u64,
    /// Seconds for each property, after which no run begins.
    #[arg(long, default_value = "600", value_parser = seconds, allow_hyphen_values = true, value_name = "SECONDS")]
    pub(crate) budget: Duration,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How soon a hub hangs under logins that come at random, by simulation of the core on a virtual clock; with --real, the real gateway on
/// loopback as well.
///
/// The load is the share of its time that the hub would need for the calls that it makes for sessions which nobody kicks: from 1 on it
/// cannot keep up. The rate of logins follows from it. Medians have bounds of 95 %.
#[derive(Args)]
#[command(after_help = "Examples:
  lab likely
  lab likely --capacity 1000 --load 1.1 --runs 50
  lab likely --capacity 10,100 --load 1.5,2 --real 5 --svg likely.svg --csv likely.csv")]
pub(crate) struct Likely {
    /// The hub's design.
    #[arg(long, value_enum, default_value = "single-select")]
    pub(crate) design: Named<Design>,
    /// The OpenIM version whose steps are followed.
    #[arg(long, value_enum, default_value = "v3.5.1")]
    pub(crate) version: Named<Version>,
    /// Capacities of register and unregister.
    #[arg(long, value_delimiter = ',', default_value = "10,30,100,300,1000")]
    pub(crate) capacity: Vec<usize>,
    /// Loads.
    #[arg(long, value_delimiter = ',', default_value = "0.9,1,1.1,1.3,2")]
    pub(crate) load: Vec<f64>,
    /// How many accounts.
    #[arg(long, value_delimiter = ',', default_value = "100")]
    pub(crate) accounts: Vec<u32>,
    /// Microseconds that each call takes which the hub's loop makes.
    #[arg(long, default_value_t = 2000)]
    pub(crate) service_us: u64,
    /// The longest run, in seconds of virtual time.
    #[arg(long, default_value = "3600", value_parser = seconds, allow_hyphen_values = true, value_name = "SECONDS")]
    pub(crate) horizon: Duration,
    /// How many simulated runs of each.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) runs: u64,
    /// Where random choice starts.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// On how many threads; the result does not depend on it [default: the cores]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=256))]
    pub(crate) threads: Option<u64>,
    /// How many runs of the real gateway, of each that is expected to hang within --patience.
    #[arg(long, default_value_t = 0, value_name = "RUNS")]
    pub(crate) real: u64,
    /// The longest run of the real gateway, in seconds.
    #[arg(long, default_value = "60", value_parser = seconds, allow_hyphen_values = true, value_name = "SECONDS")]
    pub(crate) patience: Duration,
    /// Seconds for all of it, after which no run begins.
    #[arg(long, default_value = "600", value_parser = seconds, allow_hyphen_values = true, value_name = "SECONDS")]
    pub(crate) budget: Duration,
    /// Draws a picture.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Writes a table of values.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Findings {
    /// Folder to write pictures, traces and replay keys to.
    #[arg(long, default_value = "docs/findings", value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// Page whose tables between markers are written anew.
    #[arg(long, value_name = "FILE")]
    pub(crate) page: Option<PathBuf>,
    /// Plays the replay keys of this file, and searches again only what is small.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Pictures {
    /// Folder of the documentation; files go to its pictures and findings.
    #[arg(long, default_value = "docs", value_name = "FOLDER")]
    pub(crate) docs: PathBuf,
    /// Writes nothing, and names what is stale.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Args)]
pub(crate) struct Zoo {
    /// Tells the story of this one, with the shortest way into its hang as a picture.
    pub(crate) name: Option<String>,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Prints what docs/ZOO.md has between its markers.
    #[arg(long, conflicts_with_all = ["json", "name"])]
    pub(crate) markdown: bool,
    /// Seconds after which the search of one variant gives up.
    #[arg(long, default_value = "60", value_parser = seconds, allow_hyphen_values = true, value_name = "SECONDS")]
    pub(crate) budget: Duration,
}

#[derive(Args)]
pub(crate) struct Spin {
    /// Leaves out the worlds of more than two connections.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Seconds after which either search of a world gives up.
    #[arg(long, default_value = "60", value_parser = seconds, allow_hyphen_values = true, value_name = "SECONDS")]
    pub(crate) budget: Duration,
    /// How many worlds are searched at once; times are good for comparison with 1.
    #[arg(long, default_value_t = 1, value_name = "JOBS", value_parser = clap::value_parser!(u64).range(1..=64))]
    pub(crate) jobs: u64,
    /// Prints the table of docs/SPIN.md.
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
    /// Fails if the table in this file says other verdicts, worlds or states.
    #[arg(long, value_name = "FILE", conflicts_with = "quick")]
    pub(crate) against: Option<PathBuf>,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text} is no number of seconds"))?;
    if !(0.001..=1e7).contains(&seconds) {
        return Err("a budget is between 0.001 and 10000000 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn scheduler(text: &str) -> Result<Scheduler, String> {
    match (text, text.strip_prefix("pct").map(str::parse)) {
        ("random", _) => Ok(Scheduler::Random),
        ("urw", _) => Ok(Scheduler::Urw),
        (_, Some(Ok(depth @ 1..=100))) => Ok(Scheduler::Pct(depth)),
        _ => Err("the schedulers are random, urw and pct1 to pct100".to_owned()),
    }
}

/// A value that the command line knows by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named<T>(pub(crate) T);

macro_rules! named {
    ($($of:ty => $all:expr, $count:literal;)*) => {$(
        impl ValueEnum for Named<$of> {
            fn value_variants<'a>() -> &'a [Self] {
                const ALL: [Named<$of>; $count] = {
                    let mut all = [Named($all[0]); $count];
                    let mut at = 0;
                    while at < $count {
                        all[at] = Named($all[at]);
                        at += 1;
                    }
                    all
                };
                const { &ALL }
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                Some(PossibleValue::new(self.0.name()).help(self.0.about()))
            }
        }
    )*};
}

named! {
    Design => Design::ALL, 11;
    Version => Version::ALL, 4;
    Policy => Policy::ALL, 4;
    Property => Property::ALL, 13;
    Engine => Engine::ALL, 4;
    Peers => Peers::ALL, 2;
    Platforms => Platforms::ALL, 3;
}
