//! The import of records from JSON Lines.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use wayin::import::Remark;
use wayin_entity::{change, initiative, organisation, revision};

use crate::support::app::TestApp;
use crate::support::places::start_with_places;
use crate::support::records::{EVERY_FIELD, complete_record, list_initiatives, minimal_record};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    every_field_round_trips,
    null_and_empty_fields_are_absent,
    invalid_rows_are_reported_and_valid_rows_imported,
    reimport_changes_nothing_and_a_change_is_a_new_version,
    placeholder_identifier_is_omitted_with_a_warning,
    record_is_matched_however_its_lead_is_named,
    existing_organisations_are_reused,
    places_are_found_by_code_or_id,
    durations_default_to_the_dates,
    unstorable_text_rejects_only_its_row,
    other_text_is_stored_unchanged,
];

/// The rejections of the rows, as the command line prints them.
fn list_rejections(remarks: Vec<Remark>) -> Vec<String> {
    let said = remarks.into_iter().map(|remark| match remark {
        Remark::Refused(refusal) => refusal.to_string(),
        Remark::Warning(warning) => format!("warning: {warning}"),
        Remark::Note(note) => note,
    });
    said.collect()
}

async fn count_changes(app: &TestApp) -> u64 {
    change::Entity::find().count(&app.app.db).await.unwrap()
}

/// Removes fields that are null or empty, as the API returns missing answers.
fn remove_empty_fields(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let said = fields
                .iter()
                .map(|(name, value)| (name.clone(), remove_empty_fields(value)))
                .filter(|(_, value)| !value.is_null() && *value != json!([]));
            Value::Object(said.collect())
        }
        Value::Array(items) => items.iter().map(remove_empty_fields).collect(),
        other => other.clone(),
    }
}

async fn every_field_round_trips(database: Database) {
    let app = start_with_places(database).await;
    let sent = complete_record("r-1");
    assert_eq!(app.publish(std::slice::from_ref(&sent)).await.added, 1);
    let answered = remove_empty_fields(&list_initiatives(&app, EVERY_FIELD).await[0]);
    let mut expected = sent.clone();
    let fields = expected.as_object_mut().unwrap();
    let source = fields.remove("source").unwrap();
    fields.insert("sources".into(), json!([source]));
    // The API lists entry points by perspective, each with its position within it.
    let mut entry_points = answered["entryPoints"].as_array().unwrap().clone();
    entry_points.sort_by_key(|taken| {
        let sent = sent["entryPoints"].as_array().unwrap();
        sent.iter()
            .position(|sent| sent["entryPoint"] == taken["entryPoint"])
    });
    let positions: Vec<_> = entry_points
        .iter()
        .map(|taken| taken["position"].clone())
        .collect();
    assert_eq!(positions, [1, 1, 2]);
    let mut answered = answered;
    answered["entryPoints"] = entry_points
        .into_iter()
        .map(|mut taken| {
            taken.as_object_mut().unwrap().remove("position");
            taken
        })
        .collect();
    assert_eq!(answered, expected);
    // The revision contains the whole record.
    let revision = revision::Entity::find().one(&app.app.db).await.unwrap().unwrap();
    assert_eq!(
        (revision.version, revision.reason.as_str()),
        (1, "imported from a file")
    );
    assert_eq!(
        remove_empty_fields(&revision.document),
        remove_empty_fields(&sent)
    );
}

async fn null_and_empty_fields_are_absent(database: Database) {
    let app = TestApp::start(database).await;
    let least = |reference: &str| {
        let mut least = minimal_record(reference, json!({"title": "The least"}));
        least.as_object_mut().unwrap().remove("visibility");
        least["fundingTerms"] = json!([{"funder": {"identifier": "GB-CHC-200", "name": "A funder"}}]);
        least["challengesFaced"] = json!([{"challenge": "DEFINING_AMBITIONS"}]);
        least
    };
    let unsaid = |reference: &str, nothing: &Value| {
        let mut record = complete_record(reference);
        for (_, field) in record.as_object_mut().unwrap() {
            *field = Value::Null;
        }
        let least = least(reference);
        for name in [
            "externalRef",
            "leadOrganisation",
            "title",
            "source",
            "fundingTerms",
            "challengesFaced",
        ] {
            record[name] = least[name].clone();
        }
        for name in ["grantIdentifier", "programme", "currency"] {
            record["fundingTerms"][0][name] = nothing.clone();
        }
        for name in [
            "amountMinor",
            "startsOn",
            "durationMonths",
            "upfrontResearch",
            "renewable",
            "restriction",
        ] {
            record["fundingTerms"][0][name] = Value::Null;
        }
        record["summary"] = nothing.clone();
        record["place"] = json!({"code": nothing});
        record["challengesFaced"][0]["note"] = nothing.clone();
        record["challengesFaced"][0]["reasons"] = Value::Null;
        record["source"]["url"] = nothing.clone();
        record
    };
    app.publish(&[
        least("a"),
        unsaid("b", &Value::Null),
        unsaid("c", &json!("")),
        unsaid("d", &json!("  \t")),
    ])
    .await;
    let fields = EVERY_FIELD.replace("externalRef", "");
    let found = list_initiatives(&app, &fields).await;
    assert_eq!(found.len(), 4);
    for one in &found[1..] {
        assert_eq!(*one, found[0]);
    }
    // The default visibility is the most restrictive one.
    assert_eq!(found[0]["visibility"], "AGGREGATE_ONLY");
    assert_eq!(found[0]["summary"], Value::Null);
    assert_eq!(found[0]["fundingTerms"][0]["upfrontResearch"], Value::Null);
}

async fn invalid_rows_are_reported_and_valid_rows_imported(database: Database) {
    let app = start_with_places(database).await;
    let mut nameless = minimal_record("", json!({"externalRef": null}));
    nameless["fundingTerms"] = json!([{"funder": {"name": "A funder"}, "grantIdentifier": "360G-a-1"}]);
    let rows = [
        minimal_record("1", json!({})),
        minimal_record(
            "2",
            json!({"startedOn": "01/04/2020", "endedOn": "2020-13-01", "colour": "red"}),
        ),
        nameless,
        minimal_record(
            "4",
            json!({
                "title": " ", "startedOn": "2020-02-01", "endedOn": "2020-01-01", "place": {"code": "E08000099"},
                "leadOrganisation": {"identifier": "GB-CHC-404"},
                "challengesFaced": [{"challenge": "DEFINING_AMBITIONS"}, {"challenge": "DEFINING_AMBITIONS"}],
                "fundingTerms": [{"funder": {}, "amountMinor": 5, "startsOn": "0020-04-01"}],
            }),
        ),
        minimal_record(
            "5",
            json!({"externalRef": "x".repeat(201), "startedOn": "-4800-01-01"}),
        ),
        minimal_record(
            "6",
            json!({"sharing": {"basis": "x".repeat(2_001), "confirmedOn": "+12022-05-01"}}),
        ),
        minimal_record("7", json!({})),
    ];
    let (tally, remarks) = app.try_publish(&rows).await;
    assert_eq!((tally.added, tally.refused), (2, 5), "{remarks:?}");
    let said: BTreeSet<_> = list_rejections(remarks).into_iter().collect();
    let expected = [
        "row 2, colour: is not a field that is known; the fields are externalRef, title, summary, place, leadOrganisation, \
         startedOn, endedOn, ongoing, visibility, sharedWithFunders, illustrative, entryPoints, challengesFaced, \
         conditionsChanged, fundingTerms, source, sharing, missing",
        "row 2, endedOn: \"2020-13-01\" is not a date; write it as YYYY-MM-DD, such as 2014-06-25",
        "row 2, startedOn: \"01/04/2020\" is not a date; write it as 2020-04-01 if the day comes first",
        "row 3, externalRef: is needed, so that the record is known again when it is sent again",
        "row 4, challengesFaced/1/challenge: DEFINING_AMBITIONS is named twice",
        "row 4, endedOn: 2020-01-01 is before startedOn, 2020-02-01",
        "row 4, fundingTerms/0/currency: is needed where an amount is given",
        "row 4, fundingTerms/0/funder: needs an identifier or a name",
        "row 4, fundingTerms/0/startsOn: 0020-04-01 lies in the year 20, which cannot be right",
        "row 4, leadOrganisation: no organisation has the identifier GB-CHC-404, and no name is given, so it cannot be added",
        "row 4, place: no place has the code E08000099",
        "row 4, title: is needed",
        "row 5, externalRef: has 201 characters; the maximum is 200",
        "row 5, startedOn: -4800-01-01 lies in the year -4800, which cannot be right",
        "row 6, sharing/basis: has 2001 characters; the maximum is 2000",
        "row 6, sharing/confirmedOn: +12022-05-01 lies in the year 12022, which cannot be right",
    ];
    let said: BTreeSet<&str> = said
        .iter()
        .map(|said| {
            said.split_once(", expected")
                .map_or(said.as_str(), |(said, _)| said)
        })
        .collect();
    assert_eq!(said, BTreeSet::from(expected));
    let titles = list_initiatives(&app, "title").await;
    assert_eq!(
        titles,
        [json!({"title": "Record 1"}), json!({"title": "Record 7"})]
    );
    // Nothing of a rejected row is stored, not even its organisations.
    let known = organisation::Entity::find().count(&app.app.db).await.unwrap();
    assert_eq!(known, 1, "only the lead organisation of the valid records");
}

async fn reimport_changes_nothing_and_a_change_is_a_new_version(database: Database) {
    let app = start_with_places(database).await;
    // The second row has more details of the lead organisation than the first.
    let mut first = complete_record("r-1");
    first["leadOrganisation"].as_object_mut().unwrap().remove("kind");
    let rows = [first.clone(), complete_record("r-2")];
    app.publish(&rows).await;
    let ids = "externalRef version id fundingTerms { id } sources { id }";
    let (before, logged) = (list_initiatives(&app, ids).await, count_changes(&app).await);
    let again = app.publish(&rows).await;
    assert_eq!((again.unchanged, again.altered), (2, 0), "{again:?}");
    assert_eq!(list_initiatives(&app, ids).await, before);
    assert_eq!(count_changes(&app).await, logged);
    // A change of one part is a new version of the record. The other parts keep their ids.
    let mut changed = first;
    changed["summary"] = json!("Said again.");
    changed["fundingTerms"].as_array_mut().unwrap().insert(
        0,
        json!({"funder": {"identifier": "GB-CHC-200"}, "grantIdentifier": "360G-new", "durationMonths": 6}),
    );
    let tally = app.publish(std::slice::from_ref(&changed)).await;
    assert_eq!((tally.added, tally.altered), (0, 1));
    let after = list_initiatives(&app, ids).await;
    assert_eq!(after[1], before[1], "the other record");
    assert_eq!(
        (&after[0]["id"], &after[0]["version"]),
        (&before[0]["id"], &json!(2))
    );
    assert_eq!(
        after[0]["fundingTerms"][1], before[0]["fundingTerms"][0],
        "the term that stayed"
    );
    assert_eq!(after[0]["sources"], before[0]["sources"]);
    let db = &app.app.db;
    let ours = initiative::Entity::find()
        .filter(initiative::Column::ExternalRef.eq("r-1"))
        .one(db)
        .await
        .unwrap()
        .unwrap();
    let revisions = revision::Entity::find()
        .filter(revision::Column::InitiativeId.eq(ours.id))
        .order_by_asc(revision::Column::Version)
        .all(db)
        .await
        .unwrap();
    let summaries: Vec<_> = revisions
        .iter()
        .map(|revision| (revision.version, revision.document["summary"].as_str().unwrap()))
        .collect();
    assert_eq!(summaries, [(1, "Who it is for.\n\nAnd why."), (2, "Said again.")]);
    assert_eq!(revisions[1].document["fundingTerms"].as_array().unwrap().len(), 2);
    // The same reference of another organisation is a different record.
    let other = minimal_record(
        "r-1",
        json!({"leadOrganisation": {"identifier": "GB-CHC-101", "name": "Another"}}),
    );
    assert_eq!(app.publish(&[other]).await.added, 1);
}

async fn placeholder_identifier_is_omitted_with_a_warning(database: Database) {
    let app = TestApp::start(database).await;
    let led = |reference: &str, name: &str| {
        let mut record = minimal_record(
            reference,
            json!({"leadOrganisation": {"identifier": "N/A", "name": name}}),
        );
        record["fundingTerms"] =
            json!([{"funder": {"identifier": "unknown", "name": "A funder"}, "grantIdentifier": "TBC"}]);
        record
    };
    // Two organisations have the same reference, and the same placeholder as an identifier. The placeholder
    // does not make them one organisation.
    let records = [led("a", "One charity"), led("a", "Another charity")];
    let (tally, remarks) = app.try_publish(&records).await;
    let said = list_rejections(remarks);
    assert_eq!((tally.added, tally.refused), (2, 0), "{said:?}");
    let expected = [
        "warning: row 1, leadOrganisation/identifier: \"N/A\" is taken as not known",
        "warning: row 1, fundingTerms/0/funder/identifier: \"unknown\" is taken as not known",
        "warning: row 1, fundingTerms/0/grantIdentifier: \"TBC\" is taken as not known",
    ];
    for warning in expected {
        assert!(said.iter().any(|one| one == warning), "{warning}: {said:?}");
    }
    let fields =
        "leadOrganisation { name identifier } fundingTerms { funder { identifier } grantIdentifier }";
    for record in list_initiatives(&app, fields).await {
        assert_eq!(record["leadOrganisation"]["identifier"], json!(null), "{record}");
        let term = json!({"funder": {"identifier": null}, "grantIdentifier": null});
        assert_eq!(record["fundingTerms"], json!([term]), "{record}");
    }
}

async fn record_is_matched_however_its_lead_is_named(database: Database) {
    let app = TestApp::start(database).await;
    let led =
        |lead: Value, title: &str| minimal_record("r-1", json!({"leadOrganisation": lead, "title": title}));
    for (added, lead, title) in [
        (
            1,
            json!({"identifier": "GB-CHC-100", "name": "A charity"}),
            "First",
        ),
        (0, json!({"name": "a CHARITY"}), "Second"),
        (0, json!({"identifier": " GB-CHC-100 "}), "Third"),
    ] {
        let tally = app.publish(&[led(lead, title)]).await;
        assert_eq!((tally.added, tally.altered), (added, 1 - added), "{title}");
    }
    let found = list_initiatives(&app, "title version leadOrganisation { name identifier }").await;
    assert_eq!(
        found,
        [
            json!({"title": "Third", "version": 3, "leadOrganisation": {"name": "A charity", "identifier": "GB-CHC-100"}})
        ]
    );
}

async fn existing_organisations_are_reused(database: Database) {
    let app = TestApp::start(database).await;
    let sent = |reference: &str, lead: Value| minimal_record(reference, json!({"leadOrganisation": lead}));
    app.publish(&[
        sent("1", json!({"identifier": "GB-CHC-1", "name": "The Straße Trust"})),
        sent("2", json!({"name": "Old Name", "identifier": "GB-CHC-2"})),
        sent("3", json!({"name": "Twins", "identifier": "GB-CHC-3"})),
        sent("4", json!({"name": "twins", "identifier": "GB-CHC-4"})),
        sent("5", json!({"name": "By Name Alone"})),
    ])
    .await;
    let count = || organisation::Entity::find().count(&app.app.db);
    assert_eq!(count().await.unwrap(), 5);
    let (tally, remarks) = app
        .try_publish(&[
            sent("6", json!({"name": "the straße TRUST"})),
            sent("7", json!({"identifier": "GB-CHC-2"})),
            sent("8", json!({"identifier": "GB-CHC-2", "name": "New Name"})),
            sent("9", json!({"name": "Twins"})),
            sent("10", json!({"identifier": "GB-CHC-9"})),
            sent("11", json!({"name": "by name alone", "kind": "COMMUNITY_GROUP"})),
            sent("12", json!({"identifier": "GB-CHC-4"})),
        ])
        .await;
    assert_eq!((tally.added, tally.refused), (5, 2));
    insta::allow_duplicates! {
        insta::assert_snapshot!(list_rejections(remarks).join("\n"), @"
        row 4, leadOrganisation: 2 organisations are called Twins; give an identifier
        row 5, leadOrganisation: no organisation has the identifier GB-CHC-9, and no name is given, so it cannot be added
        ");
    }
    assert_eq!(count().await.unwrap(), 5, "none was added");
    let found = list_initiatives(&app, "externalRef leadOrganisation { name kind }").await;
    let lead = |reference: &str| {
        let found = found.iter().find(|one| one["externalRef"] == reference);
        found.unwrap()["leadOrganisation"].clone()
    };
    assert_eq!(lead("6"), json!({"name": "The Straße Trust", "kind": null}));
    assert_eq!(lead("8"), json!({"name": "Old Name", "kind": null}));
    assert_eq!(lead("12"), json!({"name": "twins", "kind": null}));
    // The kind of an organisation can be added later.
    assert_eq!(
        lead("5"),
        json!({"name": "By Name Alone", "kind": "COMMUNITY_GROUP"})
    );
}

async fn places_are_found_by_code_or_id(database: Database) {
    let app = start_with_places(database).await;
    app.import_places("name,code,kind,parents\nHigh Town,,TOWN,E08000025\n")
        .await;
    let answer = app
        .steward()
        .await
        .query("{ town: places(filter: {name: {eq: \"High Town\"}}) { nodes { id } } city: place(code: \"E08000025\") { id } }")
        .await;
    let (town, city) = (
        answer["town"]["nodes"][0]["id"].clone(),
        answer["city"]["id"].clone(),
    );
    let placed = |reference: &str, place: Value| minimal_record(reference, json!({"place": place}));
    let (tally, remarks) = app
        .try_publish(&[
            placed("1", json!({"code": "E08000025"})),
            placed("2", json!({"code": "E07000001"})),
            placed("3", json!({"id": city})),
            placed("4", json!({"id": town})),
            placed("5", json!({"code": "E08000099"})),
            placed("6", json!({"id": "no such id"})),
            placed("7", json!({"id": city, "code": "E08000025"})),
        ])
        .await;
    assert_eq!((tally.added, tally.refused), (4, 3), "{remarks:?}");
    insta::allow_duplicates! {
        insta::assert_snapshot!(list_rejections(remarks).join("\n"), @"
        row 5, place: no place has the code E08000099
        row 6, place: no place has the id no such id
        row 7, place: give exactly one of the code, the id and the name of a place
        ");
    }
    let found = list_initiatives(&app, "place { name }").await;
    let names: Vec<_> = found
        .iter()
        .map(|one| one["place"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Birmingham", "Birmingham", "Birmingham", "High Town"]);
}

async fn durations_default_to_the_dates(database: Database) {
    let app = TestApp::start(database).await;
    let lasting = |reference: &str, dates: Value| {
        let mut term = json!({"funder": {"name": "A funder"}});
        term.as_object_mut()
            .unwrap()
            .extend(dates.as_object().unwrap().clone());
        minimal_record(reference, json!({"fundingTerms": [term]}))
    };
    let dates = |start: &str, end: &str| json!({"startsOn": start, "endsOn": end});
    let given = |months: i32| {
        let mut dates = dates("2020-01-01", "2020-12-31");
        dates["durationMonths"] = json!(months);
        dates
    };
    let (tally, remarks) = app
        .try_publish(&[
            lasting("1", dates("2020-01-01", "2021-06-30")),
            lasting("2", json!({"startsOn": "2020-01-01"})),
            lasting("3", given(13)),
            lasting("4", given(24)),
            lasting("5", given(0)),
            lasting("6", dates("2020-01-01", "2019-12-31")),
        ])
        .await;
    assert_eq!((tally.added, tally.refused, tally.warned), (4, 2, 1));
    insta::allow_duplicates! {
        insta::assert_snapshot!(list_rejections(remarks).join("\n"), @"
        warning: row 4, fundingTerms/0/durationMonths: 24 months are given, but the dates make 12; what is given is kept
        row 5, fundingTerms/0/durationMonths: must lie between 1 and 1,200
        row 6, fundingTerms/0/endsOn: 2019-12-31 is before startsOn, 2020-01-01
        ");
    }
    let found = list_initiatives(&app, "fundingTerms { durationMonths }").await;
    let months: Vec<_> = found
        .iter()
        .map(|one| one["fundingTerms"][0]["durationMonths"].as_i64())
        .collect();
    assert_eq!(months, [Some(18), None, Some(13), Some(24)]);
}

/// Collects every path of a document with free text or a name.
fn collect_text_paths(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect_text_paths(value, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect_text_paths(value, &format!("{path}/{index}"), found);
            }
        }
        Value::String(_) => found.push(path.to_owned()),
        _ => {}
    }
}

async fn unstorable_text_rejects_only_its_row(database: Database) {
    let app = start_with_places(database).await;
    let mut paths = Vec::new();
    collect_text_paths(&complete_record("r"), "", &mut paths);
    assert!(paths.len() > 30, "{paths:?}");
    for path in paths {
        let mut bad = complete_record("bad");
        let text = bad.pointer_mut(&path).unwrap();
        *text = json!(format!("{}\u{0}", text.as_str().unwrap()));
        let (tally, remarks) = app
            .try_publish(&[bad, minimal_record(&format!("good{path}"), json!({}))])
            .await;
        let said = list_rejections(remarks);
        assert_eq!((tally.added, tally.refused), (1, 1), "{path}: {said:?}");
        let field = path.trim_start_matches('/');
        let named = field.strip_suffix("/code").unwrap_or(field);
        assert!(
            said.iter()
                .any(|said| said.starts_with(&format!("row 1, {named}"))),
            "{path}: {said:?}"
        );
    }
}

/// A text as it is stored, in Unicode normalisation form C.
fn to_nfc(text: &Value) -> String {
    text.as_str().unwrap().replace("e\u{301}", "\u{e9}")
}

async fn other_text_is_stored_unchanged(database: Database) {
    let app = TestApp::start(database).await;
    let texts = [
        "𝒯𝒽ℯ 🏘️ of 👩🏽‍🌾 and 𠜎",
        "zero\u{200b}width, e\u{301} and é, \u{202e}right to left",
        "' OR 1=1; -- \" \\ % _ \u{1} \u{7f}",
        "\u{130}stanbul \u{1e9e} \u{fb03}",
    ];
    for (index, text) in texts.into_iter().enumerate() {
        let long: String = text.chars().cycle().take(10_000).collect();
        let lead = json!({"name": text});
        let title: String = text.chars().cycle().take(299).chain(['.']).collect();
        let summary = format!(".{}.", &long.chars().take(9_998).collect::<String>());
        let sent = minimal_record(
            &format!("{text}{index}"),
            json!({"title": title, "summary": summary, "leadOrganisation": lead}),
        );
        app.publish(std::slice::from_ref(&sent)).await;
        let again = app.publish(std::slice::from_ref(&sent)).await;
        assert_eq!(again.unchanged, 1, "{text}");
        let found = list_initiatives(&app, "externalRef title summary leadOrganisation { name }").await;
        let found = &found[index];
        for field in ["externalRef", "title", "summary"] {
            assert_eq!(found[field], to_nfc(&sent[field]), "{text}");
        }
        let visible = text.replace(['\u{200b}', '\u{202e}'], "");
        let name = &found["leadOrganisation"]["name"];
        assert_eq!(*name, to_nfc(&visible.into()), "{text}");
    }
    // One character too many. The length is counted in characters.
    let long = "🏘".repeat(10_001);
    let (_, remarks) = app
        .try_publish(&[minimal_record("long", json!({"summary": long}))])
        .await;
    assert_eq!(
        list_rejections(remarks),
        ["row 1, summary: has 10001 characters; the maximum is 10000"]
    );
}
