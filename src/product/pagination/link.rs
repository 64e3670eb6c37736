//! Links to the next page. A token goes with each that is followed, so a link is taken
//! apart and put together again behind the base URL, or refused.

use http::{HeaderMap, header};
use url::Url;

use super::PaginationError;
use crate::{
    outbound::ApiUrl,
    product::{Api, path::climbs},
};

/// A longer link is no link: URLs of that length are not accepted anywhere.
const MOST_BYTES: usize = 8 * 1024;

/// The URL behind a link, under `base` and nowhere else.
pub(super) fn resolve(api: Api, base: &ApiUrl, link: &str) -> Result<ApiUrl, PaginationError> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if link.is_empty() || link.len() > MOST_BYTES || link.contains(odd) {
        return Err(PaginationError::UnreadableLink);
    }
    let link = link.split('#').next().unwrap_or(link);
    let (place, query) = match link.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (link, None),
    };
    let path = if place.starts_with('/') {
        path_of_relative(api, base, place)?
    } else {
        path_of_absolute(base, place)?
    };
    if climbs(&path) {
        return Err(PaginationError::Elsewhere);
    }
    base.with_path(&path)
        .map(|url| url.with_query(query))
        .ok_or(PaginationError::Elsewhere)
}

/// A link that begins with `/`: behind the base URL, or with the base URL's path in it.
fn path_of_relative(api: Api, base: &ApiUrl, path: &str) -> Result<String, PaginationError> {
    if path.starts_with("//") {
        return Err(PaginationError::Elsewhere);
    }
    if let Some(rest) = below(base, path) {
        return Ok(rest.to_owned());
    }
    // The gateway's prefix with another site in it.
    if path.starts_with("/ex/") {
        return Err(PaginationError::Elsewhere);
    }
    // Confluence v1 gives links without its own `/wiki`, v2 with it.
    if api == Api::Confluence && !path.starts_with("/wiki/") {
        return Ok(format!("/wiki{path}"));
    }
    Ok(path.to_owned())
}

/// A whole URL: same scheme, host and port as the base URL, and below its path.
fn path_of_absolute(base: &ApiUrl, place: &str) -> Result<String, PaginationError> {
    let url: Url = place.parse().map_err(|_| PaginationError::UnreadableLink)?;
    let plain = url.username().is_empty() && url.password().is_none();
    if !plain || url.origin() != base.url().origin() {
        return Err(PaginationError::Elsewhere);
    }
    below(base, url.path())
        .map(str::to_owned)
        .ok_or(PaginationError::Elsewhere)
}

/// What is left of a path behind the base URL's own.
fn below<'a>(base: &ApiUrl, path: &'a str) -> Option<&'a str> {
    let prefix = base.url().path().trim_end_matches('/');
    path.strip_prefix(prefix)
        .filter(|rest| rest.starts_with('/') && !prefix.is_empty() || prefix.is_empty())
}

/// The link with `rel="next"` (RFC 8288), from any of the `Link` headers.
pub(super) fn next_of(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::LINK)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .find_map(next_in)
}

fn next_in(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (link, after) = after.split_once('>')?;
        // The parameters end where the next link begins.
        let end = after.find('<').unwrap_or(after.len());
        let (parameters, next) = after.split_at(end);
        if parameters.split([';', ',']).any(is_rel_next) {
            return Some(link.to_owned());
        }
        rest = next;
    }
    None
}

fn is_rel_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    name.trim().eq_ignore_ascii_case("rel")
        && value
            .trim()
            .trim_matches('"')
            .split_ascii_whitespace()
            .any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests;
