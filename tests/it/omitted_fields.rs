//! Omitted fields keep their values: columns that a file does not have, and fields that a save leaves out.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use wayin::import::job::worker;
use wayin::import::{self, Remark, Tally};
use wayin::place::Gazetteer;
use wayin_entity::{FileFormat, initiative, revision};

use crate::support::app::{Client, TestApp};
use crate::support::exports::import_with_remarks;
use crate::support::imports::send_file;
use crate::support::places::start_with_places;
use crate::support::reference_data::save_reference_data;
use crate::support::submissions::{draft_record, publish_draft};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    place_fields_without_a_column_stay_unchanged,
    each_kind_of_parent_has_its_own_column,
    small_area_codes_resolve_to_their_local_authority,
    advice_about_a_place_kind_is_correct,
    omitted_fields_stay_and_null_clears_them,
    required_fields_cannot_be_cleared_or_missing,
    record_fields_without_a_column_stay_unchanged,
    list_items_without_a_column_stay_unchanged,
    partner_import_keeps_fields_without_a_column,
];

const PLACES_CSV: &str = "areacode,areaname,LADCD,LADNM,LADCD_ACTIVE,UTLACD,UTLANM,CAUTHCD,CAUTHNM,RGNCD,RGNNM,CTRYCD,CTRYNM
E06000001,Hartlepool,E06000001,Hartlepool,E06000001,E06000001,Hartlepool,E47000006,Tees Valley,E12000001,North East,E92000001,England
E07000026,Allerdale,E07000026,Allerdale,E06000063,E06000063,Cumberland,,,E12000002,North West,E92000001,England
E06000063,Cumberland,E06000063,Cumberland,E06000063,E06000063,Cumberland,,,E12000002,North West,E92000001,England
";

/// Imports places; returns the tally and all messages.
async fn import_places(app: &TestApp, csv: &str) -> (Tally, Vec<String>) {
    let mut said = Vec::new();
    let mut remarks = |remark| match remark {
        Remark::Refused(one) => said.push(format!("refused: {one}")),
        Remark::Warning(one) => said.push(format!("warning: {one}")),
        Remark::Note(note) => said.push(note),
    };
    let tally = import::places::import(&app.app.db, &TestApp::action(), csv.as_bytes(), &mut remarks)
        .await
        .expect("the file is read");
    app.catch_up().await;
    (tally, said)
}

async fn list_parents(steward: &Client<'_>, name: &str) -> Vec<String> {
    let query = format!(
        "{{ places(filter: {{name: {{eq: {name:?}}}}}) {{ nodes {{ parents {{ name }} successor {{ name }} }} }} }}"
    );
    let place = steward.query(&query).await["places"]["nodes"][0].take();
    let mut names: Vec<String> = place["parents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names.extend(
        place["successor"]["name"]
            .as_str()
            .map(|name| format!("now {name}")),
    );
    names
}

async fn place_fields_without_a_column_stay_unchanged(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    import_places(&app, PLACES_CSV).await;
    for file in [
        "code,name\nE06000001,Hartlepool\nE07000026,Allerdale\n",
        "LADCD,LADNM\nE06000001,Hartlepool\nE07000026,Allerdale\n",
        "\u{feff}lad15cd,lad15nm,lad15nmw,FID\nE06000001,Hartlepool,,1\nE07000026,Allerdale,,2\n",
        "OBJECTID,LAD23CD\n1,E06000001\n2,E07000026\n",
    ] {
        let (tally, said) = import_places(&app, file).await;
        assert_eq!(
            (tally.altered, tally.unchanged, said),
            (0, 2, Vec::new()),
            "{file}"
        );
    }
    assert_eq!(
        list_parents(&steward, "Hartlepool").await,
        ["North East", "Tees Valley"]
    );
    assert_eq!(
        list_parents(&steward, "Allerdale").await,
        ["North West", "now Cumberland"]
    );
    let empty = "code,name,parents,successor\nE06000001,Hartlepool,E12000001,\nE07000026,Allerdale,,\n";
    let (tally, said) = import_places(&app, empty).await;
    assert_eq!((tally.altered, tally.warned), (2, 2));
    insta::allow_duplicates! {
        insta::assert_snapshot!(said.join("\n"), @"
        warning: row 2: Hartlepool lay within Tees Valley (E47000006) until now
        warning: row 3: Allerdale lay within North West (E12000002) until now
        warning: row 3: Allerdale led to its successor Cumberland (E06000063) until now
        Something of what was known of places is replaced or cleared by this file: places so changed: 2.
        ");
    }
    assert_eq!(list_parents(&steward, "Allerdale").await, Vec::<String>::new());
}

async fn each_kind_of_parent_has_its_own_column(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    import_places(&app, PLACES_CSV).await;
    let regions = "LAD23CD,LAD23NM,RGN23CD,RGN23NM,ObjectId\nE06000001,Hartlepool,E12000001,North East,1\n";
    let (tally, _) = import_places(&app, regions).await;
    assert_eq!(tally.unchanged, 1);
    assert_eq!(
        list_parents(&steward, "Hartlepool").await,
        ["North East", "Tees Valley"]
    );
    let none = "LAD19CD,LAD19NM,CAUTH19CD,CAUTH19NM\nE06000001,Hartlepool,,\n";
    let (tally, said) = import_places(&app, none).await;
    assert_eq!((tally.altered, tally.warned), (1, 1), "{said:?}");
    assert_eq!(list_parents(&steward, "Hartlepool").await, ["North East"]);
    // An older name replaces a newer one, with a message.
    let older = "LAD15CD,LAD15NM\nE06000001,The Hartlepools\n";
    let (_, said) = import_places(&app, older).await;
    assert!(said[0].ends_with("was called Hartlepool until now"), "{said:?}");
}

async fn small_area_codes_resolve_to_their_local_authority(database: Database) {
    let app = TestApp::start(database).await;
    import_places(&app, PLACES_CSV).await;
    let lookup = "LSOA21CD,LSOA21NM,MSOA21CD,MSOA21NM,PCON24CD,LAD22CD,LAD22NM
E01011949,Hartlepool 009A,E02002491,Hartlepool 009,E14001274,E06000001,Hartlepool
E01019096,Allerdale 001A,E02003973,Allerdale 001,E14001274,E07000026,Allerdale
";
    let (tally, said) = import_places(&app, lookup).await;
    assert_eq!((tally.refused, tally.altered), (0, 0), "{said:?}");
    assert!(
        said.iter()
            .any(|note| note.contains("several local authorities") && note.contains("E14001274")),
        "{said:?}"
    );
    let places = Gazetteer::load_with_small_areas(&app.app.db).await.unwrap();
    let name = |code: &str| places.find_by_code(code).map(|place| place.name.clone());
    assert_eq!(name("E01011949").as_deref(), Some("Hartlepool"));
    assert_eq!(name("E02003973").as_deref(), Some("Cumberland"));
    assert_eq!(name("E14001274"), None);
    let (_, said) = import_places(&app, lookup).await;
    assert!(said.iter().any(|note| note.ends_with("lies in: 0.")), "{said:?}");
    let (tally, said) = import_places(&app, "LSOA21CD,LAD22CD\nE01000001,E09000001\n").await;
    assert_eq!(tally.refused, 1);
    assert!(said[0].contains("E01000001 lies in E09000001"), "{said:?}");
}

async fn advice_about_a_place_kind_is_correct(database: Database) {
    let app = TestApp::start(database).await;
    import_places(&app, PLACES_CSV).await;
    let (tally, said) = import_places(&app, "areacode,areaname\nE02000001,City of London 001\n").await;
    assert_eq!(tally.refused, 1);
    assert!(said[0].contains("say what it is in a column kind"), "{said:?}");
    let followed = "areacode,areaname,LADCD,LADNM,kind\nE02000001,City of London 001,E09000001,City of London,NEIGHBOURHOOD\n";
    let (tally, said) = import_places(&app, followed).await;
    assert_eq!((tally.added, tally.refused), (2, 0), "{said:?}");
}

/// The value of a field after a save, and what the save cleared.
async fn save_field(
    steward: &Client<'_>,
    name: &str,
    field: &str,
    fields: &str,
    input: Value,
) -> (Value, Value) {
    let input_type = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let query = format!(
        "mutation($input: {input_type}!) {{ {name}(input: $input) {{
           {field} {{ {fields} }} cleared problems {{ code path message }} }} }}"
    );
    let mut response = steward.execute_with(&query, json!({"input": input})).await;
    assert_eq!(response.get("errors"), None, "{name} {input}: {response}");
    let payload = &mut response["data"][name];
    assert_eq!(payload["problems"], json!([]), "{name} {input}");
    (payload[field].take(), payload["cleared"].take())
}

#[expect(
    clippy::too_many_lines,
    reason = "one case for each kind of object that is saved"
)]
async fn omitted_fields_stay_and_null_clears_them(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    import_places(&app, PLACES_CSV).await;
    let (meeting, _) = save_reference_data(
        &steward,
        "saveMeeting",
        json!({"title": "First", "theme": "T", "heldOn": "2024-05-01"}),
    )
    .await;
    let (reflection, _) = save_reference_data(
        &steward,
        "saveReflection",
        json!({"meeting": meeting, "perspective": "FUNDER", "text": "Said", "place": {"code": "E06000001"}}),
    )
    .await;
    let (place, _) = save_reference_data(
        &steward,
        "savePlace",
        json!({"name": "Seaton", "kind": "NEIGHBOURHOOD", "parents": [{"code": "E06000001"}]}),
    )
    .await;
    let (organisation, _) = save_reference_data(
        &steward,
        "saveOrganisation",
        json!({"name": "Trust", "kind": "NATIONAL_CHARITY", "identifier": "GB-CHC-77", "autoPublish": true}),
    )
    .await;
    let (term, _) = save_reference_data(
        &steward,
        "saveTerm",
        json!({"slug": "w", "name": "W", "definition": "D", "synonyms": ["V"], "usageNote": "C"}),
    )
    .await;
    let (crisis, _) = save_reference_data(
        &steward,
        "saveCrisis",
        json!({"slug": "c", "name": "C", "from": "2024-05-01", "to": "2024-06-01", "places": [{"code": "E06000001"}]}),
    )
    .await;
    let claim = json!({"slug": "k", "statement": "K", "when": {}, "then": {}, "reflection": reflection});
    let (claim, _) = save_reference_data(&steward, "saveClaim", claim).await;
    let member = json!({"issuer": "https://issuer.example", "subject": "ada", "role": "PARTNER", "organisation": organisation});
    save_reference_data(&steward, "saveMember", member).await;
    let cases = [
        (
            "savePlace",
            "place",
            "name kind parents { name }",
            json!({"id": place, "name": "Carew"}),
            json!({"name": "Carew", "kind": "NEIGHBOURHOOD", "parents": [{"name": "Hartlepool"}]}),
            json!([]),
        ),
        (
            "savePlace",
            "place",
            "name parents { name }",
            json!({"id": place, "parents": null}),
            json!({"name": "Carew", "parents": []}),
            json!(["parents"]),
        ),
        (
            "saveOrganisation",
            "organisation",
            "name kind identifier autoPublish",
            json!({"id": organisation, "identifier": null}),
            json!({"name": "Trust", "kind": "NATIONAL_CHARITY", "identifier": null, "autoPublish": true}),
            json!(["identifier"]),
        ),
        (
            "saveTerm",
            "term",
            "name synonyms usageNote",
            json!({"id": term, "name": "X", "usageNote": null}),
            json!({"name": "X", "synonyms": ["V"], "usageNote": null}),
            json!(["usageNote"]),
        ),
        (
            "saveMeeting",
            "meeting",
            "title theme heldOn",
            json!({"id": meeting, "heldOn": "2024-05-02"}),
            json!({"title": "First", "theme": "T", "heldOn": "2024-05-02"}),
            json!([]),
        ),
        (
            "saveReflection",
            "reflection",
            "text perspective place { name }",
            json!({"id": reflection, "text": "Other"}),
            json!({"text": "Other", "perspective": "FUNDER", "place": {"name": "Hartlepool"}}),
            json!([]),
        ),
        (
            "saveCrisis",
            "crisis",
            "name from to places { name }",
            json!({"id": crisis, "to": null}),
            json!({"name": "C", "from": "2024-05-01", "to": null, "places": [{"name": "Hartlepool"}]}),
            json!(["to"]),
        ),
        (
            "saveClaim",
            "claim",
            "slug statement reflection { text }",
            json!({"id": claim, "statement": "L"}),
            json!({"slug": "k", "statement": "L", "reflection": {"text": "Other"}}),
            json!([]),
        ),
        (
            "saveMember",
            "member",
            "role organisation { name }",
            json!({"issuer": "https://issuer.example", "subject": "ada", "role": "FUNDER"}),
            json!({"role": "FUNDER", "organisation": {"name": "Trust"}}),
            json!([]),
        ),
    ];
    for (name, field, fields, input, expected, cleared) in cases {
        let saved = save_field(&steward, name, field, fields, input.clone()).await;
        assert_eq!(saved, (expected, cleared), "{name} {input}");
    }
}

async fn required_fields_cannot_be_cleared_or_missing(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let (id, _) = save_reference_data(
        &steward,
        "saveMeeting",
        json!({"title": "First", "heldOn": "2024-05-01"}),
    )
    .await;
    let query = "mutation($input: SaveMeetingInput!) { saveMeeting(input: $input) { meeting { id } problems { code path message } } }";
    for (input, path, message) in [
        (json!({"id": id, "title": null}), "title", "cannot be cleared"),
        (json!({"title": "Second"}), "heldOn", "is missing"),
        (json!({"title": "Second", "heldOn": null}), "heldOn", "is missing"),
    ] {
        let response = steward.execute_with(query, json!({"input": input})).await;
        let error = &response["data"]["saveMeeting"]["problems"][0];
        assert_eq!(
            (&error["code"], &error["path"]),
            (&json!("REQUIRED"), &json!([path])),
            "{response}"
        );
        assert!(error["message"].as_str().unwrap().contains(message), "{response}");
    }
}

/// The newest published document of the record with a reference.
async fn newest_document(app: &TestApp, reference: &str) -> Value {
    let one = initiative::Entity::find()
        .filter(initiative::Column::ExternalRef.eq(reference))
        .one(&app.app.db)
        .await
        .unwrap()
        .expect("it is published");
    let revision = revision::Entity::find()
        .filter(revision::Column::InitiativeId.eq(one.id))
        .filter(revision::Column::Version.eq(one.version));
    revision.one(&app.app.db).await.unwrap().unwrap().document
}

async fn record_fields_without_a_column_stay_unchanged(database: Database) {
    let app = TestApp::start(database).await;
    import_places(&app, PLACES_CSV).await;
    let whole = "externalRef,title,summary,place.code,leadOrganisation.identifier,leadOrganisation.name,visibility,source.kind,source.title,source.url,\
                 challengesFaced.1.challenge,challengesFaced.1.note,fundingTerms.1.funder.name,fundingTerms.1.durationMonths\n\
                 a,First,What it does,E06000001,GB-CHC-500,A charity,OPEN,SELF_REPORT,Return,https://example.org/,\
                 DEFINING_AMBITIONS,No time,A funder,12\n";
    assert_eq!(
        import_csv_records(&app, whole).await,
        (tally_added(1), Vec::new())
    );
    let before = newest_document(&app, "a").await;
    let partial = "externalRef,title,leadOrganisation.identifier,source.kind,source.title,challengesFaced.1.challenge,challengesFaced.1.step\n\
                   a,Second,GB-CHC-500,SELF_REPORT,Return,DEFINING_AMBITIONS,SKIPPED\n";
    let (tally, said) = import_csv_records(&app, partial).await;
    assert_eq!((tally.altered, said), (1, Vec::new()));
    let mut expected = before.clone();
    expected["title"] = "Second".into();
    expected["challengesFaced"][0]["step"] = "SKIPPED".into();
    assert_eq!(newest_document(&app, "a").await, expected);
    let empty = "externalRef,title,summary,leadOrganisation.identifier,source.kind,source.title,fundingTerms.1.durationMonths\n\
                 a,Second,,GB-CHC-500,SELF_REPORT,Return,\n";
    let (tally, said) = import_csv_records(&app, empty).await;
    assert_eq!((tally.altered, tally.warned), (1, 1), "{said:?}");
    assert!(
        said.iter().any(|one| one.contains("summary: is cleared")),
        "{said:?}"
    );
    assert!(
        said.iter()
            .any(|one| one.contains("fundingTerms.1.durationMonths: is cleared")),
        "{said:?}"
    );
    let after = newest_document(&app, "a").await;
    let term = &after["fundingTerms"][0];
    assert_eq!(
        (after.get("summary"), term.get("durationMonths")),
        (None, None),
        "{after}"
    );
    assert_eq!(term["funder"], expected["fundingTerms"][0]["funder"]);
    assert_eq!(after["challengesFaced"], expected["challengesFaced"]);
}

#[expect(
    clippy::too_many_lines,
    reason = "one case for each way to give a part of a list"
)]
async fn list_items_without_a_column_stay_unchanged(database: Database) {
    const ALL_LIST_COLUMNS: &str = "challengesFaced.1.challenge,challengesFaced.1.step,challengesFaced.1.note,\
        challengesFaced.2.challenge,challengesFaced.2.step,challengesFaced.2.note,\
        fundingTerms.1.funder.name,fundingTerms.1.durationMonths,fundingTerms.1.programme,\
        fundingTerms.2.funder.name,fundingTerms.2.durationMonths,fundingTerms.2.programme,\
        entryPoints.1.entryPoint,entryPoints.1.perspective,entryPoints.2.entryPoint,entryPoints.2.perspective,\
        conditionsChanged.1.condition,conditionsChanged.2.condition,conditionsChanged.2.change";
    const ALL_LIST_VALUES: &str = "DEFINING_AMBITIONS,SKIPPED,N1,UNDERSTANDING_LOCAL_SYSTEM,RUSHED,N2,F,12,P1,F,24,P2,\
        COLLABORATION,COMMUNITY,COMPLEXITY,FUNDER,GOVERNANCE,INCENTIVES,ALTERED";
    let app = TestApp::start(database).await;
    import_places(&app, PLACES_CSV).await;
    let table = |columns: &str, cells: &str| {
        let lead = "GB-CHC-500,A charity,SELF_REPORT,Return";
        format!(
            "externalRef,title,leadOrganisation.identifier,leadOrganisation.name,source.kind,source.title,{columns}\n\
             a,First,{lead},{cells}\n"
        )
    };
    let import = async |columns: &str, cells: &str| import_csv_records(&app, table(columns, cells)).await;
    let restore = async || {
        import(ALL_LIST_COLUMNS, ALL_LIST_VALUES).await;
        newest_document(&app, "a").await
    };
    let before = restore().await;
    let unchanged = [
        ("challengesFaced.1.challenge", "DEFINING_AMBITIONS"),
        (
            "challengesFaced.1.challenge,challengesFaced.1.step",
            "DEFINING_AMBITIONS,SKIPPED",
        ),
        ("challengesFaced.2.challenge", "UNDERSTANDING_LOCAL_SYSTEM"),
        (
            "challengesFaced.1.challenge,challengesFaced.1.step,challengesFaced.2.challenge",
            "DEFINING_AMBITIONS,SKIPPED,UNDERSTANDING_LOCAL_SYSTEM",
        ),
        ("fundingTerms.1.funder.name", "F"),
        ("fundingTerms.2.funder.name,fundingTerms.2.programme", "F,P2"),
        (
            "fundingTerms.1.funder.name,fundingTerms.2.funder.name,fundingTerms.2.durationMonths",
            "F,F,24",
        ),
        (
            "entryPoints.2.entryPoint,entryPoints.2.perspective",
            "COMPLEXITY,FUNDER",
        ),
        ("conditionsChanged.1.condition", "GOVERNANCE"),
        ("challengesFaced.3.challenge,fundingTerms.4.durationMonths", ","),
    ];
    for (columns, cells) in unchanged {
        let (tally, said) = import(columns, cells).await;
        assert_eq!((tally.unchanged, said), (1, Vec::new()), "{columns}");
    }
    // The cleared path, the columns, the cells and the removed fields.
    let cleared = [
        (
            "challengesFaced.1.step",
            "",
            "challengesFaced.1.step: is cleared",
            "/challengesFaced/0/step",
        ),
        (
            "challengesFaced.2.step",
            "",
            "challengesFaced.2.step: is cleared",
            "/challengesFaced/1/step",
        ),
        (
            "challengesFaced.2.challenge,challengesFaced.2.note",
            "UNDERSTANDING_LOCAL_SYSTEM,",
            "challengesFaced.2.note: is cleared",
            "/challengesFaced/1/note",
        ),
        (
            "fundingTerms.2.durationMonths",
            "",
            "fundingTerms.2.durationMonths: is cleared",
            "/fundingTerms/1/durationMonths",
        ),
        (
            "conditionsChanged.2.change",
            "",
            "conditionsChanged.2.change: is cleared",
            "/conditionsChanged/1/change",
        ),
    ];
    for (columns, cells, warning, gone) in cleared {
        let (tally, said) = import(columns, cells).await;
        assert_eq!((tally.altered, said.len()), (1, 1), "{columns}: {said:?}");
        assert!(said[0].contains(warning), "{columns}: {said:?}");
        let mut expected = before.clone();
        let (item, field) = gone.rsplit_once('/').unwrap();
        expected
            .pointer_mut(item)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(field);
        assert_eq!(newest_document(&app, "a").await, expected, "{columns}");
        assert_eq!(restore().await, before);
    }
    // An empty or different name replaces the item at that position only.
    for (columns, cells, remaining) in [
        (
            "challengesFaced.1.challenge",
            "",
            json!(["UNDERSTANDING_LOCAL_SYSTEM"]),
        ),
        ("challengesFaced.2.challenge", "", json!(["DEFINING_AMBITIONS"])),
        (
            "challengesFaced.1.challenge",
            "FOSTERING_CONDITIONS",
            json!(["FOSTERING_CONDITIONS", "UNDERSTANDING_LOCAL_SYSTEM"]),
        ),
        (
            "challengesFaced.3.challenge",
            "FOSTERING_CONDITIONS",
            json!([
                "DEFINING_AMBITIONS",
                "UNDERSTANDING_LOCAL_SYSTEM",
                "FOSTERING_CONDITIONS"
            ]),
        ),
        (
            "challengesFaced.1.challenge",
            "UNDERSTANDING_LOCAL_SYSTEM",
            json!(["UNDERSTANDING_LOCAL_SYSTEM"]),
        ),
    ] {
        let (tally, said) = import(columns, cells).await;
        assert_eq!(
            (tally.altered, tally.refused),
            (1, 0),
            "{columns} {cells}: {said:?}"
        );
        let after = newest_document(&app, "a").await;
        let challenges: Vec<&Value> = after["challengesFaced"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["challenge"])
            .collect();
        assert_eq!(json!(challenges), remaining, "{columns} {cells}");
        assert_eq!(after["fundingTerms"], before["fundingTerms"]);
        import("challengesFaced.3.challenge", "").await;
        assert_eq!(restore().await, before);
    }
}

/// Imports a CSV file of records as the command line does; returns the tally, the errors and the warnings.
async fn import_csv_records(app: &TestApp, csv: impl Into<String>) -> (Tally, Vec<String>) {
    let (tally, remarks) = import_with_remarks(app, FileFormat::Csv, csv.into().into_bytes()).await;
    let problems = remarks.into_iter().filter_map(|remark| match remark {
        Remark::Refused(problem) | Remark::Warning(problem) => Some(problem.to_string()),
        Remark::Note(_) => None,
    });
    (tally, problems.collect())
}

fn tally_added(count: u64) -> Tally {
    Tally {
        added: count,
        ..Tally::default()
    }
}

async fn partner_import_keeps_fields_without_a_column(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let whole = draft_record("a");
    publish_draft(&app, &partner, whole).await;
    let before = newest_document(&app, "a").await;
    let partial = "externalRef,title,source.kind,source.title\na,Second,SELF_REPORT,Our return\n";
    send_file(&app, &partner, "table.csv", partial, json!({"mode": "SUBMIT"})).await;
    worker::run_queued(&app.app).await.unwrap();
    let sent = steward
        .query("{ submissions(filter: {states: [SUBMITTED]}) { nodes { record problems { message } } } }")
        .await;
    let record = &sent["submissions"]["nodes"][0]["record"];
    assert_eq!(record["title"], json!("Second"), "{sent}");
    for field in ["place", "challengesFaced", "sharing", "visibility"] {
        assert_eq!(record[field], before[field], "{field}: {sent}");
    }
}
