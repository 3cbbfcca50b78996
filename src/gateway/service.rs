//! What clients ask, and the answers: `handleMessage` (`client.go`) and, behind it, OpenIM's message service.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use prost::Message as _;
use tracing::Instrument;

use super::counts::REQUESTS;
use super::line::Line;
use super::outgoing::Outgoing;
use super::store::{ConversationState, NewMessage, Range, StoreError, Stored, Why};
use super::wire::codes;
use super::wire::conversation::{self, GROUP, NOTIFICATION, SINGLE};
use super::wire::envelope::{self, Request, Response};
use super::wire::proto::msg::{
    GetConversationsHasReadAndMaxSeqReq, GetConversationsHasReadAndMaxSeqResp, GetLastMessageReq,
    GetLastMessageResp, GetSeqMessageReq, GetSeqMessageResp, SendMsgResp, Seqs,
};
use super::wire::proto::push::DelUserPushTokenResp;
use super::wire::proto::sdkws::{
    GetMaxSeqReq, GetMaxSeqResp, MsgData, PullMessageBySeqsReq, PullMessageBySeqsResp, PullMsgs, PullOrder,
    PushMessages, SetAppBackgroundStatusReq, SubUserOnlineStatus,
};
use super::{Core, Gateway, status};
use crate::hub::Client;
use crate::session::Platform;

/// How many messages one answer has at most, of one conversation.
const PULL: u32 = 500;
/// How many bytes of messages one answer has at most: clients take frames of up to 1 MiB, in base64, too.
const PULL_BYTES: usize = 600 * 1024;
/// How many conversations one request may name.
const CONVERSATIONS: usize = 1000;
/// How many bytes of an ID that a client has chosen are logged.
const LOGGED: usize = 64;
/// Status of a message that was sent.
const SENT: i32 = 2;

/// What comes after an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Then {
    /// The next request.
    Go,
    /// The end, as was asked.
    Leave,
    /// The end, since the request is none.
    Break,
}

/// Why a request is refused: a code and words for the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failed {
    pub(super) code: i64,
    pub(super) message: String,
}

impl Failed {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Failed {
        Failed { code, message: message.into() }
    }

    fn arguments(what: impl std::fmt::Display) -> Failed {
        Failed::new(codes::ARGS, format!("ArgsError: {what}"))
    }
}

impl From<StoreError> for Failed {
    fn from(why: StoreError) -> Failed {
        match why.why {
            Why::Absent => Failed::new(codes::RECORD_NOT_FOUND, format!("RecordNotFoundError: {why}")),
            Why::Exists => Failed::arguments(&why),
            _ => {
                tracing::error!(%why, "the store failed");
                Failed::new(codes::SERVER_INTERNAL, format!("ServerInternalError: {why}"))
            }
        }
    }
}

impl From<prost::DecodeError> for Failed {
    fn from(why: prost::DecodeError) -> Failed {
        Failed::arguments(why)
    }
}

/// Answers one request.
pub(super) async fn serve(
    gateway: &Arc<Gateway>,
    line: &Arc<Line>,
    client: &Client<Core>,
    request: Request,
) -> Then {
    let known = REQUESTS.iter().any(|(known, _)| *known == request.req_identifier);
    if !known || request.send_id != *line.user || request.missing().is_some() {
        return Then::Break;
    }
    let span = tracing::debug_span!(
        "request",
        reqIdentifier = request.req_identifier,
        operationID = short(&request.operation_id),
        msgIncr = short(&request.msg_incr),
    );
    serve_known(gateway, line, client, request).instrument(span).await
}

/// Enough of what a client says to know it again, for the log.
fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(LOGGED)]
}

async fn serve_known(
    gateway: &Arc<Gateway>,
    line: &Arc<Line>,
    client: &Client<Core>,
    request: Request,
) -> Then {
    let began = Instant::now();
    let answer = answer(gateway, line, &request).await;
    let code = answer.as_ref().err().map_or(0, |failed| failed.code);
    let response = match answer {
        Ok(data) => request.answer(data),
        Err(failed) => request.refuse(failed.code, &failed.message),
    };
    let me = gateway.task("reader", line.login.connection.0);
    gateway.hub.reply(&me, client, line.login.user, Outgoing::payload(response, false)).await;
    gateway.counts.answered(request.req_identifier, began.elapsed(), code != 0);
    tracing::debug!(code, seconds = began.elapsed().as_secs_f64(), "answered");
    if request.req_identifier == envelope::LOGOUT_MSG { Then::Leave } else { Then::Go }
}

async fn answer(gateway: &Arc<Gateway>, line: &Line, request: &Request) -> Result<Vec<u8>, Failed> {
    let (store, user, data) = (&gateway.store, &*line.user, &request.data[..]);
    match request.req_identifier {
        envelope::SEND_MSG => {
            let message = MsgData::decode(data)?;
            if message.send_id != user {
                return Err(Failed::new(codes::NO_PERMISSION, "NoPermissionError: sendID is another user's"));
            }
            if message.session_type == NOTIFICATION && line.login.platform != Platform::Admin {
                return Err(Failed::new(
                    codes::NO_PERMISSION,
                    "NoPermissionError: only an administrator notifies",
                ));
            }
            let sent = gateway.send(message).await?;
            Ok(sent.encode_to_vec())
        }
        envelope::GET_NEWEST_SEQ => {
            owner(user, &GetMaxSeqReq::decode(data)?.user_id)?;
            let all = store.conversations(user).await?;
            let max_seqs = all.iter().map(|c| (c.id.clone(), c.max_seq)).collect();
            let min_seqs = all.iter().map(|c| (c.id.clone(), c.min_seq)).collect();
            Ok(GetMaxSeqResp { max_seqs, min_seqs }.encode_to_vec())
        }
        envelope::PULL_MSG_BY_SEQ_LIST => {
            let ask = PullMessageBySeqsReq::decode(data)?;
            owner(user, &ask.user_id)?;
            few(ask.seq_ranges.len())?;
            let mut pulled = Pulled::default();
            for part in ask.seq_ranges {
                // As in OpenIM, `num` is about messages, not notifications, and means the newest: a client that comes up asks
                // for all that there is and takes 1. They come in the order of their numbers, whatever `order` says.
                let notifies = conversation::is_notification(&part.conversation_id);
                let asked = u32::try_from(part.num).ok().filter(|n| *n > 0 && !notifies);
                let limit = asked.map_or(PULL, |n| n.min(PULL));
                let range = Range { begin: part.begin, end: part.end, limit, newest_first: true };
                let mut found = store.range(user, &part.conversation_id, range).await?;
                let whole = (found.len() as u32) < limit;
                found.reverse();
                pulled.add(part.conversation_id, found, whole, 0)?;
            }
            let Pulled { msgs, notification_msgs, .. } = pulled;
            Ok(PullMessageBySeqsResp { msgs, notification_msgs }.encode_to_vec())
        }
        envelope::PULL_MSG => {
            let ask = GetSeqMessageReq::decode(data)?;
            owner(user, &ask.user_id)?;
            few(ask.conversations.len())?;
            let all = store.conversations(user).await?;
            let mut pulled = Pulled::default();
            for part in ask.conversations {
                let state = all.iter().find(|c| c.id == part.conversation_id);
                let (first, last) = state.map_or((1, 0), |c| (c.min_seq, c.max_seq));
                // As in OpenIM, messages come in the order of their numbers. `order` is the way that the client goes, and the end
                // is said to who goes past it: the Go core asks for nothing beyond an end.
                let end = if ask.order == PullOrder::Desc as i32 {
                    part.seqs.iter().any(|seq| *seq < first).then_some(first)
                } else {
                    part.seqs.iter().any(|seq| *seq > last).then_some(last)
                };
                let seqs: Vec<i64> = part.seqs.into_iter().take(PULL as usize).collect();
                let found = store.by_seqs(user, &part.conversation_id, seqs).await?;
                pulled.add(part.conversation_id, found, end.is_some(), end.unwrap_or_default())?;
            }
            let Pulled { msgs, notification_msgs, .. } = pulled;
            Ok(GetSeqMessageResp { msgs, notification_msgs }.encode_to_vec())
        }
        envelope::GET_CONV_MAX_READ_SEQ => {
            let ask = GetConversationsHasReadAndMaxSeqReq::decode(data)?;
            owner(user, &ask.user_id)?;
            let wanted = |c: &ConversationState| {
                ask.conversation_i_ds.is_empty() || ask.conversation_i_ds.contains(&c.id)
            };
            let seqs = |c: ConversationState| {
                let seqs =
                    Seqs { max_seq: c.max_seq, has_read_seq: c.has_read_seq, max_seq_time: c.max_seq_time };
                (c.id, seqs)
            };
            let all = store.conversations(user).await?;
            let seqs = all.into_iter().filter(wanted).map(seqs).collect();
            Ok(GetConversationsHasReadAndMaxSeqResp { seqs, pinned_conversation_i_ds: Vec::new() }
                .encode_to_vec())
        }
        envelope::PULL_CONV_LAST_MESSAGE => {
            let ask = GetLastMessageReq::decode(data)?;
            owner(user, &ask.user_id)?;
            few(ask.conversation_i_ds.len())?;
            let mut msgs = BTreeMap::new();
            for (id, stored) in store.last(user, ask.conversation_i_ds).await? {
                msgs.insert(id, message(stored)?);
            }
            Ok(GetLastMessageResp { msgs }.encode_to_vec())
        }
        envelope::SET_BACKGROUND_STATUS => {
            let ask = SetAppBackgroundStatusReq::decode(data)?;
            line.background.store(ask.is_background, Ordering::Relaxed);
            Ok(Vec::new())
        }
        envelope::SUB_USER_ONLINE_STATUS => {
            let ask = SubUserOnlineStatus::decode(data)?;
            let at_most = gateway.config.limits.subscriptions;
            let (more, less) = (&ask.subscribe_user_id, &ask.unsubscribe_user_id);
            if !gateway.followers.follow(line.login.connection.0, more, less, at_most) {
                return Err(Failed::arguments(format!("one connection may follow {at_most} users at most")));
            }
            Ok(status::tips(more.iter().map(|user| (user.as_str(), gateway.online.platforms(user)))))
        }
        envelope::LOGOUT_MSG => Ok(DelUserPushTokenResp {}.encode_to_vec()),
        _ => Err(Failed::new(codes::ARGS, "ArgsError: this request is served no more")),
    }
}

/// Nobody asks for another.
fn owner(user: &str, asked: &str) -> Result<(), Failed> {
    if asked == user || asked.is_empty() {
        return Ok(());
    }
    Err(Failed::new(codes::NO_PERMISSION, "NoPermissionError: userID is another user's"))
}

fn few(named: usize) -> Result<(), Failed> {
    if named <= CONVERSATIONS {
        return Ok(());
    }
    Err(Failed::arguments(format!("{named} conversations at once; {CONVERSATIONS} at most")))
}

/// A stored message as clients get it.
pub(super) fn message(stored: Stored) -> Result<MsgData, Failed> {
    let mut message = MsgData::decode(&stored.data[..]).map_err(|why| {
        Failed::new(codes::SERVER_INTERNAL, format!("ServerInternalError: a stored message: {why}"))
    })?;
    message.seq = stored.seq;
    message.server_msg_id = stored.server_msg_id;
    message.send_time = stored.send_time;
    message.status = SENT;
    Ok(message)
}

/// Messages of several conversations, of no more than [`PULL_BYTES`] in all.
#[derive(Default)]
struct Pulled {
    msgs: BTreeMap<String, PullMsgs>,
    notification_msgs: BTreeMap<String, PullMsgs>,
    bytes: usize,
}

impl Pulled {
    fn add(
        &mut self,
        conversation: String,
        found: Vec<Stored>,
        is_end: bool,
        end_seq: i64,
    ) -> Result<(), Failed> {
        let mut pull = PullMsgs { is_end, end_seq, ..PullMsgs::default() };
        // If not all fit, the newest do: what is older is found again in the history.
        for stored in found.into_iter().rev() {
            if self.bytes > 0 && self.bytes + stored.data.len() > PULL_BYTES {
                pull.is_end = false;
                break;
            }
            self.bytes += stored.data.len();
            pull.msgs.push(message(stored)?);
        }
        pull.msgs.reverse();
        let notifies = conversation::is_notification(&conversation);
        let to = if notifies { &mut self.notification_msgs } else { &mut self.msgs };
        to.insert(conversation, pull);
        Ok(())
    }
}

fn option(message: &MsgData, name: &str) -> bool {
    message.options.get(name).copied().unwrap_or(true)
}

impl Gateway {
    /// Stores a message, and pushes it to whom it is for.
    pub(super) async fn send(&self, mut message: MsgData) -> Result<SendMsgResp, Failed> {
        let conversation = conversation::id(&message)
            .ok_or_else(|| Failed::arguments(format!("sessionType {} is none", message.session_type)))?;
        let receivers = self.receivers(&message).await?;
        message.status = SENT;
        message.seq = 0;
        message.server_msg_id = String::new();
        let (client_msg_id, mut fresh) = (message.client_msg_id.clone(), true);
        // What leaves no history, as that somebody types, is pushed only.
        if option(&message, "history") {
            let members = if message.session_type == GROUP { Vec::new() } else { receivers.clone() };
            let new = NewMessage {
                conversation: conversation.clone(),
                sender: message.send_id.clone(),
                client_msg_id: client_msg_id.clone(),
                members,
                data: message.encode_to_vec(),
                send_time: message.send_time,
            };
            let stored = self.store.append(new).await?;
            (message.seq, message.server_msg_id, message.send_time) =
                (stored.seq, stored.server_msg_id, stored.send_time);
            fresh = stored.fresh;
        } else if message.send_time == 0 {
            message.send_time = super::tokens::now() * 1000;
        }
        let answer = SendMsgResp {
            server_msg_id: message.server_msg_id.clone(),
            client_msg_id,
            send_time: message.send_time,
            modify: None,
        };
        if fresh {
            let mut to = receivers;
            if !option(&message, "senderSync") {
                to.retain(|user| *user != message.send_id);
            }
            self.push(&to, pushed(conversation, message)).await;
        }
        Ok(answer)
    }

    /// Who gets a message, the sender among them.
    async fn receivers(&self, message: &MsgData) -> Result<Vec<String>, Failed> {
        match message.session_type {
            SINGLE | NOTIFICATION if message.recv_id.is_empty() => Err(Failed::arguments("recvID is empty")),
            SINGLE | NOTIFICATION => {
                super::check_user(&message.recv_id)
                    .map_err(|why| Failed::arguments(format!("recvID: {why}")))?;
                let mut both = vec![message.send_id.clone(), message.recv_id.clone()];
                both.dedup();
                Ok(both)
            }
            GROUP => {
                let members = self.store.members(&message.group_id).await?;
                if members.is_empty() {
                    return Err(Failed::new(
                        codes::RECORD_NOT_FOUND,
                        "RecordNotFoundError: there is no such group",
                    ));
                }
                if members.binary_search(&message.send_id).is_err() {
                    return Err(Failed::new(
                        codes::NO_PERMISSION,
                        "NoPermissionError: the sender is not in the group",
                    ));
                }
                Ok(members)
            }
            other => Err(Failed::arguments(format!("sessionType {other} is not served"))),
        }
    }
}

/// The push of one message.
fn pushed(conversation: String, message: MsgData) -> crate::hub::Payload {
    let operation = format!("push_{}", message.server_msg_id);
    let notifies = conversation::is_notification(&conversation);
    let pull = PullMsgs { msgs: vec![message], ..PullMsgs::default() };
    let one = BTreeMap::from([(conversation, pull)]);
    let push = if notifies {
        PushMessages { notification_msgs: one, ..PushMessages::default() }
    } else {
        PushMessages { msgs: one, ..PushMessages::default() }
    };
    Outgoing::payload(Response::push(envelope::PUSH_MSG, &operation, push.encode_to_vec()), true)
}
