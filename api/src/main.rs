//! The `wayin` command: reads its arguments, does what they say, and ends with 0
//! where all went well, 3 where a file was taken but for some rows, 4 where a base that was checked does not hold, 1 otherwise.

use std::process::ExitCode;

use clap::Parser;
use wayin::cli::Cli;

/// Rows are made on one thread and let go of on another, which the system's own allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    // A `.env` file beside the process is optional; what is set already wins.
    let _ = dotenvy::dotenv();
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
