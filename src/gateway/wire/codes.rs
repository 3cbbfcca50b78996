//! Error codes, and the refusal of a connection.
//!
//! Names and numbers are those of OpenIM's `pkg/common/servererrs` and of its library of tools (`errs`).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::WireError;
use super::json::{or_empty, read};

macro_rules! codes {
    ($($(#[$about:meta])* $constant:ident = $code:literal, $name:literal;)*) => {
        $($(#[$about])* pub const $constant: i64 = $code;)*

        /// OpenIM's message for a code, which is a name in nearly all cases.
        ///
        /// ```
        /// use turnstile::gateway::wire::codes;
        ///
        /// assert_eq!(codes::name(codes::TOKEN_KICKED), Some("TokenKickedError"));
        /// assert_eq!(codes::name(7), None);
        /// ```
        pub fn name(code: i64) -> Option<&'static str> {
            match code {
                $($constant => Some($name),)*
                _ => None,
            }
        }
    };
}

codes! {
    /// Something failed that has no code of its own.
    SERVER_INTERNAL = 500, "ServerInternalError";
    /// A request's arguments are wrong.
    ARGS = 1001, "ArgsError";
    /// The user may not do this.
    NO_PERMISSION = 1002, "NoPermissionError";
    /// What was asked for does not exist.
    RECORD_NOT_FOUND = 1004, "RecordNotFoundError";
    /// The receiver has blocked the sender.
    BLOCKED_BY_PEER = 1302, "BlockedByPeer";
    /// The token's time is over; the SDK asks the app for a new one.
    TOKEN_EXPIRED = 1501, "TokenExpiredError";
    /// The token is of another user or platform.
    TOKEN_INVALID = 1502, "TokenInvalidError";
    /// What should be a token cannot be read as one.
    TOKEN_MALFORMED = 1503, "TokenMalformedError";
    /// The token's time has not come.
    TOKEN_NOT_VALID_YET = 1504, "TokenNotValidYetError";
    /// Anything else is wrong with the token, as its signature.
    TOKEN_UNKNOWN = 1505, "TokenUnknownError";
    /// The token was good until another login took its place.
    TOKEN_KICKED = 1506, "TokenKickedError";
    /// The token is well signed but was not issued here.
    TOKEN_NOT_EXIST = 1507, "TokenNotExistError";
    /// The gateway has as many connections as it may.
    CONN_OVER_MAX_NUM_LIMIT = 1601, "ConnOverMaxNumLimit";
    /// The arguments of the handshake are wrong.
    CONN_ARGS = 1602, "args err, need token, sendID, platformID";
    /// A message could not be pushed.
    PUSH_MSG = 1603, "push msg err";
    /// A message is not pushed since the app is in the background on iOS.
    IOS_BACKGROUND_PUSH = 1604, "ios background push err";
}

/// Why somebody may not connect: the body of the HTTP answer, or the first frame for those that asked for one.
///
/// ```
/// use turnstile::gateway::wire::codes::{self, Refusal};
///
/// let refusal = Refusal::of(codes::TOKEN_KICKED, "another login of u1 on platform 5");
/// assert_eq!(
///     refusal.to_json(),
///     r#"{"errCode":1506,"errMsg":"TokenKickedError","errDlt":"another login of u1 on platform 5"}"#,
/// );
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// One of this module's constants.
    #[serde(rename = "errCode", default, deserialize_with = "or_empty")]
    pub code: i64,
    /// Its [`name`].
    #[serde(rename = "errMsg", default, deserialize_with = "or_empty")]
    pub message: String,
    /// What was wrong this time. Short: a client may hand on only the first 1024 bytes.
    #[serde(rename = "errDlt", default, deserialize_with = "or_empty")]
    pub detail: String,
}

impl Refusal {
    /// With the code's own message.
    pub fn of(code: i64, detail: impl Into<String>) -> Refusal {
        Refusal { code, message: name(code).unwrap_or_default().to_owned(), detail: detail.into() }
    }

    /// The JSON that is sent.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers can be written as JSON")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code, self.message, self.detail)
    }
}

impl std::error::Error for Refusal {}

/// The first frame to somebody who may connect and asked to be told (`isMsgResp=true`).
pub const SUCCESS: &str = r#"{"errCode":0,"errMsg":"","errDlt":""}"#;

/// What a client learns from the first frame that it asked for.
///
/// ```
/// use turnstile::gateway::wire::codes::{self, SUCCESS, first_frame};
///
/// assert_eq!(first_frame(SUCCESS), Ok(Ok(())));
/// let refused = first_frame(r#"{"errCode":1501,"errMsg":"TokenExpiredError","errDlt":""}"#).unwrap();
/// assert_eq!(refused.unwrap_err().code, codes::TOKEN_EXPIRED);
/// ```
pub fn first_frame(text: &str) -> Result<Result<(), Refusal>, WireError> {
    let refusal: Refusal = read(text.as_bytes())?;
    Ok(if refusal.code == 0 { Ok(()) } else { Err(refusal) })
}
