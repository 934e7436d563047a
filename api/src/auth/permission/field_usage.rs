//! The fields that an argument, a filter, an order or a dimension uses without selecting them. Who may not read a
//! field may not ask about it either.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::Value;

use crate::error::Result;
use wayin_records::fields::funding_term::FundingChoice;

/// A type and one of its fields.
pub type Field = (&'static str, &'static str);

/// The fields that part of a question reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// These.
    These(&'static [Field]),
    /// The field of this type that has the same name.
    Same(&'static str),
    /// None by itself: what is within it may.
    NoneItself,
}

use Reads::{NoneItself, Same, These};

/// What some parts of what is asked read.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Where something is asked.
    pub of: &'static str,
    /// The names of its parts.
    pub parts: &'static [&'static str],
    /// The fields that each of them reads.
    pub reads: Reads,
    /// The type of what is nested in them, if that reads more.
    pub nested: Option<&'static str>,
}

impl Row {
    const fn nested(self, of: &'static str) -> Self {
        Self {
            nested: Some(of),
            ..self
        }
    }
}

const fn row(of: &'static str, parts: &'static [&'static str], reads: Reads) -> Row {
    let nested = None;
    Row {
        of,
        parts,
        reads,
        nested,
    }
}

const fn these(of: &'static str, parts: &'static [&'static str], fields: &'static [Field]) -> Row {
    row(of, parts, These(fields))
}

const fn same(of: &'static str, parts: &'static [&'static str], with: &'static str) -> Row {
    row(of, parts, Same(with))
}

const fn nested(of: &'static str, parts: &'static [&'static str], nested: &'static str) -> Row {
    row(of, parts, NoneItself).nested(nested)
}

/// The part of a field that is asked for: what it reads whatever its arguments are.
const ASKED_AT_ALL: &str = "";

/// What is asked, and what that reads. A field with arguments is named with its type, as `Query.places`; input
/// types and enums by themselves.
pub const FIELD_USAGE: &[Row] = &[
    // Arguments of fields.
    these("Query.node", &["id"], &[("Node", "id")]),
    these("Query.nodes", &["ids"], &[("Node", "id")]),
    these(
        "Query.terms",
        &["search"],
        &[("Term", "name"), ("Term", "synonyms")],
    ),
    same("Query.claim", &["slug"], "Claim"),
    nested("Query.places", &["filter"], "PlaceFilter"),
    nested("Query.places", &["orderBy"], "PlaceOrder"),
    same("Query.place", &["id", "code"], "Place"),
    nested("Query.organisations", &["filter"], "OrganisationFilter"),
    nested("Query.organisations", &["orderBy"], "OrganisationOrder"),
    same("Query.organisation", &["id", "identifier"], "Organisation"),
    nested("Query.initiatives", &["filter"], "InitiativeFilter"),
    nested("Query.initiatives", &["orderBy"], "InitiativeOrder"),
    nested("Place.initiatives", &["orderBy"], "InitiativeOrder"),
    nested("Organisation.initiatives", &["orderBy"], "InitiativeOrder"),
    same("Query.initiative", &["id"], "Initiative"),
    nested("Query.pattern", &["when", "then", "among"], "InitiativeFilter"),
    nested("Query.pattern", &["by"], "Dimension"),
    nested("Query.patternGrid", &["among"], "InitiativeFilter"),
    nested("Query.patternGrid", &["rows", "columns"], "Dimension"),
    nested("Query.associations", &["conditions"], "NamedCondition"),
    nested("Query.associations", &["among"], "InitiativeFilter"),
    these(
        "Query.entryPointFlows",
        &[ASKED_AT_ALL],
        &[
            ("Initiative", "entryPoints"),
            ("EntryPointTaken", "position"),
            ("EntryPointTaken", "entryPoint"),
            ("EntryPointTaken", "perspective"),
        ],
    ),
    nested("Query.entryPointFlows", &["among"], "InitiativeFilter"),
    same("Query.entryPointFlows", &["perspective"], "EntryPointTaken"),
    nested("Query.distribution", &["among"], "InitiativeFilter"),
    nested("Query.distribution", &["of"], "Dimension"),
    nested("Pattern.groups", &["orderBy"], "PatternGroupOrder"),
    nested("Query.submissions", &["filter"], "SubmissionFilter"),
    nested("Query.submissions", &["orderBy"], "SubmissionOrder"),
    same("Query.submission", &["id"], "Submission"),
    these("Query.revisions", &["initiative"], &[("Initiative", "id")]),
    these("Revision.changes", &["since"], &[("Revision", "version")]),
    same("Query.import", &["id"], "Import"),
    nested("Import.rows", &["filter"], "ImportRowFilter"),
    nested("Query.auditEvents", &["filter"], "AuditEventFilter"),
    these("Query.history", &["of"], &[("Node", "id")]),
    these("KeptRevision.changes", &["since"], &[("KeptRevision", "version")]),
    nested("Query.members", &["filter"], "MemberFilter"),
    nested("Query.tokens", &["filter"], "IssuedTokenFilter"),
    same("Subscription.importProgress", &["id"], "Import"),
    nested(
        "Subscription.initiativePublished",
        &["filter"],
        "InitiativeFilter",
    ),
    nested(
        "Subscription.patternChanged",
        &["when", "then", "among"],
        "InitiativeFilter",
    ),
    nested("Subscription.patternChanged", &["by"], "Dimension"),
    // Conditions on initiatives.
    nested("NamedCondition", &["condition"], "InitiativeFilter"),
    nested("InitiativeFilter", &["and", "or", "not"], "InitiativeFilter"),
    same(
        "InitiativeFilter",
        &["id", "title", "startedOn", "endedOn"],
        "Initiative",
    ),
    same("InitiativeFilter", &["place"], "Initiative").nested("InitiativePlaceFilter"),
    same("InitiativeFilter", &["leadOrganisation"], "Initiative").nested("OrganisationFilter"),
    these(
        "InitiativeFilter",
        &["activeDuring"],
        &[
            ("Initiative", "startedOn"),
            ("Initiative", "endedOn"),
            ("Initiative", "ongoing"),
            ("Initiative", "place"),
            ("Crisis", "from"),
            ("Crisis", "to"),
            ("Crisis", "places"),
        ],
    )
    .nested("CrisisFilter"),
    these(
        "InitiativeFilter",
        &["wayIn"],
        &[("Initiative", "entryPoints"), ("EntryPointTaken", "position")],
    )
    .nested("WayInFilter"),
    same("InitiativeFilter", &["entryPoints"], "Initiative").nested("EntryPointsFilter"),
    these(
        "InitiativeFilter",
        &["challenge"],
        &[("Initiative", "challengesFaced")],
    )
    .nested("ChallengeFilter"),
    these(
        "InitiativeFilter",
        &["condition"],
        &[("Initiative", "conditionsChanged")],
    )
    .nested("ConditionFilter"),
    same("InitiativeFilter", &["fundingTerms"], "Initiative").nested("FundingTermsFilter"),
    nested("InitiativePlaceFilter", &["is"], "PlaceRef"),
    these("InitiativePlaceFilter", &["within"], &[("Place", "parents")]).nested("PlaceRef"),
    same("PlaceRef", &["id"], "Place"),
    these(
        "PlaceRef",
        &["code"],
        &[("Place", "code"), ("Place", "successor")],
    ),
    these("CrisisFilter", &["crisis"], &[("Crisis", "slug")]),
    these(
        "WayInFilter",
        &["in", "isKnown"],
        &[("EntryPointTaken", "entryPoint")],
    ),
    same("WayInFilter", &["perspective"], "EntryPointTaken"),
    these(
        "EntryPointsFilter",
        &["includes", "includesAny", "isKnown"],
        &[("EntryPointTaken", "entryPoint")],
    ),
    same("EntryPointsFilter", &["perspective"], "EntryPointTaken"),
    these("ChallengeFilter", &["on"], &[("ChallengeFaced", "challenge")]),
    same("ChallengeFilter", &["step", "reasons"], "ChallengeFaced"),
    these("ConditionFilter", &["on"], &[("ConditionChanged", "condition")]),
    same("ConditionFilter", &["change"], "ConditionChanged"),
    nested(
        "FundingTermsFilter",
        &["some", "every", "none"],
        "FundingTermFilter",
    ),
    nested("FundingTermFilter", &["and", "or", "not"], "FundingTermFilter"),
    same("FundingTermFilter", &["funder"], "FundingTerm").nested("OrganisationFilter"),
    same(
        "FundingTermFilter",
        &["durationMonths", "amountMinor", "currency", "startsOn"],
        "FundingTerm",
    ),
    same("FundingTermFilter", &FundingChoice::NAMES, "FundingTerm"),
    // Conditions on whatever else is listed.
    nested("OrganisationFilter", &["and", "or", "not"], "OrganisationFilter"),
    same(
        "OrganisationFilter",
        &["id", "name", "identifier", "kind"],
        "Organisation",
    ),
    nested("PlaceFilter", &["and", "or", "not"], "PlaceFilter"),
    same("PlaceFilter", &["id", "name", "code", "kind"], "Place"),
    these("PlaceFilter", &["within"], &[("Place", "parents")]).nested("PlaceRef"),
    these("PlaceFilter", &["current"], &[("Place", "successor")]),
    these("SubmissionFilter", &["states"], &[("Submission", "state")]),
    same("SubmissionFilter", &["organisation", "initiative"], "Submission"),
    these("ImportRowFilter", &["outcomes"], &[("ImportRow", "outcome")]),
    these("ImportRowFilter", &["hasProblems"], &[("ImportRow", "code")]),
    these("AuditEventFilter", &["subject"], &[("AuditEvent", "subjectId")]),
    same("AuditEventFilter", &["actor", "action"], "AuditEvent"),
    same("IssuedTokenFilter", &["member"], "IssuedToken"),
    these("IssuedTokenFilter", &["revoked"], &[("IssuedToken", "revokedAt")]),
    same("MemberFilter", &["role", "organisation"], "Member"),
    these("MemberFilter", &["revoked"], &[("Member", "revokedAt")]),
    // Orders.
    nested("InitiativeOrder", &["field"], "InitiativeOrderField"),
    these(
        "InitiativeOrderField",
        &["PUBLISHED"],
        &[("Initiative", "publishedAt")],
    ),
    these("InitiativeOrderField", &["TITLE"], &[("Initiative", "title")]),
    these(
        "InitiativeOrderField",
        &["STARTED_ON"],
        &[("Initiative", "startedOn")],
    ),
    these(
        "InitiativeOrderField",
        &["ENDED_ON"],
        &[("Initiative", "endedOn")],
    ),
    nested("PlaceOrder", &["field"], "PlaceOrderField"),
    these("PlaceOrderField", &["NAME"], &[("Place", "name")]),
    nested("OrganisationOrder", &["field"], "OrganisationOrderField"),
    these("OrganisationOrderField", &["NAME"], &[("Organisation", "name")]),
    nested("SubmissionOrder", &["field"], "SubmissionOrderField"),
    these(
        "SubmissionOrderField",
        &["UPDATED_AT"],
        &[("Submission", "updatedAt")],
    ),
    nested("PatternGroupOrder", &["field"], "PatternGroupOrderField"),
    these("PatternGroupOrderField", &["NAME"], &[("PatternGroup", "label")]),
    these(
        "PatternGroupOrderField",
        &["POPULATION"],
        &[("PatternGroup", "table")],
    ),
    these(
        "PatternGroupOrderField",
        &["RATE"],
        &[("PatternGroup", "rateWhen")],
    ),
    these(
        "PatternGroupOrderField",
        &["DIFFERENCE"],
        &[("PatternGroup", "riskDifference")],
    ),
    // Dimensions.
    these("Dimension", &["PLACE"], &[("Initiative", "place")]),
    these(
        "Dimension",
        &["REGION"],
        &[("Initiative", "place"), ("Place", "parents")],
    ),
    these(
        "Dimension",
        &["PLACE_KIND"],
        &[("Initiative", "place"), ("Place", "kind")],
    ),
    these(
        "Dimension",
        &["LEAD_ORGANISATION"],
        &[("Initiative", "leadOrganisation")],
    ),
    these(
        "Dimension",
        &["FUNDER"],
        &[("Initiative", "fundingTerms"), ("FundingTerm", "funder")],
    ),
    these(
        "Dimension",
        &["WAY_IN"],
        &[
            ("Initiative", "entryPoints"),
            ("EntryPointTaken", "position"),
            ("EntryPointTaken", "entryPoint"),
        ],
    ),
    these(
        "Dimension",
        &["WAY_IN_OF_FUNDER"],
        &[
            ("Initiative", "entryPoints"),
            ("EntryPointTaken", "position"),
            ("EntryPointTaken", "entryPoint"),
            ("EntryPointTaken", "perspective"),
        ],
    ),
    these(
        "Dimension",
        &[
            "CHALLENGE_UNDERSTANDING",
            "CHALLENGE_AMBITIONS",
            "CHALLENGE_CONDITIONS",
        ],
        &[
            ("Initiative", "challengesFaced"),
            ("ChallengeFaced", "challenge"),
            ("ChallengeFaced", "step"),
        ],
    ),
    these(
        "Dimension",
        &["FUNDING_DURATION_BAND"],
        &[("Initiative", "fundingTerms"), ("FundingTerm", "durationMonths")],
    ),
    these(
        "Dimension",
        &["FUNDING_RESEARCH"],
        &[("Initiative", "fundingTerms"), ("FundingTerm", "upfrontResearch")],
    ),
    these(
        "Dimension",
        &["REPORTING_BASIS"],
        &[("Initiative", "fundingTerms"), ("FundingTerm", "reportingBasis")],
    ),
    these(
        "Dimension",
        &["INTENDED_FOCUS"],
        &[("Initiative", "fundingTerms"), ("FundingTerm", "intendedFocus")],
    ),
    these(
        "Dimension",
        &["MULTI_SITE_FUNDING"],
        &[("Initiative", "fundingTerms"), ("FundingTerm", "multiSite")],
    ),
    these("Dimension", &["YEAR_STARTED"], &[("Initiative", "startedOn")]),
];

/// What stands for every place, or every part, in [`USES_NO_FIELD`].
pub const ANY: &str = "*";

/// A row: where something is asked, some of its parts, and why they read no field by themselves.
pub type Nothing = (&'static str, &'static [&'static str], &'static str);

/// Why a comparison reads no field by itself.
const COMPARES: &str = "it compares what the field that holds it reads";
/// Why a value reads no field by itself.
const COMPARED: &str = "it is what the field that holds it is compared with";

/// What can be asked and reads no field, with the reason.
pub const USES_NO_FIELD: &[Nothing] = &[
    (
        ANY,
        &["first", "after", "last", "before"],
        "they say which part of a list is answered, in an order that is checked by itself",
    ),
    (
        ANY,
        &["direction"],
        "it turns an order round that is checked by itself",
    ),
    (
        ANY,
        &["scope"],
        "it says which records are counted, under disclosure control",
    ),
    (ANY, &["minChangeNumber"], "it waits for a change"),
    ("NamedCondition", &["name"], "it is the asker's own word"),
    (
        "InitiativePlaceFilter",
        &["isKnown"],
        "it looks at the field that the scope is of",
    ),
    (
        "FundingTermsFilter",
        &["isRecorded"],
        "it looks at the field that the scope is of",
    ),
    ("BigIntComparison", &[ANY], COMPARES),
    ("ChangeExtentComparison", &[ANY], COMPARES),
    ("DateComparison", &[ANY], COMPARES),
    ("DeliveryTimelineComparison", &[ANY], COMPARES),
    ("EntryPointComparison", &[ANY], COMPARES),
    ("IdComparison", &[ANY], COMPARES),
    ("IntComparison", &[ANY], COMPARES),
    ("BooleanComparison", &[ANY], COMPARES),
    ("OrganisationKindComparison", &[ANY], COMPARES),
    ("PlaceKindComparison", &[ANY], COMPARES),
    ("ChallengeReasonsComparison", &[ANY], COMPARES),
    ("ReportingBasisComparison", &[ANY], COMPARES),
    ("ReportingFrequencyComparison", &[ANY], COMPARES),
    ("RestrictionComparison", &[ANY], COMPARES),
    ("ChallengeStepComparison", &[ANY], COMPARES),
    ("TextComparison", &[ANY], COMPARES),
    ("Challenge", &[ANY], COMPARED),
    ("Condition", &[ANY], COMPARED),
    ("RecordScope", &[ANY], COMPARED),
    ("Direction", &[ANY], COMPARED),
    ("EntryPoint", &[ANY], COMPARED),
    ("Perspective", &[ANY], COMPARED),
    ("Role", &[ANY], COMPARED),
    ("RowOutcome", &[ANY], COMPARED),
    ("SubmissionState", &[ANY], COMPARED),
];

/// Every row by where it is asked and by its part.
static PARTS: LazyLock<HashMap<Field, (&str, &Row)>> = LazyLock::new(|| {
    let rows = FIELD_USAGE.iter();
    rows.flat_map(|row| row.parts.iter().map(move |part| ((row.of, *part), (*part, row))))
        .collect()
});

/// The fields that a part of a question reads by itself; none where no row speaks of it.
pub fn fields(of: &str, part: &str) -> Option<Vec<Field>> {
    let (name, row) = PARTS.get(&(of, part))?;
    Some(match row.reads {
        These(fields) => fields.to_vec(),
        Same(of) => vec![(of, name)],
        NoneItself => Vec::new(),
    })
}

fn show(fields: Vec<Field>, path: &str, visit: &mut Visit<'_>) -> Result<()> {
    fields.into_iter().try_for_each(|field| {
        visit(UsedField {
            path,
            field: Some(field),
        })
    })
}

/// Whether the explicit list says that a part reads nothing.
pub fn uses_no_field(of: &str, part: &str) -> bool {
    USES_NO_FIELD
        .iter()
        .any(|(one, parts, _)| (*one == of || *one == ANY) && (parts.contains(&part) || parts.contains(&ANY)))
}

/// A field that is used, and where.
#[derive(Clone, Copy, Debug)]
pub struct UsedField<'a> {
    /// Where in the arguments; the field itself where it is asked for.
    pub path: &'a str,
    /// The field; none for what no row speaks of.
    pub field: Option<Field>,
}

/// Visits each field that is used, until it refuses one.
pub type Visit<'a> = dyn FnMut(UsedField<'_>) -> Result<()> + 'a;

/// Exposure each field that a field (`Type.field`) reads whatever its arguments are.
pub fn visit_field(asked: &str, visit: &mut Visit<'_>) -> Result<()> {
    show(fields(asked, ASKED_AT_ALL).unwrap_or_default(), asked, visit)
}

/// Exposure each field that a part of a question reads, and what is within it. What is null asks nothing.
pub fn visit_part(of: &str, part: &str, path: &str, value: &Value, visit: &mut Visit<'_>) -> Result<()> {
    if *value == Value::Null {
        return Ok(());
    }
    let Some(read) = fields(of, part) else {
        if uses_no_field(of, part) {
            return Ok(());
        }
        return visit(UsedField { path, field: None });
    };
    show(read, path, visit)?;
    match PARTS.get(&(of, part)).and_then(|(_, row)| row.nested) {
        Some(nested) => visit_value(nested, path, value, visit),
        None => Ok(()),
    }
}

/// Exposure each field that a value of an input type or of an enum reads.
pub fn visit_value(of: &str, path: &str, value: &Value, visit: &mut Visit<'_>) -> Result<()> {
    match value {
        Value::Object(parts) => parts
            .iter()
            .try_for_each(|(part, value)| visit_part(of, part, &format!("{path}.{part}"), value, visit)),
        Value::List(values) => values
            .iter()
            .enumerate()
            .try_for_each(|(at, value)| visit_value(of, &format!("{path}.{at}"), value, visit)),
        Value::Enum(name) => visit_part(of, name, path, &Value::Boolean(true), visit),
        // A variable's value of an enum comes as text.
        Value::String(name) => visit_part(of, name, path, &Value::Boolean(true), visit),
        Value::Null | Value::Number(_) | Value::Boolean(_) | Value::Binary(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn used(of: &str, value: serde_json::Value) -> Vec<String> {
        let value = Value::from_json(value).expect("it is JSON");
        let mut all = Vec::new();
        visit_value(of, "filter", &value, &mut |UsedField { path, field }| {
            all.push(match field {
                Some((of, field)) => format!("{path} {of}.{field}"),
                None => format!("{path} nothing known"),
            });
            Ok(())
        })
        .expect("nothing is refused");
        all
    }

    #[test]
    fn what_is_nested_is_found_with_its_place() {
        let filter = json!({"or": [{"title": {"eq": "x"}}, {"not": {"fundingTerms": {"some": {
            "amountMinor": {"gt": 5}, "funder": {"name": {"contains": "y"}}}}}}], "endedOn": null});
        assert_eq!(
            used("InitiativeFilter", filter),
            [
                "filter.or.0.title Initiative.title",
                "filter.or.1.not.fundingTerms Initiative.fundingTerms",
                "filter.or.1.not.fundingTerms.some.amountMinor FundingTerm.amountMinor",
                "filter.or.1.not.fundingTerms.some.funder FundingTerm.funder",
                "filter.or.1.not.fundingTerms.some.funder.name Organisation.name",
            ]
        );
        assert_eq!(
            used("Dimension", json!("REGION")),
            ["filter Initiative.place", "filter Place.parents"]
        );
        // One by itself stands for a list of it.
        assert_eq!(
            used("InitiativeFilter", json!({"and": {"title": {}}})),
            ["filter.and.title Initiative.title"]
        );
    }

    #[test]
    fn what_no_row_names_is_reported() {
        assert_eq!(
            used("InitiativeFilter", json!({"weather": 1})),
            ["filter.weather nothing known"]
        );
    }
}
