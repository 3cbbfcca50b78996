//! The storm: what each of its modes does, seen from the server's side, and what it says when everything stops.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message as Frame;
use turnstile::client::Place;
use turnstile::gateway::Count;
use turnstile::gateway::wire::Secret;
use turnstile::gateway::wire::codec::{Codec, Encoding};
use turnstile::gateway::wire::codes;
use turnstile::gateway::wire::envelope::Response;
use turnstile::session::Platform;
use turnstile::storm::{Phase, Plan, Report, Target, run};

use super::world::World;

/// How long a storm may take that ends by itself.
const LONG: Duration = Duration::from_secs(60);

fn plan(users: u64) -> Plan {
    // Patience for a machine that has much other work, so that nobody gives up on a server that is well.
    let (patience, stall) = (Duration::from_secs(40), Duration::from_secs(30));
    Plan { users, time: LONG, patience, stall, ..Plan::default() }
}

/// For a server that stops.
fn impatient(users: u64) -> Plan {
    let (patience, stall) = (Duration::from_secs(3), Duration::from_secs(2));
    Plan { patience, stall, ..plan(users) }
}

impl World {
    async fn target(&self) -> Target {
        let key = std::fs::read_to_string(self.folder.path().join("secret")).unwrap();
        let (ws, api) = (format!("ws://{}", self.running.listen), format!("http://{}", self.running.api));
        Target::find(&ws, &api, None, Secret::from(key.trim()), false).await.unwrap()
    }

    async fn storm(&self, plan: Plan) -> Report {
        let (_stop, stops) = watch::channel(false);
        timeout(LONG * 2, run(plan, self.target().await, stops, |_| {})).await.unwrap().unwrap()
    }

    /// Storms until the server has counted something.
    async fn storm_until(&self, plan: Plan, enough: impl Fn() -> bool) -> Report {
        let (stop, stops) = watch::channel(false);
        let target = self.target().await;
        let watched = async {
            while !enough() {
                sleep(Duration::from_millis(20)).await;
            }
            stop.send_replace(true);
            std::future::pending::<Report>().await
        };
        let storm = async { run(plan, target, stops, |_| {}).await.unwrap() };
        tokio::select! {
            report = timeout(LONG * 2, storm) => report.unwrap(),
            report = watched => report,
        }
    }

    fn count(&self, count: Count) -> u64 {
        self.running.gateway.counts().get(count)
    }

    async fn all_leave(&self) {
        timeout(LONG, async {
            while self.running.gateway.connections() > 0 {
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .expect("all leave");
    }
}

fn times(report: &Report) -> BTreeMap<Phase, u64> {
    report.phases.iter().map(|(phase, took)| (*phase, took.times)).collect()
}

fn nothing_failed(report: &Report) {
    assert!(report.failures.is_empty() && report.stall.is_none(), "{}", report.text());
    assert_eq!(report.still_online, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_account_connects_sends_is_answered_and_leaves() {
    let world = World::new().await;
    let report = world.storm(Plan { cycles: Some(200), ..plan(10) }).await;
    nothing_failed(&report);
    assert_eq!(times(&report), Phase::ALL.map(|phase| (phase, 200)).into());
    assert_eq!((report.cycles, report.kicked, report.resets), (200, 0, 0));
    assert_eq!((world.count(Count::Connected), world.count(Count::Stored)), (200, 200));
    world.all_leave().await;
    let report = world.storm(Plan { cycles: Some(50), history: false, ..plan(5) }).await;
    assert_eq!((report.cycles, world.count(Count::Stored)), (50, 200), "nothing more is stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn contenders_kick_each_other_and_other_platforms_do_not() {
    // At v3.5.1 a login kicks those with its own token, too.
    let world = World::with("version = 'v3.5.1-unpooled'").await;
    let fight = Plan { contenders: 8, ..plan(1) };
    let report = world.storm_until(fight.clone(), || world.count(Count::KickedByLogin) >= 20).await;
    assert!(report.stall.is_none() && report.kicked > 0, "{}", report.text());
    world.all_leave().await;
    let kicked = world.count(Count::KickedByLogin);
    let platforms = Platform::ALL[..8].to_vec();
    let report = world.storm(Plan { cycles: Some(200), platforms, ..fight }).await;
    assert_eq!((report.cycles, report.kicked, world.count(Count::KickedByLogin)), (200, 0, kicked));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_login_takes_the_others_token_a_contender_gets_a_new_one() {
    let world = World::new().await;
    let fight = Plan { contenders: 3, ..plan(2) };
    let storm = world.storm_until(fight, || world.count(Count::RefusedToken) >= 3);
    // Somebody else logs in as one of them; tokens of one second are one token.
    let other = async {
        loop {
            sleep(Duration::from_millis(400)).await;
            world.token("storm0", Platform::Linux).await;
        }
    };
    let report = tokio::select! { report = storm => report, () = other => unreachable!() };
    assert!(report.tokens_renewed > 0, "{}", report.text());
    assert!(report.failures.iter().all(|failed| failed.kind != "refused with 1506"), "{}", report.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_leaves_by_a_reset() {
    let world = World::new().await;
    let report = world.storm(Plan { cycles: Some(60), reset: 1.0, ..plan(5) }).await;
    nothing_failed(&report);
    assert_eq!((report.cycles, report.resets), (60, 60));
    assert!(!report.phases.contains_key(&Phase::Disconnect));
    world.all_leave().await;
    let report = world.storm(Plan { cycles: Some(400), reset: 0.5, ..plan(10) }).await;
    // One in 10^13 storms would not be within.
    assert!((120..280).contains(&report.resets), "{}", report.resets);
    assert_eq!(times(&report)[&Phase::Disconnect], 400 - report.resets);
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_fall_silent_are_closed_by_the_server() {
    let world = World::with("limits.handshake_ms = 300\nlimits.first_frame_ms = 300").await;
    let closed = || world.count(Count::Idle) >= 2 && world.running.gateway.connections() <= 2;
    let silent = Plan { half_open: 6, time: Duration::from_secs(8), ..plan(2) };
    let report = world.storm(silent).await;
    assert!(closed(), "{}", report.text());
    let closed = ["from the start", "within the request", "after the first frame"]
        .map(|point| (format!("silent {point}: closed by the server"), 2));
    assert_eq!(report.half_open, closed.into());
    assert!(report.cycles > 0 && report.failures.is_empty(), "{}", report.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_who_take_nothing_are_closed_by_the_server() {
    let world = World::with("limits.queue_messages = 8\nlimits.write_ms = 1000").await;
    let slow = Plan { slow: 3, ..plan(2) };
    let report = world.storm_until(slow, || world.count(Count::SlowConsumers) >= 3).await;
    assert_eq!(report.slow.values().sum::<u64>(), 3);
    assert!(report.slow.keys().all(|how| how.starts_with("closed")), "{:?}", report.slow);
    assert!(report.pushes >= 24 && report.cycles > 0, "{}", report.text());
}

/// A gateway that answers some connections, each step of which takes a while, and then stops at a phase.
struct Fake {
    stops: Option<(Phase, u64)>,
    takes: Duration,
    came: AtomicU64,
}

impl Fake {
    async fn start(stops: Option<(Phase, u64)>, takes: Duration) -> Place {
        Fake::start_and_go(stops, takes, usize::MAX).await
    }

    /// One that listens no more after so many connections.
    async fn start_and_go(stops: Option<(Phase, u64)>, takes: Duration, after: usize) -> Place {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fake = Arc::new(Fake { stops, takes, came: AtomicU64::new(0) });
        tokio::spawn(async move {
            for _ in 0..after {
                let Ok((stream, _)) = listener.accept().await else { return };
                tokio::spawn(fake.clone().serve(stream));
            }
        });
        Place { url: format!("ws://{address}"), socket: address }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let nth = self.came.fetch_add(1, Ordering::SeqCst);
        let stops = self.stops.filter(|(_, after)| nth >= *after).map(|(phase, _)| phase);
        let for_ever = std::future::pending::<()>;
        if stops == Some(Phase::Connect) {
            // Accepted, and nothing more.
            return for_ever().await;
        }
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        socket.send(Frame::text(codes::SUCCESS)).await.unwrap();
        let codec = Codec { encoding: Encoding::Gob, gzip: false };
        while let Some(Ok(frame)) = socket.next().await {
            sleep(self.takes).await;
            match frame {
                Frame::Binary(frame) if stops != Some(Phase::Reply) => {
                    let asked = codec.decode_request(&frame, 1 << 20).unwrap();
                    let (req_identifier, msg_incr) = (asked.req_identifier, asked.msg_incr);
                    let response = Response { req_identifier, msg_incr, ..Response::default() };
                    socket.send(Frame::binary(codec.encode_response(&response))).await.unwrap();
                    if stops == Some(Phase::Disconnect) {
                        return for_ever().await;
                    }
                }
                Frame::Binary(_) => for_ever().await,
                _ => {}
            }
            if stops == Some(Phase::Reply) {
                return;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_is_told_by_the_phase_that_stopped() {
    let world = World::new().await;
    let words = [
        (Phase::Connect, "handshakes get no answer"),
        (Phase::Reply, "logins get no answer"),
        (Phase::Disconnect, "users cannot go offline"),
    ];
    for (phase, expected) in words {
        let target =
            Target { ws: Fake::start(Some((phase, 20)), Duration::ZERO).await, ..world.target().await };
        let (_stop, stops) = watch::channel(false);
        let mut samples = 0;
        let storm = run(impatient(4), target, stops, |_| samples += 1);
        let report = timeout(LONG, storm).await.unwrap().unwrap();
        let stall = report.stall.as_ref().expect("it has stopped");
        assert!(stall.words.iter().any(|words| words.starts_with(expected)), "{phase:?}: {}", report.text());
        assert_eq!(stall.waiting[&phase].accounts, 4, "{}", report.text());
        assert!(stall.gave_up[&phase] >= 4, "{}", report.text());
        // Four may be halfway round when it stops.
        assert!((16..=20).contains(&report.cycles), "{}", report.text());
        assert!(samples > 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_has_stopped() {
    let world = World::new().await;
    // While the storm goes on, and so shortly before its end that nothing else would tell.
    for cycles in [None, Some(24)] {
        let gone = Fake::start_and_go(None, Duration::ZERO, 20).await;
        let target = Target { ws: gone, ..world.target().await };
        let (_stop, stops) = watch::channel(false);
        let storm = run(Plan { cycles, ..impatient(4) }, target, stops, |_| {});
        let report = timeout(LONG, storm).await.unwrap().unwrap();
        let text = report.text();
        let stall = report.stall.expect("it has stopped");
        assert!(text.contains("it STOPPED after") && !text.contains("went on to the end"), "{text}");
        assert!(
            stall.words.iter().any(|words| words.starts_with("nobody listens: the server is gone")),
            "{text}"
        );
        assert!((1..=20).contains(&report.cycles) && stall.gave_up[&Phase::Connect] > 0, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_stopped_before_it_begins() {
    let world = World::new().await;
    // Takes connections, and answers no call.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = silent.local_addr().unwrap();
    let target = Target { api: Place { url: format!("http://{socket}"), socket }, ..world.target().await };
    let (stop, stops) = watch::channel(false);
    let stopped = async {
        silent.accept().await.unwrap();
        stop.send_replace(true);
        std::future::pending::<()>().await
    };
    let storm = run(plan(4), target, stops, |_| unreachable!("it does not begin"));
    let why = tokio::select! { report = storm => report.unwrap_err(), () = stopped => unreachable!() };
    assert!(why.contains("interrupted while the accounts were registered"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_open_loop_a_cycle_that_begins_late_is_counted_from_when_it_was_due() {
    let world = World::new().await;
    let takes = Duration::from_millis(50);
    let target = Target { ws: Fake::start(None, takes).await, ..world.target().await };
    let (_stop, stops) = watch::channel(false);
    // One account, a cycle due every 10 ms, and each takes 50 ms for the answer alone.
    let storm = run(Plan { rate: Some(100.0), cycles: Some(20), ..plan(1) }, target, stops, |_| {});
    let report = timeout(LONG, storm).await.unwrap().unwrap();
    assert_eq!(report.cycles, 20);
    let max = |phase| report.phases[&phase].max_ms;
    assert!(max(Phase::Cycle) >= 20.0 * 50.0 - 19.0 * 10.0, "{}", report.text());
    assert!(max(Phase::Connect) >= 19.0 * 50.0 - 19.0 * 10.0, "{}", report.text());
    // What is not late is not counted as late.
    let real = world.storm(Plan { rate: Some(40.0), cycles: Some(40), ..plan(20) }).await;
    assert_eq!((real.cycles, real.overdue), (40, 0), "{}", real.text());
    assert!(real.seconds >= 39.0 / 40.0, "it does not begin sooner than it should");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_that_hangs_is_seen_from_outside() {
    let world =
        World::with("design = 'single-select'\nversion = 'v3.5.1-unpooled'\ncapacity = 0\nservice_us = 500")
            .await;
    // Two logins of an account that stay: the second kicks the first, which hangs it.
    let kick = async {
        sleep(Duration::from_millis(800)).await;
        world.kick().await;
    };
    let (report, ()) = tokio::join!(world.storm(impatient(10)), kick);
    let stall = report.stall.as_ref().expect("it hangs");
    assert!(stall.waiting[&Phase::Reply].accounts > 0, "{}", report.text());
    assert!(stall.gave_up[&Phase::Disconnect] > 0, "nobody can leave: {}", report.text());
    // Perhaps of nobody: whom it kicks it has taken from the table before.
    assert!(report.still_online.is_some(), "{}", report.text());
    assert!(world.running.gateway.connections() > 0);
}

#[tokio::test]
async fn other_machines_are_refused_before_anything_is_sent() {
    let local = "http://127.0.0.1:1";
    let key = || Secret::from("a secret for a test");
    let find = async |ws: &str, api: &str, admin: Option<&str>, own| {
        Target::find(ws, api, admin, key(), own).await.err().unwrap_or_default()
    };
    for foreign in ["192.0.2.1", "0.0.0.0", "[2001:db8::1]", "[::ffff:192.0.2.1]"] {
        let (ws, http) = (format!("ws://{foreign}:1"), format!("http://{foreign}:1"));
        let refused = [
            find(&ws, local, None, false).await,
            find("ws://127.0.0.1:1", &http, None, false).await,
            find("ws://127.0.0.1:1", local, Some(&http), false).await,
        ];
        for why in refused {
            assert!(why.contains("which is not this machine"), "{foreign}: {why}");
        }
        assert_eq!(find(&ws, &http, Some(&http), true).await, "", "whoever owns it may");
    }
    for here in ["127.0.0.1", "localhost", "[::1]", "127.8.9.1"] {
        assert_eq!(find(&format!("ws://{here}:1"), local, None, false).await, "");
    }
    for wrong in ["wss://localhost", "localhost:1", "ws://", "ws://localhost?a=b"] {
        assert!(find(wrong, local, None, false).await.contains("is no address of a server"), "{wrong}");
    }
}

fn storm(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_turnstile"));
    let out = command.arg("storm").args(args).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_by_its_exit_code_how_it_went() {
    let world = World::new().await;
    let folder = world.folder.path().to_owned();
    let (url, api) = (format!("ws://{}", world.running.listen), format!("http://{}", world.running.api));
    let at = |more: &[&str]| {
        let mut args = vec!["--data", folder.to_str().unwrap()];
        args.extend(more);
        for (flag, value) in [("--url", &url), ("--api", &api)] {
            if !more.contains(&flag) {
                args.extend([flag, value]);
            }
        }
        storm(&folder, &args)
    };
    let (code, out, err) = at(&["--users", "5", "--cycles", "50", "--json"]);
    assert_eq!((code, &*err), (Some(0), ""), "{out}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((report["cycles"].as_u64(), report["stall"].is_null()), (Some(50), true), "{report}");
    assert!(report["phases"]["connect"]["p99_9_ms"].as_f64().unwrap() > 0.0, "{report}");
    let (code, out, _) = at(&["--users", "5", "--cycles", "50", "--platforms", "mixed"]);
    assert!(code == Some(0) && out.contains("it went on to the end") && out.contains("p99.9"), "{out}");

    for (args, expected) in [
        (&["--users", "0"][..], "0 is not in 1..=100000"),
        (&["--users", "5000", "--max-sockets", "100"], "takes 5016 sockets and 100 may be open"),
        (&["--seconds", "4000"], "at most 3600"),
        (&["--stall", "9"], "--stall must be less than --patience"),
        (&["--reset", "1.5"], "from 0 to 1"),
        (&["--platforms", "12"], "from 1 to 11, or mixed"),
        (&["--prefix", "a_b"], "--prefix"),
    ] {
        let (code, _, err) = at(args);
        assert!(code == Some(64) && err.contains(expected), "{args:?}: {code:?} {err}");
    }
    let (code, _, err) = storm(&folder, &["--url", "ws://192.0.2.1:1", "--data", folder.to_str().unwrap()]);
    assert!(code == Some(1) && err.contains("--i-own-this-server"), "{err}");
    for foreign in [["--url", "ws://192.0.2.1:1"], ["--api", "http://192.0.2.1:1"]] {
        let (code, _, err) = at(&[&foreign[..], &["--i-own-this-server"]].concat());
        assert!(code == Some(1) && err.contains("give its own with --secret"), "{err}");
    }
    let (code, _, err) = at(&["--secret", "another secret altogether"]);
    assert!(code == Some(1) && err.contains("secret or userID is wrong"), "{err}");

    let hangs = World::with("design = 'single-select'\nversion = 'v3.5.1-unpooled'\ncapacity = 0").await;
    let (url, api) = (format!("ws://{}", hangs.running.listen), format!("http://{}", hangs.running.api));
    let data = hangs.folder.path().to_str().unwrap();
    let args = ["--url", &url, "--api", &api, "--data", data, "--users", "10", "--contenders", "2"];
    let (code, out, _) = storm(&folder, &[&args[..], &["--patience", "3", "--stall", "2"]].concat());
    assert!(code == Some(3) && out.contains("it STOPPED after"), "{code:?} {out}");
}
