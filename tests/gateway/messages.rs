//! Messages: stored, numbered, pushed, pulled, read.

use std::collections::BTreeMap;

use prost::Message as _;
use serde_json::json;
use turnstile::gateway::wire::codes;
use turnstile::gateway::wire::envelope;
use turnstile::gateway::wire::proto::msg::{
    ConversationSeqs, GetConversationsHasReadAndMaxSeqReq, GetConversationsHasReadAndMaxSeqResp,
    GetLastMessageReq, GetLastMessageResp, GetSeqMessageReq, GetSeqMessageResp,
};
use turnstile::gateway::wire::proto::sdkws::{
    GetMaxSeqReq, GetMaxSeqResp, MsgData, PullMessageBySeqsReq, PullMessageBySeqsResp, SeqRange,
    SetAppBackgroundStatusReq,
};
use turnstile::session::Platform;

use super::world::{Client, World};

async fn pull(
    client: &mut Client,
    conversation: &str,
    begin: i64,
    end: i64,
    num: i64,
    order: i32,
) -> Vec<i64> {
    let range = SeqRange { conversation_id: conversation.to_owned(), begin, end, num };
    let ask = PullMessageBySeqsReq { user_id: client.me.user.clone(), seq_ranges: vec![range], order };
    let data = client.ask(envelope::PULL_MSG_BY_SEQ_LIST, ask.encode_to_vec()).await;
    let pulled = PullMessageBySeqsResp::decode(&data[..]).unwrap();
    pulled.msgs[conversation].msgs.iter().map(|message| message.seq).collect()
}

#[tokio::test]
async fn a_message_reaches_every_device_of_both_and_is_numbered_from_one() {
    let world = World::new().await;
    let mut phone = world.client("alice", Platform::Ios).await;
    let mut desk = world.client("alice", Platform::Linux).await;
    let mut bob = world.client("bob", Platform::Web).await;
    for (n, text) in ["one", "two", "three"].into_iter().enumerate() {
        let answer = phone.say(phone.text("bob", text)).await;
        for client in [&mut phone, &mut desk, &mut bob] {
            let (conversation, message) = client.pushed().await;
            assert_eq!((&*conversation, message.seq), ("si_alice_bob", n as i64 + 1));
            assert_eq!(message.content, json!({ "content": text }).to_string().into_bytes());
            assert_eq!(
                (message.server_msg_id, message.send_time),
                (answer.server_msg_id.clone(), answer.send_time)
            );
            assert_eq!(message.status, 2);
        }
    }
    // Once more with the same id: the same answer, and no push.
    let again = phone.say(phone.text("bob", "two")).await;
    assert_eq!(pull(&mut bob, "si_alice_bob", 1, 9, 0, 0).await, [1, 2, 3]);
    assert_eq!(pull(&mut bob, "si_alice_bob", 2, 3, 1, 1).await, [3]);
    assert!(!again.server_msg_id.is_empty());
    bob.hears_nothing().await;
    let mut quiet = phone.text("bob", "not to me");
    quiet.options.insert("senderSync".to_owned(), false);
    phone.say(quiet).await;
    assert_eq!(bob.pushed().await.1.seq, 4);
    desk.hears_nothing().await;
}

#[tokio::test]
async fn who_was_away_catches_up() {
    let world = World::new().await;
    let mut alice = world.client("alice", Platform::Ios).await;
    for n in 0..5 {
        alice.say(alice.text("bob", &n.to_string())).await;
    }
    let mut bob = world.client("bob", Platform::Web).await;
    let user_id = "bob".to_owned();
    let data =
        bob.ask(envelope::GET_NEWEST_SEQ, GetMaxSeqReq { user_id: user_id.clone() }.encode_to_vec()).await;
    let newest = GetMaxSeqResp::decode(&data[..]).unwrap();
    assert_eq!(newest.max_seqs, BTreeMap::from([("si_alice_bob".to_owned(), 5)]));
    assert_eq!(newest.min_seqs, BTreeMap::from([("si_alice_bob".to_owned(), 1)]));

    let wanted = ConversationSeqs { conversation_id: "si_alice_bob".to_owned(), seqs: vec![5, 2, 77] };
    let ask = GetSeqMessageReq { user_id: user_id.clone(), conversations: vec![wanted], order: 0 };
    let data = bob.ask(envelope::PULL_MSG, ask.encode_to_vec()).await;
    let found = GetSeqMessageResp::decode(&data[..]).unwrap();
    assert_eq!(found.msgs["si_alice_bob"].msgs.iter().map(|m| m.seq).collect::<Vec<_>>(), [2, 5]);

    let ask =
        GetLastMessageReq { user_id: user_id.clone(), conversation_i_ds: vec!["si_alice_bob".to_owned()] };
    let data = bob.ask(envelope::PULL_CONV_LAST_MESSAGE, ask.encode_to_vec()).await;
    assert_eq!(GetLastMessageResp::decode(&data[..]).unwrap().msgs["si_alice_bob"].seq, 5);

    let read = json!({ "userID": "bob", "conversationID": "si_alice_bob", "hasReadSeq": 3 });
    let token = bob.me.token.reveal().to_owned();
    assert_eq!(world.call("/msg/mark_conversation_as_read", &token, read).await["data"]["hasReadSeq"], 3);
    let ask = GetConversationsHasReadAndMaxSeqReq { user_id, ..Default::default() };
    let data = bob.ask(envelope::GET_CONV_MAX_READ_SEQ, ask.encode_to_vec()).await;
    let seqs = &GetConversationsHasReadAndMaxSeqResp::decode(&data[..]).unwrap().seqs["si_alice_bob"];
    assert_eq!((seqs.max_seq, seqs.has_read_seq), (5, 3));
}

#[tokio::test]
async fn nobody_reads_or_writes_for_another() {
    let world = World::new().await;
    let mut alice = world.client("alice", Platform::Ios).await;
    alice.say(alice.text("bob", "a secret")).await;
    let mut eve = world.client("eve", Platform::Ios).await;
    assert_eq!(pull(&mut eve, "si_alice_bob", 1, 9, 0, 0).await, [0; 0]);
    let ask = GetMaxSeqReq { user_id: "alice".to_owned() }.encode_to_vec();
    assert_eq!(eve.try_ask(envelope::GET_NEWEST_SEQ, ask).await.err_code, codes::NO_PERMISSION);
    let forged = MsgData { send_id: "alice".to_owned(), ..eve.text("bob", "forged") };
    let answer = eve.try_ask(envelope::SEND_MSG, forged.encode_to_vec()).await;
    assert_eq!(answer.err_code, codes::NO_PERMISSION);
    let notice = MsgData { session_type: 4, ..eve.text("bob", "notice") };
    assert_eq!(eve.try_ask(envelope::SEND_MSG, notice.encode_to_vec()).await.err_code, codes::NO_PERMISSION);
    for (data, code) in [
        (vec![0xff; 9], codes::ARGS),
        (MsgData { send_id: "eve".to_owned(), ..MsgData::default() }.encode_to_vec(), codes::ARGS),
    ] {
        assert_eq!(eve.try_ask(envelope::SEND_MSG, data).await.err_code, code);
    }
    let odd = eve.text("a_b", "to nobody");
    assert_eq!(eve.try_ask(envelope::SEND_MSG, odd.encode_to_vec()).await.err_code, codes::ARGS);
}

#[tokio::test]
async fn a_group_hears_what_is_said_in_it_from_joining_on() {
    let world = World::new().await;
    let group = json!({ "ownerUserID": "alice", "memberUserIDs": ["bob"], "groupInfo": { "groupID": "g" } });
    world.admin("/group/create_group", group).await;
    let mut alice = world.client("alice", Platform::Ios).await;
    let mut bob = world.client("bob", Platform::Ios).await;
    let mut carol = world.client("carol", Platform::Ios).await;
    let to_group = |client: &Client, text: &str| MsgData {
        session_type: 3,
        recv_id: String::new(),
        group_id: "g".to_owned(),
        ..client.text("", text)
    };
    alice.say(to_group(&alice, "first")).await;
    assert_eq!(bob.pushed().await.0, "sg_g");
    let refused = to_group(&carol, "let me in").encode_to_vec();
    assert_eq!(carol.try_ask(envelope::SEND_MSG, refused).await.err_code, codes::NO_PERMISSION);
    world.admin("/group/invite_user_to_group", json!({ "groupID": "g", "invitedUserIDs": ["carol"] })).await;
    bob.say(to_group(&bob, "second")).await;
    assert_eq!(carol.pushed().await.1.seq, 2);
    assert_eq!(pull(&mut carol, "sg_g", 1, 9, 0, 0).await, [2]);
    world.admin("/group/kick_group", json!({ "groupID": "g", "kickedUserIDs": ["bob"] })).await;
    assert_eq!(pull(&mut bob, "sg_g", 1, 9, 0, 0).await, [0; 0]);
    let nowhere = MsgData { group_id: "h".to_owned(), ..to_group(&alice, "third") }.encode_to_vec();
    assert_eq!(alice.try_ask(envelope::SEND_MSG, nowhere).await.err_code, codes::RECORD_NOT_FOUND);
}

#[tokio::test]
async fn what_leaves_no_history_is_pushed_and_not_stored() {
    let world = World::new().await;
    let mut alice = world.client("alice", Platform::Ios).await;
    let mut bob = world.client("bob", Platform::Ios).await;
    let mut typing = alice.text("bob", "typing");
    typing.options.insert("history".to_owned(), false);
    alice.say(typing).await;
    assert_eq!(bob.pushed().await.1.seq, 0);
    assert_eq!(alice.say(alice.text("bob", "hello")).await.client_msg_id, "alice-hello");
    assert_eq!(bob.pushed().await.1.seq, 1);
    let notice = json!({
        "sendID": "imAdmin", "recvID": "bob", "sessionType": 4, "contentType": 2001, "content": { "detail": "x" },
    });
    world.admin("/msg/send_msg", notice).await;
    assert_eq!(bob.pushed().await.0, "sn_bob_imAdmin");
}

#[tokio::test]
async fn an_app_in_the_background_is_not_pushed_to_on_ios() {
    let world = World::new().await;
    let mut alice = world.client("alice", Platform::Linux).await;
    let mut phone = world.client("bob", Platform::Ios).await;
    let mut other = world.client("bob", Platform::Android).await;
    let background = |is_background| SetAppBackgroundStatusReq { user_id: "bob".to_owned(), is_background };
    for client in [&mut phone, &mut other] {
        client.ask(envelope::SET_BACKGROUND_STATUS, background(true).encode_to_vec()).await;
    }
    alice.say(alice.text("bob", "one")).await;
    assert_eq!(other.pushed().await.1.seq, 1);
    phone.hears_nothing().await;
    phone.ask(envelope::SET_BACKGROUND_STATUS, background(false).encode_to_vec()).await;
    alice.say(alice.text("bob", "two")).await;
    assert_eq!(phone.pushed().await.1.seq, 2);
}
