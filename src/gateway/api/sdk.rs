//! What the client SDKs call: enough for them to come up, know users, and keep what was read.
//!
//! There are no friends, black lists or conversation settings here: those calls are answered with nothing in it.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Call, Users};
use crate::gateway::service::{Failed, message};
use crate::gateway::store::{ConversationState, Group, Profile};
use crate::gateway::wire::codes;
use crate::gateway::wire::conversation;
use crate::gateway::wire::proto::jssdk::{
    Conversation, ConversationMsg, GetActiveConversationsReq, GetActiveConversationsResp,
    GetConversationsReq, GetConversationsResp, UserInfo,
};

/// How many conversations one answer has at most.
const CONVERSATIONS: usize = 1000;
/// OpenIM's numbers for the only kind of group that it has left, and for roles.
const WORKING_GROUP: i32 = 2;
const OWNER: i32 = 100;
const MEMBER: i32 = 20;

pub(super) async fn answer(path: &str, call: &Call<'_>) -> Option<Answer> {
    Some(match path {
        "/user/get_users_info" => users_info(call).await,
        "/user/update_user_info" | "/user/update_user_info_ex" => update(call).await,
        "/msg/mark_conversation_as_read"
        | "/msg/set_conversation_has_read_seq"
        | "/msg/mark_msgs_as_read" => mark_read(call).await,
        "/group/get_groups_info" => groups_info(call).await,
        "/group/get_group_members_info" => members_info(call).await,
        "/jssdk/get_active_conversations" => active_conversations(call).await,
        "/jssdk/get_conversations" => some_conversations(call).await,
        "/friend/get_incremental_friends"
        | "/friend/get_full_friend_user_ids"
        | "/friend/get_designated_friends"
        | "/friend/get_incremental_blacks"
        | "/friend/get_black_list"
        | "/group/get_incremental_join_groups"
        | "/group/get_full_join_group_ids"
        | "/conversation/get_incremental_conversations"
        | "/conversation/get_full_conversation_ids"
        | "/conversation/get_not_notify_conversation_ids"
        | "/conversation/get_conversations"
        | "/conversation/get_all_conversations"
        | "/third/fcm_update_token"
        | "/third/set_app_badge" => call.bearer().map(|_| json!({})),
        _ => return None,
    })
}

async fn profiles(call: &Call<'_>, ids: Vec<String>) -> Result<Vec<Profile>, Failed> {
    let mut known: BTreeMap<String, Profile> = BTreeMap::new();
    for profile in call.gateway.store.users(ids.clone()).await? {
        known.insert(profile.user_id.clone(), profile);
    }
    // A user without a profile is called as its ID.
    let profile = |id: String| {
        known.get(&id).cloned().unwrap_or_else(|| Profile {
            user_id: id.clone(),
            nickname: id,
            ..Profile::default()
        })
    };
    Ok(ids.into_iter().map(profile).collect())
}

async fn users_info(call: &Call<'_>) -> Answer {
    call.bearer()?;
    let Users { user_ids } = call.read()?;
    if user_ids.len() > CONVERSATIONS {
        return Err(Failed::new(codes::ARGS, format!("ArgsError: {CONVERSATIONS} users at most")));
    }
    let info = |p: Profile| json!({ "userID": p.user_id, "nickname": p.nickname, "faceURL": p.face_url });
    let infos: Vec<Value> = profiles(call, user_ids).await?.into_iter().map(info).collect();
    Ok(json!({ "usersInfo": infos }))
}

#[derive(Deserialize)]
struct Groups {
    #[serde(rename = "groupIDs", default)]
    groups: Vec<String>,
}

/// Those of the groups that the caller is in.
async fn groups_info(call: &Call<'_>) -> Answer {
    let Groups { groups } = call.read()?;
    if groups.len() > CONVERSATIONS {
        return Err(Failed::new(codes::ARGS, format!("ArgsError: {CONVERSATIONS} groups at most")));
    }
    let mut infos = Vec::new();
    for id in groups {
        if let Some((group, members)) = group(call, &id).await? {
            infos.push(json!({
                "groupID": id,
                "groupName": id,
                "ownerUserID": group.owner,
                "memberCount": members.len(),
                "groupType": WORKING_GROUP,
            }));
        }
    }
    Ok(json!({ "groupInfos": infos }))
}

/// A group and its members, if the caller is one or an administrator.
async fn group(call: &Call<'_>, id: &str) -> Result<Option<(Group, Vec<String>)>, Failed> {
    let caller = &call.bearer()?.user;
    let Some(group) = call.gateway.store.group(id).await? else { return Ok(None) };
    let members = call.gateway.store.members(id).await?;
    let may = call.is_admin() || members.contains(caller);
    Ok(may.then_some((group, members)))
}

#[derive(Deserialize)]
struct Members {
    #[serde(rename = "groupID")]
    group: String,
    #[serde(rename = "userIDs", default)]
    users: Vec<String>,
}

/// Those of the users who are in the group, for who is in it too.
async fn members_info(call: &Call<'_>) -> Answer {
    let Members { group: id, users } = call.read()?;
    let Some((group, members)) = group(call, &id).await? else {
        let why = "NoPermissionError: only who is in a group may ask who is";
        return Err(Failed::new(codes::NO_PERMISSION, why));
    };
    let users = users.into_iter().filter(|user| members.contains(user)).collect();
    let info = |p: Profile| {
        let role = if p.user_id == group.owner { OWNER } else { MEMBER };
        json!({
            "groupID": id,
            "userID": p.user_id,
            "nickname": p.nickname,
            "faceURL": p.face_url,
            "roleLevel": role,
        })
    };
    let infos: Vec<Value> = profiles(call, users).await?.into_iter().map(info).collect();
    Ok(json!({ "members": infos }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    user_info: Updated,
}

#[derive(Deserialize)]
struct Updated {
    #[serde(rename = "userID")]
    user: String,
    nickname: Option<String>,
    #[serde(rename = "faceURL")]
    face_url: Option<String>,
}

async fn update(call: &Call<'_>) -> Answer {
    let Update { user_info: Updated { user, nickname, face_url } } = call.read()?;
    call.own(&user)?;
    let mut profile = profiles(call, vec![user]).await?.remove(0);
    profile.nickname = nickname.unwrap_or(profile.nickname);
    profile.face_url = face_url.unwrap_or(profile.face_url);
    call.gateway.store.put_user(profile).await?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    #[serde(rename = "conversationID")]
    conversation: String,
    #[serde(rename = "userID")]
    user: String,
    #[serde(default)]
    has_read_seq: i64,
    #[serde(default)]
    seqs: Vec<i64>,
}

async fn mark_read(call: &Call<'_>) -> Answer {
    let asked: Read = call.read()?;
    call.own(&asked.user)?;
    let seq = asked.seqs.iter().copied().fold(asked.has_read_seq, i64::max);
    let now = call.gateway.store.mark_read(&asked.user, &asked.conversation, seq).await?;
    Ok(json!({ "hasReadSeq": now }))
}

fn protobuf<T: prost::Message + Default>(call: &Call<'_>) -> Result<T, Failed> {
    T::decode(call.body).map_err(|why| Failed::new(codes::ARGS, format!("ArgsError: {why}")))
}

async fn active_conversations(call: &Call<'_>) -> Answer {
    let asked: GetActiveConversationsReq = protobuf(call)?;
    call.own(&asked.owner_user_id)?;
    let mut all = call.gateway.store.conversations(&asked.owner_user_id).await?;
    all.retain(|state| !conversation::is_notification(&state.id));
    all.sort_by_key(|state| std::cmp::Reverse(state.max_seq_time));
    let count = usize::try_from(asked.count).ok().filter(|n| *n > 0).unwrap_or(100).min(CONVERSATIONS);
    all.truncate(count);
    let (unread_count, conversations) = with_last(call, &asked.owner_user_id, all).await?;
    let found = GetActiveConversationsResp { unread_count, conversations };
    Ok(Value::String(STANDARD.encode(found.encode_to_vec())))
}

async fn some_conversations(call: &Call<'_>) -> Answer {
    let asked: GetConversationsReq = protobuf(call)?;
    call.own(&asked.owner_user_id)?;
    let wanted: BTreeSet<String> = asked.conversation_i_ds.into_iter().collect();
    let mut all = call.gateway.store.conversations(&asked.owner_user_id).await?;
    all.retain(|state| wanted.contains(&state.id));
    all.truncate(CONVERSATIONS);
    let (unread_count, conversations) = with_last(call, &asked.owner_user_id, all).await?;
    let found = GetConversationsResp { unread_count, conversations };
    Ok(Value::String(STANDARD.encode(found.encode_to_vec())))
}

async fn with_last(
    call: &Call<'_>,
    owner: &str,
    states: Vec<ConversationState>,
) -> Result<(i64, Vec<ConversationMsg>), Failed> {
    let ids = states.iter().map(|state| state.id.clone()).collect();
    let mut last = call.gateway.store.last(owner, ids).await?;
    let mut unread = 0;
    let mut found = Vec::new();
    for state in states {
        let Some(stored) = last.remove(&state.id) else { continue };
        let newest = message(stored)?;
        // Who joined later has nothing to read of what was before.
        unread += (state.max_seq - state.has_read_seq.max(state.min_seq - 1)).max(0);
        let other = if newest.send_id == owner { &newest.recv_id } else { &newest.send_id };
        let single = newest.session_type != conversation::GROUP;
        let profile = profiles(call, vec![other.clone()]).await?.remove(0);
        let conversation = Conversation {
            owner_user_id: owner.to_owned(),
            conversation_id: state.id,
            recv_msg_opt: 0,
            conversation_type: newest.session_type,
            user_id: if single { other.clone() } else { String::new() },
            group_id: newest.group_id.clone(),
        };
        let user = single.then_some(UserInfo {
            user_id: profile.user_id,
            nickname: profile.nickname,
            face_url: profile.face_url,
        });
        found.push(ConversationMsg {
            conversation: Some(conversation),
            last_msg: Some(newest),
            user,
            max_seq: state.max_seq,
            read_seq: state.has_read_seq,
        });
    }
    Ok((unread, found))
}
