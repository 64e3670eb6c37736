//! The platform's script in the app's document, before any of the app's own.

/// The document with `tag` in front of everything but its doctype.
///
/// A parser that meets a script there opens `html` and `head` by itself, and adds the
/// attributes of an `html` tag that follows to the one it has made: so nothing of the app's
/// document has to be understood, and nothing in it can come first.
pub(super) fn with_script(document: &[u8], tag: &str) -> Vec<u8> {
    let at = prologue(document);
    let (before, after) = document.split_at(at);
    [before, tag.as_bytes(), after].concat()
}

/// Length of what may stand before `html`: a byte order mark, white space, comments, a doctype.
fn prologue(document: &[u8]) -> usize {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    const DOCTYPE: &[u8] = b"<!doctype";
    let mut rest = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
    loop {
        let trimmed = rest.trim_ascii_start();
        if let Some(comment) = trimmed.strip_prefix(b"<!--") {
            match find(comment, b"-->") {
                Some(end) => rest = &comment[end + 3..],
                None => break,
            }
        } else if trimmed.len() >= DOCTYPE.len()
            && trimmed[..DOCTYPE.len()].eq_ignore_ascii_case(DOCTYPE)
            && let Some(end) = find(trimmed, b">")
        {
            rest = &trimmed[end + 1..];
            break;
        } else {
            break;
        }
    }
    document.len() - rest.len()
}

fn find(text: &[u8], sought: &[u8]) -> Option<usize> {
    text.windows(sought.len()).position(|part| part == sought)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn injected(document: &str) -> String {
        String::from_utf8(with_script(document.as_bytes(), "<S>")).unwrap()
    }

    #[test]
    fn the_script_comes_first_in_any_document() {
        for (document, with) in [
            ("<!doctype html><html>", "<!doctype html><S><html>"),
            (
                "\u{feff}\n<!-- <!doctype> -->\n<!DOCTYPE html PUBLIC \"x\">\n<script>1</script>",
                "\u{feff}\n<!-- <!doctype> -->\n<!DOCTYPE html PUBLIC \"x\"><S>\n<script>1</script>",
            ),
            ("<script>1</script>", "<S><script>1</script>"),
            (
                "<!-- only a comment --><p>",
                "<!-- only a comment --><S><p>",
            ),
            ("<!-- never ends <script>", "<S><!-- never ends <script>"),
            ("<!doctype never ends", "<S><!doctype never ends"),
            ("", "<S>"),
        ] {
            assert_eq!(injected(document), with);
        }
    }
}
