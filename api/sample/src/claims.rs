//! The example claims. Of the ten, six hold over all the evidence and within
//! places, one looks the other way round as soon as places are looked at
//! separately, two do not hold, and one holds where little is known.

use serde_json::{Value, json};

use super::ExampleClaim;
use super::meeting::{COST_OF_LIVING, said};

/// The claims, in the order in which they are shown.
pub(super) fn list_claims() -> Vec<ExampleClaim> {
    vec![
        ExampleClaim {
            by: Some("REGION"),
            ..new_claim(
                "short-funding-skips-ambitions",
                "Where some of the funding lasts 18 months or less, more initiatives skip agreeing what they \
                 want to change together.",
                Some(said::NO_TIME_FOR_AMBITIONS),
                some_term_filter(json!({"durationMonths": {"lte": 18}})),
                step_filter("DEFINING_AMBITIONS", "SKIPPED"),
            )
        },
        ExampleClaim {
            by: Some("REGION"),
            ..new_claim(
                "paid-research-understands-the-system",
                "Where research before the work is paid for, more initiatives take the time to find out how \
                 the local system produces the problem.",
                Some(said::RESEARCH_PAID_FOR),
                some_term_filter(json!({"upfrontResearch": {"eq": true}})),
                step_filter("UNDERSTANDING_LOCAL_SYSTEM", "TAKEN"),
            )
        },
        new_claim(
            "collaboration-alone-skips-understanding",
            "Those who start from collaboration, and take neither complexity nor root causes later, more \
                 often skip finding out how the local system works.",
            Some(said::COLLABORATION_FIRST),
            json!({"and": [
                {"wayIn": {"in": ["COLLABORATION"], "perspective": "PRACTITIONER"}},
                {"not": {"entryPoints": {"includesAny": ["COMPLEXITY", "ROOT_CAUSES"], "perspective": "PRACTITIONER"}}},
            ]}),
            step_filter("UNDERSTANDING_LOCAL_SYSTEM", "SKIPPED"),
        ),
        new_claim(
            "root-causes-turn-into-collaboration",
            "Funders whose own way in was root causes mostly go on to fund collaboration.",
            Some(said::ROOT_CAUSES_BECAME_PARTNERSHIP),
            json!({"wayIn": {"in": ["ROOT_CAUSES"], "perspective": "FUNDER"}}),
            some_term_filter(json!({"intendedFocus": {"in": ["COLLABORATION"]}})),
        ),
        ExampleClaim {
            by: Some("REGION"),
            ..new_claim(
                "paid-collaboration-skips-conditions",
                "Where the time that working together takes is paid for, more initiatives skip making the \
                 conditions for it, such as governance and reporting that fit.",
                Some(said::PAID_AND_STILL_STUCK),
                some_term_filter(json!({"collaborationResourced": {"eq": true}})),
                step_filter("FOSTERING_CONDITIONS", "SKIPPED"),
            )
        },
        new_claim(
            "fixed-targets-keep-reporting-as-it-was",
            "Where targets are set at the start, what has to be reported stays as it was more often.",
            Some(said::TARGETS_FROM_DAY_ONE),
            some_term_filter(json!({"reportingBasis": {"in": ["FIXED_TARGETS"]}})),
            json!({"condition": {"on": "REPORTING_REQUIREMENTS", "change": {"in": ["UNCHANGED"]}}}),
        ),
        ExampleClaim {
            among: Some(json!({"startedOn": {"gt": "2018-12-31"}})),
            ..new_claim(
                "the-crisis-loosened-timelines",
                "Of the initiatives that started after 2018, those that ran during the cost-of-living crisis \
                 more often saw their delivery timeline altered, if only in part.",
                Some(said::PLANS_MOVED),
                json!({"activeDuring": {"crisis": COST_OF_LIVING.slug}}),
                json!({"condition": {"on": "DELIVERY_TIMELINE", "change": {"in": ["ALTERED", "PARTLY"]}}}),
            )
        },
        new_claim(
            "community-root-causes-reach-practitioners",
            "Where the people of the place start from root causes, more practitioners take them as an \
                 entry point too.",
            Some(said::COMMUNITY_KNEW),
            json!({"wayIn": {"in": ["ROOT_CAUSES"], "perspective": "COMMUNITY"}}),
            json!({"entryPoints": {"includes": ["ROOT_CAUSES"], "perspective": "PRACTITIONER"}}),
        ),
        new_claim(
            "unrestricted-money-changes-governance",
            "Where some of the money may be used for anything, more initiatives alter how decisions are \
                 made.",
            Some(said::NO_STRINGS),
            some_term_filter(json!({"restriction": {"in": ["UNRESTRICTED"]}})),
            json!({"condition": {"on": "GOVERNANCE", "change": {"in": ["ALTERED"]}}}),
        ),
        new_claim(
            "frequent-reports-get-the-blame",
            "Where a report is due every month or every three months, more initiatives name reporting as \
                 the reason for skipping or rushing their ambitions.",
            None,
            some_term_filter(json!({"reportingFrequency": {"in": ["MONTHLY", "QUARTERLY"]}})),
            json!({"challenge": {
                "on": "DEFINING_AMBITIONS",
                "reasons": {"includes": ["REPORTING_REQUIREMENTS"]},
            }}),
        ),
    ]
}

/// A claim over all initiatives, told apart by nothing, that comes from a reflection of the first meeting.
fn new_claim(
    slug: &'static str,
    statement: &'static str,
    reflection: Option<usize>,
    when: Value,
    then: Value,
) -> ExampleClaim {
    ExampleClaim {
        slug,
        statement,
        reflection: reflection.map(|reflection| (0, reflection)),
        when,
        then,
        among: None,
        by: None,
    }
}

fn some_term_filter(condition: Value) -> Value {
    json!({"fundingTerms": {"some": condition}})
}

fn step_filter(challenge: &str, step: &str) -> Value {
    json!({"challenge": {"on": challenge, "step": {"in": [step]}}})
}
