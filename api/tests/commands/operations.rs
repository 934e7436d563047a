//! What operators rely on: one whole file after each command, a log without colour codes.

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
fn migrations_are_not_taken_back_unasked() {
    let folder = settings();
    folder.good(&["migrate", "up"]);
    let ended = folder.run(&["migrate", "down"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("--yes"), "{ended:?}");
    assert_eq!(folder.good(&["migrate", "up"]), "0 migrations applied.\n");
}
