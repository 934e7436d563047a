//! The running service: `serve` with keys made by openssl, and `demo`.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::GOOD_GRANT;
use crate::program::{
    CommandFolder, find_free_address, is_installed, poll_until, query_service, wait_until_ready,
};

#[test]
fn serve_accepts_only_tokens_of_its_own_key() {
    if !is_installed("openssl", &["version"]) {
        return;
    }
    let address = find_free_address();
    let folder = CommandFolder::new()
        .with_setting("TOKEN_ALGORITHM", "EdDSA")
        .with_setting("TOKEN_ISSUER", "https://issuer.example.org")
        .with_setting("TOKEN_AUDIENCE", "wayin-tests")
        .with_setting("TOKEN_PUBLIC_KEY_FILE", "public.pem")
        .with_setting("TOKEN_PRIVATE_KEY_FILE", "private.pem")
        .with_setting("BIND", address.to_string());
    make_keys(&folder);
    folder.run_ok(&["member", "add", "--subject", "ada", "--role", "STEWARD"]);
    let token = |folder: &CommandFolder, subject: &str| {
        let token = folder.run_ok(&["token", "issue", "--subject", subject]);
        token.trim().to_owned()
    };
    let ada = token(&folder, "ada");
    let service = folder.start(&["serve"]);
    wait_until_ready(address);
    let viewer = "{ viewer { subject role } }";
    assert_eq!(
        query_service(address, &ada, viewer)["data"]["viewer"],
        json!({"subject": "ada", "role": "STEWARD"})
    );
    let refused = |token: &str| {
        let answer = query_service(address, token, viewer);
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(*code, "UNAUTHENTICATED", "{answer}");
    };
    refused("");
    refused(&ada[..ada.len() - 4]);
    // The same claims, signed with another key.
    let stranger = CommandFolder::new()
        .with_setting("TOKEN_ALGORITHM", "EdDSA")
        .with_setting("TOKEN_ISSUER", "https://issuer.example.org")
        .with_setting("TOKEN_AUDIENCE", "wayin-tests")
        .with_setting("TOKEN_PRIVATE_KEY_FILE", "private.pem");
    make_keys(&stranger);
    stranger.run_ok(&["member", "add", "--subject", "ada", "--role", "STEWARD"]);
    refused(&token(&stranger, "ada"));
    // The changes of another process are visible, and a member that it revokes is rejected within a second.
    folder.write_file(
        "records.jsonl",
        json!({"externalRef": "1", "title": "T", "leadOrganisation": {"name": "A charity"},
            "source": {"kind": "SELF_REPORT", "title": "S"}})
        .to_string(),
    );
    folder.run_ok(&["import", "records", "records.jsonl"]);
    let counted = "{ distribution(of: REGION) { bins { count } } }";
    poll_until("the new record", || {
        let answer = query_service(address, &ada, counted);
        (answer["data"]["distribution"]["bins"][0]["count"] == 1).then_some(())
    });
    folder.run_ok(&["member", "revoke", "--subject", "ada"]);
    poll_until("the revocation", || {
        let answer = query_service(address, &ada, viewer);
        (answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED").then_some(())
    });
    let output = service.stop();
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(!output.err.contains(&ada), "no token is logged: {}", output.err);
}

/// A folder with a file of every format that the command line imports, and a service.
fn folder_with_files(address: SocketAddr) -> CommandFolder {
    let folder = CommandFolder::new()
        .with_setting("TOKEN_ALGORITHM", "HS256")
        .with_setting("TOKEN_SECRET", "a secret that only this story knows of")
        .with_setting("TOKEN_ISSUER", "https://issuer.example.org")
        .with_setting("TOKEN_AUDIENCE", "wayin-tests")
        .with_setting("BIND", address.to_string());
    folder.write_file("places.csv", "code,name\nE06000001,Hartlepool\n");
    folder.write_file(
        "councils.csv",
        "org_id,name,gss_code\nGB-LAE-ADU,Adur District Council,E07000223\n",
    );
    folder.write_file(
        "grants.json",
        format!("{{\"license\": \"CC-BY-4.0\", \"grants\": [{GOOD_GRANT}]}}"),
    );
    folder.write_file(
        "records.jsonl",
        json!({"externalRef": "1", "title": "T", "leadOrganisation": {"name": "A charity"},
            "source": {"kind": "SELF_REPORT", "title": "S"}})
        .to_string(),
    );
    folder
}

#[test]
fn command_line_actions_are_audited() {
    let address = find_free_address();
    let folder = folder_with_files(address);
    for command in [
        "member add --subject ada --role STEWARD",
        "member add --subject bo --role PARTNER --organisation GB-CHC-1 --organisation-name Bo's",
        "import places places.csv",
        "import grants grants.json",
        "import records records.jsonl",
    ] {
        folder.run_ok(&command.split(' ').collect::<Vec<_>>());
    }
    // An import that is rejected has an audit event for its start and its end. One that did not start has none.
    for command in [
        "import places councils.csv",
        "import grants none.json",
        "member add --subject cy --role FUNDER",
        "member revoke --subject cy",
    ] {
        let output = folder.run(&command.split(' ').collect::<Vec<_>>());
        assert_eq!(output.code, Some(1), "{command}: {output:?}");
    }
    let drafts = "import records records.jsonl --mode draft --member bo";
    folder.run(&drafts.split(' ').collect::<Vec<_>>());
    folder.run_ok(&["member", "revoke", "--subject", "bo"]);
    let token = folder.run_ok(&["token", "issue", "--subject", "ada"]);
    let service = folder.start(&["serve"]);
    wait_until_ready(address);
    let events = "{ auditEvents(first: 100) { nodes { action actor { id } subjectType subjectId versionBefore versionAfter detail } } }";
    let output = query_service(address, token.trim(), events);
    let mut output = output["data"]["auditEvents"]["nodes"].as_array().unwrap().clone();
    output.reverse();
    let acts: Vec<&str> = output
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        acts,
        [
            "saveMember",
            "saveMember",
            "importPlaces",
            "endImport",
            "importRecords",
            "importRecords",
            "importPlaces",
            "endImport",
            "importRecords",
            "revokeMember",
            "issueToken",
        ]
    );
    assert!(output.iter().all(|event| event["actor"].is_null()), "{output:#?}");
    for (begun, ended) in [(2, 3), (6, 7)] {
        assert_eq!(output[begun]["subjectType"], "Import");
        assert_eq!(
            output[begun]["subjectId"], output[ended]["subjectId"],
            "{}",
            acts[begun]
        );
        assert_eq!(
            output[begun]["detail"]["fileName"],
            output[ended]["detail"]["fileName"]
        );
    }
    assert_eq!(
        output[3]["detail"],
        json!({"fileName": "places.csv", "added": 1, "altered": 0, "unchanged": 0, "refused": 0})
    );
    let failed = output[7]["detail"]["failed"].as_str().unwrap();
    assert!(failed.contains("is not a list of places"), "{failed}");
    let (added, sent, revoked) = (&output[1], &output[8], &output[9]);
    assert_eq!(sent["detail"]["for"], added["subjectId"], "{sent}");
    assert_eq!(sent["detail"]["mode"], "DRAFT", "{sent}");
    assert_eq!(revoked["subjectId"], added["subjectId"]);
    assert_eq!(
        (&added["versionBefore"], &added["versionAfter"]),
        (&Value::Null, &json!(1))
    );
    assert_eq!(
        (&revoked["versionBefore"], &revoked["versionAfter"]),
        (&json!(1), &json!(2))
    );
    let imports = "{ imports { nodes { id fileName mode state publishedCount createdBy { id } organisation { id } } } }";
    let found = query_service(address, token.trim(), imports);
    let nodes = found["data"]["imports"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 3, "{found}");
    for (import, event, name) in [
        (&nodes[2], &output[4], "grants.json"),
        (&nodes[1], &output[5], "records.jsonl"),
    ] {
        let expected = json!({"id": event["subjectId"], "fileName": name, "mode": "PUBLISH", "state": "COMPLETED",
            "publishedCount": 1, "createdBy": null, "organisation": null});
        assert_eq!(*import, expected);
        assert_eq!(event["detail"]["for"], Value::Null);
    }
    assert_eq!(service.stop().code, Some(0));
    assert_eq!(folder.run(&["check"]).code, Some(0));
}

fn make_keys(folder: &CommandFolder) {
    run_openssl(
        folder,
        &[
            "genpkey -algorithm ed25519 -out private.pem",
            "pkey -in private.pem -pubout -out public.pem",
        ],
    );
}

fn run_openssl(folder: &CommandFolder, commands: &[&str]) {
    for arguments in commands {
        let made = folder
            .new_command("openssl")
            .args(arguments.split(' '))
            .output()
            .expect("openssl runs");
        assert!(made.status.success(), "openssl {arguments}: {made:?}");
    }
}

/// Keys are fetched only from an issuer with a certificate that the machine trusts.
#[test]
fn serve_fetches_keys_from_trusted_https_only() {
    if !is_installed("openssl", &["version"]) {
        return;
    }
    let (address, issuer) = (find_free_address(), find_free_address());
    let jwks = format!("https://localhost:{}/keys.http", issuer.port());
    let folder = CommandFolder::new()
        .with_setting("TOKEN_ALGORITHM", "EdDSA")
        .with_setting("TOKEN_ISSUER", "https://issuer.example.org")
        .with_setting("TOKEN_AUDIENCE", "wayin-tests")
        .with_setting("TOKEN_JWKS_URL", jwks)
        .with_setting("TOKEN_PRIVATE_KEY_FILE", "private.pem")
        .with_setting("TOKEN_KEY_ID", "1")
        .with_setting("BIND", address.to_string());
    make_keys(&folder);
    folder.write_file("leaf.cnf", "subjectAltName=DNS:localhost\n");
    run_openssl(
        &folder,
        &[
            "pkey -in private.pem -pubout -outform DER -out public.der",
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -subj /CN=authority -days 2",
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout leaf.key -out leaf.csr -subj /CN=localhost",
            "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out leaf.pem -days 2 -extfile leaf.cnf",
        ],
    );
    let public = std::fs::read(folder.path().join("public.der")).unwrap();
    let x = BASE64_URL_SAFE_NO_PAD.encode(&public[public.len() - 32..]);
    let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": x}]}).to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{keys}",
        keys.len()
    );
    folder.write_file("keys.http", answer);
    let port = issuer.to_string();
    let _issuer = folder.start_other(
        "openssl",
        &[
            "s_server", "-accept", &port, "-cert", "leaf.pem", "-key", "leaf.key", "-HTTP", "-quiet",
        ],
    );
    poll_until("the issuer", || TcpStream::connect(issuer).ok());
    folder.run_ok(&["member", "add", "--subject", "ada", "--role", "STEWARD"]);
    let token = folder.run_ok(&["token", "issue", "--subject", "ada"]);
    let viewer = "{ viewer { subject } }";
    // The certificate is not trusted. The service runs and rejects the tokens of the issuer.
    let service = folder.start(&["serve"]);
    wait_until_ready(address);
    let answer = query_service(address, token.trim(), viewer);
    assert_eq!(
        answer["errors"][0]["message"],
        "the keys of the token's issuer cannot be read at present; try again shortly"
    );
    let output = service.stop();
    assert!(
        output.err.contains("cannot be read; the last valid keys stay"),
        "{output:?}"
    );
    let folder = folder.with_setting("SSL_CERT_FILE", "ca.pem");
    let service = folder.start(&["serve"]);
    wait_until_ready(address);
    let answer = query_service(address, token.trim(), viewer);
    assert_eq!(answer["data"]["viewer"], json!({"subject": "ada"}), "{answer}");
    service.stop();
}

#[test]
fn demo_prints_working_instructions() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = CommandFolder::new();
    let mut demo = folder.start(&["demo", "--port", &port.to_string()]);
    let mut lines = Vec::new();
    for line in BufReader::new(demo.stdout()).lines() {
        lines.push(line.unwrap());
        if lines.last().is_some_and(|line| line.starts_with("Stop it")) {
            break;
        }
    }
    let output = lines.join("\n");
    assert!(lines[0].contains("illustrative"), "{output}");
    let named = |name: &str| {
        let line = lines.iter().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("no {name} in\n{output}"))
            .trim_start_matches(name)
            .trim()
    };
    // The port is in use, so the next free one is used.
    let endpoint = named("GraphQL ");
    let address = endpoint
        .trim_start_matches("http://")
        .trim_end_matches("/graphql");
    let address: SocketAddr = address.parse().unwrap_or_else(|_| panic!("{endpoint}"));
    assert!(address.port() > port, "{address}");
    assert_eq!(
        named("GraphiQL "),
        format!("http://{address}/graphiql"),
        "{output}"
    );
    // The first link signs the funder in, and no address has a token in it.
    let links: Vec<&str> = lines
        .iter()
        .map(|line| line.trim())
        .filter(|line| line.starts_with(&format!("http://{address}/sign-in/wayin_sign_in_")))
        .collect();
    assert_eq!(links.len(), 4, "{output}");
    let first = lines.iter().position(|line| line.trim() == links[0]).unwrap();
    assert!(lines[first - 1].starts_with("Funder "), "{output}");
    wait_until_ready(address);
    for role in ["FUNDER", "PARTNER", "DASHBOARD", "STEWARD"] {
        let line = lines.iter().position(|line| line.starts_with(role));
        let line = line.unwrap_or_else(|| panic!("no {role} in\n{output}"));
        assert!(lines[line].split_whitespace().count() > 1, "{role} has a name");
        let answer = query_service(address, lines[line + 1].trim(), "{ viewer { role } }");
        assert_eq!(answer["data"]["viewer"]["role"], role, "{answer}");
    }
    run_curl(&folder, &lines);
    let ended = demo.stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(folder.list_names(), [""; 0], "its base is gone with it");
}

/// Runs the printed curl command in a shell.
fn run_curl(folder: &CommandFolder, lines: &[String]) {
    if !is_installed("curl", &["--version"]) {
        return;
    }
    let line = lines.iter().find(|line| line.starts_with("curl "));
    let line = line.expect("there is a line with curl");
    let asked = folder
        .new_command("sh")
        .args(["-c", line])
        .output()
        .expect("sh runs");
    let answer = String::from_utf8(asked.stdout).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{line}: {answer}"));
    assert_eq!(answer.get("errors"), None, "{answer}");
    let pattern = &answer["data"]["pattern"];
    assert!(
        pattern["summary"]["text"]
            .as_str()
            .is_some_and(|summary| summary.len() > 40),
        "{answer}"
    );
    assert!(
        pattern["groups"]["nodes"]
            .as_array()
            .is_some_and(|groups| groups.len() > 5),
        "{answer}"
    );
}
