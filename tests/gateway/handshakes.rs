//! Who may connect, and how others are told.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message as Frame};
use turnstile::gateway::token::{self, Claims};
use turnstile::gateway::wire::Secret;
use turnstile::gateway::wire::codec::{Codec, Encoding};
use turnstile::gateway::wire::codes::{self, Refusal};
use turnstile::gateway::wire::envelope;
use turnstile::gateway::wire::handshake::Handshake;
use turnstile::session::Platform;

use super::world::{GOB, World};

/// The refusal that a query gets as an HTTP answer.
pub(super) async fn refused(world: &World, query: &str) -> Refusal {
    let url = format!("ws://{}/?{query}", world.running.listen);
    match tokio_tungstenite::connect_async(url).await {
        Err(Error::Http(answer)) => {
            assert_eq!(answer.status(), 200);
            serde_json::from_slice(answer.body().as_deref().unwrap()).unwrap()
        }
        other => panic!("{query}: {other:?}"),
    }
}

fn claims(platform: Platform, issued: i64, expires: i64) -> Claims {
    Claims { user: "alice".to_owned(), platform_id: platform.id(), issued, expires }
}

#[tokio::test]
async fn each_bad_token_has_its_code_as_http_answer_and_as_first_frame() {
    let world = World::new().await;
    let key = std::fs::read_to_string(world.folder.path().join("secret")).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    let good = world.token("alice", Platform::Web).await;
    let web = Platform::Web;
    let sign = |claims: &Claims, key: &str| token::sign(claims, key.as_bytes());
    let cases: [(&str, Platform, Secret, i64); 6] = [
        ("alice", web, sign(&claims(web, now - 9, now - 1), &key), codes::TOKEN_EXPIRED),
        ("bob", web, good.clone(), codes::TOKEN_INVALID),
        ("alice", Platform::Ios, good, codes::TOKEN_INVALID),
        ("alice", web, Secret::from("x"), codes::TOKEN_MALFORMED),
        ("alice", web, sign(&claims(web, now - 9, now + 99), "another secret of 16"), codes::TOKEN_UNKNOWN),
        ("alice", web, sign(&claims(web, now - 9, now + 99), &key), codes::TOKEN_NOT_EXIST),
    ];
    for (user, platform, token, code) in cases {
        let asks = world.handshake(user, platform, token, GOB);
        let silent = Handshake { wants_first_frame: false, ..asks.clone() };
        assert_eq!(refused(&world, &silent.query()).await.code, code);
        let mut client = world.upgrade(asks).await;
        let Some(Frame::Text(first)) = client.frame().await else { panic!("no first frame") };
        assert_eq!(codes::first_frame(&first).unwrap().unwrap_err().code, code);
        assert!(matches!(client.frame().await, Some(Frame::Close(_)) | None));
    }
    assert_eq!(world.running.gateway.connections(), 0);
}

#[tokio::test]
async fn arguments_are_checked_before_the_token() {
    let world = World::new().await;
    let cases = [
        ("", codes::CONN_ARGS),
        ("sendID=a&token=t&platformID=12&operationID=o&isBackground=false", codes::CONN_ARGS),
        ("sendID=a&token=t&platformID=5&operationID=o&isBackground=maybe", codes::SERVER_INTERNAL),
        ("sendID=a&token=t&platformID=5&isBackground=false", codes::CONN_ARGS),
        ("sendID=a&token=t&platformID=5&operationID=o&isBackground=false&sdkType=c", codes::CONN_ARGS),
        ("v=%21", codes::CONN_ARGS),
        ("sendID=a&token=t&platformID=5&operationID=o&isBackground=false", codes::TOKEN_MALFORMED),
    ];
    for (query, code) in cases {
        assert_eq!(refused(&world, query).await.code, code, "{query}");
    }
}

#[tokio::test]
async fn each_codec_is_served_and_both_forms_of_the_handshake() {
    let world = World::new().await;
    for encoding in [Encoding::Gob, Encoding::Json] {
        for gzip in [false, true] {
            let token = world.token("alice", Platform::Linux).await;
            let handshake = world.handshake("alice", Platform::Linux, token, Codec { encoding, gzip });
            let mut client = world.enter(handshake).await;
            let said = client.say(client.text("bob", &format!("{encoding:?} {gzip}"))).await;
            assert_eq!(said.server_msg_id.len(), 32);
            client.ask(envelope::LOGOUT_MSG, Vec::new()).await;
            assert_eq!(client.end().await.last, [envelope::PUSH_MSG]);
        }
    }
    use base64::Engine;
    let token = world.token("alice", Platform::Linux).await;
    let packed = serde_json::json!({
        "token": token.reveal(), "userID": "alice", "platformID": 7, "operationID": "o", "sdkType": "js",
        "sendResponse": true, "compression": "gzip",
    });
    let packed = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(packed.to_string());
    let url = format!("ws://{}/any/path?v={packed}", world.running.listen);
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let first = futures_util::StreamExt::next(&mut socket).await.unwrap().unwrap();
    assert_eq!(first, Frame::text(codes::SUCCESS));
}

#[tokio::test]
async fn without_is_msg_resp_the_first_frame_is_an_answer() {
    let world = World::new().await;
    let token = world.token("alice", Platform::Android).await;
    let handshake =
        Handshake { wants_first_frame: false, ..world.handshake("alice", Platform::Android, token, GOB) };
    let mut client = world.upgrade(handshake).await;
    client.ask(envelope::GET_NEWEST_SEQ, Vec::new()).await;
}

#[tokio::test]
async fn what_is_no_upgrade_gets_an_answer_and_half_a_request_a_deadline() {
    let world = World::with("limits.handshake_ms = 300").await;
    let mut socket = TcpStream::connect(world.running.listen).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 32];
    socket.read_exact(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 426 "));
    // A byte now and then does not help: the handshake as a whole has a deadline.
    let mut slow = TcpStream::connect(world.running.listen).await.unwrap();
    let began = std::time::Instant::now();
    let mut at = b"GET / HTTP/1.1\r\nx: ".iter().chain(std::iter::repeat(&b'x'));
    while slow.write_all(&[*at.next().unwrap()]).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        assert!(began.elapsed() < super::world::SOON, "a handshake without an end");
    }
    let mut big = TcpStream::connect(world.running.listen).await.unwrap();
    let head = format!("GET /?{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(20_000));
    let _ = big.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = big.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
}

#[tokio::test]
async fn browsers_may_call_the_api() {
    let world = World::new().await;
    let preflight = "origin: http://page\r\naccess-control-request-method: POST\r\naccess-control-request-headers: content-type,operationid,token\r\n";
    let answer = world.http("OPTIONS /user/get_users_info", preflight, "").await.to_lowercase();
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(answer.contains("access-control-allow-origin: *"), "{answer}");
    assert!(answer.contains("access-control-allow-headers: *"), "{answer}");
}

#[tokio::test]
async fn the_api_refuses_what_is_not_the_callers() {
    let world = World::new().await;
    let alice = world.token("alice", Platform::Web).await;
    let cases = [
        ("/auth/get_user_token", alice.reveal(), r#"{"userID":"bob","platformID":5}"#, codes::NO_PERMISSION),
        ("/auth/get_user_token", "", r#"{"userID":"bob","platformID":5}"#, codes::ARGS),
        ("/auth/get_user_token", &world.admin, r#"{"userID":"b_b","platformID":5}"#, codes::ARGS),
        ("/auth/get_user_token", &world.admin, r#"{"userID":"bob","platformID":0}"#, codes::ARGS),
        (
            "/auth/get_user_token",
            &world.admin,
            r#"{"userID":"imAdmin","platformID":10}"#,
            codes::NO_PERMISSION,
        ),
        ("/auth/get_admin_token", "", r#"{"userID":"imAdmin","secret":"openIM123"}"#, codes::NO_PERMISSION),
        (
            "/msg/mark_conversation_as_read",
            alice.reveal(),
            r#"{"userID":"bob","conversationID":"si_a_b"}"#,
            codes::NO_PERMISSION,
        ),
        ("/user/get_users_info", "x", "{}", codes::TOKEN_MALFORMED),
        ("/user/get_users_info", alice.reveal(), "[", codes::ARGS),
        ("/no/such/path", alice.reveal(), "{}", codes::RECORD_NOT_FOUND),
    ];
    for (path, token, body, code) in cases {
        let answer = world.http(&format!("POST {path}"), &format!("token: {token}\r\n"), body).await;
        assert!(answer.contains(&format!("\"errCode\":{code},")), "{path} {body}: {answer}");
    }
}
