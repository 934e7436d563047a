//! `wayin check`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use super::error::CliError;
use super::open_database::open_database;
use super::output::format_count;
use crate::database;
use crate::integrity::{self, IntegritySummary, Violation};

/// The exit code if there are violations.
const VIOLATIONS_EXIT_CODE: u8 = 4;

pub(super) async fn run_check() -> Result<ExitCode, CliError> {
    let db = open_database().await?;
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
        // The reader may close the pipe early, as `head` does. The remaining violations are still counted.
        let printed = bar.suspend(|| writeln!(std::io::stdout(), "{violation}"));
        if let Err(cause) = printed
            && cause.kind() != std::io::ErrorKind::BrokenPipe
        {
            failed.get_or_insert(cause);
        }
    };
    let moment = database::begin_read(&db).await?;
    let progress = |checked| bar.set_position(checked);
    let summary = integrity::check_integrity(&moment, &mut each, &progress).await?;
    moment.rollback().await?;
    bar.finish_and_clear();
    if let Some(cause) = failed {
        return Err(CliError::Io("standard output".into(), cause));
    }
    let _ = writeln!(std::io::stdout(), "{}", describe_summary(&summary));
    Ok(if summary.violation_count() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(VIOLATIONS_EXIT_CODE)
    })
}

fn describe_summary(summary: &IntegritySummary) -> String {
    let looked_at = format!(
        "{}, {}, {}, {}, {} and {} checked",
        format_count(summary.initiatives, "initiative"),
        format_count(summary.changes, "change"),
        format_count(summary.submissions, "submission"),
        format_count(summary.imports, "import"),
        format_count(summary.organisations, "organisation"),
        format_count(summary.places, "place"),
    );
    if summary.violation_count() == 0 {
        return format!("{looked_at}: everything holds.");
    }
    let kinds: Vec<String> = summary
        .violations
        .iter()
        .map(|(invariant, count)| format!("{count} of {}", invariant.name()))
        .collect();
    format!(
        "{looked_at}: {} found ({}).",
        format_count(summary.violation_count(), "violation"),
        kinds.join(", ")
    )
}
