//! Accepting sockets: bounded in number, in the time and in the size of what is said before anybody is known.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use super::admission::{Admission, Full};
use super::config::Limits;
use super::counts::Count;
use super::{Gateway, api, page, upgrade};

/// Sockets beyond the limit that are still told why, by a refusal instead of a closed door.
const TOLD: usize = 64;
/// How long a connection for calls may last; who has more to ask comes again.
const LONGEST: Duration = Duration::from_secs(120);
/// How long to wait when the system has no file descriptors left.
const BREATH: Duration = Duration::from_millis(50);

/// Accepts clients until it is aborted.
pub(super) async fn clients(gateway: Arc<Gateway>, listener: TcpListener) {
    loop {
        let Some(stream) = accept(&listener).await else { continue };
        let Ok(from) = stream.peer_addr() else { continue };
        gateway.counts.add(Count::Accepted);
        let limits = &gateway.config.limits;
        let seat =
            match gateway.admission.socket(from.ip(), limits.connections + TOLD, limits.connections_per_ip) {
                Ok(seat) => Arc::new(seat),
                Err(full) => {
                    gateway.counts.add(match full {
                        Full::All => Count::RefusedFull,
                        Full::Address => Count::RefusedAddress,
                    });
                    continue;
                }
            };
        let gateway = gateway.clone();
        tokio::spawn(async move {
            let limits = gateway.config.limits.clone();
            let answer = service_fn(move |request| {
                let (gateway, seat) = (gateway.clone(), seat.clone());
                async move { Ok::<_, Infallible>(upgrade::answer(gateway, seat, from, request).await) }
            });
            // The handshake as a whole has a deadline, not only its head: a client sends one request and no more.
            let _ =
                tokio::time::timeout(Limits::time(limits.handshake_ms), serve(stream, answer, &limits)).await;
        });
    }
}

/// Accepts callers of the HTTP API until it is aborted.
pub(super) async fn calls(gateway: Arc<Gateway>, listener: TcpListener) {
    let at_most = gateway.config.limits.api_connections;
    answers(&gateway, listener, api::router(gateway.clone()), &gateway.api_admission, at_most).await;
}

/// Accepts those who look at the administrator's page until it is aborted.
pub(super) async fn looks(gateway: Arc<Gateway>, listener: TcpListener) {
    let at_most = gateway.config.limits.page_connections;
    answers(&gateway, listener, page::router(gateway.clone()), &gateway.page_admission, at_most).await;
}

async fn answers(
    gateway: &Gateway,
    listener: TcpListener,
    router: Router,
    admission: &Admission,
    at_most: usize,
) {
    loop {
        let Some(stream) = accept(&listener).await else { continue };
        let Ok(from) = stream.peer_addr() else { continue };
        let limits = gateway.config.limits.clone();
        let Ok(seat) = admission.socket(from.ip(), at_most, limits.connections_per_ip) else { continue };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let _seat = seat;
            // Who does not read what is answered has no other deadline.
            let _ = tokio::time::timeout(LONGEST, serve(stream, service, &limits)).await;
        });
    }
}

async fn accept(listener: &TcpListener) -> Option<TcpStream> {
    match listener.accept().await {
        Ok((stream, _)) => {
            // Small frames are not to wait for more.
            let _ = stream.set_nodelay(true);
            Some(stream)
        }
        Err(why) => {
            tracing::warn!(%why, "a socket could not be accepted");
            tokio::time::sleep(BREATH).await;
            None
        }
    }
}

async fn serve<S, B>(stream: TcpStream, service: S, limits: &Limits) -> Result<(), hyper::Error>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: hyper::body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send,
    B: Send,
    B::Data: Send,
    S: Send,
{
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Limits::time(limits.handshake_ms))
        .max_buf_size(limits.header_bytes)
        .max_headers(limits.headers)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await
}
