//! What a store promises: the same story for every implementation, then what only a disk, a lock or a kill can show.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use turnstile::gateway::store::sqlite::{Settings, Sqlite};
use turnstile::gateway::store::{Fate, NewMessage, NewToken, Range, Store, TokenState, Why};

fn run<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap()
        .block_on(story)
}

fn open(folder: &Path) -> Arc<dyn Store> {
    Arc::new(Sqlite::open(&Settings::server(folder)).unwrap())
}

fn message(conversation: &str, sender: &str, client_msg_id: &str) -> NewMessage {
    NewMessage {
        conversation: conversation.to_owned(),
        sender: sender.to_owned(),
        client_msg_id: client_msg_id.to_owned(),
        members: vec!["alice".to_owned(), "bob".to_owned()],
        data: client_msg_id.as_bytes().to_vec(),
        send_time: 1_700_000_000_000,
    }
}

fn names(of: &[&str]) -> Vec<String> {
    of.iter().map(|&name| name.to_owned()).collect()
}

const ALL: Range = Range { begin: 1, end: i64::MAX, limit: 1_000_000, newest_first: false };

async fn seqs(store: &dyn Store, user: &str, conversation: &str, range: Range) -> Vec<i64> {
    store.range(user, conversation, range).await.unwrap().iter().map(|stored| stored.seq).collect()
}

async fn messages_and_what_each_user_sees(store: Arc<dyn Store>) {
    for id in ["c1", "c2", "c3", "c1", ""] {
        store.append(message("si_alice_bob", "alice", id)).await.unwrap();
    }
    let range = |limit, newest_first| Range { limit, newest_first, ..ALL };
    assert_eq!(seqs(&*store, "bob", "si_alice_bob", range(3, false)).await, [1, 2, 3]);
    assert_eq!(seqs(&*store, "bob", "si_alice_bob", range(2, true)).await, [4, 3]);
    assert_eq!(seqs(&*store, "carol", "si_alice_bob", ALL).await, []);
    let some = store.by_seqs("bob", "si_alice_bob", vec![9, 3, 1, 3]).await.unwrap();
    assert_eq!(some.iter().map(|m| m.data.as_slice()).collect::<Vec<_>>(), [b"c1", b"c3"]);
    assert_eq!(store.last("bob", names(&["si_alice_bob", "x"])).await.unwrap()["si_alice_bob"].seq, 4);
    let mut read = Vec::new();
    for seq in [2, 1, 99] {
        read.push(store.mark_read("bob", "si_alice_bob", seq).await.unwrap());
    }
    assert_eq!(read, [2, 2, 4]);
    assert_eq!(store.mark_read("carol", "si_alice_bob", 1).await, Ok(0));
}

async fn a_new_member_sees_what_is_said_from_then_on(store: Arc<dyn Store>) {
    let said = |id| NewMessage { members: Vec::new(), ..message("sg_rig", "ann", id) };
    store.create_group("rig", "ann", names(&["ben"])).await.unwrap();
    store.append(said("g1")).await.unwrap();
    store.add_members("rig", names(&["cleo", "ben"])).await.unwrap();
    store.append(said("g2")).await.unwrap();
    assert_eq!(seqs(&*store, "ben", "sg_rig", ALL).await, [1, 2]);
    assert_eq!(seqs(&*store, "cleo", "sg_rig", ALL).await, [2]);
    assert_eq!(store.members("rig").await.unwrap(), ["ann", "ben", "cleo"]);
    store.remove_members("rig", names(&["ben"])).await.unwrap();
    assert_eq!(seqs(&*store, "ben", "sg_rig", ALL).await, []);
    assert_eq!(store.groups_of("cleo").await.unwrap(), ["rig"]);
    assert_eq!(store.create_group("rig", "x", vec![]).await.unwrap_err().why, Why::Exists);
    assert_eq!(store.add_members("none", vec![]).await.unwrap_err().why, Why::Absent);
}

async fn tokens_are_numbered_kicked_and_purged(store: Arc<dyn Store>) {
    let token = |expires_at| NewToken { user: "tom".to_owned(), platform_id: 5, expires_at };
    let first = store.issue([1; 32], token(10)).await.unwrap();
    let second = store.issue([2; 32], token(20)).await.unwrap();
    assert!(second > first);
    store.set_token_state(vec![second], TokenState::Kicked).await.unwrap();
    let states: Vec<_> = store.tokens_of("tom").await.unwrap().iter().map(|t| t.state).collect();
    assert_eq!(states, [TokenState::Normal, TokenState::Kicked]);
    assert_eq!(store.purge_tokens(20).await, Ok(2));
    assert_eq!(store.token([2; 32]).await, Ok(None));
    assert!(store.issue([3; 32], token(30)).await.unwrap() > second);
}

async fn sixty_four_at_once_leave_no_gap_and_store_nothing_twice(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut stored = Vec::new();
                for n in 0..20 {
                    // Two tasks say each message.
                    let conversation = format!("si_alice_bob_{}", n % 4);
                    let id = format!("{}-{n}", task / 2);
                    let done = store.append(message(&conversation, "alice", &id)).await.unwrap();
                    stored.push((conversation, id, done.seq, done.fresh));
                }
                stored
            })
        })
        .collect();
    let mut places: BTreeMap<(String, String), BTreeSet<i64>> = BTreeMap::new();
    let mut fresh = 0;
    for task in tasks {
        for (conversation, id, seq, new) in task.await.unwrap() {
            places.entry((conversation, id)).or_default().insert(seq);
            fresh += usize::from(new);
        }
    }
    assert_eq!(fresh, 32 * 20);
    assert!(places.values().all(|seqs| seqs.len() == 1), "a repeat has its first seq");
    for n in 0..4 {
        let found = seqs(&*store, "bob", &format!("si_alice_bob_{n}"), ALL).await;
        assert_eq!(found, (1..=32 * 5).collect::<Vec<i64>>());
    }
}

async fn the_rest(store: Arc<dyn Store>) {
    let (a, b) = (store.user_number("a").await.unwrap(), store.user_number("b").await.unwrap());
    assert_ne!(a, b);
    assert_eq!(store.user_number("a").await, Ok(a));
    store.health().await.unwrap();
    store.close().await.unwrap();
    assert_eq!(store.user("a").await.unwrap_err().why, Why::Closed);
}

#[test]
fn sqlite_keeps_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let store = open(folder.path());
        messages_and_what_each_user_sees(Arc::clone(&store)).await;
        a_new_member_sees_what_is_said_from_then_on(Arc::clone(&store)).await;
        tokens_are_numbered_kicked_and_purged(Arc::clone(&store)).await;
        sixty_four_at_once_leave_no_gap_and_store_nothing_twice(Arc::clone(&store)).await;
        the_rest(store).await;
    });
}

#[test]
fn a_second_server_is_refused_and_a_tool_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = Sqlite::open(&Settings::server(folder.path())).unwrap();
    assert_eq!(Sqlite::open(&Settings::server(folder.path())).unwrap_err().why, Why::InUse);
    let tool = Sqlite::open(&Settings::tool(folder.path())).unwrap();
    run(async {
        let token = NewToken { user: "tom".to_owned(), platform_id: 5, expires_at: 10 };
        tool.issue([1; 32], token).await.unwrap();
        assert_eq!(server.token([1; 32]).await.unwrap().unwrap().user, "tom");
    });
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = rusqlite::Connection::open(folder.path().join("turnstile.db")).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    assert_eq!(Sqlite::open(&Settings::server(folder.path())).unwrap_err().why, Why::Newer);
}

#[test]
fn a_full_disk_is_said_and_over_when_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let stored = run(async {
        let settings = Settings { max_pages: Some(60), ..Settings::server(folder.path()) };
        let store = Sqlite::open(&settings).unwrap();
        let mut stored = 0;
        let error = loop {
            let big =
                NewMessage { data: vec![7; 3000], ..message("si_alice_bob", "alice", &stored.to_string()) };
            match store.append(big).await {
                Ok(done) => stored = done.seq,
                Err(error) => break error,
            }
        };
        assert_eq!((error.why, error.fate), (Why::Full, Fate::NotStored), "{error}");
        store.close().await.unwrap();
        stored
    });
    run(async {
        let store = open(folder.path());
        let next = store.append(message("si_alice_bob", "alice", "after")).await.unwrap();
        assert_eq!(next.seq, stored + 1);
        assert_eq!(seqs(&*store, "bob", "si_alice_bob", ALL).await, (1..=stored + 1).collect::<Vec<_>>());
    });
}

#[test]
fn a_locked_database_is_said_and_over_when_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { busy_timeout: Duration::from_millis(50), ..Settings::server(folder.path()) };
    let store = Sqlite::open(&settings).unwrap();
    let other = rusqlite::Connection::open(folder.path().join("turnstile.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    run(async {
        let error = store.append(message("si_alice_bob", "alice", "c1")).await.unwrap_err();
        assert_eq!((error.why, error.fate), (Why::Busy, Fate::NotStored), "{error}");
        other.execute_batch("ROLLBACK").unwrap();
        assert_eq!(store.append(message("si_alice_bob", "alice", "c1")).await.unwrap().seq, 1);
    });
}

const CHILD: &str = "TURNSTILE_STORE_CHILD";

/// Not a test by itself: the process that [`a_kill_at_any_moment_loses_nothing_answered`] starts and kills.
#[test]
fn child_that_appends_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    run(async {
        let store = open(Path::new(&folder));
        let tasks = (0..8).map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for n in 0.. {
                    let conversation = format!("si_alice_bob_{}", task % 3);
                    let id = format!("{}-{task}-{n}", std::process::id());
                    let seq = store.append(message(&conversation, "alice", &id)).await.unwrap().seq;
                    // One write of a whole line: a kill cannot leave half of it.
                    let line = format!("\nack {conversation} {seq} {id}\n");
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_kill_at_any_moment_loses_nothing_answered() {
    let kills = std::env::var("TURNSTILE_KILLS").map_or(100, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut answered: BTreeMap<(String, i64), String> = BTreeMap::new();
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_appends_until_it_is_killed", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut left = fastrand::usize(1..200);
        for line in lines {
            let line = line.unwrap();
            if let ["ack", conversation, seq, id] = line.split(' ').collect::<Vec<_>>()[..] {
                answered.insert((conversation.to_owned(), seq.parse().unwrap()), id.to_owned());
                left = left.saturating_sub(1);
                if left == 0 {
                    // Lines that are still in the pipe were answered too: they are read to the end.
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
        if kill % 10 == 9 || kill + 1 == kills {
            run(compare(folder.path(), &answered));
        }
    }
    assert!(kills == 0 || answered.len() >= kills, "{} answers in {kills} kills", answered.len());
}

async fn compare(folder: &Path, answered: &BTreeMap<(String, i64), String>) {
    let store = open(folder);
    let mut found = BTreeMap::new();
    for n in 0..3 {
        let conversation = format!("si_alice_bob_{n}");
        for (at, stored) in (1..).zip(store.range("bob", &conversation, ALL).await.unwrap()) {
            assert_eq!(stored.seq, at, "a gap in {conversation}");
            found.insert((conversation.clone(), at), String::from_utf8(stored.data).unwrap());
        }
    }
    for (place, id) in answered {
        assert_eq!(found.get(place), Some(id), "answered, and not there: {place:?}");
    }
    store.close().await.unwrap();
}

#[test]
#[ignore = "a measurement: run it in release with --nocapture"]
fn appends_in_a_second() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let store = open(folder.path());
        let begun = std::time::Instant::now();
        let tasks: Vec<_> = (0..64)
            .map(|task| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    for n in 0..1000 {
                        let id = format!("{task}-{n}");
                        let hello = message(&format!("si_alice_bob_{}", task % 16), "alice", &id);
                        store.append(NewMessage { data: vec![7; 256], ..hello }).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let each = 64_000.0 / begun.elapsed().as_secs_f64();
        writeln!(std::io::stderr(), "{each:.0} appends in a second").unwrap();
    });
}
