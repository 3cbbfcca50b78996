//! The HTTP API: what SDKs call at login and on sending, and what an administrator needs to run the gateway alone.
//!
//! Paths and shapes are OpenIM's (`internal/api/router.go`): a POST with JSON, answered with status 200 and
//! `{"errCode":0,"errMsg":"","errDlt":"","data":{..}}`.

mod admin;
mod sdk;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use axum::routing::any;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};
use tower_http::timeout::TimeoutLayer;

use super::Gateway;
use super::config::Limits;
use super::http::{self, json_response, text};
use super::service::Failed;
use super::tokens::Bearer;
use super::wire::Secret;
use super::wire::codes::{self, Refusal};

/// The routes.
pub(super) fn router(gateway: Arc<Gateway>) -> Router {
    let limit = gateway.config.limits.body_bytes;
    let patience = Limits::time(gateway.config.limits.call_ms);
    let origins = &gateway.config.cors_origins;
    let origins = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::from(Any)
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| origin.parse::<HeaderValue>().ok()))
    };
    let cors =
        CorsLayer::new().allow_origin(origins).allow_methods([Method::POST, Method::GET]).allow_headers(Any);
    Router::new()
        .fallback(any(answer))
        .layer(DefaultBodyLimit::max(limit))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, patience))
        .layer(cors)
        .with_state(gateway)
}

/// One call.
struct Call<'a> {
    gateway: &'a Arc<Gateway>,
    bearer: Option<Bearer>,
    body: &'a [u8],
}

type Answer = Result<Value, Failed>;

impl Call<'_> {
    /// The body, as this.
    fn read<T: DeserializeOwned>(&self) -> Result<T, Failed> {
        let body = if self.body.is_empty() { b"{}" } else { self.body };
        serde_json::from_slice(body).map_err(|why| Failed::new(codes::ARGS, format!("ArgsError: {why}")))
    }

    /// Who calls.
    fn bearer(&self) -> Result<&Bearer, Failed> {
        self.bearer.as_ref().ok_or_else(|| Failed::new(codes::ARGS, "ArgsError: the header token is missing"))
    }

    fn is_admin(&self) -> bool {
        self.bearer.as_ref().is_some_and(|bearer| self.gateway.is_admin(bearer))
    }

    /// Only an administrator may do this.
    fn admin(&self) -> Result<(), Failed> {
        self.bearer()?;
        if self.is_admin() {
            return Ok(());
        }
        Err(Failed::new(codes::NO_PERMISSION, "NoPermissionError: only an administrator may do this"))
    }

    /// Only the user or an administrator may do this.
    fn own(&self, user: &str) -> Result<(), Failed> {
        if self.bearer()?.user == user || self.is_admin() {
            return Ok(());
        }
        Err(Failed::new(codes::NO_PERMISSION, "NoPermissionError: this is another user's"))
    }
}

async fn answer(
    State(gateway): State<Arc<Gateway>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response<Body> {
    let path = uri.path();
    if method == Method::GET {
        let nothing = || text(StatusCode::NOT_FOUND, "there is nothing here; the API is called with POST\n");
        return http::health(&gateway, path).await.unwrap_or_else(nothing);
    }
    let body = match body {
        Ok(body) => body,
        Err(why) => return failed(why.status(), Failed::new(codes::ARGS, format!("ArgsError: {why}"))),
    };
    let token = headers.get("token").and_then(|token| token.to_str().ok()).unwrap_or_default();
    let bearer = if token.is_empty() || path == "/auth/get_admin_token" {
        None
    } else {
        match gateway.tokens.verify(&Secret::from(token)).await {
            Ok(bearer) => Some(bearer),
            Err(refusal) => return json_response(StatusCode::OK, refusal.to_json()),
        }
    };
    let call = Call { gateway: &gateway, bearer, body: &body };
    let answered = match admin::answer(path, &call).await {
        Some(answered) => Some(answered),
        None => sdk::answer(path, &call).await,
    };
    match answered {
        Some(Ok(data)) => {
            let body = json!({ "errCode": 0, "errMsg": "", "errDlt": "", "data": data });
            json_response(StatusCode::OK, body.to_string())
        }
        Some(Err(why)) => failed(StatusCode::OK, why),
        None => {
            let why = format!("RecordNotFoundError: there is no {path} here");
            failed(StatusCode::NOT_FOUND, Failed::new(codes::RECORD_NOT_FOUND, why))
        }
    }
}

fn failed(status: StatusCode, why: Failed) -> Response<Body> {
    let name = codes::name(why.code).unwrap_or("ServerInternalError");
    let refusal = Refusal { code: why.code, message: name.to_owned(), detail: why.message };
    json_response(status, refusal.to_json())
}

/// A list of users in a body.
#[derive(Deserialize)]
struct Users {
    #[serde(rename = "userIDs", default)]
    user_ids: Vec<String>,
}
