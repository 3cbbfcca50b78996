//! Which tokens are good: signed here, issued here, and not kicked since.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::Gateway;
use super::config::Config;
use super::counts::{Count, Counts};
use super::store::{NewToken, Store, StoreError, TokenRow, TokenState};
use super::token::{self, Claims};
use super::wire::Secret;
use super::wire::codes::{self, Refusal};
use crate::hub::Version;
use crate::policy::Policy;
use crate::session::{Class, Classes, Platform, Token};

/// How many tokens of one platform a user may have where nobody is kicked; OpenIM's `maxNumOneEnd`.
const AT_MOST: usize = 30;
/// How many orders to mark tokens may wait.
const WAITING: usize = 100_000;

/// The tokens of a gateway.
pub struct Tokens {
    store: Arc<dyn Store>,
    key: Secret,
    policy: Policy,
    version: Version,
    days: u32,
    marks: Mutex<Marks>,
    some: Notify,
}

/// What is still to be written to the store.
#[derive(Default)]
struct Marks {
    /// Tokens that are kicked already.
    kicked: BTreeSet<u32>,
    /// All tokens of this user and platform but one are kicked.
    others: BTreeSet<(Arc<str>, Platform, Token)>,
}

/// Whose a good token is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Bearer {
    pub(super) user: String,
    pub(super) platform: Platform,
    pub(super) token: Token,
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl Tokens {
    /// Tokens signed with `key` and remembered in `store`.
    pub fn new(store: Arc<dyn Store>, key: Secret, config: &Config) -> Tokens {
        Tokens {
            store,
            key,
            policy: config.policy,
            version: config.version,
            days: config.token_days,
            marks: Mutex::default(),
            some: Notify::new(),
        }
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is the gateway's own secret; takes the same time for each that is as long.
    pub(super) fn is_key(&self, said: &str) -> bool {
        let (said, key) = (said.as_bytes(), self.key.reveal().as_bytes());
        said.len() == key.len() && said.iter().zip(key).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    }

    /// Issues a token, and marks those that the policy has it take the place of, as OpenIM does from v3.8.2 on. The sessions that
    /// run on them go on until the newcomer connects.
    ///
    /// # Errors
    /// The store's.
    pub async fn issue(
        &self,
        user: &str,
        platform: Platform,
        seconds: Option<i64>,
    ) -> Result<(Secret, i64), StoreError> {
        let issued = now();
        let lasts = seconds.unwrap_or(i64::from(self.days) * 24 * 3600);
        let claims = Claims {
            user: user.to_owned(),
            platform_id: platform.id(),
            issued: issued - 5,
            expires: issued + lasts,
        };
        let token = token::sign(&claims, self.key.reveal().as_bytes());
        self.store.user_number(user).await?;
        let new = NewToken { user: user.to_owned(), platform_id: platform.id(), expires_at: claims.expires };
        let number = self.store.issue(digest(token.reveal()), new).await?;
        self.marks().kicked.remove(&number);
        if !matches!(self.version, Version::V3_5_1 | Version::V3_5_1Unpooled) {
            let rows = self.store.tokens_of(user).await?;
            let replaced = replaced(self.policy, platform, number, &rows);
            if !replaced.is_empty() {
                self.store.set_token_state(replaced, TokenState::Kicked).await?;
            }
        }
        Ok((token, lasts))
    }

    /// Whose a token is.
    pub(super) async fn verify(&self, token: &Secret) -> Result<Bearer, Refusal> {
        let claims = token::verify(token.reveal(), self.key.reveal().as_bytes(), now())?;
        let platform = Platform::from_id(claims.platform_id)
            .ok_or_else(|| Refusal::of(codes::TOKEN_INVALID, "the token's platform is none"))?;
        let row = self.store.token(digest(token.reveal())).await.map_err(|why| {
            tracing::error!(%why, "a token could not be looked up");
            Refusal::of(codes::SERVER_INTERNAL, "the token could not be looked up")
        })?;
        let row = row.ok_or_else(|| Refusal::of(codes::TOKEN_NOT_EXIST, "the token was not issued here"))?;
        if row.state == TokenState::Kicked || self.marks().kicked.contains(&row.number) {
            return Err(Refusal::of(codes::TOKEN_KICKED, "another login took the token's place"));
        }
        Ok(Bearer { user: claims.user, platform, token: Token(row.number) })
    }

    /// A token is good no more: from now on, and in the store soon.
    pub(super) fn kick(&self, token: Token) {
        self.marks().kicked.insert(token.0);
        self.some.notify_one();
    }

    /// A user's other tokens of a platform are good no more, as soon as the store says which.
    pub(super) fn kick_others(&self, user: &Arc<str>, platform: Platform, keep: Token, counts: &Counts) {
        let mut marks = self.marks();
        if marks.others.len() >= WAITING {
            counts.add(Count::TokenMarksDropped);
            return;
        }
        marks.others.insert((user.clone(), platform, keep));
        drop(marks);
        self.some.notify_one();
    }

    /// All tokens of a user and platform are good no more.
    pub(super) async fn kick_all(&self, user: &str, platform: Platform) -> Result<(), StoreError> {
        let rows = self.store.tokens_of(user).await?;
        let numbers = rows.iter().filter(|row| row.platform_id == platform.id()).map(|row| row.number);
        self.store.set_token_state(numbers.collect(), TokenState::Kicked).await
    }

    /// Writes to the store what is still to be written; what fails is tried again.
    pub(super) async fn settle(&self) {
        let (kicked, others) = {
            let mut marks = self.marks();
            (marks.kicked.clone(), std::mem::take(&mut marks.others))
        };
        let mut numbers: Vec<u32> = kicked.iter().copied().collect();
        for (user, platform, keep) in others {
            match self.store.tokens_of(&user).await {
                Ok(rows) => numbers.extend(on_platform(&rows, platform, keep.0)),
                Err(why) => {
                    tracing::error!(%why, "tokens could not be marked as kicked");
                    self.marks().others.insert((user, platform, keep));
                    self.try_again();
                }
            }
        }
        if numbers.is_empty() {
            return;
        }
        match self.store.set_token_state(numbers.clone(), TokenState::Kicked).await {
            Ok(()) => self.marks().kicked.retain(|number| !kicked.contains(number)),
            Err(why) => {
                tracing::error!(%why, "tokens could not be marked as kicked");
                // Those of `others` are known by their numbers now.
                self.marks().kicked.extend(numbers);
                self.try_again();
            }
        }
    }

    fn try_again(&self) {
        self.some.notify_one();
    }
}

/// Starts the task that writes marks.
pub(super) fn start(gateway: &Arc<Gateway>) {
    let gateway = gateway.clone();
    tokio::spawn(async move {
        loop {
            gateway.tokens.some.notified().await;
            gateway.tokens.settle().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

fn on_platform(rows: &[TokenRow], platform: Platform, keep: u32) -> impl Iterator<Item = u32> {
    let normal = rows.iter().filter(|row| row.state == TokenState::Normal);
    normal.filter(move |row| row.platform_id == platform.id() && row.number != keep).map(|row| row.number)
}

/// The tokens that a new one takes the place of (`internal/rpc/auth`, `CreateToken`).
fn replaced(policy: Policy, platform: Platform, new: u32, rows: &[TokenRow]) -> Vec<u32> {
    let class = |id: i32| Platform::from_id(id).map(|platform| platform.class(Classes::Seven));
    let normal = rows.iter().filter(|row| row.state == TokenState::Normal && row.number != new);
    let of_class = |wanted: &dyn Fn(Option<Class>) -> bool| {
        normal.clone().filter(|row| wanted(class(row.platform_id))).map(|row| row.number).collect()
    };
    let own = Some(platform.class(Classes::Seven));
    match policy {
        Policy::NoKick => {
            let here: Vec<u32> = on_platform(rows, platform, new).collect();
            here[..here.len().saturating_sub(AT_MOST - 1)].to_vec()
        }
        Policy::SameTerminal => on_platform(rows, platform, new).collect(),
        Policy::SameClass => of_class(&|class| class == own),
        Policy::PcAndOther if own == Some(Class::Pc) => Vec::new(),
        Policy::PcAndOther => of_class(&|class| class != Some(Class::Pc)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::store::sqlite::{Settings, Sqlite};

    fn row(number: u32, platform: Platform) -> TokenRow {
        let state = TokenState::Normal;
        TokenRow { number, user: "u".to_owned(), platform_id: platform.id(), state, expires_at: 0 }
    }

    #[test]
    fn a_new_token_takes_the_place_of_those_that_the_policy_says() {
        let rows = [
            row(1, Platform::Ios),
            row(2, Platform::Android),
            row(3, Platform::Windows),
            row(4, Platform::Web),
            row(5, Platform::Ios),
        ];
        let cases: [(Policy, Platform, &[u32]); 6] = [
            (Policy::NoKick, Platform::Ios, &[]),
            (Policy::SameTerminal, Platform::Ios, &[1]),
            (Policy::SameClass, Platform::Ios, &[1, 2]),
            (Policy::PcAndOther, Platform::Ios, &[1, 2, 4]),
            (Policy::PcAndOther, Platform::MacOs, &[]),
            (Policy::SameClass, Platform::Linux, &[3]),
        ];
        for (policy, platform, expected) in cases {
            assert_eq!(replaced(policy, platform, 5, &rows), expected, "{policy:?} {platform:?}");
        }
        let many: Vec<TokenRow> = (1..=40).map(|n| row(n, Platform::Web)).collect();
        assert_eq!(replaced(Policy::NoKick, Platform::Web, 40, &many), (1..=10).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn marks_that_cannot_be_written_are_written_later() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { busy_timeout: Duration::ZERO, ..Settings::server(folder.path()) };
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&settings).unwrap());
        let config = Config { policy: Policy::NoKick, ..Config::default() };
        let tokens = Tokens::new(store.clone(), Secret::from("a secret for a test"), &config);
        let (old, _) = tokens.issue("u", Platform::Web, Some(10)).await.unwrap();
        let (new, _) = tokens.issue("u", Platform::Web, Some(20)).await.unwrap();
        let keep = tokens.verify(&new).await.unwrap().token;
        tokens.kick_others(&"u".into(), Platform::Web, keep, &Counts::default());
        let other = rusqlite::Connection::open(folder.path().join("turnstile.db")).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        tokens.settle().await;
        assert_eq!(tokens.verify(&old).await.unwrap_err().code, codes::TOKEN_KICKED, "from now on");
        other.execute_batch("ROLLBACK").unwrap();
        tokens.settle().await;
        let states: Vec<TokenState> =
            store.tokens_of("u").await.unwrap().iter().map(|row| row.state).collect();
        assert_eq!(states, [TokenState::Kicked, TokenState::Normal]);
    }
}
