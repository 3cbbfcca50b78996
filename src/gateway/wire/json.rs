//! Envelopes as JSON, which the SDK in JavaScript asks for with `sdkType=js`.
//!
//! `data` is base64 with padding, as Go's `encoding/json` writes a `[]byte`: `null` where it is nil.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer, Serialize};

use super::WireError;
use super::envelope::{KICK_ONLINE_MSG, Request, Response};

/// Go ignores the bits that are left over in the last character.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// The request in an object, fields in any order. Absent fields and `null` are empty, unknown ones skipped.
///
/// ```
/// use turnstile::gateway::wire::json;
///
/// let request = json::decode_request(br#"{"reqIdentifier":1001,"sendID":"u1","data":"CgJ1MQ=="}"#).unwrap();
/// assert_eq!((request.send_id.as_str(), request.data.as_slice()), ("u1", &b"\n\x02u1"[..]));
/// ```
pub fn decode_request(envelope: &[u8]) -> Result<Request, WireError> {
    let fields: RequestFields = read(envelope)?;
    Ok(Request {
        req_identifier: fields.req_identifier,
        token: fields.token.into(),
        send_id: fields.send_id,
        operation_id: fields.operation_id,
        msg_incr: fields.msg_incr,
        data: bytes(fields.data)?,
    })
}

/// The response in an object, as [`decode_request`].
pub fn decode_response(envelope: &[u8]) -> Result<Response, WireError> {
    let fields: ResponseFields = read(envelope)?;
    Ok(Response {
        req_identifier: fields.req_identifier,
        msg_incr: fields.msg_incr,
        operation_id: fields.operation_id,
        err_code: fields.err_code,
        err_msg: fields.err_msg,
        data: bytes(fields.data)?,
    })
}

/// As the SDK in JavaScript writes it: no token if it is empty.
pub fn encode_request(request: &Request) -> Vec<u8> {
    write(&RequestFields {
        req_identifier: request.req_identifier,
        msg_incr: request.msg_incr.clone(),
        send_id: request.send_id.clone(),
        operation_id: request.operation_id.clone(),
        data: Some(BASE64.encode(&request.data)),
        token: request.token.reveal().to_owned(),
    })
}

/// As OpenIM writes it. Its data is nil, hence `null`, in a kick and with an error; a message without content is `""`.
///
/// ```
/// use turnstile::gateway::wire::{envelope::Response, json};
///
/// let kick = r#"{"reqIdentifier":2002,"msgIncr":"","operationID":"","errCode":0,"errMsg":"","data":null}"#;
/// assert_eq!(json::encode_response(&Response::kick()), kick.as_bytes());
/// ```
pub fn encode_response(response: &Response) -> Vec<u8> {
    let nil =
        response.data.is_empty() && (response.err_code != 0 || response.req_identifier == KICK_ONLINE_MSG);
    write(&ResponseFields {
        req_identifier: response.req_identifier,
        msg_incr: response.msg_incr.clone(),
        operation_id: response.operation_id.clone(),
        err_code: response.err_code,
        err_msg: response.err_msg.clone(),
        data: (!nil).then(|| BASE64.encode(&response.data)),
    })
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct RequestFields {
    #[serde(deserialize_with = "or_empty")]
    req_identifier: i64,
    #[serde(deserialize_with = "or_empty")]
    msg_incr: String,
    #[serde(rename = "sendID", deserialize_with = "or_empty")]
    send_id: String,
    #[serde(rename = "operationID", deserialize_with = "or_empty")]
    operation_id: String,
    data: Option<String>,
    #[serde(deserialize_with = "or_empty", skip_serializing_if = "String::is_empty")]
    token: String,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct ResponseFields {
    #[serde(deserialize_with = "or_empty")]
    req_identifier: i64,
    #[serde(deserialize_with = "or_empty")]
    msg_incr: String,
    #[serde(rename = "operationID", deserialize_with = "or_empty")]
    operation_id: String,
    #[serde(deserialize_with = "or_empty")]
    err_code: i64,
    #[serde(deserialize_with = "or_empty")]
    err_msg: String,
    data: Option<String>,
}

/// `null` leaves a field as it was in Go, that is empty.
pub(super) fn or_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Reads an object. serde would take an array of the fields too, which Go does not.
pub(in crate::gateway) fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, WireError> {
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(WireError::Json("it is not an object".to_owned()));
    }
    serde_json::from_slice(json).map_err(|why| WireError::Json(why.to_string()))
}

fn bytes(data: Option<String>) -> Result<Vec<u8>, WireError> {
    let data = data.unwrap_or_default();
    BASE64.decode(data).map_err(|why| WireError::Json(format!("data is not base64: {why}")))
}

fn write(fields: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(fields).expect("strings and numbers can be written as JSON")
}
