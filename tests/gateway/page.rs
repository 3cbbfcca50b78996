//! The administrator's page: who may see it, and what it says.

use turnstile::session::Platform;

use super::world::{World, kicked};

#[tokio::test]
async fn only_an_administrator_sees_the_state() {
    let world = World::new().await;
    let user = world.token("alice", Platform::Web).await;
    // A user who is called so, with a token of another platform.
    let other = world.another_token("imAdmin", Platform::Web).await;
    let cases = [
        ("GET /state", String::new(), 401),
        ("GET /state", "token: none\r\n".to_owned(), 401),
        ("GET /state", format!("token: {}\r\n", user.reveal()), 403),
        ("GET /state", format!("token: {}\r\n", other.reveal()), 403),
        ("GET /state", format!("cookie: token={}\r\n", world.admin), 401),
        ("GET /state", format!("authorization: Basic {}\r\n", world.admin), 401),
        ("GET /state", format!("authorization: Bearer {}\r\n", world.admin), 200),
        ("GET /state", format!("authorization: bearer {}\r\n", world.admin), 200),
        ("GET /state", format!("token: {}\r\n", world.admin), 200),
        ("POST /state", format!("token: {}\r\n", world.admin), 405),
        ("GET /nothing", format!("token: {}\r\n", world.admin), 404),
    ];
    for (line, headers, expected) in cases {
        let origin = format!("{headers}origin: http://elsewhere\r\n");
        let (status, head, body) = world.page(line, &origin).await;
        assert_eq!(status, expected, "{line} {headers} {body}");
        assert!(!head.contains("access-control"), "no other page may read it: {head}");
        assert!(!body.contains(user.reveal()), "{body}");
    }
}

#[tokio::test]
async fn the_page_says_how_the_gateway_is_as_the_api_does() {
    let world = World::new().await;
    for (path, expected) in
        [("/healthz", "ok\n"), ("/readyz", "ready\n"), ("/version", concat!(env!("CARGO_PKG_VERSION"), "\n"))]
    {
        assert_eq!(world.page(&format!("GET {path}"), "").await.2, expected);
        assert!(world.http(&format!("GET {path}"), "", "").await.ends_with(expected));
    }
    assert_eq!(world.page("POST /healthz", "").await.0, 404);
}

#[tokio::test]
async fn the_page_has_few_seats() {
    let world = World::with("limits.page_connections = 1").await;
    let seat = tokio::net::TcpStream::connect(world.running.admin_page).await.unwrap();
    // Whoever comes next is hung up on, before or after it could ask.
    let mut next = tokio::net::TcpStream::connect(world.running.admin_page).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut next, &mut answer);
    let _ = tokio::time::timeout(super::world::SOON, read).await.expect("the end in time");
    assert_eq!(answer, b"");
    drop(seat);
    // Others still have the API.
    assert!(world.http("GET /healthz", "", "").await.ends_with("ok\n"));
}

#[tokio::test]
async fn the_state_says_who_is_there_and_whether_clients_may_come() {
    let world = World::new().await;
    let _alice = world.client("alice", Platform::Web).await;
    let state = world.state().await;
    assert_eq!((&state["connections"], &state["unready"]), (&1.into(), &serde_json::Value::Null), "{state}");
}

#[tokio::test]
async fn sessions_are_found_by_a_part_of_the_user_and_the_first_200_are_listed() {
    let world = World::with("limits.connections_per_user = 10").await;
    let mut clients = Vec::new();
    for n in 0..205 {
        clients.push(world.client(&format!("user{n:03}"), Platform::Web).await);
    }
    let header = format!("token: {}\r\n", world.admin);
    let ask = async |path: &str, body: &str| {
        let (status, _, body) = world.post(path, &header, body).await;
        (status, serde_json::from_str::<serde_json::Value>(&body).unwrap())
    };
    let (_, all) = ask("/sessions", "{}").await;
    assert_eq!((all["users"].as_array().unwrap().len(), &all["total"]), (200, &205.into()));
    assert_eq!(all["users"][0]["userID"], "user000");
    let (_, one) = ask("/sessions", r#"{"search":"r204"}"#).await;
    assert_eq!((&one["users"][0]["userID"], &one["total"]), (&"user204".into(), &1.into()));
    assert_eq!(one["users"][0]["sessions"][0]["platformID"], Platform::Web.id());
    assert_eq!(ask("/kick", r#"{"userID":"user204","platformID":5}"#).await.0, 200);
    assert_eq!(clients.pop().unwrap().end().await, kicked());
    for wrong in ["", "[]", r#"{"userID":"user203"}"#, r#"{"userID":"user203","platformID":99}"#] {
        assert_eq!(ask("/kick", wrong).await.0, 400, "{wrong}");
    }
    let user = world.token("user203", Platform::Web).await;
    for path in ["/sessions", "/kick"] {
        let body = r#"{"userID":"user203","platformID":5}"#;
        assert_eq!(world.post(path, "", body).await.0, 401);
        assert_eq!(world.post(path, &format!("token: {}\r\n", user.reveal()), body).await.0, 403);
    }
    assert_eq!(world.state().await["connections"], 204);
}

#[tokio::test]
async fn the_page_brings_all_that_it_needs_and_may_do_nothing_else() {
    let world = World::new().await;
    let (status, head, document) = world.page("GET /", "").await;
    assert_eq!(status, 200);
    for header in [
        "content-security-policy: default-src 'none'; style-src 'sha256-",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
    ] {
        assert!(head.contains(header), "{header} is not in {head}");
    }
    assert!(!head.contains("unsafe"), "{head}");
    for outside in ["https://", "src=\"", "@import", "url("] {
        assert!(!document.contains(outside), "{outside} is in the page");
    }
}
