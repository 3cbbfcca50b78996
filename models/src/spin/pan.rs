//! Runs SPIN: it writes a verifier in C, `pan`, which the C compiler builds, and which searches.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, fmt, fs, io, process, thread};

use turnstile::hub::{Design, Version};

use crate::limits::Limits;
use crate::property::Property;
use crate::scenario::Scenario;

const HUB: &str = include_str!("../../spin/hub.pml");
const GO: &str = include_str!("../../spin/go.pml");

/// Why SPIN said nothing.
#[derive(Debug)]
pub enum Error {
    /// This program is not on the path.
    Missing(&'static str),
    /// Something could not be done.
    Io(&'static str, io::Error),
    /// The Promela does not have all that is in this world.
    Unmodelled(String),
    /// A program refused its input; what it said.
    Refused(&'static str, String),
    /// `pan` ended otherwise than a verifier should.
    Odd(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Missing(program) => {
                write!(
                    f,
                    "there is no `{program}` on the path; on Debian: apt-get install spin gcc libc6-dev"
                )
            }
            Error::Io(what, why) => write!(f, "cannot {what}: {why}"),
            Error::Unmodelled(what) => write!(f, "the Promela does not know {what}"),
            Error::Refused(program, said) => write!(f, "`{program}` does not take the model:\n{said}"),
            Error::Odd(what) => write!(f, "SPIN's verifier ran oddly: {what}"),
        }
    }
}

impl std::error::Error for Error {}

/// In which order SPIN searches. Both with its partial-order reduction.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Order {
    /// As the exhaustive engine does: what is found first is shortest.
    #[default]
    BreadthFirst,
    /// As SPIN usually does.
    DepthFirst,
}

/// A mistake that can be put into the Promela, to see that a comparison finds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Planted {
    /// A row is loaded and stored in one step, where v3.5.1 takes two.
    OneStepTable,
    /// A channel has room for one more than its capacity.
    RoomForOneMore,
}

/// What SPIN says of a property of a world.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether the property holds; `None` if a limit stopped the search.
    pub holds: Option<bool>,
    /// Distinct states that were stored.
    pub states: u64,
    /// Transitions between them.
    pub transitions: u64,
    /// How deep the search went; where the property fails, breadth first, how long the shortest way there is.
    pub depth: u64,
    /// How long SPIN and the C compiler took to make the verifier.
    pub making: Duration,
    /// How long the verifier searched, the start of its process included.
    pub searching: Duration,
}

/// Which SPIN and which C compiler there are, in their own words.
///
/// # Errors
/// [`Error::Missing`] if there is none.
pub fn versions() -> Result<(String, String), Error> {
    let first =
        |out: Output| String::from_utf8_lossy(&out.stdout).lines().next().unwrap_or_default().to_owned();
    let spin = run(Command::new("spin").arg("-V"), "spin")?;
    let gcc = run(Command::new("gcc").arg("--version"), "gcc")?;
    Ok((first(spin), first(gcc)))
}

/// Asks SPIN whether a property holds of a scenario.
///
/// # Errors
/// [`Error::Unmodelled`] for what the Promela does not know: other designs than OpenIM's and the post's, other policies than
/// `same-terminal`, more than four connections, and so on. Also if SPIN or the C compiler is missing, or refuses the model.
pub fn ask(
    scenario: &Scenario,
    property: Property,
    order: Order,
    planted: Option<Planted>,
    limits: &Limits,
) -> Result<Answer, Error> {
    known(scenario, property)?;
    let began = Instant::now();
    let folder = Folder::new()?;
    let mut spin = Command::new("spin");
    spin.arg("-a").args(defines(scenario, property, planted)).arg("hub.pml").current_dir(&folder.0);
    accepted(run(&mut spin, "spin")?, "spin", &folder.0.join("pan.c"))?;
    let mut gcc = Command::new("gcc");
    // Of a small world, the search takes no time, and the compiler most of it.
    gcc.arg(if scenario.connections() > 2 { "-O2" } else { "-O1" });
    gcc.args(["-w", "-DSAFETY", "-DNOFAIR", "-DVECTORSZ=1024"]);
    gcc.arg(format!("-DMEMLIM={}", limits.memory >> 20));
    if order == Order::BreadthFirst {
        gcc.arg("-DBFS");
    }
    gcc.args(["-o", "pan", "pan.c"]).current_dir(&folder.0);
    accepted(run(&mut gcc, "gcc")?, "gcc", &folder.0.join("pan"))?;
    let making = began.elapsed();
    let began = Instant::now();
    let said = search(&folder.0, limits.budget)?;
    parse(said.as_deref(), making, began.elapsed())
}

fn known(scenario: &Scenario, property: Property) -> Result<(), Error> {
    let Scenario { design, version, users, logins, capacity, peers, pushers, .. } = *scenario;
    let plain = Scenario { design, version, users, logins, capacity, peers, pushers, ..Scenario::default() };
    let versions = [Version::V3_5_1, Version::V3_5_1Unpooled, Version::V3_8_3];
    let judged = [
        Property::NoDeadlock,
        Property::NoCrash,
        Property::NoGhost,
        Property::NoLostSession,
        Property::PolicyHolds,
        Property::Counters,
        Property::NoLeak,
    ];
    let pushed = matches!(property, Property::NoLeak | Property::NoCrash);
    let rules = [
        (versions.contains(&version), format!("version {}", version.name())),
        (matches!(design, Design::SingleSelect | Design::SplitLoops), format!("design {}", design.name())),
        (judged.contains(&property), format!("property {}", property.name())),
        (
            (1..=4).contains(&scenario.connections()),
            format!("worlds of {} connections", scenario.connections()),
        ),
        (pushers == 0 || (pushed && pushers <= 2), format!("{pushers} pushers for {}", property.name())),
        (*scenario == plain, "all that is in this world".to_owned()),
    ];
    match rules.into_iter().find(|(known, _)| !known) {
        None => Ok(()),
        Some((_, what)) => Err(Error::Unmodelled(what)),
    }
}

fn defines(scenario: &Scenario, property: Property, planted: Option<Planted>) -> Vec<String> {
    let word = |name: &str| name.to_uppercase().replace(['.', '-'], "_");
    let planted = match planted {
        None => "NOTHING",
        Some(Planted::OneStepTable) => "ONE_STEP_TABLE",
        Some(Planted::RoomForOneMore) => "ROOM_FOR_ONE_MORE",
    };
    [
        ("VERSION", word(scenario.version.name())),
        ("DESIGN", word(scenario.design.name())),
        ("POLICY", word(scenario.policy.name())),
        ("PEERS", word(scenario.peers.name())),
        ("PROPERTY", word(property.name())),
        ("USERS", scenario.users.to_string()),
        ("LOGINS", scenario.logins.to_string()),
        ("CAPACITY", scenario.capacity.to_string()),
        ("PUSHERS", scenario.pushers.to_string()),
        ("PLANTED", planted.to_owned()),
    ]
    .iter()
    .map(|(name, value)| format!("-D{name}={value}"))
    .collect()
}

/// A folder of its own, with the model. It goes when it is dropped.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn new() -> Result<Folder, Error> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("turnstile-spin-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = Folder(env::temp_dir().join(name));
        fs::create_dir_all(&folder.0)
            .and_then(|()| fs::write(folder.0.join("hub.pml"), HUB))
            .and_then(|()| fs::write(folder.0.join("go.pml"), GO))
            .map_err(|why| Error::Io("write the Promela", why))?;
        Ok(folder)
    }
}

fn run(command: &mut Command, program: &'static str) -> Result<Output, Error> {
    command.stdin(Stdio::null()).output().map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => Error::Missing(program),
        _ => Error::Io("run SPIN or the C compiler", why),
    })
}

/// SPIN does not always say by its exit code that it has refused; then what it should have made is not there.
fn accepted(out: Output, program: &'static str, made: &Path) -> Result<(), Error> {
    if out.status.success() && made.exists() {
        return Ok(());
    }
    let said = [out.stdout, out.stderr].concat();
    Err(Error::Refused(program, String::from_utf8_lossy(&said).trim().to_owned()))
}

/// Runs the verifier; what it said, or `None` if it was not done in time.
fn search(folder: &Path, budget: Duration) -> Result<Option<String>, Error> {
    let odd = |why| Error::Io("run SPIN's verifier", why);
    // No end state is invalid: the model says itself what is at rest and who is stuck.
    let mut child = Command::new(folder.join("pan"))
        .args(["-E", "-w20", "-m10000000", "-n"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(odd)?;
    let mut out = child.stdout.take().expect("it is piped");
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut said = String::new();
        let _ = tell.send(out.read_to_string(&mut said).map(|_| said));
    });
    let told = told.recv_timeout(budget);
    if told.is_err() {
        let _ = child.kill();
    }
    child.wait().map_err(odd)?;
    told.ok().transpose().map_err(odd)
}

fn parse(said: Option<&str>, making: Duration, searching: Duration) -> Result<Answer, Error> {
    let none = Answer { holds: None, states: 0, transitions: 0, depth: 0, making, searching };
    let Some(said) = said else { return Ok(none) };
    // «1773 states, stored», but «depth reached 29,» and «errors: 0»; large numbers as 1.2e+07.
    let number = |word: &str| word.trim_matches([',', '.']).parse::<f64>().ok().map(|n| n as u64);
    let before =
        |what: &str| said.split_once(what).and_then(|(left, _)| number(left.split_whitespace().next_back()?));
    let after =
        |what: &str| said.split_once(what).and_then(|(_, right)| number(right.split_whitespace().next()?));
    let counts =
        (after("errors:"), before("states, stored"), before("transitions (="), after("depth reached"));
    let (Some(errors), Some(states), Some(transitions), Some(depth)) = counts else {
        return Err(Error::Odd(said.trim().to_owned()));
    };
    // A search that found an error says that it is not completed, too.
    let cut = ["Search not completed", "max search depth too small"].iter().any(|why| said.contains(why));
    let holds = match (errors, cut) {
        (1.., _) => Some(false),
        (0, false) => Some(true),
        (0, true) => None,
    };
    Ok(Answer { holds, states, transitions, depth, ..none })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "pan:1: assertion violated (at depth 29)\nState-vector 148 byte, depth reached 29, errors: 1\n \
                        1773 states, stored\n     3925 transitions (= stored+matched)\n";

    #[test]
    fn what_the_verifier_says_is_read() {
        let answer = parse(Some(SAID), Duration::ZERO, Duration::ZERO).unwrap();
        let seen = (answer.holds, answer.states, answer.transitions, answer.depth);
        assert_eq!(seen, (Some(false), 1773, 3925, 29));
    }

    #[test]
    fn a_search_that_was_cut_short_says_nothing() {
        let said = SAID
            .replace("errors: 1", "errors: 0")
            .replace("pan:1: assertion violated", "Warning: Search not completed");
        assert_eq!(parse(Some(&said), Duration::ZERO, Duration::ZERO).unwrap().holds, None);
        assert_eq!(parse(None, Duration::ZERO, Duration::ZERO).unwrap().holds, None);
    }

    #[test]
    fn what_no_verifier_says_is_odd() {
        assert!(matches!(parse(Some("Killed"), Duration::ZERO, Duration::ZERO), Err(Error::Odd(_))));
    }
}
