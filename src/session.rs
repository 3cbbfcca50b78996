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

/// The class of a platform; OpenIM's `PlatformIDToClass`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub enum Class {
    /// Phones.
    Mobile,
    /// Browsers and mini programs.
    Web,
    /// Desktop systems.
    Pc,
    /// Platforms that OpenIM's map of classes does not have: pads and the admin. To OpenIM they are of one class, the empty one.
    Unlisted,
}

impl Platform {
    /// Its class.
    ///
    /// ```
    /// use turnstile::session::{Class, Platform};
    /// assert_eq!(Platform::Ios.class(), Platform::Android.class());
    /// assert_eq!(Platform::IPad.class(), Class::Unlisted);
    /// ```
    pub fn class(self) -> Class {
        match self {
            Platform::Ios | Platform::Android => Class::Mobile,
            Platform::Web | Platform::MiniWeb => Class::Web,
            Platform::Windows | Platform::MacOs | Platform::Linux => Class::Pc,
            Platform::AndroidPad | Platform::IPad | Platform::Admin => Class::Unlisted,
        }
    }
}

/// A login token, by number: two logins with one number came with the same token, as a client that reconnects does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct Token(pub u32);

/// Who logs in, from where: what a connection says in its handshake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct Login {
    /// The user.
    pub user: User,
    /// The device.
    pub platform: Platform,
    /// The connection.
    pub connection: Connection,
    /// The token it came with.
    pub token: Token,
}
