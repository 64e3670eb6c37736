//! Answers' bodies, read chunk by chunk and never beyond their bound.

use bytes::{Bytes, BytesMut};

use crate::deadline::Deadline;

/// A `Content-Length` is believed up to here when room is made; the rest grows as it comes.
const MOST_RESERVED: usize = 64 * 1024;

/// A body cannot be read to its end.
pub(super) enum ReadError {
    /// It is larger than the bound.
    TooLarge,
    /// The connection ended before it, or it is not what its encoding says.
    Broken(reqwest::Error),
}

/// The whole body, after decompression.
pub(super) async fn read(mut answer: reqwest::Response, most: usize) -> Result<Bytes, ReadError> {
    let length = answer.content_length().unwrap_or(0);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > most {
        return Err(ReadError::TooLarge);
    }
    let mut body = BytesMut::with_capacity(length.min(MOST_RESERVED));
    while let Some(chunk) = answer.chunk().await.map_err(ReadError::Broken)? {
        if chunk.len() > most - body.len() {
            return Err(ReadError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// As much of the body as comes within the bounds; nothing that happens is an error.
pub(super) async fn read_start(
    mut answer: reqwest::Response,
    most: usize,
    time: Deadline,
) -> Bytes {
    let mut body = BytesMut::new();
    while body.len() < most {
        let Ok(Ok(Some(chunk))) = time.bound(answer.chunk()).await else {
            break;
        };
        let room = most - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    body.freeze()
}
