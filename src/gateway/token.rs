//! The token with which a client proves who it is: a JWT (RFC 7519) signed with HMAC-SHA256.
//!
//! Claims and error codes are those of OpenIM's `tools/tokenverify`; the algorithm is not the token's to choose. A token
//! that verifies was signed with our secret. Whether it still counts, since a later login may have taken its place, is
//! not written in it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use sha2::Sha256;

use super::wire::Secret;
use super::wire::codes::{self, Refusal};
use super::wire::json::read;

/// What a token says. Times are seconds since 1970.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Claims {
    /// Whose it is.
    pub user: String,
    /// The only platform on which it may be used.
    pub platform_id: i32,
    /// When it was issued.
    pub issued: i64,
    /// From then on it does not count.
    pub expires: i64,
}

impl Claims {
    /// Whether it may be used by this user on this platform.
    pub fn belong_to(&self, user: &str, platform_id: i32) -> Result<(), Refusal> {
        if self.user != user {
            return Err(Refusal::of(codes::TOKEN_INVALID, "the token is of another user"));
        }
        if self.platform_id != platform_id {
            return Err(Refusal::of(codes::TOKEN_INVALID, "the token is of another platform"));
        }
        Ok(())
    }
}

/// The token with these claims.
///
/// ```
/// use turnstile::gateway::token::{Claims, sign, verify};
/// use turnstile::gateway::wire::codes;
///
/// let secret = b"sixteen bytes, or more";
/// let claims = Claims { user: "u1".into(), platform_id: 5, issued: 1_000, expires: 2_000 };
/// let token = sign(&claims, secret);
/// assert_eq!(verify(token.reveal(), secret, 1_500), Ok(claims));
/// assert_eq!(verify(token.reveal(), secret, 2_000).unwrap_err().code, codes::TOKEN_EXPIRED);
/// assert_eq!(verify(token.reveal(), b"another secret", 1_500).unwrap_err().code, codes::TOKEN_UNKNOWN);
/// ```
pub fn sign(claims: &Claims, secret: &[u8]) -> Secret {
    let payload = Payload {
        user: claims.user.clone(),
        platform: claims.platform_id.into(),
        expires: Some(claims.expires.into()),
        not_before: None,
        issued: Some(claims.issued.into()),
    };
    let payload = serde_json::to_vec(&payload).expect("strings and numbers can be written as JSON");
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(mac(&signed, secret).finalize().into_bytes());
    Secret::from(format!("{signed}.{signature}"))
}

/// The claims of a token that is signed with this secret and whose time it is.
///
/// The code of a refusal is [`TOKEN_MALFORMED`](codes::TOKEN_MALFORMED), else [`TOKEN_EXPIRED`](codes::TOKEN_EXPIRED)
/// whatever the signature, else [`TOKEN_NOT_VALID_YET`](codes::TOKEN_NOT_VALID_YET), else
/// [`TOKEN_UNKNOWN`](codes::TOKEN_UNKNOWN).
pub fn verify(token: &str, secret: &[u8], now: i64) -> Result<Claims, Refusal> {
    let malformed = |what| Refusal::of(codes::TOKEN_MALFORMED, what);
    let unknown = |what| Refusal::of(codes::TOKEN_UNKNOWN, what);

    let (signed, signature) = token.rsplit_once('.').ok_or_else(|| malformed("the token has no dots"))?;
    let (header, payload) = signed.split_once('.').ok_or_else(|| malformed("the token has one dot"))?;
    let header: Header = part(header).ok_or_else(|| malformed("the token's header is not JSON in base64"))?;
    let payload: Payload =
        part(payload).ok_or_else(|| malformed("the token's claims are not JSON in base64"))?;

    let seconds = |time: &Option<Number>| time.as_ref().map(whole_seconds);
    let expires = seconds(&payload.expires);
    if expires.is_some_and(|expires| now >= expires) {
        return Err(Refusal::of(codes::TOKEN_EXPIRED, "the token's time is over"));
    }
    if seconds(&payload.not_before).is_some_and(|begins| now < begins) {
        return Err(Refusal::of(codes::TOKEN_NOT_VALID_YET, "the token's time has not come"));
    }
    let issued = seconds(&payload.issued);
    if issued.is_some_and(|issued| now < issued) {
        return Err(unknown("the token was issued in the future"));
    }
    if header.algorithm != "HS256" {
        return Err(unknown("the token is not signed with HS256"));
    }
    let signature =
        URL_SAFE_NO_PAD.decode(signature).map_err(|_| unknown("the token's signature is not base64"))?;
    mac(signed, secret).verify_slice(&signature).map_err(|_| unknown("the token's signature is wrong"))?;

    Ok(Claims {
        user: payload.user,
        platform_id: payload.platform.try_into().map_err(|_| unknown("the token's platform is none"))?,
        issued: issued.unwrap_or_default(),
        expires: expires.ok_or_else(|| unknown("the token has no expiry"))?,
    })
}

/// Why a secret is too weak to sign with, if it is.
///
/// ```
/// use turnstile::gateway::token::weak;
///
/// assert_eq!(weak("openIM123"), Some("is OpenIM's default, which everybody knows"));
/// assert_eq!(weak("9b1deb4d3b7d4bad"), None);
/// ```
pub fn weak(secret: &str) -> Option<&'static str> {
    match secret {
        "" => Some("is empty"),
        "openIM123" => Some("is OpenIM's default, which everybody knows"),
        _ if secret.len() < 16 => Some("is shorter than 16 bytes"),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "alg")]
    algorithm: String,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    #[serde(rename = "UserID", default)]
    user: String,
    #[serde(rename = "PlatformID", default)]
    platform: i64,
    #[serde(rename = "exp")]
    expires: Option<Number>,
    #[serde(rename = "nbf", skip_serializing_if = "Option::is_none")]
    not_before: Option<Number>,
    #[serde(rename = "iat")]
    issued: Option<Number>,
}

fn part<T: for<'a> Deserialize<'a>>(base64: &str) -> Option<T> {
    read(&URL_SAFE_NO_PAD.decode(base64).ok()?).ok()
}

/// RFC 7519 allows fractions.
fn whole_seconds(time: &Number) -> i64 {
    time.as_i64().or_else(|| Some(time.as_f64()? as i64)).unwrap_or_default()
}

fn mac(signed: &str, secret: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    mac
}
