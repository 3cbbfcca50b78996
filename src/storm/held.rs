//! Those who do not talk: sockets that fall silent halfway, and readers who take nothing of what is pushed to them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use prost::Message as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite;

use super::account::Account;
use super::{BACK_OFF, Storm};
use crate::client::{Client, Heard, To};
use crate::gateway::wire::envelope;

/// How much the system keeps for a reader who reads nothing.
const KEPT: u32 = 4096;
/// How long the text of a pushed message is; it must not be compressible.
const TEXT: usize = 16 * 1024;
/// How long it is from one push to the next.
const PUSH: Duration = Duration::from_millis(5);
/// How long it may take to read what is left for a reader who read nothing.
const REST: Duration = Duration::from_secs(5);

/// How sockets ended that did not talk: how many, by what the server did.
pub(super) type Ends = BTreeMap<String, u64>;

const OPEN: &str = "left open";

impl Storm {
    /// Opens a socket and falls silent: after the TCP handshake, in the middle of the request, or after the first frame. Says
    /// what the server did about it.
    pub(super) async fn half_open(
        &self,
        n: u64,
        account: Account,
        mut stop: watch::Receiver<bool>,
    ) -> String {
        let (point, stream) = match n % 3 {
            0 => ("silent from the start", self.dial().await),
            1 => ("silent within the request", self.begin().await),
            _ => {
                let connected = timeout(self.plan.patience, self.connect(&account)).await;
                ("silent after the first frame", connected.ok().and_then(Result::ok).map(Client::into_stream))
            }
        };
        let Some(mut stream) = stream else { return format!("{point}: not connected") };
        let mut some = [0; 256];
        let ended = async { while matches!(stream.read(&mut some).await, Ok(read) if read > 0) {} };
        tokio::select! {
            () = ended => format!("{point}: closed by the server"),
            _ = stop.wait_for(|stop| *stop) => format!("{point}: {OPEN}"),
        }
    }

    async fn dial(&self) -> Option<TcpStream> {
        timeout(self.plan.patience, TcpStream::connect(self.target.ws.socket)).await.ok()?.ok()
    }

    async fn begin(&self) -> Option<TcpStream> {
        let mut stream = self.dial().await?;
        stream.write_all(b"GET /?sendID=").await.ok()?;
        Some(stream)
    }

    /// Connects and reads nothing until the end; then says how the server has ended it.
    pub(super) async fn slow(&self, account: Account, mut stop: watch::Receiver<bool>) -> String {
        let connected = async {
            let socket =
                if self.target.ws.socket.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.set_recv_buffer_size(KEPT)?;
            socket.connect(self.target.ws.socket).await
        };
        let client = async {
            let stream = connected.await.map_err(tungstenite::Error::Io)?;
            self.connect_by(stream, &account).await
        };
        let Ok(Ok(mut client)) = timeout(self.plan.patience, client).await else {
            return "not connected".to_owned();
        };
        let _ = stop.wait_for(|stop| *stop).await;
        let rest = timeout(REST, async {
            loop {
                match client.next().await {
                    Ok(Heard::Envelope(_)) => {}
                    Ok(Heard::End(Some((code, _)))) => return format!("closed with {code}"),
                    Ok(Heard::End(None)) | Err(_) => return "closed by the server".to_owned(),
                }
            }
        });
        rest.await.unwrap_or_else(|_| OPEN.to_owned())
    }

    /// Pushes to the slow readers, one after another, until the end.
    pub(super) async fn push(&self, account: Account, readers: u64, stop: watch::Receiver<bool>) {
        let mut n = 0;
        while !*stop.borrow() {
            let Ok(Ok(mut client)) = timeout(self.plan.patience, self.connect(&account)).await else {
                sleep(BACK_OFF).await;
                continue;
            };
            while !*stop.borrow() {
                let reader = self.plan.name("slow", n % readers);
                n += 1;
                let began = Instant::now();
                match timeout(self.plan.patience, push_once(&mut client, reader)).await {
                    Ok(Ok(())) => self.tally.counted().pushes += 1,
                    _ => break,
                }
                sleep(PUSH.saturating_sub(began.elapsed())).await;
            }
        }
    }
}

async fn push_once(client: &mut Client, to: String) -> Result<(), crate::client::ClientError> {
    let noise: String = std::iter::repeat_with(fastrand::alphanumeric).take(TEXT).collect();
    let mut message = client.text(&To::User(to), &noise);
    for option in ["history", "senderSync"] {
        message.options.insert(option.to_owned(), false);
    }
    let asked = client.ask(envelope::SEND_MSG, message.encode_to_vec()).await?;
    loop {
        match client.next().await? {
            Heard::Envelope(response) if response.msg_incr == asked => return Ok(()),
            Heard::Envelope(_) => {}
            Heard::End(_) => return Err(tungstenite::Error::ConnectionClosed.into()),
        }
    }
}
