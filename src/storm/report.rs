//! How a storm goes, and what came of it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::timeout;

use super::account::{NO_ANSWER, NOBODY};
use super::held::Ends;
use super::server::Watch;
use super::tally::{Failure, Phase, Took, Waiting};
use super::{LOOK, Storm};

/// After how long without an end it may be that there will be none.
const DOUBT: Duration = Duration::from_secs(1);

/// How it goes at a moment.
#[derive(Clone, Default, Debug, Serialize)]
pub struct Sample {
    /// Seconds since the beginning.
    pub seconds: f64,
    /// Cycles that came to their end.
    pub cycles: u64,
    /// Cycles/s over the last second or so.
    pub per_second: f64,
    /// Logins that were answered.
    pub logins: u64,
    /// Who waits, by phase.
    pub waiting: BTreeMap<Phase, Waiting>,
    /// What failed so far.
    pub failures: u64,
    /// Connections that the server counts, if it says so.
    pub connections: Option<u64>,
    /// Whether nothing comes to its end any more.
    pub stalled: bool,
}

/// How long a phase took, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// How often it came to its end.
    pub times: u64,
    /// The middle one.
    pub p50_ms: f64,
    /// One in ten took longer.
    pub p90_ms: f64,
    /// One in a hundred took longer.
    pub p99_ms: f64,
    /// One in a thousand took longer.
    pub p99_9_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// What failed, and how often.
#[derive(Clone, Debug, Serialize)]
pub struct Failed {
    /// Where.
    pub phase: Phase,
    /// What.
    pub kind: String,
    /// How often.
    pub times: u64,
}

/// Nothing came to its end any more.
#[derive(Clone, Debug, Serialize)]
pub struct Stall {
    /// When the last cycle had come to its end, in seconds since the beginning.
    pub since_seconds: f64,
    /// The most accounts that waited in each phase from then on, and the longest that one did.
    pub waiting: BTreeMap<Phase, Waiting>,
    /// How many gave up or failed in each phase since the server last showed that it lives.
    pub gave_up: BTreeMap<Phase, u64>,
    /// The connections that the server has counted ever since, if it says so and they do not change.
    pub frozen_connections: Option<u64>,
    /// The same as one would complain about it.
    pub words: Vec<String>,
}

/// What came of a storm.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How long it lasted.
    pub seconds: f64,
    /// Cycles that came to their end.
    pub cycles: u64,
    /// The same by second.
    pub cycles_per_second: f64,
    /// How long each phase took.
    pub phases: BTreeMap<Phase, Latency>,
    /// What failed.
    pub failures: Vec<Failed>,
    /// How many were kicked by another login of the same account.
    pub kicked: u64,
    /// How many logins found that their token had been taken by another, and got a new one.
    pub tokens_renewed: u64,
    /// How many left by a reset.
    pub resets: u64,
    /// In open loop: how many cycles were due and had not begun by the end.
    pub overdue: u64,
    /// Messages that were pushed to slow readers.
    pub pushes: u64,
    /// How sockets ended that fell silent.
    pub half_open: BTreeMap<String, u64>,
    /// How readers ended who took nothing.
    pub slow: BTreeMap<String, u64>,
    /// Who still waited at the end, after some time to finish.
    pub unfinished: BTreeMap<Phase, Waiting>,
    /// Users who have all left, and whom the server says are online.
    pub still_online: Option<u64>,
    /// How often nothing came to its end for some time, and then something did.
    pub pauses: u64,
    /// If it had stopped by the end.
    pub stall: Option<Stall>,
    /// How it went.
    pub samples: Vec<Sample>,
}

/// Who looks how it goes.
pub(super) struct Watcher {
    storm: Arc<Storm>,
    began: Instant,
    server: Option<Watch>,
    samples: Vec<Sample>,
    stall: Option<Stopped>,
    pauses: u64,
    /// The server's count, and since when.
    connections: Option<(u64, Instant)>,
}

/// What is known of a stall that goes on.
struct Stopped {
    since: Instant,
    seen: Instant,
    waiting: BTreeMap<Phase, Waiting>,
}

impl Watcher {
    pub(super) fn new(storm: &Arc<Storm>, began: Instant, server: Option<Watch>) -> Watcher {
        let storm = storm.clone();
        Watcher { storm, began, server, samples: Vec::new(), stall: None, pauses: 0, connections: None }
    }

    /// Whether nothing comes to its end any more.
    pub(super) fn stalls(&self) -> bool {
        self.stall.is_some()
    }

    /// Whether it may have stopped, and some more time will tell.
    pub(super) fn doubts(&self) -> bool {
        let moved = self.storm.tally.counted().moved.unwrap_or(self.began);
        let waits = self.samples.last().is_some_and(|sample| !sample.waiting.is_empty());
        let may_tell = |since: Instant| (DOUBT..self.storm.plan.stall + LOOK).contains(&since.elapsed());
        (waits && may_tell(moved)) || self.fails().is_some_and(may_tell)
    }

    /// Since when everything fails that once came to its end. A server that never took anybody is no server that has stopped.
    fn fails(&self) -> Option<Instant> {
        let counted = self.storm.tally.counted();
        counted.alive.filter(|_| !counted.since.is_empty())
    }

    /// The storm is over. If the last who came were refused, the server is gone, however short a time ago.
    pub(super) fn conclude(&mut self) {
        let refused = self.storm.tally.counted().since.keys().any(|failure| failure.kind == NOBODY);
        if self.stall.is_none()
            && refused
            && let Some(since) = self.fails()
        {
            self.stall = Some(Stopped { since, seen: Instant::now(), waiting: BTreeMap::new() });
        }
    }

    /// Whether it has stopped for so long that those who gave up could have left.
    pub(super) fn has_seen_enough(&self) -> bool {
        let enough = self.storm.plan.patience * 2 + LOOK * 2;
        let Some(stall) = &self.stall else { return false };
        // Where all fail at once, nobody is left whose leaving could be seen.
        let nobody = stall.seen.elapsed() > LOOK * 2
            && longest(&stall.waiting) < self.storm.plan.stall
            && self.samples.last().is_some_and(|sample| sample.waiting.is_empty());
        nobody || stall.since.elapsed() > enough
    }

    fn failed(&self) -> BTreeMap<Phase, u64> {
        let mut failed = BTreeMap::new();
        for (failure, times) in &self.storm.tally.counted().failures {
            *failed.entry(failure.phase).or_default() += times;
        }
        failed
    }

    /// Looks once.
    pub(super) async fn look(&mut self) -> &Sample {
        if let Some(server) = &self.server {
            match timeout(LOOK * 2, server.connections()).await {
                Ok(Ok(count)) if self.connections.is_none_or(|(before, _)| before != count) => {
                    self.connections = Some((count, Instant::now()));
                }
                // What it counted once is nothing that it says.
                Ok(Err(_)) => self.connections = None,
                _ => {}
            }
        }
        let tally = &self.storm.tally;
        let (waiting, cycles, logins) = (tally.waiting(), tally.done(Phase::Cycle), tally.done(Phase::Reply));
        let moved = tally.counted().moved.unwrap_or(self.began);
        self.judge(&waiting, moved);
        let seconds = self.began.elapsed().as_secs_f64();
        let before = self.samples.iter().rev().find(|sample| sample.seconds <= seconds - 1.0);
        let (from, then) = before.map_or((0, 0.0), |sample| (sample.cycles, sample.seconds));
        let per_second = (cycles - from) as f64 / (seconds - then).max(1e-3);
        self.samples.push(Sample {
            seconds,
            cycles,
            per_second,
            logins,
            waiting,
            failures: self.failed().values().sum(),
            connections: self.connections.map(|(count, _)| count),
            stalled: self.stalls(),
        });
        &self.samples[self.samples.len() - 1]
    }

    /// Whether it has stopped or goes on again.
    fn judge(&mut self, waiting: &BTreeMap<Phase, Waiting>, moved: Instant) {
        if self.stall.as_ref().is_some_and(|stall| moved > stall.seen) {
            self.stall = None;
            self.pauses += 1;
        }
        self.storm.holds.store(self.stalls(), Ordering::Relaxed);
        let patience = self.storm.plan.stall;
        let since = match self.fails() {
            _ if moved.elapsed() >= patience && longest(waiting) >= patience => Some(moved),
            Some(alive) if alive.elapsed() >= patience => Some(alive),
            _ => None,
        };
        if self.stall.is_none()
            && let Some(since) = since
        {
            self.stall = Some(Stopped { since, seen: Instant::now(), waiting: BTreeMap::new() });
            self.storm.holds.store(true, Ordering::Relaxed);
        }
        let Some(stall) = &mut self.stall else { return };
        for (phase, now) in waiting {
            let most = stall.waiting.entry(*phase).or_default();
            most.accounts = most.accounts.max(now.accounts);
            most.longest_ms = most.longest_ms.max(now.longest_ms);
        }
    }

    fn stall(&self) -> Option<Stall> {
        let stopped = self.stall.as_ref()?;
        let failed = self.storm.tally.counted().since.clone();
        let mut gave_up: BTreeMap<Phase, u64> = BTreeMap::new();
        for (failure, times) in &failed {
            *gave_up.entry(failure.phase).or_default() += times;
        }
        let patience = self.storm.plan.stall;
        // Up to the last look: what comes after that is our own leaving.
        let looked = self.samples.last().map_or(0.0, |sample| sample.seconds);
        let looked = self.began + Duration::from_secs_f64(looked);
        let frozen = self.connections.map(|(count, since)| (count, looked.saturating_duration_since(since)));
        let frozen = frozen.filter(|(_, lasts)| *lasts >= patience);
        let mut words = Vec::new();
        for (phase, waiting) in &stopped.waiting {
            // Who waits only now and then does not wait for what has stopped.
            if u128::from(waiting.longest_ms) < patience.as_millis() {
                continue;
            }
            let Waiting { accounts, longest_ms } = waiting;
            let what = match phase {
                Phase::Connect => "handshakes get no answer",
                Phase::Reply => "logins get no answer: connected, and nothing that is sent is answered",
                Phase::Disconnect => {
                    "users cannot go offline: the server does not close after their close frame"
                }
                Phase::Cycle => continue,
            };
            let seconds = *longest_ms as f64 / 1000.0;
            words.push(format!("{what} ({accounts} at once, one of them for {seconds:.1} s)"));
        }
        for (Failure { phase, kind }, times) in failed.iter().filter(|(failure, _)| failure.kind != NO_ANSWER)
        {
            words.push(match kind.as_str() {
                NOBODY => format!("nobody listens: the server is gone ({times} connects were refused)"),
                kind => format!("all that began has failed: {kind} in {} ({times} times)", phase.name()),
            });
        }
        if let Some((count, lasts)) = frozen {
            words.push(format!(
                "the connection count is frozen: the server says {count}, unchanged for {:.1} s",
                lasts.as_secs_f64()
            ));
        }
        Some(Stall {
            since_seconds: stopped.since.duration_since(self.began).as_secs_f64(),
            waiting: stopped.waiting.clone(),
            gave_up,
            frozen_connections: frozen.map(|(count, _)| count),
            words,
        })
    }

    /// What came of it.
    pub(super) fn report(
        self,
        lasted: Duration,
        unfinished: BTreeMap<Phase, Waiting>,
        half_open: Ends,
        slow: Ends,
        still_online: Option<u64>,
    ) -> Result<Report, String> {
        let stall = self.stall();
        let plan = &self.storm.plan;
        let counted = self.storm.tally.counted();
        let cycles = counted.took.get(&Phase::Cycle).map_or(0, |took| took.0.len());
        let failures: Vec<Failed> = counted
            .failures
            .iter()
            .map(|(what, times)| Failed { phase: what.phase, kind: what.kind.clone(), times: *times })
            .collect();
        if cycles + counted.kicked == 0 && stall.is_none() {
            let most = failures.iter().max_by_key(|failed| failed.times);
            let why = most.map(|failed| format!(": {} in {}", failed.kind, failed.phase.name()));
            let why = why.unwrap_or_default();
            return Err(format!("no cycle came to its end at {}{why}", self.storm.target.ws));
        }
        let begun = self.storm.begun.load(Ordering::Relaxed);
        let due = plan.rate.map_or(0, |rate| (rate * lasted.as_secs_f64()) as u64);
        let due = plan.cycles.map_or(due, |cycles| due.min(cycles));
        Ok(Report {
            seconds: lasted.as_secs_f64(),
            cycles,
            cycles_per_second: cycles as f64 / lasted.as_secs_f64(),
            phases: counted.took.iter().map(|(phase, took)| (*phase, Latency::of(took))).collect(),
            failures,
            kicked: counted.kicked,
            tokens_renewed: counted.tokens,
            resets: counted.resets,
            overdue: due.saturating_sub(begun),
            pushes: counted.pushes,
            half_open,
            slow,
            unfinished,
            still_online,
            pauses: self.pauses,
            stall,
            samples: self.samples.clone(),
        })
    }
}

/// How long somebody waits at most.
fn longest(waiting: &BTreeMap<Phase, Waiting>) -> Duration {
    Duration::from_millis(waiting.values().map(|waiting| waiting.longest_ms).max().unwrap_or(0))
}

impl Latency {
    fn of(Took(took): &Took) -> Latency {
        let at = |quantile: f64| took.value_at_quantile(quantile) as f64 / 1000.0;
        Latency {
            times: took.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p99_9_ms: at(0.999),
            max_ms: took.max() as f64 / 1000.0,
        }
    }
}

impl Report {
    /// For a terminal.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} cycles in {:.1} s, {:.0}/s\n\n{:<12}{:>9}{:>10}{:>10}{:>10}{:>10}{:>10}  ms\n",
            self.cycles,
            self.seconds,
            self.cycles_per_second,
            "",
            "times",
            "p50",
            "p90",
            "p99",
            "p99.9",
            "max"
        );
        for (phase, took) in &self.phases {
            let Latency { times, p50_ms, p90_ms, p99_ms, p99_9_ms, max_ms } = took;
            let _ = writeln!(
                text,
                "{:<12}{times:>9}{p50_ms:>10.1}{p90_ms:>10.1}{p99_ms:>10.1}{p99_9_ms:>10.1}{max_ms:>10.1}",
                phase.name()
            );
        }
        text.push('\n');
        for Failed { phase, kind, times } in &self.failures {
            let _ = writeln!(text, "failed: {} in {} ({times} times)", kind, phase.name());
        }
        let counts = [
            (self.kicked, "kicked by another login of the same account"),
            (self.tokens_renewed, "tokens taken by another login, and renewed"),
            (self.resets, "left by a reset"),
            (self.overdue, "cycles were due and had not begun"),
            (self.pushes, "messages pushed to slow readers"),
            (self.pauses, "pauses in which nothing came to its end"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            let _ = writeln!(text, "{count} {what}");
        }
        for (what, ends) in [("half-open", &self.half_open), ("slow", &self.slow)] {
            for (how, count) in ends {
                let _ = writeln!(text, "{count} {what}: {how}");
            }
        }
        if let Some(online) = self.still_online.filter(|online| *online > 0) {
            let _ = writeln!(text, "{online} users have left, and the server says that they are online");
        }
        match &self.stall {
            None => text.push_str("it went on to the end\n"),
            Some(stall) => {
                let _ = writeln!(text, "it STOPPED after {:.1} s:", stall.since_seconds);
                for words in &stall.words {
                    let _ = writeln!(text, "  {words}");
                }
            }
        }
        text
    }
}
