//! Envelopes as Go's `encoding/gob` writes them, which is what SDKs with a core in Go send and understand.
//!
//! A frame is a whole stream: messages that define types, then one that holds a value. Fields are found by their names
//! in the definition and read by their types in it, so other orders, names of types and type IDs are fine, as they are
//! to Go. Of gob there is what two flat structs need; how it is encoded is told in the package's documentation.

use std::sync::LazyLock;

use super::WireError;
use super::envelope::{Request, Response};

/// The request in a stream. Fields that it does not have stay empty, fields that a request does not have are skipped.
///
/// ```
/// use turnstile::gateway::wire::{envelope::Request, gob};
///
/// let request = Request { req_identifier: 1001, send_id: "alice".into(), ..Request::default() };
/// let stream = gob::encode_request(&request);
/// assert_eq!(stream[0], 101, "the length of the definition, which is the same in every stream");
/// assert_eq!(gob::decode_request(&stream), Ok(request));
/// ```
pub fn decode_request(stream: &[u8]) -> Result<Request, WireError> {
    let mut request = Request::default();
    each_field(stream, |name, value| {
        match name {
            b"ReqIdentifier" => request.req_identifier = value.int()?,
            b"Token" => request.token = value.string()?.into(),
            b"SendID" => request.send_id = value.string()?,
            b"OperationID" => request.operation_id = value.string()?,
            b"MsgIncr" => request.msg_incr = value.string()?,
            b"Data" => request.data = value.bytes()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(request)
}

/// The response in a stream, as [`decode_request`].
pub fn decode_response(stream: &[u8]) -> Result<Response, WireError> {
    let mut response = Response::default();
    each_field(stream, |name, value| {
        match name {
            b"ReqIdentifier" => response.req_identifier = value.int()?,
            b"MsgIncr" => response.msg_incr = value.string()?,
            b"OperationID" => response.operation_id = value.string()?,
            b"ErrCode" => response.err_code = value.int()?,
            b"ErrMsg" => response.err_msg = value.string()?,
            b"Data" => response.data = value.bytes()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(response)
}

/// The bytes that an SDK with a core in Go sends.
pub fn encode_request(request: &Request) -> Vec<u8> {
    static DEFINITION: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let strings = ["Token", "SendID", "OperationID", "MsgIncr"].map(|name| (name, STRING));
        let fields = [&[("ReqIdentifier", INT)], &strings[..], &[("Data", BYTES)]].concat();
        definition(REQUEST, "GeneralWsReq", &fields)
    });
    let mut value = Value::of(REQUEST);
    value.int(request.req_identifier);
    value.bytes(request.token.reveal().as_bytes());
    value.bytes(request.send_id.as_bytes());
    value.bytes(request.operation_id.as_bytes());
    value.bytes(request.msg_incr.as_bytes());
    value.bytes(&request.data);
    value.after(&DEFINITION)
}

/// The bytes that OpenIM's gateway sends.
///
/// ```
/// use turnstile::gateway::wire::{envelope::Response, gob};
///
/// let kick = gob::encode_response(&Response::kick());
/// assert_eq!(kick[97..], [7, 0xff, 0x82, 1, 0xfe, 0x0f, 0xa4, 0]);
/// ```
pub fn encode_response(response: &Response) -> Vec<u8> {
    static DEFINITION: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let fields = [
            ("ReqIdentifier", INT),
            ("MsgIncr", STRING),
            ("OperationID", STRING),
            ("ErrCode", INT),
            ("ErrMsg", STRING),
            ("Data", BYTES),
        ];
        definition(RESPONSE, "Resp", &fields)
    });
    let mut value = Value::of(RESPONSE);
    value.int(response.req_identifier);
    value.bytes(response.msg_incr.as_bytes());
    value.bytes(response.operation_id.as_bytes());
    value.int(response.err_code);
    value.bytes(response.err_msg.as_bytes());
    value.bytes(&response.data);
    value.after(&DEFINITION)
}

// The type IDs of gob, and those that a Go program gives the two envelopes if it has no other types.
const BOOL: i64 = 1;
const INT: i64 = 2;
const UINT: i64 = 3;
const FLOAT: i64 = 4;
const BYTES: i64 = 5;
const STRING: i64 = 6;
const COMPLEX: i64 = 7;
const REQUEST: i64 = 64;
const RESPONSE: i64 = 65;

/// Field 2 of the struct that describes a type is there if that is a struct; field numbers are sent as the distance to
/// the previous, from -1.
const STRUCT: u64 = 3;

/// Calls `take` with each field of the value, by name.
fn each_field<'a>(
    stream: &'a [u8],
    mut take: impl FnMut(&[u8], Field<'a>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut messages = Reader(stream);
    let (id, mut value) = loop {
        let (id, body) = messages.message()?;
        if id > 0 {
            break (id, body);
        }
    };
    let mut declared = Declared::of(id, stream)?;
    loop {
        let distance = value.uint()?;
        if distance == 0 {
            return Ok(());
        }
        // Those that are left out are zero.
        for _ in 1..distance {
            declared.next()?;
        }
        let (name, kind) = declared.next()?;
        take(name, value.field(kind)?)?;
    }
}

/// The fields that a definition lists and that were not yet asked for. They are read from the stream as the value is,
/// so that a definition of many fields costs no memory.
struct Declared<'a> {
    left: u64,
    rest: Reader<'a>,
}

impl<'a> Declared<'a> {
    /// Those of the struct with this ID, which the stream defines ahead of its value.
    fn of(id: i64, stream: &'a [u8]) -> Result<Declared<'a>, WireError> {
        let mut messages = Reader(stream);
        let mut definition = loop {
            let (defined, body) = messages.message()?;
            match defined {
                0.. => return Err(WireError::Gob("the value's type is not defined")),
                _ if defined == -id => break body,
                _ => {}
            }
        };
        if definition.uint()? != STRUCT {
            return Err(WireError::Gob("the value is not a struct"));
        }
        let mut left = 0;
        definition.each(|field, rest| {
            match field {
                // The type's name and ID.
                0 => rest.each(|field, rest| match field {
                    0 => rest.bytes().map(|_| true),
                    1 => rest.int().map(|_| true),
                    _ => Err(WireError::Gob("a type has a name and an ID only")),
                })?,
                1 => {
                    left = rest.uint()?;
                    return Ok(false);
                }
                _ => return Err(WireError::Gob("a struct type has a name and fields only")),
            }
            Ok(true)
        })?;
        Ok(Declared { left, rest: definition })
    }

    /// The next one's name and type.
    fn next(&mut self) -> Result<(&'a [u8], i64), WireError> {
        self.left = self.left.checked_sub(1).ok_or(WireError::Gob("a field that the type does not have"))?;
        let (mut name, mut kind) = (&[][..], 0);
        self.rest.each(|field, rest| {
            match field {
                0 => name = rest.bytes()?,
                1 => kind = rest.int()?,
                _ => return Err(WireError::Gob("a field has a name and a type only")),
            }
            Ok(true)
        })?;
        Ok((name, kind))
    }
}

/// What a field holds.
#[derive(Clone, Copy)]
enum Field<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    String(&'a [u8]),
    /// Of a basic type that no envelope has.
    Other,
}

impl Field<'_> {
    fn int(self) -> Result<i64, WireError> {
        let Field::Int(number) = self else {
            return Err(WireError::Gob("a field that should be an int is not"));
        };
        Ok(number)
    }

    fn string(self) -> Result<String, WireError> {
        let Field::String(text) = self else {
            return Err(WireError::Gob("a field that should be a string is not"));
        };
        Ok(str::from_utf8(text).map_err(|_| WireError::Gob("a string is not UTF-8"))?.to_owned())
    }

    fn bytes(self) -> Result<Vec<u8>, WireError> {
        let Field::Bytes(bytes) = self else {
            return Err(WireError::Gob("a field that should be a []byte is not"));
        };
        Ok(bytes.to_owned())
    }
}

/// What is left to read.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], WireError> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let (taken, rest) = self.0.split_at_checked(count).ok_or(WireError::Gob("ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Below 128 one byte; else the count of bytes, negated, and that many, big end first.
    fn uint(&mut self) -> Result<u64, WireError> {
        let first = self.take(1)?[0];
        if first < 128 {
            return Ok(first.into());
        }
        let count = 256 - u64::from(first);
        if count > 8 {
            return Err(WireError::Gob("a number of more than 8 bytes"));
        }
        Ok(self.take(count)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The sign is the lowest bit; if it is set, the others are inverted.
    fn int(&mut self) -> Result<i64, WireError> {
        let both = self.uint()?;
        let number = (both >> 1).cast_signed();
        Ok(if both & 1 == 1 { !number } else { number })
    }

    fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.uint()?;
        self.take(length)
    }

    /// The next message: its type, negative if that is what the message defines, and the rest of it.
    fn message(&mut self) -> Result<(i64, Reader<'a>), WireError> {
        let mut body = Reader(self.bytes()?);
        Ok((body.int()?, body))
    }

    fn field(&mut self, kind: i64) -> Result<Field<'a>, WireError> {
        Ok(match kind {
            INT => Field::Int(self.int()?),
            BYTES => Field::Bytes(self.bytes()?),
            STRING => Field::String(self.bytes()?),
            BOOL | UINT | FLOAT => {
                self.uint()?;
                Field::Other
            }
            COMPLEX => {
                self.uint()?;
                self.uint()?;
                Field::Other
            }
            _ => return Err(WireError::Gob("a field of a type that is not basic")),
        })
    }

    /// Calls `read` with the number of each field of a struct, until its end or false.
    fn each(
        &mut self,
        mut read: impl FnMut(u64, &mut Reader<'a>) -> Result<bool, WireError>,
    ) -> Result<(), WireError> {
        let mut next = 0_u64;
        loop {
            let distance = self.uint()?;
            if distance == 0 {
                return Ok(());
            }
            next = next.checked_add(distance).ok_or(WireError::Gob("a field number out of range"))?;
            if !read(next - 1, self)? {
                return Ok(());
            }
        }
    }
}

/// A struct value that is being written. Each call is for the next field; zero is left out.
struct Value {
    bytes: Vec<u8>,
    distance: u64,
}

impl Value {
    fn of(id: i64) -> Value {
        let mut bytes = Vec::new();
        put_int(&mut bytes, id);
        Value { bytes, distance: 1 }
    }

    fn int(&mut self, number: i64) {
        if self.field_if(number != 0) {
            put_int(&mut self.bytes, number);
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.field_if(!bytes.is_empty()) {
            put_bytes(&mut self.bytes, bytes);
        }
    }

    fn field_if(&mut self, present: bool) -> bool {
        if present {
            put_uint(&mut self.bytes, self.distance);
            self.distance = 0;
        }
        self.distance += 1;
        present
    }

    /// The stream of a definition and this value.
    fn after(mut self, definition: &[u8]) -> Vec<u8> {
        put_uint(&mut self.bytes, 0);
        let mut stream = Vec::with_capacity(definition.len() + 9 + self.bytes.len());
        stream.extend_from_slice(definition);
        put_bytes(&mut stream, &self.bytes);
        stream
    }
}

/// The message that defines a struct.
fn definition(id: i64, name: &str, fields: &[(&str, i64)]) -> Vec<u8> {
    let mut body = Vec::new();
    put_int(&mut body, -id);
    put_uint(&mut body, STRUCT);
    put_uint(&mut body, 1);
    put_named(&mut body, name, id);
    put_uint(&mut body, 1);
    put_uint(&mut body, fields.len() as u64);
    for (name, kind) in fields {
        put_named(&mut body, name, *kind);
    }
    // The end of the struct type, and that of the description.
    put_uint(&mut body, 0);
    put_uint(&mut body, 0);
    let mut message = Vec::new();
    put_bytes(&mut message, &body);
    message
}

/// A struct of a name and a type ID: a type's own, or a field's.
fn put_named(out: &mut Vec<u8>, name: &str, id: i64) {
    put_uint(out, 1);
    put_bytes(out, name.as_bytes());
    put_uint(out, 1);
    put_int(out, id);
    put_uint(out, 0);
}

fn put_uint(out: &mut Vec<u8>, number: u64) {
    if number < 128 {
        return out.push(number as u8);
    }
    let bytes = number.to_be_bytes();
    let zeros = number.leading_zeros() as usize / 8;
    out.push((zeros as u8).wrapping_sub(8));
    out.extend_from_slice(&bytes[zeros..]);
}

fn put_int(out: &mut Vec<u8>, number: i64) {
    let shifted = number.cast_unsigned() << 1;
    put_uint(out, if number < 0 { !shifted } else { shifted });
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_uint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
