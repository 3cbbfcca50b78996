//! Which conversation a message belongs to, as of OpenIM's `pkg/msgprocessor/conversation.go`.

use super::proto::sdkws::MsgData;

/// `sessionType` of a chat between two.
pub const SINGLE: i32 = 1;
/// `sessionType` of the older kind of group.
pub const WRITE_GROUP: i32 = 2;
/// `sessionType` of a group.
pub const GROUP: i32 = 3;
/// `sessionType` of what the system tells a user.
pub const NOTIFICATION: i32 = 4;

/// The option that makes a message a notification when it is false.
pub const IS_NOT_NOTIFICATION: &str = "isNotNotification";

/// The ID of a message's conversation; `None` for a `sessionType` that there is not.
///
/// ```
/// use turnstile::gateway::wire::{conversation, proto::sdkws::MsgData};
///
/// let mut message =
///     MsgData { session_type: 1, send_id: "b".into(), recv_id: "a".into(), ..MsgData::default() };
/// assert_eq!(conversation::id(&message).unwrap(), "si_a_b");
/// message.options.insert("isNotNotification".into(), false);
/// assert_eq!(conversation::id(&message).unwrap(), "n_a_b");
/// ```
pub fn id(message: &MsgData) -> Option<String> {
    let (prefix, rest) = match message.session_type {
        SINGLE => ("si", pair(message)),
        WRITE_GROUP => ("g", message.group_id.clone()),
        GROUP => ("sg", message.group_id.clone()),
        NOTIFICATION => ("sn", pair(message)),
        _ => return None,
    };
    let notification = message.options.get(IS_NOT_NOTIFICATION) == Some(&false);
    Some(format!("{}_{rest}", if notification { "n" } else { prefix }))
}

/// Whether its messages are notifications, which have a field of their own in a push.
pub fn is_notification(id: &str) -> bool {
    id.starts_with("n_")
}

/// The two users, ordered bytewise, so that both find the same conversation.
fn pair(message: &MsgData) -> String {
    let (one, other) = (&message.send_id, &message.recv_id);
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    format!("{first}_{second}")
}
