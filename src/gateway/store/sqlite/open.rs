//! Opening the database of a data folder.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use crate::gateway::store::{Fate, StoreError, Why};

use super::failure::failure;

const VERSION: i64 = 1;

/// Where the data is and how it is held.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data folder; created if it does not exist.
    pub folder: PathBuf,
    /// Whether this is the server: one at a time on a folder. A tool that looks in beside it says false.
    pub server: bool,
    /// How long to wait for another process that holds the database.
    pub busy_timeout: Duration,
    /// How many connections read.
    pub readers: usize,
    /// How many requests wait in a queue before the next has to wait outside.
    pub queue: usize,
    /// The size, in pages of 4096 bytes, at which the database says that it is full. For tests.
    pub max_pages: Option<u32>,
}

impl Settings {
    /// The usual settings of a server on `folder`.
    pub fn server(folder: impl Into<PathBuf>) -> Self {
        Settings {
            folder: folder.into(),
            server: true,
            busy_timeout: Duration::from_secs(5),
            readers: 3,
            queue: 1024,
            max_pages: None,
        }
    }

    /// The usual settings of a tool that works on `folder`, beside a running server or without one.
    pub fn tool(folder: impl Into<PathBuf>) -> Self {
        Settings { server: false, readers: 1, ..Settings::server(folder) }
    }

    fn tried(&self) -> String {
        format!("open the data folder {}", self.folder.display())
    }

    fn refused(&self, error: &io::Error) -> StoreError {
        let full = error.kind() == io::ErrorKind::StorageFull;
        let why = if full { Why::Full } else { Why::Storage };
        StoreError::new(self.tried(), why, Fate::NotStored, error.to_string())
    }

    /// Creates what is missing, and holds the folder if this is the server.
    pub(super) fn prepare(&self) -> Result<Option<File>, StoreError> {
        let options = || {
            let mut options = OpenOptions::new();
            // SQLite gives its other files the mode of this one.
            options.create(true).append(true).mode(0o600);
            options
        };
        let mut folders = DirBuilder::new();
        folders.recursive(true).mode(0o700).create(&self.folder).map_err(|e| self.refused(&e))?;
        let lock = match self.server {
            false => None,
            true => {
                let lock = options().open(self.folder.join("server.lock")).map_err(|e| self.refused(&e))?;
                match lock.try_lock() {
                    Ok(()) => Some(lock),
                    Err(TryLockError::Error(error)) => return Err(self.refused(&error)),
                    Err(TryLockError::WouldBlock) => {
                        let detail = "another server uses it";
                        return Err(StoreError::new(self.tried(), Why::InUse, Fate::NotStored, detail));
                    }
                }
            }
        };
        options().open(self.file()).map_err(|e| self.refused(&e))?;
        Ok(lock)
    }

    fn file(&self) -> PathBuf {
        self.folder.join("turnstile.db")
    }

    /// Opens one connection; the first creates the tables.
    pub(super) fn connect(&self) -> Result<Connection, StoreError> {
        let failed = |error| failure(self.tried(), Fate::NotStored, &error);
        let mut connection = Connection::open(self.file()).map_err(failed)?;
        let version = self.set_up(&mut connection).map_err(failed)?;
        if version > VERSION {
            let detail = format!("its schema has version {version}, this program knows {VERSION}");
            return Err(StoreError::new(self.tried(), Why::Newer, Fate::NotStored, detail));
        }
        Ok(connection)
    }

    fn set_up(&self, connection: &mut Connection) -> rusqlite::Result<i64> {
        connection.busy_timeout(self.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        if let Some(pages) = self.max_pages {
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        }
        // Two processes may open a new folder at once: the second finds the tables of the first.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == 0 {
            transaction.execute_batch(include_str!("schema.sql"))?;
            version = VERSION;
        }
        transaction.commit()?;
        Ok(version)
    }
}
