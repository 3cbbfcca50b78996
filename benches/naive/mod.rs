//! A WebSocket server as one writes it in an afternoon, to measure beside: tokio-tungstenite as it comes, a task for each
//! connection, a lock around a map. It reads the handshake and believes it, stores nothing, and bounds nothing.
//!
//! What it says is what the gateway says: the first frame, answers to messages and to all else, pushes, kicks.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{SinkExt, StreamExt};
use prost::Message as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::server::{
    ErrorResponse, Request as Upgrade, Response as Accepted,
};
use turnstile::gateway::wire::codec::Codec;
use turnstile::gateway::wire::envelope::{self, Request, Response};
use turnstile::gateway::wire::handshake::Handshake;
use turnstile::gateway::wire::proto::msg::SendMsgResp;
use turnstile::gateway::wire::proto::sdkws::{MsgData, PullMsgs, PushMessages};
use turnstile::gateway::wire::{codes, conversation};

/// What the task of a connection is told by others.
enum Order {
    Push(Response),
    Kick,
}

/// The newest session of each user, by number.
type Users = Arc<Mutex<BTreeMap<String, (u64, UnboundedSender<Order>)>>>;

/// Serves on a free port, which it prints, until it is killed.
pub(crate) async fn serve() -> Result<(), Box<dyn Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", listener.local_addr()?)?;
    out.flush()?;
    let users = Users::default();
    for number in 0.. {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(session(stream, users.clone(), number));
    }
    Ok(())
}

async fn session(stream: TcpStream, users: Users, number: u64) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut said = None;
    // The library's error is as large as it is.
    #[allow(clippy::result_large_err)]
    let read = |upgrade: &Upgrade, accepted: Accepted| -> Result<Accepted, ErrorResponse> {
        said = Handshake::parse(upgrade.uri().query().unwrap_or_default(), None).ok();
        Ok(accepted)
    };
    let mut socket = accept_hdr_async(stream, read).await?;
    let Some(Handshake { user, codec, wants_first_frame, .. }) = said else { return Ok(()) };
    if wants_first_frame {
        socket.send(Frame::text(codes::SUCCESS)).await?;
    }
    let (orders, mut ordered) = unbounded_channel();
    let older = lock(&users).insert(user.clone(), (number, orders));
    if let Some((_, older)) = older {
        let _ = older.send(Order::Kick);
    }
    loop {
        tokio::select! {
            frame = socket.next() => match frame {
                Some(Ok(Frame::Binary(bytes))) => {
                    let request = codec.decode_request(&bytes, 1 << 20)?;
                    let answer = answer(&users, &request)?;
                    socket.send(binary(codec, &answer)).await?;
                }
                Some(Ok(Frame::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
            order = ordered.recv() => match order {
                Some(Order::Push(push)) => socket.send(binary(codec, &push)).await?,
                Some(Order::Kick) => {
                    socket.send(binary(codec, &Response::kick())).await?;
                    socket.close(None).await?;
                    break;
                }
                None => break,
            },
        }
    }
    // To say and to hear the end.
    while let Some(Ok(_)) = socket.next().await {}
    let mut users = lock(&users);
    if users.get(&user).is_some_and(|(newest, _)| *newest == number) {
        users.remove(&user);
    }
    Ok(())
}

fn lock<T>(users: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    users.lock().unwrap_or_else(PoisonError::into_inner)
}

fn binary(codec: Codec, response: &Response) -> Frame {
    Frame::binary(codec.encode_response(response))
}

/// The answer to a request; a message is pushed to its receiver on the way.
fn answer(users: &Users, request: &Request) -> Result<Response, prost::DecodeError> {
    if request.req_identifier != envelope::SEND_MSG {
        return Ok(request.answer(Vec::new()));
    }
    let mut message = MsgData::decode(&request.data[..])?;
    message.server_msg_id = format!("{:032x}", fastrand::u128(..));
    let sent = SendMsgResp {
        server_msg_id: message.server_msg_id.clone(),
        client_msg_id: message.client_msg_id.clone(),
        send_time: message.send_time,
        modify: None,
    };
    let to = lock(users).get(&message.recv_id).map(|(_, orders)| orders.clone());
    if let (Some(to), Some(conversation)) = (to, conversation::id(&message)) {
        let operation = format!("push_{}", message.server_msg_id);
        let pull = PullMsgs { msgs: vec![message], ..PullMsgs::default() };
        let push = PushMessages { msgs: BTreeMap::from([(conversation, pull)]), ..PushMessages::default() };
        let _ = to.send(Order::Push(Response::push(envelope::PUSH_MSG, &operation, push.encode_to_vec())));
    }
    Ok(request.answer(sent.encode_to_vec()))
}
