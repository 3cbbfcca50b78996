//! What nobody may exceed, and how it ends.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use prost::Message as _;
use tokio_tungstenite::tungstenite::Message as Frame;
use turnstile::gateway::Count;
use turnstile::gateway::wire::codec::{Codec, Encoding};
use turnstile::gateway::wire::codes;
use turnstile::gateway::wire::envelope;
use turnstile::gateway::wire::proto::sdkws::SubUserOnlineStatus;
use turnstile::session::Platform;

use super::handshakes::refused;
use super::world::{Client, End, GOB, JSON, World};

fn closed(code: u16) -> End {
    End { last: Vec::new(), code: Some(code) }
}

async fn refusal(world: &World, user: &str) -> i64 {
    let token = world.token(user, Platform::Ios).await;
    let mut client = world.upgrade(world.handshake(user, Platform::Ios, token, GOB)).await;
    let first = client.frame().await.unwrap();
    codes::first_frame(first.to_text().unwrap()).unwrap().map_or_else(|refusal| refusal.code, |()| 0)
}

#[tokio::test]
async fn connections_are_counted_in_all_by_user_and_by_address() {
    let world = World::with("policy = 0\nlimits.connections = 3\nlimits.connections_per_user = 2").await;
    let _one = world.client("alice", Platform::Ios).await;
    let two = world.client("alice", Platform::Ios).await;
    assert_eq!(refusal(&world, "alice").await, codes::CONN_OVER_MAX_NUM_LIMIT);
    let _three = world.client("bob", Platform::Ios).await;
    let token = world.token("carol", Platform::Ios).await;
    let query = world.handshake("carol", Platform::Ios, token.clone(), GOB).query();
    assert_eq!(refused(&world, &query).await.code, codes::CONN_OVER_MAX_NUM_LIMIT);
    drop(two);
    for _ in 0..100 {
        if world.running.gateway.connections() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.enter(world.handshake("carol", Platform::Ios, token, GOB)).await;

    let world = World::with("limits.connections_per_ip = 1").await;
    let _one = world.client("alice", Platform::Ios).await;
    let token = world.token("bob", Platform::Ios).await;
    let query = world.handshake("bob", Platform::Ios, token, GOB).query();
    assert!(
        tokio_tungstenite::connect_async(format!("ws://{}/?{query}", world.running.listen)).await.is_err()
    );
    assert_eq!(world.running.gateway.counts().get(Count::RefusedAddress), 1);
}

#[tokio::test]
async fn a_message_too_long_as_sent_or_inflated_ends_the_connection() {
    let world = World::with("limits.inflated_bytes = 100000").await;
    let mut client = world.client("alice", Platform::Ios).await;
    let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(60_000).collect();
    client.socket.send(Frame::binary(noise)).await.unwrap();
    assert_eq!(client.end().await, closed(1009));
    let mut client = world.client("alice", Platform::Ios).await;
    let bomb = client.request(envelope::SEND_MSG, vec![0; 8 << 20]);
    client.send(&bomb).await;
    assert_eq!(client.end().await, closed(1002));
}

#[tokio::test]
async fn what_cannot_be_read_or_is_not_expected_ends_the_connection() {
    let world = World::new().await;
    let enter = async |codec: Codec| {
        let token = world.token("alice", Platform::Ios).await;
        world.enter(world.handshake("alice", Platform::Ios, token, codec)).await
    };
    let plain = Codec { encoding: Encoding::Gob, gzip: false };
    for codec in [GOB, JSON, plain] {
        for frame in [Frame::binary(vec![7; 40]), Frame::text("hello"), Frame::text(r#"{"type":"other"}"#)] {
            let mut client = enter(codec).await;
            client.socket.send(frame).await.unwrap();
            assert_eq!(client.end().await, closed(1002));
        }
        let mut client = enter(codec).await;
        let unknown = client.request(3001, Vec::new());
        client.send(&unknown).await;
        assert_eq!(client.end().await, closed(1002));
        let mut client = enter(codec).await;
        let mut other = client.request(envelope::GET_NEWEST_SEQ, Vec::new());
        other.send_id = "bob".to_owned();
        client.send(&other).await;
        assert_eq!(client.end().await, closed(1002));
    }
}

#[tokio::test]
async fn pings_of_either_kind_are_answered_and_keep_a_connection() {
    let world =
        World::with("limits.idle_ms = 400\nlimits.first_frame_ms = 400\nlimits.web_ping_ms = 150").await;
    // A browser only answers the server's pings.
    let token = world.token("web", Platform::Web).await;
    let mut web = world.knock(world.handshake("web", Platform::Web, token, GOB)).await;
    let mut silent = world.client("silent", Platform::Ios).await;
    let mut texts = world.client("texts", Platform::Ios).await;
    let mut frames = world.client("frames", Platform::Ios).await;
    for n in 0..8 {
        texts.socket.send(Frame::text(format!(r#"{{"type":"ping","body":{n}}}"#))).await.unwrap();
        assert_eq!(texts.frame().await, Some(Frame::text(format!(r#"{{"type":"pong","body":{n}}}"#))));
        frames.socket.send(Frame::Ping(vec![n].into())).await.unwrap();
        assert_eq!(frames.socket.next().await.unwrap().unwrap(), Frame::Pong(vec![n].into()));
        let _ = tokio::time::timeout(Duration::from_millis(100), web.socket.next()).await;
    }
    assert_eq!(
        silent.frame().await.and_then(|frame| match frame {
            Frame::Close(close) => close.map(|close| u16::from(close.code)),
            _ => None,
        }),
        Some(4000)
    );
    for client in [&mut web, &mut texts, &mut frames] {
        client.ask(envelope::GET_NEWEST_SEQ, Vec::new()).await;
    }
    let token = world.token("late", Platform::Ios).await;
    let late = world.knock(world.handshake("late", Platform::Ios, token, GOB)).await;
    assert_eq!(late.end().await, closed(4000));
}

#[tokio::test]
async fn one_connection_follows_no_more_users_than_it_may() {
    let world = World::with("limits.subscriptions = 2").await;
    let mut client = world.client("alice", Platform::Ios).await;
    let follow = |users: &[&str], not: &[&str]| {
        let owned = |users: &[&str]| users.iter().map(|&user| user.to_owned()).collect();
        SubUserOnlineStatus { subscribe_user_id: owned(users), unsubscribe_user_id: owned(not) }
            .encode_to_vec()
    };
    client.ask(envelope::SUB_USER_ONLINE_STATUS, follow(&["a", "b"], &[])).await;
    let refused = client.try_ask(envelope::SUB_USER_ONLINE_STATUS, follow(&["c"], &[])).await;
    assert_eq!(refused.err_code, codes::ARGS);
    client.ask(envelope::SUB_USER_ONLINE_STATUS, follow(&["c"], &["a"])).await;
}

/// A client that takes nothing is closed, in each design, and nobody waits for it for long.
#[tokio::test]
async fn a_slow_consumer_is_closed_and_keeps_nobody() {
    for design in ["lanes", "locked-table", "single-select"] {
        let toml = format!("design = '{design}'\nlimits.write_ms = 500\nlimits.queue_messages = 32");
        let world = World::with(&toml).await;
        let slow = world.client("slow", Platform::Ios).await;
        let mut alice = world.client("alice", Platform::Ios).await;
        let text = "x".repeat(30_000);
        for n in 0..400 {
            let mut message = alice.text("slow", "");
            message.client_msg_id = n.to_string();
            message.content =
                std::iter::repeat_with(|| fastrand::alphanumeric() as u8).take(text.len()).collect();
            message.options.insert("senderSync".to_owned(), false);
            message.options.insert("history".to_owned(), false);
            alice.say(message).await;
            if world.running.gateway.counts().get(Count::SlowConsumers) > 0 {
                break;
            }
        }
        for _ in 0..200 {
            if world.running.gateway.connections() == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(world.running.gateway.connections(), 1, "{design}");
        assert!(world.running.gateway.counts().get(Count::SlowConsumers) > 0, "{design}");
        alice.ask(envelope::GET_NEWEST_SEQ, Vec::new()).await;
        drop::<Client>(slow);
    }
}

#[tokio::test]
async fn a_drained_gateway_tells_its_clients_to_come_back() {
    for design in ["lanes", "locked-table", "split-loops", "single-select"] {
        let world = World::with(&format!("design = '{design}'\nlimits.shutdown_spread_ms = 200")).await;
        let mut clients = Vec::new();
        for n in 0..10 {
            clients.push(world.client(&format!("u{n}"), Platform::Ios).await);
        }
        let World { running, folder, .. } = world;
        let drained = tokio::spawn(running.drain());
        for client in clients {
            assert_eq!(client.end().await, closed(1012), "{design}");
        }
        assert_eq!(drained.await.unwrap().left, 0, "{design}");
        drop(folder);
    }
}
