//! Random input: it is read or rejected, in a number of steps that is proportional to its size.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use async_graphql::parser::parse_query;
use axum::body::Body;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sea_orm::DatabaseConnection;
use sea_orm_migration::MigratorTrait as _;
use serde_json::{Value, json};
use wayin::auth::jwt::{TokenSigner, TokenSubject, TokenVerifier};
use wayin::clock::{Clock as _, SystemClock};
use wayin::graphql::filter::{AskerOrganisation, FilterContext};
use wayin::graphql::input;
use wayin::graphql::operation::document_limits::{DocumentLimits, measure_document};
use wayin::id;
use wayin::initiative::filter_input::InitiativeFilter;
use wayin::initiative::graphql::parse_window;
use wayin::multipart;
use wayin::paging::PageArguments;
use wayin::pattern::find_matching_initiatives;
use wayin::subscriptions::protocol::ClientMessage;
use wayin_engine::index::Snapshot;
use wayin_engine::list::{ListOrder, SortField};
use wayin_engine::visibility::Reader;
use wayin_entity::FileFormat;
use wayin_migration::Migrator;
use wayin_records::formats::file_record::FileItem;
use wayin_records::formats::records::UnreadCells;
use wayin_records::formats::{FileError, Notes, grants, places, records};
use wayin_records::workbook::template;

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());

/// A migrated database without rows.
static DATABASE: LazyLock<DatabaseConnection> = LazyLock::new(|| {
    RUNTIME.block_on(async {
        let db = wayin::database::connect("sqlite::memory:").await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        db
    })
});

const SECRET: &[u8] = b"a secret that only these properties know";

/// A verifier of tokens, and a valid token.
static TOKENS: LazyLock<(TokenVerifier, String)> = LazyLock::new(|| {
    let verifier = TokenVerifier::new(Algorithm::HS256, DecodingKey::from_secret(SECRET), "us", "here");
    let signer = TokenSigner::new(Algorithm::HS256, EncodingKey::from_secret(SECRET), "here".into());
    let subject = TokenSubject {
        issuer: "us".into(),
        subject: "ada".into(),
    };
    let token = signer
        .sign(&subject, SystemClock.now(), chrono::TimeDelta::days(1))
        .unwrap();
    assert!(
        RUNTIME.block_on(verifier.verify(&token)).is_ok(),
        "the token is good"
    );
    (verifier, token)
});

fn is_accepted(token: &str) -> bool {
    RUNTIME.block_on(TOKENS.0.verify(token)).is_ok()
}

/// Random sequences of tokens of documents.
fn any_document() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => select(vec![
            "{", "}", "(", ")", "[", "]", ":", "!", "=", "@", "...", "$", "&", "|", ",", "#", "\n", "\"", "\"\"\"", "\\",
            "query", "mutation", "subscription", "fragment", "on", "a", "b", "f", "Query", "-1", "1e9", "0x", "null",
            "...f", "fragment f on Query {", "{ a }", "query Q($a: [ID!]!) {", "(first: 3)", "@skip(if: true)",
            "\"text\"", "\"\"\"block\"\"\"", "\u{feff}",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    vec(piece, 0..200).prop_map(|pieces| pieces.join(" "))
}

/// Random JSON with the names of filters and other names.
fn any_filter() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        select(vec![
            "SKIPPED",
            "DEFINING_AMBITIONS",
            "COLLABORATION",
            "2020-01-31",
            "18",
            "OPEN"
        ])
        .prop_map(Value::from),
    ];
    let name = prop_oneof![
        8 => select(vec![
            "and", "or", "not", "title", "summary", "visibility", "startedOn", "endedOn", "ongoing", "challenge",
            "wayIn", "entryPoints", "condition", "fundingTerms", "some", "none", "every", "isRecorded", "on", "step",
            "in", "notIn", "eq", "lt", "lte", "gt", "gte", "isKnown", "contains", "startsWith", "durationMonths",
            "amountMinor", "includes", "includesAny", "perspective", "reasons", "fundedByMe", "ledByMe",
            "leadOrganisation", "isMe",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    leaf.prop_recursive(30, 64, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name.clone(), inner), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Corrupts content: changes bytes and truncates it.
fn corrupt_bytes(whole: &[u8], changes: &[(Index, u8)], end: Option<Index>) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for (at, byte) in changes {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    if let Some(end) = end {
        bytes.truncate(end.index(bytes.len()));
    }
    bytes
}

/// Words of the libraries that read files. They mean nothing to people who send files.
const LIBRARY_WORDS: [&str; 8] = [
    "invalid type",
    "invalid value",
    "expected value",
    "expected ident",
    "EOF while",
    "trailing characters",
    "CSV error",
    "Utf8Error",
];

/// Asserts that an error is a sentence without such words.
fn assert_readable<T>(outcome: Result<T, FileError>) {
    if let Err(error) = outcome {
        let said = error.to_string();
        let is_sentence = said.ends_with('.') && !said.contains('\n');
        let library_word = LIBRARY_WORDS.iter().find(|word| said.contains(**word));
        assert!(is_sentence, "{said:?} is no sentence");
        assert_eq!(library_word, None, "{said:?} has words of a library");
    }
}

fn read_as_records(bytes: &[u8]) {
    let limits = records::FileLimits {
        bytes: 1 << 20,
        rows: 1_000,
    };
    for format in [
        FileFormat::JsonLines,
        FileFormat::Csv,
        FileFormat::Xlsx,
        FileFormat::Ods,
    ] {
        let mut rows = 0_u64;
        let mut read = |unread| {
            let (input, mut notes) = (Cursor::new(bytes), Notes::default());
            let outcome = records::read_unvalidated(format, input, &limits, unread, &mut notes, |item| {
                rows += u64::from(!matches!(item, FileItem::Unread(_)));
                ControlFlow::Continue(())
            });
            assert_readable(outcome);
        };
        read(UnreadCells::Keep);
        read(UnreadCells::Skip);
        assert!(rows <= 20 * limits.rows, "{rows} rows of {} bytes", bytes.len());
    }
}

fn read_as_grants(bytes: &[u8]) {
    let limits = records::FileLimits {
        bytes: 1 << 20,
        rows: 1_000,
    };
    for format in [
        FileFormat::Json,
        FileFormat::Csv,
        FileFormat::Xlsx,
        FileFormat::Ods,
    ] {
        assert_readable(grants::read_package_info(Cursor::new(bytes), format));
        assert_readable(grants::read_grants(
            Cursor::new(bytes),
            format,
            &limits,
            &mut Notes::default(),
            |_, _| ControlFlow::Continue(()),
        ));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn document_cost_is_computed_in_linear_time(document in any_document()) {
        if let Ok(work) = measure_document(&document, &DocumentLimits::UNLIMITED) {
            prop_assert!(work.tokens <= document.len());
            prop_assert!(work.steps <= 2 * document.len(), "{:?}", work);
        }
        if let Ok(work) = measure_document(&document, &DocumentLimits::default())
            && let Ok(parsed) = parse_query(&document)
        {
            prop_assert_eq!(work.fragments, parsed.fragments.len());
            prop_assert_eq!(work.operations, parsed.operations.iter().count());
        }
    }

    #[test]
    fn random_id_is_rejected(text in any::<String>(), bytes in vec(any::<u8>(), 17)) {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
        for text in [text, BASE64_URL_SAFE_NO_PAD.encode(bytes)] {
            if let Some((kind, id)) = id::decode(&text) {
                prop_assert_eq!(kind.encode_id(id), text);
            }
        }
    }

    #[test]
    fn forged_cursor_is_rejected(text in any::<String>(), parts in any_filter(), tag in any::<String>()) {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
        let made_up = json!(["initiative", tag, parts, "01900000-0000-7000-8000-000000000001"]);
        for text in [text, BASE64_URL_SAFE_NO_PAD.encode(made_up.to_string())] {
            let arguments = PageArguments { after: Some(text), ..PageArguments::default() };
            let order = ListOrder { field: SortField::Title, descending: false };
            let refusal = parse_window(order, &arguments).unwrap_err();
            prop_assert!(refusal.to_string().contains("after"), "{}", refusal);
        }
    }

    #[test]
    fn random_filter_is_evaluated_or_rejected(filter in any_filter()) {
        let db = &*DATABASE;
        match input::parse_input::<InitiativeFilter>("filter", filter) {
            Err(refusal) => prop_assert!(refusal.to_string().contains("filter"), "{}", refusal),
            Ok(read) => RUNTIME.block_on(async {
                let lookup = FilterContext::new(db, Reader::Dashboard, AskerOrganisation::Missing);
                match read.into_predicate(lookup, "filter".into()).await {
                    Err(refusal) => prop_assert!(refusal.to_string().contains("filter"), "{}", refusal),
                    Ok(condition) => {
                        let (yes, no) = find_matching_initiatives(&Snapshot::default(), &condition);
                        prop_assert!(yes.is_empty() && no.is_empty(), "the index is empty");
                    }
                }
                Ok(())
            })?,
        }
    }

    #[test]
    fn unsigned_text_is_not_a_token(text in any::<String>(), claims in any_filter(), signature in any::<String>()) {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
        prop_assert!(!is_accepted(&text));
        for algorithm in ["none", "HS256", "HS512", "RS256", "EdDSA"] {
            let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
            let header = part(&json!({"alg": algorithm, "kid": signature}));
            for signature in [&signature, &BASE64_URL_SAFE_NO_PAD.encode(&signature)] {
                let token = format!("{header}.{}.{signature}", part(&claims));
                prop_assert!(!is_accepted(&token));
            }
        }
    }

    #[test]
    fn claims_of_any_shape_are_validated(claims in any_filter(), name in select(vec!["exp", "nbf", "iat", "iss", "sub", "aud", "jti"])) {
        let mut said = json!({"iss": "us", "sub": "ada", "aud": "here", "exp": 4_000_000_000_u32});
        said[name] = claims.clone();
        let key = EncodingKey::from_secret(SECRET);
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::new(Algorithm::HS256), &said, &key).unwrap();
        // Each is a number or a text, and `aud` can be a list of texts. Nothing else is accepted.
        if is_accepted(&token) {
            let fits = match name {
                "exp" | "nbf" | "iat" => claims.is_number(),
                "aud" => claims.is_string() || claims.is_array(),
                _ => claims.is_string(),
            };
            prop_assert!(fits, "{} {}", name, claims);
        }
    }

    #[test]
    fn token_with_one_changed_character_is_rejected(at in any::<Index>(), other in any::<char>()) {
        let good = &TOKENS.1;
        let at = at.index(good.len());
        // All characters of a token are one byte long.
        let spoilt = format!("{}{other}{}", &good[..at], &good[at + 1..]);
        prop_assert_eq!(is_accepted(&spoilt), spoilt == *good);
    }

    #[test]
    fn random_websocket_message_is_read_or_closes_the_connection(text in any::<String>(), payload in any_filter()) {
        if let Err(close) = ClientMessage::parse(&text) {
            prop_assert!(close.reason().len() <= 123);
        }
        for kind in ["connection_init", "ping", "pong", "subscribe", "complete", "next"] {
            let message = json!({"type": kind, "id": "1", "payload": payload}).to_string();
            if let Err(close) = ClientMessage::parse(&message) {
                prop_assert!(close.reason().len() <= 123);
            }
        }
    }

    #[test]
    fn incomplete_multipart_body_is_rejected(body in vec(any::<u8>(), 0..400), parts in any_document()) {
        let framed = format!("--x\r\ncontent-disposition: form-data; name=\"operations\"\r\n\r\n{parts}\r\n--x--\r\n");
        let limits = || multipart::MultipartLimits { max_operation_bytes: 10_000, max_file_bytes: 10_000 };
        RUNTIME.block_on(async {
            for body in [Body::from(body), Body::from(framed)] {
                let read = multipart::read_multipart("multipart/form-data; boundary=x", body, limits()).await;
                // An operation with a file needs at least three parts.
                prop_assert!(read.is_err());
            }
            Ok(())
        })?;
    }

    #[test]
    fn random_bytes_are_read_or_rejected(bytes in vec(any::<u8>(), 0..2_000), text in any::<String>()) {
        for bytes in [&bytes[..], text.as_bytes()] {
            read_as_records(bytes);
            read_as_grants(bytes);
            assert_readable(places::read_places(Cursor::new(bytes), &mut Notes::default(), |_, _| {
                ControlFlow::Continue(())
            }));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn corrupt_file_is_read_or_rejected(
        changes in vec((any::<Index>(), any::<u8>()), 0..6),
        end in proptest::option::of(any::<Index>()),
    ) {
        const RECORD: &str = r#"{"title": "A", "startedOn": "2020-01-01", "fundingTerms": [{"durationMonths": 12}]}"#;
        const TABLE: &str = "external_ref,title,lead_identifier,place_code\n1,\"A, B\",GB-CHC-1,E06000001\n";
        const GRANTS: &str = r#"{"grants": [{"id": "360G-a-1", "title": "A", "amountAwarded": 10.5, "currency": "GBP",
            "awardDate": "2020-01-01", "recipientOrganization": [{"id": "GB-CHC-1", "name": "B"}]}]}"#;
        for whole in [template::template_bytes().unwrap(), RECORD.as_bytes(), TABLE.as_bytes()] {
            read_as_records(&corrupt_bytes(whole, &changes, end));
        }
        for whole in [GRANTS.as_bytes(), TABLE.as_bytes()] {
            read_as_grants(&corrupt_bytes(whole, &changes, end));
        }
    }
}
