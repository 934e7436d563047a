//! The `wayin` command: reads its arguments, does what they say, and ends with 0
//! where all went well, 3 where a file was taken but for some rows, 4 where a base that was checked does not hold, 1 otherwise.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use wayin::cli::{Cli, EnvFile, output};

/// Rows are made on one thread and let go of on another, which the system's own allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long work on threads of its own may keep a command from ending once everything else has.
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
