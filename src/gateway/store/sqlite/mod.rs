//! A store in one folder: SQLite, with one writer whose commits carry many requests.
//!
//! ```
//! use turnstile::gateway::store::{Store, sqlite::{Settings, Sqlite}};
//!
//! let folder = tempfile::tempdir().unwrap();
//! let store = Sqlite::open(&Settings::server(folder.path())).unwrap();
//! let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! assert_eq!(tokio.block_on(store.user_number("alice")), Ok(1));
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;

use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::{mpsc, oneshot};

use super::{
    Answer, Appended, ConversationState, Fate, Group, NewMessage, NewToken, Profile, Range, Store,
    StoreError, Stored, TokenRow, TokenState, Why, group_conversations, send_time, server_msg_id,
};

mod failure;
mod open;
mod work;

pub use open::Settings;
use work::{Job, Order, Refusal};

type Done<T> = Result<T, Refusal>;

/// The store in a folder.
#[derive(Debug)]
pub struct Sqlite {
    writes: mpsc::Sender<Order>,
    reads: mpsc::Sender<Order>,
    readers: usize,
}

impl Sqlite {
    /// Opens the store of a folder, and creates it if there is none.
    ///
    /// # Errors
    /// [`Why::InUse`] if another server holds the folder, [`Why::Newer`] if a newer version wrote it, else what the
    /// folder, the disk or SQLite objects to.
    pub fn open(settings: &Settings) -> Result<Sqlite, StoreError> {
        let lock = settings.prepare()?;
        let (writes, orders) = mpsc::channel(settings.queue.max(1));
        let writer = settings.connect()?;
        thread::spawn(move || {
            // Held as long as anything may be written.
            let _lock = lock;
            work::write(writer, orders);
        });
        let (reads, orders) = mpsc::channel(settings.queue.max(1));
        let orders = Arc::new(Mutex::new(orders));
        let readers = settings.readers.max(1);
        for _ in 0..readers {
            let (reader, orders) = (settings.connect()?, Arc::clone(&orders));
            thread::spawn(move || work::read(reader, orders));
        }
        Ok(Sqlite { writes, reads, readers })
    }

    fn write<T: Send + 'static>(
        &self,
        tried: String,
        act: impl FnMut(&Connection) -> Done<T> + Send + 'static,
    ) -> Answer<T> {
        hand_over(self.writes.clone(), tried, Fate::Unknown, act)
    }

    fn read<T: Send + 'static>(
        &self,
        tried: String,
        act: impl FnMut(&Connection) -> Done<T> + Send + 'static,
    ) -> Answer<T> {
        hand_over(self.reads.clone(), tried, Fate::NotStored, act)
    }
}

fn hand_over<T: Send + 'static>(
    to: mpsc::Sender<Order>,
    tried: String,
    lost: Fate,
    act: impl FnMut(&Connection) -> Done<T> + Send + 'static,
) -> Answer<T> {
    Box::pin(async move {
        let (reply, answer) = oneshot::channel();
        let closed = StoreError::new(tried.clone(), Why::Closed, Fate::NotStored, "the store is closed");
        if to.send(Order::Do(Box::new(Job { tried, act, result: None, reply }))).await.is_err() {
            return Err(closed);
        }
        answer.await.unwrap_or_else(|_| Err(StoreError { fate: lost, ..closed }))
    })
}

fn rows<T>(
    on: &Connection,
    sql: &str,
    with: impl rusqlite::Params,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Done<Vec<T>> {
    Ok(on.prepare_cached(sql)?.query_map(with, row)?.collect::<Result<_, _>>()?)
}

fn one<T>(
    on: &Connection,
    sql: &str,
    with: impl rusqlite::Params,
    row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Done<Option<T>> {
    Ok(on.prepare_cached(sql)?.query_row(with, row).optional()?)
}

fn run(on: &Connection, sql: &str, with: impl rusqlite::Params) -> Done<usize> {
    Ok(on.prepare_cached(sql)?.execute(with)?)
}

/// The number and the newest seq of a conversation, which is created if need be.
fn conversation(on: &Connection, id: &str) -> Done<(i64, i64)> {
    let find = "SELECT number, max_seq FROM conversation WHERE id = ?";
    let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    if let Some(found) = one(on, find, [id], pair)? {
        return Ok(found);
    }
    run(on, "INSERT INTO conversation(id) VALUES (?)", [id])?;
    Ok((on.last_insert_rowid(), 0))
}

fn take_part(on: &Connection, user: &str, conversation: i64, from: i64) -> Done<usize> {
    let sql = "INSERT OR IGNORE INTO part(user, conversation, min_seq) VALUES (?, ?, ?)";
    run(on, sql, params![user, conversation, from])
}

/// What the first of a repeated message was answered; none if this is the first.
fn repeated(on: &Connection, message: &NewMessage) -> Done<Option<Appended>> {
    let NewMessage { conversation, sender, client_msg_id, .. } = message;
    if client_msg_id.is_empty() {
        return Ok(None);
    }
    let sql = "SELECT m.seq, m.send_time FROM message m JOIN conversation c ON c.number = m.conversation
        WHERE c.id = ? AND m.sender = ? AND m.client_msg_id = ? AND m.client_msg_id <> ''";
    one(on, sql, [conversation, sender, client_msg_id], |row| {
        let seq = row.get(0)?;
        let server_msg_id = server_msg_id(conversation, seq);
        Ok(Appended { seq, server_msg_id, send_time: row.get(1)?, fresh: false })
    })
}

fn append(on: &Connection, message: &NewMessage) -> Done<Appended> {
    if let Some(first) = repeated(on, message)? {
        return Ok(first);
    }
    let (number, max_seq) = conversation(on, &message.conversation)?;
    let (seq, at) = (max_seq + 1, send_time(message.send_time));
    run(
        on,
        "INSERT INTO message(conversation, seq, sender, client_msg_id, send_time, data) VALUES (?, ?, ?, ?, ?, ?)",
        params![number, seq, message.sender, message.client_msg_id, at, message.data],
    )?;
    run(
        on,
        "UPDATE conversation SET max_seq = ?, max_seq_time = ? WHERE number = ?",
        params![seq, at, number],
    )?;
    for member in &message.members {
        take_part(on, member, number, seq)?;
    }
    let read = "UPDATE part SET has_read_seq = ? WHERE user = ? AND conversation = ?";
    run(on, read, params![seq, message.sender, number])?;
    let server_msg_id = server_msg_id(&message.conversation, seq);
    Ok(Appended { seq, server_msg_id, send_time: at, fresh: true })
}

/// The number and newest seq of a conversation and the first seq that the user may see, if it has a part.
fn seen(on: &Connection, user: &str, conversation: &str) -> Done<Option<(i64, i64, i64)>> {
    let sql =
        "SELECT c.number, c.max_seq, p.min_seq FROM conversation c JOIN part p ON p.conversation = c.number
        WHERE p.user = ? AND c.id = ?";
    one(on, sql, [user, conversation], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

fn range(on: &Connection, user: &str, conversation: &str, range: Range) -> Done<Vec<Stored>> {
    let Some((number, _, min)) = seen(on, user, conversation)? else { return Ok(Vec::new()) };
    let sql = match range.newest_first {
        false => {
            "SELECT seq, send_time, data FROM message WHERE conversation = ? AND seq BETWEEN ? AND ?
             ORDER BY seq LIMIT ?"
        }
        true => {
            "SELECT seq, send_time, data FROM message WHERE conversation = ? AND seq BETWEEN ? AND ?
             ORDER BY seq DESC LIMIT ?"
        }
    };
    rows(on, sql, params![number, range.begin.max(min), range.end, range.limit], |row| {
        let seq = row.get(0)?;
        let server_msg_id = server_msg_id(conversation, seq);
        Ok(Stored { seq, server_msg_id, send_time: row.get(1)?, data: row.get(2)? })
    })
}

fn by_seqs(on: &Connection, user: &str, conversation: &str, seqs: &mut Vec<i64>) -> Done<Vec<Stored>> {
    seqs.sort_unstable();
    seqs.dedup();
    let mut found = Vec::new();
    for &seq in &*seqs {
        found.extend(range(
            on,
            user,
            conversation,
            Range { begin: seq, end: seq, limit: 1, newest_first: false },
        )?);
    }
    Ok(found)
}

fn mark_read(on: &Connection, user: &str, conversation: &str, seq: i64) -> Done<i64> {
    let Some((number, max, _)) = seen(on, user, conversation)? else { return Ok(0) };
    let sql = "UPDATE part SET has_read_seq = max(has_read_seq, ?) WHERE user = ? AND conversation = ?
        RETURNING has_read_seq";
    let read = one(on, sql, params![seq.min(max), user, number], |row| row.get(0))?;
    Ok(read.unwrap_or(0))
}

fn join(on: &Connection, group: &str, members: &[String]) -> Done<()> {
    let rooms = group_conversations(group);
    for member in members {
        if run(on, "INSERT OR IGNORE INTO member(team, user) VALUES (?, ?)", [group, member])? == 1 {
            for room in &rooms {
                let (number, max_seq) = conversation(on, room)?;
                take_part(on, member, number, max_seq + 1)?;
            }
        }
    }
    Ok(())
}

fn leave(on: &Connection, group: &str, members: &[String]) -> Done<()> {
    let rooms = group_conversations(group);
    for member in members {
        if run(on, "DELETE FROM member WHERE team = ? AND user = ?", [group, member])? == 1 {
            for room in &rooms {
                let (number, _) = conversation(on, room)?;
                run(on, "DELETE FROM part WHERE user = ? AND conversation = ?", params![member, number])?;
            }
        }
    }
    Ok(())
}

fn group(on: &Connection, id: &str) -> Done<Option<Group>> {
    one(on, "SELECT id, owner FROM team WHERE id = ?", [id], |row| {
        Ok(Group { id: row.get(0)?, owner: row.get(1)? })
    })
}

fn existing(on: &Connection, id: &str) -> Done<()> {
    group(on, id)?.map(|_| ()).ok_or(Refusal::Because(Why::Absent, "there is no such group"))
}

fn profile(on: &Connection, id: &str) -> Done<Option<Profile>> {
    one(on, "SELECT user, nickname, face_url FROM profile WHERE user = ?", [id], |row| {
        Ok(Profile { user_id: row.get(0)?, nickname: row.get(1)?, face_url: row.get(2)? })
    })
}

fn token_row(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    let state = if row.get::<_, i64>(3)? == 0 { TokenState::Normal } else { TokenState::Kicked };
    let (number, user, platform_id) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(TokenRow { number, user, platform_id, state, expires_at: row.get(4)? })
}

impl Store for Sqlite {
    fn append(&self, message: NewMessage) -> Answer<Appended> {
        let tried = format!("append a message to {}", message.conversation);
        let message = Arc::new(message);
        let repeat = Arc::clone(&message);
        let first = self.read(tried.clone(), move |on| repeated(on, &repeat));
        let stored = self.write(tried, move |on| append(on, &message));
        Box::pin(async move {
            match stored.await {
                // A repeat is answered also when nothing can be written, or whoever sent it would send it on and on.
                Err(error) if error.fate == Fate::NotStored => first.await.ok().flatten().ok_or(error),
                done => done,
            }
        })
    }

    fn conversations(&self, user: &str) -> Answer<Vec<ConversationState>> {
        let user = user.to_owned();
        self.read(format!("list the conversations of {user}"), move |on| {
            let sql = "SELECT c.id, c.max_seq, p.min_seq, p.has_read_seq, c.max_seq_time
                FROM part p JOIN conversation c ON c.number = p.conversation
                WHERE p.user = ? AND c.max_seq > 0 ORDER BY c.id";
            rows(on, sql, [&user], |row| {
                let (id, max_seq, min_seq) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let (has_read_seq, max_seq_time) = (row.get(3)?, row.get(4)?);
                Ok(ConversationState { id, max_seq, min_seq, has_read_seq, max_seq_time })
            })
        })
    }

    fn range(&self, user: &str, conversation: &str, asked: Range) -> Answer<Vec<Stored>> {
        let (user, id) = (user.to_owned(), conversation.to_owned());
        self.read(format!("read messages of {id}"), move |on| range(on, &user, &id, asked))
    }

    fn by_seqs(&self, user: &str, conversation: &str, mut seqs: Vec<i64>) -> Answer<Vec<Stored>> {
        let (user, id) = (user.to_owned(), conversation.to_owned());
        self.read(format!("read messages of {id}"), move |on| by_seqs(on, &user, &id, &mut seqs))
    }

    fn last(&self, user: &str, conversations: Vec<String>) -> Answer<BTreeMap<String, Stored>> {
        let user = user.to_owned();
        self.read(format!("read the last messages of {user}"), move |on| {
            let newest = Range { begin: 1, end: i64::MAX, limit: 1, newest_first: true };
            let mut found = BTreeMap::new();
            for id in &conversations {
                found.extend(range(on, &user, id, newest)?.pop().map(|last| (id.clone(), last)));
            }
            Ok(found)
        })
    }

    fn mark_read(&self, user: &str, conversation: &str, seq: i64) -> Answer<i64> {
        let (user, id) = (user.to_owned(), conversation.to_owned());
        self.write(format!("mark {id} as read by {user}"), move |on| mark_read(on, &user, &id, seq))
    }

    fn user(&self, id: &str) -> Answer<Option<Profile>> {
        let id = id.to_owned();
        self.read(format!("read the profile of {id}"), move |on| profile(on, &id))
    }

    fn users(&self, mut ids: Vec<String>) -> Answer<Vec<Profile>> {
        ids.sort_unstable();
        ids.dedup();
        self.read(format!("read {} profiles", ids.len()), move |on| {
            ids.iter().filter_map(|id| profile(on, id).transpose()).collect()
        })
    }

    fn put_user(&self, profile: Profile) -> Answer<()> {
        self.write(format!("store the profile of {}", profile.user_id), move |on| {
            let with = [&profile.user_id, &profile.nickname, &profile.face_url];
            run(on, "INSERT OR REPLACE INTO profile VALUES (?, ?, ?)", with).map(|_| ())
        })
    }

    fn user_number(&self, id: &str) -> Answer<u32> {
        fn number(on: &Connection, id: &str) -> Done<Option<u32>> {
            one(on, "SELECT number FROM user_number WHERE user = ?", [id], |row| row.get(0))
        }
        let (known, fresh, tried) = (id.to_owned(), id.to_owned(), format!("number the user {id}"));
        // Each login asks, and nearly all are known: they need not wait for what others store.
        let read = self.read(tried.clone(), move |on| number(on, &known));
        let write = self.write(tried, move |on| {
            run(on, "INSERT OR IGNORE INTO user_number(user) VALUES (?)", [&fresh])?;
            number(on, &fresh)?.ok_or(Refusal::Because(Why::Storage, "the number was not kept"))
        });
        Box::pin(async move {
            match read.await? {
                Some(number) => Ok(number),
                None => write.await,
            }
        })
    }

    fn create_group(&self, id: &str, owner: &str, mut members: Vec<String>) -> Answer<()> {
        let (id, owner) = (id.to_owned(), owner.to_owned());
        members.push(owner.clone());
        self.write(format!("create the group {id}"), move |on| {
            if group(on, &id)?.is_some() {
                return Err(Refusal::Because(Why::Exists, "there is one already"));
            }
            run(on, "INSERT INTO team(id, owner) VALUES (?, ?)", [&id, &owner])?;
            join(on, &id, &members)
        })
    }

    fn add_members(&self, group: &str, members: Vec<String>) -> Answer<()> {
        let id = group.to_owned();
        self.write(format!("add members to the group {id}"), move |on| {
            existing(on, &id)?;
            join(on, &id, &members)
        })
    }

    fn remove_members(&self, group: &str, members: Vec<String>) -> Answer<()> {
        let id = group.to_owned();
        self.write(format!("remove members from the group {id}"), move |on| {
            existing(on, &id)?;
            leave(on, &id, &members)
        })
    }

    fn group(&self, id: &str) -> Answer<Option<Group>> {
        let id = id.to_owned();
        self.read(format!("read the group {id}"), move |on| group(on, &id))
    }

    fn members(&self, group: &str) -> Answer<Vec<String>> {
        let id = group.to_owned();
        self.read(format!("list the members of {id}"), move |on| {
            rows(on, "SELECT user FROM member WHERE team = ? ORDER BY user", [&id], |row| row.get(0))
        })
    }

    fn groups_of(&self, user: &str) -> Answer<Vec<String>> {
        let user = user.to_owned();
        self.read(format!("list the groups of {user}"), move |on| {
            rows(on, "SELECT team FROM member WHERE user = ? ORDER BY team", [&user], |row| row.get(0))
        })
    }

    fn issue(&self, digest: [u8; 32], token: NewToken) -> Answer<u32> {
        self.write(format!("issue a token of {}", token.user), move |on| {
            // No upsert: that would use a number up for a token that has one.
            let again = "UPDATE token SET state = 0 WHERE digest = ? RETURNING number";
            if let Some(number) = one(on, again, [digest], |row| row.get(0))? {
                return Ok(number);
            }
            let sql = "INSERT INTO token(digest, user, platform_id, expires_at) VALUES (?, ?, ?, ?) RETURNING number";
            let with = params![digest, token.user, token.platform_id, token.expires_at];
            Ok(on.prepare_cached(sql)?.query_row(with, |row| row.get(0))?)
        })
    }

    fn token(&self, digest: [u8; 32]) -> Answer<Option<TokenRow>> {
        self.read("look a token up".to_owned(), move |on| {
            let sql = "SELECT number, user, platform_id, state, expires_at FROM token WHERE digest = ?";
            one(on, sql, [digest], token_row)
        })
    }

    fn tokens_of(&self, user: &str) -> Answer<Vec<TokenRow>> {
        let user = user.to_owned();
        self.read(format!("list the tokens of {user}"), move |on| {
            let sql = "SELECT number, user, platform_id, state, expires_at FROM token WHERE user = ? ORDER BY number";
            rows(on, sql, [&user], token_row)
        })
    }

    fn set_token_state(&self, numbers: Vec<u32>, state: TokenState) -> Answer<()> {
        self.write(format!("set the state of {} tokens", numbers.len()), move |on| {
            for number in &numbers {
                run(on, "UPDATE token SET state = ? WHERE number = ?", params![state as i64, number])?;
            }
            Ok(())
        })
    }

    fn purge_tokens(&self, now: i64) -> Answer<u64> {
        self.write("purge expired tokens".to_owned(), move |on| {
            run(on, "DELETE FROM token WHERE expires_at <= ?", [now]).map(|count| count as u64)
        })
    }

    fn health(&self) -> Answer<()> {
        let wrote = self.write("write to the store".to_owned(), |on| {
            let sql = "INSERT INTO health VALUES (1, 1) ON CONFLICT DO UPDATE SET asked = asked + 1";
            run(on, sql, []).map(|_| ())
        });
        let read = self.read("read from the store".to_owned(), |on| {
            one(on, "SELECT asked FROM health", [], |_| Ok(())).map(|_| ())
        });
        Box::pin(async move {
            wrote.await?;
            read.await
        })
    }

    fn close(&self) -> Answer<()> {
        let (writes, reads, readers) = (self.writes.clone(), self.reads.clone(), self.readers);
        Box::pin(async move {
            for to in std::iter::once(&writes).chain(std::iter::repeat_n(&reads, readers)) {
                let (closed, end) = oneshot::channel();
                // Who closed before has ended the thread.
                if to.send(Order::Close(closed)).await.is_ok() {
                    let _ = end.await;
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_to_end<T>(story: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(story)
    }

    fn named(user: &str) -> Profile {
        Profile { user_id: user.to_owned(), ..Profile::default() }
    }

    #[test]
    fn what_fails_in_a_batch_takes_back_its_own_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&Settings::server(folder.path())).unwrap();
        let halfway = store.write("do half".to_owned(), |on| -> Done<()> {
            run(on, "INSERT INTO profile VALUES ('half', '', '')", [])?;
            Err(Refusal::Because(Why::Absent, "and no further"))
        });
        let wrong =
            store.write("say it wrong".to_owned(), |on| run(on, "INSERT INTO nowhere VALUES (1)", []));
        let (before, after) = (store.put_user(named("before")), store.put_user(named("after")));
        let all = ["before", "half", "after"].map(str::to_owned).to_vec();
        let other = Connection::open(folder.path().join("turnstile.db")).unwrap();
        run_to_end(async {
            // While another process writes, the first waits for it, and the rest comes together.
            other.execute_batch("BEGIN IMMEDIATE").unwrap();
            let free = async { other.execute_batch("ROLLBACK").unwrap() };
            let (_, done, half, wrong, done_too, ()) =
                tokio::join!(store.health(), before, halfway, wrong, after, free);
            assert_eq!((done, done_too), (Ok(()), Ok(())));
            assert_eq!(half.unwrap_err().why, Why::Absent);
            assert_eq!(wrong.unwrap_err().why, Why::Storage);
            let users = store.users(all).await.unwrap();
            assert_eq!(users, [named("after"), named("before")]);
        });
    }

    #[test]
    fn the_end_of_a_thread_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { readers: 1, ..Settings::server(folder.path()) };
        for writes in [true, false] {
            let store = Sqlite::open(&settings).unwrap();
            let act = |on: &Connection| -> Done<()> {
                run(on, "UPDATE health SET asked = 0", [])?;
                panic!("a panic that is part of a test")
            };
            let ask = if writes {
                store.write("end it".to_owned(), act)
            } else {
                store.read("end it".to_owned(), act)
            };
            let fate = if writes { Fate::Unknown } else { Fate::NotStored };
            run_to_end(async {
                let error = ask.await.unwrap_err();
                assert_eq!((error.why, error.fate), (Why::Closed, fate));
                // A thread that ends lets go of the answer first and of its queue next. What is asked in between may have been stored,
                // for all that anybody knows; what is asked later was not.
                loop {
                    let health = store.health().await.unwrap_err();
                    assert_eq!(health.why, Why::Closed, "{health}");
                    if health.fate == Fate::NotStored {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                store.close().await.unwrap();
            });
        }
    }
}
