//! A store in front of another, that counts what fails and how long appending takes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::{
    Answer, Appended, ConversationState, Group, NewMessage, NewToken, Profile, Range, Store, Stored,
    TokenRow, TokenState, Why,
};
use crate::gateway::counts::{Count, Counts};

/// Answers as `store` does, and counts.
pub(in crate::gateway) struct Counting {
    store: Arc<dyn Store>,
    counts: Arc<Counts>,
}

impl Counting {
    pub(in crate::gateway) fn new(store: Arc<dyn Store>, counts: Arc<Counts>) -> Counting {
        Counting { store, counts }
    }

    fn counted<T: Send + 'static>(&self, answer: Answer<T>) -> Answer<T> {
        let counts = self.counts.clone();
        Box::pin(async move {
            let answered = answer.await;
            // That there is no such thing, or that there is one, is an answer.
            if let Err(why) = &answered
                && !matches!(why.why, Why::Absent | Why::Exists)
            {
                counts.add(Count::StoreErrors);
            }
            answered
        })
    }
}

impl Store for Counting {
    fn append(&self, message: NewMessage) -> Answer<Appended> {
        let (counts, answer) = (self.counts.clone(), self.counted(self.store.append(message)));
        Box::pin(async move {
            let began = Instant::now();
            let answered = answer.await;
            if let Ok(appended) = &answered {
                counts.appending.add(began.elapsed());
                counts.add_many(Count::Stored, usize::from(appended.fresh));
            }
            answered
        })
    }

    fn conversations(&self, user: &str) -> Answer<Vec<ConversationState>> {
        self.counted(self.store.conversations(user))
    }

    fn range(&self, user: &str, conversation: &str, range: Range) -> Answer<Vec<Stored>> {
        self.counted(self.store.range(user, conversation, range))
    }

    fn by_seqs(&self, user: &str, conversation: &str, seqs: Vec<i64>) -> Answer<Vec<Stored>> {
        self.counted(self.store.by_seqs(user, conversation, seqs))
    }

    fn last(&self, user: &str, conversations: Vec<String>) -> Answer<BTreeMap<String, Stored>> {
        self.counted(self.store.last(user, conversations))
    }

    fn mark_read(&self, user: &str, conversation: &str, seq: i64) -> Answer<i64> {
        self.counted(self.store.mark_read(user, conversation, seq))
    }

    fn user(&self, id: &str) -> Answer<Option<Profile>> {
        self.counted(self.store.user(id))
    }

    fn users(&self, ids: Vec<String>) -> Answer<Vec<Profile>> {
        self.counted(self.store.users(ids))
    }

    fn put_user(&self, profile: Profile) -> Answer<()> {
        self.counted(self.store.put_user(profile))
    }

    fn user_number(&self, id: &str) -> Answer<u32> {
        self.counted(self.store.user_number(id))
    }

    fn create_group(&self, id: &str, owner: &str, members: Vec<String>) -> Answer<()> {
        self.counted(self.store.create_group(id, owner, members))
    }

    fn add_members(&self, group: &str, members: Vec<String>) -> Answer<()> {
        self.counted(self.store.add_members(group, members))
    }

    fn remove_members(&self, group: &str, members: Vec<String>) -> Answer<()> {
        self.counted(self.store.remove_members(group, members))
    }

    fn group(&self, id: &str) -> Answer<Option<Group>> {
        self.counted(self.store.group(id))
    }

    fn members(&self, group: &str) -> Answer<Vec<String>> {
        self.counted(self.store.members(group))
    }

    fn groups_of(&self, user: &str) -> Answer<Vec<String>> {
        self.counted(self.store.groups_of(user))
    }

    fn issue(&self, digest: [u8; 32], token: NewToken) -> Answer<u32> {
        self.counted(self.store.issue(digest, token))
    }

    fn token(&self, digest: [u8; 32]) -> Answer<Option<TokenRow>> {
        self.counted(self.store.token(digest))
    }

    fn tokens_of(&self, user: &str) -> Answer<Vec<TokenRow>> {
        self.counted(self.store.tokens_of(user))
    }

    fn set_token_state(&self, numbers: Vec<u32>, state: TokenState) -> Answer<()> {
        self.counted(self.store.set_token_state(numbers, state))
    }

    fn purge_tokens(&self, now: i64) -> Answer<u64> {
        self.counted(self.store.purge_tokens(now))
    }

    fn health(&self) -> Answer<()> {
        self.counted(self.store.health())
    }

    fn close(&self) -> Answer<()> {
        self.store.close()
    }
}
