//! Users, platforms and logins: plain values.

use serde::Serialize;

/// A user of the messenger, numbered from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct User(pub u32);

/// A connection: one accepted socket, numbered from 1 and never reused. It stands for the remote address, too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct Connection(pub u32);

/// What a device is, by OpenIM's platform id (`protocol/constant/platform_id_to_name.go`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub enum Platform {
    /// 1
    Ios = 1,
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
    /// 11; not in v3.5.1
    HarmonyOs,
}

/// The class of a platform; OpenIM's `PlatformIDToClass`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub enum Class {
    /// Phones.
    Mobile,
    /// Browsers; in v3.5.1 mini programs, too.
    Web,
    /// Mini programs.
    MiniWeb,
    /// Desktop systems.
    Pc,
    /// Tablets.
    Pad,
    /// The admin.
    Admin,
    /// HarmonyOS.
    HarmonyOs,
    /// Platforms that v3.5.1's map of classes does not have: pads and the admin. To it they are of one class, the empty one.
    Unlisted,
}

/// Which map from platforms to classes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Classes {
    /// That of v3.5.1.
    Three,
    /// That of v3.8.3 and main.
    Seven,
}

impl Platform {
    /// All of them, by id.
    pub const ALL: [Platform; 11] = [
        Platform::Ios,
        Platform::Android,
        Platform::Windows,
        Platform::MacOs,
        Platform::Web,
        Platform::MiniWeb,
        Platform::Linux,
        Platform::AndroidPad,
        Platform::IPad,
        Platform::Admin,
        Platform::HarmonyOs,
    ];

    /// Its id, from 1 to 11.
    pub fn id(self) -> i32 {
        self as i32
    }

    /// The platform with an id.
    ///
    /// ```
    /// use turnstile::session::Platform;
    /// assert_eq!(Platform::from_id(5), Some(Platform::Web));
    /// assert_eq!(Platform::from_id(12), None);
    /// ```
    pub fn from_id(id: i32) -> Option<Platform> {
        Platform::ALL.into_iter().find(|platform| platform.id() == id)
    }

    /// Its class.
    ///
    /// ```
    /// use turnstile::session::{Class, Classes, Platform};
    /// assert_eq!(Platform::Ios.class(Classes::Three), Platform::Android.class(Classes::Seven));
    /// assert_eq!(Platform::IPad.class(Classes::Three), Class::Unlisted);
    /// assert_eq!(Platform::IPad.class(Classes::Seven), Class::Pad);
    /// ```
    pub fn class(self, classes: Classes) -> Class {
        match (self, classes) {
            (Platform::Ios | Platform::Android, _) => Class::Mobile,
            (Platform::Windows | Platform::MacOs | Platform::Linux, _) => Class::Pc,
            (Platform::Web, _) | (Platform::MiniWeb, Classes::Three) => Class::Web,
            (_, Classes::Three) => Class::Unlisted,
            (Platform::MiniWeb, Classes::Seven) => Class::MiniWeb,
            (Platform::AndroidPad | Platform::IPad, Classes::Seven) => Class::Pad,
            (Platform::Admin, Classes::Seven) => Class::Admin,
            (Platform::HarmonyOs, Classes::Seven) => Class::HarmonyOs,
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
