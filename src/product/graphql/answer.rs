//! What stands in a GraphQL answer: data, errors, or both.

use http::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use crate::product::{Api, DecodeError, ProductError, Refusal, Response, error_body::ErrorBody};

/// An answer that may be half: data, and the errors that left gaps in it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Partial<T> {
    /// The data.
    pub data: T,
    /// What the gateway said about the gaps, each in one line; at most 20.
    pub errors: Vec<String>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    errors: Value,
}

impl<'a> Answer<'a> {
    fn read(body: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body)
    }

    fn has_errors(&self) -> bool {
        !matches!(&self.errors, Value::Null) && self.errors != Value::Array(Vec::new())
    }

    /// Whether each field of `data` is null: then nothing was done.
    fn has_data(&self) -> bool {
        let data = self.data.map(|data| serde_json::from_str(data.get()));
        match data {
            None | Some(Ok(Value::Null)) => false,
            Some(Ok(Value::Object(fields))) => fields.values().any(|field| !field.is_null()),
            Some(_) => true,
        }
    }

    /// The status that the first error with one names.
    fn status(&self) -> StatusCode {
        let errors = self.errors.as_array().map_or(&[][..], Vec::as_slice);
        errors
            .iter()
            .find_map(|error| error.get("extensions")?.get("statusCode")?.as_u64())
            .and_then(|status| u16::try_from(status).ok())
            .filter(|status| (400..600).contains(status))
            .and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or(StatusCode::OK)
    }
}

/// The status that a 200 of the gateway stands for, if it has errors and no data.
pub(in crate::product) fn hidden_refusal(api: Api, body: &[u8]) -> Option<StatusCode> {
    if api != Api::GraphQl {
        return None;
    }
    let answer = Answer::read(body).ok()?;
    let refused = answer.has_errors() && !answer.has_data();
    refused.then(|| answer.status())
}

/// `data` as it stands, if there are no errors beside it.
pub(super) fn data<T: DeserializeOwned>(response: &Response) -> Result<T, ProductError> {
    let answer = whole(response)?;
    if answer.has_errors() {
        let refusal = Refusal {
            told: ErrorBody::of_errors(&answer.errors),
            trace_id: response.trace_id().map(str::to_owned),
            // No text of the body is kept: the answer may be large, and half of it is data.
            ..Refusal::new(response.call.clone(), answer.status(), b"", "")
        };
        return Err(ProductError::of(Box::new(refusal), None));
    }
    decode(response, &answer)
}

/// `data` as it stands, and what the errors beside it say.
pub(super) fn partial<T: DeserializeOwned>(
    response: &Response,
) -> Result<Partial<T>, ProductError> {
    let answer = whole(response)?;
    Ok(Partial {
        data: decode(response, &answer)?,
        errors: ErrorBody::of_errors(&answer.errors).lines().to_vec(),
    })
}

fn whole(response: &Response) -> Result<Answer<'_>, ProductError> {
    Answer::read(response.bytes())
        .map_err(|error| response.undecodable(DecodeError::of::<Value>(&error)))
}

fn decode<T: DeserializeOwned>(
    response: &Response,
    answer: &Answer<'_>,
) -> Result<T, ProductError> {
    let data = answer.data.map_or("null", RawValue::get);
    serde_json::from_str(data).map_err(|error| response.undecodable(DecodeError::of::<T>(&error)))
}
