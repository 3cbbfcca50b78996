//! What a client says about itself in the query of its upgrade request, as of `internal/msggateway/context.go`.
//!
//! That is how OpenIM v3.8.3-patch.16 reads it, including what it is strict about.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use super::Secret;
use super::codec::{Codec, Encoding};
use super::codes::{self, Refusal};
use super::json::{or_empty, read};

/// Without padding, leftover bits ignored: Go's `base64.RawURLEncoding`.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// The platforms that there are, 1 iOS to 11 HarmonyOS.
const PLATFORMS: std::ops::RangeInclusive<i64> = 1..=11;

/// Who wants to connect, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handshake {
    /// The user; to be the same as the token's.
    pub user: String,
    /// What proves it.
    pub token: Secret,
    /// 1 iOS, 2 Android, 3 Windows, 4 OSX, 5 Web, 6 MiniWeb, 7 Linux, 8 APad, 9 IPad, 10 Admin, 11 HarmonyOS; to be the
    /// same as the token's.
    pub platform_id: i32,
    /// An ID for tracing, chosen by the client.
    pub operation_id: String,
    /// How its binary frames are encoded.
    pub codec: Codec,
    /// Whether the first frame shall be a text that says whether the handshake succeeded (`isMsgResp`).
    pub wants_first_frame: bool,
    /// Whether the app is in the background.
    pub background: bool,
    /// The SDK's version, if it says so.
    pub sdk_version: String,
}

impl Handshake {
    /// Reads a query, without the `?`, and the request's header `compression`, which counts if the query has no such key.
    ///
    /// A refusal is to be sent as an HTTP answer also if the client asked for a first frame: OpenIM reads all arguments
    /// before it knows.
    ///
    /// ```
    /// use turnstile::gateway::wire::{codes, handshake::Handshake};
    ///
    /// let query = "sendID=u1&token=t&platformID=7&operationID=o1&isBackground=false&compression=gzip";
    /// let handshake = Handshake::parse(query, None).unwrap();
    /// assert_eq!((handshake.user.as_str(), handshake.platform_id, handshake.codec.gzip), ("u1", 7, true));
    ///
    /// let refusal = Handshake::parse("sendID=u1&platformID=12&isBackground=false", None).unwrap_err();
    /// assert_eq!((refusal.code, refusal.detail.as_str()), (codes::CONN_ARGS, "operationID is empty"));
    /// ```
    pub fn parse(query: &str, compression: Option<&str>) -> Result<Handshake, Refusal> {
        let get = |key: &str| value(query, key).unwrap_or_default();
        let packed = get("v");
        let arguments = if packed.is_empty() {
            Arguments::from_keys(get, compression)?
        } else {
            Arguments::from_packed(&packed)?
        };
        arguments.check()
    }

    /// The query that says this, with the keys in the order of the SDK with a core in Go.
    ///
    /// ```
    /// use turnstile::gateway::wire::handshake::Handshake;
    ///
    /// let query = "sendID=u%201&token=t&platformID=7&operationID=o1&isBackground=false&compression=gzip";
    /// assert_eq!(Handshake::parse(query, None).unwrap().query(), query);
    /// ```
    pub fn query(&self) -> String {
        let platform = self.platform_id.to_string();
        let mut pairs = vec![
            ("sendID", self.user.as_str()),
            ("token", self.token.reveal()),
            ("platformID", &platform),
            ("operationID", &self.operation_id),
            ("isBackground", if self.background { "true" } else { "false" }),
        ];
        if self.wants_first_frame {
            pairs.push(("isMsgResp", "true"));
        }
        if self.codec.encoding == Encoding::Json {
            pairs.push(("sdkType", "js"));
        }
        if !self.sdk_version.is_empty() {
            pairs.push(("sdkVersion", &self.sdk_version));
        }
        if self.codec.gzip {
            pairs.push(("compression", "gzip"));
        }
        let pairs: Vec<String> =
            pairs.into_iter().map(|(key, value)| format!("{key}={}", escaped(value))).collect();
        pairs.join("&")
    }
}

/// The arguments, from either form, as they came.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Arguments {
    #[serde(deserialize_with = "or_empty")]
    token: String,
    #[serde(rename = "userID", deserialize_with = "or_empty")]
    user: String,
    #[serde(rename = "platformID", deserialize_with = "or_empty")]
    platform: i64,
    #[serde(rename = "operationID", deserialize_with = "or_empty")]
    operation: String,
    #[serde(deserialize_with = "or_empty")]
    compression: String,
    #[serde(deserialize_with = "or_empty")]
    sdk_type: String,
    #[serde(deserialize_with = "or_empty")]
    send_response: bool,
    #[serde(deserialize_with = "or_empty")]
    background: bool,
    #[serde(deserialize_with = "or_empty")]
    sdk_version: String,
}

impl Arguments {
    fn from_keys(get: impl Fn(&str) -> String, compression: Option<&str>) -> Result<Arguments, Refusal> {
        let platform = get("platformID").parse().map_err(|_| wrong("platformID is not int"))?;
        let send_response = match get("isMsgResp").as_str() {
            "" => false,
            text => go_bool(text).ok_or_else(|| wrong("isMsgResp is not bool"))?,
        };
        // Go's error has no code there, and so it becomes an internal one.
        let background = go_bool(&get("isBackground"))
            .ok_or_else(|| Refusal::of(codes::SERVER_INTERNAL, "isBackground is not bool"))?;
        let said = get("compression");
        Ok(Arguments {
            token: get("token"),
            user: get("sendID"),
            platform,
            operation: get("operationID"),
            compression: if said.is_empty() { compression.unwrap_or_default().to_owned() } else { said },
            sdk_type: get("sdkType"),
            send_response,
            background,
            sdk_version: get("sdkVersion"),
        })
    }

    /// From the base64 of JSON that newer SDKs may send as `v`.
    fn from_packed(packed: &str) -> Result<Arguments, Refusal> {
        let json = BASE64.decode(packed).map_err(|_| wrong("data is not base64"))?;
        // What serde says could quote the token.
        read(&json).map_err(|_| wrong("data is not json"))
    }

    fn check(self) -> Result<Handshake, Refusal> {
        if self.operation.is_empty() {
            return Err(wrong("operationID is empty"));
        }
        if self.token.is_empty() {
            return Err(wrong("token is empty"));
        }
        if self.user.is_empty() {
            return Err(wrong("sendID is empty"));
        }
        if !PLATFORMS.contains(&self.platform) {
            return Err(wrong("platformID is invalid"));
        }
        let encoding = match self.sdk_type.as_str() {
            "" | "go" => Encoding::Gob,
            "js" => Encoding::Json,
            _ => return Err(wrong("sdkType is invalid")),
        };
        Ok(Handshake {
            user: self.user,
            token: self.token.into(),
            platform_id: self.platform as i32,
            operation_id: self.operation,
            codec: Codec { encoding, gzip: self.compression == "gzip" },
            wants_first_frame: self.send_response,
            background: self.background,
            sdk_version: self.sdk_version,
        })
    }
}

fn wrong(detail: &str) -> Refusal {
    Refusal::of(codes::CONN_ARGS, detail)
}

/// Go's `strconv.ParseBool`.
fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The first value of a key, as Go's `url.ParseQuery` finds it: pairs with a semicolon or a broken escape do not count.
/// Nor do those that are not UTF-8, which Go takes.
fn value(query: &str, key: &str) -> Option<String> {
    let pairs = query.split('&').filter(|pair| !pair.contains(';'));
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        // A token is long and the keys are several: only what is asked for is unescaped.
        .filter(|(name, _)| *name == key || unescaped(name).is_some_and(|name| name == key))
        .find_map(|(_, value)| unescaped(value))
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
