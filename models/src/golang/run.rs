//! Builds programs with the Go toolchain and runs them: the only place that starts processes.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fmt, fs, io, process, thread};

use super::shown::{Event, Log, Shown};
use super::{Program, source};

/// How long a process may take; Go sees a deadlock at once, so none should take long.
const PATIENCE: Duration = Duration::from_secs(30);

const DEADLOCK: &str = "fatal error: all goroutines are asleep - deadlock!";

/// Why Go showed nothing.
#[derive(Debug)]
pub enum Error {
    /// There is no `go` on the path.
    Missing,
    /// Something could not be done.
    Io(&'static str, io::Error),
    /// Go did not take the source; what it said.
    Build(String),
    /// A run ended otherwise than a Go program should, or said what it should not.
    Odd(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Missing => f.write_str("there is no `go` on the path"),
            Error::Io(what, why) => write!(f, "cannot {what}: {why}"),
            Error::Build(said) => write!(f, "`go build` failed:\n{said}"),
            Error::Odd(what) => write!(f, "a Go program ran oddly: {what}"),
        }
    }
}

impl std::error::Error for Error {}

/// Which Go there is, in its own words.
///
/// # Errors
/// [`Error::Missing`] if there is none.
pub fn version() -> Result<String, Error> {
    let out = Command::new("go").arg("version").output().map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => Error::Missing,
        _ => Error::Io("run `go version`", why),
    })?;
    Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// Programs that are built and can be run. The files go when it is dropped.
#[derive(Debug)]
pub struct Built {
    folder: PathBuf,
    /// By program: how many goroutines it has.
    goroutines: Vec<usize>,
}

impl Drop for Built {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Builds all of the programs into one binary.
///
/// # Errors
/// If Go is missing, or cannot build them.
pub fn build(programs: &[Program]) -> Result<Built, Error> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    version()?;
    let name = format!("turnstile-go-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let built = Built {
        folder: env::temp_dir().join(name),
        goroutines: programs.iter().map(|program| program.goroutines.len()).collect(),
    };
    let write = |name: &str, text: &str| fs::write(built.folder.join(name), text);
    fs::create_dir_all(&built.folder)
        .and_then(|()| write("go.mod", "module programs\n\ngo 1.18\n"))
        .and_then(|()| write("main.go", &source(programs)))
        .map_err(|why| Error::Io("write the Go source", why))?;
    let out = Command::new("go")
        .args(["build", "-o", "programs", "."])
        .current_dir(&built.folder)
        .envs([("GO111MODULE", "on"), ("GOFLAGS", "-mod=mod"), ("GOPROXY", "off"), ("GOWORK", "off")])
        .env("GOTOOLCHAIN", "local")
        .output()
        .map_err(|why| Error::Io("run `go build`", why))?;
    if !out.status.success() {
        return Err(Error::Build(String::from_utf8_lossy(&out.stderr).into_owned()));
    }
    Ok(built)
}

impl Built {
    /// Runs program `index` so many times; what each run showed.
    ///
    /// # Errors
    /// If a run ends in a way that is neither Go's deadlock report nor a panic nor an orderly end.
    pub fn run(&self, index: usize, runs: usize, seed: u64) -> Result<Vec<Shown>, Error> {
        let mut shown = Vec::new();
        while shown.len() < runs {
            // A process that deadlocks or panics is at its end, and another does the rest of the runs.
            let arguments = [index, shown.len(), runs - shown.len(), (seed & 0xffff_ffff) as usize];
            let (said, cried) = run_once(&self.folder.join("programs"), &arguments)?;
            let before = shown.len();
            parse(&said, &cried, self.goroutines[index], &mut shown).map_err(Error::Odd)?;
            if shown.len() == before {
                return Err(Error::Odd(format!("it showed nothing; it said {said:?} and {cried:?}")));
            }
        }
        Ok(shown)
    }
}

/// Runs a process; what it wrote to its output and to its error output.
fn run_once(binary: &Path, arguments: &[usize]) -> Result<(String, String), Error> {
    let odd = |why| Error::Io("run a Go program", why);
    let mut child = Command::new(binary)
        .args(arguments.iter().map(ToString::to_string))
        .env("GOTRACEBACK", "none")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(odd)?;
    let (mut out, mut err) =
        (child.stdout.take().expect("it is piped"), child.stderr.take().expect("it is piped"));
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let (mut said, mut cried) = (String::new(), String::new());
        let read = out.read_to_string(&mut said).and_then(|_| err.read_to_string(&mut cried));
        let _ = tell.send(read.map(|_| (said, cried)));
    });
    let told = told.recv_timeout(PATIENCE);
    if told.is_err() {
        let _ = child.kill();
    }
    child.wait().map_err(odd)?;
    match told {
        Ok(read) => read.map_err(odd),
        Err(_) => Err(Error::Odd(format!("it was not done after {} s", PATIENCE.as_secs()))),
    }
}

/// Reads what a process said, run by run; the last may have ended in a deadlock or a panic.
fn parse(said: &str, cried: &str, goroutines: usize, shown: &mut Vec<Shown>) -> Result<(), String> {
    let fresh = || vec![Log::default(); goroutines];
    let mut logs = fresh();
    for line in said.lines() {
        if line == "end" {
            let rest = Shown::Rest(std::mem::replace(&mut logs, fresh()));
            if rest.is_deadlock() {
                return Err(format!("it went on though not all had finished: {rest}"));
            }
            shown.push(rest);
        } else {
            note(line, &mut logs).ok_or_else(|| format!("it said {line:?}"))?;
        }
    }
    if cried.lines().any(|line| line == DEADLOCK) {
        let rest = Shown::Rest(logs);
        if !rest.is_deadlock() {
            return Err(format!("it reported a deadlock though all had finished: {rest}"));
        }
        shown.push(rest);
    } else if let Some(why) = cried.lines().find_map(|line| line.strip_prefix("panic: ")) {
        shown.push(Shown::Panic(why.to_owned()));
    } else if !cried.is_empty() || logs != fresh() {
        return Err(format!("it cried {cried:?} after {logs:?}"));
    }
    Ok(())
}

/// Reads a line such as `2 received 0 1 7`: goroutine 2 received by case 0 from channel 1 the value 7.
fn note(line: &str, logs: &mut [Log]) -> Option<()> {
    let mut words = line.split(' ');
    let log = logs.get_mut(words.next()?.parse::<usize>().ok()?.checked_sub(1)?)?;
    let what = words.next()?;
    let numbers: Vec<usize> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    log.events.push(match (what, numbers.as_slice()) {
        ("finished", []) => {
            log.finished = true;
            return Some(());
        }
        ("sent", &[case, channel]) => Event::Sent { case, channel },
        ("received", &[case, channel, value]) => {
            Event::Received { case, channel, value: Some(u8::try_from(value).ok()?) }
        }
        ("drained", &[case, channel]) => Event::Received { case, channel, value: None },
        ("default", []) => Event::Default,
        ("closed", &[channel]) => Event::Closed(channel),
        ("locked", &[mutex]) => Event::Locked(mutex),
        ("unlocked", &[mutex]) => Event::Unlocked(mutex),
        ("write-locked", &[mutex]) => Event::WriteLocked(mutex),
        ("write-unlocked", &[mutex]) => Event::WriteUnlocked(mutex),
        ("read-locked", &[mutex]) => Event::ReadLocked(mutex),
        ("read-unlocked", &[mutex]) => Event::ReadUnlocked(mutex),
        _ => return None,
    });
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_says_is_read_run_by_run() {
        let sent = Event::Sent { case: 0, channel: 1 };
        let drained = Event::Received { case: 2, channel: 0, value: None };
        let finished = |events: &[Event]| Log { events: events.to_vec(), finished: true };
        let waits = |events: &[Event]| Log { events: events.to_vec(), finished: false };
        let whole = "2 sent 0 1\n1 drained 2 0\n2 finished\n1 finished\nend\n";
        let done = Shown::Rest(vec![finished(&[drained]), finished(&[sent])]);
        let stuck = Shown::Rest(vec![waits(&[sent]), finished(&[])]);
        let panic = Shown::Panic("close of closed channel".to_owned());
        type Row = (String, &'static str, Result<Vec<Shown>, &'static str>);
        let rows: [Row; 7] = [
            (whole.repeat(2), "", Ok(vec![done.clone(), done.clone()])),
            (format!("{whole}1 sent 0 1\n2 finished\n"), DEADLOCK, Ok(vec![done.clone(), stuck])),
            (format!("{whole}1 sent 0 1\n"), "panic: close of closed channel\n", Ok(vec![done, panic])),
            ("1 finished\nend\n".to_owned(), "", Err("not all had finished")),
            ("1 finished\n2 finished\n".to_owned(), DEADLOCK, Err("though all had finished")),
            ("1 finished\n".to_owned(), "", Err("it cried")),
            ("3 finished\nend\n".to_owned(), "", Err("it said")),
        ];
        for (said, cried, expected) in rows {
            let mut shown = Vec::new();
            match (parse(&said, cried, 2, &mut shown), expected) {
                (Ok(()), Ok(expected)) => assert_eq!(shown, expected),
                (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
                (got, expected) => panic!("{said:?}: {got:?}, not {expected:?}"),
            }
        }
    }
}
