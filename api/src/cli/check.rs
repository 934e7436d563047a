//! `wayin check`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use super::error::CliError;
use super::opening::open;
use super::output::counted;
use crate::check::{self, Summary, Violation};
use crate::database;

/// How the command ends where something does not hold.
const DOES_NOT_HOLD: u8 = 4;

pub(super) async fn run() -> Result<ExitCode, CliError> {
    let db = open().await?;
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new_spinner().with_style(
            ProgressStyle::with_template("{spinner} {human_pos} initiatives checked")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        )
    } else {
        ProgressBar::hidden()
    };
    let mut failed = None;
    let mut each = |violation: Violation| {
        // Whoever reads it may have read enough, as `head` does: the rest is still counted.
        let printed = bar.suspend(|| writeln!(std::io::stdout(), "{violation}"));
        if let Err(cause) = printed
            && cause.kind() != std::io::ErrorKind::BrokenPipe
        {
            failed.get_or_insert(cause);
        }
    };
    let moment = database::begin_reading(&db).await?;
    let progress = |checked| bar.set_position(checked);
    let summary = check::check(&moment, &mut each, &progress).await?;
    moment.rollback().await?;
    bar.finish_and_clear();
    if let Some(cause) = failed {
        return Err(CliError::Io("standard output".into(), cause));
    }
    let _ = writeln!(std::io::stdout(), "{}", told(&summary));
    Ok(if summary.found() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(DOES_NOT_HOLD)
    })
}

fn told(summary: &Summary) -> String {
    let looked_at = format!(
        "{}, {}, {}, {}, {} and {} checked",
        counted(summary.initiatives, "initiative"),
        counted(summary.changes, "change"),
        counted(summary.submissions, "submission"),
        counted(summary.imports, "import"),
        counted(summary.organisations, "organisation"),
        counted(summary.places, "place"),
    );
    if summary.found() == 0 {
        return format!("{looked_at}: everything holds.");
    }
    let kinds: Vec<String> = summary
        .violations
        .iter()
        .map(|(invariant, count)| format!("{count} of {}", invariant.name()))
        .collect();
    format!(
        "{looked_at}: {} found ({}).",
        counted(summary.found(), "violation"),
        kinds.join(", ")
    )
}
