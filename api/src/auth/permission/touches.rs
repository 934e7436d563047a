//! What a question touches: the fields that an argument, a filter, an order or a dimension reads, though they
//! are not selected. Whoever may not read a field may not ask about it either.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::Value;

use crate::error::Result;

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

/// A row: where something is asked, some of its parts, the fields that each of them reads, and the type of what
/// is within it, where that reads more.
pub type Row = (&'static str, &'static [&'static str], Reads, Option<&'static str>);

/// The part of a field that is asked for: what it reads whatever its arguments are.
const ASKED_AT_ALL: &str = "";

/// What is asked, and what that reads. A field with arguments is named with its type, as `Query.places`; input
/// types and enums by themselves.
pub const TOUCHES: &[Row] = &[
    // Arguments of fields.
    ("Query.node", &["id"], These(&[("Node", "id")]), None),
    ("Query.nodes", &["ids"], These(&[("Node", "id")]), None),
    (
        "Query.terms",
        &["search"],
        These(&[("Term", "word"), ("Term", "otherWords")]),
        None,
    ),
    ("Query.claim", &["slug"], Same("Claim"), None),
    ("Query.places", &["filter"], NoneItself, Some("PlaceFilter")),
    ("Query.places", &["orderBy"], NoneItself, Some("PlaceOrder")),
    ("Query.place", &["id", "code"], Same("Place"), None),
    (
        "Query.organisations",
        &["filter"],
        NoneItself,
        Some("OrganisationFilter"),
    ),
    (
        "Query.organisations",
        &["orderBy"],
        NoneItself,
        Some("OrganisationOrder"),
    ),
    (
        "Query.organisation",
        &["id", "identifier"],
        Same("Organisation"),
        None,
    ),
    (
        "Query.initiatives",
        &["filter"],
        NoneItself,
        Some("InitiativeFilter"),
    ),
    (
        "Query.initiatives",
        &["orderBy"],
        NoneItself,
        Some("InitiativeOrder"),
    ),
    (
        "Place.initiatives",
        &["orderBy"],
        NoneItself,
        Some("InitiativeOrder"),
    ),
    (
        "Organisation.initiatives",
        &["orderBy"],
        NoneItself,
        Some("InitiativeOrder"),
    ),
    ("Query.initiative", &["id"], Same("Initiative"), None),
    (
        "Query.pattern",
        &["when", "then", "among"],
        NoneItself,
        Some("InitiativeFilter"),
    ),
    ("Query.pattern", &["by"], NoneItself, Some("Dimension")),
    (
        "Query.patternGrid",
        &["among"],
        NoneItself,
        Some("InitiativeFilter"),
    ),
    (
        "Query.patternGrid",
        &["rows", "columns"],
        NoneItself,
        Some("Dimension"),
    ),
    (
        "Query.associations",
        &["conditions"],
        NoneItself,
        Some("NamedCondition"),
    ),
    (
        "Query.associations",
        &["among"],
        NoneItself,
        Some("InitiativeFilter"),
    ),
    (
        "Query.entryPointFlows",
        &[ASKED_AT_ALL],
        These(&[
            ("Initiative", "entryPoints"),
            ("EntryPointTaken", "position"),
            ("EntryPointTaken", "entryPoint"),
            ("EntryPointTaken", "perspective"),
        ]),
        None,
    ),
    (
        "Query.entryPointFlows",
        &["among"],
        NoneItself,
        Some("InitiativeFilter"),
    ),
    (
        "Query.entryPointFlows",
        &["perspective"],
        Same("EntryPointTaken"),
        None,
    ),
    (
        "Query.distribution",
        &["among"],
        NoneItself,
        Some("InitiativeFilter"),
    ),
    ("Query.distribution", &["of"], NoneItself, Some("Dimension")),
    ("Pattern.strata", &["orderBy"], NoneItself, Some("StratumOrder")),
    (
        "Query.submissions",
        &["filter"],
        NoneItself,
        Some("SubmissionFilter"),
    ),
    (
        "Query.submissions",
        &["orderBy"],
        NoneItself,
        Some("SubmissionOrder"),
    ),
    ("Query.submission", &["id"], Same("Submission"), None),
    (
        "Query.revisions",
        &["initiative"],
        These(&[("Initiative", "id")]),
        None,
    ),
    (
        "Revision.changes",
        &["since"],
        These(&[("Revision", "version")]),
        None,
    ),
    ("Query.import", &["id"], Same("Import"), None),
    ("Import.rows", &["filter"], NoneItself, Some("ImportRowFilter")),
    (
        "Query.auditEvents",
        &["filter"],
        NoneItself,
        Some("AuditEventFilter"),
    ),
    ("Query.history", &["of"], These(&[("Node", "id")]), None),
    (
        "KeptRevision.changes",
        &["since"],
        These(&[("KeptRevision", "version")]),
        None,
    ),
    ("Query.members", &["filter"], NoneItself, Some("MemberFilter")),
    ("Query.tokens", &["filter"], NoneItself, Some("IssuedTokenFilter")),
    ("Subscription.importProgress", &["id"], Same("Import"), None),
    (
        "Subscription.initiativePublished",
        &["filter"],
        NoneItself,
        Some("InitiativeFilter"),
    ),
    (
        "Subscription.patternChanged",
        &["when", "then", "among"],
        NoneItself,
        Some("InitiativeFilter"),
    ),
    (
        "Subscription.patternChanged",
        &["by"],
        NoneItself,
        Some("Dimension"),
    ),
    // Conditions on initiatives.
    (
        "NamedCondition",
        &["condition"],
        NoneItself,
        Some("InitiativeFilter"),
    ),
    (
        "InitiativeFilter",
        &["and", "or", "not"],
        NoneItself,
        Some("InitiativeFilter"),
    ),
    (
        "InitiativeFilter",
        &["id", "title", "startedOn", "endedOn"],
        Same("Initiative"),
        None,
    ),
    (
        "InitiativeFilter",
        &["place"],
        Same("Initiative"),
        Some("PlaceScope"),
    ),
    (
        "InitiativeFilter",
        &["leadOrganisation"],
        Same("Initiative"),
        Some("OrganisationFilter"),
    ),
    (
        "InitiativeFilter",
        &["overlaps"],
        These(&[
            ("Initiative", "startedOn"),
            ("Initiative", "endedOn"),
            ("Initiative", "ongoing"),
            ("Initiative", "place"),
            ("Crisis", "from"),
            ("Crisis", "to"),
            ("Crisis", "places"),
        ]),
        Some("CrisisScope"),
    ),
    (
        "InitiativeFilter",
        &["wayIn"],
        These(&[("Initiative", "entryPoints"), ("EntryPointTaken", "position")]),
        Some("EntryPointScope"),
    ),
    (
        "InitiativeFilter",
        &["entryPoints"],
        Same("Initiative"),
        Some("EntryPointsScope"),
    ),
    (
        "InitiativeFilter",
        &["challenge"],
        These(&[("Initiative", "challengesFaced")]),
        Some("ChallengeScope"),
    ),
    (
        "InitiativeFilter",
        &["condition"],
        These(&[("Initiative", "conditionsChanged")]),
        Some("ConditionScope"),
    ),
    (
        "InitiativeFilter",
        &["fundingTerms"],
        Same("Initiative"),
        Some("FundingTermsScope"),
    ),
    ("PlaceScope", &["is"], NoneItself, Some("PlaceRef")),
    ("PlaceScope", &["within"], Same("Place"), Some("PlaceRef")),
    ("PlaceRef", &["id"], Same("Place"), None),
    (
        "PlaceRef",
        &["code"],
        These(&[("Place", "code"), ("Place", "successor")]),
        None,
    ),
    ("CrisisScope", &["crisis"], These(&[("Crisis", "slug")]), None),
    (
        "EntryPointScope",
        &["in", "isKnown"],
        These(&[("EntryPointTaken", "entryPoint")]),
        None,
    ),
    ("EntryPointScope", &["perspective"], Same("EntryPointTaken"), None),
    (
        "EntryPointsScope",
        &["includes", "includesAny", "isKnown"],
        These(&[("EntryPointTaken", "entryPoint")]),
        None,
    ),
    (
        "EntryPointsScope",
        &["perspective"],
        Same("EntryPointTaken"),
        None,
    ),
    (
        "ChallengeScope",
        &["on"],
        These(&[("ChallengeFaced", "challenge")]),
        None,
    ),
    (
        "ChallengeScope",
        &["step", "reasons"],
        Same("ChallengeFaced"),
        None,
    ),
    (
        "ConditionScope",
        &["on"],
        These(&[("ConditionChanged", "condition")]),
        None,
    ),
    ("ConditionScope", &["change"], Same("ConditionChanged"), None),
    (
        "FundingTermsScope",
        &["some", "every", "none"],
        NoneItself,
        Some("FundingTermFilter"),
    ),
    (
        "FundingTermFilter",
        &["and", "or", "not"],
        NoneItself,
        Some("FundingTermFilter"),
    ),
    (
        "FundingTermFilter",
        &["funder"],
        Same("FundingTerm"),
        Some("OrganisationFilter"),
    ),
    (
        "FundingTermFilter",
        &[
            "durationMonths",
            "amountMinor",
            "currency",
            "startsOn",
            "upfrontResearch",
            "collaborationResourced",
            "intendedFocus",
            "restriction",
            "reportingFrequency",
            "reportingBasis",
            "deliveryTimeline",
            "renewable",
        ],
        Same("FundingTerm"),
        None,
    ),
    // Conditions on whatever else is listed.
    (
        "OrganisationFilter",
        &["and", "or", "not"],
        NoneItself,
        Some("OrganisationFilter"),
    ),
    (
        "OrganisationFilter",
        &["id", "name", "identifier", "kind"],
        Same("Organisation"),
        None,
    ),
    (
        "PlaceFilter",
        &["and", "or", "not"],
        NoneItself,
        Some("PlaceFilter"),
    ),
    (
        "PlaceFilter",
        &["id", "name", "code", "kind"],
        Same("Place"),
        None,
    ),
    ("PlaceFilter", &["within"], Same("Place"), Some("PlaceRef")),
    (
        "PlaceFilter",
        &["current"],
        These(&[("Place", "successor")]),
        None,
    ),
    (
        "SubmissionFilter",
        &["states"],
        These(&[("Submission", "state")]),
        None,
    ),
    (
        "SubmissionFilter",
        &["organisation", "initiative"],
        Same("Submission"),
        None,
    ),
    (
        "ImportRowFilter",
        &["outcomes"],
        These(&[("ImportRow", "outcome")]),
        None,
    ),
    (
        "ImportRowFilter",
        &["foundOnly"],
        These(&[("ImportRow", "code")]),
        None,
    ),
    (
        "AuditEventFilter",
        &["subject"],
        These(&[("AuditEvent", "subjectId")]),
        None,
    ),
    ("AuditEventFilter", &["by", "act"], Same("AuditEvent"), None),
    ("IssuedTokenFilter", &["member"], Same("IssuedToken"), None),
    (
        "IssuedTokenFilter",
        &["revoked"],
        These(&[("IssuedToken", "revokedAt")]),
        None,
    ),
    ("MemberFilter", &["role", "organisation"], Same("Member"), None),
    (
        "MemberFilter",
        &["revoked"],
        These(&[("Member", "revokedAt")]),
        None,
    ),
    // Orders.
    (
        "InitiativeOrder",
        &["field"],
        NoneItself,
        Some("InitiativeOrderField"),
    ),
    (
        "InitiativeOrderField",
        &["PUBLISHED"],
        These(&[("Initiative", "publishedAt")]),
        None,
    ),
    (
        "InitiativeOrderField",
        &["TITLE"],
        These(&[("Initiative", "title")]),
        None,
    ),
    (
        "InitiativeOrderField",
        &["STARTED_ON"],
        These(&[("Initiative", "startedOn")]),
        None,
    ),
    (
        "InitiativeOrderField",
        &["ENDED_ON"],
        These(&[("Initiative", "endedOn")]),
        None,
    ),
    ("PlaceOrder", &["field"], NoneItself, Some("PlaceOrderField")),
    ("PlaceOrderField", &["NAME"], These(&[("Place", "name")]), None),
    (
        "OrganisationOrder",
        &["field"],
        NoneItself,
        Some("OrganisationOrderField"),
    ),
    (
        "OrganisationOrderField",
        &["NAME"],
        These(&[("Organisation", "name")]),
        None,
    ),
    (
        "SubmissionOrder",
        &["field"],
        NoneItself,
        Some("SubmissionOrderField"),
    ),
    (
        "SubmissionOrderField",
        &["UPDATED_AT"],
        These(&[("Submission", "updatedAt")]),
        None,
    ),
    ("StratumOrder", &["field"], NoneItself, Some("StratumOrderField")),
    (
        "StratumOrderField",
        &["NAME"],
        These(&[("Stratum", "label")]),
        None,
    ),
    (
        "StratumOrderField",
        &["POPULATION"],
        These(&[("Stratum", "table")]),
        None,
    ),
    (
        "StratumOrderField",
        &["RATE"],
        These(&[("Stratum", "rateWhen")]),
        None,
    ),
    (
        "StratumOrderField",
        &["DIFFERENCE"],
        These(&[("Stratum", "riskDifference")]),
        None,
    ),
    // Dimensions.
    ("Dimension", &["PLACE"], These(&[("Initiative", "place")]), None),
    (
        "Dimension",
        &["REGION"],
        These(&[("Initiative", "place"), ("Place", "within")]),
        None,
    ),
    (
        "Dimension",
        &["PLACE_KIND"],
        These(&[("Initiative", "place"), ("Place", "kind")]),
        None,
    ),
    (
        "Dimension",
        &["LEAD_ORGANISATION"],
        These(&[("Initiative", "leadOrganisation")]),
        None,
    ),
    (
        "Dimension",
        &["FUNDER"],
        These(&[("Initiative", "fundingTerms"), ("FundingTerm", "funder")]),
        None,
    ),
    (
        "Dimension",
        &["WAY_IN"],
        These(&[
            ("Initiative", "entryPoints"),
            ("EntryPointTaken", "position"),
            ("EntryPointTaken", "entryPoint"),
        ]),
        None,
    ),
    (
        "Dimension",
        &["WAY_IN_OF_FUNDER"],
        These(&[
            ("Initiative", "entryPoints"),
            ("EntryPointTaken", "position"),
            ("EntryPointTaken", "entryPoint"),
            ("EntryPointTaken", "perspective"),
        ]),
        None,
    ),
    (
        "Dimension",
        &[
            "CHALLENGE_UNDERSTANDING",
            "CHALLENGE_AMBITIONS",
            "CHALLENGE_CONDITIONS",
        ],
        These(&[
            ("Initiative", "challengesFaced"),
            ("ChallengeFaced", "challenge"),
            ("ChallengeFaced", "step"),
        ]),
        None,
    ),
    (
        "Dimension",
        &["FUNDING_DURATION_BAND"],
        These(&[("Initiative", "fundingTerms"), ("FundingTerm", "durationMonths")]),
        None,
    ),
    (
        "Dimension",
        &["FUNDING_RESEARCH"],
        These(&[("Initiative", "fundingTerms"), ("FundingTerm", "upfrontResearch")]),
        None,
    ),
    (
        "Dimension",
        &["REPORTING_BASIS"],
        These(&[("Initiative", "fundingTerms"), ("FundingTerm", "reportingBasis")]),
        None,
    ),
    (
        "Dimension",
        &["INTENDED_FOCUS"],
        These(&[("Initiative", "fundingTerms"), ("FundingTerm", "intendedFocus")]),
        None,
    ),
    (
        "Dimension",
        &["YEAR_STARTED"],
        These(&[("Initiative", "startedOn")]),
        None,
    ),
];

/// What stands for every place, or every part, in [`TOUCHES_NOTHING`].
pub const ANY: &str = "*";

/// A row: where something is asked, some of its parts, and why they read no field by themselves.
pub type Nothing = (&'static str, &'static [&'static str], &'static str);

/// Why a comparison reads no field by itself.
const COMPARES: &str = "it compares what the field that holds it reads";
/// Why a value reads no field by itself.
const COMPARED: &str = "it is what the field that holds it is compared with";

/// What can be asked and reads no field, with the reason.
pub const TOUCHES_NOTHING: &[Nothing] = &[
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
        &["over"],
        "it says which records are counted, under disclosure control",
    ),
    (ANY, &["atLeast"], "it waits for a change"),
    ("NamedCondition", &["name"], "it is the asker's own word"),
    (
        "PlaceScope",
        &["isKnown"],
        "it looks at the field that the scope is of",
    ),
    (
        "FundingTermsScope",
        &["anyRecorded"],
        "it looks at the field that the scope is of",
    ),
    ("BigIntComparison", &[ANY], COMPARES),
    ("ChangeComparison", &[ANY], COMPARES),
    ("DateComparison", &[ANY], COMPARES),
    ("DeliveryTimelineComparison", &[ANY], COMPARES),
    ("EntryPointComparison", &[ANY], COMPARES),
    ("IdComparison", &[ANY], COMPARES),
    ("IntComparison", &[ANY], COMPARES),
    ("KnownBoolean", &[ANY], COMPARES),
    ("OrganisationKindComparison", &[ANY], COMPARES),
    ("PlaceKindComparison", &[ANY], COMPARES),
    ("ReasonsComparison", &[ANY], COMPARES),
    ("ReportingBasisComparison", &[ANY], COMPARES),
    ("ReportingFrequencyComparison", &[ANY], COMPARES),
    ("RestrictionComparison", &[ANY], COMPARES),
    ("StepComparison", &[ANY], COMPARES),
    ("TextComparison", &[ANY], COMPARES),
    ("Challenge", &[ANY], COMPARED),
    ("Condition", &[ANY], COMPARED),
    ("Coverage", &[ANY], COMPARED),
    ("Direction", &[ANY], COMPARED),
    ("EntryPoint", &[ANY], COMPARED),
    ("Perspective", &[ANY], COMPARED),
    ("Role", &[ANY], COMPARED),
    ("RowOutcome", &[ANY], COMPARED),
    ("SubmissionState", &[ANY], COMPARED),
];

/// Part of a question: its name, what it reads, and the type of what is within it.
#[derive(Clone, Copy)]
struct Part {
    name: &'static str,
    reads: Reads,
    within: Option<&'static str>,
}

impl Part {
    /// The fields that it reads by itself.
    fn fields(self) -> Vec<Field> {
        match self.reads {
            These(fields) => fields.to_vec(),
            Same(of) => vec![(of, self.name)],
            NoneItself => Vec::new(),
        }
    }

    fn show(self, path: &str, see: &mut See<'_>) -> Result<()> {
        let mut fields = self.fields().into_iter();
        fields.try_for_each(|field| {
            see(Touched {
                path,
                field: Some(field),
            })
        })
    }
}

/// Every part by where it is asked and by its name.
static PARTS: LazyLock<HashMap<(&str, &str), Part>> = LazyLock::new(|| {
    let rows = TOUCHES.iter();
    let parts = rows.flat_map(|(of, parts, reads, within)| {
        parts.iter().map(move |name| {
            let part = Part {
                name,
                reads: *reads,
                within: *within,
            };
            ((*of, *name), part)
        })
    });
    parts.collect()
});

/// The fields that a part of a question reads by itself; none where no row speaks of it.
pub fn fields(of: &str, part: &str) -> Option<Vec<Field>> {
    PARTS.get(&(of, part)).map(|part| part.fields())
}

/// Whether the explicit list says that a part reads nothing.
pub fn touches_nothing(of: &str, part: &str) -> bool {
    TOUCHES_NOTHING
        .iter()
        .any(|(one, parts, _)| (*one == of || *one == ANY) && (parts.contains(&part) || parts.contains(&ANY)))
}

/// A field that is touched, and where.
#[derive(Clone, Copy, Debug)]
pub struct Touched<'a> {
    /// Where in the arguments; the field itself where it is asked for.
    pub path: &'a str,
    /// The field; none for what no row speaks of.
    pub field: Option<Field>,
}

/// What is told of each field that is touched, until it refuses one.
pub type See<'a> = dyn FnMut(Touched<'_>) -> Result<()> + 'a;

/// Shows each field that a field (`Type.field`) reads whatever its arguments are.
pub fn of_asking(asked: &str, see: &mut See<'_>) -> Result<()> {
    match PARTS.get(&(asked, ASKED_AT_ALL)) {
        Some(part) => part.show(asked, see),
        None => Ok(()),
    }
}

/// Shows each field that a part of a question reads, and what is within it. What is null asks nothing.
pub fn of_part(of: &str, part: &str, path: &str, value: &Value, see: &mut See<'_>) -> Result<()> {
    if *value == Value::Null {
        return Ok(());
    }
    let Some(known) = PARTS.get(&(of, part)) else {
        if touches_nothing(of, part) {
            return Ok(());
        }
        return see(Touched { path, field: None });
    };
    known.show(path, see)?;
    match known.within {
        Some(within) => of_value(within, path, value, see),
        None => Ok(()),
    }
}

/// Shows each field that a value of an input type or of an enum reads.
pub fn of_value(of: &str, path: &str, value: &Value, see: &mut See<'_>) -> Result<()> {
    match value {
        Value::Object(parts) => parts
            .iter()
            .try_for_each(|(part, value)| of_part(of, part, &format!("{path}.{part}"), value, see)),
        Value::List(values) => values
            .iter()
            .enumerate()
            .try_for_each(|(at, value)| of_value(of, &format!("{path}.{at}"), value, see)),
        Value::Enum(name) => of_part(of, name, path, &Value::Boolean(true), see),
        // A variable's value of an enum comes as text.
        Value::String(name) => of_part(of, name, path, &Value::Boolean(true), see),
        Value::Null | Value::Number(_) | Value::Boolean(_) | Value::Binary(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn touched(of: &str, value: serde_json::Value) -> Vec<String> {
        let value = Value::from_json(value).expect("it is JSON");
        let mut all = Vec::new();
        of_value(of, "filter", &value, &mut |Touched { path, field }| {
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
            touched("InitiativeFilter", filter),
            [
                "filter.or.0.title Initiative.title",
                "filter.or.1.not.fundingTerms Initiative.fundingTerms",
                "filter.or.1.not.fundingTerms.some.amountMinor FundingTerm.amountMinor",
                "filter.or.1.not.fundingTerms.some.funder FundingTerm.funder",
                "filter.or.1.not.fundingTerms.some.funder.name Organisation.name",
            ]
        );
        assert_eq!(
            touched("Dimension", json!("REGION")),
            ["filter Initiative.place", "filter Place.within"]
        );
        // One by itself stands for a list of it.
        assert_eq!(
            touched("InitiativeFilter", json!({"and": {"title": {}}})),
            ["filter.and.title Initiative.title"]
        );
    }

    #[test]
    fn what_no_row_speaks_of_is_told() {
        assert_eq!(
            touched("InitiativeFilter", json!({"weather": 1})),
            ["filter.weather nothing known"]
        );
    }
}
