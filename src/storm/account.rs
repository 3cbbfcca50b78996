//! One account: connects, sends, hears the answer, leaves, and begins again.

use std::io::ErrorKind;
use std::time::Instant;

use prost::Message as _;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite;

use super::tally::Phase;
use super::{BACK_OFF, Storm};
use crate::client::{Client, ClientError, Heard, To};
use crate::gateway::wire::Secret;
use crate::gateway::wire::codec::{Codec, Encoding};
use crate::gateway::wire::codes;
use crate::gateway::wire::envelope;
use crate::gateway::wire::handshake::Handshake;
use crate::session::Platform;

/// Who comes and goes.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) user: String,
    pub(super) platform: Platform,
    pub(super) token: Secret,
    /// To whom its messages go.
    pub(super) peer: String,
}

/// Why a cycle did not come to its end.
enum Broken {
    /// Another login took its place.
    Kicked,
    /// In words that are the same each time.
    As(String),
}

impl Storm {
    /// Goes once around. It was to begin at `due`.
    pub(super) async fn cycle(&self, account: &mut Account, due: Instant) {
        let whole = self.tally.enter(Phase::Cycle, due);
        let within = self.tally.enter(Phase::Connect, due);
        let connected = timeout(self.plan.patience, self.connect(account)).await;
        let mut client = match connected {
            Ok(Ok(client)) => {
                within.done();
                client
            }
            Ok(Err(ClientError::Refused(refusal))) if refusal.code == codes::TOKEN_KICKED => {
                drop(within);
                return self.renew(account).await;
            }
            Ok(Err(why)) => {
                self.tally.fail(Phase::Connect, kind(&why));
                drop(within);
                return sleep(BACK_OFF).await;
            }
            Err(_) => return self.tally.fail(Phase::Connect, NO_ANSWER),
        };
        let within = self.tally.enter(Phase::Reply, Instant::now());
        let answered = match timeout(self.plan.patience, self.reply(account, &mut client)).await {
            Ok(Ok(())) => {
                within.done();
                true
            }
            Ok(Err(Broken::Kicked)) => {
                let mut counted = self.tally.counted();
                counted.kicked += 1;
                counted.lives();
                false
            }
            Ok(Err(Broken::As(kind))) => {
                self.tally.fail(Phase::Reply, kind);
                false
            }
            Err(_) => {
                drop(within);
                self.tally.fail(Phase::Reply, NO_ANSWER);
                false
            }
        };
        if self.leave(client).await && answered {
            whole.done();
        }
    }

    /// Connects as an account.
    pub(super) async fn connect(&self, account: &Account) -> Result<Client, ClientError> {
        let stream = TcpStream::connect(self.target.ws.socket).await.map_err(tungstenite::Error::Io)?;
        self.connect_by(stream, account).await
    }

    /// Connects as an account, by a socket that is connected.
    pub(super) async fn connect_by(
        &self,
        stream: TcpStream,
        account: &Account,
    ) -> Result<Client, ClientError> {
        stream.set_nodelay(true).map_err(tungstenite::Error::Io)?;
        Client::connect(&self.target.ws.url, stream, handshake(account)).await
    }

    /// Sends a message to its peer and waits for the answer.
    async fn reply(&self, account: &Account, client: &mut Client) -> Result<(), Broken> {
        let broken = |why: ClientError| Broken::As(kind(&why));
        let mut message = client.text(&To::User(account.peer.clone()), "in the storm");
        if !self.plan.history {
            message.options.insert("history".to_owned(), false);
            message.options.insert("senderSync".to_owned(), false);
        }
        let asked = client.ask(envelope::SEND_MSG, message.encode_to_vec()).await.map_err(broken)?;
        loop {
            match client.next().await.map_err(broken)? {
                Heard::Envelope(response) if response.req_identifier == envelope::KICK_ONLINE_MSG => {
                    return Err(Broken::Kicked);
                }
                Heard::Envelope(response) if response.msg_incr == asked => {
                    return match response.err_code {
                        0 => Ok(()),
                        code => Err(Broken::As(format!("answered with {code}"))),
                    };
                }
                Heard::Envelope(_) => {}
                Heard::End(Some((code, _))) => return Err(Broken::As(format!("closed with {code}"))),
                Heard::End(None) => return Err(Broken::As(CLOSED.to_owned())),
            }
        }
    }

    /// Leaves, by a reset or as one should; false if the server does not let it go.
    async fn leave(&self, mut client: Client) -> bool {
        if fastrand::f64() < self.plan.reset {
            if client.stream().set_zero_linger().is_ok() {
                self.tally.counted().resets += 1;
            }
            drop(client.into_stream());
            return true;
        }
        let within = self.tally.enter(Phase::Disconnect, Instant::now());
        let left = timeout(self.plan.patience, async {
            // Whoever is closed already need not say that it leaves.
            let _ = client.say_bye().await;
            client.ended().await;
        });
        match left.await {
            Ok(()) => {
                within.done();
                true
            }
            Err(_) => {
                drop(within);
                self.tally.fail(Phase::Disconnect, NO_ANSWER);
                false
            }
        }
    }

    /// Logs in again, as a user must whose token was taken by another login.
    async fn renew(&self, account: &mut Account) {
        match self.token(&account.user, account.platform).await {
            Ok(token) => {
                account.token = token;
                self.tally.counted().tokens += 1;
            }
            Err(_) => {
                self.tally.fail(Phase::Connect, "no new token");
                sleep(BACK_OFF).await;
            }
        }
    }

    /// A token for a user, as an administrator gets it.
    pub(super) async fn token(&self, user: &str, platform: Platform) -> Result<Secret, String> {
        let asked = json!({ "userID": user, "platformID": platform.id() });
        let data = self.api.must("/auth/get_user_token", asked).await?;
        data["token"].as_str().map(Secret::from).ok_or_else(|| format!("{}: no token comes", self.api.place))
    }
}

/// A failure that the words about those who wait tell, too.
pub(super) const NO_ANSWER: &str = "no answer in time";
/// Connects are refused.
pub(super) const NOBODY: &str = "nobody listens";
const CLOSED: &str = "closed";

fn handshake(account: &Account) -> Handshake {
    Handshake {
        user: account.user.clone(),
        token: account.token.clone(),
        platform_id: account.platform.id(),
        operation_id: "storm".to_owned(),
        codec: Codec { encoding: Encoding::Gob, gzip: false },
        wants_first_frame: true,
        background: false,
        sdk_version: String::new(),
    }
}

/// What went wrong, without what differs from one time to the next.
fn kind(why: &ClientError) -> String {
    match why {
        ClientError::Refused(refusal) => format!("refused with {}", refusal.code),
        ClientError::Status(status) => format!("status {status}"),
        ClientError::Stranger(_) => "no gateway of OpenIM's".to_owned(),
        ClientError::Unreadable(_) => "an answer that cannot be read".to_owned(),
        ClientError::Broken(tungstenite::Error::Io(why)) => match why.kind() {
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "reset".to_owned(),
            ErrorKind::UnexpectedEof => CLOSED.to_owned(),
            ErrorKind::ConnectionRefused => NOBODY.to_owned(),
            kind => kind.to_string(),
        },
        ClientError::Broken(
            tungstenite::Error::Protocol(_)
            | tungstenite::Error::ConnectionClosed
            | tungstenite::Error::AlreadyClosed,
        ) => CLOSED.to_owned(),
        ClientError::Broken(why) => why.to_string(),
    }
}
