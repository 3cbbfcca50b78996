//! Calls to a server's HTTP side: OpenIM's API for tokens, the admin page for counts.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Address, Place};
use crate::gateway::wire::Secret;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an answer may be.
const LONGEST: usize = 16 << 20;

/// The HTTP side of a server, and who asks.
#[derive(Clone, Debug)]
pub struct Http {
    /// Where it is.
    pub place: Place,
    /// The token of who asks; empty for nobody's.
    pub token: Secret,
}

impl Http {
    /// The body of the answer, on a connection of its own.
    async fn ask(&self, method: Method, path: &str, body: String) -> Result<Bytes, String> {
        let wrong = |why: String| format!("{}{path}: {why}", self.place);
        let asked = async {
            let stream = TcpStream::connect(self.place.socket).await.map_err(|why| why.to_string())?;
            let (mut to, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                .await
                .map_err(|why| why.to_string())?;
            let address = Address::read(&self.place.url, "http")?;
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header(header::HOST, address.to_string())
                .header(header::CONTENT_TYPE, "application/json")
                .header("operationID", format!("storm_{}", fastrand::u64(..)))
                .header("token", self.token.reveal())
                .body(Full::new(Bytes::from(body)))
                .map_err(|why| why.to_string())?;
            let answer = async {
                let answer = to.send_request(request).await.map_err(|why| why.to_string())?;
                let status = answer.status();
                let body = Limited::new(answer.into_body(), LONGEST).collect().await;
                let body = body.map_err(|why| why.to_string())?.to_bytes();
                if status.is_success() {
                    return Ok(body);
                }
                let said: String =
                    String::from_utf8_lossy(&body).chars().filter(|c| !c.is_control()).take(200).collect();
                Err(format!("status {status}: {said}"))
            };
            tokio::select! {
                // An answer that is here counts, however the connection ended after it.
                biased;
                answer = answer => answer,
                Err(why) = connection => Err(why.to_string()),
            }
        };
        match timeout(PATIENCE, asked).await {
            Ok(answer) => answer.map_err(wrong),
            Err(_) => Err(wrong(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    /// The text at a path.
    ///
    /// # Errors
    /// In words, with the address: nobody answers, not in time, or not with success.
    pub async fn text(&self, path: &str) -> Result<String, String> {
        let body = self.ask(Method::GET, path, String::new()).await?;
        String::from_utf8(body.into()).map_err(|_| format!("{}{path}: it is no text", self.place))
    }

    /// A call to OpenIM's API: the data of its answer, or the code and the words of its refusal.
    ///
    /// # Errors
    /// In words, with the address: there is no such answer.
    pub async fn call(&self, path: &str, body: Value) -> Result<Result<Value, (i64, String)>, String> {
        let body = self.ask(Method::POST, path, body.to_string()).await?;
        let answer: Value = serde_json::from_slice(&body)
            .map_err(|_| format!("{}{path}: the answer is no JSON", self.place))?;
        match answer["errCode"].as_i64() {
            Some(0) => Ok(Ok(answer["data"].clone())),
            Some(code) => {
                let said = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
                Ok(Err((code, format!("{} {}", said("errMsg"), said("errDlt")))))
            }
            None => Err(format!("{}{path}: it does not answer as OpenIM's API does", self.place)),
        }
    }

    /// A call that must succeed.
    ///
    /// # Errors
    /// In words, with the address: also a refusal.
    pub async fn must(&self, path: &str, body: Value) -> Result<Value, String> {
        let answer = self.call(path, body).await?;
        answer.map_err(|(code, words)| format!("{}{path}: {code} {}", self.place, words.trim()))
    }
}
