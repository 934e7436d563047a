//! Conditions as verb phrases, put in words from the vocabulary's labels.

use wayin_entity::{EntryPoint, Perspective, Reason, Step};

use super::count;
use crate::condition::{
    Comparison, Condition, InitiativeCondition, InitiativeTest, OrganisationCondition, OrganisationTest,
    Quantifier, SetComparison, TermCondition, TermTest, TextComparison, WayInComparison,
};
use crate::vocabulary::Labelled;

/// A condition as a verb phrase in the past tense, about several initiatives,
/// with the word that stands for it when it is said again.
pub(super) struct Phrase {
    pub text: String,
    pub echo: &'static str,
    /// Whether it joins several parts.
    joins: bool,
}

fn said(text: impl Into<String>) -> Phrase {
    Phrase {
        text: text.into(),
        echo: "did",
        joins: false,
    }
}

fn was(text: impl Into<String>) -> Phrase {
    Phrase {
        text: format!("were {}", text.into()),
        echo: "were",
        joins: false,
    }
}

pub(super) fn phrase(condition: &InitiativeCondition) -> Phrase {
    put(condition, true)
}

fn put(condition: &InitiativeCondition, so: bool) -> Phrase {
    match condition {
        Condition::All(parts) if parts.is_empty() => said(if so {
            "are in the base"
        } else {
            "are not in the base"
        }),
        Condition::Any(parts) if parts.is_empty() => put(&Condition::EVERYTHING, !so),
        Condition::All(parts) | Condition::Any(parts) if parts.len() == 1 => put(&parts[0], so),
        Condition::All(parts) => join(
            parts.iter().map(|part| put(part, so)),
            if so { " and " } else { " or " },
        ),
        Condition::Any(parts) => join(
            parts.iter().map(|part| put(part, so)),
            if so { " or " } else { " and " },
        ),
        Condition::Not(part) => put(part, !so),
        Condition::Test(test) => test_phrase(test, so),
    }
}

fn join(parts: impl Iterator<Item = Phrase>, with: &str) -> Phrase {
    let parts: Vec<String> = parts
        .map(|part| {
            if part.joins {
                format!("({})", part.text)
            } else {
                part.text
            }
        })
        .collect();
    Phrase {
        text: parts.join(with),
        echo: "did so too",
        joins: true,
    }
}

/// "skipped ..." or "did not skip ...": the two forms of a verb that is not "were".
fn verb(so: bool, past: &str, plain: &str, rest: &str) -> Phrase {
    said(if so {
        format!("{past} {rest}")
    } else {
        format!("did not {plain} {rest}")
    })
}

fn were(so: bool, rest: &str) -> Phrase {
    was(if so {
        rest.to_owned()
    } else {
        format!("not {rest}")
    })
}

fn test_phrase(test: &InitiativeTest, so: bool) -> Phrase {
    match test {
        InitiativeTest::Id(ids) => were(so, &format!("among the {} chosen", count(ids.len() as u64))),
        InitiativeTest::Title(TextComparison::Known(known)) => verb(so == *known, "had", "have", "a title"),
        InitiativeTest::Title(text) => verb(so, "had", "have", &format!("a title that {}", text_rest(text))),
        InitiativeTest::PlaceIs(place) => verb(so, "worked", "work", &format!("in {} itself", place.name)),
        InitiativeTest::PlaceWithin(place) => verb(so, "worked", "work", &format!("in {}", place.name)),
        InitiativeTest::PlaceKnown(known) => verb(so == *known, "said", "say", "where they work"),
        InitiativeTest::LeadOrganisation(condition) => {
            were(so, &format!("led by {}", organisation(condition)))
        }
        InitiativeTest::StartedOn(comparison) => {
            dated(so, "started", "start", "when they started", comparison)
        }
        InitiativeTest::EndedOn(comparison) => dated(so, "ended", "end", "when they ended", comparison),
        InitiativeTest::Overlaps(crisis) => were(so, &format!("at work during {}", crisis.name)),
        InitiativeTest::WayIn(perspective, comparison) => way_in_phrase(*perspective, comparison, so),
        InitiativeTest::EntryPoints(perspective, comparison) => {
            entry_points_phrase(*perspective, comparison, so)
        }
        InitiativeTest::Step(challenge, comparison) => step_phrase(challenge.label(), comparison, so),
        InitiativeTest::Reasons(challenge, comparison) => {
            let about = challenge.label();
            match comparison {
                SetComparison::IncludesAll(listed) => reasons_phrase(so, about, listed, "and"),
                SetComparison::IncludesAny(listed) => reasons_phrase(so, about, listed, "or"),
                SetComparison::Known(known) => verb(
                    so == *known,
                    "gave",
                    "give",
                    &format!("a reason for what became of {about}"),
                ),
            }
        }
        InitiativeTest::Change(condition, comparison) => {
            let condition = condition.label();
            match comparison {
                Comparison::Known(known) => verb(
                    so == *known,
                    "said",
                    "say",
                    &format!("what became of {condition}"),
                ),
                comparison => verb(
                    so,
                    "reported",
                    "report",
                    &format!("{condition} as {}", coded(comparison)),
                ),
            }
        }
        InitiativeTest::FundingTerms(quantifier, condition) => {
            let terms = term_phrase(condition);
            match (quantifier, so) {
                (Quantifier::Some, true) | (Quantifier::None, false) => {
                    said(format!("had some funding {terms}"))
                }
                (Quantifier::Some, false) | (Quantifier::None, true) => {
                    said(format!("had no funding {terms}"))
                }
                (Quantifier::Every, true) => said(format!("had all their funding {terms}")),
                (Quantifier::Every, false) => said(format!("did not have all their funding {terms}")),
            }
        }
        InitiativeTest::AnyTermRecorded(recorded) => said(if so == *recorded {
            "have a funding term on record"
        } else {
            "have no funding term on record"
        }),
    }
}

fn way_in_phrase(perspective: Option<Perspective>, comparison: &WayInComparison, so: bool) -> Phrase {
    let viewed = viewed(perspective);
    match comparison {
        WayInComparison::OneOf(listed) => verb(
            so,
            "started",
            "start",
            &format!("from {}{viewed}", labels(listed, "or")),
        ),
        WayInComparison::Known(known) => {
            verb(so == *known, "said", "say", &format!("how they started{viewed}"))
        }
    }
}

fn entry_points_phrase(
    perspective: Option<Perspective>,
    comparison: &SetComparison<EntryPoint>,
    so: bool,
) -> Phrase {
    let viewed = viewed(perspective);
    let took = |listed: &[EntryPoint], with: &str| {
        let points = if listed.len() == 1 {
            "as an entry point"
        } else {
            "as entry points"
        };
        verb(
            so,
            "took",
            "take",
            &format!("{} {points}{viewed}", labels(listed, with)),
        )
    };
    match comparison {
        SetComparison::IncludesAll(listed) => took(listed, "and"),
        SetComparison::IncludesAny(listed) => took(listed, "or"),
        SetComparison::Known(known) => verb(
            so == *known,
            "said",
            "say",
            &format!("which entry points they took{viewed}"),
        ),
    }
}

fn step_phrase(about: &str, comparison: &Comparison<Step>, so: bool) -> Phrase {
    let Comparison::OneOf(steps) = comparison else {
        let Comparison::Known(known) = comparison else {
            return verb(so, "went", "go", &format!("{} in {about}", coded(comparison)));
        };
        return verb(so == *known, "said", "say", &format!("what became of {about}"));
    };
    let forms = |step: &Step| match step {
        Step::Taken => ("took time over", "take time over"),
        Step::Rushed => ("rushed", "rush"),
        Step::Skipped => ("skipped", "skip"),
    };
    let past: Vec<&str> = steps.iter().map(|step| forms(step).0).collect();
    let plain: Vec<&str> = steps.iter().map(|step| forms(step).1).collect();
    verb(so, &past.join(" or "), &plain.join(" or "), about)
}

fn reasons_phrase(so: bool, about: &str, listed: &[Reason], with: &str) -> Phrase {
    verb(
        so,
        "gave",
        "give",
        &format!("{} as a reason for what became of {about}", labels(listed, with)),
    )
}

fn viewed(perspective: Option<Perspective>) -> String {
    perspective.map_or_else(String::new, |one| format!(" (as {} saw it)", one.label()))
}

fn labels<T: Labelled>(codes: &[T], with: &str) -> String {
    listed(codes.iter().map(|code| code.label().to_owned()), with)
}

fn listed(words: impl Iterator<Item = String>, with: &str) -> String {
    let words: Vec<String> = words.collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} {with} {last}", before.join(", ")),
    }
}

fn coded<T: Labelled>(comparison: &Comparison<T>) -> String {
    match comparison {
        Comparison::OneOf(codes) => labels(codes, "or"),
        Comparison::Less(code) => format!("before {}", code.label()),
        Comparison::AtMost(code) => format!("up to {}", code.label()),
        Comparison::More(code) => format!("beyond {}", code.label()),
        Comparison::AtLeast(code) => format!("from {}", code.label()),
        Comparison::Known(true) => "known".into(),
        Comparison::Known(false) => "not known".into(),
    }
}

fn dated(
    so: bool,
    past: &str,
    plain: &str,
    known_as: &str,
    comparison: &Comparison<chrono::NaiveDate>,
) -> Phrase {
    match comparison {
        Comparison::Known(known) => verb(so == *known, "said", "say", known_as),
        comparison => verb(so, past, plain, &days(comparison)),
    }
}

fn days(comparison: &Comparison<chrono::NaiveDate>) -> String {
    let day = |day: &chrono::NaiveDate| day.format("%-d %B %Y").to_string();
    match comparison {
        Comparison::OneOf(listed_days) => format!("on {}", listed(listed_days.iter().map(day), "or")),
        Comparison::Less(bound) => format!("before {}", day(bound)),
        Comparison::AtMost(bound) => format!("by {}", day(bound)),
        Comparison::More(bound) => format!("after {}", day(bound)),
        Comparison::AtLeast(bound) => format!("on or after {}", day(bound)),
        Comparison::Known(true) => "on a known day".into(),
        Comparison::Known(false) => "on a day not known".into(),
    }
}

fn text_rest(comparison: &TextComparison) -> String {
    let quoted = |text: &String| format!("“{text}”");
    match comparison {
        TextComparison::OneOf(texts) => format!("is {}", listed(texts.iter().map(quoted), "or")),
        TextComparison::Contains(part) => format!("contains {}", quoted(part)),
        TextComparison::StartsWith(start) => format!("starts with {}", quoted(start)),
        TextComparison::Known(true) => "is known".into(),
        TextComparison::Known(false) => "is not known".into(),
    }
}

fn organisation(condition: &OrganisationCondition) -> String {
    if let Condition::All(parts) | Condition::Any(parts) = condition
        && let [one] = parts.as_slice()
    {
        return organisation(one);
    }
    if let Condition::Test(OrganisationTest::Id(named)) = condition {
        return listed(named.iter().map(|one| one.name.clone()), "or");
    }
    format!("an organisation {}", organisation_rest(condition, true))
}

fn organisation_rest(condition: &OrganisationCondition, so: bool) -> String {
    let joined = |parts: &[OrganisationCondition], with: &str| {
        listed(parts.iter().map(|part| organisation_rest(part, so)), with)
    };
    let not = if so { "" } else { "not " };
    match condition {
        Condition::All(parts) if parts.is_empty() => if so { "of any sort" } else { "of no sort" }.into(),
        Condition::Any(parts) if parts.is_empty() => if so { "of no sort" } else { "of any sort" }.into(),
        Condition::All(parts) => joined(parts, if so { "and" } else { "or" }),
        Condition::Any(parts) => joined(parts, if so { "or" } else { "and" }),
        Condition::Not(part) => organisation_rest(part, !so),
        Condition::Test(OrganisationTest::Id(named)) => {
            format!(
                "that is {not}{}",
                listed(named.iter().map(|one| one.name.clone()), "or")
            )
        }
        Condition::Test(OrganisationTest::Name(text)) => format!("{not}with a name that {}", text_rest(text)),
        Condition::Test(OrganisationTest::Identifier(text)) => {
            format!("{not}with an identifier that {}", text_rest(text))
        }
        Condition::Test(OrganisationTest::Kind(Comparison::Known(known))) => {
            format!(
                "whose kind is {}",
                if so == *known { "known" } else { "not known" }
            )
        }
        Condition::Test(OrganisationTest::Kind(kind)) => format!("that is {not}a {}", coded(kind)),
    }
}

fn term_phrase(condition: &TermCondition) -> String {
    term_rest(condition, true, false)
}

fn term_rest(condition: &TermCondition, so: bool, nested: bool) -> String {
    let joined = |parts: &[TermCondition], with: &str| {
        let text = listed(parts.iter().map(|part| term_rest(part, so, true)), with);
        if nested && parts.len() > 1 {
            format!("({text})")
        } else {
            text
        }
    };
    match condition {
        Condition::All(parts) if parts.is_empty() => if so { "of any sort" } else { "of no sort" }.into(),
        Condition::Any(parts) if parts.is_empty() => if so { "of no sort" } else { "of any sort" }.into(),
        Condition::All(parts) => joined(parts, if so { "and" } else { "or" }),
        Condition::Any(parts) => joined(parts, if so { "or" } else { "and" }),
        Condition::Not(part) => term_rest(part, !so, nested),
        Condition::Test(test) => term_test(test, so),
    }
}

fn term_test(test: &TermTest, so: bool) -> String {
    let not = if so { "" } else { "not " };
    let known =
        |what: &str, known: bool| format!("with {what} {}", if so == known { "known" } else { "not known" });
    let yes_no = |comparison: &Comparison<bool>, what: &str, yes: &str, no: &str| match comparison {
        Comparison::Known(is) => known(what, *is),
        Comparison::OneOf(listed) if listed.contains(&true) && listed.contains(&false) => known(what, true),
        Comparison::OneOf(listed) => if listed.contains(&true) == so { yes } else { no }.to_owned(),
        _ => format!("with {what} compared"),
    };
    match test {
        TermTest::Funder(condition) => format!("{not}from {}", organisation(condition)),
        TermTest::DurationMonths(Comparison::Known(is)) => known("its length", *is),
        TermTest::DurationMonths(comparison) => format!("{not}of {}", months(comparison)),
        TermTest::AmountMinor(Comparison::Known(is)) => known("its amount", *is),
        TermTest::AmountMinor(comparison) => format!("{not}of {}", amount(comparison)),
        TermTest::Currency(TextComparison::Known(is)) => known("its currency", *is),
        TermTest::Currency(TextComparison::OneOf(codes)) => {
            format!(
                "{not}in {}",
                listed(codes.iter().map(|code| code.to_uppercase()), "or")
            )
        }
        TermTest::Currency(text) => format!("{not}in a currency that {}", text_rest(text)),
        TermTest::StartsOn(Comparison::Known(is)) => known("its first day", *is),
        TermTest::StartsOn(comparison) => format!("{not}starting {}", days(comparison)),
        TermTest::UpfrontResearch(comparison) => yes_no(
            comparison,
            "research before the work",
            "that paid for research before the work",
            "that did not pay for research before the work",
        ),
        TermTest::CollaborationResourced(comparison) => yes_no(
            comparison,
            "the resource for working together",
            "that paid for the time that working together takes",
            "that did not pay for the time that working together takes",
        ),
        TermTest::Renewable(comparison) => yes_no(
            comparison,
            "whether it may be renewed",
            "that may be renewed",
            "that may not be renewed",
        ),
        TermTest::IntendedFocus(Comparison::Known(is)) => known("what it was meant for", *is),
        TermTest::IntendedFocus(comparison) => format!("{not}meant for {}", coded(comparison)),
        TermTest::Restriction(Comparison::Known(is)) => known("its restriction", *is),
        TermTest::Restriction(comparison) => format!("that is {not}{}", coded(comparison)),
        TermTest::ReportingFrequency(Comparison::Known(is)) => known("how often it is reported on", *is),
        TermTest::ReportingFrequency(comparison) => format!("{not}reported on {}", coded(comparison)),
        TermTest::ReportingBasis(Comparison::Known(is)) => known("what is reported on", *is),
        TermTest::ReportingBasis(comparison) => format!("{not}with {}", coded(comparison)),
        TermTest::DeliveryTimeline(Comparison::Known(is)) => known("its timeline", *is),
        TermTest::DeliveryTimeline(comparison) => format!("{not}with {}", coded(comparison)),
    }
}

fn months(comparison: &Comparison<i32>) -> String {
    match comparison {
        Comparison::OneOf(lengths) => format!("{} months", listed(lengths.iter().map(i32::to_string), "or")),
        Comparison::Less(bound) => format!("less than {bound} months"),
        Comparison::AtMost(bound) => format!("{bound} months or less"),
        Comparison::More(bound) => format!("more than {bound} months"),
        Comparison::AtLeast(bound) => format!("{bound} months or more"),
        Comparison::Known(_) => "known length".into(),
    }
}

fn amount(comparison: &Comparison<i64>) -> String {
    let money = |minor: &i64| format!("{} in the currency's minor unit", count(minor.unsigned_abs()));
    match comparison {
        Comparison::OneOf(sums) => listed(sums.iter().map(money), "or"),
        Comparison::Less(bound) => format!("less than {}", money(bound)),
        Comparison::AtMost(bound) => format!("{} or less", money(bound)),
        Comparison::More(bound) => format!("more than {}", money(bound)),
        Comparison::AtLeast(bound) => format!("{} or more", money(bound)),
        Comparison::Known(_) => "a known amount".into(),
    }
}
