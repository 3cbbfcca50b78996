//! One act: a server of a design is stormed, and what it says of itself is written down meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use turnstile::hub::{Design, Version};
use turnstile::storm::{Phase, Plan, Report, Sample, Watch, administrator, online, run};

use super::super::Wrong;
use super::server::{Server, cpu};

/// How often the server is asked how it is.
const LOOK: Duration = Duration::from_millis(100);
/// How long a server that goes on may take to empty its queues, so that it can be seen who stays.
const SETTLES: Duration = Duration::from_secs(20);
/// How often a server is asked at the end how it is, if no answer comes.
const ASKS: u32 = 3;
/// Over how many seconds its processor time is taken.
const CPU_OVER: f64 = 2.0;
/// How long somebody must have waited until that is a symptom.
const LONG_MS: u64 = 1000;

/// What a server says of itself at a moment.
#[derive(Clone, Default, Debug, Serialize)]
pub(super) struct Look {
    /// Seconds since the storm began.
    pub(super) seconds: f64,
    /// How many wait in each of the hub's channels.
    pub(super) queues: BTreeMap<String, u64>,
    /// The connections that it counts.
    pub(super) connections: u64,
    /// Percent of a core that it has used lately.
    pub(super) cpu_percent: Option<f64>,
    /// Whether its watchdog sees a deadlock.
    pub(super) deadlock: bool,
}

/// A symptom, when it was first seen, and by what.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Symptom {
    pub(super) seconds: f64,
    pub(super) words: String,
}

/// What came of an act.
#[derive(Debug, Serialize)]
pub(super) struct Act {
    pub(super) design: &'static str,
    pub(super) version: &'static str,
    /// How often it was played; this is the last time.
    pub(super) played: u32,
    /// Nothing went on, or the watchdog named a deadlock, or the hub broke.
    pub(super) hung: bool,
    /// The hub waits to send on a channel that only it drains.
    pub(super) expected_cycle: bool,
    pub(super) symptoms: Vec<Symptom>,
    /// The watchdog's words.
    pub(super) words: Vec<String>,
    /// The watchdog's line in the server's log.
    pub(super) log_line: Option<String>,
    /// The end of the hub as a program, if it broke.
    pub(super) crash: Option<String>,
    /// Why nobody knows how it went on: the server has ended by itself, or did not say how it is at the end.
    pub(super) lost: Option<String>,
    /// The most that was seen in each of the hub's channels.
    pub(super) fullest: BTreeMap<String, u64>,
    /// Percent of a core that the server used while something went on.
    pub(super) cpu_percent: Option<f64>,
    /// The same once nothing did.
    pub(super) idle_cpu_percent: Option<f64>,
    /// Whether its queues were empty in the end.
    pub(super) emptied: bool,
    /// Users who have all left and whom the server says are online, after that or after some time.
    pub(super) ghosts: Option<u64>,
    pub(super) storm: Report,
    pub(super) looks: Vec<Look>,
    #[serde(skip)]
    pub(super) drawing: Option<String>,
}

impl Act {
    /// Whether the server went on to the end.
    pub(super) fn went_on(&self) -> bool {
        !self.hung && self.crash.is_none() && self.lost.is_none()
    }
}

/// What an act is to be.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) design: Design,
    pub(super) version: Version,
    pub(super) capacity: usize,
    pub(super) service_us: u64,
    pub(super) plan: Plan,
}

/// What the one who looks and the one who storms both know.
#[derive(Default)]
struct Seen {
    /// When the storm began.
    began: Option<Instant>,
    storm: Sample,
    looks: Vec<Look>,
    /// Processor seconds, and when.
    cpu: Vec<(f64, f64)>,
    symptoms: Vec<(&'static str, Symptom)>,
    last: Value,
}

impl Scene {
    /// Starts the server, storms it, tells each symptom as it appears, and ends it.
    pub(super) async fn play(
        &self,
        stop: watch::Receiver<bool>,
        mut progress: impl FnMut(&Sample),
        symptom: impl Fn(&Symptom) + Send + Sync + 'static,
    ) -> Result<Act, Wrong> {
        let mut server = Server::start(self.design, self.version, self.capacity, self.service_us).await?;
        let target = server.target.clone();
        let token = administrator(&target, &self.plan.admin).await.map_err(Wrong)?;
        let place = target.admin.clone().ok_or_else(|| Wrong("the server has no admin page".to_owned()))?;
        let page = Watch::new(place, token.clone());
        let seen = Arc::new(Mutex::new(Seen::default()));
        let looker = tokio::spawn({
            let (seen, page, process) = (seen.clone(), page.clone(), server.id());
            async move {
                loop {
                    let waits = timeout(LOOK * 20, page.waits()).await;
                    if let Ok(Ok(waits)) = waits {
                        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                        seen.look(waits, process).iter().for_each(&symptom);
                    }
                    sleep(LOOK).await;
                }
            }
        });
        let report = run(self.plan.clone(), target, stop, |sample| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.began.get_or_insert_with(|| Instant::now() - Duration::from_secs_f64(sample.seconds));
            seen.storm = sample.clone();
            drop(seen);
            progress(sample);
        });
        let report = report.await;
        looker.abort();
        let report = report.map_err(Wrong)?;
        let last = settled(&page, report.stall.is_none()).await;
        let ghosts = online(&server.target, token, &self.plan).await;
        let drawing = page.drawing().await.ok();
        let mut seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        let lost = match (server.ended(), &last) {
            (Some(how), _) => Some(format!("the server ended by itself ({how})")),
            (None, None) => Some("the server does not say how it is at the end".to_owned()),
            (None, Some(_)) => None,
        };
        if let Some(last) = last {
            seen.last = last;
        }
        Ok(Act { ghosts, lost, ..self.act(seen, report, drawing, server.watchdog_line()) })
    }

    fn act(&self, seen: Seen, storm: Report, drawing: Option<String>, log_line: Option<String>) -> Act {
        let deadlock = &seen.last["deadlock"];
        let crash = seen.last["crash"].as_str().map(str::to_owned);
        let words = deadlock["words"].as_array().into_iter().flatten();
        let words: Vec<String> = words.filter_map(|line| line.as_str().map(str::to_owned)).collect();
        let cycle = deadlock["cycle"].as_array().map(Vec::as_slice).unwrap_or_default();
        let expected_cycle = matches!(cycle, [edge] if edge["kind"] == "send"
            && edge["on"] == "unregister"
            && edge["helpers"] == Value::Array(vec![edge["task"].clone()]));
        let mut fullest: BTreeMap<String, u64> = BTreeMap::new();
        for (name, len) in seen.looks.iter().flat_map(|look| &look.queues) {
            let most = fullest.entry(name.clone()).or_default();
            *most = (*most).max(*len);
        }
        let stopped = storm.stall.as_ref().map(|stall| stall.since_seconds);
        let over = |from: f64, to: f64| {
            let within = |(at, _): &&(f64, f64)| (from..=to).contains(at);
            let (first, last) = (seen.cpu.iter().find(within)?, seen.cpu.iter().rev().find(within)?);
            (last.0 > first.0).then(|| (last.1 - first.1) / (last.0 - first.0) * 100.0)
        };
        // The second in which it stops is neither.
        let idle_cpu_percent = stopped.and_then(|since| over(since + 1.0, f64::MAX));
        Act {
            design: self.design.name(),
            version: self.version.name(),
            played: 1,
            hung: storm.stall.is_some() || !deadlock.is_null() || crash.is_some(),
            expected_cycle,
            symptoms: seen.symptoms.into_iter().map(|(_, symptom)| symptom).collect(),
            words,
            log_line,
            crash,
            lost: None,
            fullest,
            cpu_percent: over(0.0, stopped.unwrap_or(storm.seconds)),
            idle_cpu_percent,
            looks: seen.looks,
            emptied: channels(&seen.last).all(|channel| channel["len"] == 0),
            ghosts: None,
            storm,
            drawing,
        }
    }
}

fn channels(waits: &Value) -> impl Iterator<Item = &Value> {
    waits["channels"].as_array().into_iter().flatten()
}

/// What the server says last: one that goes on has some time to empty its queues.
async fn settled(page: &Watch, goes_on: bool) -> Option<Value> {
    let began = Instant::now();
    let mut unheard = 0;
    loop {
        let Ok(waits) = page.waits().await else {
            unheard += 1;
            if unheard == ASKS {
                return None;
            }
            sleep(LOOK).await;
            continue;
        };
        let busy = waits["connections"] != 0 || channels(&waits).any(|channel| channel["len"] != 0);
        if !goes_on || !busy || began.elapsed() > SETTLES {
            return Some(waits);
        }
        sleep(LOOK).await;
    }
}

impl Seen {
    /// Writes down what the server says, and what of that is a new symptom.
    fn look(&mut self, waits: Value, process: u32) -> Vec<Symptom> {
        let Some(began) = self.began else { return Vec::new() };
        let seconds = began.elapsed().as_secs_f64();
        if let Some(cpu) = cpu(process) {
            self.cpu.push((seconds, cpu));
        }
        let before = self.cpu.iter().rev().find(|(at, _)| *at <= seconds - CPU_OVER);
        let cpu_percent =
            before.zip(self.cpu.last()).map(|(before, now)| (now.1 - before.1) / (now.0 - before.0) * 100.0);
        let channels = waits["channels"].as_array().cloned().unwrap_or_default();
        let queue = |channel: &Value| {
            Some((
                channel["name"].as_str()?.to_owned(),
                channel["len"].as_u64()?,
                channel["capacity"].as_u64()?,
            ))
        };
        let channels: Vec<(String, u64, u64)> = channels.iter().filter_map(queue).collect();
        let look = Look {
            seconds,
            queues: channels.iter().map(|(name, len, _)| (name.clone(), *len)).collect(),
            connections: waits["connections"].as_u64().unwrap_or(0),
            cpu_percent,
            deadlock: !waits["deadlock"].is_null(),
        };
        let symptoms = self.symptoms_of(&look, &channels, &waits);
        self.looks.push(look);
        self.last = waits;
        symptoms
    }

    fn symptoms_of(&mut self, look: &Look, channels: &[(String, u64, u64)], waits: &Value) -> Vec<Symptom> {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        let mut see = |key: &'static str, words: String| found.push((key, words));
        for (name, len, capacity) in
            channels.iter().filter(|(_, len, capacity)| len >= capacity && *capacity > 0)
        {
            let key = if name == "unregister" { "unregister" } else { "register" };
            see(key, format!("the channel {name} is full: {len}/{capacity}"));
        }
        if let Some(words) = waits["deadlock"]["words"].as_array() {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            see("watchdog", format!("the server's watchdog: {}", words.join(": ")));
        }
        if let Some(crash) = waits["crash"].as_str() {
            see("crash", format!("the hub breaks: {crash}"));
        }
        if self.storm.stalled {
            let ways = [
                ("connect", Phase::Connect, "handshakes get no answer"),
                (
                    "reply",
                    Phase::Reply,
                    "new connections get no answer: upgraded, and nothing that they send is read",
                ),
                ("leave", Phase::Disconnect, "users cannot go offline: their close frame has no answer"),
            ];
            for (key, phase, words) in ways {
                let waiting = self.storm.waiting.get(&phase).copied().unwrap_or_default();
                if waiting.longest_ms >= LONG_MS {
                    let since = waiting.longest_ms as f64 / 1000.0;
                    see(key, format!("{} {words}, for {since:.1} s now", waiting.accounts));
                }
            }
            if let Some(percent) = look.cpu_percent
                && percent < 20.0
            {
                see(
                    "cpu",
                    format!("the server is idle: {percent:.0} % of a core over the last {CPU_OVER:.0} s"),
                );
            }
            let same = self.looks.iter().rev().take_while(|before| before.connections == look.connections);
            if let Some(since) = same.last().map(|before| look.seconds - before.seconds)
                && since >= 3.0
            {
                see(
                    "frozen",
                    format!(
                        "the number of connections has stopped changing: the server counts {}, for {since:.1} s now",
                        look.connections
                    ),
                );
            }
        }
        let mut new = Vec::new();
        for (key, words) in found {
            if !self.symptoms.iter().any(|(known, _)| *known == key) {
                let symptom = Symptom { seconds: look.seconds, words };
                self.symptoms.push((key, symptom.clone()));
                new.push(symptom);
            }
        }
        new
    }
}
