//! Where reports go.

use std::{
    io::{self, Write},
    path::Path,
};

/// Whether a path means standard output.
pub(super) fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Writes a whole report.
pub(super) fn to(path: &Path, text: &str) -> io::Result<()> {
    if is_stdout(path) {
        out(text);
        return Ok(());
    }
    std::fs::write(path, text)
}

/// Whoever stopped reading has seen enough: no panic for a closed pipe.
pub(super) fn out(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.write_all(b"\n");
}
