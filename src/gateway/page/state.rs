//! `GET /state`: what the page shows, as JSON.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use serde_json::json;

use super::administrator;
use crate::gateway::Gateway;
use crate::gateway::http::json_response;

pub(super) async fn answer(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response<Body> {
    if let Err(refused) = administrator(&gateway, &headers).await {
        return refused;
    }
    let unready = gateway.ready().await.err();
    let state = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "unready": unready,
        "connections": gateway.connections(),
    });
    json_response(StatusCode::OK, state.to_string())
}
