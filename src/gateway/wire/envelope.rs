//! The two envelopes: what a client asks, and what the gateway answers or pushes.
//!
//! They are OpenIM's `Req` and `Resp` (`internal/msggateway/message_handler.go`), the identifiers those of
//! `internal/msggateway/constant.go`. [`gob`](super::gob) and [`json`](super::json) are their two forms in bytes.

use super::Secret;

/// Asks for the newest sequence numbers of the user's conversations.
pub const GET_NEWEST_SEQ: i64 = 1001;
/// Asks for messages by ranges of sequence numbers.
pub const PULL_MSG_BY_SEQ_LIST: i64 = 1002;
/// Sends a message.
pub const SEND_MSG: i64 = 1003;
/// Would send a signalling message; OpenIM has no implementation, and no SDK was seen to use it.
pub const SEND_SIGNAL_MSG: i64 = 1004;
/// Asks for messages by their sequence numbers.
pub const PULL_MSG: i64 = 1005;
/// Asks how far the user has read.
pub const GET_CONV_MAX_READ_SEQ: i64 = 1006;
/// Asks for the last message of conversations.
pub const PULL_CONV_LAST_MESSAGE: i64 = 1007;
/// Pushes a message; from the gateway only.
pub const PUSH_MSG: i64 = 2001;
/// Ends the session since another of the user took its place; from the gateway only.
pub const KICK_ONLINE_MSG: i64 = 2002;
/// Logs out: answered, then the connection is closed.
pub const LOGOUT_MSG: i64 = 2003;
/// Tells that the app went to the background or came back.
pub const SET_BACKGROUND_STATUS: i64 = 2004;
/// Subscribes to the online status of users; from the gateway, the status of one that was subscribed to.
pub const SUB_USER_ONLINE_STATUS: i64 = 2005;

/// OpenIM's name of a request identifier, for logs.
///
/// ```
/// use turnstile::gateway::wire::envelope::{self, name};
///
/// assert_eq!(name(envelope::KICK_ONLINE_MSG), Some("WSKickOnlineMsg"));
/// assert_eq!(name(3001), None);
/// ```
pub fn name(req_identifier: i64) -> Option<&'static str> {
    Some(match req_identifier {
        GET_NEWEST_SEQ => "WSGetNewestSeq",
        PULL_MSG_BY_SEQ_LIST => "WSPullMsgBySeqList",
        SEND_MSG => "WSSendMsg",
        SEND_SIGNAL_MSG => "WSSendSignalMsg",
        PULL_MSG => "WSPullMsg",
        GET_CONV_MAX_READ_SEQ => "WSGetConvMaxReadSeq",
        PULL_CONV_LAST_MESSAGE => "WsPullConvLastMessage",
        PUSH_MSG => "WSPushMsg",
        KICK_ONLINE_MSG => "WSKickOnlineMsg",
        LOGOUT_MSG => "WsLogoutMsg",
        SET_BACKGROUND_STATUS => "WsSetBackgroundStatus",
        SUB_USER_ONLINE_STATUS => "WsSubUserOnlineStatus",
        _ => return None,
    })
}

/// What a client asks.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Request {
    /// What is asked: one of this module's constants.
    pub req_identifier: i64,
    /// The token again. All SDKs leave it empty, and OpenIM does not look at it.
    pub token: Secret,
    /// The user who asks: that of the handshake, or OpenIM closes the connection.
    pub send_id: String,
    /// An ID for tracing, chosen by the client.
    pub operation_id: String,
    /// Pairs the answer with the request; unique on its connection.
    pub msg_incr: String,
    /// The protobuf message that belongs to the identifier.
    pub data: Vec<u8>,
}

impl Request {
    /// The first field that OpenIM requires and that is empty, by its JSON name. It closes the connection on such a
    /// request, without an answer (the `validate:"required"` tags of `Req`).
    ///
    /// ```
    /// use turnstile::gateway::wire::envelope::Request;
    ///
    /// let request = Request { req_identifier: 1001, send_id: "u1".into(), ..Request::default() };
    /// assert_eq!(request.missing(), Some("operationID"));
    /// ```
    pub fn missing(&self) -> Option<&'static str> {
        match () {
            () if self.req_identifier == 0 => Some("reqIdentifier"),
            () if self.send_id.is_empty() => Some("sendID"),
            () if self.operation_id.is_empty() => Some("operationID"),
            () if self.msg_incr.is_empty() => Some("msgIncr"),
            () => None,
        }
    }

    /// The answer that carries `data`.
    pub fn answer(&self, data: Vec<u8>) -> Response {
        Response { data, ..self.refuse(0, "") }
    }

    /// The answer that carries an error, and nothing else.
    pub fn refuse(&self, err_code: i64, err_msg: &str) -> Response {
        Response {
            req_identifier: self.req_identifier,
            msg_incr: self.msg_incr.clone(),
            operation_id: self.operation_id.clone(),
            err_code,
            err_msg: err_msg.to_owned(),
            data: Vec::new(),
        }
    }
}

/// What the gateway answers, or says unasked.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Response {
    /// That of the request, or what is pushed.
    pub req_identifier: i64,
    /// That of the request; empty in what is unasked.
    pub msg_incr: String,
    /// That of the request; in a push its own.
    pub operation_id: String,
    /// 0, or one of [`codes`](super::codes).
    pub err_code: i64,
    /// The error in words.
    pub err_msg: String,
    /// The protobuf message that belongs to the identifier; empty with an error.
    pub data: Vec<u8>,
}

impl Response {
    /// The last thing that a replaced session hears. To be flushed before the connection is closed.
    pub fn kick() -> Response {
        Response { req_identifier: KICK_ONLINE_MSG, ..Response::default() }
    }

    /// Unasked, with data.
    pub fn push(req_identifier: i64, operation_id: &str, data: Vec<u8>) -> Response {
        Response { req_identifier, operation_id: operation_id.to_owned(), data, ..Response::default() }
    }
}
