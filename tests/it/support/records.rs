//! Records for the import of JSON Lines.

use serde_json::{Value, json};

use super::app::TestApp;

/// A minimal record with the fields of `more`.
pub fn minimal_record(reference: &str, more: Value) -> Value {
    let mut record = json!({
        "externalRef": reference, "title": format!("Record {reference}"), "visibility": "OPEN",
        "leadOrganisation": {"identifier": "GB-CHC-100", "name": "A charity"},
        "source": {"kind": "SELF_REPORT", "title": "A return"},
    });
    let (Value::Object(fields), Value::Object(more)) = (&mut record, more) else {
        panic!("records are objects");
    };
    fields.extend(more);
    record
}

/// A record with a value in every field.
pub fn complete_record(reference: &str) -> Value {
    json!({
        "externalRef": reference, "title": "Youth work in Birmingham", "summary": "Who it is for.\n\nAnd why.",
        "place": {"code": "E08000025"},
        "leadOrganisation": {"identifier": "GB-CHC-100", "name": "A charity", "kind": "DELIVERY_ORGANISATION"},
        "startedOn": "2020-04-01", "endedOn": "2022-03-31", "ongoing": false, "visibility": "MEMBERS",
        "sharedWithFunders": true, "illustrative": true,
        "entryPoints": [
            {"entryPoint": "COLLABORATION", "perspective": "PRACTITIONER", "takenOn": "2020-04-01", "motivation": "It was asked for."},
            {"entryPoint": "ROOT_CAUSES", "perspective": "FUNDER"},
            {"entryPoint": "COMPLEXITY", "perspective": "PRACTITIONER", "takenOn": "2021-01-01"},
        ],
        "challengesFaced": [
            {"challenge": "UNDERSTANDING_LOCAL_SYSTEM", "step": "RUSHED"},
            {"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": ["SHORT_FUNDING", "STAFF_CAPACITY"],
             "note": "There was no time.", "noticedOn": "2020-09-01", "perspective": "PRACTITIONER"},
        ],
        "conditionsChanged": [
            {"condition": "GOVERNANCE", "change": "PARTLY"},
            {"condition": "INCENTIVES"},
        ],
        "fundingTerms": [{
            "funder": {"identifier": "GB-CHC-200", "name": "A funder", "kind": "FUNDER"},
            "grantIdentifier": format!("360G-{reference}"), "programme": "Places", "currency": "GBP", "amountMinor": 9_007_199_254_740_993_i64,
            "awardedOn": "2020-02-01", "startsOn": "2020-04-01", "endsOn": "2021-09-30", "durationMonths": 18,
            "intendedFocus": "ROOT_CAUSES", "upfrontResearch": true, "upfrontResearchMonths": 3,
            "collaborationResourced": false, "restriction": "RESTRICTED", "reportingFrequency": "QUARTERLY",
            "reportingBasis": "FIXED_TARGETS", "deliveryTimeline": "FIXED", "renewable": true, "multiSite": false,
        }],
        "source": {"kind": "EVALUATION", "title": "An evaluation", "url": "https://example.org/e", "datedOn": "2022-06-01", "licence": "CC-BY-4.0"},
        "sharing": {"confirmedBy": "The board", "confirmedOn": "2022-05-01", "basis": "A resolution", "licence": "CC-BY-4.0"},
    })
}

/// The selection of every field of a record.
pub const EVERY_FIELD: &str = "externalRef title summary place { code } leadOrganisation { identifier name kind }
    startedOn endedOn ongoing visibility sharedWithFunders illustrative: isIllustrative
    entryPoints { position entryPoint perspective takenOn motivation }
    challengesFaced { challenge step reasons note noticedOn perspective }
    conditionsChanged { condition change }
    fundingTerms { funder { identifier name kind } grantIdentifier programme currency amountMinor awardedOn startsOn
      endsOn durationMonths intendedFocus upfrontResearch upfrontResearchMonths collaborationResourced restriction
      reportingFrequency reportingBasis deliveryTimeline renewable multiSite }
    sources { kind title url datedOn licence } sharing { confirmedBy confirmedOn basis licence }
    missing { field reason }";

/// The initiatives as a steward sees them, in the order of publication.
pub async fn list_initiatives(app: &TestApp, fields: &str) -> Vec<Value> {
    let query =
        format!("{{ initiatives(first: 100, orderBy: {{field: PUBLISHED}}) {{ nodes {{ {fields} }} }} }}");
    let mut answer = app.steward().await.query(&query).await;
    serde_json::from_value(answer["initiatives"]["nodes"].take()).unwrap()
}
