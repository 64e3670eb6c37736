//! The three headers of the contract, taken out of the request.

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};

use crate::{
    clock::Timestamp,
    error::{Error, ErrorCode},
    fit::{FitError, Malformed},
    token::Token,
};

/// The app's token.
pub(super) const SYSTEM: HeaderName = HeaderName::from_static("x-forge-oauth-system");
/// The token of the user in session.
pub(super) const USER: HeaderName = HeaderName::from_static("x-forge-oauth-user");

/// Marks what the contract's headers hold as sensitive, so that whoever shows a request before
/// it reaches the extractor, or without it, shows no token.
pub(crate) fn hide_tokens(headers: &mut HeaderMap) {
    // Once over all of them: to look each up costs more, and makes room for one that is missing.
    for (name, value) in headers.iter_mut() {
        if [AUTHORIZATION, SYSTEM, USER].contains(name) {
            value.set_sensitive(true);
        }
    }
}

/// Takes the FIT's header out of the request, so that no handler can log or forward it.
pub(super) fn take_authorization(headers: &mut HeaderMap) -> Result<HeaderValue, Error> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (first, second) = (values.next().is_some(), values.next().is_some());
    let taken = headers.remove(AUTHORIZATION);
    match taken {
        // Which of two was meant cannot be known.
        Some(_) if second => Err(malformed()),
        Some(value) if first => Ok(value),
        _ => Err(missing()),
    }
}

/// The token in `authorization`; the scheme is compared without case.
pub(super) fn bearer(value: &HeaderValue) -> Result<&str, Error> {
    let text = text(value).ok_or_else(malformed)?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    match token.trim_start_matches(' ') {
        "" => Err(missing()),
        token => Ok(token),
    }
}

/// A header as text, if it is ASCII: as [`HeaderValue::to_str`], which looks at each of two
/// thousand characters alone.
fn text(value: &HeaderValue) -> Option<&str> {
    let text = std::str::from_utf8(value.as_bytes()).ok()?;
    text.is_ascii().then_some(text)
}

fn malformed() -> Error {
    FitError::MalformedToken(Malformed::Segments).into()
}

fn missing() -> Error {
    Error::new(
        ErrorCode::MissingToken,
        "There is no `authorization: Bearer` header with a Forge Invocation Token. \
         Call the remote through Forge.",
    )
}

/// Takes a forwarded token out of the request.
///
/// An empty header counts as none. Two of a kind, or a token that no header can carry,
/// did not come from Forge.
pub(super) fn take_token<Kind>(
    headers: &mut HeaderMap,
    name: &HeaderName,
    now: Timestamp,
) -> Result<Option<Token<Kind>>, Error> {
    let several = headers.get_all(name).iter().nth(1).is_some();
    let Some(value) = headers.remove(name) else {
        return Ok(None);
    };
    let unusable = || {
        Error::new(
            ErrorCode::BadRequest,
            format!("The header `{name}` must come once and hold a token."),
        )
    };
    if several {
        return Err(unusable());
    }
    let text = text(&value).ok_or_else(unusable)?.trim_ascii();
    if text.is_empty() {
        return Ok(None);
    }
    Token::read(text, now).map(Some).map_err(|_| unusable())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::AppToken;

    const NOW: Timestamp = Timestamp::from_unix(1_785_312_000);

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    fn code(result: Result<HeaderValue, Error>) -> ErrorCode {
        result
            .and_then(|value| bearer(&value).map(|_| ()))
            .unwrap_err()
            .code()
    }

    #[test]
    fn the_scheme_is_compared_without_case_and_the_header_is_gone() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c"] {
            let mut headers = headers(&[(AUTHORIZATION, value)]);
            let taken = take_authorization(&mut headers).unwrap();
            assert_eq!(bearer(&taken).unwrap(), "a.b.c");
            assert!(headers.is_empty());
        }
    }

    #[test]
    fn tokens_that_nobody_took_yet_are_not_shown() {
        let mut headers = headers(&[
            (AUTHORIZATION, "Bearer t0ken"),
            (SYSTEM, "t0ken"),
            (SYSTEM, "another t0ken"),
            (USER, "t0ken"),
            (HeaderName::from_static("x-mine"), "shown"),
        ]);
        hide_tokens(&mut headers);
        let shown = format!("{headers:?}");
        assert!(
            !shown.contains("t0ken") && shown.contains("shown"),
            "{shown}"
        );
        assert_eq!(headers.len(), 5);
    }

    #[test]
    fn no_bearer_is_a_missing_token() {
        for value in ["", "Bearer", "Bearer ", "Basic YTpi", "a.b.c"] {
            let mut headers = headers(&[(AUTHORIZATION, value)]);
            assert_eq!(
                code(take_authorization(&mut headers)),
                ErrorCode::MissingToken,
                "{value}"
            );
        }
        assert_eq!(
            code(take_authorization(&mut HeaderMap::new())),
            ErrorCode::MissingToken
        );
    }

    #[test]
    fn two_authorizations_are_refused_and_both_gone() {
        let mut headers = headers(&[
            (AUTHORIZATION, "Bearer a.b.c"),
            (AUTHORIZATION, "Bearer d.e.f"),
        ]);
        assert_eq!(
            code(take_authorization(&mut headers)),
            ErrorCode::MalformedToken
        );
        assert!(headers.is_empty());
    }

    #[test]
    fn a_forwarded_token_is_taken_once() {
        let take = |pairs: &[(HeaderName, &'static str)]| {
            take_token::<crate::token::App>(&mut headers(pairs), &SYSTEM, NOW)
        };
        let token: AppToken = take(&[(SYSTEM, "t0ken")]).unwrap().unwrap();
        assert_eq!(token.secret().expose(), "t0ken");
        assert!(take(&[]).unwrap().is_none());
        assert!(take(&[(SYSTEM, "  ")]).unwrap().is_none());
        assert_eq!(
            take(&[(SYSTEM, "a"), (SYSTEM, "b")]).unwrap_err().code(),
            ErrorCode::BadRequest
        );
        assert_eq!(
            take(&[(SYSTEM, "a b")]).unwrap_err().code(),
            ErrorCode::BadRequest
        );
    }
}
