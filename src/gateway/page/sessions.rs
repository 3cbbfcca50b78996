//! `POST /sessions` and `POST /kick`: who is here, and who is not to be.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{administrator, refuse};
use crate::gateway::http::json_response;
use crate::gateway::wire::codes::{self, Refusal};
use crate::gateway::{Gateway, check_user};
use crate::session::Platform;

/// How many users are listed; who is not among them is found by a search.
const LISTED: usize = 200;

/// Which users are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// What their IDs have in them.
    #[serde(default)]
    search: String,
}

/// The sessions of the first users that are wanted, by user.
pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if let Err(refused) = administrator(&gateway, &headers).await {
        return refused;
    }
    let Wanted { search } = match read(&body) {
        Ok(wanted) => wanted,
        Err(refusal) => return refuse(StatusCode::BAD_REQUEST, &refusal),
    };
    let (found, total) = gateway.online.find(&search, LISTED);
    let users: Vec<Value> = found
        .into_iter()
        .map(|(user, logins)| {
            let sessions = logins
                .iter()
                .map(|login| json!({ "platformID": login.platform.id(), "connection": login.connection.0 }));
            json!({ "userID": &*user, "sessions": sessions.collect::<Vec<_>>() })
        })
        .collect();
    json_response(StatusCode::OK, json!({ "users": users, "total": total }).to_string())
}

/// Who is to be kicked off what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kicked {
    #[serde(rename = "userID")]
    user: String,
    #[serde(rename = "platformID")]
    platform: i32,
}

/// Does what `/auth/force_logout` does.
pub(super) async fn kick(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let administrator = match administrator(&gateway, &headers).await {
        Ok(administrator) => administrator,
        Err(refused) => return refused,
    };
    let Kicked { user, platform } = match read(&body) {
        Ok(kicked) => kicked,
        Err(refusal) => return refuse(StatusCode::BAD_REQUEST, &refusal),
    };
    let Some(platform) = Platform::from_id(platform) else {
        let why = format!("platformID {platform} is none; it is from 1 to 11");
        return refuse(StatusCode::BAD_REQUEST, &Refusal::of(codes::ARGS, why));
    };
    if let Err(why) = check_user(&user) {
        return refuse(StatusCode::BAD_REQUEST, &Refusal::of(codes::ARGS, why));
    }
    tracing::info!(user, platform = platform.id(), by = administrator.user, "an administrator kicks");
    match gateway.force_logout(&user, platform).await {
        Ok(()) => json_response(StatusCode::OK, json!({}).to_string()),
        Err(why) => {
            let refusal = Refusal::of(codes::SERVER_INTERNAL, why.to_string());
            refuse(StatusCode::SERVICE_UNAVAILABLE, &refusal)
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|why| Refusal::of(codes::ARGS, why.to_string()))
}
