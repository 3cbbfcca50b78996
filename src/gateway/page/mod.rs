//! The administrator's page, on a port of its own.
//!
//! What shows or changes something needs an administrator's token. No other page may call: there is no CORS here.

mod sessions;
mod shell;
mod state;
mod waits;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use axum::routing::{any, get, post};
use tower_http::timeout::TimeoutLayer;

use super::Gateway;
use super::config::Limits;
use super::http::{health, json_response, response, text};
use super::metrics::{self, Format};
use super::tokens::Bearer;
use super::wire::Secret;
use super::wire::codes::{self, Refusal};
use shell::{Shell, guarded};

/// The routes.
pub(super) fn router(gateway: Arc<Gateway>) -> Router {
    let limits = &gateway.config.limits;
    let (bytes, patience) = (limits.body_bytes, Limits::time(limits.call_ms));
    let shell = Shell::new();
    Router::new()
        .route("/", get(async move || shell.answer()))
        .route("/metrics", get(metrics))
        .route("/state", get(state::answer))
        .route("/sessions", post(sessions::list))
        .route("/kick", post(sessions::kick))
        .route("/debug/waits", get(waits::answer))
        .fallback(any(other))
        .layer(axum::middleware::map_response(async |answer| guarded(answer)))
        .layer(DefaultBodyLimit::max(bytes))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, patience))
        .with_state(gateway)
}

/// What is counted, for Prometheus. Without a token, since it names no user.
async fn metrics(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response<Body> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let format = Format::wanted(accept);
    response(StatusCode::OK, format.content_type(), metrics::text(&gateway, format))
}

/// How the gateway is, or nothing.
async fn other(State(gateway): State<Arc<Gateway>>, method: Method, uri: Uri) -> Response<Body> {
    let known = match method {
        Method::GET | Method::HEAD => health(&gateway, uri.path()).await,
        _ => None,
    };
    known.unwrap_or_else(|| text(StatusCode::NOT_FOUND, "there is nothing here; the page is at /\n"))
}

/// Who calls, if that is an administrator; else what to answer. Each route that shows or changes something begins with it.
///
/// The token comes in the header `token`, as in the HTTP API, or as `Authorization: Bearer`: never in a cookie, so that no other
/// page can have a browser send it.
pub(super) async fn administrator(gateway: &Gateway, headers: &HeaderMap) -> Result<Bearer, Response<Body>> {
    let Some(token) = token(headers) else {
        let missing = "send an administrator's token in the header token, or as Authorization: Bearer";
        return Err(refuse(StatusCode::UNAUTHORIZED, &Refusal::of(codes::TOKEN_NOT_EXIST, missing)));
    };
    let bearer = match gateway.tokens.verify(&token).await {
        Ok(bearer) => bearer,
        Err(refusal) if refusal.code == codes::SERVER_INTERNAL => {
            return Err(refuse(StatusCode::SERVICE_UNAVAILABLE, &refusal));
        }
        Err(refusal) => return Err(refuse(StatusCode::UNAUTHORIZED, &refusal)),
    };
    if !gateway.is_admin(&bearer) {
        let who = format!("this is for the user {} with a token of platform 10", gateway.config.admin);
        return Err(refuse(StatusCode::FORBIDDEN, &Refusal::of(codes::NO_PERMISSION, who)));
    }
    Ok(bearer)
}

fn token(headers: &HeaderMap) -> Option<Secret> {
    let own = headers.get("token").and_then(|value| value.to_str().ok());
    let standard = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let standard = standard.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    own.or(standard).filter(|token| !token.is_empty()).map(Secret::from)
}

fn refuse(status: StatusCode, refusal: &Refusal) -> Response<Body> {
    json_response(status, refusal.to_json())
}
