CREATE TABLE conversation(
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    max_seq INTEGER NOT NULL DEFAULT 0,
    max_seq_time INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE message(
    conversation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sender TEXT NOT NULL,
    client_msg_id TEXT NOT NULL,
    send_time INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_place ON message(conversation, seq);
CREATE UNIQUE INDEX message_once ON message(conversation, sender, client_msg_id) WHERE client_msg_id <> '';
CREATE TABLE part(
    user TEXT NOT NULL,
    conversation INTEGER NOT NULL,
    min_seq INTEGER NOT NULL,
    has_read_seq INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY(user, conversation)
) STRICT, WITHOUT ROWID;
CREATE TABLE profile(user TEXT PRIMARY KEY, nickname TEXT NOT NULL, face_url TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE user_number(number INTEGER PRIMARY KEY, user TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE team(id TEXT PRIMARY KEY, owner TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE member(team TEXT NOT NULL, user TEXT NOT NULL, PRIMARY KEY(team, user)) STRICT, WITHOUT ROWID;
CREATE INDEX member_user ON member(user);
-- AUTOINCREMENT: the number of a purged token is not given again.
CREATE TABLE token(
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE,
    user TEXT NOT NULL,
    platform_id INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX token_user ON token(user);
CREATE INDEX token_expires ON token(expires_at);
CREATE TABLE health(only INTEGER PRIMARY KEY CHECK(only = 1), asked INTEGER NOT NULL) STRICT;
PRAGMA user_version = 1;
