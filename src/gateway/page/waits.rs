//! `GET /debug/waits`: who waits for whom, now.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, Uri};

use super::administrator;
use crate::gateway::Gateway;
use crate::gateway::http::{response, text};
use crate::gateway::watch::{Format, view};

pub(super) async fn answer(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response<Body> {
    if let Err(refused) = administrator(&gateway, &headers).await {
        return refused;
    }
    let query = uri.query().unwrap_or_default();
    let named = query.split('&').find_map(|pair| pair.strip_prefix("format="));
    match Format::parse(named.unwrap_or("json")) {
        Some(format) => response(StatusCode::OK, format.kind(), view(&gateway, format)),
        None => text(StatusCode::BAD_REQUEST, "format is one of json, text, colour, mermaid, svg\n"),
    }
}
