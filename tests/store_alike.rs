//! SQLite and the model in memory answer alike, whatever is asked, in whatever order, and across restarts.

use std::fmt::Debug;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;
use turnstile::gateway::store::memory::Memory;
use turnstile::gateway::store::sqlite::{Settings, Sqlite};
use turnstile::gateway::store::{Answer, NewMessage, NewToken, Profile, Range, Store, TokenState};

const USERS: [&str; 4] = ["ann", "ben", "cleo", ""];
const GROUPS: [&str; 2] = ["rig", "hut"];
const CONVERSATIONS: [&str; 5] = ["si_ann_ben", "sg_rig", "n_rig", "sg_hut", "sn_ann_cleo"];

/// What is asked, or a restart.
#[derive(Clone, Debug)]
enum Step {
    Append(NewMessage),
    MarkRead(&'static str, &'static str, i64),
    PutUser(Profile),
    UserNumber(&'static str),
    CreateGroup(&'static str, &'static str, Vec<String>),
    AddMembers(&'static str, Vec<String>),
    RemoveMembers(&'static str, Vec<String>),
    Issue([u8; 32], NewToken),
    SetTokenState(Vec<u32>, TokenState),
    PurgeTokens(i64),
    Range(&'static str, &'static str, Range),
    BySeqs(&'static str, &'static str, Vec<i64>),
    Last(&'static str, Vec<String>),
    Users(Vec<String>),
    Health,
    Restart,
}

fn user() -> impl Strategy<Value = &'static str> {
    select(&USERS[..])
}

fn group() -> impl Strategy<Value = &'static str> {
    select(&GROUPS[..])
}

fn conversation() -> impl Strategy<Value = &'static str> {
    select(&CONVERSATIONS[..])
}

fn some(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    vec(select(of).prop_map(str::to_owned), 0..4)
}

/// Around the seqs that there are, and far from them.
fn seq() -> impl Strategy<Value = i64> {
    prop_oneof![8 => -1..12_i64, 1 => Just(i64::MAX), 1 => Just(i64::MIN)]
}

fn range() -> impl Strategy<Value = Range> {
    let limit = prop_oneof![4 => 0..5_u32, 1 => Just(u32::MAX)];
    (seq(), seq(), limit, any::<bool>()).prop_map(|(begin, end, limit, newest_first)| Range {
        begin,
        end,
        limit,
        newest_first,
    })
}

fn append() -> impl Strategy<Value = Step> {
    let client_msg_id = select(&["", "c1", "c2", "c3", "c4"][..]);
    // Not 0, which is now.
    let send_time = prop_oneof![1..1000_i64, -5..0_i64];
    (conversation(), user(), client_msg_id, some(&USERS), vec(any::<u8>(), 0..4), send_time).prop_map(
        |(conversation, sender, client_msg_id, members, data, send_time)| {
            Step::Append(NewMessage {
                conversation: conversation.to_owned(),
                sender: sender.to_owned(),
                client_msg_id: client_msg_id.to_owned(),
                members,
                data,
                send_time,
            })
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let profile = (user(), "[a-z]{0,2}", "[a-z]{0,2}").prop_map(|(user, nickname, face_url)| {
        Step::PutUser(Profile { user_id: user.to_owned(), nickname, face_url })
    });
    let issue =
        (0..5_u8, user(), -2..12_i32, 0..10_i64).prop_map(|(digest, user, platform_id, expires_at)| {
            Step::Issue([digest; 32], NewToken { user: user.to_owned(), platform_id, expires_at })
        });
    let state = select(&[TokenState::Normal, TokenState::Kicked][..]);
    prop_oneof![
        12 => append(),
        3 => (user(), conversation(), seq()).prop_map(|(user, id, seq)| Step::MarkRead(user, id, seq)),
        2 => profile,
        1 => user().prop_map(Step::UserNumber),
        2 => (group(), user(), some(&USERS)).prop_map(|(group, owner, all)| Step::CreateGroup(group, owner, all)),
        2 => (group(), some(&USERS)).prop_map(|(group, members)| Step::AddMembers(group, members)),
        2 => (group(), some(&USERS)).prop_map(|(group, members)| Step::RemoveMembers(group, members)),
        3 => issue,
        2 => (vec(0..12_u32, 0..4), state).prop_map(|(numbers, state)| Step::SetTokenState(numbers, state)),
        1 => (0..12_i64).prop_map(Step::PurgeTokens),
        4 => (user(), conversation(), range()).prop_map(|(user, id, range)| Step::Range(user, id, range)),
        2 => (user(), conversation(), vec(seq(), 0..5)).prop_map(|(user, id, seqs)| Step::BySeqs(user, id, seqs)),
        1 => (user(), some(&CONVERSATIONS)).prop_map(|(user, ids)| Step::Last(user, ids)),
        1 => some(&USERS).prop_map(Step::Users),
        1 => Just(Step::Health),
        1 => Just(Step::Restart),
    ]
}

/// The answer, an error with all its words, as text.
async fn said<T: Debug>(answer: Answer<T>) -> String {
    format!("{:?}", answer.await)
}

async fn take(store: &dyn Store, step: Step) -> String {
    match step {
        Step::Append(message) => said(store.append(message)).await,
        Step::MarkRead(user, id, seq) => said(store.mark_read(user, id, seq)).await,
        Step::PutUser(profile) => said(store.put_user(profile)).await,
        Step::UserNumber(user) => said(store.user_number(user)).await,
        Step::CreateGroup(group, owner, members) => said(store.create_group(group, owner, members)).await,
        Step::AddMembers(group, members) => said(store.add_members(group, members)).await,
        Step::RemoveMembers(group, members) => said(store.remove_members(group, members)).await,
        Step::Issue(digest, token) => said(store.issue(digest, token)).await,
        Step::SetTokenState(numbers, state) => said(store.set_token_state(numbers, state)).await,
        Step::PurgeTokens(now) => said(store.purge_tokens(now)).await,
        Step::Range(user, id, range) => said(store.range(user, id, range)).await,
        Step::BySeqs(user, id, seqs) => said(store.by_seqs(user, id, seqs)).await,
        Step::Last(user, ids) => said(store.last(user, ids)).await,
        Step::Users(ids) => {
            let mut once = ids.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(said(store.users(ids)).await, said(store.users(once.clone())).await);
            said(store.users(once)).await
        }
        Step::Health => said(store.health()).await,
        Step::Restart => String::new(),
    }
}

/// Everything that can be read without changing anything.
async fn everything(store: &dyn Store) -> Vec<String> {
    let mut all = Vec::new();
    for user in USERS {
        all.push(said(store.conversations(user)).await);
        all.push(said(store.user(user)).await);
        all.push(said(store.groups_of(user)).await);
        all.push(said(store.tokens_of(user)).await);
        all.push(said(store.last(user, CONVERSATIONS.map(str::to_owned).to_vec())).await);
        for id in CONVERSATIONS {
            let range = Range { begin: i64::MIN, end: i64::MAX, limit: u32::MAX, newest_first: true };
            all.push(said(store.range(user, id, range)).await);
        }
    }
    for group in GROUPS {
        all.push(said(store.group(group)).await);
        all.push(said(store.members(group)).await);
    }
    for digest in 0..5 {
        all.push(said(store.token([digest; 32])).await);
    }
    all
}

fn open(folder: &Path) -> Sqlite {
    Sqlite::open(&Settings { readers: 1, ..Settings::server(folder) }).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("proptest-regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_model_and_sqlite_answer_alike(steps in vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
        tokio.block_on(async {
            let (mut sqlite, memory) = (open(folder.path()), Memory::default());
            for step in steps {
                if let Step::Restart = step {
                    sqlite.close().await.unwrap();
                    sqlite = open(folder.path());
                    prop_assert_eq!(everything(&sqlite).await, everything(&memory).await);
                }
                prop_assert_eq!(take(&sqlite, step.clone()).await, take(&memory, step).await);
            }
            prop_assert_eq!(everything(&sqlite).await, everything(&memory).await);
            for closed in [&sqlite as &dyn Store, &memory] {
                closed.close().await.unwrap();
            }
            let after = [take(&sqlite, Step::Health).await, take(&memory, Step::Health).await];
            prop_assert_eq!(&after[0], &after[1]);
            Ok(())
        })?;
    }
}
