//! Cursors: where a page ended, sealed to the query that it is a page of.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use super::fault::Fault;

/// Bytes of the checksum in front of the position.
const SEAL: usize = 12;

/// What a query asks for, in a form that is the same for the same question.
pub(super) struct Question(Vec<u8>);

impl Question {
    pub(super) fn new(parameters: &impl Serialize) -> Result<Self, Fault> {
        serde_json::to_vec(parameters)
            .map(Self)
            .map_err(|_| refused())
    }

    /// A cursor for the page after `position`.
    pub(super) fn cursor(&self, position: &impl Serialize) -> Result<String, Fault> {
        let position = serde_json::to_vec(position).map_err(|_| refused())?;
        let mut bytes = self.seal(&position);
        bytes.extend(position);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The position in a cursor that this question led to before, and no other.
    pub(super) fn position<T: DeserializeOwned>(&self, cursor: &str) -> Result<T, Fault> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let (seal, position) = bytes.split_at_checked(SEAL).ok_or_else(refused)?;
        if seal != self.seal(position) {
            return Err(refused());
        }
        serde_json::from_slice(position).map_err(|_| refused())
    }

    fn seal(&self, position: &[u8]) -> Vec<u8> {
        let mut text = digest(&SHA256, &self.0).as_ref().to_vec();
        text.extend(position);
        let seal = digest(&SHA256, &text);
        seal.as_ref().iter().take(SEAL).copied().collect()
    }
}

fn refused() -> Fault {
    Fault::bad_request(
        "The cursor is none that this query gave: repeat it with all parameters unchanged.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_question_and_whole_only() {
        let question = Question::new(&("p:", 10)).unwrap();
        let cursor = question.cursor(&"p:7").unwrap();
        assert_eq!(question.position::<String>(&cursor).unwrap(), "p:7");
        let other = Question::new(&("q:", 10)).unwrap();
        assert!(other.position::<String>(&cursor).is_err());
        for bad in ["", "x", "p:7", &cursor[1..], &cursor[..cursor.len() - 2]] {
            assert!(question.position::<String>(bad).is_err(), "{bad}");
        }
    }
}
