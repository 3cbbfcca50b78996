//! From an HTTP request to a session: the order of checks and the ways to refuse are those of `wsHandler` (`n_ws_server.go`).

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::admission::Seat;
use super::config::Limits;
use super::counts::Count;
use super::session::{self, Arrival};
use super::wire::codes::{self, Refusal};
use super::wire::handshake::Handshake;
use super::{Gateway, tokens::Bearer};

/// How much is read at once, and gathered before it is written: what an idle connection costs.
const BUFFER: usize = 2048;

/// A client's socket after the upgrade.
pub(super) type Stream = WebSocketStream<TcpStream>;

/// Answers the request of a client that wants to connect.
pub(super) async fn answer(
    gateway: Arc<Gateway>,
    seat: Arc<Seat>,
    from: SocketAddr,
    mut request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let Some(key) = upgrade_key(request.method(), request.headers()) else {
        return plain(
            StatusCode::UPGRADE_REQUIRED,
            "text/plain",
            "this address speaks WebSocket\n".to_owned(),
        );
    };
    if gateway.is_draining() {
        gateway.counts.add(Count::RefusedDraining);
        return plain(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "the server ends\n".to_owned());
    }
    let compression = request.headers().get("compression").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let handshake = match arguments(&gateway, request.uri().query(), compression.as_deref()) {
        Ok(handshake) => handshake,
        Err((why, refusal)) => return refused(&gateway, why, &refusal),
    };
    let limits = &gateway.config.limits;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(Some(limits.frame_bytes))
        .max_frame_size(Some(limits.frame_bytes));
    let user: Arc<str> = handshake.user.as_str().into();
    let admitted = match bearer(&gateway, &handshake).await {
        Ok(bearer) => match gateway.admission.user(&user, limits.connections_per_user) {
            Some(place) => Ok((bearer, place)),
            None => {
                let detail = "the user has as many connections as a user may have";
                Err((Count::RefusedUser, Refusal::of(codes::CONN_OVER_MAX_NUM_LIMIT, detail)))
            }
        },
        Err(refusal) if refusal.code == codes::SERVER_INTERNAL => Err((Count::RefusedStore, refusal)),
        Err(refusal) => Err((Count::RefusedToken, refusal)),
    };
    let number = match admitted {
        Ok((bearer, place)) => {
            gateway.store.user_number(&user).await.map(|n| (bearer, place, n)).map_err(|why| {
                tracing::error!(%why, "a user has no number");
                (Count::RefusedStore, Refusal::of(codes::SERVER_INTERNAL, "the store does not answer"))
            })
        }
        Err(refused) => Err(refused),
    };
    let upgrade = hyper::upgrade::on(&mut request);
    match number {
        Ok((bearer, place, number)) => {
            let arrival = Arrival { handshake, user, number, bearer, from, seats: (seat, place) };
            tokio::spawn(async move {
                if let Some(stream) = open(upgrade, config).await {
                    session::serve(gateway, stream, arrival).await;
                }
            });
        }
        Err((why, refusal)) if handshake.wants_first_frame => {
            gateway.counts.add(why);
            tracing::debug!(user = &*user, code = refusal.code, "refused");
            tokio::spawn(async move {
                let _seat = seat;
                if let Some(stream) = open(upgrade, config).await {
                    refuse(stream, &refusal, &gateway.config.limits).await;
                }
            });
        }
        Err((why, refusal)) => return refused(&gateway, why, &refusal),
    }
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    response
}

/// What the handshake says, unless there are too many connections.
fn arguments(
    gateway: &Gateway,
    query: Option<&str>,
    compression: Option<&str>,
) -> Result<Handshake, (Count, Refusal)> {
    if gateway.admission.sockets() > gateway.config.limits.connections {
        let detail = "the server has as many connections as it may have";
        return Err((Count::RefusedFull, Refusal::of(codes::CONN_OVER_MAX_NUM_LIMIT, detail)));
    }
    let parsed = Handshake::parse(query.unwrap_or_default(), compression);
    parsed.map_err(|refusal| (Count::RefusedArguments, refusal))
}

/// Whose the token is, if that is who the handshake says.
async fn bearer(gateway: &Gateway, handshake: &Handshake) -> Result<Bearer, Refusal> {
    let bearer = gateway.tokens.verify(&handshake.token).await?;
    if bearer.user != handshake.user || bearer.platform.id() != handshake.platform_id {
        return Err(Refusal::of(codes::TOKEN_INVALID, "the token is of another user or platform"));
    }
    Ok(bearer)
}

/// The key to answer with, if this is a request for an upgrade (RFC 6455, section 4.2.1).
fn upgrade_key(method: &Method, headers: &HeaderMap) -> Option<HeaderValue> {
    let has = |name: header::HeaderName, word: &str| {
        let values = headers.get_all(name);
        let words = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        words.into_iter().any(|said| said.trim().eq_ignore_ascii_case(word))
    };
    let upgrades = *method == Method::GET
        && has(header::CONNECTION, "upgrade")
        && has(header::UPGRADE, "websocket")
        && has(header::SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
    if !upgrades {
        return None;
    }
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()
}

/// OpenIM refuses with status 200 and the reason as JSON.
fn refused(gateway: &Gateway, why: Count, refusal: &Refusal) -> Response<Full<Bytes>> {
    gateway.counts.add(why);
    tracing::debug!(code = refusal.code, detail = refusal.detail, "refused");
    plain(StatusCode::OK, "application/json; charset=utf-8", refusal.to_json())
}

fn plain(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn open(upgrade: OnUpgrade, config: WebSocketConfig) -> Option<Stream> {
    let upgraded: Upgraded = upgrade.await.ok()?;
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    let stream = parts.io.into_inner();
    Some(
        WebSocketStream::from_partially_read(stream, parts.read_buf.into(), Role::Server, Some(config)).await,
    )
}

async fn refuse(mut stream: Stream, refusal: &Refusal, limits: &Limits) {
    use futures_util::SinkExt;
    let say = async {
        stream.send(Frame::text(refusal.to_json())).await?;
        stream.close(None).await
    };
    let _ = tokio::time::timeout(Limits::time(limits.write_ms), say).await;
}
