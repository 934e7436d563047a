//! The `wayin` command. Exit codes: 0 for success, 3 if some rows of a file were not imported, 4 if the
//! integrity check found violations, 1 for any other error.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use wayin::cli::{Cli, EnvFile, output};

/// Rows are allocated on one thread and freed on another, which the system allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long blocking tasks can delay the end of a command.
const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let env_file = EnvFile::load();
    let command = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(cause) => {
            eprintln!("The command cannot start: {cause}");
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(command.run(env_file)) {
        Ok(code) => code,
        Err(error) => {
            output::write_note(format_args!("{error}"));
            ExitCode::FAILURE
        }
    };
    runtime.shutdown_timeout(RUNTIME_SHUTDOWN_TIMEOUT);
    code
}
