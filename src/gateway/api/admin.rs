//! What OpenIM's auth, user, group and message services let an administrator do.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Call, Users};
use crate::gateway::check_user;
use crate::gateway::service::Failed;
use crate::gateway::store::Profile;
use crate::gateway::wire::codes;
use crate::gateway::wire::proto::sdkws::MsgData;
use crate::session::Platform;

/// How many users one call may name.
const USERS: usize = 1000;
/// `msgFrom` of what the system says.
const SYSTEM: i32 = 200;

pub(super) async fn answer(path: &str, call: &Call<'_>) -> Option<Answer> {
    Some(match path {
        "/auth/get_admin_token" => admin_token(call).await,
        "/auth/get_user_token" => user_token(call).await,
        "/auth/parse_token" => parse_token(call),
        "/auth/force_logout" => force_logout(call).await,
        "/user/user_register" => register(call).await,
        "/user/get_users_online_status" => online_status(call),
        "/group/create_group" => create_group(call).await,
        "/group/invite_user_to_group" => change_group(call, true).await,
        "/group/kick_group" => change_group(call, false).await,
        "/msg/send_msg" => send(call).await,
        _ => return None,
    })
}

fn platform(id: i32) -> Result<Platform, Failed> {
    Platform::from_id(id).ok_or_else(|| {
        Failed::new(codes::ARGS, format!("ArgsError: platformID {id} is none; it is from 1 to 11"))
    })
}

fn named(what: &str, value: &str) -> Result<(), Failed> {
    check_user(value).map_err(|why| Failed::new(codes::ARGS, format!("ArgsError: {what}: {why}")))
}

#[derive(Deserialize)]
struct AdminToken {
    secret: String,
    #[serde(rename = "userID")]
    user: String,
}

async fn admin_token(call: &Call<'_>) -> Answer {
    let asked: AdminToken = call.read()?;
    if !call.gateway.tokens.is_key(&asked.secret) || asked.user != call.gateway.config.admin {
        return Err(Failed::new(codes::NO_PERMISSION, "NoPermissionError: secret or userID is wrong"));
    }
    token(call, &asked.user, Platform::Admin).await
}

#[derive(Deserialize)]
struct UserAndPlatform {
    #[serde(rename = "userID")]
    user: String,
    #[serde(rename = "platformID")]
    platform: i32,
}

async fn user_token(call: &Call<'_>) -> Answer {
    call.admin()?;
    let asked: UserAndPlatform = call.read()?;
    named("userID", &asked.user)?;
    if asked.user == call.gateway.config.admin {
        return Err(Failed::new(
            codes::NO_PERMISSION,
            "NoPermissionError: this user gets its token by get_admin_token",
        ));
    }
    token(call, &asked.user, platform(asked.platform)?).await
}

async fn token(call: &Call<'_>, user: &str, platform: Platform) -> Answer {
    let (token, lasts) = call.gateway.tokens.issue(user, platform, None).await?;
    Ok(json!({ "token": token.reveal(), "expireTimeSeconds": lasts }))
}

fn parse_token(call: &Call<'_>) -> Answer {
    let bearer = call.bearer()?;
    Ok(json!({ "userID": bearer.user, "platformID": bearer.platform.id() }))
}

async fn force_logout(call: &Call<'_>) -> Answer {
    call.admin()?;
    let asked: UserAndPlatform = call.read()?;
    let platform = platform(asked.platform)?;
    call.gateway.force_logout(&asked.user, platform).await?;
    Ok(json!({}))
}

#[derive(Deserialize)]
struct NewUser {
    #[serde(rename = "userID")]
    user: String,
    #[serde(default)]
    nickname: String,
    #[serde(rename = "faceURL", default)]
    face_url: String,
}

#[derive(Deserialize)]
struct NewUsers {
    users: Vec<NewUser>,
}

async fn register(call: &Call<'_>) -> Answer {
    call.admin()?;
    let asked: NewUsers = call.read()?;
    few(asked.users.len())?;
    for user in &asked.users {
        named("userID", &user.user)?;
    }
    for NewUser { user, nickname, face_url } in asked.users {
        call.gateway.store.put_user(Profile { user_id: user, nickname, face_url }).await?;
    }
    Ok(json!({}))
}

fn few(named: usize) -> Result<(), Failed> {
    if named <= USERS {
        return Ok(());
    }
    Err(Failed::new(codes::ARGS, format!("ArgsError: {named} users at once; {USERS} at most")))
}

/// As OpenIM, without the users' tokens.
fn online_status(call: &Call<'_>) -> Answer {
    call.bearer()?;
    let asked: Users = call.read()?;
    few(asked.user_ids.len())?;
    let admin = call.is_admin();
    let status = |user: &String| {
        let sessions = call.gateway.online.sessions(user);
        let detail: Vec<Value> = sessions
            .iter()
            .filter(|_| admin)
            .map(|login| {
                json!({
                    "platformID": login.platform.id(),
                    "status": "online",
                    "connID": login.connection.0.to_string(),
                })
            })
            .collect();
        json!({
            "userID": user,
            "status": i32::from(!sessions.is_empty()),
            "platformIDs": call.gateway.online.platforms(user),
            "detailPlatformStatus": detail,
        })
    };
    Ok(asked.user_ids.iter().map(status).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewGroup {
    #[serde(rename = "ownerUserID")]
    owner: String,
    #[serde(rename = "memberUserIDs", default)]
    members: Vec<String>,
    group_info: GroupInfo,
}

#[derive(Deserialize)]
struct GroupInfo {
    #[serde(rename = "groupID")]
    group: String,
}

async fn create_group(call: &Call<'_>) -> Answer {
    call.admin()?;
    let asked: NewGroup = call.read()?;
    named("groupID", &asked.group_info.group)?;
    named("ownerUserID", &asked.owner)?;
    asked.members.iter().try_for_each(|member| named("memberUserIDs", member))?;
    room(call, asked.members.len() + 1)?;
    call.gateway.store.create_group(&asked.group_info.group, &asked.owner, asked.members).await?;
    Ok(json!({ "groupInfo": { "groupID": asked.group_info.group, "ownerUserID": asked.owner } }))
}

fn room(call: &Call<'_>, members: usize) -> Result<(), Failed> {
    let at_most = call.gateway.config.limits.group_members;
    if members <= at_most {
        return Ok(());
    }
    Err(Failed::new(
        codes::ARGS,
        format!("ArgsError: the group would have {members} members; {at_most} at most"),
    ))
}

#[derive(Deserialize)]
struct Members {
    #[serde(rename = "groupID")]
    group: String,
    #[serde(rename = "invitedUserIDs", alias = "kickedUserIDs")]
    users: Vec<String>,
}

async fn change_group(call: &Call<'_>, adds: bool) -> Answer {
    call.admin()?;
    let Members { group, users } = call.read()?;
    let store = &call.gateway.store;
    if adds {
        users.iter().try_for_each(|user| named("invitedUserIDs", user))?;
        room(call, store.members(&group).await?.len() + users.len())?;
        store.add_members(&group, users).await?;
    } else {
        store.remove_members(&group, users).await?;
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sending {
    #[serde(rename = "sendID")]
    send_id: String,
    #[serde(rename = "recvID", default)]
    recv_id: String,
    #[serde(rename = "groupID", default)]
    group_id: String,
    #[serde(rename = "clientMsgID", default)]
    client_msg_id: String,
    session_type: i32,
    content_type: i32,
    content: Value,
}

/// A message in the name of a user or of the system.
async fn send(call: &Call<'_>) -> Answer {
    call.admin()?;
    let asked: Sending = call.read()?;
    let content = match &asked.content {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let client_msg_id = if asked.client_msg_id.is_empty() {
        let bytes: [u8; 12] = std::array::from_fn(|_| fastrand::u8(..));
        STANDARD.encode(bytes)
    } else {
        asked.client_msg_id
    };
    let message = MsgData {
        send_id: asked.send_id,
        recv_id: asked.recv_id,
        group_id: asked.group_id,
        client_msg_id,
        session_type: asked.session_type,
        content_type: asked.content_type,
        content: content.into_bytes(),
        msg_from: SYSTEM,
        ..MsgData::default()
    };
    let sent = call.gateway.send(message).await?;
    Ok(
        json!({ "serverMsgID": sent.server_msg_id, "clientMsgID": sent.client_msg_id, "sendTime": sent.send_time }),
    )
}
