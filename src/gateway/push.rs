//! Pushing: a few workers, each for its share of the users, so what comes first for a user is written first.

use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;

use super::counts::Count;
use super::{Core, Gateway};
use crate::hub::Payload;
use crate::name::Name;
use crate::runtime::Task;
use crate::session::User;

/// How many workers there are.
const WORKERS: usize = 8;
/// How many pushes may wait for one; then who pushes waits.
const WAITING: usize = 1024;

/// The ways to the workers.
#[derive(Default)]
pub(super) struct Pushers(OnceLock<Vec<mpsc::Sender<(User, Payload)>>>);

/// Starts the workers.
pub(super) fn start(gateway: &Arc<Gateway>) {
    let ways = (0..WORKERS)
        .map(|n| {
            let (way, pushes) = mpsc::channel(WAITING);
            let hub = gateway.hub.clone();
            Task::spawn(&gateway.core, Name::of("push worker", n as u32 + 1), |me: Task<Core>| {
                work(me, hub, pushes)
            });
            way
        })
        .collect();
    gateway.pushers.0.set(ways).unwrap_or_else(|_| unreachable!("started once"));
}

impl Pushers {
    /// How many pushes wait for the workers, and how many may.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let ways = self.0.get().map(Vec::as_slice).unwrap_or_default();
        let room: usize = ways.iter().map(mpsc::Sender::capacity).sum();
        let most = ways.iter().map(mpsc::Sender::max_capacity).sum();
        (most - room, most)
    }
}

async fn work(me: Task<Core>, hub: crate::hub::Hub<Core>, mut pushes: mpsc::Receiver<(User, Payload)>) {
    while let Some((user, payload)) = pushes.recv().await {
        hub.push_to_user(&me, user, payload).await;
    }
}

impl Gateway {
    /// Pushes something to all sessions of each of these users who is online.
    pub(super) async fn push(&self, users: &[String], payload: Payload) {
        let Some(ways) = self.pushers.0.get() else { return };
        for user in users {
            let Some(number) = self.online.number(user) else { continue };
            self.counts.add(Count::Pushed);
            // An error is the end of the process.
            let _ = ways[number.0 as usize % WORKERS].send((number, payload.clone())).await;
        }
    }
}
