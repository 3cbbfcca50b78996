//! `turnstile chat`: a client in the terminal.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use prost::Message as _;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use turnstile::client::{Address, Client, Heard, To};
use turnstile::gateway::wire::Secret;
use turnstile::gateway::wire::codec::{Codec, Encoding};
use turnstile::gateway::wire::envelope::{self, Response};
use turnstile::gateway::wire::handshake::Handshake;
use turnstile::gateway::wire::proto::msg::{
    GetConversationsHasReadAndMaxSeqReq, GetConversationsHasReadAndMaxSeqResp, SendMsgResp,
};
use turnstile::gateway::wire::proto::sdkws::{
    PullMessageBySeqsReq, PullMessageBySeqsResp, PullMsgs, PushMessages, SeqRange,
};
use turnstile::session::Platform;

use super::{Wrong, beside, say, token};

/// Exit code after a kick.
const KICKED: u8 = 3;
/// How often to say that we are here.
const PING: Duration = Duration::from_secs(20);
/// How long the server may take to close after a kick.
const CLOSES: Duration = Duration::from_secs(1);
/// How many missed messages of a conversation are shown.
const MISSED: i64 = 20;

#[derive(Args)]
#[command(after_help = "Type a line to send it; /to USER or /group GROUP changes to whom; Ctrl-D ends.

Examples:
  turnstile chat --user alice --to bob
  echo hello | turnstile chat --user alice --to bob")]
pub(super) struct Chat {
    /// Who you are.
    #[arg(long)]
    user: String,
    /// On which platform you are, from 1 to 11; 7 is Linux.
    #[arg(long, value_parser = token::platform, default_value = "7")]
    platform: Platform,
    /// To whom lines are sent.
    #[arg(long, value_name = "USER", conflicts_with = "group")]
    to: Option<String>,
    /// To which group lines are sent.
    #[arg(long)]
    group: Option<String>,
    /// Where the server is [default: where the server of the data folder listens]
    #[arg(long)]
    url: Option<String>,
    /// A token; without one, one is issued from the server's data folder.
    #[arg(long, env = "OPENIM_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A configuration file [default: what the server has said in its data folder]
    #[arg(long)]
    config: Option<PathBuf>,
    /// The server's data folder [default: turnstile-data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

impl Chat {
    pub(super) fn run(self) -> Result<ExitCode, Wrong> {
        let config = beside(self.config, self.data)?;
        let token = match self.token {
            Some(token) => Secret::from(token),
            None => token::issue(&config, &self.user, self.platform, None)?.0,
        };
        let url = self.url.unwrap_or_else(|| format!("ws://{}", config.listen));
        let to = match (self.to, self.group) {
            (Some(user), _) => Some(To::User(user)),
            (_, Some(group)) => Some(To::Group(group)),
            _ => None,
        };
        let handshake = Handshake {
            user: self.user,
            token,
            platform_id: self.platform.id(),
            operation_id: format!("chat_{}", fastrand::u64(..)),
            codec: Codec { encoding: Encoding::Gob, gzip: true },
            wants_first_frame: true,
            background: false,
            sdk_version: String::new(),
        };
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let code = tokio.block_on(chat(&url, handshake, to));
        tokio.shutdown_background();
        code
    }
}

struct Talk {
    client: Client,
    to: Option<To>,
    /// Requests without an answer yet.
    open: usize,
}

async fn chat(url: &str, me: Handshake, to: Option<To>) -> Result<ExitCode, Wrong> {
    let mut talk = Talk { client: connect(url, me).await?, to, open: 0 };
    let user = talk.client.me.user.clone();
    say(&format!("connected as {user}\n"));
    let ask = GetConversationsHasReadAndMaxSeqReq { user_id: user, ..Default::default() };
    talk.ask(envelope::GET_CONV_MAX_READ_SEQ, ask.encode_to_vec()).await?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut ping = tokio::time::interval(PING);
    let mut reads = true;
    loop {
        if !reads && talk.open == 0 {
            let _ = talk.client.say_bye().await;
            return Ok(ExitCode::SUCCESS);
        }
        tokio::select! {
            line = lines.next_line(), if reads => match line? {
                Some(line) => talk.say(&line).await?,
                None => reads = false,
            },
            heard = talk.client.next() => match heard? {
                Heard::Envelope(response) if response.req_identifier == envelope::KICK_ONLINE_MSG => {
                    say("kicked: another login took the place of this one\n");
                    // It is the server that closes now. Who left at once would race with it, and the end could overtake the kick.
                    let closed = async {
                        while !matches!(talk.client.next().await, Ok(Heard::End(_)) | Err(_)) {}
                    };
                    let _ = tokio::time::timeout(CLOSES, closed).await;
                    return Ok(ExitCode::from(KICKED));
                }
                Heard::Envelope(response) => talk.hear(response).await?,
                Heard::End(why) => {
                    let why = why.map(|(code, reason)| format!(" ({code}: {reason})")).unwrap_or_default();
                    return Err(Wrong(format!("the server has closed the connection{why}")));
                }
            },
            _ = ping.tick() => talk.client.ping().await?,
        }
    }
}

async fn connect(url: &str, me: Handshake) -> Result<Client, Wrong> {
    let address = Address::read(url, "ws").map_err(Wrong)?;
    let connected = TcpStream::connect((address.host.as_str(), address.port)).await;
    let stream = connected.map_err(|why| {
        Wrong(format!("cannot connect to {url}: {why}; is `turnstile serve` running there?"))
    })?;
    Client::connect(url, stream, me).await.map_err(|why| Wrong(format!("{url} refuses: {why}")))
}

impl Talk {
    async fn ask(&mut self, request: i64, data: Vec<u8>) -> Result<(), Wrong> {
        self.client.ask(request, data).await?;
        self.open += 1;
        Ok(())
    }

    /// Does what a line says.
    async fn say(&mut self, line: &str) -> Result<(), Wrong> {
        if let Some(user) = line.strip_prefix("/to ") {
            self.to = Some(To::User(user.trim().to_owned()));
            return Ok(());
        }
        if let Some(group) = line.strip_prefix("/group ") {
            self.to = Some(To::Group(group.trim().to_owned()));
            return Ok(());
        }
        if line.trim().is_empty() {
            return Ok(());
        }
        let Some(to) = &self.to else {
            say("to whom? /to USER or /group GROUP\n");
            return Ok(());
        };
        let message = self.client.text(to, line);
        self.ask(envelope::SEND_MSG, message.encode_to_vec()).await
    }

    /// Shows what came.
    async fn hear(&mut self, response: Response) -> Result<(), Wrong> {
        if !response.msg_incr.is_empty() {
            self.open = self.open.saturating_sub(1);
        }
        if response.err_code != 0 {
            say(&format!("refused: {} {}\n", response.err_code, response.err_msg));
            return Ok(());
        }
        match response.req_identifier {
            envelope::PUSH_MSG => {
                let push = PushMessages::decode(&response.data[..])?;
                self.show(push.msgs.into_values());
            }
            envelope::SEND_MSG => {
                let _: SendMsgResp = SendMsgResp::decode(&response.data[..])?;
            }
            envelope::GET_CONV_MAX_READ_SEQ => {
                let seqs = GetConversationsHasReadAndMaxSeqResp::decode(&response.data[..])?.seqs;
                let unread = |(id, s): (String, turnstile::gateway::wire::proto::msg::Seqs)| {
                    let begin = s.has_read_seq.max(s.max_seq - MISSED) + 1;
                    (s.max_seq >= begin).then_some(SeqRange {
                        conversation_id: id,
                        begin,
                        end: s.max_seq,
                        num: MISSED,
                    })
                };
                let seq_ranges: Vec<SeqRange> = seqs.into_iter().filter_map(unread).collect();
                if !seq_ranges.is_empty() {
                    let ask =
                        PullMessageBySeqsReq { user_id: self.client.me.user.clone(), seq_ranges, order: 0 };
                    self.ask(envelope::PULL_MSG_BY_SEQ_LIST, ask.encode_to_vec()).await?;
                }
            }
            envelope::PULL_MSG_BY_SEQ_LIST => {
                let pulled = PullMessageBySeqsResp::decode(&response.data[..])?;
                self.show(pulled.msgs.into_values());
            }
            _ => {}
        }
        Ok(())
    }

    fn show(&self, conversations: impl Iterator<Item = PullMsgs>) {
        for message in conversations.flat_map(|pulled| pulled.msgs) {
            if message.send_id == self.client.me.user
                && message.sender_platform_id == self.client.me.platform_id
            {
                continue;
            }
            let content: serde_json::Value = serde_json::from_slice(&message.content).unwrap_or_default();
            let text = content["content"].as_str().map_or_else(|| content.to_string(), str::to_owned);
            // What others send is not to steer the terminal.
            let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let from: String = message.send_id.chars().filter(|c| !c.is_control()).collect();
            let place =
                if message.group_id.is_empty() { String::new() } else { format!("@{}", message.group_id) };
            say(&format!("{from}{place}: {text}\n"));
        }
    }
}
