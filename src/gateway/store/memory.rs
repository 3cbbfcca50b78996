//! A store in memory, which forgets everything at its end: the plain form of what a [`Store`] promises.
//!
//! For tests and trials, and to compare a real store with.
//!
//! ```
//! use turnstile::gateway::store::{Profile, Store, memory::Memory};
//!
//! let store = Memory::default();
//! let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! tokio.block_on(async {
//!     let alice = Profile { user_id: "alice".to_owned(), ..Profile::default() };
//!     store.put_user(alice.clone()).await.unwrap();
//!     assert_eq!(store.user("alice").await, Ok(Some(alice)));
//! });
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::{
    Answer, Appended, ConversationState, Fate, Group, NewMessage, NewToken, Profile, Range, Store,
    StoreError, Stored, TokenRow, TokenState, Why, group_conversations, send_time, server_msg_id,
};

/// The store in memory.
#[derive(Debug, Default)]
pub struct Memory(Arc<Mutex<Tables>>);

#[derive(Debug, Default)]
struct Tables {
    closed: bool,
    /// The message of seq `n` is at `n - 1`.
    conversations: BTreeMap<String, Vec<Message>>,
    /// By user, then by conversation.
    parts: BTreeMap<String, BTreeMap<String, Part>>,
    profiles: BTreeMap<String, Profile>,
    numbers: BTreeMap<String, u32>,
    groups: BTreeMap<String, Group>,
    members: BTreeMap<String, BTreeSet<String>>,
    tokens: BTreeMap<u32, ([u8; 32], TokenRow)>,
    issued: u32,
}

#[derive(Debug)]
struct Message {
    sender: String,
    client_msg_id: String,
    stored: Stored,
}

#[derive(Debug)]
struct Part {
    min_seq: i64,
    has_read_seq: i64,
}

/// Why a request fails.
type Refusal = (Why, &'static str);

impl Memory {
    fn ask<T: 'static>(
        &self,
        tried: String,
        act: impl FnOnce(&mut Tables) -> Result<T, Refusal> + Send + 'static,
    ) -> Answer<T> {
        let tables = Arc::clone(&self.0);
        Box::pin(async move {
            let mut tables = tables.lock().unwrap_or_else(PoisonError::into_inner);
            let done =
                if tables.closed { Err((Why::Closed, "the store is closed")) } else { act(&mut tables) };
            done.map_err(|(why, detail)| StoreError::new(tried, why, Fate::NotStored, detail))
        })
    }
}

impl Tables {
    fn max_seq(&self, conversation: &str) -> i64 {
        self.conversations.get(conversation).map_or(0, |messages| messages.len() as i64)
    }

    fn take_part(&mut self, user: &str, conversation: &str, min_seq: i64) {
        let parts = self.parts.entry(user.to_owned()).or_default();
        parts.entry(conversation.to_owned()).or_insert(Part { min_seq, has_read_seq: 0 });
    }

    fn part(&mut self, user: &str, conversation: &str) -> Option<&mut Part> {
        self.parts.get_mut(user)?.get_mut(conversation)
    }

    fn append(&mut self, new: NewMessage) -> Appended {
        let messages = self.conversations.entry(new.conversation.clone()).or_default();
        let same = |m: &&Message| m.sender == new.sender && m.client_msg_id == new.client_msg_id;
        let first = messages.iter().find(same).filter(|_| !new.client_msg_id.is_empty());
        if let Some(Message { stored, .. }) = first {
            let (server_msg_id, send_time) = (stored.server_msg_id.clone(), stored.send_time);
            return Appended { seq: stored.seq, server_msg_id, send_time, fresh: false };
        }
        let seq = messages.len() as i64 + 1;
        let (server_msg_id, send_time) = (server_msg_id(&new.conversation, seq), send_time(new.send_time));
        messages.push(Message {
            sender: new.sender.clone(),
            client_msg_id: new.client_msg_id,
            stored: Stored { seq, server_msg_id: server_msg_id.clone(), send_time, data: new.data },
        });
        for member in &new.members {
            self.take_part(member, &new.conversation, seq);
        }
        if let Some(part) = self.part(&new.sender, &new.conversation) {
            part.has_read_seq = seq;
        }
        Appended { seq, server_msg_id, send_time, fresh: true }
    }

    fn conversations(&self, user: &str) -> Vec<ConversationState> {
        let parts = self.parts.get(user).into_iter().flatten();
        let state = |(id, part): (&String, &Part)| {
            let newest = self.conversations.get(id)?.last()?;
            Some(ConversationState {
                id: id.clone(),
                max_seq: newest.stored.seq,
                min_seq: part.min_seq,
                has_read_seq: part.has_read_seq,
                max_seq_time: newest.stored.send_time,
            })
        };
        parts.filter_map(state).collect()
    }

    /// The messages that a user may see, in rising order.
    fn seen<'a>(
        &'a self,
        user: &str,
        conversation: &str,
    ) -> impl DoubleEndedIterator<Item = &'a Stored> + use<'a> {
        let min = self.parts.get(user).and_then(|parts| parts.get(conversation)).map(|part| part.min_seq);
        let messages = self.conversations.get(conversation).into_iter().flatten().map(|m| &m.stored);
        messages.filter(move |stored| min.is_some_and(|min| stored.seq >= min))
    }

    fn range(&self, user: &str, conversation: &str, range: Range) -> Vec<Stored> {
        let within = self
            .seen(user, conversation)
            .filter(|stored| range.begin <= stored.seq && stored.seq <= range.end)
            .cloned();
        let limit = range.limit as usize;
        if range.newest_first { within.rev().take(limit).collect() } else { within.take(limit).collect() }
    }

    fn mark_read(&mut self, user: &str, conversation: &str, seq: i64) -> i64 {
        let max = self.max_seq(conversation);
        let Some(part) = self.part(user, conversation) else { return 0 };
        part.has_read_seq = part.has_read_seq.max(seq.min(max));
        part.has_read_seq
    }

    fn join(&mut self, group: &str, members: Vec<String>) -> Result<(), Refusal> {
        self.existing(group)?;
        for member in members {
            if self.members.entry(group.to_owned()).or_default().insert(member.clone()) {
                for room in group_conversations(group) {
                    self.take_part(&member, &room, self.max_seq(&room) + 1);
                }
            }
        }
        Ok(())
    }

    fn leave(&mut self, group: &str, members: &[String]) -> Result<(), Refusal> {
        self.existing(group)?;
        for member in members {
            if self.members.get_mut(group).is_some_and(|all| all.remove(member)) {
                let parts = self.parts.entry(member.clone()).or_default();
                for room in group_conversations(group) {
                    parts.remove(&room);
                }
            }
        }
        Ok(())
    }

    fn existing(&self, group: &str) -> Result<(), Refusal> {
        if self.groups.contains_key(group) { Ok(()) } else { Err((Why::Absent, "there is no such group")) }
    }

    fn issue(&mut self, digest: [u8; 32], new: NewToken) -> u32 {
        if let Some((_, row)) = self.tokens.values_mut().find(|(known, _)| *known == digest) {
            row.state = TokenState::Normal;
            return row.number;
        }
        self.issued += 1;
        let number = self.issued;
        let NewToken { user, platform_id, expires_at } = new;
        let row = TokenRow { number, user, platform_id, state: TokenState::Normal, expires_at };
        self.tokens.insert(number, (digest, row));
        number
    }
}

impl Store for Memory {
    fn append(&self, message: NewMessage) -> Answer<Appended> {
        let tried = format!("append a message to {}", message.conversation);
        self.ask(tried, |tables| Ok(tables.append(message)))
    }

    fn conversations(&self, user: &str) -> Answer<Vec<ConversationState>> {
        let user = user.to_owned();
        let tried = format!("list the conversations of {user}");
        self.ask(tried, move |tables| Ok(tables.conversations(&user)))
    }

    fn range(&self, user: &str, conversation: &str, range: Range) -> Answer<Vec<Stored>> {
        let (user, id) = (user.to_owned(), conversation.to_owned());
        self.ask(format!("read messages of {id}"), move |tables| Ok(tables.range(&user, &id, range)))
    }

    fn by_seqs(&self, user: &str, conversation: &str, seqs: Vec<i64>) -> Answer<Vec<Stored>> {
        let (user, id) = (user.to_owned(), conversation.to_owned());
        self.ask(format!("read messages of {id}"), move |tables| {
            let seen = tables.seen(&user, &id);
            Ok(seen.filter(|stored| seqs.contains(&stored.seq)).cloned().collect())
        })
    }

    fn last(&self, user: &str, conversations: Vec<String>) -> Answer<BTreeMap<String, Stored>> {
        let user = user.to_owned();
        self.ask(format!("read the last messages of {user}"), move |tables| {
            let last = |id: String| tables.seen(&user, &id).next_back().cloned().map(|last| (id, last));
            Ok(conversations.into_iter().filter_map(last).collect())
        })
    }

    fn mark_read(&self, user: &str, conversation: &str, seq: i64) -> Answer<i64> {
        let (user, id) = (user.to_owned(), conversation.to_owned());
        let tried = format!("mark {id} as read by {user}");
        self.ask(tried, move |tables| Ok(tables.mark_read(&user, &id, seq)))
    }

    fn user(&self, id: &str) -> Answer<Option<Profile>> {
        let id = id.to_owned();
        self.ask(format!("read the profile of {id}"), move |tables| Ok(tables.profiles.get(&id).cloned()))
    }

    fn users(&self, ids: Vec<String>) -> Answer<Vec<Profile>> {
        self.ask(format!("read {} profiles", ids.len()), move |tables| {
            let once: BTreeSet<String> = ids.into_iter().collect();
            Ok(once.iter().filter_map(|id| tables.profiles.get(id).cloned()).collect())
        })
    }

    fn put_user(&self, profile: Profile) -> Answer<()> {
        self.ask(format!("store the profile of {}", profile.user_id), |tables| {
            tables.profiles.insert(profile.user_id.clone(), profile);
            Ok(())
        })
    }

    fn user_number(&self, id: &str) -> Answer<u32> {
        let id = id.to_owned();
        self.ask(format!("number the user {id}"), move |tables| {
            let next = tables.numbers.len() as u32 + 1;
            Ok(*tables.numbers.entry(id).or_insert(next))
        })
    }

    fn create_group(&self, id: &str, owner: &str, mut members: Vec<String>) -> Answer<()> {
        let (id, owner) = (id.to_owned(), owner.to_owned());
        members.push(owner.clone());
        self.ask(format!("create the group {id}"), move |tables| {
            if tables.groups.contains_key(&id) {
                return Err((Why::Exists, "there is one already"));
            }
            tables.groups.insert(id.clone(), Group { id: id.clone(), owner });
            tables.join(&id, members)
        })
    }

    fn add_members(&self, group: &str, members: Vec<String>) -> Answer<()> {
        let id = group.to_owned();
        self.ask(format!("add members to the group {id}"), move |tables| tables.join(&id, members))
    }

    fn remove_members(&self, group: &str, members: Vec<String>) -> Answer<()> {
        let id = group.to_owned();
        self.ask(format!("remove members from the group {id}"), move |tables| tables.leave(&id, &members))
    }

    fn group(&self, id: &str) -> Answer<Option<Group>> {
        let id = id.to_owned();
        self.ask(format!("read the group {id}"), move |tables| Ok(tables.groups.get(&id).cloned()))
    }

    fn members(&self, group: &str) -> Answer<Vec<String>> {
        let id = group.to_owned();
        self.ask(format!("list the members of {id}"), move |tables| {
            Ok(tables.members.get(&id).into_iter().flatten().cloned().collect())
        })
    }

    fn groups_of(&self, user: &str) -> Answer<Vec<String>> {
        let user = user.to_owned();
        self.ask(format!("list the groups of {user}"), move |tables| {
            let of_user = tables.members.iter().filter(|(_, members)| members.contains(&user));
            Ok(of_user.map(|(group, _)| group.clone()).collect())
        })
    }

    fn issue(&self, digest: [u8; 32], token: NewToken) -> Answer<u32> {
        self.ask(format!("issue a token of {}", token.user), move |tables| Ok(tables.issue(digest, token)))
    }

    fn token(&self, digest: [u8; 32]) -> Answer<Option<TokenRow>> {
        self.ask("look a token up".to_owned(), move |tables| {
            let found = tables.tokens.values().find(|(known, _)| *known == digest);
            Ok(found.map(|(_, row)| row.clone()))
        })
    }

    fn tokens_of(&self, user: &str) -> Answer<Vec<TokenRow>> {
        let user = user.to_owned();
        self.ask(format!("list the tokens of {user}"), move |tables| {
            let rows = tables.tokens.values().map(|(_, row)| row);
            Ok(rows.filter(|row| row.user == user).cloned().collect())
        })
    }

    fn set_token_state(&self, numbers: Vec<u32>, state: TokenState) -> Answer<()> {
        self.ask(format!("set the state of {} tokens", numbers.len()), move |tables| {
            for number in numbers {
                if let Some((_, row)) = tables.tokens.get_mut(&number) {
                    row.state = state;
                }
            }
            Ok(())
        })
    }

    fn purge_tokens(&self, now: i64) -> Answer<u64> {
        self.ask("purge expired tokens".to_owned(), move |tables| {
            let before = tables.tokens.len();
            tables.tokens.retain(|_, (_, row)| row.expires_at > now);
            Ok((before - tables.tokens.len()) as u64)
        })
    }

    fn health(&self) -> Answer<()> {
        self.ask("write to the store".to_owned(), |_| Ok(()))
    }

    fn close(&self) -> Answer<()> {
        let tables = Arc::clone(&self.0);
        Box::pin(async move {
            tables.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
            Ok(())
        })
    }
}
