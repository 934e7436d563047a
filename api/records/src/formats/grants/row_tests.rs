//! Grants of several rows.

use std::io::{Cursor, Write as _};

use proptest::prelude::*;
use serde_json::{Value, json};
use wayin_vocabulary::FileFormat;

use super::*;

const HEADER: &str = "Identifier,Title,Description,Currency,Amount Awarded,Award Date,Recipient Org:Identifier,\
    Recipient Org:Name,Funding Org:Identifier,Funding Org:Name,Planned Dates:Start Date,Planned Dates:End Date,\
    Beneficiary Location:Name,Beneficiary Location:Geographic Code";

/// The grants, and the messages about all rows.
fn read_all(
    format: FileFormat,
    bytes: &[u8],
    limits: &FileLimits,
) -> Result<(Vec<Grant>, Vec<String>), FileError> {
    let (mut grants, mut said) = (Vec::new(), Vec::new());
    read_grants(
        Cursor::new(bytes),
        format,
        limits,
        &mut Notes::default(),
        |_, row| {
            let found = match row {
                Ok(good) => {
                    grants.push(good.value);
                    good.warnings
                }
                Err(problems) => problems,
            };
            said.extend(found.iter().map(ToString::to_string));
            ControlFlow::Continue(())
        },
    )?;
    Ok((grants, said))
}

fn read_table(rows: &[&str]) -> (Vec<Grant>, Vec<String>) {
    let text = format!("{HEADER}\n{}\n", rows.join("\n"));
    read_all(FileFormat::Csv, text.as_bytes(), &FileLimits::UNLIMITED).unwrap()
}

fn read_package(grants: &Value) -> (Vec<Grant>, Vec<String>) {
    read_all(
        FileFormat::Json,
        grants.to_string().as_bytes(),
        &FileLimits::UNLIMITED,
    )
    .unwrap()
}

#[test]
fn placeholders_are_not_identifiers_or_names() {
    let row = |id: &str, recipient: &str| {
        format!("{id},T,D,GBP,1000,2020-05-01,{recipient},n/a,F,2020-01-01,2020-12-31,Hartlepool,E06000001")
    };
    let rows = [
        row("a", "N/A,Alpha"),
        row("b", "unknown,Beta"),
        row("c", ",N/A"),
        row("Unknown", ",Gamma"),
    ];
    let (grants, said) = read_table(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let recipients: Vec<_> = grants.iter().map(|grant| &grant.recipient).collect();
    assert_eq!(recipients.len(), 2, "{said:?}");
    assert!(
        recipients.iter().all(|party| party.identifier.is_none()),
        "{recipients:?}"
    );
    assert!(grants.iter().all(|grant| grant.funder.identifier.is_none()));
    for expected in [
        "row 2, Recipient Org:Identifier: \"N/A\" is read as not known",
        "row 3, Recipient Org:Identifier: \"unknown\" is read as not known",
        "row 4, Recipient Org:Name: is missing: \"N/A\" is not a name",
        "row 5, Identifier: is missing: \"Unknown\" is not an identifier",
    ] {
        assert!(
            said.iter().any(|one| one.starts_with(expected)),
            "{expected} in {said:#?}"
        );
    }
}

fn location_codes(grant: &Grant) -> Vec<&str> {
    grant
        .locations
        .iter()
        .filter_map(|one| one.code.as_deref())
        .collect()
}

const FIRST_ROW: &str =
    "a,T,D,GBP,1000,2020-05-01,GB-CHC-1,R,GB-CHC-2,F,2020-01-01,2020-12-31,Hartlepool,E06000001";

#[test]
fn additional_rows_merge_into_their_grant() {
    let (grants, said) = read_table(&[
        FIRST_ROW,
        "b,U,D,GBP,5,2020-05-01,,S,,F,,,,",
        " a ,,,,,,,,,,,,Middlesbrough,e06000002",
        "a,T,D,GBP,1000.00,01/05/2020,gb chc 1,r,GB-CHC-2,F,2020-01-01,,Hartlepool,E06000001",
    ]);
    assert_eq!(
        said,
        ["row 5, Award Date: \"01/05/2020\" is read as 2020-05-01, with the day first"]
    );
    assert_eq!(grants.len(), 2);
    assert_eq!(grants[0].identifier, "b", "a grant is complete with its last row");
    assert_eq!(location_codes(&grants[1]), ["E06000001", "E06000002"]);
    assert_eq!(grants[1].additional, AdditionalItems::default());
    assert_eq!(grants[1].amount_minor, Some(100_000));
}

#[test]
fn contradicting_rows_are_reported_with_row_and_column() {
    let (grants, said) = read_table(&[
        FIRST_ROW,
        "a,Other,E,EUR,999,2020-06-01,GB-CHC-1,Renamed,GB-CHC-3,G,2021-01-01,2021-12-31,,",
    ]);
    insta::assert_snapshot!(said.join("\n"), @r#"
    row 3, Title: is "Other", and "T" in row 2, which has the same identifier; "T" is kept
    row 3, Description: is "E", and "D" in row 2, which has the same identifier; "D" is kept
    row 3, Currency: is "EUR", and "GBP" in row 2, which has the same identifier; "GBP" is kept
    row 3, Amount Awarded: is "999", and "1000" in row 2, which has the same identifier; "1000" is kept
    row 3, Award Date: is "2020-06-01", and "2020-05-01" in row 2, which has the same identifier; "2020-05-01" is kept
    row 3, Recipient Org:Name: is "Renamed", and "R" in row 2, which has the same identifier; "R" is kept
    row 3, Funding Org:Name: "G" is a further funder of the grant; its record has room for one, and an export of grants has all
    row 3, Planned Dates:Start Date: "2021-01-01 to 2021-12-31" is a further period of the grant; its record has room for one, and an export of grants has all
    "#);
    let further = &grants[0].additional;
    assert_eq!(grants.len(), 1);
    assert_eq!(further.funders[0].name, "G");
    assert_eq!(further.periods.len(), 1);
    assert_ne!(grants[0].digest(), read_table(&[FIRST_ROW]).0[0].digest());
}

#[test]
fn numbered_columns_are_read() {
    let header = "Identifier,Title,Currency,Amount Awarded,Award Date,Recipient Org:0:Name,Recipient Org:1:Identifier,\
        Recipient Org:1:Name,Funding Org:1:Name,Grant Programme:0:Title,Grant Programme:2:Title,\
        Planned Dates:1:Duration (months),Beneficiary Location:1:Name,Beneficiary Location:3:Geographic Code";
    let text = format!("{header}\na,T,GBP,1,2020-01-01,R,GB-CHC-9,S,F,P,Q,6,Leeds,E06000001\n");
    let (grants, said) = read_all(FileFormat::Csv, text.as_bytes(), &FileLimits::UNLIMITED).unwrap();
    let grant = &grants[0];
    assert_eq!(
        (grant.recipient.name.as_str(), grant.funder.name.as_str()),
        ("R", "F")
    );
    assert_eq!(grant.duration_months, Some(6));
    assert_eq!(grant.locations.len(), 2);
    assert_eq!(
        grant.additional.recipients,
        [Party {
            identifier: Some("GB-CHC-9".into()),
            name: "S".into()
        }]
    );
    assert_eq!(grant.additional.programmes, ["Q"]);
    let end = "of the grant; its record has room for one, and an export of grants has all";
    assert_eq!(
        said,
        [
            format!("row 2, Recipient Org:1:Name: \"S\" is a further recipient {end}"),
            format!("row 2, Grant Programme:2:Title: \"Q\" is a further programme {end}"),
        ]
    );
}

#[test]
fn grant_to_a_person_is_rejected_without_personal_data() {
    let whole = |id: &str, more: Value| {
        let mut grant = json!({
            "id": id, "title": "Help for Somebody", "currency": "GBP", "amountAwarded": 1, "awardDate": "2020-01-01",
            "recipientOrganization": [{"name": "R"}, {"name": "Also Somebody"}],
            "fundingOrganization": [{"name": "F"}],
        });
        grant
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        grant
    };
    let person = json!({"recipientIndividual": {"name": "Somebody"}});
    let reason = "the grant is to a person, and Wayin keeps no personal data";
    for position in 0..3 {
        let mut rows = vec![
            whole("a", json!({})),
            whole("a", json!({})),
            whole("a", json!({})),
        ];
        rows[position] = whole("a", person.clone());
        rows.push(whole("b", json!({})));
        let (grants, said) = read_package(&json!(rows));
        assert_eq!(grants.len(), 1, "{position}");
        assert_eq!(grants[0].identifier, "b");
        assert_eq!(
            said[0],
            format!("row {}, recipientIndividual: {reason}", position + 1)
        );
    }
    let details = whole(
        "a",
        json!({"toIndividualsDetails": {"primaryGrantReason": "GTIR010"}}),
    );
    let (grants, said) = read_package(&json!([whole("a", json!({})), details]));
    assert_eq!(
        (grants.len(), said),
        (0, vec![format!("row 2, toIndividualsDetails: {reason}")])
    );
    let text = "Identifier,Title,Recipient Org:Name,Recipient Ind:Name,Funding Org:Name\n\
                a,T,R,,F\na,,,Somebody,\n";
    let (grants, said) = read_all(FileFormat::Csv, text.as_bytes(), &FileLimits::UNLIMITED).unwrap();
    assert_eq!(
        (grants.len(), said),
        (0, vec![format!("row 3, Recipient Ind:Name: {reason}")])
    );
}

#[test]
fn rejected_row_rejects_its_grant() {
    let (grants, said) = read_table(&[
        FIRST_ROW,
        "a,,,,,,,,,,,,Middlesbrough,E06000002,one cell,too many",
        "a,,,,,,,,,,,,Stockton,E06000004",
        "b,U,D,GBP,5,2020-05-01,,S,,F,,,,",
    ]);
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0].identifier, "b");
    assert_eq!(
        said[0],
        "row 2, Identifier: is \"a\", of which another row is refused, and so the whole grant is"
    );
    assert!(said[1].starts_with("row 3: has 16 cells"), "{said:?}");
    // An invalid value does not reject its grant.
    let (grants, said) = read_table(&[FIRST_ROW, "a,,,,lots,,,,,,,,,", "a,,,,,,,,,,,,Stockton,E06000004"]);
    assert_eq!((grants.len(), location_codes(&grants[0]).len()), (1, 2));
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("row 3, Amount Awarded: \"lots\" is not an amount"));
}

#[test]
fn identifiers_differing_in_case_are_two_grants_with_a_warning() {
    let (grants, said) = read_table(&[FIRST_ROW, "A,T,D,GBP,1000,2020-05-01,GB-CHC-1,R,GB-CHC-2,F,,,,"]);
    assert_eq!(grants.len(), 2);
    insta::assert_snapshot!(said.join("\n"), @r#"
    row 2, Identifier: is "a", and "A" in row 3 differs in upper and lower case only; they are taken for two grants
    row 3, Identifier: is "A", and "a" in row 2 differs in upper and lower case only; they are taken for two grants
    "#);
    let (grants, said) = read_table(&[
        "a\u{a0} b,T,,GBP,1,2020-05-01,,R,,F,,,,",
        "a b\u{200b},,,,,,,,,,,,x,",
    ]);
    assert_eq!((grants.len(), said.len(), grants[0].locations.len()), (1, 0, 1));
}

#[test]
fn incomplete_grant_lists_missing_fields() {
    let (grants, said) = read_table(&["a,,,,,,,,,,,,x,", "a,T,,,,,,R,,,,,y,"]);
    assert_eq!(grants.len(), 0);
    assert_eq!(said, ["row 2, Funding Org:Name: is missing"]);
    // Two incomplete rows form one complete grant.
    let (grants, said) = read_table(&["a,,,GBP,,,GB-CHC-1,,,,,,x,", "a,T,,,5,2020-01-01,,R,,F,,,y,"]);
    assert_eq!(said, [""; 0]);
    assert_eq!(
        (grants[0].amount_minor, grants[0].recipient.identifier.as_deref()),
        (Some(500), Some("GB-CHC-1"))
    );
}

/// A workbook of sheets, each a list of rows.
fn build_workbook(sheets: &[(&str, &[&[&str]])]) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    for (name, rows) in sheets {
        let sheet = workbook.add_worksheet().set_name(*name).unwrap();
        for (row, cells) in (0..).zip(rows.iter()) {
            for (column, cell) in (0..).zip(cells.iter()) {
                sheet.write_string(row, column, *cell).unwrap();
            }
        }
    }
    workbook.save_to_buffer().unwrap()
}

#[test]
fn locations_sheet_merges_with_the_grants_sheet() {
    let locations: &[&[&str]] = &[
        &[
            "Identifier",
            "Beneficiary Location:0:Name",
            "Beneficiary Location:0:Geographic Code",
        ],
        &["a", "Hartlepool", "E06000001"],
        &["a", "Middlesbrough", "E06000002"],
        &["B", "Stockton", "E06000004"],
        &["AW-99", "Leeds", "E08000035"],
    ];
    let grants: &[&[&str]] = &[
        &[
            "Identifier",
            "Title",
            "Currency",
            "Amount Awarded",
            "Award Date",
            "Funding Org:Name",
        ],
        &["a", "T", "GBP", "1", "2020-01-01", "F"],
        &["b", "U", "GBP", "1", "2020-01-01", "F"],
    ];
    let recipients: &[&[&str]] = &[&["id", "recipientOrganization/0/name"], &["b", "S"], &["a", "R"]];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let sheets = [
            ("Locations", locations),
            ("Grants", grants),
            ("Recipients", recipients),
        ];
        let bytes = build_workbook(&order.map(|at| sheets[at]));
        let (mut found, mut said) = read_all(FileFormat::Xlsx, &bytes, &FileLimits::UNLIMITED).unwrap();
        found.sort_by(|one, other| one.identifier.cmp(&other.identifier));
        let names: Vec<_> = found
            .iter()
            .map(|one| (one.identifier.as_str(), one.recipient.name.as_str()))
            .collect();
        assert_eq!(names, [("a", "R"), ("b", "S")]);
        assert_eq!(location_codes(&found[0]), ["E06000001", "E06000002"]);
        said.sort();
        said.retain(|line| line.starts_with("sheet Locations"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(said.join("\n"), @r#"
            sheet Locations, row 4, Identifier: is "B", and no row of the file gives the title of a grant with it; did you mean "b"?
            sheet Locations, row 5, Identifier: is "AW-99", and no row of the file gives the title of a grant with it
            "#);
        }
    }
    let without = build_workbook(&[("Locations", locations), ("Grants", grants)]);
    let error = read_all(FileFormat::Xlsx, &without, &FileLimits::UNLIMITED).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("in its sheet \"Grants\", it has no column Recipient Org:Name"),
        "{error}"
    );
    let alone = build_workbook(&[("Locations", locations)]);
    assert!(read_all(FileFormat::Xlsx, &alone, &FileLimits::UNLIMITED).is_err());
}

#[test]
fn rows_per_grant_are_limited() {
    let mut text = Vec::new();
    writeln!(text, "{HEADER}\n{FIRST_ROW}").unwrap();
    for number in 0..1_500 {
        writeln!(text, "a,,,,,,,R{number},,,,,L{number},").unwrap();
    }
    let (grants, said) = read_all(FileFormat::Csv, &text, &FileLimits::UNLIMITED).unwrap();
    assert_eq!(grants.len(), 0);
    let reason = "row 2, Recipient Org:Name: has over 1000 different values in the rows of one grant; is the identifier right?";
    assert_eq!(said, [reason]);
    let limits = FileLimits {
        rows: 700,
        ..FileLimits::UNLIMITED
    };
    let error = read_all(FileFormat::Csv, &text, &limits).unwrap_err();
    assert!(matches!(error, FileError::TooManyRows(700)));
}

proptest! {
    /// The order of rows changes neither the grants nor their locations.
    #[test]
    fn the_order_of_rows_does_not_matter(
        (rows, mixed) in proptest::collection::vec((0..6_u8, 0..40_u8), 1..40)
            .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        let read = |rows: &[(u8, u8)]| {
            let lines: Vec<String> = rows
                .iter()
                .map(|(id, place)| format!("g{id},T,,GBP,1,2020-01-01,,R,,F,,,,E060000{place:02}"))
                .collect();
            let (grants, said) = read_table(&lines.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(said, [""; 0]);
            let mut grants: Vec<_> = grants
                .into_iter()
                .map(|grant| {
                    let mut codes: Vec<_> = location_codes(&grant).into_iter().map(ToOwned::to_owned).collect();
                    codes.sort();
                    (grant.identifier, codes)
                })
                .collect();
            grants.sort();
            grants
        };
        let mut expected: Vec<(String, Vec<String>)> = Vec::new();
        for id in 0..6 {
            let mut codes: Vec<_> = rows
                .iter()
                .filter(|(of, _)| *of == id)
                .map(|(_, place)| format!("E060000{place:02}"))
                .collect();
            codes.sort();
            codes.dedup();
            if !codes.is_empty() {
                expected.push((format!("g{id}"), codes));
            }
        }
        prop_assert_eq!(read(&rows), &expected[..]);
        prop_assert_eq!(read(&mixed), &expected[..]);
    }
}
