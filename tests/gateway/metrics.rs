//! The metrics of a gateway that has served some clients.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};
use turnstile::gateway::wire::Secret;
use turnstile::gateway::wire::envelope;
use turnstile::session::Platform;

use super::world::{GOB, SOON, World};

/// A metric, its labels, its value.
type Expected<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

/// One sample: its name and its labels.
type Series = (String, BTreeMap<String, String>);

/// Everything that is exposed at one moment.
pub(super) struct Exposed {
    pub(super) samples: Vec<(Series, f64)>,
    /// The kind of each family.
    pub(super) kinds: BTreeMap<String, String>,
    /// What each family is.
    pub(super) helps: BTreeMap<String, String>,
}

impl Exposed {
    /// Reads Prometheus' text format, version 0.0.4. What is not in it is an error.
    pub(super) fn read(text: &str) -> Exposed {
        let mut exposed = Exposed { samples: Vec::new(), kinds: BTreeMap::new(), helps: BTreeMap::new() };
        for line in text.lines() {
            if let Some(said) = line.strip_prefix("# HELP ") {
                let (name, help) = said.split_once(' ').expect(line);
                assert_eq!(exposed.helps.insert(name.to_owned(), help.to_owned()), None, "{name} twice");
            } else if let Some(said) = line.strip_prefix("# TYPE ") {
                let (name, kind) = said.split_once(' ').expect(line);
                assert_eq!(exposed.kinds.insert(name.to_owned(), kind.to_owned()), None, "{name} twice");
            } else {
                let (series, value) = line.rsplit_once(' ').expect(line);
                let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
                let labels = labels.strip_suffix('}').expect(line);
                let labels = labels.split("\",").filter(|label| !label.is_empty()).map(|label| {
                    let (name, value) = label.split_once("=\"").expect(line);
                    (name.to_owned(), value.trim_end_matches('"').to_owned())
                });
                let value = value.parse().expect(line);
                exposed.samples.push(((name.to_owned(), labels.collect()), value));
            }
        }
        exposed
    }

    pub(super) async fn of(world: &World) -> Exposed {
        let (status, head, body) = world.page("GET /metrics", "").await;
        assert_eq!(status, 200);
        assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
        Exposed::read(&body)
    }

    /// The family that a sample belongs to.
    pub(super) fn family<'a>(&'a self, sample: &'a str) -> &'a str {
        let parts = ["_bucket", "_sum", "_count"];
        let histogram = parts.iter().filter_map(|part| sample.strip_suffix(part));
        let mut histogram = histogram.filter(|name| self.kinds.get(*name).is_some_and(|k| k == "histogram"));
        histogram.next().unwrap_or(sample)
    }

    /// The value of the series with this name and at least these labels, of which there must be one.
    fn get(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted = |((sample, has), _): &&(Series, f64)| {
            sample == name && labels.iter().all(|(label, value)| has.get(*label).is_some_and(|v| v == value))
        };
        let found: Vec<f64> = self.samples.iter().filter(wanted).map(|(_, value)| *value).collect();
        assert_eq!(found.len(), 1, "{name} {labels:?}: {found:?}");
        found[0]
    }
}

/// A gateway that has been used in each way that is counted.
pub(super) async fn used() -> World {
    let world = World::new().await;
    let mut alice = world.client("alice", Platform::Web).await;
    let mut bob = world.client("bob", Platform::Ios).await;
    alice.say(alice.text("bob", "one")).await;
    bob.pushed().await;
    // An error, a kick by a login, one by an administrator, and a token that is none.
    assert_ne!(alice.try_ask(envelope::SEND_MSG, b"nonsense".to_vec()).await.err_code, 0);
    let newer = world.another_token("alice", Platform::Web).await;
    let _alice = world.enter(world.handshake("alice", Platform::Web, newer, GOB)).await;
    alice.end().await;
    let kick = json!({ "userID": "bob", "platformID": Platform::Ios.id() });
    world.admin("/auth/force_logout", kick).await;
    bob.end().await;
    let nobody = world.handshake("carol", Platform::Web, Secret::from("no token"), GOB);
    assert!(world.upgrade(nobody).await.frame().await.is_some(), "the reason");
    world
}

#[tokio::test]
async fn what_has_happened_is_counted() {
    let world = used().await;
    let _stays = world.client("dora", Platform::Web).await;
    let began = Instant::now();
    // The ends of the kicked ones are counted when they are over.
    let mut now = Exposed::of(&world).await;
    while now.get("turnstile_disconnected_total", &[("reason", "kicked")]) < 2.0 {
        assert!(began.elapsed() < SOON, "the kicked ones have not ended");
        sleep(Duration::from_millis(10)).await;
        now = Exposed::of(&world).await;
    }
    let expected: [Expected<'_>; 20] = [
        ("turnstile_connections_limit", &[], 100_000.0),
        ("turnstile_sockets_limit", &[("port", "page")], 100.0),
        ("turnstile_connected_total", &[], 4.0),
        ("turnstile_registers_total", &[], 4.0),
        ("turnstile_kicks_total", &[("policy", "same-terminal"), ("cause", "login")], 1.0),
        ("turnstile_kicks_total", &[("policy", "same-terminal"), ("cause", "administrator")], 1.0),
        ("turnstile_refused_total", &[("reason", "token")], 1.0),
        ("turnstile_refused_total", &[("reason", "full")], 0.0),
        ("turnstile_hub_register_seconds_count", &[], 4.0),
        ("turnstile_hub_pending", &[("event", "register")], 0.0),
        ("turnstile_hub_queue_capacity", &[("queue", "queue a")], 1000.0),
        ("turnstile_hub_queue_length", &[("queue", "queue a"), ("drained_by", "lane a")], 0.0),
        ("turnstile_stored_messages_total", &[], 1.0),
        ("turnstile_store_append_seconds_count", &[], 1.0),
        ("turnstile_store_errors_total", &[], 0.0),
        // To alice, who sent it, and to bob.
        ("turnstile_pushes_total", &[], 2.0),
        ("turnstile_request_seconds_count", &[("request", "send_msg")], 2.0),
        ("turnstile_request_errors_total", &[("request", "send_msg")], 1.0),
        ("turnstile_slow_consumers_total", &[], 0.0),
        (
            "turnstile_build_info",
            &[("design", "lanes"), ("openim", "main"), ("policy", "same-terminal")],
            1.0,
        ),
    ];
    for (name, labels, value) in expected {
        assert_eq!(now.get(name, labels), value, "{name} {labels:?}");
    }
    assert_eq!(now.get("turnstile_online_users", &[]), now.get("turnstile_sessions", &[]));
    assert!(now.get("turnstile_received_bytes_total", &[]) > 0.0);
    assert!(now.get("turnstile_sent_bytes_total", &[]) > now.get("turnstile_received_bytes_total", &[]));
    let sum = now.get("turnstile_hub_register_seconds_sum", &[]);
    assert!(sum > 0.0 && sum < 40.0, "{sum}");
    assert!(now.get("turnstile_tokio_tasks", &[]) >= 4.0);
    let since = now.get("turnstile_start_time_seconds", &[]);
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((0.0..60.0).contains(&(clock - since)), "{since} is not just before {clock}");
}

#[tokio::test]
async fn what_is_exposed_is_well_formed_and_names_nobody() {
    let world = used().await;
    let (_, _, text) = world.page("GET /metrics", "").await;
    for private in ["alice", "bob", "carol", "imAdmin", "127.0.0.1"] {
        assert!(!text.contains(private), "{private} is in the metrics");
    }
    let now = Exposed::read(&text);
    let mut seen = BTreeSet::new();
    for (series, value) in &now.samples {
        let family = now.family(&series.0);
        assert!(seen.insert(series), "{series:?} twice");
        assert!(family.starts_with("turnstile_"), "{family}");
        assert!(now.helps[family].len() > 10, "{family} is not explained");
        assert!(!family.contains("millis") && !family.contains("_ms"), "{family}: base units");
        assert!(value.is_finite(), "{series:?} {value}");
        match &*now.kinds[family] {
            "counter" => assert!(family.ends_with("_total"), "{family}"),
            "histogram" => assert!(family.ends_with("_seconds"), "{family}"),
            "gauge" => assert!(!family.ends_with("_total"), "{family}"),
            other => panic!("{family} is a {other}"),
        }
    }
    // Buckets only rise, and the last is the count.
    let buckets = |(series, value): &(Series, f64)| {
        let name = series.0.strip_suffix("_bucket")?;
        let mut labels = series.1.clone();
        let bound: f64 = labels.remove("le")?.parse().unwrap();
        Some(((name.to_owned(), labels), (bound, *value)))
    };
    let mut histograms: BTreeMap<Series, Vec<(f64, f64)>> = BTreeMap::new();
    for (series, bucket) in now.samples.iter().filter_map(buckets) {
        histograms.entry(series).or_default().push(bucket);
    }
    assert_eq!(histograms.len(), 13, "ten kinds of requests, two of the hub, one of the store");
    for ((name, labels), buckets) in histograms {
        assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{name}: {buckets:?}");
        let labels: Vec<(&str, &str)> = labels.iter().map(|(a, b)| (&**a, &**b)).collect();
        let last = buckets[buckets.len() - 1];
        assert_eq!(last, (f64::INFINITY, now.get(&format!("{name}_count"), &labels)));
    }
    // OpenMetrics to those who ask for it.
    let accept = "accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let (_, head, text) = world.page("GET /metrics", accept).await;
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    assert!(text.contains("# UNIT turnstile_hub_register_seconds seconds\n"), "{text}");
}

#[tokio::test]
async fn a_hub_that_hangs_is_seen_in_its_queues_and_in_who_waits() {
    let world = World::with("design = 'single-select'\nversion = 'v3.5.1'\ncapacity = 0").await;
    let _first = world.client("alice", Platform::Web).await;
    // The hub kicks the first, whose end it is to hear from itself.
    let newer = world.another_token("alice", Platform::Web).await;
    let _second = world.knock(world.handshake("alice", Platform::Web, newer, GOB)).await;
    let other = world.token("bob", Platform::Web).await;
    let _third = world.knock(world.handshake("bob", Platform::Web, other, GOB)).await;
    let began = Instant::now();
    loop {
        let now = Exposed::of(&world).await;
        let senders = |queue| now.get("turnstile_hub_queue_senders", &[("queue", queue)]);
        let waiting = |event| now.get("turnstile_hub_pending", &[("event", event)]);
        if (senders("unregister"), senders("register")) == (1.0, 1.0) {
            assert_eq!((waiting("register"), waiting("unregister")), (2.0, 1.0));
            assert_eq!(now.get("turnstile_hub_queue_capacity", &[("queue", "register")]), 0.0);
            return;
        }
        assert!(began.elapsed() < SOON, "the hub does not hang");
        sleep(Duration::from_millis(10)).await;
    }
}
