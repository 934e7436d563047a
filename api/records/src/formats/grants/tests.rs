use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::io::Cursor;
use wayin_vocabulary::FileFormat;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::super::MAX_ROW_BYTES;
use super::*;
use crate::formats::file_format::detect_grant_format;

const LLOYDS: &str = include_str!("../../../../../tests/data/grants/lloyds-bank-foundation.json");
const LLOYD_WEBBER: &str =
    include_str!("../../../../../tests/data/grants/andrew-lloyd-webber-foundation.json");
const AB_TRUST: &str = include_str!("../../../../../tests/data/grants/ab-charitable-trust.json");
const WOLFSON: &str = include_str!("../../../../../tests/data/grants/wolfson.json");
const TABLE: &str = include_str!("../../../../../tests/data/grants/two-funders.csv");

type NumberedGrantRows = Vec<(u64, ParsedRowResult<Grant>)>;

fn read_rows(
    format: FileFormat,
    text: impl AsRef<[u8]>,
) -> Result<(NumberedGrantRows, PackageInfo), FileError> {
    let mut rows = Vec::new();
    let info = read_grants(
        Cursor::new(text),
        format,
        &FileLimits::UNLIMITED,
        &mut Notes::default(),
        |at, grant| {
            rows.push((at.row, grant));
            ControlFlow::Continue(())
        },
    )?;
    Ok((rows, info))
}

fn read_json(text: &str) -> NumberedGrantRows {
    read_rows(FileFormat::Json, text).unwrap().0
}

fn read_csv(text: &str) -> NumberedGrantRows {
    read_rows(FileFormat::Csv, text).unwrap().0
}

fn unwrap_grants(rows: NumberedGrantRows) -> Vec<Grant> {
    rows.into_iter().map(|(_, grant)| grant.unwrap().value).collect()
}

fn list_warnings(rows: &NumberedGrantRows) -> Vec<String> {
    let good = rows.iter().filter_map(|(_, grant)| grant.as_ref().ok());
    good.flat_map(|good| &good.warnings)
        .map(ToString::to_string)
        .collect()
}

fn list_problems(rows: NumberedGrantRows) -> Vec<String> {
    let refused = rows.into_iter().filter_map(|(_, grant)| grant.err());
    refused.flatten().map(|problem| problem.to_string()).collect()
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

/// A complete grant with the fields of `changes`. Null removes a field.
fn grant_with(changes: serde_json::Value) -> serde_json::Value {
    let mut grant = serde_json::json!({
        "id": "360G-example-1",
        "title": "Grant to Example",
        "currency": "GBP",
        "amountAwarded": 1000,
        "awardDate": "2020-01-31",
        "recipientOrganization": [{"id": "GB-CHC-1", "name": "Example"}],
        "fundingOrganization": [{"id": "GB-CHC-2", "name": "Funder"}],
    });
    for (field, value) in changes.as_object().unwrap() {
        grant[field] = value.clone();
    }
    grant
}

fn errors_with(changes: serde_json::Value) -> Vec<String> {
    list_problems(read_json(&serde_json::json!([grant_with(changes)]).to_string()))
}

#[test]
fn real_grants_are_read() {
    let grants = unwrap_grants(read_json(LLOYDS));
    assert_eq!(grants.len(), 22);
    let first = &grants[0];
    assert_eq!(
        first,
        &Grant {
            identifier: "360G-LBFEW-115444".into(),
            title: "Grant to Small Charities Coalition".into(),
            description: None,
            currency: Some("GBP".into()),
            amount_minor: Some(3_998_300),
            awarded_on: first.awarded_on,
            starts_on: Some(date(2015, 12, 17)),
            ends_on: Some(date(2017, 12, 16)),
            duration_months: Some(24),
            programme: first.programme.clone(),
            recipient: first.recipient.clone(),
            funder: Party {
                identifier: Some("GB-CHC-327114".into()),
                name: "Lloyds Bank Foundation for England and Wales".into(),
            },
            locations: vec![],
            wayin_terms: None,
            data_source: None,
            additional: AdditionalItems::default(),
        }
    );
    assert_eq!(grants[1].amount_minor, Some(1_775_996));
    let short = grants.iter().filter(|g| g.duration_months <= Some(18));
    assert_eq!(short.count(), 5);

    let grants = unwrap_grants(read_json(LLOYD_WEBBER));
    assert_eq!(grants.len(), 22);
    assert_eq!(
        grants[1].amount_minor,
        Some(4_113_377),
        "the rounding error of the float is removed"
    );
    assert_eq!(grants[21].duration_months, None);
    assert_eq!(
        grants[13].locations,
        [Location {
            name: Some("Wales".into()),
            code: Some("W92000004".into()),
            code_type: None,
        }]
    );

    let grants = unwrap_grants(read_json(AB_TRUST));
    assert_eq!(grants.len(), 20);
    assert!(grants.iter().all(|g| g.duration_months.is_none()));
    assert!(grants.iter().all(|g| g.data_source.is_some()));
}

#[test]
fn day_first_dates_are_read_with_a_warning() {
    let rows = read_json(WOLFSON);
    assert_eq!(
        list_warnings(&rows)[0],
        "row 1, awardDate: \"05/06/2014\" is read as 2014-06-05, with the day first"
    );
    let grants = unwrap_grants(rows);
    assert_eq!(grants.len(), 20);
    assert_eq!(grants[0].awarded_on, Some(date(2014, 6, 5)));
}

#[test]
fn csv_and_json_give_the_same_grants() {
    let packages = [LLOYDS, LLOYD_WEBBER].map(|text| unwrap_grants(read_json(text)));
    let digests: BTreeMap<_, _> = packages
        .iter()
        .flatten()
        .map(|grant| (&grant.identifier, grant.digest()))
        .collect();
    let table = read_csv(TABLE);
    assert_eq!(table.len(), 10);
    assert_eq!(table[0].0, 2, "the header is line 1");
    for grant in unwrap_grants(table) {
        assert_eq!(grant.digest(), digests[&grant.identifier], "{grant:?}");
    }
}

#[test]
fn digest_changes_with_every_field() {
    let grant = unwrap_grants(read_json(LLOYDS)).remove(1);
    assert_eq!(grant.digest().len(), 64);
    let mut changed = vec![grant.clone(); 6];
    changed[0].amount_minor = None;
    changed[1].ends_on = None;
    changed[2].recipient.identifier = None;
    changed[3].title.push('.');
    changed[4].locations.push(Location {
        name: Some("Leeds".into()),
        code: None,
        code_type: None,
    });
    changed[5].locations.push(Location {
        name: None,
        code: Some("Leeds".into()),
        code_type: None,
    });
    changed.push(grant);
    let digests: std::collections::BTreeSet<_> = changed.iter().map(Grant::digest).collect();
    assert_eq!(digests.len(), changed.len());
}

#[test]
fn json_paths_are_accepted_as_column_titles() {
    let text = " ID ,TITLE,currency,amountAwarded,awardDate,recipientOrganization/0/name,\
                fundingOrganization/0/name,plannedDates/0/startDate,plannedDates/0/duration,\
                beneficiaryLocation/1/geoCode,beneficiaryLocation/0/name,recipientOrganization/1/name,\
                Recipient Org:Email,Notes\n\
                a-1,Title,gbp,12.5,2020-01-31,R,F,2020-02-01,6,e08000003,Leeds,Other,x@example.org,n\n";
    let grants = unwrap_grants(read_csv(text));
    assert_eq!(grants[0].amount_minor, Some(1250));
    assert_eq!(grants[0].currency.as_deref(), Some("GBP"));
    assert_eq!(grants[0].starts_on, Some(date(2020, 2, 1)));
    assert_eq!(grants[0].duration_months, Some(6));
    assert_eq!(grants[0].recipient.name, "R");
    let locations: Vec<_> = grants[0]
        .locations
        .iter()
        .map(|l| (l.name.as_deref(), l.code.as_deref()))
        .collect();
    assert_eq!(locations, [(Some("Leeds"), None), (None, Some("E08000003"))]);
}

#[test]
fn errors_name_the_columns_of_the_table() {
    let header = "Identifier,Title,Currency,Amount Awarded,Award Date,Recipient Org:Name,\
                  Funding Org:Name,Planned Dates:Start Date,Planned Dates:0:End Date";
    let text = format!("{header}\r\n1,T,GBP,\"1,000\",31/01/2020,R,,2020-03-01,2020-02-01\r\n");
    assert_eq!(
        list_problems(read_csv(&text)),
        ["row 2, Funding Org:Name: is missing"]
    );
    insta::assert_snapshot!(list_warnings(&read_csv(&text.replace("R,,", "R,F,"))).join("\n"), @r#"
    row 2, Amount Awarded: "1,000" may mean 1000 or 1.000; write the number without a sign between thousands, with as many decimals as the currency has, such as 1000.00; the grant is taken without it
    row 2, Planned Dates:0:End Date: 2020-02-01 is before the start, 2020-03-01; the grant is taken without it
    "#);
}

#[test]
fn every_problem_is_reported() {
    let said = list_problems(read_json(
        r#"[{"id": " ", "currency": "pounds", "amountAwarded": -5,
        "title": ["x"], "plannedDates": [{"startDate": "2020", "duration": 1.5}],
        "recipientOrganization": {"name": "not in a list"}, "fundingOrganization": [["F", "F"]],
        "awardDate": true}]"#,
    ));
    insta::assert_snapshot!(said.join("\n"), @"
    row 1, recipientOrganization: is not a list of objects
    row 1, fundingOrganization: is not a list of objects
    row 1, id: is missing
    row 1, title: is a list, where text or a number belongs
    ");
    assert_eq!(errors_with(serde_json::json!({})), [""; 0]);
    assert_eq!(errors_with(serde_json::json!({"id": "x".repeat(201)})).len(), 1);
}

#[test]
fn unstorable_value_is_omitted_with_a_warning() {
    let dates =
        |start: &str, end: &str| serde_json::json!({"plannedDates": [{"startDate": start, "endDate": end}]});
    let cases = [
        (
            serde_json::json!({"amountAwarded": "lots"}),
            "amountAwarded: \"lots\" is not an amount; write the number alone, without a currency sign",
        ),
        (
            serde_json::json!({"amountAwarded": -500}),
            "amountAwarded: \"-500\" is below zero",
        ),
        (
            serde_json::json!({"amountAwarded": null}),
            "amountAwarded: is missing",
        ),
        (
            serde_json::json!({"amountAwarded": 1e300}),
            "amountAwarded: \"1e+300\" is too large an amount",
        ),
        (
            serde_json::json!({"awardDate": "TBC"}),
            "awardDate: \"TBC\" is not a date; write it as YYYY-MM-DD, such as 2014-06-25",
        ),
        (serde_json::json!({"awardDate": " "}), "awardDate: is missing"),
        (
            serde_json::json!({"awardDate": "2999-01-01"}),
            "awardDate: \"2999-01-01\" lies in the year 2999, which cannot be right",
        ),
        (
            serde_json::json!({"awardDate": "0999-01-01"}),
            "awardDate: \"0999-01-01\" lies in the year 999, which cannot be right",
        ),
        (
            serde_json::json!({"awardDate": true}),
            "awardDate: is true or false, where text or a number belongs",
        ),
        (
            dates("2020", "2021-03-31"),
            "plannedDates/0/startDate: \"2020\" is not a date; write it as YYYY-MM-DD, such as 2014-06-25",
        ),
        (
            dates("2019-01-01", "2019-02-30"),
            "plannedDates/0/endDate: \"2019-02-30\" is not a date; write it as YYYY-MM-DD, such as 2014-06-25",
        ),
        (
            dates("2018-09-01", "2018-08-31"),
            "plannedDates/0/endDate: 2018-08-31 is before the start, 2018-09-01",
        ),
        (
            serde_json::json!({"plannedDates": [{"duration": 0}]}),
            "plannedDates/0/duration: \"0\" months is not a duration",
        ),
        (
            serde_json::json!({"plannedDates": [{"duration": 0.5}]}),
            "plannedDates/0/duration: \"0.5\" is not a whole number of months",
        ),
        (
            serde_json::json!({"plannedDates": [{"duration": "1 year"}]}),
            "plannedDates/0/duration: \"1 year\" is not a whole number of months",
        ),
        (
            serde_json::json!({"plannedDates": "soon"}),
            "plannedDates: is not a list of objects",
        ),
        (
            serde_json::json!({"dataSource": "our books"}),
            "dataSource: \"our books\" is not a plain web address, such as https://example.org/grants.json",
        ),
    ];
    let whole = unwrap_grants(read_json(
        &serde_json::json!([grant_with(serde_json::json!({}))]).to_string(),
    ))
    .remove(0);
    for (changes, warning) in cases {
        let rows = read_json(&serde_json::json!([grant_with(changes)]).to_string());
        assert_eq!(
            list_warnings(&rows),
            [format!("row 1, {warning}; the grant is taken without it")]
        );
        let grant = unwrap_grants(rows).remove(0);
        assert_eq!(
            (&grant.identifier, &grant.recipient),
            (&whole.identifier, &whole.recipient)
        );
    }
    // An amount in an unknown currency is ignored too.
    let rows =
        read_json(&serde_json::json!([grant_with(serde_json::json!({"currency": "pounds"}))]).to_string());
    assert_eq!(list_warnings(&rows).len(), 2);
    assert_eq!(unwrap_grants(rows)[0].amount_minor, None);
}

#[test]
fn amounts_are_rounded_and_durations_may_name_months() {
    for (amount, minor) in [
        ("41666.6667", 4_166_667),
        ("0.004", 0),
        ("0.005", 1),
        ("2.345", 235),
        ("0.0005", 0),
    ] {
        let rows = read_json(&format!(
            "[{}]",
            grant_with(serde_json::json!({"amountAwarded": amount}))
        ));
        assert!(
            list_warnings(&rows)[0].contains("has more decimals than GBP has; it is rounded to "),
            "{amount}"
        );
        assert_eq!(unwrap_grants(rows)[0].amount_minor, Some(minor), "{amount}");
    }
    for text in ["12 months", "12 Months", "12.0 mths", "12m", "12 month(s)"] {
        let changes = serde_json::json!({"plannedDates": [{"duration": text}]});
        let rows = read_json(&serde_json::json!([grant_with(changes)]).to_string());
        assert_eq!(
            list_warnings(&rows),
            [format!(
                "row 1, plannedDates/0/duration: \"{text}\" is read as 12 months"
            )]
        );
        assert_eq!(unwrap_grants(rows)[0].duration_months, Some(12));
    }
}

#[test]
fn grant_to_a_person_is_rejected_without_personal_data() {
    let said = errors_with(serde_json::json!({
        "recipientOrganization": null,
        "recipientIndividual": {"id": "p-1", "name": "A Name"},
        "awardDate": "A Name",
    }));
    let reason = "the grant is to a person, and Wayin keeps no personal data";
    assert_eq!(said, [format!("row 1, recipientIndividual: {reason}")]);

    let text = "Identifier,Title,Currency,Amount Awarded,Award Date,Recipient Ind:Identifier,\
                Recipient Ind:Name,Funding Org:Name\n1,T,GBP,1,2020-01-31,p-1,A Name,F\n";
    let said = list_problems(read_csv(text));
    assert_eq!(said, [format!("row 2, Recipient Ind:Identifier: {reason}")]);
}

#[test]
fn long_text_is_truncated_and_control_characters_removed() {
    let long = "word ".repeat(3000);
    let grants = serde_json::json!([grant_with(serde_json::json!({
        "title": long,
        "description": format!(" one\r\ntwo\u{0}{long}"),
        "recipientOrganization": [{"name": long}, {"name": "Second"}],
        "dataSource": "mailto:somebody@example.org",
        "beneficiaryLocation": [{"countryCode": "GB"}, {"name": " ", "geoCode": " e08000025 "}],
    }))]);
    let grant = unwrap_grants(read_json(&grants.to_string())).remove(0);
    assert_eq!(grant.title.chars().count(), 300);
    assert!(grant.title.ends_with("word…"));
    let description = grant.description.unwrap();
    assert!(description.starts_with("one\ntwo word"));
    assert!(description.chars().count() <= 10_000 && description.ends_with("word…"));
    assert!(grant.recipient.name.chars().count() <= 200);
    assert_eq!(grant.recipient.identifier, None);
    assert_eq!(grant.data_source, None);
    assert_eq!(grant.locations.len(), 1);
    assert_eq!(grant.locations[0].code.as_deref(), Some("E08000025"));
}

#[test]
fn package_info_is_read_before_or_after_the_grants() {
    let grants = serde_json::json!([grant_with(serde_json::json!({}))]);
    let text = format!(
        "\u{feff}{{\"license\": \"https://example.org/licence\", \"extensions\": [{{}}],\n\
         \"grants\": {grants}, \"publisher\": {{\"name\": \"Funder\", \"logo\": 1}},\n\
         \"downloadURL\": \"https://example.org/grants.json\", \"title\": 7}}\n"
    );
    let (grants, info) = read_rows(FileFormat::Json, &text).unwrap();
    assert_eq!(unwrap_grants(grants).len(), 1);
    assert_eq!(
        info,
        PackageInfo {
            license: Some("https://example.org/licence".into()),
            title: None,
            publisher: Some("Funder".into()),
            download_url: Some("https://example.org/grants.json".into()),
        }
    );
    assert_eq!(
        read_package_info(Cursor::new(text.as_bytes()), FileFormat::Json).unwrap(),
        info
    );
    assert_eq!(
        read_package_info(Cursor::new(b"[1, 2]"), FileFormat::Json).unwrap(),
        PackageInfo::default()
    );
}

#[test]
fn invalid_grant_does_not_affect_the_others() {
    let whole = |id: &str| grant_with(serde_json::json!({"id": id}));
    let (one, two, three) = (whole("1"), whole("2"), whole("3"));
    let list = format!(
        "[{one}, null, {two}, 5, {{\"id\": 1, \"id\": 2}}, [\"a\"], {{\"title\": \"\\ud800\"}}, {three}]"
    );
    let rows = read_json(&list);
    let good: Vec<_> = rows
        .iter()
        .filter(|(_, row)| row.is_ok())
        .map(|(n, _)| *n)
        .collect();
    assert_eq!(good, [1, 3, 8]);
    let said = list_problems(rows);
    assert_eq!(said[0], "row 2: is not an object");
    assert_eq!(said[2], "row 5: the field id is given twice");
    assert!(
        said.iter()
            .any(|reason| reason.starts_with("row 7, title: is text with a broken"))
    );
}

#[test]
fn file_without_grants_is_rejected() {
    let cases = [
        (FileFormat::Json, "", "The file is empty."),
        (
            FileFormat::Json,
            "{\"type\": \"FeatureCollection\"}",
            "it has no list `grants`.",
        ),
        (
            FileFormat::Json,
            "{\"grants\": {\"id\": 1}}",
            "a list of grants is expected.",
        ),
        (
            FileFormat::Json,
            "\"grants\"",
            "an object with a list `grants`, or that list alone is expected.",
        ),
        (FileFormat::Json, "[1, 2]", "its list does not hold objects."),
        (
            FileFormat::Json,
            "<html>",
            "not valid JSON at line 1, column 1: a value is missing, or is not in quotation marks.",
        ),
        (
            FileFormat::Json,
            "{\"grants\": [{}\n",
            "line 2, column 0: it ends in the middle.",
        ),
        (
            FileFormat::Json,
            "[] []",
            "line 1, column 4: there is more after its end.",
        ),
        (
            FileFormat::Csv,
            "org_id,name\n1,2\n",
            "it has no column Identifier (id).",
        ),
        (
            FileFormat::Csv,
            "Identifier,id,Title\n",
            "its columns Identifier and id are the same field.",
        ),
    ];
    for (format, text, reason) in cases {
        let said = read_rows(format, text).unwrap_err().to_string();
        assert!(said.ends_with(reason), "{text}: {said}");
    }
}

#[test]
fn endless_grant_is_not_buffered() {
    let endless = format!(
        "{{\"grants\": [{{}}, {{\"id\": \"{}",
        "x".repeat(MAX_ROW_BYTES * 2)
    );
    let error = read_rows(FileFormat::Json, endless).unwrap_err();
    assert!(matches!(error, FileError::EndlessRow { row: 2 }), "{error:?}");
    let elsewhere = format!(
        "{{\"other\": [{}0], \"grants\": [{{}}]}}",
        "1234567, ".repeat(1 << 20)
    );
    assert!(
        read_rows(FileFormat::Json, elsewhere).is_ok(),
        "ignored values can be long"
    );
}

#[test]
fn reading_stops_on_break() {
    for (format, text) in [(FileFormat::Json, LLOYDS), (FileFormat::Csv, TABLE)] {
        let mut count = 0;
        read_grants(
            Cursor::new(text),
            format,
            &FileLimits::UNLIMITED,
            &mut Notes::default(),
            |_, _| {
                count += 1;
                ControlFlow::Break(())
            },
        )
        .unwrap();
        assert_eq!(count, 1);
    }
}

#[test]
fn format_is_detected_from_content_first() {
    let of = |path: &str, start: &[u8]| detect_grant_format(path, start);
    assert_eq!(of("a.csv", b"\xef\xbb\xbf \n{\"g").unwrap(), FileFormat::Json);
    assert_eq!(of("a", b"[").unwrap(), FileFormat::Json);
    assert_eq!(of("a.JSON", b"Identifier,").unwrap(), FileFormat::Json);
    assert_eq!(of("a.txt", b"Identifier,").unwrap(), FileFormat::Csv);
    assert_eq!(of("a.xlsx", b"PK\x03\x04").unwrap(), FileFormat::Xlsx);
    assert_eq!(of("a.ods", b"PK\x03\x04").unwrap(), FileFormat::Ods);
    assert!(matches!(
        of("a.xls", b"\xd0\xcf\x11\xe0"),
        Err(FileError::UnsupportedKind(_))
    ));
    assert_eq!(of("a.csv", b"\xff\xfeI\0").unwrap(), FileFormat::Csv);
    assert_eq!(of("a.txt", b"\xfe\xff\0 \0{").unwrap(), FileFormat::Json);
    assert!(matches!(of("a.csv", b""), Err(FileError::Empty)));
}

#[test]
fn arbitrary_bytes_do_not_panic() {
    let mut random = StdRng::seed_from_u64(360);
    for (format, text) in [
        (FileFormat::Json, &LLOYD_WEBBER[..4000]),
        (FileFormat::Json, LLOYD_WEBBER),
        (FileFormat::Csv, TABLE),
    ] {
        for _ in 0..2_000 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..random.random_range(1..8) {
                let place = random.random_range(0..bytes.len());
                match random.random_range(0..4) {
                    0 => bytes[place] = random.random(),
                    1 => bytes.truncate(place.max(1)),
                    2 => bytes.insert(
                        place,
                        *b"\"\\{}[],:0-9eE./\n"
                            .get(random.random_range(0..17))
                            .unwrap_or(&0),
                    ),
                    _ => {
                        bytes.remove(place);
                        bytes.push(b'\n');
                    }
                }
            }
            // Whatever the outcome, each row is reported at most once, and a rejected row has problems.
            let mut met = std::collections::HashSet::new();
            let _ = read_grants(
                Cursor::new(bytes),
                format,
                &FileLimits::UNLIMITED,
                &mut Notes::default(),
                |at, grant| {
                    assert!(met.insert(at.row));
                    assert!(grant.err().is_none_or(|problems| !problems.is_empty()));
                    ControlFlow::Continue(())
                },
            );
        }
    }
}
