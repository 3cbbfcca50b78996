//! What the HTTP API and the administrator's page answer alike.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};

use super::Gateway;

/// How the gateway is: the answer to `GET` at a path that asks for it.
pub(super) async fn health(gateway: &Gateway, path: &str) -> Option<Response<Body>> {
    match path {
        "/healthz" => Some(text(StatusCode::OK, "ok\n")),
        "/readyz" => Some(match gateway.ready().await {
            Ok(()) => text(StatusCode::OK, "ready\n"),
            Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, &format!("{why}\n")),
        }),
        "/version" => Some(text(StatusCode::OK, concat!(env!("CARGO_PKG_VERSION"), "\n"))),
        _ => None,
    }
}

impl Gateway {
    /// Whether clients are to be sent here; if not, why.
    pub(super) async fn ready(&self) -> Result<(), String> {
        if self.is_draining() {
            return Err("the server ends".to_owned());
        }
        if let Some(alarm) = self.alarms.deadlock() {
            return Err(alarm.words.join("; "));
        }
        if let Some(crash) = self.watched.crash() {
            return Err(format!("the program broke: {crash}"));
        }
        self.store.health().await.map_err(|_| "the store does not answer".to_owned())
    }
}

pub(super) fn json_response(status: StatusCode, body: String) -> Response<Body> {
    response(status, "application/json; charset=utf-8", body)
}

pub(super) fn text(status: StatusCode, body: &str) -> Response<Body> {
    response(status, "text/plain; charset=utf-8", body.to_owned())
}

pub(super) fn response(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
