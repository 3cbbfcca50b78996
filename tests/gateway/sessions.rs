//! Sessions: who kicks whom, in each design; what the kicked sees; who is online.

use std::time::Duration;

use prost::Message as _;
use serde_json::json;
use turnstile::gateway::Count;
use turnstile::gateway::wire::codes;
use turnstile::gateway::wire::envelope;
use turnstile::gateway::wire::proto::sdkws::{SubUserOnlineStatus, SubUserOnlineStatusTips};
use turnstile::hub::Version;
use turnstile::policy::Policy;
use turnstile::session::{Connection, Login, Platform, Token, User};

use super::world::{Client, End, GOB, World, kicked};

/// The designs that are tried here: OpenIM's, the post's fix, and those of ours.
const DESIGNS: [&str; 4] = ["single-select", "split-loops", "locked-table", "lanes"];

fn login(connection: u32, platform: Platform, token: u32) -> Login {
    Login { user: User(1), platform, connection: Connection(connection), token: Token(token) }
}

#[tokio::test]
async fn every_policy_kicks_whom_it_says_in_every_design_at_every_version() {
    for design in DESIGNS {
        for version in [Version::V3_5_1Unpooled, Version::V3_8_3, Version::Main] {
            for policy in Policy::ALL {
                let toml = format!(
                    "design = '{design}'\nversion = '{}'\npolicy = {}",
                    version.name(),
                    policy.number()
                );
                let world = World::with(&toml).await;
                let name = format!("{design} {} {}", version.name(), policy.name());
                for (first, second) in [
                    (Platform::Ios, Platform::Ios),
                    (Platform::Ios, Platform::Android),
                    (Platform::Web, Platform::Ios),
                    (Platform::Ios, Platform::Windows),
                ] {
                    let user = format!("u{}x{}", first.id(), second.id());
                    let old_token = world.token(&user, first).await;
                    let mut old = world.enter(world.handshake(&user, first, old_token.clone(), GOB)).await;
                    let new_token = world.another_token(&user, second).await;
                    let mut new = world.enter(world.handshake(&user, second, new_token, GOB)).await;
                    let rules = &version.steps().rules;
                    if policy.kicks(rules, &login(2, second, 2), &login(1, first, 1)) {
                        // At v3.8.3 the close may overtake the kick message, as it may in OpenIM.
                        let end = old.end().await;
                        let lost = End { last: Vec::new(), ..kicked() };
                        let may_lose =
                            version == Version::V3_8_3 && !["lanes", "locked-table"].contains(&design);
                        assert!(end == kicked() || (may_lose && end == lost), "{name}: {end:?}");
                        let back = world.handshake(&user, first, old_token, GOB);
                        let mut again = world.upgrade(back).await;
                        let Some(first) = again.frame().await else { panic!("{name}: no first frame") };
                        let refusal = codes::first_frame(first.to_text().unwrap()).unwrap().unwrap_err();
                        assert_eq!(refusal.code, codes::TOKEN_KICKED, "{name}");
                    } else {
                        old.ask(envelope::GET_NEWEST_SEQ, Vec::new()).await;
                    }
                    new.ask(envelope::GET_NEWEST_SEQ, Vec::new()).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_reconnects_with_its_own_token_kicks_nobody_since_v3_8_3() {
    for (version, kicks) in [("v3.5.1", true), ("main", false)] {
        let world = World::with(&format!("version = '{version}'")).await;
        let token = world.token("alice", Platform::Ios).await;
        let mut old = world.enter(world.handshake("alice", Platform::Ios, token.clone(), GOB)).await;
        let mut new = world.enter(world.handshake("alice", Platform::Ios, token, GOB)).await;
        new.ask(envelope::GET_NEWEST_SEQ, Vec::new()).await;
        if kicks {
            assert_eq!(old.end().await, kicked());
        } else {
            old.ask(envelope::GET_NEWEST_SEQ, Vec::new()).await;
        }
    }
}

#[tokio::test]
async fn an_administrator_logs_a_user_out_of_a_platform() {
    for design in DESIGNS {
        let world = World::with(&format!("design = '{design}'")).await;
        let phone = world.client("alice", Platform::Ios).await;
        let mut desk = world.client("alice", Platform::Linux).await;
        let token = phone.me.token.clone();
        world.admin("/auth/force_logout", json!({ "userID": "alice", "platformID": 1 })).await;
        assert_eq!(phone.end().await, kicked(), "{design}");
        desk.ask(envelope::GET_NEWEST_SEQ, Vec::new()).await;
        let mut again = world.upgrade(world.handshake("alice", Platform::Ios, token, GOB)).await;
        let first = again.frame().await.unwrap();
        let refusal = codes::first_frame(first.to_text().unwrap()).unwrap().unwrap_err();
        assert_eq!(refusal.code, codes::TOKEN_KICKED);
    }
}

#[tokio::test]
async fn what_is_queued_is_written_before_the_kick_and_the_kick_before_the_close() {
    let world = World::new().await;
    let old = world.client("alice", Platform::Ios).await;
    let token = world.another_token("alice", Platform::Ios).await;
    let mut bob = world.client("bob", Platform::Ios).await;
    for n in 0..20 {
        bob.say(bob.text("alice", &n.to_string())).await;
    }
    let _new = world.enter(world.handshake("alice", Platform::Ios, token, GOB)).await;
    let end = old.end().await;
    let mut expected = vec![envelope::PUSH_MSG; 20];
    expected.push(envelope::KICK_ONLINE_MSG);
    assert_eq!(end, End { last: expected, code: Some(4500) });
}

async fn follow(client: &mut Client, users: &[&str]) -> Vec<(String, Vec<i32>)> {
    let ask = SubUserOnlineStatus {
        subscribe_user_id: users.iter().map(|&user| user.to_owned()).collect(),
        ..SubUserOnlineStatus::default()
    };
    status(&client.ask(envelope::SUB_USER_ONLINE_STATUS, ask.encode_to_vec()).await)
}

fn status(data: &[u8]) -> Vec<(String, Vec<i32>)> {
    let tips = SubUserOnlineStatusTips::decode(data).unwrap();
    tips.subscribers.into_iter().map(|tip| (tip.user_id, tip.online_platform_i_ds)).collect()
}

async fn told(client: &mut Client) -> Vec<(String, Vec<i32>)> {
    let heard = client.heard().await;
    assert_eq!(heard.req_identifier, envelope::SUB_USER_ONLINE_STATUS);
    status(&heard.data)
}

#[tokio::test]
async fn who_follows_a_user_is_told_all_platforms_that_the_user_is_on() {
    for design in DESIGNS {
        let world = World::with(&format!("design = '{design}'")).await;
        let mut alice = world.client("alice", Platform::Web).await;
        let of_bob = |platforms: &[i32]| vec![("bob".to_owned(), platforms.to_vec())];
        assert_eq!(follow(&mut alice, &["bob"]).await, of_bob(&[]));
        let mut phone = world.client("bob", Platform::Ios).await;
        assert_eq!(told(&mut alice).await, of_bob(&[1]));
        let desk = world.client("bob", Platform::Windows).await;
        assert_eq!(told(&mut alice).await, of_bob(&[1, 3]));
        assert_eq!(follow(&mut phone, &["bob"]).await, of_bob(&[1, 3]));
        drop(desk);
        assert_eq!(told(&mut alice).await, of_bob(&[1]), "{design}");
        phone.ask(envelope::LOGOUT_MSG, Vec::new()).await;
        assert_eq!(told(&mut alice).await, of_bob(&[]), "{design}");
        let asked = json!({ "userIDs": ["alice", "bob"] });
        let online = world.admin("/user/get_users_online_status", asked).await;
        assert_eq!((&online[0]["status"], &online[1]["status"]), (&json!(1), &json!(0)));
        assert_eq!(online[0]["detailPlatformStatus"][0]["platformID"], 5);
    }
}

#[tokio::test]
async fn the_webhook_hears_who_comes_and_who_is_kicked() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let world = World::with(&format!("webhook = '{url}'")).await;
    let _alice = world.client("alice", Platform::Ios).await;
    let hear = async || {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut said = vec![0; 4096];
        let mut all = String::new();
        while !all.contains('}') {
            let n = socket.read(&mut said).await.unwrap();
            all.push_str(std::str::from_utf8(&said[..n]).unwrap());
        }
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        all
    };
    let first = hear().await;
    assert!(first.starts_with("POST /hook ") && first.contains(r#""onlinePlatformIDs":[1]"#), "{first}");
    world.admin("/auth/force_logout", json!({ "userID": "alice", "platformID": 1 })).await;
    let second = hear().await;
    assert!(second.contains(r#""kickedPlatformIDs":[1]"#), "{second}");
}

/// OpenIM's hub with channels of nothing: the first kick is sent by the loop to itself.
#[tokio::test]
async fn the_single_select_hub_hangs_for_real_and_the_others_do_not() {
    for design in DESIGNS {
        let hangs = design == "single-select";
        let toml = format!(
            "design = '{design}'\nversion = 'v3.5.1'\ncapacity = 0\nlimits.shutdown_ms = 600\nlimits.shutdown_spread_ms = 0"
        );
        let world = World::with(&toml).await;
        let mut old = world.client("alice", Platform::Ios).await;
        old.ask(envelope::GET_NEWEST_SEQ, Vec::new()).await;
        let token = world.another_token("alice", Platform::Ios).await;
        let _new = world.knock(world.handshake("alice", Platform::Ios, token, GOB)).await;
        // The old one is kicked, by whichever design.
        assert_eq!(old.end().await, kicked(), "{design}");
        let token = world.token("carol", Platform::Ios).await;
        let mut carol = world.knock(world.handshake("carol", Platform::Ios, token, GOB)).await;
        let request = carol.request(envelope::GET_NEWEST_SEQ, Vec::new());
        carol.send(&request).await;
        let answer = tokio::time::timeout(Duration::from_millis(500), carol.frame()).await;
        assert_eq!(answer.is_err(), hangs, "{design}: {answer:?}");
        if hangs {
            // Nobody can leave, either: the count does not move.
            let before = world.running.gateway.connections();
            drop(carol);
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(world.running.gateway.connections(), before);
        } else {
            drop(carol);
        }
        drop(_new);
        let ended = world.running.drain().await;
        assert_eq!(ended.left > 0, hangs, "{design}: {ended:?}");
    }
}

/// Many logins of few accounts at once, as in the post.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_storm_leaves_nobody_behind() {
    for design in ["locked-table", "lanes"] {
        let world = std::sync::Arc::new(World::with(&format!("design = '{design}'\ncapacity = 1")).await);
        // One for both logins of a user: tokens of two seconds are two, and one of them would be kicked for good.
        let mut tokens = Vec::new();
        for user in 0..4 {
            tokens.push(world.token(&format!("u{user}"), Platform::Ios).await);
        }
        let mut tasks = Vec::new();
        for account in 0..8 {
            let user = format!("u{}", account % 4);
            let token = tokens[account % 4].clone();
            let world = world.clone();
            tasks.push(tokio::spawn(async move {
                for n in 0..25 {
                    let handshake = world.handshake(&user, Platform::Ios, token.clone(), GOB);
                    let mut client = world.knock(handshake).await;
                    let message = client.text("u0", &format!("{account} {n}"));
                    let request = client.request(envelope::SEND_MSG, message.encode_to_vec());
                    client.send(&request).await;
                    while client.heard().await.msg_incr.is_empty() {}
                }
            }));
        }
        for task in tasks {
            tokio::time::timeout(Duration::from_secs(60), task).await.expect("no hang").unwrap();
        }
        let gateway = &world.running.gateway;
        for _ in 0..200 {
            if gateway.connections() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(gateway.connections(), 0, "{design}");
        assert_eq!(gateway.counts().get(Count::Connected), gateway.counts().get(Count::Disconnected));
        assert_eq!(gateway.counts().get(Count::Registered), 200);
        let online = world
            .admin("/user/get_users_online_status", json!({ "userIDs": ["u0", "u1", "u2", "u3"] }))
            .await;
        assert!(online.as_array().unwrap().iter().all(|user| user["status"] == 0), "{online}");
    }
}
