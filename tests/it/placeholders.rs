//! Placeholders for missing answers, and files without usable rows.

use sea_orm::EntityTrait;
use serde_json::{Value, json};
use wayin_entity::{FileFormat, ImportKind, ImportState, Role, import};
use wayin_records::workbook::RecordWorkbook;

use crate::support::exports::import_records_as;
use crate::support::imports::{import_file, send_file};
use crate::support::places::start_with_places;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    placeholders_are_unknown_with_a_note,
    problems_are_reported_once_in_the_words_of_the_file,
    messages_contain_no_library_errors,
    file_without_usable_rows_is_rejected,
];

const CSV_HEADER: &str = "externalRef,title,place.name,leadOrganisation.name,source.kind,source.title,startedOn,ongoing,\
    challengesFaced.1.challenge,challengesFaced.1.step,fundingTerms.1.funder.identifier,fundingTerms.1.funder.name,\
    fundingTerms.1.durationMonths,fundingTerms.1.startsOn,fundingTerms.1.endsOn\n";

fn build_csv(rows: &[&str]) -> Vec<u8> {
    format!("{CSV_HEADER}{}\n", rows.join("\n")).into_bytes()
}

async fn placeholders_are_unknown_with_a_note(database: Database) {
    let app = start_with_places(database).await;
    let file = build_csv(&[
        "a1,N/A,Unknown,O,SELF_REPORT,x,unknown,1,,,,,,,",
        "a2,T,Hartlepool,O,SELF_REPORT,x,-,0,DEFINING_AMBITIONS,Don\u{2019}t know,,,,,",
        "a3,T,Hartlepool,O,SELF_REPORT,x,N/A,tbc,DEFINING_AMBITIONS,N/A,GB-CHC-9,F,n/a,2020-01-01,2020-12-31",
    ]);
    let (tally, said) = import_records_as(&app, FileFormat::Csv, file).await;
    assert_eq!((tally.added, tally.refused, tally.warned), (3, 0, 3), "{said:#?}");
    for note in [
        "row 2, place.name: \"Unknown\" is taken as not known",
        "row 2, startedOn: \"unknown\" is taken as not known",
        "row 3, challengesFaced.1.step: \"Don\u{2019}t know\" is taken as not known",
        "row 4, startedOn: \"N/A\" is taken as not applicable",
        "row 4, ongoing: \"tbc\" is taken as not known",
    ] {
        let note = format!("worth a look: {note}");
        assert!(said.contains(&note), "{note}: {said:#?}");
    }
    let steward = app.create_member("steward", Role::Steward, None).await;
    let found = steward
        .query(
            "{ initiatives(first: 9) { nodes { externalRef title ongoing place { name } missing { field reason }
                fundingTerms { durationMonths } } } }",
        )
        .await;
    let mut nodes = found["initiatives"]["nodes"].as_array().unwrap().clone();
    nodes.sort_by_key(|node| node["externalRef"].to_string());
    assert_eq!(nodes[0]["title"], "N/A", "a title may be any text");
    assert_eq!(
        (&nodes[0]["ongoing"], &nodes[1]["ongoing"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(nodes[0]["place"], Value::Null);
    assert!(
        nodes[2]["missing"].to_string().contains("NOT_APPLICABLE"),
        "{found}"
    );
    // It is computed from the dates.
    assert_eq!(nodes[2]["fundingTerms"][0]["durationMonths"], 12);
    app.assert_no_violations().await;
}

async fn problems_are_reported_once_in_the_words_of_the_file(database: Database) {
    let app = start_with_places(database).await;
    let record = json!({
        "externalRef": "b1", "title": "T", "leadOrganisation": {"name": "O"}, "source": {"kind": "SELF_REPORT", "title": "x"},
        "startedOn": "2021-01-01", "endedOn": "2020-01-01",
        "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "step": "left out"}, {"challenge": "DEFINING_AMBITIONS"}],
        "fundingTerms": [{"funder": {"identifier": "GB-CHC-9", "name": "F"}, "durationMonths": "1 year",
            "upfrontResearch": false, "upfrontResearchMonths": 2}],
    });
    let mut ongoing = record.clone();
    ongoing["externalRef"] = "b2".into();
    ongoing["endedOn"] = "ongoing".into();
    let mut book = RecordWorkbook::for_export().unwrap();
    book.add_record(&record, &[]).unwrap();
    book.add_record(&ongoing, &[]).unwrap();
    let mut file = Vec::new();
    book.finish(&mut file).unwrap();
    let (tally, mut said) = import_records_as(&app, FileFormat::Xlsx, file).await;
    assert_eq!(tally.refused, 2);
    said.retain(|one| !one.contains("row 3,") || one.contains("Ended on"));
    said.sort();
    said.dedup();
    for expected in [
        "sheet Challenges, row 2, What became of the step: \"left out\" is none of the choices; they are Taken, Rushed, Skipped",
        "sheet Funding terms, row 2, Length in months: \"1 year\" is not a whole number of months; write months as a number, such as 12",
        "sheet Initiatives, row 3, Ended on: \"ongoing\" is not a date; leave this cell empty, and write Yes in the column Goes on",
    ] {
        assert_eq!(
            said.iter().filter(|one| *one == expected).count(),
            1,
            "{expected}: {said:#?}"
        );
    }
    let places = said.iter().map(|one| one.split(": ").next().unwrap());
    let mut once: Vec<_> = places.clone().collect();
    once.dedup();
    assert_eq!(once.len(), places.count(), "one message for each cell: {said:#?}");
    assert!(
        !said
            .iter()
            .any(|one| one.contains("startedOn") || one.contains("AMBITIONS")),
        "{said:#?}"
    );
    let file = "externalRef,title,leadOrganisation.name,source.kind,source.title,When it began,endedOn\n\
                c1,T,O,SELF_REPORT,x,,ongoing\n";
    let (_, said) = import_records_as(&app, FileFormat::Csv, file.into()).await;
    assert!(said[0].ends_with("write Yes in the column ongoing"), "{said:?}");
}

async fn messages_contain_no_library_errors(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let wrong = [
        json!({"title": 5, "place": "Hartlepool", "ongoing": "yes", "startedOn": 2020, "colour": 1}),
        json!({"title": ["a"], "entryPoints": {}, "challengesFaced": [3, {"challenge": 4, "reasons": "x", "step": []}]}),
        json!({"fundingTerms": [{"funder": 1, "durationMonths": "1 year", "amountMinor": 1.5, "missing": 3}], "missing": {"place": "?"}}),
        json!({"fundingTerms": [{"funder": {}, "amountMinor": 1e300, "missing": {"x": 1}}], "source": null, "sharing": true}),
    ];
    let of_a_library = [
        "invalid",
        "expected",
        "unknown variant",
        "unknown field",
        "struct ",
        "`",
        " i32",
        " i64",
        "map",
        "sequence",
    ];
    let check = |message: &str| {
        assert!(
            !of_a_library.iter().any(|words| message.contains(words)),
            "{message}"
        );
    };
    let mut lines: Vec<String> = wrong.iter().map(Value::to_string).collect();
    lines.extend(
        [
            "{\"title\": }",
            "{\"title\" 1}",
            "{\"a\": tru}",
            "{\"a\": 01}",
            "{'a': 1}",
            "{\"a\": \"\\x\"}",
            "{\"a\": 1,}",
            "{\"a\": 1",
        ]
        .map(str::to_owned),
    );
    lines.push("{\"title\": \"a\", \"title\": \"b\"}".into());
    lines.insert(0, "{}".into());
    let (_, said) = import_records_as(&app, FileFormat::JsonLines, lines.join("\n").into_bytes()).await;
    assert!(said.len() > lines.len(), "{said:#?}");
    said.iter().for_each(|message| check(message));
    for record in wrong {
        let saved = partner
            .execute_with(
                "mutation($record: JSON!) { saveSubmission(input: {record: $record}) { submission { problems { message } } } }",
                json!({"record": record}),
            )
            .await;
        let problems = saved["data"]["saveSubmission"]["submission"]["problems"]
            .as_array()
            .unwrap()
            .clone();
        assert!(!problems.is_empty(), "{saved}");
        problems
            .iter()
            .for_each(|problem| check(problem["message"].as_str().unwrap()));
    }
}

async fn file_without_usable_rows_is_rejected(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let template = wayin_records::workbook::template::template_bytes()
        .unwrap()
        .to_vec();
    let book = RecordWorkbook::for_export().unwrap();
    let mut header = Vec::new();
    book.finish(&mut header).unwrap();
    let example = format!("{CSV_HEADER}EXAMPLE-1,T,,,,,,,,,,,,,\n").into_bytes();
    let no_rows = "The file has no rows to import.";
    let no_records =
        "The file has no rows to import. Rows with the reference EXAMPLE-1 are examples, and are not read.";
    for (format, name, file, refusal) in [
        (FileFormat::Csv, "a.csv", CSV_HEADER.as_bytes().to_vec(), no_rows),
        (FileFormat::Csv, "b.csv", example, no_records),
        (FileFormat::Xlsx, "c.xlsx", template, no_records),
        (FileFormat::Xlsx, "d.xlsx", header, no_records),
        (
            FileFormat::JsonLines,
            "e.jsonl",
            b"\n \r\n\n".to_vec(),
            "The file is empty.",
        ),
    ] {
        let published = app.publish_file((ImportKind::Records, format), None, &file).await;
        assert_eq!(published.unwrap_err(), refusal, "{name}");
        let import = import_file(&app, &partner, name, &file).await;
        assert_eq!(
            (
                &import["state"],
                &import["failureReason"],
                &import["rowsProcessed"]
            ),
            (&json!("FAILED"), &json!(refusal), &json!(0)),
            "{name}: {import}"
        );
    }
    let funder = app.create_member("funder", Role::Funder, Some("GB-CHC-9")).await;
    for (name, file) in [
        ("g.json", r#"{"license": "CC-BY-4.0", "grants": []}"#),
        (
            "h.csv",
            "Identifier,Title,Currency,Amount Awarded,Award Date,Recipient Org:Name,Funding Org:Name\n",
        ),
    ] {
        let input = json!({"kind": "GRANTS_360GIVING", "licence": "CC-BY-4.0"});
        let sent = send_file(&app, &funder, name, file, input).await;
        assert_eq!(sent["data"]["importRecords"]["problems"], json!([]), "{sent}");
        wayin::import::job::worker::run_queued(&app.app).await.unwrap();
        let ended = import::Entity::find().all(&app.app.db).await.unwrap();
        let ended = ended.into_iter().find(|import| import.file_name == name).unwrap();
        assert_eq!(ended.state, ImportState::Failed, "{name}");
        assert_eq!(ended.failure_reason.as_deref(), Some(no_rows), "{name}");
    }
}
