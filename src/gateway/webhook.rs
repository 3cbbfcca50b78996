//! Telling another service who comes, goes and is kicked: by a task of its own, merged per user, bounded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Uri, client};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::Gateway;
use super::counts::{Count, Counts};
use crate::session::Platform;

/// How many users' events may wait.
const WAITING: usize = 10_000;
/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be told, by user.
#[derive(Default)]
pub(super) struct Webhooks {
    waiting: Mutex<BTreeMap<Arc<str>, Vec<Platform>>>,
    some: Notify,
}

impl Webhooks {
    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Vec<Platform>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody's status has changed.
    pub(super) fn status(&self, user: &Arc<str>, counts: &Counts) {
        self.note(user, None, counts);
    }

    /// Somebody was kicked off a platform.
    pub(super) fn kicked(&self, user: &Arc<str>, platform: Platform, counts: &Counts) {
        self.note(user, Some(platform), counts);
    }

    fn note(&self, user: &Arc<str>, kicked: Option<Platform>, counts: &Counts) {
        let mut waiting = self.waiting();
        if waiting.len() >= WAITING && !waiting.contains_key(user) {
            counts.add(Count::WebhooksLost);
            return;
        }
        let kicks = waiting.entry(user.clone()).or_default();
        kicks.extend(kicked.filter(|platform| !kicks.contains(platform)));
        drop(waiting);
        self.some.notify_one();
    }
}

/// Starts the task that calls, if there is somebody to call.
pub(super) fn start(gateway: &Arc<Gateway>) {
    let gateway = gateway.clone();
    tokio::spawn(async move {
        loop {
            gateway.webhooks.some.notified().await;
            let waiting = std::mem::take(&mut *gateway.webhooks.waiting());
            let Some(url) = &gateway.config.webhook else { continue };
            for (user, kicked) in waiting {
                let platforms = gateway.online.platforms(&user);
                let body = serde_json::json!({
                    "userID": &*user,
                    "onlinePlatformIDs": platforms,
                    "kickedPlatformIDs": kicked.iter().map(|p| p.id()).collect::<Vec<_>>(),
                });
                let call = post(url, body.to_string());
                let result = tokio::time::timeout(PATIENCE, call).await;
                let told = match result {
                    Ok(Ok(())) => continue,
                    Ok(Err(why)) => why,
                    Err(_) => "it took too long".to_owned(),
                };
                gateway.counts.add(Count::WebhooksLost);
                tracing::warn!(url, why = told, "the webhook was not reached");
            }
        }
    });
}

async fn post(url: &str, body: String) -> Result<(), String> {
    let uri: Uri = url.parse().map_err(|why| format!("{url} is no URL: {why}"))?;
    let host = uri.host().ok_or_else(|| format!("{url} names no host"))?;
    let stream =
        TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await.map_err(|why| why.to_string())?;
    let (mut send, connection) =
        client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|why| why.to_string())?;
    tokio::spawn(connection);
    let request = Request::post(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header("host", uri.authority().map_or(host, |a| a.as_str()))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|why| why.to_string())?;
    let response = send.send_request(request).await.map_err(|why| why.to_string())?;
    if response.status().is_success() { Ok(()) } else { Err(format!("it answered {}", response.status())) }
}
