//! Users, platforms and logins: plain values.

use serde::Serialize;

/// A user of the messenger, numbered from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct User(pub u32);

/// A connection: one accepted socket, numbered from 1 and never reused. It stands for the remote address, too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct Connection(pub u32);

/// What a device is; OpenIM's platform ids are 1 to 10 (`protocol/constant`, `PlatformID...`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub enum Platform {
    /// 1
    Ios,
    /// 2
    Android,
    /// 3
    Windows,
    /// 4
    MacOs,
    /// 5
    Web,
    /// 6
    MiniWeb,
    /// 7
    Linux,
    /// 8
    AndroidPad,
    /// 9
    IPad,
    /// 10
    Admin,
}

impl Platform {
    /// True for the desktop systems, OpenIM's class `PC`.
    pub fn is_pc(self) -> bool {
        matches!(self, Platform::Windows | Platform::MacOs | Platform::Linux)
    }
}

/// Who logs in, from where: what a connection says in its handshake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct Login {
    /// The user.
    pub user: User,
    /// The device.
    pub platform: Platform,
    /// The connection.
    pub connection: Connection,
}
