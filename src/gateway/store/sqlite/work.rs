//! The threads: one that writes, many requests to a commit, and a few that read.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::gateway::store::{Fate, StoreError, Why};

use super::failure::{failure, fate_of_commit};

/// Requests that share one commit, at most.
const BATCH: usize = 512;

pub(super) enum Order {
    Do(Box<dyn Work>),
    Close(oneshot::Sender<()>),
}

/// A request on its way: first done, then, when that is durable, answered.
pub(super) trait Work: Send {
    /// Does the work; what went wrong, and SQLite's part in it.
    fn act(&mut self, connection: &Connection) -> Result<(), Option<rusqlite::Error>>;
    /// Answers: with what the work gave, or with the failure of its batch.
    fn answer(self: Box<Self>, batch: Result<(), (&rusqlite::Error, Fate)>);
}

/// Why a single request fails: the storage, or the request itself.
pub(super) enum Refusal {
    Sqlite(rusqlite::Error),
    Because(Why, &'static str),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Refusal::Sqlite(error)
    }
}

pub(super) struct Job<T, F> {
    pub(super) tried: String,
    pub(super) act: F,
    pub(super) result: Option<Result<T, StoreError>>,
    pub(super) reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnMut(&Connection) -> Result<T, Refusal> + Send> Work for Job<T, F> {
    fn act(&mut self, connection: &Connection) -> Result<(), Option<rusqlite::Error>> {
        let (result, went) = match (self.act)(connection) {
            Ok(done) => (Ok(done), Ok(())),
            Err(Refusal::Sqlite(error)) => {
                (Err(failure(&self.tried, Fate::NotStored, &error)), Err(Some(error)))
            }
            Err(Refusal::Because(why, detail)) => {
                (Err(StoreError::new(&self.tried, why, Fate::NotStored, detail)), Err(None))
            }
        };
        self.result = Some(result);
        went
    }

    fn answer(self: Box<Self>, batch: Result<(), (&rusqlite::Error, Fate)>) {
        let result = match (self.result, batch) {
            (Some(result), Ok(())) => result,
            // What failed by itself knows better why.
            (Some(Err(own)), Err(_)) => Err(own),
            (_, Err((error, fate))) => Err(failure(self.tried, fate, error)),
            (None, Ok(())) => {
                Err(StoreError::new(self.tried, Why::Closed, Fate::NotStored, "it was not tried"))
            }
        };
        // Who asked may be gone.
        let _ = self.reply.send(result);
    }
}

/// Takes requests until the store is closed, and commits as many at once as have come.
pub(super) fn write(connection: Connection, mut orders: mpsc::Receiver<Order>) {
    let mut closing = None;
    while closing.is_none() {
        let Some(order) = orders.blocking_recv() else { return };
        let mut batch = Vec::new();
        let mut next = Some(order);
        while let Some(order) = next {
            match order {
                Order::Do(work) => batch.push(work),
                Order::Close(closed) => closing = Some(closed),
            }
            let more = closing.is_none() && batch.len() < BATCH;
            next = if more { orders.try_recv().ok() } else { None };
        }
        commit(&connection, batch);
    }
    drop(connection);
    drop(orders);
    if let Some(closed) = closing {
        let _ = closed.send(());
    }
}

fn commit(connection: &Connection, mut batch: Vec<Box<dyn Work>>) {
    if batch.is_empty() {
        return;
    }
    let done = together(connection, &mut batch);
    if !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    for work in batch {
        work.answer(done.as_ref().copied().map_err(|(error, fate)| (error, *fate)));
    }
}

fn together(connection: &Connection, batch: &mut [Box<dyn Work>]) -> Result<(), (rusqlite::Error, Fate)> {
    let run = |sql| connection.prepare_cached(sql).and_then(|mut s| s.execute([]));
    let not_stored = |error| (error, Fate::NotStored);
    run("BEGIN IMMEDIATE").map_err(not_stored)?;
    for work in batch {
        // One that fails takes back only what is its own.
        run("SAVEPOINT one").map_err(not_stored)?;
        if let Err(cause) = work.act(connection) {
            // SQLite gives up the whole transaction on a full or a broken disk: this then fails, and with it the batch.
            run("ROLLBACK TO one").map_err(|error| not_stored(cause.unwrap_or(error)))?;
        }
        run("RELEASE one").map_err(not_stored)?;
    }
    run("COMMIT").map(|_| ()).map_err(|error| {
        let fate = fate_of_commit(&error);
        (error, fate)
    })
}

/// Takes reads from the queue that all readers share, each on a snapshot of its own.
pub(super) fn read(connection: Connection, orders: Arc<Mutex<mpsc::Receiver<Order>>>) {
    loop {
        // One reader waits in the queue, the others for its place.
        let order = orders.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        match order {
            None => return,
            Some(Order::Do(mut work)) => {
                let snapshot = connection.unchecked_transaction();
                let done = snapshot.map(|_snapshot| {
                    let _ = work.act(&connection);
                });
                work.answer(done.as_ref().copied().map_err(|error| (error, Fate::NotStored)));
            }
            Some(Order::Close(closed)) => {
                drop(connection);
                let _ = closed.send(());
                return;
            }
        }
    }
}
