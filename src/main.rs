//! The `forge-remote` command.

fn main() {}
