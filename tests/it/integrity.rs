//! The integrity check: a valid database passes, and every corruption is found.

use std::collections::BTreeSet;

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, TransactionTrait,
};
use serde_json::{Value, json};
use wayin::auth::session::sign_in_link::{SIGN_IN_PATH, redeem_sign_in_link};
use wayin::clock::{Clock, SystemClock};
use wayin::import::job::worker;
use wayin::integrity::Invariant;
use wayin::load_sample;
use wayin::vocabulary::term::fold_term;
use wayin_entity::{claim, organisation, term};

use crate::support::app::{Client, PARTNER_ORGANISATION, TestApp, list_violations};
use crate::support::builders::{full_record, organisation, record};
use crate::support::database::Kind;
use crate::support::grants::{grant, package, try_grants};
use crate::support::imports::send_file;
use crate::support::places::start_with_places;
use crate::support::reference_data::save_one_of_everything;
use crate::support::tokens::{find_member_id, issue_token, revoke_token};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    valid_history_has_no_violations,
    sample_evidence_has_no_violations,
    every_corruption_is_detected,
];

/// Runs a mutation of a submission that must succeed; returns its payload.
async fn run_submission_mutation(client: &Client<'_>, name: &str, input: Value) -> Value {
    let input_type = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let query = format!(
        "mutation($input: {input_type}!) {{ {name}(input: $input) {{
           submission {{ id version initiative {{ id version }} }} problems {{ message }} }} }}"
    );
    let mut response = client.execute_with(&query, json!({"input": input})).await;
    assert_eq!(response.get("errors"), None, "{name} {input}: {response}");
    let mut payload = response["data"][name].take();
    assert_eq!(payload["problems"], json!([]), "{name} {input}: {payload}");
    payload["submission"].take()
}

async fn save_submission(client: &Client<'_>, record: Value) -> String {
    let key = SystemClock.new_id().to_string();
    let submission = run_submission_mutation(
        client,
        "saveSubmission",
        json!({"record": record, "idempotencyKey": key}),
    )
    .await;
    submission["id"].as_str().unwrap().to_owned()
}

async fn publish_record(partner: &Client<'_>, steward: &Client<'_>, record: Value) -> Value {
    let id = save_submission(partner, record).await;
    run_submission_mutation(partner, "submitForReview", json!({"id": id})).await;
    run_submission_mutation(steward, "publishSubmission", json!({"id": id})).await
}

/// A record with a value in every part, as a partner sends it.
fn complete_submitted_record(reference: &str) -> Value {
    let mut record = full_record(reference)
        .in_place("E06000001")
        .with(
            "source",
            json!({"kind": "SELF_REPORT", "title": "Our return", "url": "https://example.org/r"}),
        )
        .with(
            "sharing",
            json!({"basis": "The board agreed", "licence": "CC-BY-4.0"}),
        )
        .with(
            "entryPoints",
            json!([
                {"entryPoint": "COLLABORATION", "perspective": "FUNDER", "motivation": "It was asked for"},
                {"entryPoint": "COMPLEXITY", "perspective": "PRACTITIONER", "takenOn": "2021-02-03"},
                {"entryPoint": "ROOT_CAUSES", "perspective": "FUNDER"},
            ]),
        )
        .with(
            "fundingTerms",
            json!([
                {"funder": organisation("GB-CHC-900"), "programme": "Places", "currency": "GBP",
                 "amountMinor": 123_456_789, "startsOn": "2020-01-01", "endsOn": "2021-12-31",
                 "upfrontResearch": true, "upfrontResearchMonths": 3, "restriction": "RESTRICTED",
                 "reportingFrequency": "QUARTERLY", "reportingBasis": "ADAPTABLE",
                 "deliveryTimeline": "FIXED", "renewable": false, "intendedFocus": "ROOT_CAUSES",
                 "collaborationResourced": true},
                {"funder": organisation("GB-CHC-901")},
            ]),
        )
        .build();
    record.as_object_mut().unwrap().remove("leadOrganisation");
    record
}

/// A database with a history of every kind of action.
async fn start_with_full_history(database: Database) -> TestApp {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    let partner = app.partner().await;
    // One record is corrected, one is withdrawn, and one is withdrawn and published again.
    let first = publish_record(&partner, &steward, complete_submitted_record("a")).await;
    let initiative = first["initiative"]["id"].clone();
    let mut corrected = complete_submitted_record("a");
    corrected["summary"] = "What it did".into();
    corrected["challengesFaced"][0]["reasons"] = json!(["STAFF_CAPACITY", "SHORT_FUNDING"]);
    publish_record(&partner, &steward, corrected).await;
    for reference in ["w", "again"] {
        let gone = publish_record(&partner, &steward, complete_submitted_record(reference)).await;
        let id = &gone["initiative"]["id"];
        steward
            .query(&format!(
                "mutation {{ withdrawInitiative(input: {{id: {id}, reason: \"It was another's\"}}) {{ changeNumber }} }}"
            ))
            .await;
    }
    publish_record(&partner, &steward, complete_submitted_record("again")).await;
    // Pending submissions in every state.
    save_submission(&partner, json!({"externalRef": "draft", "title": 7})).await;
    let mut correction = complete_submitted_record("a");
    correction["summary"] = "What it did in the end".into();
    correction["title"] = "A correction".into();
    let correction =
        run_submission_mutation(&partner, "saveSubmission", json!({"record": correction})).await["id"].take();
    run_submission_mutation(&partner, "submitForReview", json!({"id": correction})).await;
    let returned = save_submission(&partner, complete_submitted_record("returned")).await;
    run_submission_mutation(&partner, "submitForReview", json!({"id": returned})).await;
    run_submission_mutation(
        &steward,
        "requestChanges",
        json!({"id": returned, "note": "Which dates?"}),
    )
    .await;
    let discarded = save_submission(&partner, complete_submitted_record("discarded")).await;
    run_submission_mutation(&partner, "discardSubmission", json!({"id": discarded})).await;
    // Two grants, one of which becomes part of a record.
    let grants = [grant("360G-a-1", &json!({})), grant("360G-a-2", &json!({}))];
    try_grants(&app, &package(&grants)).await;
    let taking = record("t")
        .led_by("GB-CHC-100")
        .with(
            "fundingTerms",
            json!([{"funder": organisation("GB-CHC-200"), "grantIdentifier": "360G-a-1"}]),
        )
        .build();
    app.publish(&[taking, record("r").build()]).await;
    // A text is redacted, and an organisation is renamed and gets an identifier.
    steward
        .query(
            "mutation { redactText(input: {text: \"The board agreed\", reason: \"They asked\"}) { initiatives } }",
        )
        .await;
    let lead = steward
        .query(&format!(
            "{{ initiative(id: {initiative}) {{ leadOrganisation {{ id }} }} }}"
        ))
        .await;
    let lead = &lead["initiative"]["leadOrganisation"]["id"];
    steward
        .query(&format!(
            "mutation {{ saveOrganisation(input: {{id: {lead}, name: \"Quite Another\", identifier: \"{PARTNER_ORGANISATION}\",
               kind: DELIVERY_ORGANISATION}}) {{ changeNumber problems {{ message }} }} }}"
        ))
        .await;
    let issued = issue_token(
        &steward,
        json!({"member": find_member_id(&steward, "partner").await, "name": "A spreadsheet"}),
    )
    .await;
    revoke_token(&steward, &issued["issuedToken"]["id"]).await;
    partner
        .query("mutation { createExportLink(input: {address: \"/export/distribution.csv?of=REGION\"}) { expiresAt } }")
        .await;
    begin_session(&app, &steward).await;
    create_claim_and_term(&app).await;
    save_one_of_everything(&steward).await;
    let file = format!(
        "{}\n{}",
        json!({"externalRef": "of a file", "title": "Of a file"}),
        "[7]"
    );
    let sent = send_file(&app, &partner, "return.jsonl", &file, json!({})).await;
    assert_eq!(sent["data"]["importRecords"]["problems"], json!([]), "{sent}");
    worker::run_queued(&app.app).await.unwrap();
    app
}

/// A session, with the link that began it and an invitation.
async fn begin_session(app: &TestApp, steward: &Client<'_>) {
    let member = find_member_id(steward, "partner").await;
    let link = steward
        .query(&format!(
            "mutation {{ createSignInLink(input: {{member: {member}}}) {{ url }} inviteMember(input: {{role: STEWARD, name: \"Grace\"}}) {{ url }} }}"
        ))
        .await;
    let url = link["createSignInLink"]["url"].as_str().unwrap();
    let code = url.strip_prefix(SIGN_IN_PATH).unwrap();
    let created = redeem_sign_in_link(app.app.mutation_context(), code, None).await;
    assert!(created.unwrap().is_some(), "the link works");
}

/// A claim and a glossary term.
async fn create_claim_and_term(app: &TestApp) {
    let now = SystemClock.now();
    let claim = claim::Model {
        id: SystemClock.new_id(),
        slug: "short-funding".into(),
        statement: "Short funding leaves no time to agree ambitions.".into(),
        position: 1,
        reflection_id: None,
        pattern_when: json!({"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}}),
        pattern_then: json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["SKIPPED"]}}}),
        pattern_among: None,
        pattern_by: None,
        created_at: now,
        updated_at: now,
    };
    claim.into_active_model().insert(&app.app.db).await.unwrap();
    let word = term::Model {
        id: SystemClock.new_id(),
        slug: "entry-point".into(),
        name: "Way in".into(),
        name_folded: fold_term("Way in", &json!(["Entry point"])),
        definition: "Where one starts.".into(),
        synonyms: json!(["Entry point"]),
        usage_note: None,
        code: None,
        created_at: now,
        updated_at: now,
    };
    word.into_active_model().insert(&app.app.db).await.unwrap();
}

async fn valid_history_has_no_violations(database: Database) {
    let app = start_with_full_history(database).await;
    app.assert_no_violations().await;
}

async fn sample_evidence_has_no_violations(database: Database) {
    let app = TestApp::start(database).await;
    load_sample::load_sample(&app.app.db, &TestApp::action(), wayin_sample::generate_evidence())
        .await
        .unwrap();
    app.assert_no_violations().await;
    let counted = organisation::Entity::find().all(&app.app.db).await.unwrap().len();
    assert!(counted > 5, "only {counted} organisations were checked");
}

/// A way to corrupt a database: the statements, the violated invariant, and a part of the message.
type Corruption = (&'static [&'static str], Invariant, &'static str);

/// Subqueries for the corrected initiative, the withdrawn one, and the one made from a grant alone.
const CORRECTED_INITIATIVE_SQL: &str = "(SELECT id FROM initiative WHERE external_ref = 'a')";
const WITHDRAWN_INITIATIVE_SQL: &str = "(SELECT id FROM initiative WHERE external_ref = 'w')";
const GRANT_INITIATIVE_SQL: &str =
    "(SELECT initiative_id FROM funding_term WHERE grant_identifier = '360G-a-2')";

const CORRUPTIONS: &[Corruption] = &[
    // Rows without references can be deleted. Referenced rows can only be deleted while foreign keys are not
    // enforced.
    (
        &["UNHELD", "UPDATE initiative SET place_id = NOWHERE WHERE id = :A"],
        Invariant::Database,
        "place",
    ),
    (
        &["UNHELD", "UPDATE submission SET author_id = NOWHERE"],
        Invariant::Database,
        "member",
    ),
    (
        &[
            "UNHELD",
            "DELETE FROM organisation WHERE identifier = 'GB-CHC-900'",
        ],
        Invariant::Database,
        "organisation",
    ),
    (
        &["DELETE FROM instance_settings"],
        Invariant::Instance,
        "has 0 rows instead of one",
    ),
    (
        &["DELETE FROM revision WHERE version = 1 AND initiative_id = :A"],
        Invariant::Revisions,
        "is at version 2, but its revisions are 1, from version 2 to 2",
    ),
    (
        &["DELETE FROM revision WHERE initiative_id = :A"],
        Invariant::Revisions,
        "has no revision",
    ),
    (
        &["UPDATE initiative SET version = 3 WHERE id = :A"],
        Invariant::Revisions,
        "is at version 3",
    ),
    (
        &["UPDATE revision SET document = '{\"title\": 7}' WHERE version = 2 AND initiative_id = :A"],
        Invariant::Revisions,
        "is not a record",
    ),
    (
        &["UPDATE revision SET document = '[]' WHERE version = 1 AND initiative_id = :G"],
        Invariant::Revisions,
        "is not a record",
    ),
    (
        &["UPDATE initiative SET title = 'Other', title_folded = 'other' WHERE id = :A"],
        Invariant::TablesMatchRevisions,
        "in title",
    ),
    (
        &["UPDATE initiative SET summary = NULL WHERE id = :A"],
        Invariant::TablesMatchRevisions,
        "in summary",
    ),
    (
        &["UPDATE initiative SET started_on = '2020-01-02' WHERE id = :A"],
        Invariant::TablesMatchRevisions,
        "in startedOn",
    ),
    (
        &["UPDATE initiative SET ended_on = NULL WHERE id = :A"],
        Invariant::TablesMatchRevisions,
        "in endedOn",
    ),
    (
        &["UPDATE initiative SET ongoing = false WHERE id = :A"],
        Invariant::TablesMatchRevisions,
        "in ongoing",
    ),
    (
        &["UPDATE initiative SET visibility = 'MEMBERS' WHERE id = :A"],
        Invariant::TablesMatchRevisions,
        "in visibility",
    ),
    (
        &["UPDATE initiative SET shared_with_funders = true WHERE id = :A"],
        Invariant::TablesMatchRevisions,
        "in sharedWithFunders",
    ),
    (
        &["UPDATE initiative SET illustrative = true WHERE id = :A"],
        Invariant::TablesMatchRevisions,
        "in illustrative",
    ),
    (
        &["UPDATE initiative SET external_ref = 'b' WHERE id = :A"],
        Invariant::TablesMatchRevisions,
        "in externalRef",
    ),
    (
        &["UPDATE initiative SET place_id = NULL WHERE id = :A"],
        Invariant::TablesMatchRevisions,
        "in place",
    ),
    (
        &["UPDATE initiative SET place_id = (SELECT id FROM place WHERE code = 'E12000001') WHERE id = :A"],
        Invariant::TablesMatchRevisions,
        "in place: place",
    ),
    (
        &["UPDATE initiative SET sharing_licence = NULL WHERE id = :A"],
        Invariant::TablesMatchRevisions,
        "in sharing/licence",
    ),
    (
        &[
            "UPDATE initiative SET lead_organisation_id = (SELECT id FROM organisation WHERE identifier = 'GB-CHC-900') \
        WHERE id = :A",
        ],
        Invariant::TablesMatchRevisions,
        "in leadOrganisation: organisation",
    ),
    (
        &["UPDATE organisation SET kind = 'PUBLIC_BODY' WHERE identifier = 'GB-CHC-900'"],
        Invariant::TablesMatchRevisions,
        "in fundingTerms/0/funder: organisation",
    ),
    (
        &["DELETE FROM entry_point_taken WHERE initiative_id = :A AND perspective = 'PRACTITIONER'"],
        Invariant::TablesMatchRevisions,
        "in entryPoints/0",
    ),
    (
        &[
            "UPDATE entry_point_taken SET position = 5 WHERE initiative_id = :A AND perspective = 'PRACTITIONER'",
        ],
        Invariant::TablesMatchRevisions,
        "is at position 5, and should be at 1",
    ),
    (
        &["UPDATE entry_point_taken SET taken_on = NULL WHERE initiative_id = :A"],
        Invariant::TablesMatchRevisions,
        "/takenOn",
    ),
    (
        &["UPDATE entry_point_taken SET motivation = 'None' WHERE initiative_id = :A AND position = 2"],
        Invariant::TablesMatchRevisions,
        "/motivation",
    ),
    (
        &["UPDATE challenge_faced SET step = NULL WHERE initiative_id = :A"],
        Invariant::TablesMatchRevisions,
        "in challengesFaced/0/step",
    ),
    (
        &["UPDATE challenge_faced SET note = 'Some time' WHERE initiative_id = :A"],
        Invariant::TablesMatchRevisions,
        "in challengesFaced/0/note",
    ),
    (
        &["DELETE FROM challenge_faced WHERE initiative_id = :A"],
        Invariant::TablesMatchRevisions,
        "in challengesFaced",
    ),
    (
        &["DELETE FROM challenge_reason WHERE reason = 'STAFF_CAPACITY'"],
        Invariant::TablesMatchRevisions,
        "in challengesFaced/0/reasons",
    ),
    (
        &["UPDATE condition_changed SET change = 'PARTLY' WHERE initiative_id = :A"],
        Invariant::TablesMatchRevisions,
        "in conditionsChanged/0/change",
    ),
    (
        &["DELETE FROM condition_changed WHERE initiative_id = :A"],
        Invariant::TablesMatchRevisions,
        "in conditionsChanged",
    ),
    (
        &["UPDATE funding_term SET duration_months = 7 WHERE initiative_id = :A"],
        Invariant::TablesMatchRevisions,
        "in fundingTerms/0/durationMonths",
    ),
    (
        &["UPDATE funding_term SET amount_minor = amount_minor + 1 WHERE initiative_id = :A"],
        Invariant::TablesMatchRevisions,
        "in fundingTerms/0/amountMinor",
    ),
    (
        &["UPDATE funding_term SET renewable = NULL, reporting_basis = NULL WHERE initiative_id = :A"],
        Invariant::TablesMatchRevisions,
        "in fundingTerms/0/reportingBasis",
    ),
    (
        &["DELETE FROM funding_term WHERE initiative_id = :A AND position = 2"],
        Invariant::TablesMatchRevisions,
        "in fundingTerms/1",
    ),
    (
        &["UPDATE funding_term SET position = 9 WHERE initiative_id = :A AND position = 2"],
        Invariant::TablesMatchRevisions,
        "is at position 9, and should be at 2",
    ),
    (
        &["UPDATE source SET title = 'Their return'"],
        Invariant::TablesMatchRevisions,
        "in source/title",
    ),
    (
        &["DELETE FROM initiative_source WHERE initiative_id = :A"],
        Invariant::TablesMatchRevisions,
        "it has 0 sources instead of one",
    ),
    (
        &["UPDATE initiative SET made_from_grant = true WHERE id = :A"],
        Invariant::DerivedValues,
        "is marked as made from a grant alone, which its record is not",
    ),
    (
        &["UPDATE initiative SET made_from_grant = false WHERE id = :G"],
        Invariant::DerivedValues,
        "is marked as not made from a grant alone, which its record is.",
    ),
    (
        &["UPDATE initiative SET disclosure_key = 4294967295 - disclosure_key WHERE id = :A"],
        Invariant::DerivedValues,
        "has a disclosure key that does not match",
    ),
    (
        &["UPDATE funding_term SET grant_digest = '0' WHERE initiative_id = :A AND position = 1"],
        Invariant::DerivedValues,
        "was imported from a grant that it does not name",
    ),
    (
        &["UPDATE funding_term SET initiative_id = :W WHERE initiative_id = :A"],
        Invariant::Withdrawn,
        "was withdrawn, but still has 2 funding terms",
    ),
    (
        &["UPDATE initiative SET summary = NULL WHERE id = :W"],
        Invariant::Withdrawn,
        "in summary",
    ),
    (
        &["UPDATE initiative SET withdrawn_at = created_at WHERE external_ref = 'r'"],
        Invariant::Withdrawn,
        "its version 1 is the only one",
    ),
    (
        &["UPDATE initiative SET withdrawn_at = created_at WHERE id = :A"],
        Invariant::ChangeLog,
        "is withdrawn, and the change log does not say so",
    ),
    (
        &["UPDATE initiative SET withdrawn_at = NULL WHERE id = :W"],
        Invariant::ChangeLog,
        "is published, and the change log has its withdrawal as the last change",
    ),
    (
        &["DELETE FROM change_log WHERE subject_id = :A"],
        Invariant::ChangeLog,
        "is not in the change log",
    ),
    (
        &["DELETE FROM change_log WHERE subject_id = :A AND kind = 'ALTERED'"],
        Invariant::ChangeLog,
        "is at version 2, and the change log has 1 changes",
    ),
    (
        &["UPDATE change_log SET kind = 'PUBLISHED' WHERE subject_id = :A"],
        Invariant::ChangeLog,
        "is published although it was published before",
    ),
    (
        &["UPDATE change_log SET kind = 'ALTERED' WHERE subject_id = :A"],
        Invariant::ChangeLog,
        "is changed although it is not published",
    ),
    (
        &["UPDATE change_log SET kind = 'WITHDRAWN' WHERE subject_id = :W"],
        Invariant::ChangeLog,
        "is withdrawn although it is not published",
    ),
    // More changes than redactions can explain.
    (
        &[
            "INSERT INTO change_log (kind, subject, subject_id, created_at, updated_at) \
        SELECT c.kind, c.subject, c.subject_id, c.created_at, c.updated_at FROM change_log AS c, change_log AS often \
        WHERE c.subject_id = :A AND c.kind = 'ALTERED'",
        ],
        Invariant::ChangeLog,
        "changes",
    ),
    (
        &[
            "INSERT INTO change_log (kind, subject, subject_id, created_at, updated_at) \
        SELECT kind, 'PLACE', subject_id, created_at, updated_at FROM change_log WHERE subject_id = :A",
        ],
        Invariant::ChangeLog,
        "names the place",
    ),
    (
        &["UPDATE change_log SET subject_id = NOWHERE WHERE subject_id = :A"],
        Invariant::ChangeLog,
        "names the initiative",
    ),
    (
        &["DELETE FROM change_log WHERE subject = 'ORGANISATION'"],
        Invariant::ChangeLog,
        "Organisation",
    ),
    (
        &["DELETE FROM change_log WHERE subject = 'PLACE'"],
        Invariant::ChangeLog,
        "Place",
    ),
    (
        &["UPDATE submission SET initiative_id = NULL, initiative_version = NULL WHERE state = 'PUBLISHED'"],
        Invariant::Submissions,
        "which is PUBLISHED, has no initiative",
    ),
    (
        &["UPDATE submission SET decided_at = NULL WHERE state = 'PUBLISHED'"],
        Invariant::Submissions,
        "does not say when it was decided",
    ),
    (
        &["UPDATE submission SET decided_at = NULL WHERE state = 'DISCARDED'"],
        Invariant::Submissions,
        "does not say when it was decided",
    ),
    (
        &["UPDATE submission SET submitted_at = NULL WHERE state = 'SUBMITTED'"],
        Invariant::Submissions,
        "does not say when it was submitted",
    ),
    (
        &["UPDATE submission SET initiative_version = NULL WHERE state = 'SUBMITTED'"],
        Invariant::Submissions,
        "does not say which version",
    ),
    (
        &["UPDATE submission SET initiative_version = 3 WHERE state = 'SUBMITTED'"],
        Invariant::Submissions,
        "corrects version 3 of initiative",
    ),
    (
        &["UPDATE submission SET initiative_id = NULL WHERE state = 'SUBMITTED'"],
        Invariant::Submissions,
        "has the version of an initiative but no initiative",
    ),
    (
        &["UPDATE submission SET review_note = NULL WHERE state = 'CHANGES_REQUESTED'"],
        Invariant::Submissions,
        "has no review note",
    ),
    (
        &["UPDATE submission SET submitted_at = created_at WHERE state = 'DRAFT'"],
        Invariant::Submissions,
        "which is DRAFT, was sent",
    ),
    (
        &["UPDATE submission SET document = '[]' WHERE state = 'DRAFT'"],
        Invariant::Submissions,
        "has a document that is not a record",
    ),
    (
        &["UPDATE initiative SET title_folded = title WHERE id = :A"],
        Invariant::Names,
        "a lower-case title that does not match",
    ),
    (
        &["UPDATE organisation SET name_folded = name"],
        Invariant::Names,
        "Organisation",
    ),
    (
        &["UPDATE place SET name_folded = name"],
        Invariant::Names,
        "Place",
    ),
    (
        &["UPDATE term SET name_folded = 'way in'"],
        Invariant::Names,
        "Word",
    ),
    (
        &[
            "UPDATE place SET successor_id = (SELECT id FROM place WHERE code = 'E06000001') WHERE code = 'E12000001'",
        ],
        Invariant::Places,
        "form a cycle",
    ),
    (
        &["UPDATE initiative SET missing = NULL WHERE id = :A"],
        Invariant::TablesMatchRevisions,
        "in missing",
    ),
    (
        &["UPDATE import SET rows_processed = rows_processed + 1, draft_count = draft_count + 1"],
        Invariant::Imports,
        "counts 2 rows as DRAFTED, and lists 1",
    ),
    (
        &["DELETE FROM import_outcome WHERE outcome = 'REJECTED'"],
        Invariant::Imports,
        "counts 1 rows as REJECTED, and lists 0",
    ),
    (
        &["UPDATE import_outcome SET position = 9 WHERE outcome = 'REJECTED'"],
        Invariant::Imports,
        "has processed 2 rows, and lists row 9",
    ),
    (
        &[
            "UPDATE import SET state = 'RUNNING', ended_at = NULL",
            "DELETE FROM import_chunk",
        ],
        Invariant::Imports,
        "its file is missing",
    ),
    (
        &["UPDATE import_chunk SET position = 2"],
        Invariant::Imports,
        "in 1 of 2 pieces",
    ),
    (
        &["UPDATE import SET ended_at = NULL"],
        Invariant::Imports,
        "does not say when it ended",
    ),
    (
        &["UPDATE import SET failure_reason = 'It breaks off.'"],
        Invariant::Imports,
        "does not say why it failed",
    ),
    (
        &[
            "DELETE FROM entity_revision WHERE version = 1 AND subject = 'MEMBER' AND subject_id IN (SELECT subject_id FROM entity_revision WHERE version = 2)",
        ],
        Invariant::ReferenceData,
        "has 1 versions, from 2 to 2",
    ),
    (
        &["UPDATE crisis SET name = 'Another'"],
        Invariant::ReferenceData,
        "and its newest version, 1, differ",
    ),
    (
        &["DELETE FROM place_parent WHERE place_id IN (SELECT id FROM place WHERE name = 'Seaton Carew')"],
        Invariant::ReferenceData,
        ", differ",
    ),
    (
        &["DELETE FROM organisation_alias"],
        Invariant::ReferenceData,
        "has versions, but does not exist",
    ),
    (
        &["UPDATE idempotency_key SET answer = NULL"],
        Invariant::IdempotencyKeys,
        "has no result",
    ),
    (
        &["UPDATE idempotency_key SET input_digest = '0'"],
        Invariant::IdempotencyKeys,
        "cannot be recognised",
    ),
    (
        &["UNHELD", "UPDATE audit_event SET member_id = NOWHERE"],
        Invariant::Audit,
        "names the member",
    ),
    (
        &["UPDATE issued_token SET expires_at = created_at"],
        Invariant::Tokens,
        "is valid for 0 days",
    ),
    (
        &["UPDATE export_link SET expires_at = created_at"],
        Invariant::Tokens,
        "is valid for 0 minutes",
    ),
    (
        &["UPDATE browser_session SET expires_at = created_at"],
        Invariant::Tokens,
        "is valid for 0 minutes instead of at most 10080",
    ),
    (
        &["UPDATE sign_in_link SET expires_at = created_at"],
        Invariant::Tokens,
        "is valid for 0 minutes instead of at most 1440",
    ),
    (
        &["UPDATE invitation SET expires_at = created_at"],
        Invariant::Tokens,
        "is valid for 0 days instead of 1 to 30",
    ),
    (
        &["UPDATE claim SET pattern_when = '{\"fundingterms\": {}}'"],
        Invariant::Claims,
        "has a pattern that cannot be run: when",
    ),
    (
        &["UPDATE claim SET pattern_then = '{\"challenge\": 7}'"],
        Invariant::Claims,
        "has a pattern that cannot be run: then",
    ),
];

/// Corrupts a database with statements in its SQL dialect.
async fn apply_corruption(moment: &DatabaseTransaction, kind: Kind, statements: &[&str]) {
    let nowhere = match kind {
        Kind::Sqlite => "x'0190b0b0b0b07000800000000000dead'",
        Kind::Postgres => "'0190b0b0-b0b0-7000-8000-00000000dead'::uuid",
    };
    for statement in statements {
        let statement = match (*statement, kind) {
            // Applies until the transaction ends.
            ("UNHELD", Kind::Sqlite) => "PRAGMA defer_foreign_keys = ON".to_owned(),
            ("UNHELD", Kind::Postgres) => "SET LOCAL session_replication_role = replica".to_owned(),
            (statement, _) => statement
                .replace(":A", CORRECTED_INITIATIVE_SQL)
                .replace(":W", WITHDRAWN_INITIATIVE_SQL)
                .replace(":G", GRANT_INITIATIVE_SQL)
                .replace("NOWHERE", nowhere),
        };
        let done = moment.execute_unprepared(&statement).await;
        let done = done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        let is_setting = statement.starts_with("PRAGMA") || statement.starts_with("SET LOCAL");
        assert!(
            is_setting || done.rows_affected() > 0,
            "{statement} must change a row"
        );
    }
}

async fn every_corruption_is_detected(database: Database) {
    let kind = database.kind;
    let app = start_with_full_history(database).await;
    app.assert_no_violations().await;
    let mut covered = BTreeSet::new();
    for (statements, invariant, said) in CORRUPTIONS {
        let moment = app.app.db.begin().await.unwrap();
        apply_corruption(&moment, kind, statements).await;
        let found = list_violations(&moment).await;
        let named = found
            .iter()
            .any(|one| one.invariant == *invariant && one.message.contains(said));
        assert!(
            named,
            "{statements:?} violates {invariant:?}, {said:?}: {found:#?}"
        );
        covered.insert(*invariant);
        moment.rollback().await.unwrap();
    }
    let all = BTreeSet::from(Invariant::ALL);
    assert_eq!(covered, all, "every invariant is violated at least once");
    app.assert_no_violations().await;
}
