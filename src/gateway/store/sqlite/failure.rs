//! What SQLite's errors mean to who asks a store.

use rusqlite::ErrorCode;

use crate::gateway::store::{Fate, StoreError, Why};

pub(super) fn failure(tried: impl Into<String>, fate: Fate, error: &rusqlite::Error) -> StoreError {
    let why = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Why::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Why::Busy,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Why::Corrupt,
        _ => Why::Storage,
    };
    StoreError::new(tried, why, fate, error.to_string())
}

/// A failed commit on a disk that is full or held has written nothing that counts. After any other failure, as of
/// a sync, the frames may be found whole by the next who opens the database.
pub(super) fn fate_of_commit(error: &rusqlite::Error) -> Fate {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy) => Fate::NotStored,
        _ => Fate::Unknown,
    }
}
