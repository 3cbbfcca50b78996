//! The whole server, killed at random moments under load: what it has told its clients is so when it runs again.
//!
//! `KILLS=300 cargo test --test killed` kills it more often.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future::select_all;
use futures_util::{SinkExt, StreamExt};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::{Error, Message as Frame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use turnstile::gateway::config::PREFIX;
use turnstile::gateway::wire::Secret;
use turnstile::gateway::wire::codec::{Codec, Encoding};
use turnstile::gateway::wire::codes;
use turnstile::gateway::wire::conversation::{self, GROUP, SINGLE};
use turnstile::gateway::wire::envelope::{self, Request, Response};
use turnstile::gateway::wire::handshake::Handshake;
use turnstile::gateway::wire::proto::msg::SendMsgResp;
use turnstile::gateway::wire::proto::sdkws::{
    GetMaxSeqReq, GetMaxSeqResp, MsgData, PullMessageBySeqsReq, PullMessageBySeqsResp, PullMsgs,
    PushMessages, SeqRange,
};

const USERS: [&str; 6] = ["ann", "ben", "cleo", "dora", "emil", "finn"];
const GROUPS: [(&str, &[&str]); 2] = [("rig", &USERS), ("hut", &["ann", "ben", "cleo"])];

/// The platform of all clients.
const WINDOWS: i32 = 3;
/// Requests of one client that are on their way at once.
const WINDOW: usize = 4;
/// Messages that are pulled at once.
const PAGE: i64 = 500;
/// A look at everything, not at what is new only, comes after so many kills.
const EVERYTHING: usize = 25;

fn kills() -> usize {
    std::env::var("KILLS").map_or(25, |count| count.parse().unwrap())
}

fn run(story: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(story);
}

/// A server's process, which does not outlive a panic.
struct Server {
    child: Child,
    ws: String,
    api: String,
}

impl Server {
    fn spawn(folder: &Path) -> Server {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_turnstile"));
        let free = "127.0.0.1:0";
        serve.args(["serve", "--listen", free, "--api", free, "--admin-page", free, "--json", "--data"]);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(PREFIX) {
                serve.env_remove(name);
            }
        }
        let child = serve.arg(folder).env("RUST_LOG", "error").stdout(Stdio::piped()).spawn().unwrap();
        Server { child, ws: String::new(), api: String::new() }
    }

    /// Starts one, and waits until it says where it listens.
    fn start(folder: &Path) -> Server {
        let mut server = Server::spawn(folder);
        let mut line = String::new();
        BufReader::new(server.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("the server says where it listens");
        server.ws = said["ws"].as_str().unwrap().to_owned();
        server.api = said["api"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
        server
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        let ended = self.child.wait().unwrap();
        assert_eq!(ended.signal(), Some(9), "it ended by itself: {ended}");
    }

    /// Calls the HTTP API; the answer's error code and data.
    async fn call(api: &str, path: &str, token: &str, body: Value) -> std::io::Result<(i64, Value)> {
        let mut stream = TcpStream::connect(api).await?;
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\ntoken: {token}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let mut said: Value = serde_json::from_str(body)?;
        Ok((said["errCode"].as_i64().unwrap(), said["data"].take()))
    }

    /// Calls the HTTP API of a server that is not to be killed meanwhile; the data of an answer without an error.
    async fn data(&self, path: &str, token: &str, body: Value) -> Value {
        let (code, data) = Server::call(&self.api, path, token, body).await.unwrap();
        assert_eq!(code, 0, "{path}");
        data
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client's connection.
struct Talk {
    me: Handshake,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    asked: u64,
}

impl Talk {
    async fn connect(ws: &str, me: &Handshake) -> Talk {
        let (mut socket, _) = connect_async(format!("{ws}/?{}", me.query())).await.unwrap();
        let Some(Ok(Frame::Text(first))) = socket.next().await else { panic!("no first frame") };
        assert_eq!(codes::first_frame(&first), Ok(Ok(())), "{} has a good token", me.user);
        Talk { me: me.clone(), socket, asked: 0 }
    }

    /// Asks, and tells by which `msgIncr` the answer will be known.
    async fn send(&mut self, req_identifier: i64, data: Vec<u8>) -> Result<String, Error> {
        self.asked += 1;
        let msg_incr = self.asked.to_string();
        let request = Request {
            req_identifier,
            send_id: self.me.user.clone(),
            operation_id: self.me.operation_id.clone(),
            msg_incr: msg_incr.clone(),
            data,
            ..Request::default()
        };
        self.socket.send(Frame::binary(self.me.codec.encode_request(&request))).await?;
        Ok(msg_incr)
    }

    /// What the server says next; none at the end.
    async fn next(&mut self) -> Option<Response> {
        loop {
            match self.socket.next().await? {
                Ok(Frame::Binary(frame)) => {
                    return Some(self.me.codec.decode_response(&frame, 16 << 20).expect("a frame is whole"));
                }
                Ok(Frame::Close(why)) => {
                    panic!("the server closes the connection of {}: {why:?}", self.me.user)
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Asks, and waits for the answer.
    async fn ask<T: prost::Message + Default>(
        &mut self,
        req_identifier: i64,
        ask: &impl prost::Message,
    ) -> T {
        let msg_incr = self.send(req_identifier, ask.encode_to_vec()).await.unwrap();
        let answer = self.next().await.unwrap();
        assert_eq!((answer.msg_incr, answer.err_code), (msg_incr, 0), "{}", answer.err_msg);
        T::decode(&answer.data[..]).unwrap()
    }

    /// The messages of a conversation from one seq to another.
    async fn pull(&mut self, id: &str, from: i64, to: i64) -> Vec<MsgData> {
        let mut all = Vec::new();
        loop {
            let begin = from + all.len() as i64;
            if begin > to {
                return all;
            }
            // A range that has no more than one answer takes, since of a longer one the newest would come.
            let end = to.min(begin + PAGE - 1);
            let range = SeqRange { conversation_id: id.to_owned(), begin, end, num: PAGE };
            let ask =
                PullMessageBySeqsReq { user_id: self.me.user.clone(), seq_ranges: vec![range], order: 0 };
            let mut answer: PullMessageBySeqsResp = self.ask(envelope::PULL_MSG_BY_SEQ_LIST, &ask).await;
            let page = answer.msgs.remove(id).unwrap_or_default().msgs;
            assert!(!page.is_empty(), "{id} has {to} messages, but none from {begin} on");
            for (seq, message) in (begin..).zip(&page) {
                assert_eq!(message.seq, seq, "a gap in {id}");
            }
            all.extend(page);
        }
    }
}

/// What the server has told its clients, over all its lives.
#[derive(Default)]
struct Told {
    /// What clients sent, by client message ID.
    said: BTreeMap<String, MsgData>,
    /// What was answered, by client message ID.
    answered: BTreeMap<String, SendMsgResp>,
    /// What was pushed since the last look.
    pushed: Vec<(String, MsgData)>,
    /// What was found stored: the message of seq `n` is at `n - 1`.
    stored: BTreeMap<String, Vec<MsgData>>,
    /// Where a message was found, by client message ID.
    places: BTreeMap<String, (String, usize)>,
    /// Tokens that were issued and not kicked.
    good: Vec<String>,
    /// Tokens of which the kick was answered.
    kicked: Vec<String>,
    pushes: usize,
}

impl Told {
    /// Holds an answer against what is known of the message.
    fn answer(&mut self, answer: SendMsgResp) {
        let id = answer.client_msg_id.clone();
        if let Some((conversation, at)) = self.places.get(&id) {
            let stored = &self.stored[conversation][*at];
            let of_stored = (&stored.server_msg_id, stored.send_time);
            assert_eq!(
                (&answer.server_msg_id, answer.send_time),
                of_stored,
                "{id} is stored, and sent again"
            );
        }
        if let Some(first) = self.answered.insert(id.clone(), answer.clone()) {
            assert_eq!(first, answer, "{id} is answered twice");
        }
    }

    /// Holds what is stored against what was told.
    fn found(&mut self, conversation: &str, messages: Vec<MsgData>) {
        let known = self.stored.entry(conversation.to_owned()).or_default();
        for message in messages {
            let id = &message.client_msg_id;
            let said =
                self.said.get(id).unwrap_or_else(|| panic!("{message:?} is stored, and nobody said it"));
            let expected = MsgData {
                seq: known.len() as i64 + 1,
                server_msg_id: message.server_msg_id.clone(),
                send_time: if said.send_time == 0 { message.send_time } else { said.send_time },
                status: 2,
                ..said.clone()
            };
            assert_eq!(message, expected);
            assert_eq!(conversation::id(said).as_deref(), Some(conversation));
            let before = self.places.insert(id.clone(), (conversation.to_owned(), known.len()));
            assert_eq!(before, None, "{id} is stored twice");
            known.push(message);
        }
    }

    /// Everything that was answered or pushed is stored, as it was said.
    fn check(&mut self) {
        for (id, answer) in &self.answered {
            let place = self.places.get(id);
            let (conversation, at) = place.unwrap_or_else(|| panic!("{id} was answered and is not stored"));
            let stored = &self.stored[conversation][*at];
            assert_eq!(stored.server_msg_id, answer.server_msg_id);
            assert_eq!(stored.send_time, answer.send_time);
        }
        self.pushes += self.pushed.len();
        for (conversation, message) in self.pushed.drain(..) {
            let all = self.stored.get(&conversation).map_or(&[][..], Vec::as_slice);
            assert_eq!(all.get(message.seq as usize - 1), Some(&message), "pushed in {conversation}");
        }
    }

    /// A message of a user that was answered, whichever.
    fn some_answered(&self, user: &str) -> Option<MsgData> {
        let from = format!("{user}-{}", fastrand::u32(..));
        let (id, _) = self.answered.range(from..).next()?;
        self.said.get(id).filter(|message| message.send_id == user).cloned()
    }
}

/// One story over all lives of a server.
struct Story {
    people: Vec<Handshake>,
    admin: String,
    told: Mutex<Told>,
    /// How many answers there are still to come before the kill.
    left: AtomicUsize,
    enough: Notify,
    dying: AtomicBool,
    named: AtomicUsize,
}

impl Story {
    /// Tokens and groups, by the server's first life.
    async fn begin(server: &Server, folder: &Path) -> Story {
        let secret = std::fs::read_to_string(folder.join("secret")).unwrap();
        let ask = json!({ "secret": secret.trim(), "userID": "imAdmin" });
        let admin = server.data("/auth/get_admin_token", "", ask).await;
        let admin = admin["token"].as_str().unwrap().to_owned();
        let mut people = Vec::new();
        for (n, user) in USERS.into_iter().enumerate() {
            let ask = json!({ "userID": user, "platformID": WINDOWS });
            let token = server.data("/auth/get_user_token", &admin, ask).await;
            people.push(Handshake {
                user: user.to_owned(),
                token: Secret::from(token["token"].as_str().unwrap()),
                platform_id: WINDOWS,
                operation_id: format!("killed_{user}"),
                codec: Codec {
                    encoding: if n % 2 == 0 { Encoding::Gob } else { Encoding::Json },
                    gzip: n % 3 == 0,
                },
                wants_first_frame: true,
                background: false,
                sdk_version: String::new(),
            });
        }
        for (group, members) in GROUPS {
            let ask = json!({
                "ownerUserID": members[0],
                "memberUserIDs": members,
                "groupInfo": { "groupID": group },
            });
            server.data("/group/create_group", &admin, ask).await;
        }
        Story {
            people,
            admin,
            told: Mutex::default(),
            left: AtomicUsize::new(0),
            enough: Notify::new(),
            dying: AtomicBool::new(false),
            named: AtomicUsize::new(0),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    /// Pulls what is stored, and compares.
    async fn look(&self, server: &Server, everything: bool) {
        let mut people: Vec<&Handshake> = self.people.iter().collect();
        fastrand::shuffle(&mut people);
        for me in people {
            let mut talk = Talk::connect(&server.ws, me).await;
            let ask = GetMaxSeqReq { user_id: me.user.clone() };
            let found: GetMaxSeqResp = talk.ask(envelope::GET_NEWEST_SEQ, &ask).await;
            for (id, max) in found.max_seqs {
                let known = self.told().stored.get(&id).map_or(0, |all| all.len() as i64);
                assert!(known <= max, "{id} had {known} messages and has {max}");
                if everything {
                    let again = talk.pull(&id, 1, known).await;
                    let told = self.told();
                    assert!(told.stored.get(&id).is_none_or(|all| *all == again), "{id} is as it was");
                }
                let new = talk.pull(&id, known + 1, max).await;
                self.told().found(&id, new);
            }
            let _ = talk.socket.close(None).await;
        }
        self.told().check();
    }

    /// Tokens are as they were told to be: those of the last life, or all.
    async fn look_at_tokens(&self, server: &Server, all: &mut Vec<(String, i64)>, everything: bool) {
        let begin = if everything { 0 } else { all.len() };
        {
            let mut told = self.told();
            let good: Vec<String> = told.good.drain(..).collect();
            all.extend(good.into_iter().map(|token| (token, 0)));
            all.extend(told.kicked.drain(..).map(|token| (token, codes::TOKEN_KICKED)));
        }
        for (token, expected) in &all[begin..] {
            let (code, _) = Server::call(&server.api, "/auth/parse_token", token, json!({})).await.unwrap();
            assert_eq!(code, *expected, "a token");
        }
    }

    /// Something new to say.
    fn message(&self, me: &Handshake) -> MsgData {
        let client_msg_id = format!("{}-{}", me.user, self.named.fetch_add(1, Ordering::Relaxed));
        let groups: Vec<&str> = GROUPS
            .iter()
            .filter(|(_, all)| all.contains(&me.user.as_str()))
            .map(|(group, _)| *group)
            .collect();
        let group_id = if fastrand::bool() { groups[fastrand::usize(..groups.len())] } else { "" };
        let others: Vec<&str> = USERS.into_iter().filter(|user| *user != me.user).collect();
        let recv_id = if group_id.is_empty() { others[fastrand::usize(..others.len())] } else { "" };
        MsgData {
            send_id: me.user.clone(),
            recv_id: recv_id.to_owned(),
            group_id: group_id.to_owned(),
            content: json!({ "content": client_msg_id, "more": "x".repeat(fastrand::usize(..400)) })
                .to_string()
                .into_bytes(),
            client_msg_id,
            sender_platform_id: WINDOWS,
            session_type: if group_id.is_empty() { SINGLE } else { GROUP },
            msg_from: 100,
            content_type: 101,
            send_time: if fastrand::bool() { 0 } else { fastrand::i64(1..2_000_000_000_000) },
            ..MsgData::default()
        }
    }

    /// One client, until the server is killed; what it has not been answered.
    async fn chat(self: Arc<Self>, mut talk: Talk, mut again: VecDeque<MsgData>) -> Vec<MsgData> {
        let mut open: BTreeMap<String, MsgData> = BTreeMap::new();
        let mut lost = Vec::new();
        loop {
            while open.len() < WINDOW && lost.is_empty() {
                let message = again.pop_front().unwrap_or_else(|| self.message(&talk.me));
                self.told().said.insert(message.client_msg_id.clone(), message.clone());
                match talk.send(envelope::SEND_MSG, message.encode_to_vec()).await {
                    Ok(msg_incr) => drop(open.insert(msg_incr, message)),
                    // What has come until then is still there to be read.
                    Err(_) => lost.push(message),
                }
            }
            let Some(response) = talk.next().await else { break };
            assert_eq!(response.err_code, 0, "{}", response.err_msg);
            match response.req_identifier {
                envelope::PUSH_MSG => {
                    let push = PushMessages::decode(&response.data[..]).unwrap();
                    let messages = |(id, pull): (String, PullMsgs)| {
                        pull.msgs.into_iter().map(move |message| (id.clone(), message))
                    };
                    self.told().pushed.extend(push.msgs.into_iter().flat_map(messages));
                }
                envelope::SEND_MSG => {
                    let answer = SendMsgResp::decode(&response.data[..]).unwrap();
                    let message = open.remove(&response.msg_incr).expect("it was asked");
                    assert_eq!(answer.client_msg_id, message.client_msg_id);
                    self.told().answer(answer);
                    if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
                        self.enough.notify_one();
                    }
                }
                other => panic!("{other} was not asked"),
            }
        }
        assert!(self.dying.load(Ordering::SeqCst), "the connection of {} ends before the kill", talk.me.user);
        lost.extend(open.into_values());
        lost.extend(again);
        lost
    }

    /// Issues tokens and kicks some, until the server is killed.
    async fn issue(self: Arc<Self>, api: String) -> std::io::Result<()> {
        loop {
            let user = format!("guest{}", self.named.fetch_add(1, Ordering::Relaxed));
            let ask = json!({ "userID": user, "platformID": WINDOWS });
            let (_, issued) = Server::call(&api, "/auth/get_user_token", &self.admin, ask.clone()).await?;
            let token = issued["token"].as_str().unwrap().to_owned();
            if fastrand::bool() {
                self.told().good.push(token);
            } else {
                let (code, _) = Server::call(&api, "/auth/force_logout", &self.admin, ask).await?;
                assert_eq!(code, 0);
                self.told().kicked.push(token);
            }
        }
    }
}

#[test]
fn a_kill_at_any_moment_takes_back_nothing_that_was_told() {
    let kills = kills();
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let mut server = Server::start(folder.path());
        let story = Arc::new(Story::begin(&server, folder.path()).await);
        let mut open: BTreeMap<String, Vec<MsgData>> = BTreeMap::new();
        let mut tokens = Vec::new();
        let mut unanswered = 0;
        for kill in 0..kills {
            story.left.store(fastrand::usize(1..400), Ordering::SeqCst);
            story.dying.store(false, Ordering::SeqCst);
            let mut chats = Vec::new();
            for me in &story.people {
                let mut again = VecDeque::from(open.remove(&me.user).unwrap_or_default());
                again.extend(story.told().some_answered(&me.user));
                let talk = Talk::connect(&server.ws, me).await;
                chats.push((me.user.clone(), tokio::spawn(story.clone().chat(talk, again))));
            }
            let issuing = tokio::spawn(story.clone().issue(server.api.clone()));
            tokio::select! {
                () = story.enough.notified() => {}
                (ended, ..) = select_all(chats.iter_mut().map(|(_, chat)| chat)) => panic!("a client ends: {ended:?}"),
            }
            tokio::time::sleep(Duration::from_micros(fastrand::u64(..4000))).await;
            story.dying.store(true, Ordering::SeqCst);
            server.kill();
            for (user, chat) in chats {
                open.insert(user, chat.await.unwrap());
            }
            issuing.await.unwrap().unwrap_err();
            server = Server::start(folder.path());
            let everything = kill % EVERYTHING == EVERYTHING - 1 || kill + 1 == kills;
            story.look(&server, everything).await;
            story.look_at_tokens(&server, &mut tokens, everything).await;
            let told = story.told();
            let sent = open.values().flatten().map(|message| &message.client_msg_id);
            unanswered +=
                sent.filter(|id| told.places.contains_key(*id) && !told.answered.contains_key(*id)).count();
        }
        server.kill();
        let told = story.told();
        writeln!(
            std::io::stderr(),
            "{kills} kills: {} messages answered, {} pushes, {} stored, {unanswered} of them unanswered at a kill, {} tokens",
            told.answered.len(),
            told.pushes,
            told.places.len(),
            tokens.len(),
        )
        .unwrap();
        assert!(told.answered.len() >= kills && told.pushes >= kills);
    });
    let file = rusqlite::Connection::open(folder.path().join("turnstile.db")).unwrap();
    let sound: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn a_kill_while_it_starts_leaves_what_can_be_started() {
    for _ in 0..kills() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("data");
        for _ in 0..2 {
            let server = Server::spawn(&folder);
            std::thread::sleep(Duration::from_micros(fastrand::u64(..25_000)));
            server.kill();
        }
        let server = Server::start(&folder);
        for path in
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).chain([folder.clone()])
        {
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{} is for its owner only", path.display());
        }
        server.kill();
    }
}
