//! Files that commands read and write.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::CliError;
use super::output::IgnoreClosedPipe;

/// Creates the output file, or uses standard output if no file is given. Returns it with its name for messages.
pub(super) fn create_output(output: Option<PathBuf>) -> Result<(String, Box<dyn Write + Send>), CliError> {
    Ok(match output {
        None => (
            "standard output".into(),
            Box::new(std::io::BufWriter::new(IgnoreClosedPipe(std::io::stdout()))),
        ),
        Some(path) => {
            let name = path.display().to_string();
            let file = std::fs::File::create(&path).map_err(|cause| CliError::Io(name.clone(), cause))?;
            (name, Box::new(std::io::BufWriter::new(file)))
        }
    })
}

/// Opens a file to read. A folder is an error.
pub(super) fn open_file(file: &Path) -> Result<std::fs::File, CliError> {
    let failed = |cause| CliError::Io(file.display().to_string(), cause);
    let opened = std::fs::File::open(file).map_err(failed)?;
    if opened.metadata().map_err(failed)?.is_dir() {
        return Err(CliError::InvalidArguments(format!(
            "{} is a folder, not a file.",
            file.display()
        )));
    }
    Ok(opened)
}
