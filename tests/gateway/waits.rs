//! The live wait-for graph and the watchdog, on a gateway that hangs and on those that do not.

use std::time::Instant;

use serde_json::Value;
use turnstile::session::Platform;

use super::cli::{Server, turnstile};
use super::world::{SOON, World};

const FULL: &str = "hub waits to send on unregister (unbuffered), which only hub drains";

impl World {
    async fn waits(&self, format: &str) -> String {
        let headers = format!("token: {}\r\n", self.admin);
        let (status, _, body) = self.page(&format!("GET /debug/waits?format={format}"), &headers).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn waits_json(&self) -> Value {
        serde_json::from_str(&self.waits("json").await).unwrap()
    }

    /// Two logins of one user: the second kicks the first.
    pub(super) async fn kick(&self) {
        for _ in 0..2 {
            let token = self.another_token("alice", Platform::Ios).await;
            let handshake = self.handshake("alice", Platform::Ios, token, super::world::GOB);
            std::mem::forget(self.enter(handshake).await);
        }
    }
}

#[tokio::test]
async fn a_gateway_that_hangs_says_who_waits_for_whom() {
    let world = World::with("design = 'single-select'\nversion = 'v3.5.1'\ncapacity = 0").await;
    let before = world.waits_json().await;
    assert_eq!((&before["deadlock"], &before["waiting"]["total"]), (&Value::Null, &0.into()), "{before}");
    assert_eq!(before["channels"][1]["name"], "unregister");
    assert_eq!(world.page("GET /readyz", "").await.0, 200);
    world.kick().await;
    let began = Instant::now();
    while world.running.gateway.alarms().deadlock().is_none() {
        assert!(began.elapsed() < SOON, "no alarm: {}", world.waits("text").await);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let hangs = world.waits_json().await;
    assert_eq!(
        hangs["deadlock"]["words"],
        serde_json::json!(["Deadlock: hub waits for itself", FULL]),
        "{hangs}"
    );
    let cycle = &hangs["deadlock"]["cycle"];
    assert_eq!(
        (&cycle[0]["task"], &cycle[0]["kind"], &cycle[0]["on"]),
        (&"hub".into(), &"send".into(), &"unregister".into())
    );
    assert!(hangs["deadlock"]["ms"].is_u64() && cycle[0]["ms"].is_u64());
    assert_eq!(
        hangs["deadlock"]["laboratory"],
        "lab check --design single-select --version v3.5.1 --users 1 --logins 3 --capacity 1"
    );
    // Not ready, on both ports, and why; alive all the same.
    let (status, _, why) = world.page("GET /readyz", "").await;
    assert_eq!((status, why.trim()), (503, &*format!("Deadlock: hub waits for itself; {FULL}")));
    assert!(world.http("GET /readyz", "", "").await.contains("503"));
    assert_eq!(world.page("GET /healthz", "").await.0, 200);
    // As text, for terminals, for Mermaid, as a picture.
    let text = world.waits("text").await;
    for part in [
        "Deadlock: hub waits for itself",
        FULL,
        "It has lasted ",
        "Channels",
        "unregister    0/0",
        "1 connection\n",
    ] {
        assert!(text.contains(part), "no {part}: {text}");
    }
    assert!(world.waits("colour").await.contains("\u{1b}["));
    assert!(world.waits("mermaid").await.contains("flowchart LR"));
    let picture = world.waits("svg").await;
    assert!(picture.starts_with("<svg ") && picture.contains("hub waits for itself"), "{picture}");
    // A third login hangs at its handshake with the hub, behind the cycle.
    let token = world.another_token("bob", Platform::Ios).await;
    std::mem::forget(world.upgrade(world.handshake("bob", Platform::Ios, token, super::world::GOB)).await);
    let began = Instant::now();
    while world.waits_json().await["deadlock"]["collateral"] != 1 {
        assert!(began.elapsed() < SOON, "{}", world.waits("text").await);
    }
    assert_eq!(world.running.gateway.alarms().deadlocks(), 1, "named once");
}

#[tokio::test]
async fn designs_that_do_not_hang_raise_no_alarm() {
    for design in ["lanes", "locked-table", "split-loops", "unbounded"] {
        let world = World::with(&format!("design = '{design}'\ncapacity = 0")).await;
        for _ in 0..3 {
            world.kick().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        assert!(
            world.running.gateway.alarms().deadlock().is_none(),
            "{design}: {}",
            world.waits("text").await
        );
        assert_eq!(world.page("GET /readyz", "").await.0, 200, "{design}");
    }
}

/// A client that goes away while an answer to it is being written, with its lock held, leaves no lock behind: the next login of the
/// account kicks it, and the hub goes on.
#[tokio::test]
async fn who_goes_away_in_the_midst_of_an_answer_leaves_no_lock_behind() {
    let world = World::with("design = 'single-select'\nversion = 'v3.5.1-unpooled'").await;
    let gateway = &world.running.gateway;
    for round in 1..=3 {
        let mut client = world.client("alice", Platform::Ios).await;
        // Answers bear the request's own number, so they are long; nobody reads them.
        for _ in 0..300 {
            let mut request = client.request(1001, Vec::new());
            // Such as cannot be compressed.
            request.msg_incr = std::iter::repeat_with(fastrand::alphanumeric).take(40_000).collect();
            let sent =
                tokio::time::timeout(std::time::Duration::from_millis(500), client.send(&request)).await;
            if sent.is_err() {
                break;
            }
        }
        drop(client);
        let began = Instant::now();
        while gateway.connections() > 0 {
            assert!(began.elapsed() < SOON, "round {round}: {}", world.waits("text").await);
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
    let mut last = world.client("alice", Platform::Ios).await;
    last.ask(1001, Vec::new()).await;
    assert!(gateway.glance().working().is_empty(), "{}", world.waits("text").await);
}

#[tokio::test]
async fn the_graph_is_for_administrators() {
    let world = World::new().await;
    let (status, ..) = world.page("GET /debug/waits", "").await;
    assert_eq!(status, 401);
    let user = world.token("alice", Platform::Ios).await;
    let (status, _, body) = world.page("GET /debug/waits", &format!("token: {}\r\n", user.reveal())).await;
    assert_eq!(status, 403, "{body}");
    let (status, _, body) =
        world.page("GET /debug/waits?format=xml", &format!("token: {}\r\n", world.admin)).await;
    assert_eq!((status, body.trim()), (400, "format is one of json, text, colour, mermaid, svg"));
}

/// The binary ends itself, if it was told to, and leaves a report.
#[tokio::test]
async fn a_watchdog_ends_the_process_and_leaves_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = turnstile(folder.path());
    command.env("TURNSTILE_DESIGN", "single-select").env("TURNSTILE_VERSION", "v3.5.1");
    command.env("TURNSTILE_CAPACITY", "0").env("TURNSTILE_WATCHDOG__EXIT", "true");
    let server = Server::start(&mut command);
    let data = folder.path().join("turnstile-data");
    let user = |platform: &str| {
        let args = ["token", "--user", "alice", "--platform", platform];
        let output = turnstile(folder.path()).args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let token = user("1");
    let url = format!(
        "{}/?sendID=alice&platformID=1&operationID=o&isBackground=false&sdkType=go&token={token}",
        server.ws
    );
    let mut sockets = Vec::new();
    for _ in 0..2 {
        sockets.push(tokio_tungstenite::connect_async(&url).await.unwrap().0);
    }
    let (code, log) = server.end();
    assert_eq!(code, Some(70), "{log}");
    assert!(log.contains("Deadlock: hub waits for itself") && log.contains(FULL), "{log}");
    let reports: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    let report = reports.iter().find(|path| path.extension().is_some_and(|e| e == "md"));
    let report = std::fs::read_to_string(report.expect("a report")).unwrap();
    for part in [
        "Deadlock: hub waits for itself",
        FULL,
        "```mermaid",
        "\nhub:\n",
        "- waits to send on unregister",
        "lab check --design single-select --version v3.5.1 --users 1 --logins 3 --capacity 1",
    ] {
        assert!(report.contains(part), "no {part}:\n{report}");
    }
}
