//! The program on the command line: its help, settings, commands and exit codes.

#[cfg(unix)]
mod connections;
mod operations;
mod program;
mod service;

use std::collections::BTreeSet;

use program::CommandFolder;
use serde_json::json;

/// The commands that a help page lists.
fn list_subcommands(help: &str) -> Vec<&str> {
    let Some((_, listed)) = help.split_once("\nCommands:\n") else {
        return Vec::new();
    };
    listed
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect()
}

#[test]
fn every_command_help_has_an_example() {
    let folder = CommandFolder::new();
    let mut ahead = vec![Vec::new()];
    let mut seen = BTreeSet::new();
    while let Some(command) = ahead.pop() {
        let mut arguments: Vec<&str> = command.clone();
        arguments.push("--help");
        let help = folder.run_ok(&arguments);
        let (_, example) = help
            .split_once("Example:\n")
            .unwrap_or_else(|| panic!("no example of {command:?}:\n{help}"));
        let called = format!("wayin {}", command.join(" "));
        assert!(example.contains(called.trim_end()), "{called}: {example}");
        for name in list_subcommands(&help) {
            let mut longer = command.clone();
            longer.push(Box::leak(name.to_owned().into_boxed_str()));
            ahead.push(longer);
        }
        seen.insert(command.join(" "));
    }
    for command in [
        "serve",
        "demo",
        "migrate up",
        "migrate down",
        "migrate status",
        "schema",
        "member add",
        "member list",
        "member revoke",
        "token issue",
        "token list",
        "token revoke",
        "import places",
        "import grants",
        "import records",
        "export records",
        "export grants",
        "check",
        "template",
    ] {
        assert!(seen.contains(command), "{command} of {seen:?}");
    }
    assert_eq!(folder.list_names(), [""; 0], "help makes no base");
}

#[test]
fn checked_in_schema_matches_the_printed_one() {
    let printed = CommandFolder::new().run_ok(&["schema"]);
    let checked_in = include_str!("../../../schema.graphql");
    let mut lines = printed.lines().zip(checked_in.lines()).enumerate();
    let differs = lines.find(|(_, (printed, checked_in))| printed != checked_in);
    assert!(
        printed == checked_in,
        "schema.graphql is stale; write it again with `cargo run -- schema > schema.graphql`. \
         First difference: {differs:?}"
    );
}

/// The settings that `serve` starts with.
fn serve_settings() -> CommandFolder {
    CommandFolder::new()
        .with_setting("TOKEN_ALGORITHM", "HS256")
        .with_setting("TOKEN_SECRET", "a secret that only this story knows of")
        .with_setting("TOKEN_ISSUER", "https://issuer.example.org")
        .with_setting("TOKEN_AUDIENCE", "wayin-tests")
}

#[test]
fn serve_names_the_invalid_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let bad = [
        (
            "TOKEN_ALGORITHM",
            "",
            "is missing: it is one of EdDSA, ES256, RS256 and HS256.",
        ),
        (
            "TOKEN_ALGORITHM",
            "none",
            "cannot be used: none is not one of EdDSA, ES256, RS256 and HS256.",
        ),
        (
            "TOKEN_ISSUER",
            "",
            "is missing: it is the iss of the tokens that are accepted.",
        ),
        (
            "TOKEN_AUDIENCE",
            " ",
            "is missing: it is the aud of the tokens that are accepted.",
        ),
        // There is no default: without a secret, no token is accepted.
        (
            "TOKEN_SECRET",
            "",
            "is missing: HS256 needs a secret of at least 32 bytes.",
        ),
        (
            "TOKEN_SECRET",
            "short",
            "cannot be used: it has 5 bytes, and HS256 needs at least 32.",
        ),
        (
            "ORIGINS",
            "https://a.example.org, b.example.org",
            "cannot be used: b.example.org is not an origin such as https://dashboard.example.org.",
        ),
        (
            "BIND",
            "8000",
            "cannot be used: 8000 is not an address and port, such as 127.0.0.1:8000.",
        ),
        (
            "IMPORT_MEGABYTES",
            "0",
            "cannot be used: 0 is not a whole number from 1 to 1000.",
        ),
        (
            "IMPORT_DAYS",
            "for ever",
            "cannot be used: for ever is not a whole number from 1 to 36500.",
        ),
        ("LOG", "wayin=loudly", "cannot be used: "),
        (
            "DATABASE_URL",
            "mysql://base",
            "cannot be used: it does not start with sqlite: or postgres://.",
        ),
        (
            "MIGRATE_ON_START",
            "yes",
            "cannot be used: it is yes, not true or false.",
        ),
        (
            "PUBLIC_QUESTIONS",
            "1",
            "cannot be used: it is 1, not true or false.",
        ),
    ];
    for (setting, value, reason) in bad {
        let folder = serve_settings().with_setting(setting, value);
        let output = folder.run(&["serve"]);
        assert_eq!(
            (output.code, output.out.as_str()),
            (Some(1), ""),
            "{setting}={value}: {output:?}"
        );
        let sentence = format!("The setting {setting} {reason}");
        assert!(output.err.starts_with(&sentence), "{setting}={value}: {output:?}");
        assert_eq!(output.err.lines().count(), 1, "one sentence: {output:?}");
        assert_eq!(folder.list_names(), [""; 0], "no base is made: {setting}={value}");
    }
    for (setting, value) in [
        ("DATABASE_URL", "sqlite://no/such/folder/wayin.db?mode=rwc"),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none"),
        ("BIND", taken.as_str()),
    ] {
        let output = serve_settings().with_setting(setting, value).run(&["serve"]);
        assert_eq!(output.code, Some(1), "{setting}={value}: {output:?}");
        let sentence = format!("The setting {setting} cannot be used: ");
        let last = output.err.lines().last().unwrap_or_default();
        assert!(last.starts_with(&sentence), "{setting}={value}: {output:?}");
    }
}

#[test]
fn serve_names_the_setting_of_an_invalid_key() {
    let key = |algorithm: &str, file: Option<&str>| {
        let folder = CommandFolder::new()
            .with_setting("TOKEN_ALGORITHM", algorithm)
            .with_setting("TOKEN_ISSUER", "https://issuer.example.org")
            .with_setting("TOKEN_AUDIENCE", "wayin-tests");
        folder.write_file(
            "not-a-key.pem",
            "-----BEGIN PUBLIC KEY-----\nbm8=\n-----END PUBLIC KEY-----\n",
        );
        match file {
            Some(file) => folder.with_setting("TOKEN_PUBLIC_KEY_FILE", file),
            None => folder,
        }
    };
    for algorithm in ["EdDSA", "ES256", "RS256"] {
        for (file, reason) in [
            (
                None,
                "is missing: it names the file of the issuer's public key.".to_owned(),
            ),
            (Some("no-file.pem"), "cannot be used: no-file.pem: ".to_owned()),
            (
                Some("not-a-key.pem"),
                format!("cannot be used: the file contains no {algorithm} key in PEM format."),
            ),
        ] {
            let output = key(algorithm, file).run(&["serve"]);
            let sentence = format!("The setting TOKEN_PUBLIC_KEY_FILE {reason}");
            assert_eq!(output.code, Some(1), "{output:?}");
            assert!(
                output.err.starts_with(&sentence),
                "{algorithm}, {file:?}: {output:?}"
            );
        }
        // A secret with another algorithm would be a security risk.
        let output = key(algorithm, None)
            .with_setting("TOKEN_SECRET", "a secret that only this story knows of")
            .run(&["serve"]);
        let sentence = "The setting TOKEN_SECRET cannot be used: it is only for HS256";
        assert!(output.err.starts_with(sentence), "{output:?}");
    }
}

#[test]
fn migrations_go_up_and_down_and_are_reported() {
    let folder = CommandFolder::new().with_setting("MIGRATE_ON_START", "false");
    let states = || {
        let output = folder.run_ok(&["migrate", "status"]);
        let states = output
            .lines()
            .map(|line| line.split_whitespace().next().unwrap().to_owned());
        states.collect::<Vec<_>>()
    };
    let first = states();
    assert!(
        first.len() >= 10 && first.iter().all(|state| state == "pending"),
        "{first:?}"
    );
    let output = folder.run(&["member", "list"]);
    assert_eq!(output.code, Some(1));
    assert!(
        output
            .err
            .contains("run `wayin migrate up`, or set MIGRATE_ON_START=true"),
        "{output:?}"
    );
    let count = first.len();
    assert_eq!(
        folder.run_ok(&["migrate", "up"]),
        format!("{count} migrations applied.\n")
    );
    assert!(states().iter().all(|state| state == "applied"));
    assert_eq!(folder.run_ok(&["member", "list"]), "");
    assert_eq!(folder.run_ok(&["migrate", "up"]), "0 migrations applied.\n");
    assert_eq!(
        folder.run_ok(&["migrate", "down", "--yes", "--steps", "2"]),
        "2 migrations taken back.\n"
    );
    assert_eq!(
        folder.run_ok(&["migrate", "down", "--yes"]),
        "1 migration taken back.\n"
    );
    let pending = states().iter().filter(|state| *state == "pending").count();
    assert_eq!(pending, 3);
    let output = folder.run_ok(&["migrate", "down", "--yes", "--steps", &count.to_string()]);
    assert_eq!(output, format!("{} migrations taken back.\n", count - 3));
    assert!(states().iter().all(|state| state == "pending"));
}

#[test]
fn members_are_added_listed_and_revoked() {
    let folder = serve_settings();
    let output = folder.run_ok(&["member", "add", "--subject", "ada", "--role", "STEWARD"]);
    assert_eq!(output, "ada may now act as STEWARD.\n");
    let output = folder.run(&["member", "add", "--subject", "bo", "--role", "FUNDER"]);
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("a FUNDER acts for an organisation"),
        "{output:?}"
    );
    folder.run_ok(&[
        "member",
        "add",
        "--subject",
        "bo",
        "--role",
        "FUNDER",
        "--organisation",
        "GB-CHC-200",
        "--organisation-name",
        "A funder",
    ]);
    let issuer = "https://issuer.example.org";
    assert_eq!(
        folder.run_ok(&["member", "list"]),
        format!("ada\t{issuer}\tSTEWARD\tactive\t\nbo\t{issuer}\tFUNDER\tactive\tA funder\n")
    );
    assert_eq!(
        folder.run_ok(&["member", "revoke", "--subject", "bo"]),
        "bo is revoked.\n"
    );
    assert!(folder.run_ok(&["member", "list"]).contains("FUNDER\trevoked"));
    // No token is issued that could not be used.
    for subject in ["bo", "eve"] {
        let output = folder.run(&["token", "issue", "--subject", subject]);
        assert_eq!((output.code, output.out.as_str()), (Some(1), ""), "{output:?}");
        assert!(
            output.err.contains("add one with `wayin member add`"),
            "{output:?}"
        );
    }
    assert_eq!(
        folder.run(&["member", "revoke", "--subject", "eve"]).code,
        Some(1)
    );
    let token = folder.run_ok(&["token", "issue", "--subject", "ada", "--days", "1"]);
    assert_eq!(token.trim().split('.').count(), 3, "{token}");
    assert_eq!(
        folder
            .run(&["token", "issue", "--subject", "ada", "--days", "0"])
            .code,
        Some(2)
    );
    // Each is listed, and can be revoked.
    folder.run_ok(&["token", "issue", "--subject", "ada", "--name", "A dashboard"]);
    let listed = folder.run_ok(&["token", "list"]);
    assert!(
        !listed.contains(token.trim()),
        "no token is shown again: {listed}"
    );
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    let output: Vec<&[&str]> = rows.iter().map(|row| &row[3..]).collect();
    assert_eq!(
        output,
        [
            ["", "good", "issued on the command line"],
            ["", "good", "A dashboard"]
        ]
    );
    assert_eq!(rows[0][1], "ada");
    let revoke = ["token", "revoke", rows[1][0]];
    assert_eq!(folder.run_ok(&revoke), "The token A dashboard is revoked.\n");
    assert!(
        folder
            .run_ok(&["token", "list"])
            .contains("\trevoked\tA dashboard")
    );
    let output = folder.run(&revoke);
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains("is revoked already"), "{output:?}");
    let output = folder.run(&["token", "revoke", "ada"]);
    assert!(output.err.contains("is not the id of a token"), "{output:?}");
}

const GOOD_GRANT: &str = r#"{"id": "360G-a-1", "title": "A grant", "currency": "GBP", "amountAwarded": 10, "awardDate": "2020-01-02", "recipientOrganization": [{"id": "GB-CHC-100", "name": "A charity"}], "fundingOrganization": [{"id": "GB-CHC-200", "name": "A funder"}]}"#;

#[test]
fn grant_import_reports_every_row_and_exit_code() {
    let folder = CommandFolder::new();
    folder.write_file(
        "good.json",
        format!("{{\"license\": \"CC-BY-4.0\", \"grants\": [{GOOD_GRANT}]}}"),
    );
    let bad = GOOD_GRANT.replace("a-1", "a-2").replace("A grant", " ");
    folder.write_file("mixed.json", format!("{{\"grants\": [{bad}, {GOOD_GRANT}]}}"));
    folder.write_file(
        "broken.json",
        format!("{{\"grants\": [{}, {{", GOOD_GRANT.replace("a-1", "a-3")),
    );
    folder.write_file("other.json", "{\"places\": []}");
    folder.write_file("empty.json", "");
    let output = folder.run(&["import", "grants", "good.json"]);
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""), "{output:?}");
    assert_eq!(
        output.out,
        "good.json: 1 added, 0 altered, 0 unchanged, 0 refused.\n"
    );
    let output = folder.run(&["import", "grants", "mixed.json", "--licence", "CC-BY-4.0"]);
    assert_eq!(output.code, Some(3), "{output:?}");
    assert_eq!(
        output.out,
        "mixed.json: 0 added, 0 altered, 1 unchanged, 1 refused.\n"
    );
    assert_eq!(output.err, "mixed.json, row 1, title: is missing\n");
    // Another kind of file is rejected in one sentence, and so are a folder and a missing file.
    for file in ["broken.json", "other.json", "empty.json", "none.json", "."] {
        let output = folder.run(&["import", "grants", file]);
        assert_eq!(
            (output.code, output.out.as_str()),
            (Some(1), ""),
            "{file}: {output:?}"
        );
        assert_eq!(output.err.lines().count(), 1, "{file}: {output:?}");
    }
    let output = folder.run(&["import", "grants", "mixed.json"]);
    assert!(output.err.contains("does not say which licence"), "{output:?}");
    let exported = folder.run_ok(&["export", "records"]);
    assert_eq!(
        exported.lines().count(),
        1,
        "the broken file left nothing: {exported}"
    );
    assert!(exported.contains("CC-BY-4.0"), "{exported}");
}

#[test]
fn records_round_trip_as_workbook_and_csv() {
    let folder = CommandFolder::new();
    let record = |reference: &str| {
        json!({"externalRef": reference, "title": "=T", "leadOrganisation": {"name": "A charity"},
            "source": {"kind": "SELF_REPORT", "title": "S"}})
    };
    folder.write_file("records.jsonl", format!("{}\n{}\n", record("1"), record("007")));
    folder.run_ok(&["import", "records", "records.jsonl"]);
    let written = folder.run_ok(&["export", "records"]);
    for (arguments, file) in [
        (&["export", "records", "--output", "out.xlsx"][..], "out.xlsx"),
        (&["export", "records", "--output", "out.csv"], "out.csv"),
        (
            &["export", "records", "--output", "out", "--format", "xlsx"],
            "out",
        ),
    ] {
        folder.run_ok(arguments);
        let other = CommandFolder::new();
        std::fs::copy(folder.path().join(file), other.path().join(file)).unwrap();
        let output = other.run_ok(&["import", "records", file]);
        assert!(
            output.ends_with("2 added, 0 altered, 0 unchanged, 0 refused.\n"),
            "{output}"
        );
        assert_eq!(other.run_ok(&["export", "records"]), written, "{file}");
    }
    // The template contains only its example.
    folder.run_ok(&["template", "template.xlsx"]);
    let refused = folder.run(&["import", "records", "template.xlsx"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused
            .err
            .starts_with("template.xlsx: The file has no rows to import."),
        "{refused:?}"
    );
    assert_eq!(folder.run(&["template", "template.ods"]).code, Some(1));
    folder.write_file("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    let output = folder.run(&["import", "records", "old.xls"]);
    assert_eq!(output.code, Some(1));
    assert!(
        output
            .err
            .starts_with("old.xls: The file is a workbook of the old kind"),
        "{output:?}"
    );
}

#[test]
fn records_are_submitted_for_a_member() {
    let folder = CommandFolder::new().with_setting("TOKEN_ISSUER", "https://issuer.example.org");
    folder.write_file("places.csv", "code,name\nE06000001,Hartlepool\n");
    folder.run_ok(&["import", "places", "places.csv"]);
    let member = ["member", "add", "--subject", "ada", "--role", "PARTNER"];
    folder.run_ok(
        &[
            &member[..],
            &["--organisation", "GB-CHC-1", "--organisation-name", "A charity"],
        ]
        .concat(),
    );
    let record = |reference: &str, place: &str| {
        json!({"externalRef": reference, "title": "T", "place": {"name": place}, "visibility": "OPEN",
            "source": {"kind": "SELF_REPORT", "title": "S"},
            "sharing": {"basis": "The board agreed", "licence": "CC-BY-4.0"}})
    };
    let rows = format!("{}\n{}\n", record("1", "Hartlepool"), record("2", "Hartlepol"));
    folder.write_file("return.jsonl", rows);
    let send = [
        "import",
        "records",
        "return.jsonl",
        "--mode",
        "submit",
        "--member",
        "ada",
    ];
    let output = folder.run(&[&send[..], &["--corrections", "corrections.xlsx"]].concat());
    assert_eq!(
        (output.code, output.out.as_str()),
        (
            Some(3),
            "return.jsonl: 1 sent in, 1 saved as drafts with problems to fix.\n"
        ),
        "{output:?}"
    );
    assert!(
        output.err.starts_with("return.jsonl, row 2") && output.err.contains("Hartlepool"),
        "the nearest is offered: {output:?}"
    );
    let output = folder.run(&[
        "import",
        "records",
        "corrections.xlsx",
        "--mode",
        "draft",
        "--member",
        "ada",
    ]);
    assert_eq!(
        (output.code, output.out.as_str()),
        (Some(0), "corrections.xlsx: 1 unchanged.\n"),
        "what comes back is what was kept: {output:?}"
    );
    let output = folder.run(&[
        "import",
        "records",
        "return.jsonl",
        "--mode",
        "submit",
        "--member",
        "eve",
    ]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("no member eve"), "{output:?}");
    assert_eq!(
        folder
            .run(&["import", "records", "return.jsonl", "--mode", "submit"])
            .code,
        Some(2),
        "nobody is named"
    );
    let output = folder.run(&["check"]);
    assert!(output.out.contains("2 imports"), "{output:?}");
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[test]
fn places_and_records_are_imported_and_exported() {
    let folder = CommandFolder::new();
    folder.write_file("places.csv", "code,name\nE12000001,North East\n");
    folder.write_file(
        "councils.csv",
        "org_id,name,gss_code\nGB-LAE-ADU,Adur District Council,E07000223\n",
    );
    assert!(
        folder
            .run_ok(&["import", "places", "places.csv"])
            .contains("1 added")
    );
    let output = folder.run(&["import", "places", "councils.csv"]);
    assert_eq!((output.code, output.out.as_str()), (Some(1), ""), "{output:?}");
    assert!(
        output
            .err
            .starts_with("councils.csv: The file is not a list of places"),
        "{output:?}"
    );
    let record = |reference: &str, code: &str| {
        json!({"externalRef": reference, "title": "T", "place": {"code": code},
            "leadOrganisation": {"name": "A charity"}, "source": {"kind": "SELF_REPORT", "title": "S"}})
    };
    let rows = format!("{}\n\n{}\n", record("1", "E12000001"), record("2", "E12000002"));
    folder.write_file("records.jsonl", rows);
    let output = folder.run(&["import", "records", "records.jsonl"]);
    assert_eq!(output.code, Some(3), "{output:?}");
    assert_eq!(
        output.out,
        "records.jsonl: 1 added, 0 altered, 0 unchanged, 1 refused.\n"
    );
    assert_eq!(
        output.err,
        "records.jsonl, row 3, place: no place has the code E12000002\n"
    );
    let output = folder.run(&["export", "records", "--output", "out.jsonl"]);
    assert_eq!(
        (output.code, output.out.as_str(), output.err.as_str()),
        (Some(0), "", "1 record written.\n")
    );
    let written = std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    assert_eq!(folder.run_ok(&["export", "records"]), written);
    // An import into another database and an export from it give the same.
    let other = CommandFolder::new();
    other.write_file("places.csv", "code,name\nE12000001,North East\n");
    other.write_file("out.jsonl", &written);
    other.run_ok(&["import", "places", "places.csv"]);
    assert!(
        other
            .run_ok(&["import", "records", "out.jsonl"])
            .contains("1 added")
    );
    assert_eq!(other.run_ok(&["export", "records"]), written);
    let output = other.run(&["import", "records", "places.csv"]);
    assert_eq!(output.code, Some(1), "{output:?}");
}

/// Vulnerable versions of dependencies, according to the advisories of `RustSec`.
#[test]
fn no_dependency_has_a_known_advisory() {
    let lock = include_str!("../../../Cargo.lock");
    let number = |part: &str| {
        part.split(['-', '+'])
            .next()
            .unwrap_or_default()
            .parse::<u64>()
            .unwrap()
    };
    let version = |text: &str| text.split('.').take(3).map(number).collect::<Vec<_>>();
    for (name, least, why) in [
        (
            "async-graphql",
            "7.0.10",
            "directives without end: CVE-2024-47614",
        ),
        ("h2", "0.4.16", "frames without end"),
        (
            "jsonwebtoken",
            "10.3.0",
            "claims of a wrong type pass for missing ones",
        ),
    ] {
        let found: Vec<&str> = lock
            .split("[[package]]")
            .filter(|package| package.contains(&format!("\nname = \"{name}\"\n")))
            .filter_map(|package| package.split("\nversion = \"").nth(1)?.split('"').next())
            .collect();
        assert!(!found.is_empty(), "{name} is in the lock");
        for one in found {
            assert!(version(one) >= version(least), "{name} {one}: {why}");
        }
    }
    // It has a timing side channel (RUSTSEC-2023-0071).
    assert!(!lock.contains("\nname = \"rsa\"\n"), "rsa is in the lock");
}
