//! Who follows whose status, and a task that tells them: merged per user, so that the last state wins.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prost::Message as _;
use tokio::sync::Notify;

use super::counts::{Count, Counts};
use super::outgoing::Outgoing;
use super::wire::envelope::{Response, SUB_USER_ONLINE_STATUS};
use super::wire::proto::sdkws::{SubUserOnlineStatusElem, SubUserOnlineStatusTips};
use super::{Core, Gateway};
use crate::name::Name;
use crate::runtime::Task;

/// How many users' changes may wait.
const WAITING: usize = 100_000;
/// How long changes are gathered before they are told.
const GATHER: Duration = Duration::from_millis(20);

/// Who follows whom, and whose status has changed.
#[derive(Default)]
pub(super) struct Followers {
    table: Mutex<Table>,
    some: Notify,
}

#[derive(Default)]
struct Table {
    followers: BTreeMap<Arc<str>, BTreeSet<u32>>,
    followed: BTreeMap<u32, BTreeSet<Arc<str>>>,
    changed: BTreeSet<Arc<str>>,
}

impl Followers {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody's status has changed.
    pub(super) fn changed(&self, user: &Arc<str>, counts: &Counts) {
        let mut table = self.table();
        if !table.followers.contains_key(user) {
            return;
        }
        if table.changed.contains(user) {
            counts.add(Count::StatusMerged);
        } else if table.changed.len() < WAITING {
            table.changed.insert(user.clone());
            drop(table);
            self.some.notify_one();
        } else {
            counts.add(Count::StatusDropped);
        }
    }

    /// A connection follows some users, and others no more; false, and nothing is done, if it would follow too many.
    pub(super) fn follow(&self, connection: u32, more: &[String], less: &[String], at_most: usize) -> bool {
        let mut table = self.table();
        let table = &mut *table;
        let followed = table.followed.entry(connection).or_default();
        let mut after = followed.clone();
        after.retain(|user| !less.iter().any(|gone| **gone == **user));
        after.extend(more.iter().map(|user| Arc::from(user.as_str())));
        let fits = after.len() <= at_most;
        if fits {
            for gone in followed.difference(&after) {
                one_less(&mut table.followers, gone, connection);
            }
            for new in after.difference(followed) {
                table.followers.entry(new.clone()).or_default().insert(connection);
            }
            *followed = after;
        }
        if table.followed.get(&connection).is_some_and(BTreeSet::is_empty) {
            table.followed.remove(&connection);
        }
        fits
    }

    /// A connection has ended.
    pub(super) fn forget(&self, connection: u32) {
        let mut table = self.table();
        let table = &mut *table;
        for user in table.followed.remove(&connection).unwrap_or_default() {
            one_less(&mut table.followers, &user, connection);
        }
    }

    fn take(&self) -> Vec<(Arc<str>, Vec<u32>)> {
        let mut table = self.table();
        let changed = std::mem::take(&mut table.changed);
        let followers = |user: &Arc<str>| {
            table.followers.get(user).map(|f| f.iter().copied().collect()).unwrap_or_default()
        };
        changed.iter().map(|user| (user.clone(), followers(user))).collect()
    }
}

fn one_less(followers: &mut BTreeMap<Arc<str>, BTreeSet<u32>>, user: &Arc<str>, connection: u32) {
    if let Some(set) = followers.get_mut(user) {
        set.remove(&connection);
        if set.is_empty() {
            followers.remove(user);
        }
    }
}

/// Starts the task that tells.
pub(super) fn start(gateway: &Arc<Gateway>) {
    let gateway = gateway.clone();
    let core = gateway.core.clone();
    Task::spawn(&core, Name::one("status"), |me| tell(me, gateway));
}

async fn tell(me: Task<Core>, gateway: Arc<Gateway>) {
    loop {
        gateway.followers.some.notified().await;
        tokio::time::sleep(GATHER).await;
        for (user, followers) in gateway.followers.take() {
            let tips = tips([(&*user, gateway.online.platforms(&user))]);
            let operation = format!("status_{}", fastrand::u64(..));
            let payload = Outgoing::payload(Response::push(SUB_USER_ONLINE_STATUS, &operation, tips), false);
            for connection in followers {
                let live = gateway.live().get(&connection).cloned();
                if let Some(super::Live { line, client: Some(client), .. }) = live {
                    gateway.hub.reply(&me, &client, line.login.user, payload.clone()).await;
                }
            }
        }
    }
}

/// The status of some users.
pub(super) fn tips<'a>(users: impl IntoIterator<Item = (&'a str, Vec<i32>)>) -> Vec<u8> {
    let elem = |(user, platforms): (&str, Vec<i32>)| SubUserOnlineStatusElem {
        user_id: user.to_owned(),
        online_platform_i_ds: platforms,
    };
    SubUserOnlineStatusTips { subscribers: users.into_iter().map(elem).collect() }.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_one_user_are_merged_and_told_to_those_who_follow() {
        let (followers, counts) = (Followers::default(), Counts::default());
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        assert!(followers.follow(7, &["a".to_owned()], &[], 1));
        assert!(!followers.follow(7, &["b".to_owned()], &[], 1), "too many");
        [&a, &a, &b].into_iter().for_each(|user| followers.changed(user, &counts));
        assert_eq!(followers.take(), [(a.clone(), vec![7])]);
        assert_eq!(counts.get(Count::StatusMerged), 1);
        followers.forget(7);
        followers.changed(&a, &counts);
        assert!(followers.take().is_empty());
    }
}
