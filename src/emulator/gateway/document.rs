//! Whether a GraphQL document is the documented mutation.

/// The mutation as Forge documents it ("Calling product APIs from a remote"), the operation's name left out.
const EXCHANGE: &str = "mutation ($input: OfflineUserAuthTokenInput!) { \
     offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }";

/// Compares token by token: white space, commas and the operation's name may differ.
pub(super) fn is_exchange(query: &str) -> bool {
    let mut tokens = tokens(query);
    // The operation's name stands between `mutation` and the variables.
    if tokens.len() > 1 && tokens[0] == "mutation" && tokens[1] != "(" {
        tokens.remove(1);
    }
    tokens == self::tokens(EXCHANGE)
}

/// Fields of Forge storage as GraphQL had them until June 2026 (Forge changelog).
const APP_STORAGE: [&str; 5] = [
    "appStorage",
    "appStoredEntity",
    "appStoredEntities",
    "setAppStoredEntity",
    "deleteAppStoredEntity",
];

/// Whether a document is about Forge storage, which GraphQL has no more.
pub(super) fn asks_for_app_storage(query: &str) -> bool {
    tokens(query)
        .iter()
        .any(|token| APP_STORAGE.contains(token))
}

fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let Some(first) = rest.chars().next() else {
            return tokens;
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = if is_name(first) {
            rest.find(|c| !is_name(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(end);
        tokens.push(token);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_mutation_is_known_in_any_layout() {
        let one_line = "mutation forge_remote_offlineUserAuthToken($input: OfflineUserAuthTokenInput!) { offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }";
        assert!(is_exchange(one_line));
        assert!(is_exchange(&one_line.replace(' ', "\n  ")));
        assert!(is_exchange(&one_line.replace("token ttl", "token, ttl")));
    }

    #[test]
    fn anything_else_is_refused() {
        for query in [
            "",
            "query { me { id } }",
            "mutation",
            "mutation x($input: Other!) { offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }",
            "mutation x($input: OfflineUserAuthTokenInput!) { offlineUserAuthToken(input: $input) { success } }",
        ] {
            assert!(!is_exchange(query), "{query}");
        }
    }
}
