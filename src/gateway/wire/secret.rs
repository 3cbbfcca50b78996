//! A string that stays out of logs.

use std::fmt;

/// A token or another string that must not be logged: its `Debug` shows nothing of it.
///
/// ```
/// use turnstile::gateway::wire::Secret;
///
/// let token = Secret::from("eyJ..");
/// assert_eq!(format!("{token:?}"), "<redacted>");
/// assert_eq!(token.reveal(), "eyJ..");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret(String);

impl Secret {
    /// The string itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Secret {
        Secret(secret)
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Secret {
        Secret(secret.to_owned())
    }
}
