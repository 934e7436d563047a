//! The fields that an argument, a filter, an order or a dimension uses without selecting them. A reader who
//! cannot read a field cannot filter by it either.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::Value;

use crate::error::Result;
use wayin_records::fields::funding_term::FundingChoice;

pub type FieldPath = (&'static str, &'static str);

/// The fields that a part of an input uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldUsage {
    Fields(&'static [FieldPath]),
    /// The field with the same name of this type.
    SameName(&'static str),
    /// No field itself. Nested values may use fields.
    NestedOnly,
}

use FieldUsage::{Fields, NestedOnly, SameName};

/// Some parts of an input, and the fields that they use.
#[derive(Clone, Copy, Debug)]
pub struct FieldUsageRow {
    /// The input type, the enum, or the field (`Type.field`) that has the arguments.
    pub owner: &'static str,
    /// The names of the arguments, input fields or enum values.
    pub parts: &'static [&'static str],
    pub usage: FieldUsage,
    /// The type of the nested values, if they use more fields.
    pub nested_type: Option<&'static str>,
}

impl FieldUsageRow {
    const fn with_nested(self, of: &'static str) -> Self {
        Self {
            nested_type: Some(of),
            ..self
        }
    }
}

const fn row(of: &'static str, parts: &'static [&'static str], reads: FieldUsage) -> FieldUsageRow {
    let nested = None;
    FieldUsageRow {
        owner: of,
        parts,
        usage: reads,
        nested_type: nested,
    }
}

const fn fields_row(
    of: &'static str,
    parts: &'static [&'static str],
    fields: &'static [FieldPath],
) -> FieldUsageRow {
    row(of, parts, Fields(fields))
}

const fn same_name_row(
    of: &'static str,
    parts: &'static [&'static str],
    with: &'static str,
) -> FieldUsageRow {
    row(of, parts, SameName(with))
}

const fn nested_row(of: &'static str, parts: &'static [&'static str], nested: &'static str) -> FieldUsageRow {
    row(of, parts, NestedOnly).with_nested(nested)
}

/// The part for the field itself: what it uses whatever its arguments are.
const FIELD_ITSELF: &str = "";

/// The parts of all inputs, and the fields that they use. An owner is an input type, an enum, or a field with
/// arguments, such as `Query.places`.
pub const FIELD_USAGE: &[FieldUsageRow] = &[
    // Arguments of fields.
    fields_row("Query.node", &["id"], &[("Node", "id")]),
    fields_row("Query.nodes", &["ids"], &[("Node", "id")]),
    fields_row(
        "Query.terms",
        &["search"],
        &[("Term", "name"), ("Term", "synonyms")],
    ),
    same_name_row("Query.claim", &["slug"], "Claim"),
    nested_row("Query.places", &["filter"], "PlaceFilter"),
    nested_row("Query.places", &["orderBy"], "PlaceOrder"),
    same_name_row("Query.place", &["id", "code"], "Place"),
    nested_row("Query.organisations", &["filter"], "OrganisationFilter"),
    nested_row("Query.organisations", &["orderBy"], "OrganisationOrder"),
    same_name_row("Query.organisation", &["id", "identifier"], "Organisation"),
    nested_row("Query.initiatives", &["filter"], "InitiativeFilter"),
    nested_row("Query.initiatives", &["orderBy"], "InitiativeOrder"),
    nested_row("Place.initiatives", &["orderBy"], "InitiativeOrder"),
    nested_row("Organisation.initiatives", &["orderBy"], "InitiativeOrder"),
    same_name_row("Query.initiative", &["id"], "Initiative"),
    fields_row(
        "Query.changes",
        &["sinceNumber"],
        &[("InitiativeChange", "changeNumber")],
    ),
    nested_row("Query.reflections", &["filter"], "ReflectionFilter"),
    nested_row("Query.pattern", &["when", "then", "among"], "InitiativeFilter"),
    nested_row("Query.pattern", &["by"], "Dimension"),
    nested_row("Query.patternGrid", &["among"], "InitiativeFilter"),
    nested_row("Query.patternGrid", &["rows", "columns"], "Dimension"),
    nested_row("Query.associations", &["conditions"], "NamedCondition"),
    nested_row("Query.associations", &["among"], "InitiativeFilter"),
    nested_row("Query.compare", &["groups"], "ComparisonGroupInput"),
    nested_row("Query.compare", &["then", "among"], "InitiativeFilter"),
    fields_row(
        "Query.compare",
        &["portfolio"],
        &[
            ("Initiative", "leadOrganisation"),
            ("Initiative", "fundingTerms"),
            ("FundingTerm", "funder"),
            ("Organisation", "id"),
            ("Viewer", "organisation"),
        ],
    ),
    fields_row(
        "Query.entryPointFlows",
        &[FIELD_ITSELF],
        &[
            ("Initiative", "entryPoints"),
            ("EntryPointTaken", "position"),
            ("EntryPointTaken", "entryPoint"),
            ("EntryPointTaken", "perspective"),
        ],
    ),
    nested_row("Query.entryPointFlows", &["among"], "InitiativeFilter"),
    same_name_row("Query.entryPointFlows", &["perspective"], "EntryPointTaken"),
    nested_row("Query.distribution", &["among"], "InitiativeFilter"),
    nested_row("Query.distribution", &["of"], "Dimension"),
    nested_row("Pattern.groups", &["orderBy"], "PatternGroupOrder"),
    nested_row("Query.submissions", &["filter"], "SubmissionFilter"),
    nested_row("Query.submissions", &["orderBy"], "SubmissionOrder"),
    same_name_row("Query.submission", &["id"], "Submission"),
    fields_row("Query.revisions", &["id"], &[("Node", "id")]),
    fields_row("Revision.changes", &["since"], &[("Revision", "version")]),
    same_name_row("Query.import", &["id"], "Import"),
    nested_row("Import.rows", &["filter"], "ImportRowFilter"),
    nested_row("Query.auditEvents", &["filter"], "AuditEventFilter"),
    fields_row(
        "Query.questionCounts",
        &["days"],
        &[("QuestionCount", "lastAskedOn")],
    ),
    nested_row("Query.notices", &["filter"], "NoticeFilter"),
    nested_row("Query.members", &["filter"], "MemberFilter"),
    nested_row("Query.tokens", &["filter"], "IssuedTokenFilter"),
    same_name_row("Subscription.importProgress", &["id"], "Import"),
    nested_row(
        "Subscription.initiativePublished",
        &["filter"],
        "InitiativeFilter",
    ),
    nested_row(
        "Subscription.patternChanged",
        &["when", "then", "among"],
        "InitiativeFilter",
    ),
    nested_row("Subscription.patternChanged", &["by"], "Dimension"),
    // Conditions on initiatives.
    nested_row("NamedCondition", &["condition"], "InitiativeFilter"),
    nested_row("ComparisonGroupInput", &["filter"], "InitiativeFilter"),
    nested_row("InitiativeFilter", &["and", "or", "not"], "InitiativeFilter"),
    same_name_row(
        "InitiativeFilter",
        &["id", "title", "startedOn", "endedOn", "updatedAt"],
        "Initiative",
    ),
    same_name_row("InitiativeFilter", &["place"], "Initiative").with_nested("InitiativePlaceFilter"),
    same_name_row("InitiativeFilter", &["leadOrganisation"], "Initiative").with_nested("OrganisationFilter"),
    fields_row(
        "InitiativeFilter",
        &["ledByMe"],
        &[
            ("Initiative", "leadOrganisation"),
            ("Organisation", "id"),
            ("Viewer", "organisation"),
        ],
    ),
    fields_row(
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
    .with_nested("CrisisFilter"),
    fields_row(
        "InitiativeFilter",
        &["startedDuring"],
        &[
            ("Initiative", "startedOn"),
            ("Initiative", "place"),
            ("Crisis", "from"),
            ("Crisis", "to"),
            ("Crisis", "places"),
        ],
    )
    .with_nested("CrisisFilter"),
    fields_row(
        "InitiativeFilter",
        &["fundedDuring"],
        &[
            ("Initiative", "fundingTerms"),
            ("FundingTerm", "startsOn"),
            ("Initiative", "place"),
            ("Crisis", "from"),
            ("Crisis", "to"),
            ("Crisis", "places"),
        ],
    )
    .with_nested("CrisisFilter"),
    fields_row(
        "InitiativeFilter",
        &["wayIn"],
        &[("Initiative", "entryPoints"), ("EntryPointTaken", "position")],
    )
    .with_nested("WayInFilter"),
    same_name_row("InitiativeFilter", &["entryPoints"], "Initiative").with_nested("EntryPointsFilter"),
    fields_row(
        "InitiativeFilter",
        &["challenge"],
        &[("Initiative", "challengesFaced")],
    )
    .with_nested("ChallengeFilter"),
    fields_row(
        "InitiativeFilter",
        &["condition"],
        &[("Initiative", "conditionsChanged")],
    )
    .with_nested("ConditionFilter"),
    same_name_row("InitiativeFilter", &["fundingTerms"], "Initiative").with_nested("FundingTermsFilter"),
    fields_row(
        "InitiativeFilter",
        &["fundedByMe"],
        &[
            ("Initiative", "fundingTerms"),
            ("FundingTerm", "funder"),
            ("Organisation", "id"),
            ("Viewer", "organisation"),
        ],
    ),
    nested_row("InitiativePlaceFilter", &["is"], "PlaceRef"),
    fields_row("InitiativePlaceFilter", &["within"], &[("Place", "parents")]).with_nested("PlaceRef"),
    same_name_row("PlaceRef", &["id"], "Place"),
    fields_row(
        "PlaceRef",
        &["code"],
        &[("Place", "code"), ("Place", "successor")],
    ),
    fields_row("CrisisFilter", &["crisis"], &[("Crisis", "slug")]),
    fields_row(
        "WayInFilter",
        &["in", "isKnown"],
        &[("EntryPointTaken", "entryPoint")],
    ),
    same_name_row("WayInFilter", &["perspective"], "EntryPointTaken"),
    fields_row(
        "EntryPointsFilter",
        &["includes", "includesAny", "isKnown"],
        &[("EntryPointTaken", "entryPoint")],
    ),
    same_name_row("EntryPointsFilter", &["perspective"], "EntryPointTaken"),
    fields_row("ChallengeFilter", &["on"], &[("ChallengeFaced", "challenge")]),
    same_name_row("ChallengeFilter", &["step", "reasons"], "ChallengeFaced"),
    fields_row("ConditionFilter", &["on"], &[("ConditionChanged", "condition")]),
    same_name_row("ConditionFilter", &["change"], "ConditionChanged"),
    nested_row(
        "FundingTermsFilter",
        &["some", "every", "none"],
        "FundingTermFilter",
    ),
    nested_row("FundingTermFilter", &["and", "or", "not"], "FundingTermFilter"),
    same_name_row("FundingTermFilter", &["funder"], "FundingTerm").with_nested("OrganisationFilter"),
    same_name_row(
        "FundingTermFilter",
        &["durationMonths", "amountMinor", "currency", "startsOn"],
        "FundingTerm",
    ),
    same_name_row("FundingTermFilter", &FundingChoice::NAMES, "FundingTerm"),
    // Conditions on whatever else is listed.
    nested_row("OrganisationFilter", &["and", "or", "not"], "OrganisationFilter"),
    same_name_row(
        "OrganisationFilter",
        &["id", "name", "identifier", "kind"],
        "Organisation",
    ),
    fields_row(
        "OrganisationFilter",
        &["isMe"],
        &[("Organisation", "id"), ("Viewer", "organisation")],
    ),
    nested_row("PlaceFilter", &["and", "or", "not"], "PlaceFilter"),
    same_name_row("PlaceFilter", &["id", "name", "code", "kind"], "Place"),
    fields_row("PlaceFilter", &["within"], &[("Place", "parents")]).with_nested("PlaceRef"),
    fields_row("PlaceFilter", &["current"], &[("Place", "successor")]),
    same_name_row(
        "ReflectionFilter",
        &["meeting", "perspective", "entryPoint", "challenge", "text"],
        "Reflection",
    ),
    fields_row("SubmissionFilter", &["states"], &[("Submission", "state")]),
    same_name_row("SubmissionFilter", &["organisation", "initiative"], "Submission"),
    fields_row("ImportRowFilter", &["outcomes"], &[("ImportRow", "outcome")]),
    fields_row("ImportRowFilter", &["hasProblems"], &[("ImportRow", "code")]),
    fields_row("AuditEventFilter", &["subject"], &[("AuditEvent", "subjectId")]),
    same_name_row("AuditEventFilter", &["actor", "action"], "AuditEvent"),
    fields_row("NoticeFilter", &["acknowledged"], &[("Notice", "acknowledgedAt")]),
    same_name_row("IssuedTokenFilter", &["member"], "IssuedToken"),
    fields_row("IssuedTokenFilter", &["revoked"], &[("IssuedToken", "revokedAt")]),
    same_name_row("MemberFilter", &["role", "organisation"], "Member"),
    fields_row("MemberFilter", &["revoked"], &[("Member", "revokedAt")]),
    fields_row(
        "MemberFilter",
        &["search"],
        &[("Member", "subject"), ("Member", "name")],
    ),
    // Orders.
    nested_row("InitiativeOrder", &["field"], "InitiativeOrderField"),
    fields_row(
        "InitiativeOrderField",
        &["PUBLISHED"],
        &[("Initiative", "publishedAt")],
    ),
    fields_row("InitiativeOrderField", &["TITLE"], &[("Initiative", "title")]),
    fields_row(
        "InitiativeOrderField",
        &["STARTED_ON"],
        &[("Initiative", "startedOn")],
    ),
    fields_row(
        "InitiativeOrderField",
        &["ENDED_ON"],
        &[("Initiative", "endedOn")],
    ),
    fields_row(
        "InitiativeOrderField",
        &["UPDATED"],
        &[("Initiative", "updatedAt")],
    ),
    nested_row("PlaceOrder", &["field"], "PlaceOrderField"),
    fields_row("PlaceOrderField", &["NAME"], &[("Place", "name")]),
    nested_row("OrganisationOrder", &["field"], "OrganisationOrderField"),
    fields_row("OrganisationOrderField", &["NAME"], &[("Organisation", "name")]),
    nested_row("SubmissionOrder", &["field"], "SubmissionOrderField"),
    fields_row(
        "SubmissionOrderField",
        &["UPDATED_AT"],
        &[("Submission", "updatedAt")],
    ),
    nested_row("PatternGroupOrder", &["field"], "PatternGroupOrderField"),
    fields_row("PatternGroupOrderField", &["NAME"], &[("PatternGroup", "label")]),
    fields_row(
        "PatternGroupOrderField",
        &["POPULATION"],
        &[("PatternGroup", "table")],
    ),
    fields_row(
        "PatternGroupOrderField",
        &["RATE"],
        &[("PatternGroup", "rateWhen")],
    ),
    fields_row(
        "PatternGroupOrderField",
        &["DIFFERENCE"],
        &[("PatternGroup", "riskDifference")],
    ),
    // Dimensions.
    fields_row("Dimension", &["PLACE"], &[("Initiative", "place")]),
    fields_row(
        "Dimension",
        &["REGION"],
        &[("Initiative", "place"), ("Place", "parents")],
    ),
    fields_row(
        "Dimension",
        &["PLACE_KIND"],
        &[("Initiative", "place"), ("Place", "kind")],
    ),
    fields_row(
        "Dimension",
        &["LEAD_ORGANISATION"],
        &[("Initiative", "leadOrganisation")],
    ),
    fields_row(
        "Dimension",
        &["LEAD_ORGANISATION_KIND"],
        &[("Initiative", "leadOrganisation"), ("Organisation", "kind")],
    ),
    fields_row(
        "Dimension",
        &["FUNDER"],
        &[("Initiative", "fundingTerms"), ("FundingTerm", "funder")],
    ),
    fields_row(
        "Dimension",
        &["WAY_IN"],
        &[
            ("Initiative", "entryPoints"),
            ("EntryPointTaken", "position"),
            ("EntryPointTaken", "entryPoint"),
        ],
    ),
    fields_row(
        "Dimension",
        &[
            "WAY_IN_OF_PRACTITIONER",
            "WAY_IN_OF_FUNDER",
            "WAY_IN_OF_NATIONAL_CHARITY",
            "WAY_IN_OF_COMMUNITY",
        ],
        &[
            ("Initiative", "entryPoints"),
            ("EntryPointTaken", "position"),
            ("EntryPointTaken", "entryPoint"),
            ("EntryPointTaken", "perspective"),
        ],
    ),
    fields_row(
        "Dimension",
        &[
            "CHALLENGE",
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
    fields_row(
        "Dimension",
        &["REASON"],
        &[("Initiative", "challengesFaced"), ("ChallengeFaced", "reasons")],
    ),
    fields_row(
        "Dimension",
        &["CONDITION_CHANGED"],
        &[
            ("Initiative", "conditionsChanged"),
            ("ConditionChanged", "condition"),
            ("ConditionChanged", "change"),
        ],
    ),
    fields_row(
        "Dimension",
        &["FUNDING_DURATION_BAND"],
        &[("Initiative", "fundingTerms"), ("FundingTerm", "durationMonths")],
    ),
    fields_row(
        "Dimension",
        &["FUNDING_RESEARCH"],
        &[("Initiative", "fundingTerms"), ("FundingTerm", "upfrontResearch")],
    ),
    fields_row(
        "Dimension",
        &["UPFRONT_RESEARCH_MONTHS_BAND"],
        &[
            ("Initiative", "fundingTerms"),
            ("FundingTerm", "upfrontResearch"),
            ("FundingTerm", "upfrontResearchMonths"),
        ],
    ),
    fields_row(
        "Dimension",
        &["REPORTING_FREQUENCY"],
        &[
            ("Initiative", "fundingTerms"),
            ("FundingTerm", "reportingFrequency"),
        ],
    ),
    fields_row(
        "Dimension",
        &["REPORTING_BASIS"],
        &[("Initiative", "fundingTerms"), ("FundingTerm", "reportingBasis")],
    ),
    fields_row(
        "Dimension",
        &["INTENDED_FOCUS"],
        &[("Initiative", "fundingTerms"), ("FundingTerm", "intendedFocus")],
    ),
    fields_row(
        "Dimension",
        &["MULTI_SITE_FUNDING"],
        &[("Initiative", "fundingTerms"), ("FundingTerm", "multiSite")],
    ),
    fields_row("Dimension", &["YEAR_STARTED"], &[("Initiative", "startedOn")]),
];

/// Matches every owner or every part in [`USES_NO_FIELD`].
pub const ANY: &str = "*";

/// An owner, some of its parts, and the reason why they use no field themselves.
pub type NoUsageRow = (&'static str, &'static [&'static str], &'static str);

const COMPARISON_REASON: &str = "it compares the value that its parent field uses";
const COMPARED_VALUE_REASON: &str = "it is a value to compare with";

/// The parts that use no field, with the reason.
pub const USES_NO_FIELD: &[NoUsageRow] = &[
    (
        ANY,
        &["first", "after", "last", "before"],
        "they select a part of a list, whose order is checked separately",
    ),
    (
        ANY,
        &["direction"],
        "it reverses an order that is checked separately",
    ),
    (
        ANY,
        &["scope"],
        "it selects the counted records, under disclosure control",
    ),
    (ANY, &["minChangeNumber"], "it waits for a change"),
    (
        "NamedCondition",
        &["name"],
        "it is a name that the client chooses",
    ),
    (
        "ComparisonGroupInput",
        &["label"],
        "it is a name that the client chooses",
    ),
    (
        "InitiativePlaceFilter",
        &["isKnown"],
        "it tests the field that its parent uses",
    ),
    (
        "FundingTermsFilter",
        &["isRecorded"],
        "it tests the field that its parent uses",
    ),
    ("BigIntComparison", &[ANY], COMPARISON_REASON),
    ("ChangeExtentComparison", &[ANY], COMPARISON_REASON),
    ("DateComparison", &[ANY], COMPARISON_REASON),
    ("MomentComparison", &[ANY], COMPARISON_REASON),
    ("DeliveryTimelineComparison", &[ANY], COMPARISON_REASON),
    ("EntryPointComparison", &[ANY], COMPARISON_REASON),
    ("IdComparison", &[ANY], COMPARISON_REASON),
    ("IntComparison", &[ANY], COMPARISON_REASON),
    ("BooleanComparison", &[ANY], COMPARISON_REASON),
    ("OrganisationKindComparison", &[ANY], COMPARISON_REASON),
    ("PlaceKindComparison", &[ANY], COMPARISON_REASON),
    ("PerspectiveComparison", &[ANY], COMPARISON_REASON),
    ("ChallengeComparison", &[ANY], COMPARISON_REASON),
    ("ChallengeReasonsComparison", &[ANY], COMPARISON_REASON),
    ("ReportingBasisComparison", &[ANY], COMPARISON_REASON),
    ("ReportingFrequencyComparison", &[ANY], COMPARISON_REASON),
    ("RestrictionComparison", &[ANY], COMPARISON_REASON),
    ("ChallengeStepComparison", &[ANY], COMPARISON_REASON),
    ("TextComparison", &[ANY], COMPARISON_REASON),
    ("Challenge", &[ANY], COMPARED_VALUE_REASON),
    ("Condition", &[ANY], COMPARED_VALUE_REASON),
    ("RecordScope", &[ANY], COMPARED_VALUE_REASON),
    ("Direction", &[ANY], COMPARED_VALUE_REASON),
    ("EntryPoint", &[ANY], COMPARED_VALUE_REASON),
    ("Perspective", &[ANY], COMPARED_VALUE_REASON),
    ("Role", &[ANY], COMPARED_VALUE_REASON),
    ("RowOutcome", &[ANY], COMPARED_VALUE_REASON),
    ("SubmissionState", &[ANY], COMPARED_VALUE_REASON),
];

/// The rows by owner and part.
static USAGE_BY_PART: LazyLock<HashMap<FieldPath, (&str, &FieldUsageRow)>> = LazyLock::new(|| {
    let rows = FIELD_USAGE.iter();
    rows.flat_map(|row| {
        row.parts
            .iter()
            .map(move |part| ((row.owner, *part), (*part, row)))
    })
    .collect()
});

/// Finds the fields that a part uses. None if no row describes the part.
pub fn find_used_fields(of: &str, part: &str) -> Option<Vec<FieldPath>> {
    let (name, row) = USAGE_BY_PART.get(&(of, part))?;
    Some(match row.usage {
        Fields(fields) => fields.to_vec(),
        SameName(of) => vec![(of, name)],
        NestedOnly => Vec::new(),
    })
}

fn visit_fields(fields: Vec<FieldPath>, path: &str, visit: &mut Visit<'_>) -> Result<()> {
    fields.into_iter().try_for_each(|field| {
        visit(UsedField {
            path,
            field: Some(field),
        })
    })
}

/// Whether [`USES_NO_FIELD`] lists a part.
pub fn uses_no_field(of: &str, part: &str) -> bool {
    USES_NO_FIELD
        .iter()
        .any(|(one, parts, _)| (*one == of || *one == ANY) && (parts.contains(&part) || parts.contains(&ANY)))
}

/// A used field and where it is used.
#[derive(Clone, Copy, Debug)]
pub struct UsedField<'a> {
    /// The path in the arguments, or the field's own name.
    pub path: &'a str,
    /// None if no row describes the part.
    pub field: Option<FieldPath>,
}

/// Visits a used field. An error ends the visit.
pub type Visit<'a> = dyn FnMut(UsedField<'_>) -> Result<()> + 'a;

/// Visits each field that a field (`Type.field`) uses with any arguments.
pub fn visit_field(field_path: &str, visit: &mut Visit<'_>) -> Result<()> {
    visit_fields(
        find_used_fields(field_path, FIELD_ITSELF).unwrap_or_default(),
        field_path,
        visit,
    )
}

/// Visits each field that a part and its nested values use. A part that is null uses none.
pub fn visit_part(of: &str, part: &str, path: &str, value: &Value, visit: &mut Visit<'_>) -> Result<()> {
    if *value == Value::Null {
        return Ok(());
    }
    let Some(read) = find_used_fields(of, part) else {
        if uses_no_field(of, part) {
            return Ok(());
        }
        return visit(UsedField { path, field: None });
    };
    visit_fields(read, path, visit)?;
    match USAGE_BY_PART
        .get(&(of, part))
        .and_then(|(_, row)| row.nested_type)
    {
        Some(nested) => visit_value(nested, path, value, visit),
        None => Ok(()),
    }
}

/// Visits each field that a value of an input type or an enum uses.
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
        // The value of an enum variable is a string.
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
    fn nested_usage_is_found_with_its_path() {
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
        assert_eq!(
            used(
                "InitiativeFilter",
                json!({"fundedByMe": false, "ledByMe": null, "leadOrganisation": {"isMe": true}})
            ),
            [
                "filter.fundedByMe Initiative.fundingTerms",
                "filter.fundedByMe FundingTerm.funder",
                "filter.fundedByMe Organisation.id",
                "filter.fundedByMe Viewer.organisation",
                "filter.leadOrganisation Initiative.leadOrganisation",
                "filter.leadOrganisation.isMe Organisation.id",
                "filter.leadOrganisation.isMe Viewer.organisation",
            ]
        );
        // GraphQL accepts a single value for a list.
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
