//! What operators rely on: a complete file after each command, plain errors, and warnings about unknown settings.

use std::process::Stdio;

use crate::program::{CommandFolder, find_free_address, wait_until_ready};
use crate::serve_settings;

/// Asserts that a command leaves everything in one file.
const DATABASE_FILES: [&str; 1] = ["wayin.db"];

#[cfg(unix)]
fn file_mode(folder: &CommandFolder) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(folder.path().join("wayin.db")).unwrap();
    metadata.permissions().mode() & 0o777
}

#[test]
fn database_is_one_file_after_every_command() {
    let address = find_free_address();
    let folder = serve_settings().with_setting("BIND", address.to_string());
    folder.run_ok(&["member", "add", "--subject", "ada", "--role", "STEWARD"]);
    assert_eq!(folder.list_names(), DATABASE_FILES);
    #[cfg(unix)]
    assert_eq!(file_mode(&folder), 0o600, "only its owner can read it");
    let failed = folder.run(&["member", "revoke", "--subject", "nobody"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert_eq!(folder.list_names(), DATABASE_FILES, "after a command that failed");
    let service = folder.start(&["serve"]);
    wait_until_ready(address);
    folder.run_ok(&["member", "add", "--subject", "ben", "--role", "STEWARD"]);
    let stopped = service.stop();
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert_eq!(folder.list_names(), DATABASE_FILES, "after the service stopped");
    assert!(
        stopped.err.contains("stopping") && stopped.err.contains("stopped"),
        "{stopped:?}"
    );
    assert!(
        !stopped.err.contains('\u{1b}'),
        "no colour codes in a pipe: {stopped:?}"
    );
    // A copy of the file alone is complete.
    let copy = serve_settings();
    std::fs::copy(folder.path().join("wayin.db"), copy.path().join("wayin.db")).unwrap();
    let members = copy.run_ok(&["member", "list"]);
    assert!(members.contains("ada") && members.contains("ben"), "{members}");
}

#[cfg(unix)]
#[test]
fn existing_file_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = serve_settings();
    folder.write_file("wayin.db", "");
    std::fs::set_permissions(
        folder.path().join("wayin.db"),
        std::fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    folder.run_ok(&["migrate", "up"]);
    assert_eq!(file_mode(&folder), 0o640);
}

#[test]
fn closed_pipe_is_not_an_error() {
    let folder = serve_settings();
    folder.run_ok(&["member", "add", "--subject", "ada", "--role", "STEWARD"]);
    for arguments in [
        &["schema"][..],
        &["migrate", "status"],
        &["member", "list"],
        &["check"],
        &["export", "records"],
    ] {
        let mut command = folder.new_command(env!("CARGO_BIN_EXE_wayin"));
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
fn unreachable_database_is_reported_plainly() {
    let refused = format!("postgres://wayin:hidden@{}/wayin", find_free_address());
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
            "it is not an address of a database; write postgres://",
        ),
    ] {
        let folder = serve_settings().with_setting("DATABASE_URL", url);
        folder.write_file(
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
fn unusable_file_is_reported_plainly() {
    let folder = serve_settings();
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
fn unreadable_settings_line_is_an_error() {
    for (settings, line) in [
        ("# Settings\nLOG=info\nSIGNING_KEY_FILE\n", 3),
        ("LOG=info\n\nJWT_SECRET=secret words of mine\n", 3),
        ("JWT_SECRET='secret\nLOG=info\n", 1),
        ("LOG='in\nfo'\n# JWT_SECRET\nJWT_SECRET", 4),
    ] {
        let folder = CommandFolder::new();
        folder.write_file(".env", settings);
        let ended = folder.run(&["schema"]);
        assert_eq!(ended.code, Some(1), "{settings:?}: {ended:?}");
        let named = format!(".env cannot be read: line {line} is not a setting");
        assert!(ended.err.contains(&named), "{settings:?}: {ended:?}");
        assert!(!ended.err.contains("secret"), "no value is printed: {ended:?}");
    }
}

#[test]
fn export_to_another_file_type_is_rejected() {
    let folder = serve_settings();
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
        !folder.list_names().iter().any(|name| name.starts_with("a.")),
        "{:?}",
        folder.list_names()
    );
    let named = folder.run(&["export", "records", "--output", "a.txt", "--format", "csv"]);
    assert_eq!(named.code, Some(0), "{named:?}");
    assert_eq!(
        folder.run(&["export", "records", "--output", "a.XLSX"]).code,
        Some(0)
    );
}

#[test]
fn unknown_settings_are_reported() {
    let folder = serve_settings()
        .with_setting("COST_LIMITS", "1")
        .with_setting("DATABASE_URL", "");
    folder.write_file(".env", "QUERY_TIMEOUT=3\nLOG=info\n");
    let ended = folder.run(&["migrate", "up"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for expected in [
        "COST_LIMITS is not a setting of Wayin; did you mean COST_LIMIT?",
        "QUERY_TIMEOUT in the file .env is not a setting of Wayin; the nearest is QUERY_SECONDS.",
        "DATABASE_URL is empty; sqlite://wayin.db?mode=rwc is used.",
    ] {
        assert!(ended.err.contains(expected), "{ended:?}");
    }
    assert_eq!(ended.err.lines().count(), 3, "{ended:?}");
}

#[test]
fn newer_database_is_rejected() {
    use sea_orm::ConnectionTrait as _;
    let folder = serve_settings();
    folder.run_ok(&["migrate", "up"]);
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
fn base_of_a_demonstration_is_not_served() {
    use sea_orm::ConnectionTrait as _;
    let folder = serve_settings();
    folder.run_ok(&["migrate", "up"]);
    let url = format!("sqlite://{}", folder.path().join("wayin.db").display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let db = wayin::database::connect(&url).await.unwrap();
        db.execute_unprepared("DELETE FROM instance_settings")
            .await
            .unwrap();
        wayin::instance::ensure_demonstration_instance(&db, &wayin::clock::SystemClock)
            .await
            .unwrap();
        wayin::database::close(&db).await;
    });
    let ended = folder.run(&["serve"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("base of a demonstration"), "{ended:?}");
    // Its records can still be exported and checked.
    folder.run_ok(&["check"]);
}

#[test]
fn migration_down_needs_confirmation() {
    let folder = serve_settings();
    folder.run_ok(&["migrate", "up"]);
    let ended = folder.run(&["migrate", "down"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("--yes"), "{ended:?}");
    assert_eq!(folder.run_ok(&["migrate", "up"]), "0 migrations applied.\n");
}
