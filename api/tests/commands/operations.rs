//! What operators rely on: one whole file after each command, plain errors, and warnings of names that are no settings.

use std::process::Stdio;

use crate::program::{Folder, free_address, wait_until_ready};
use crate::settings;

/// What a command leaves of a base: everything is in the one file.
const ONE_FILE: [&str; 1] = ["wayin.db"];

#[cfg(unix)]
fn mode(folder: &Folder) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(folder.path().join("wayin.db")).unwrap();
    metadata.permissions().mode() & 0o777
}

#[test]
fn the_base_is_one_whole_file_after_each_command_and_after_the_service_stops() {
    let address = free_address();
    let folder = settings().with("BIND", address.to_string());
    folder.good(&["member", "add", "--subject", "ada", "--role", "STEWARD"]);
    assert_eq!(folder.names(), ONE_FILE);
    #[cfg(unix)]
    assert_eq!(mode(&folder), 0o600, "only its owner can read it");
    let failed = folder.run(&["member", "revoke", "--subject", "nobody"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert_eq!(folder.names(), ONE_FILE, "after a command that failed");
    let service = folder.start(&["serve"]);
    wait_until_ready(address);
    folder.good(&["member", "add", "--subject", "ben", "--role", "STEWARD"]);
    let stopped = service.stop();
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert_eq!(folder.names(), ONE_FILE, "after the service stopped");
    assert!(
        stopped.err.contains("stopping") && stopped.err.contains("stopped"),
        "{stopped:?}"
    );
    assert!(
        !stopped.err.contains('\u{1b}'),
        "no colour codes in a pipe: {stopped:?}"
    );
    // A copy of the file alone holds everything.
    let copy = settings();
    std::fs::copy(folder.path().join("wayin.db"), copy.path().join("wayin.db")).unwrap();
    let members = copy.good(&["member", "list"]);
    assert!(members.contains("ada") && members.contains("ben"), "{members}");
}

#[cfg(unix)]
#[test]
fn a_file_that_exists_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = settings();
    folder.file("wayin.db", "");
    std::fs::set_permissions(
        folder.path().join("wayin.db"),
        std::fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    folder.good(&["migrate", "up"]);
    assert_eq!(mode(&folder), 0o640);
}

#[test]
fn a_reader_that_stops_early_is_no_failure() {
    let folder = settings();
    folder.good(&["member", "add", "--subject", "ada", "--role", "STEWARD"]);
    for arguments in [
        &["schema"][..],
        &["migrate", "status"],
        &["member", "list"],
        &["check"],
        &["export", "records"],
    ] {
        let mut command = folder.program(env!("CARGO_BIN_EXE_wayin"));
        command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn a_base_that_cannot_be_reached_is_reported_in_plain_words() {
    let refused = format!("postgres://wayin:hidden@{}/wayin", free_address());
    for (url, expected) in [
        (refused.as_str(), "the connection was refused"),
        (
            "postgres://wayin:hidden@nowhere.invalid/wayin",
            "the host nowhere.invalid is not known",
        ),
        ("sqlite://absent.db", "the file absent.db does not exist"),
        (
            "sqlite://absent/wayin.db?mode=rwc",
            "the folder absent of the base does not exist",
        ),
        (
            "sqlite://notes.txt",
            "the base notes.txt cannot be opened: the file is not an SQLite database",
        ),
        ("sqlite://folder", "folder is a folder, not a file"),
        (
            "postgres://127.0.0.1:port/wayin",
            "it is no address of a database; write postgres://",
        ),
    ] {
        let folder = settings().with("DATABASE_URL", url);
        folder.file(
            "notes.txt",
            "These are notes, and no database at all. ".repeat(50),
        );
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        for arguments in [&["serve"][..], &["member", "list"], &["migrate", "status"]] {
            let ended = folder.run(arguments);
            assert_eq!(ended.code, Some(1), "{ended:?}");
            assert!(ended.err.contains(expected), "{url}: {ended:?}");
            assert!(!ended.err.contains("hidden"), "no password is printed: {ended:?}");
            assert!(!ended.err.contains("(code: "), "{ended:?}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_used_is_reported_in_plain_words() {
    let folder = settings();
    assert_eq!(folder.run(&["migrate", "up"]).code, Some(0));
    for (arguments, expected) in [
        (
            &["import", "records", "absent.csv"][..],
            "absent.csv: there is no such file",
        ),
        (
            &["import", "grants", "absent/a.json"],
            "absent/a.json: there is no folder absent",
        ),
        (
            &["template", "absent/a.xlsx"],
            "absent/a.xlsx: there is no folder absent",
        ),
        (
            &["export", "records", "--output", "absent/a.csv"],
            "absent/a.csv: there is no folder absent",
        ),
    ] {
        let ended = folder.run(arguments);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains(expected), "{ended:?}");
        assert!(!ended.err.contains("os error"), "{ended:?}");
    }
}

#[test]
fn a_line_of_the_settings_file_that_cannot_be_read_is_an_error() {
    for (settings, line) in [
        ("# Settings\nLOG=info\nSIGNING_KEY_FILE\n", 3),
        ("LOG=info\n\nJWT_SECRET=secret words of mine\n", 3),
        ("JWT_SECRET='secret\nLOG=info\n", 1),
        ("LOG='in\nfo'\n# JWT_SECRET\nJWT_SECRET", 4),
    ] {
        let folder = Folder::new();
        folder.file(".env", settings);
        let ended = folder.run(&["schema"]);
        assert_eq!(ended.code, Some(1), "{settings:?}: {ended:?}");
        let named = format!(".env cannot be read: line {line} is no setting");
        assert!(ended.err.contains(&named), "{settings:?}: {ended:?}");
        assert!(!ended.err.contains("secret"), "no value is printed: {ended:?}");
    }
}

#[test]
fn an_export_into_a_file_of_another_kind_is_refused() {
    let folder = settings();
    assert_eq!(folder.run(&["migrate", "up"]).code, Some(0));
    for (arguments, expected) in [
        (
            &["export", "records", "--output", "a.xls"][..],
            "No file that ends in .xls is written: name one",
        ),
        (
            &["export", "records", "--output", "a.json"],
            "No file that ends in .json is written: name one",
        ),
        (
            &["export", "grants", "--output", "a.csv"],
            "No file that ends in .csv is written: grants",
        ),
    ] {
        let ended = folder.run(arguments);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains(expected), "{ended:?}");
    }
    assert!(
        !folder.names().iter().any(|name| name.starts_with("a.")),
        "{:?}",
        folder.names()
    );
    let named = folder.run(&["export", "records", "--output", "a.txt", "--format", "csv"]);
    assert_eq!(named.code, Some(0), "{named:?}");
    assert_eq!(
        folder.run(&["export", "records", "--output", "a.XLSX"]).code,
        Some(0)
    );
}

#[test]
fn names_that_are_no_settings_are_reported() {
    let folder = settings().with("COST_MAX", "1").with("DATABASE_URL", "");
    folder.file(".env", "QUERY_TIMEOUT=3\nLOG=info\n");
    let ended = folder.run(&["migrate", "up"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for expected in [
        "COST_MAX is not a setting of Wayin; is COST_MOST meant?",
        "QUERY_TIMEOUT in the file .env is not a setting of Wayin; the nearest is QUERY_SECONDS.",
        "DATABASE_URL is empty; sqlite://wayin.db?mode=rwc is used.",
    ] {
        assert!(ended.err.contains(expected), "{ended:?}");
    }
    assert_eq!(ended.err.lines().count(), 3, "{ended:?}");
}

#[test]
fn a_base_that_a_newer_version_migrated_is_refused() {
    use sea_orm::ConnectionTrait as _;
    let folder = settings();
    folder.good(&["migrate", "up"]);
    let url = format!("sqlite://{}", folder.path().join("wayin.db").display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let db = wayin::database::connect(&url).await.unwrap();
        db.execute_unprepared(
            "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99991231_000001_later', 0)",
        )
        .await
        .unwrap();
        wayin::database::close(&db).await;
    });
    for arguments in [
        &["serve"][..],
        &["migrate", "up"],
        &["migrate", "status"],
        &["migrate", "down", "--yes"],
        &["member", "list"],
        &["check"],
        &["export", "records"],
    ] {
        let ended = folder.run(arguments);
        assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
        assert!(
            ended.err.contains("migrated by a newer version of Wayin"),
            "{ended:?}"
        );
    }
}

#[test]
fn migrations_are_not_taken_back_unasked() {
    let folder = settings();
    folder.good(&["migrate", "up"]);
    let ended = folder.run(&["migrate", "down"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("--yes"), "{ended:?}");
    assert_eq!(folder.good(&["migrate", "up"]), "0 migrations applied.\n");
}
