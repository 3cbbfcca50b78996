//! What must outlive the process: messages, who takes part in what, users, groups and tokens.
//!
//! The gateway knows a [`Store`] only by this trait, as an `Arc<dyn Store>`. [`sqlite`] keeps everything in one folder,
//! [`memory`] for as long as it is there.
//!
//! ```
//! use std::sync::Arc;
//! use turnstile::gateway::store::{NewMessage, Store, memory::Memory};
//!
//! let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! tokio.block_on(async {
//!     let store: Arc<dyn Store> = Arc::new(Memory::default());
//!     let hello = NewMessage {
//!         conversation: "si_alice_bob".to_owned(),
//!         sender: "alice".to_owned(),
//!         client_msg_id: "c1".to_owned(),
//!         members: vec!["alice".to_owned(), "bob".to_owned()],
//!         data: b"hello".to_vec(),
//!         send_time: 0,
//!     };
//!     let first = store.append(hello.clone()).await.unwrap();
//!     let again = store.append(hello).await.unwrap();
//!     assert_eq!((first.seq, first.fresh), (1, true));
//!     assert_eq!((again.seq, again.fresh), (1, false));
//!     assert_eq!(store.conversations("bob").await.unwrap()[0].max_seq, 1);
//! });
//! ```

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::{SystemTime, UNIX_EPOCH};

mod counting;
mod error;
pub mod memory;
pub mod sqlite;

pub(super) use counting::Counting;
pub use error::{Fate, StoreError, Why};

/// What a store gives back: a future that owns all it needs, and does nothing until it is polled.
///
/// A future dropped halfway may or may not have stored something.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// Keeps what must outlive the process.
///
/// An answer to a request that changes something comes only when the change is durable, and every read that is asked
/// after it sees the change.
///
/// A user sees a conversation by having a part in it: as one of [`NewMessage::members`], or as a member of a group, which
/// gives a part in the two [`group_conversations`]. Without a part every read answers as if there were nothing.
pub trait Store: Send + Sync + 'static {
    /// Stores a message under the next seq of its conversation; seqs run from 1 without gaps.
    ///
    /// A repeat of (conversation, sender, client message ID) stores nothing and returns what the first returned, with
    /// `fresh` false. The sender, if it has a part in the conversation, has thereby read up to its own message.
    fn append(&self, message: NewMessage) -> Answer<Appended>;

    /// All conversations that `user` has a part in and in which there is a message, by ID.
    fn conversations(&self, user: &str) -> Answer<Vec<ConversationState>>;

    /// Messages with `begin <= seq <= end` that `user` may see, at most `limit` of them: the oldest in rising order, or the
    /// newest in falling order.
    fn range(&self, user: &str, conversation: &str, range: Range) -> Answer<Vec<Stored>>;

    /// Those of the messages `seqs` that exist and that `user` may see, in rising order, each once.
    fn by_seqs(&self, user: &str, conversation: &str, seqs: Vec<i64>) -> Answer<Vec<Stored>>;

    /// The newest message that `user` may see, for each of `conversations` that has one.
    fn last(&self, user: &str, conversations: Vec<String>) -> Answer<BTreeMap<String, Stored>>;

    /// Says that `user` has read up to `seq`, and answers with the seq up to which it has read now: never less than
    /// before, never past the newest message, 0 without a part in the conversation.
    fn mark_read(&self, user: &str, conversation: &str, seq: i64) -> Answer<i64>;

    /// The profile of a user, if one was put.
    fn user(&self, id: &str) -> Answer<Option<Profile>>;

    /// Those of the profiles that were put, by user ID, each once.
    fn users(&self, ids: Vec<String>) -> Answer<Vec<Profile>>;

    /// Creates or replaces the profile of a user.
    fn put_user(&self, profile: Profile) -> Answer<()>;

    /// The number of a user, from 1: given at the first question, the same ever after.
    fn user_number(&self, id: &str) -> Answer<u32>;

    /// Creates a group; its owner is a member too. [`Why::Exists`] if there is one of that ID.
    fn create_group(&self, id: &str, owner: &str, members: Vec<String>) -> Answer<()>;

    /// Adds members, who see what is said from now on. Who is a member already stays one, with all it sees.
    /// [`Why::Absent`] if there is no such group.
    fn add_members(&self, group: &str, members: Vec<String>) -> Answer<()>;

    /// Takes members out: they see nothing of the group any more. [`Why::Absent`] if there is no such group.
    fn remove_members(&self, group: &str, members: Vec<String>) -> Answer<()>;

    /// A group, if there is one of that ID.
    fn group(&self, id: &str) -> Answer<Option<Group>>;

    /// The members of a group in the order of their IDs; none if there is no such group.
    fn members(&self, group: &str) -> Answer<Vec<String>>;

    /// The groups that a user is a member of, in the order of their IDs.
    fn groups_of(&self, user: &str) -> Answer<Vec<String>>;

    /// Remembers a token by its SHA-256 digest and gives it a number, greater than all before.
    ///
    /// The same digest again is the same token: it keeps its number and is [`TokenState::Normal`] again.
    fn issue(&self, digest: [u8; 32], token: NewToken) -> Answer<u32>;

    /// The token of that digest, if it was issued and not purged.
    fn token(&self, digest: [u8; 32]) -> Answer<Option<TokenRow>>;

    /// All tokens of a user in the order of their numbers.
    fn tokens_of(&self, user: &str) -> Answer<Vec<TokenRow>>;

    /// Sets the state of tokens by their numbers; numbers that are not known are passed over.
    fn set_token_state(&self, numbers: Vec<u32>, state: TokenState) -> Answer<()>;

    /// Forgets the tokens that expire at `now` (seconds since 1970) or before, and answers how many.
    fn purge_tokens(&self, now: i64) -> Answer<u64>;

    /// Whether the store can write and read at this moment.
    fn health(&self) -> Answer<()>;

    /// Ends the store: what was handed over before is done and answered, what comes after is [`Why::Closed`].
    fn close(&self) -> Answer<()>;
}

/// A message to append.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewMessage {
    /// The ID of its conversation, as in `si_alice_bob`.
    pub conversation: String,
    /// The user who sends it.
    pub sender: String,
    /// The sender's ID of it, by which a repeat is known. The empty one is always new.
    pub client_msg_id: String,
    /// Users who from this message on have a part in the conversation. Empty for groups.
    pub members: Vec<String>,
    /// The protobuf `MsgData`, without what the store decides: seq, server message ID and, if it was 0, send time.
    pub data: Vec<u8>,
    /// When it was sent, in milliseconds since 1970; 0 is now.
    pub send_time: i64,
}

/// What the store decided about an appended message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its number in the conversation.
    pub seq: i64,
    /// The server's ID of it, see [`server_msg_id`].
    pub server_msg_id: String,
    /// When it was sent, in milliseconds since 1970.
    pub send_time: i64,
    /// Whether it was stored by this request; false for a repeat.
    pub fresh: bool,
}

/// A stored message. The columns beside `data` are the truth: `data` does not know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its number in the conversation.
    pub seq: i64,
    /// The server's ID of it.
    pub server_msg_id: String,
    /// When it was sent, in milliseconds since 1970.
    pub send_time: i64,
    /// The bytes of [`NewMessage::data`].
    pub data: Vec<u8>,
}

/// A conversation as one user has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationState {
    /// The ID of the conversation.
    pub id: String,
    /// The seq of the newest message.
    pub max_seq: i64,
    /// The first seq that the user may see; past `max_seq` while there is none.
    pub min_seq: i64,
    /// The seq up to which the user has read; 0 is nothing.
    pub has_read_seq: i64,
    /// The send time of the newest message.
    pub max_seq_time: i64,
}

/// Which messages of a conversation, and from which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first seq.
    pub begin: i64,
    /// The last seq, included.
    pub end: i64,
    /// How many at most.
    pub limit: u32,
    /// From the newest down, rather than from the oldest up.
    pub newest_first: bool,
}

/// What others see of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The user's ID.
    pub user_id: String,
    /// The name that is shown.
    pub nickname: String,
    /// Where the picture is.
    pub face_url: String,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its ID.
    pub id: String,
    /// The user who created it.
    pub owner: String,
}

/// A token to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Whose it is.
    pub user: String,
    /// The platform it is for.
    pub platform_id: i32,
    /// When it expires, in seconds since 1970.
    pub expires_at: i64,
}

/// A remembered token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Its number: a later token has a greater one.
    pub number: u32,
    /// Whose it is.
    pub user: String,
    /// The platform it is for.
    pub platform_id: i32,
    /// Whether it may still be used.
    pub state: TokenState,
    /// When it expires, in seconds since 1970.
    pub expires_at: i64,
}

/// Whether a token may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenState {
    /// It may.
    Normal = 0,
    /// A login elsewhere took its place.
    Kicked = 2,
}

/// The conversations of a group: what is said, and notifications.
///
/// ```
/// use turnstile::gateway::store::group_conversations;
///
/// assert_eq!(group_conversations("rig"), ["sg_rig", "n_rig"]);
/// ```
pub fn group_conversations(group: &str) -> [String; 2] {
    [format!("sg_{group}"), format!("n_{group}")]
}

/// The server's ID of a message: 32 hexadecimal digits that follow from where it is stored, so that none is ever given twice.
///
/// ```
/// use turnstile::gateway::store::server_msg_id;
///
/// assert_eq!(server_msg_id("si_alice_bob", 1), server_msg_id("si_alice_bob", 1));
/// assert_ne!(server_msg_id("si_alice_bob", 1), server_msg_id("si_alice_bob", 2));
/// ```
pub fn server_msg_id(conversation: &str, seq: i64) -> String {
    // FNV-1a of 128 bits: short, known, and the same on every machine.
    let bytes = seq.to_be_bytes().into_iter().chain(conversation.bytes());
    let hash = bytes.fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    format!("{hash:032x}")
}

/// The send time of a message: what its sender says, or now.
fn send_time(said: i64) -> i64 {
    if said != 0 {
        return said;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
