//! The `wayin` command: reads its arguments, does what they say, and ends with 0
//! where all went well, 3 where a file was taken but for some rows, 4 where a base that was checked does not hold, 1 otherwise.

use std::process::ExitCode;

use clap::Parser;
use wayin::cli::{Cli, EnvFile, output};

/// Rows are made on one thread and let go of on another, which the system's own allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let env_file = EnvFile::load();
    match Cli::parse().run(env_file).await {
        Ok(code) => code,
        Err(error) => {
            output::write_note(format_args!("{error}"));
            ExitCode::FAILURE
        }
    }
}
