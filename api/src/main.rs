//! The `wayin` command.

fn main() {}
