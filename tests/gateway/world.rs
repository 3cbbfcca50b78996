//! A gateway in a folder of its own, and clients that speak its wire protocol.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use turnstile::gateway::config::Config;
use turnstile::gateway::store::sqlite::{Settings, Sqlite};
use turnstile::gateway::wire::Secret;
use turnstile::gateway::wire::codec::{Codec, Encoding};
use turnstile::gateway::wire::codes;
use turnstile::gateway::wire::envelope::{self, Request, Response};
use turnstile::gateway::wire::handshake::Handshake;
use turnstile::gateway::wire::proto::msg::SendMsgResp;
use turnstile::gateway::wire::proto::sdkws::{MsgData, PushMessages};
use turnstile::gateway::{Gateway, Running, Tokens, secret};
use turnstile::session::Platform;

/// How long anything that is to come may take.
pub(super) const SOON: Duration = Duration::from_secs(10);
/// How long is waited to see that nothing comes.
pub(super) const A_WHILE: Duration = Duration::from_millis(300);
pub(super) const GOB: Codec = Codec { encoding: Encoding::Gob, gzip: true };
pub(super) const JSON: Codec = Codec { encoding: Encoding::Json, gzip: false };

pub(super) struct World {
    pub(super) running: Running,
    pub(super) folder: tempfile::TempDir,
    pub(super) admin: String,
    tokens: Tokens,
    lasts: AtomicI64,
}

impl World {
    /// A gateway with the defaults.
    pub(super) async fn new() -> World {
        World::with("").await
    }

    /// A gateway with some of the configuration, in TOML.
    pub(super) async fn with(toml: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        let toml = format!("listen = '127.0.0.1:0'\napi = '127.0.0.1:0'\nadmin_page = '127.0.0.1:0'\n{toml}");
        let config = Config::read(&toml, [], &[]).unwrap();
        let key = secret(folder.path()).unwrap();
        let store = Arc::new(Sqlite::open(&Settings::server(folder.path())).unwrap());
        let tokens = Tokens::new(store.clone(), key.clone(), &config);
        let running = Gateway::start(config, store, key.clone()).await.unwrap();
        let lasts = AtomicI64::new(1000);
        let mut world = World { running, folder, admin: String::new(), tokens, lasts };
        let body = json!({ "secret": key.reveal(), "userID": "imAdmin" });
        world.admin =
            world.call("/auth/get_admin_token", "", body).await["data"]["token"].as_str().unwrap().to_owned();
        world
    }

    /// A call to the HTTP API.
    pub(super) async fn call(&self, path: &str, token: &str, body: Value) -> Value {
        let answer =
            self.http(&format!("POST {path}"), &format!("token: {token}\r\n"), &body.to_string()).await;
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        serde_json::from_str(body).unwrap_or_else(|why| panic!("{path}: {why}: {answer}"))
    }

    /// A call as administrator, which must succeed.
    pub(super) async fn admin(&self, path: &str, body: Value) -> Value {
        let answer = self.call(path, &self.admin, body).await;
        assert_eq!(answer["errCode"], 0, "{path}: {answer}");
        answer["data"].clone()
    }

    /// A request to the HTTP API, and the whole answer.
    pub(super) async fn http(&self, line: &str, headers: &str, body: &str) -> String {
        http(self.running.api, line, headers, body).await
    }

    /// A request to the administrator's page: the status, the head and the body of the answer.
    pub(super) async fn page(&self, line: &str, headers: &str) -> (u16, String, String) {
        self.page_with(line, headers, "").await
    }

    /// A request with a body to the administrator's page.
    pub(super) async fn post(&self, path: &str, headers: &str, body: &str) -> (u16, String, String) {
        self.page_with(&format!("POST {path}"), headers, body).await
    }

    async fn page_with(&self, line: &str, headers: &str, body: &str) -> (u16, String, String) {
        let answer = http(self.running.admin_page, line, headers, body).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase(), body.to_owned())
    }

    /// What the page is told of the gateway.
    pub(super) async fn state(&self) -> Value {
        let (status, _, body) = self.page("GET /state", &format!("token: {}\r\n", self.admin)).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    pub(super) async fn token(&self, user: &str, platform: Platform) -> Secret {
        let asked = json!({ "userID": user, "platformID": platform.id() });
        let data = self.admin("/auth/get_user_token", asked).await;
        Secret::from(data["token"].as_str().unwrap())
    }

    /// A token that differs from all others: those of one second are one token, unless they last for different times.
    pub(super) async fn another_token(&self, user: &str, platform: Platform) -> Secret {
        let lasts = self.lasts.fetch_add(1, Ordering::Relaxed);
        self.tokens.issue(user, platform, Some(lasts)).await.unwrap().0
    }

    pub(super) fn handshake(&self, user: &str, platform: Platform, token: Secret, codec: Codec) -> Handshake {
        Handshake {
            user: user.to_owned(),
            token,
            platform_id: platform.id(),
            operation_id: "o".to_owned(),
            codec,
            wants_first_frame: true,
            background: false,
            sdk_version: String::new(),
        }
    }

    /// A client that has connected, on a token of its own.
    pub(super) async fn client(&self, user: &str, platform: Platform) -> Client {
        let token = self.token(user, platform).await;
        self.enter(self.handshake(user, platform, token, GOB)).await
    }

    /// A client that has connected and was answered, so that the hub knows it.
    pub(super) async fn enter(&self, handshake: Handshake) -> Client {
        let mut client = self.knock(handshake).await;
        client.ask(envelope::GET_NEWEST_SEQ, Vec::new()).await;
        client
    }

    /// A client whose handshake was accepted.
    pub(super) async fn knock(&self, handshake: Handshake) -> Client {
        let mut client = self.upgrade(handshake).await;
        let first = client.frame().await;
        assert_eq!(first, Some(Frame::text(codes::SUCCESS)));
        client
    }

    /// A client after the upgrade.
    pub(super) async fn upgrade(&self, handshake: Handshake) -> Client {
        let url = format!("ws://{}/?{}", self.running.listen, handshake.query());
        let (socket, _) = timeout(SOON, connect_async(url)).await.unwrap().unwrap();
        Client { socket, me: handshake, asked: 0, heard: Vec::new() }
    }
}

pub(super) struct Client {
    pub(super) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(super) me: Handshake,
    asked: u32,
    /// What came unasked.
    heard: Vec<Response>,
}

/// How a connection has ended, from the client's side.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    /// What came before.
    pub(super) last: Vec<i64>,
    /// The close frame's code, if there was one.
    pub(super) code: Option<u16>,
}

impl Client {
    /// The next frame but pings; `None` at the end.
    pub(super) async fn frame(&mut self) -> Option<Frame> {
        loop {
            match timeout(SOON, self.socket.next()).await.expect("a frame or the end in time") {
                Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
                Some(Ok(frame)) => return Some(frame),
                Some(Err(_)) | None => return None,
            }
        }
    }

    pub(super) async fn send(&mut self, request: &Request) {
        let frame = self.me.codec.encode_request(request);
        self.socket.send(Frame::binary(frame)).await.unwrap();
    }

    pub(super) fn request(&mut self, id: i64, data: Vec<u8>) -> Request {
        self.asked += 1;
        Request {
            req_identifier: id,
            send_id: self.me.user.clone(),
            operation_id: "op".to_owned(),
            msg_incr: self.asked.to_string(),
            data,
            ..Request::default()
        }
    }

    /// Asks and waits for the answer, whatever it is.
    pub(super) async fn try_ask(&mut self, id: i64, data: Vec<u8>) -> Response {
        let request = self.request(id, data);
        self.send(&request).await;
        loop {
            let response = self.response().await.expect("an answer before the end");
            if response.msg_incr == request.msg_incr {
                assert_eq!((response.req_identifier, &*response.operation_id), (id, "op"));
                return response;
            }
            self.heard.push(response);
        }
    }

    /// Asks and waits for an answer without an error.
    pub(super) async fn ask(&mut self, id: i64, data: Vec<u8>) -> Vec<u8> {
        let response = self.try_ask(id, data).await;
        assert_eq!((response.err_code, &*response.err_msg), (0, ""));
        response.data
    }

    async fn response(&mut self) -> Option<Response> {
        match self.frame().await {
            Some(Frame::Binary(frame)) => Some(self.me.codec.decode_response(&frame, 8 << 20).unwrap()),
            Some(Frame::Close(_)) | None => None,
            Some(other) => panic!("{other:?} where an envelope was to come"),
        }
    }

    /// The next thing that comes unasked.
    pub(super) async fn heard(&mut self) -> Response {
        if self.heard.is_empty() {
            return self.response().await.expect("something before the end");
        }
        self.heard.remove(0)
    }

    /// The next pushed message, with its conversation.
    pub(super) async fn pushed(&mut self) -> (String, MsgData) {
        let response = self.heard().await;
        assert_eq!(response.req_identifier, envelope::PUSH_MSG);
        let push = PushMessages::decode(&response.data[..]).unwrap();
        let (conversation, pulled) = push.msgs.into_iter().chain(push.notification_msgs).next().unwrap();
        (conversation, pulled.msgs.into_iter().next().unwrap())
    }

    /// Nothing comes for a while, and what has come is nothing.
    pub(super) async fn hears_nothing(&mut self) {
        assert_eq!(self.heard, []);
        if let Ok(frame) = timeout(A_WHILE, self.frame()).await {
            panic!("{frame:?} where nothing was to come");
        }
    }

    pub(super) async fn say(&mut self, message: MsgData) -> SendMsgResp {
        let data = self.ask(envelope::SEND_MSG, message.encode_to_vec()).await;
        SendMsgResp::decode(&data[..]).unwrap()
    }

    /// A text to a user.
    pub(super) fn text(&self, to: &str, text: &str) -> MsgData {
        MsgData {
            send_id: self.me.user.clone(),
            recv_id: to.to_owned(),
            client_msg_id: format!("{}-{text}", self.me.user),
            sender_platform_id: self.me.platform_id,
            session_type: 1,
            msg_from: 100,
            content_type: 101,
            content: json!({ "content": text }).to_string().into_bytes(),
            ..MsgData::default()
        }
    }

    /// Everything up to the end.
    pub(super) async fn end(mut self) -> End {
        let mut last: Vec<i64> = self.heard.iter().map(|response| response.req_identifier).collect();
        loop {
            match self.frame().await {
                Some(Frame::Binary(frame)) => {
                    last.push(self.me.codec.decode_response(&frame, 8 << 20).unwrap().req_identifier);
                }
                Some(Frame::Close(close)) => return End { last, code: close.map(|close| close.code.into()) },
                Some(other) => panic!("{other:?}"),
                None => return End { last, code: None },
            }
        }
    }
}

/// A request to an address, and the whole answer.
async fn http(address: SocketAddr, line: &str, headers: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(SOON, socket.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

/// What a kicked client sees: the message, then the close.
pub(super) fn kicked() -> End {
    End { last: vec![envelope::KICK_ONLINE_MSG], code: Some(4500) }
}
