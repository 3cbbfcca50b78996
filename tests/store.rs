//! What a store promises: the same story for every implementation, then what only a disk, a lock or a kill can show.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use turnstile::gateway::store::memory::Memory;
use turnstile::gateway::store::sqlite::{Settings, Sqlite};
use turnstile::gateway::store::{Appended, Fate, NewMessage, NewToken, Range, Store, TokenState, Why};

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
    assert_eq!(seqs(&*store, "carol", "si_alice_bob", ALL).await, [0_i64; 0]);
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
    assert_eq!(seqs(&*store, "ben", "sg_rig", ALL).await, [0_i64; 0]);
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

async fn every_promise(store: Arc<dyn Store>) {
    messages_and_what_each_user_sees(Arc::clone(&store)).await;
    a_new_member_sees_what_is_said_from_then_on(Arc::clone(&store)).await;
    tokens_are_numbered_kicked_and_purged(Arc::clone(&store)).await;
    sixty_four_at_once_leave_no_gap_and_store_nothing_twice(Arc::clone(&store)).await;
    the_rest(store).await;
}

#[test]
fn sqlite_keeps_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    run(every_promise(open(folder.path())));
}

#[test]
fn memory_keeps_every_promise() {
    run(every_promise(Arc::new(Memory::default())));
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
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("turnstile.db"), vec![7; 8192]).unwrap();
    let error = Sqlite::open(&Settings::server(folder.path())).unwrap_err();
    assert_eq!((error.why, error.fate), (Why::Corrupt, Fate::NotStored), "{error}");
}

#[test]
fn a_page_that_is_damaged_is_said() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let store = open(folder.path());
        for n in 0..40 {
            store.append(big(&n.to_string())).await.unwrap();
        }
        store.close().await.unwrap();
    });
    let file = folder.path().join("turnstile.db");
    let mut bytes = fs::read(&file).unwrap();
    // All but the first pages, which say what there is.
    bytes[24 * 4096..].fill(0xff);
    fs::write(&file, bytes).unwrap();
    run(async {
        let error = open(folder.path()).range("bob", "si_alice_bob", ALL).await.unwrap_err();
        assert_eq!((error.why, error.fate), (Why::Corrupt, Fate::NotStored), "{error}");
    });
}

#[test]
fn only_the_owner_may_read_the_files() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("data");
    run(async {
        let store = open(&folder);
        store.append(message("si_alice_bob", "alice", "c1")).await.unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let mut files: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), mode(&entry.path())))
            .collect();
        files.sort();
        let names = ["server.lock", "turnstile.db", "turnstile.db-shm", "turnstile.db-wal"];
        assert_eq!(files, names.map(|name| (name.to_owned(), 0o600)));
        assert_eq!(mode(&folder), 0o700);
    });
}

/// A message of which a few fill a small disk.
fn big(client_msg_id: &str) -> NewMessage {
    NewMessage { data: vec![7; 3000], ..message("si_alice_bob", "alice", client_msg_id) }
}

/// Appends until that fails; the newest seq, and why.
async fn fill(store: &dyn Store) -> (i64, (Why, Fate)) {
    let mut stored = 0;
    loop {
        match store.append(big(&format!("c{}", stored + 1))).await {
            Ok(done) => stored = done.seq,
            Err(error) => return (stored, (error.why, error.fate)),
        }
    }
}

const FULL: (Why, Fate) = (Why::Full, Fate::NotStored);

#[test]
fn a_full_store_is_over_when_it_is_opened_with_more_space() {
    let folder = tempfile::tempdir().unwrap();
    let stored = run(async {
        let settings = Settings { max_pages: Some(60), ..Settings::server(folder.path()) };
        let store = Sqlite::open(&settings).unwrap();
        let (stored, why) = fill(&store).await;
        assert_eq!(why, FULL);
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
fn a_full_store_goes_on_when_something_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { max_pages: Some(100), ..Settings::server(folder.path()) };
    let store = Sqlite::open(&settings).unwrap();
    run(async {
        let token =
            |n: u8| store.issue([n; 32], NewToken { user: "u".repeat(3000), platform_id: 5, expires_at: 10 });
        join_all((0..20).map(token)).await;
        let (stored, why) = fill(&store).await;
        assert_eq!(why, FULL);
        // All who asked at once hear the same, even those that had been done when one did not fit.
        let others = (0..20).map(|n| store.append(big(&format!("other {n}"))));
        let refused = join_all(others).await.into_iter().map(|done| done.map_err(|e| (e.why, e.fate)));
        assert_eq!(refused.collect::<Vec<_>>(), vec![Err(FULL); 20]);
        // A repeat needs no space, not even beside one that does.
        let both = [store.append(big("c1")), store.append(big("new"))];
        let [first, new] = join_all(both).await.try_into().unwrap();
        assert_eq!((first.unwrap().seq, new.unwrap_err().why), (1, Why::Full));
        store.purge_tokens(10).await.unwrap();
        assert_eq!(store.append(big("after")).await.unwrap().seq, stored + 1);
        assert_eq!(seqs(&store, "bob", "si_alice_bob", ALL).await, (1..=stored + 1).collect::<Vec<_>>());
    });
}

const SMALL_DISK: &str = "STORE_SMALL_DISK";

/// Not a test by itself: what [`a_full_disk_is_over_when_there_is_space`] runs where a small disk is mounted.
#[test]
fn child_that_fills_its_disk() {
    let Some(disk) = std::env::var_os(SMALL_DISK) else { return };
    let disk = Path::new(&disk);
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![1; 1 << 20]).unwrap();
    run(async {
        let store = open(disk);
        let (stored, why) = fill(&*store).await;
        assert_eq!(why, FULL);
        assert_eq!(store.append(big("c1")).await.map(|first| first.seq), Ok(1));
        assert_eq!(seqs(&*store, "bob", "si_alice_bob", ALL).await, (1..=stored).collect::<Vec<_>>());
        fs::remove_file(&ballast).unwrap();
        assert_eq!(store.append(big("after")).await.map(|after| after.seq), Ok(stored + 1));
        store.health().await.unwrap();
        store.close().await.unwrap();
        let again = open(disk);
        assert_eq!(seqs(&*again, "bob", "si_alice_bob", ALL).await, (1..=stored + 1).collect::<Vec<_>>());
    });
    writeln!(std::io::stdout(), "\nthe disk was full, and is not").unwrap();
}

#[test]
fn a_full_disk_is_over_when_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    // In a user and mount namespace of its own, where the system lets us have one.
    let mount =
        r#"mount -t tmpfs -o size=2m tmpfs "$1" && echo mounted && exec "$2" --exact "$3" --nocapture"#;
    let child = Command::new("unshare")
        .args(["-Urm", "sh", "-c", mount, "sh"])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .arg("store::child_that_fills_its_disk")
        .env(SMALL_DISK, folder.path())
        .output();
    let said = child.as_ref().map(|done| String::from_utf8_lossy(&done.stdout)).unwrap_or_default();
    if !said.starts_with("mounted") {
        writeln!(std::io::stderr(), "not tried, since a small disk cannot be mounted here: {child:?}")
            .unwrap();
        return;
    }
    assert!(said.contains("the disk was full, and is not"), "{child:?}");
}

#[test]
fn a_locked_database_is_said_and_over_when_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { busy_timeout: Duration::from_millis(50), ..Settings::server(folder.path()) };
    let store = Sqlite::open(&settings).unwrap();
    let other = rusqlite::Connection::open(folder.path().join("turnstile.db")).unwrap();
    run(async {
        let first = store.append(message("si_alice_bob", "alice", "c1")).await.unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let error = store.append(message("si_alice_bob", "alice", "c2")).await.unwrap_err();
        assert_eq!((error.why, error.fate), (Why::Busy, Fate::NotStored), "{error}");
        let again = store.append(message("si_alice_bob", "alice", "c1")).await;
        assert_eq!(again, Ok(Appended { fresh: false, ..first }), "a repeat needs no lock");
        other.execute_batch("ROLLBACK").unwrap();
        assert_eq!(store.append(message("si_alice_bob", "alice", "c2")).await.unwrap().seq, 2);
    });
}

#[test]
fn a_bad_request_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let other = rusqlite::Connection::open(folder.path().join("turnstile.db")).unwrap();
    run(async {
        store.create_group("rig", "ann", vec![]).await.unwrap();
        // What comes while another process holds the database is one batch afterwards.
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let said = |id| store.append(message("si_alice_bob", "alice", id));
        let mut bad = [
            store.create_group("rig", "ben", names(&["ben"])),
            store.add_members("none", names(&["ben"])),
            store.remove_members("none", names(&["ann"])),
        ];
        let mut good = ["c1", "c2", "c3", "c1"].map(said);
        let mut left = bad.iter_mut();
        for append in &mut good {
            assert!(append.now_or_never().is_none());
            assert!(left.next().is_none_or(|asked| asked.now_or_never().is_none()));
        }
        other.execute_batch("ROLLBACK").unwrap();
        let bad: Vec<Why> = join_all(bad).await.into_iter().map(|done| done.unwrap_err().why).collect();
        let good: Vec<i64> = join_all(good).await.into_iter().map(|done| done.unwrap().seq).collect();
        assert_eq!((bad, good), (vec![Why::Exists, Why::Absent, Why::Absent], vec![1, 2, 3, 1]));
        assert_eq!(store.members("rig").await.unwrap(), ["ann"]);
    });
}

#[test]
fn a_full_queue_waits_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&Settings { queue: 2, ..Settings::server(folder.path()) }).unwrap();
    let other = rusqlite::Connection::open(folder.path().join("turnstile.db")).unwrap();
    run(async {
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let mut all: Vec<_> =
            (0..50).map(|n| store.append(message("si_alice_bob", "alice", &n.to_string()))).collect();
        assert!(all.iter_mut().all(|append| append.now_or_never().is_none()), "nothing is answered yet");
        // Who goes away in the queue leaves no hole.
        drop(all.split_off(40));
        other.execute_batch("ROLLBACK").unwrap();
        let mut stored: Vec<i64> = join_all(all).await.into_iter().map(|done| done.unwrap().seq).collect();
        stored.sort_unstable();
        assert_eq!(stored, (1..=40).collect::<Vec<_>>());
    });
}

const CHILD: &str = "STORE_CHILD";

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
    let kills = std::env::var("KILLS").map_or(100, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut answered: BTreeMap<(String, i64), String> = BTreeMap::new();
    for _ in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::child_that_appends_until_it_is_killed", "--nocapture"])
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
        let ended = child.wait().unwrap();
        assert_eq!(ended.signal(), Some(9), "it ended by itself: {ended}");
        run(compare(folder.path(), &answered));
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
    let once: BTreeSet<&String> = found.values().collect();
    assert_eq!(once.len(), found.len(), "stored twice");
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
