//! Compressed frames: each is one gzip member (RFC 1952), as of `internal/msggateway/compressor.go`.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

use super::WireError;

/// The content of one gzip member, if it is at most `limit` bytes long and nothing follows it.
///
/// Go's reader also takes several members in a row, which no SDK sends.
///
/// ```
/// use turnstile::gateway::wire::{WireError, gzip};
///
/// let packed = gzip::deflate(&[0; 5000]);
/// assert_eq!(gzip::inflate(&packed, 5000), Ok(vec![0; 5000]));
/// assert_eq!(gzip::inflate(&packed, 4999), Err(WireError::TooLarge { limit: 4999 }));
/// ```
pub fn inflate(packed: &[u8], limit: usize) -> Result<Vec<u8>, WireError> {
    let mut member = GzDecoder::new(packed);
    let mut content = Vec::new();
    let one_more = (limit as u64).saturating_add(1);
    member
        .by_ref()
        .take(one_more)
        .read_to_end(&mut content)
        .map_err(|why| WireError::Gzip(why.to_string()))?;
    if content.len() > limit {
        return Err(WireError::TooLarge { limit });
    }
    if !member.into_inner().is_empty() {
        return Err(WireError::Gzip("bytes after the end".to_owned()));
    }
    Ok(content)
}

/// One gzip member with this content, made fast rather than small.
pub fn deflate(content: &[u8]) -> Vec<u8> {
    let mut member = GzEncoder::new(Vec::new(), Compression::fast());
    member.write_all(content).and_then(|()| member.finish()).expect("a vector takes every write")
}
