//! Patterns in plain words: a sentence or two that a trustee understands, with
//! what is not known, and with no claim about causes.

use std::fmt::Write as _;

use wayin_entity::{Perspective, Reason, Step};

use super::{Answer, Figures, Question};
use crate::condition::{
    Comparison, Condition, InitiativeCondition, InitiativeTest, OrganisationCondition, OrganisationTest,
    Quantifier, SetComparison, TermCondition, TermTest, TextComparison, WayInComparison,
};
use crate::vocabulary::Labelled;

/// A known cell under this is a small number.
pub const SMALL: u64 = 10;
/// The share of the population that may be unknown before it is much.
pub const MUCH_UNKNOWN: f64 = 0.2;

/// What to mind when reading a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caution {
    /// A known cell is small.
    SmallNumbers,
    /// Much is not known.
    MuchUnknown,
    /// An initiative may stand in several strata.
    StrataOverlap,
    /// Records that were made up are among those counted.
    Illustrative,
}

/// The cautions that an answer's figures call for.
pub fn cautions(answer: &Answer) -> Vec<Caution> {
    let table = answer.counts.table();
    let smallest = [table.both, table.when_only, table.then_only, table.neither]
        .into_iter()
        .min();
    let mut cautions = Vec::new();
    if smallest.is_some_and(|count| count < SMALL) {
        cautions.push(Caution::SmallNumbers);
    }
    if table.population > 0 && table.unknown as f64 > MUCH_UNKNOWN * table.population as f64 {
        cautions.push(Caution::MuchUnknown);
    }
    if answer.strata.as_ref().is_some_and(|strata| strata.overlap) {
        cautions.push(Caution::StrataOverlap);
    }
    if answer.illustrative > 0 {
        cautions.push(Caution::Illustrative);
    }
    cautions
}

impl Caution {
    /// The caution in a sentence.
    pub fn text(&self, answer: &Answer) -> String {
        let table = answer.counts.table();
        match self {
            Self::SmallNumbers => {
                format!("At least one of the four counts is under {SMALL}: a few initiatives more or less would change the picture.")
            }
            Self::MuchUnknown => {
                format!("Of {} not enough is known, out of {} in all.", count(table.unknown), count(table.population))
            }
            Self::StrataOverlap => {
                "An initiative counts once in each stratum that it stands in, so the strata add up to more than the whole."
                    .into()
            }
            Self::Illustrative => format!(
                "{} made up to show how Wayin works: {} evidence about real places.",
                if answer.illustrative == 1 { "One of the records counted was".into() } else { format!("{} of the records counted were", count(answer.illustrative)) },
                if answer.illustrative == 1 { "it is no" } else { "they are no" },
            ),
        }
    }
}

/// The answer to a question in a few plain sentences.
pub fn reading(question: &Question, answer: &Answer) -> String {
    let table = answer.counts.table();
    let figures = Figures::from(&table);
    let among = match &question.among {
        Condition::All(parts) if parts.is_empty() => String::new(),
        among => format!(" that {}", phrase(among).text),
    };
    if table.population == 0 {
        return format!("There are no initiatives{among} to ask about.");
    }
    let (when, then) = (phrase(&question.when), phrase(&question.then));
    let mut text = String::new();
    if !among.is_empty() {
        let _ = write!(text, "Among the {}{among}: ", initiatives(table.population));
    }
    let with = table.when();
    let others = table.otherwise();
    let known = with + others;
    if known == 0 {
        let _ = write!(
            text,
            "We do not know enough of any of the {} to say whether those that {} also {}.",
            initiatives(table.population),
            when.text,
            then.text
        );
        close(&mut text, answer, false);
        return text;
    }
    if with == 0 {
        let _ = write!(
            text,
            "None of the {} of which we know enough {}",
            initiatives(known),
            when.text
        );
        let _ = write!(
            text,
            "; of {} {}{} {}",
            count(others),
            count(table.then_only),
            in_100(figures.rate_otherwise),
            then.text
        );
    } else {
        let _ = write!(
            text,
            "Of {} that {}, {}{} {}",
            initiatives(with),
            when.text,
            number_of(table.both),
            in_100(figures.rate_when),
            then.text
        );
        match others {
            0 => text.push_str("; there are no others to compare them with"),
            1 => {
                let did = if table.then_only == 1 {
                    then.echo.to_owned()
                } else {
                    format!("{} not", then.echo)
                };
                let _ = write!(text, "; the one other {did}");
            }
            _ => {
                let _ = write!(
                    text,
                    "; of the {} others, {}{} {}",
                    count(others),
                    number_of(table.then_only),
                    in_100(figures.rate_otherwise),
                    then.echo
                );
            }
        }
    }
    text.push('.');
    if table.unknown > 0 {
        let _ = write!(
            text,
            " Of {} more we do not know enough to say.",
            count(table.unknown)
        );
        if table.unknown as f64 > MUCH_UNKNOWN * table.population as f64
            && let Some((least, most)) = answer.counts.bounds()
        {
            let _ = write!(
                text,
                " Whatever the unknowns are, the first figure lies between {} and {} in 100.",
                (least * 100.0).floor(),
                (most * 100.0).ceil()
            );
        }
    }
    close(&mut text, answer, true);
    text
}

fn close(text: &mut String, answer: &Answer, compared: bool) {
    if compared {
        text.push_str(" The two were reported together; that does not show that one causes the other.");
    }
    if answer.illustrative > 0 {
        text.push_str(" These records are illustrative: made up to show how Wayin works.");
    }
}

/// A count with its thousands set apart: 12,345.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn number_of(n: u64) -> String {
    if n == 0 { "none".into() } else { count(n) }
}

fn initiatives(n: u64) -> String {
    format!(
        "{} {}",
        count(n),
        if n == 1 { "initiative" } else { "initiatives" }
    )
}

fn in_100(rate: Option<super::Estimate>) -> String {
    let Some(rate) = rate else {
        return String::new();
    };
    let percent = rate.value * 100.0;
    if rate.value == 0.0 {
        String::new()
    } else if percent < 1.0 {
        " (fewer than 1 in 100)".into()
    } else if rate.value < 1.0 && percent > 99.0 {
        " (more than 99 in 100)".into()
    } else {
        format!(" ({percent:.0} in 100)")
    }
}

/// A condition as a verb phrase in the past tense, about several initiatives,
/// with the word that stands for it when it is said again.
struct Phrase {
    text: String,
    echo: &'static str,
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

fn phrase(condition: &InitiativeCondition) -> Phrase {
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
        InitiativeTest::WayIn(perspective, comparison) => {
            let viewed = viewed(*perspective);
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
        InitiativeTest::EntryPoints(perspective, comparison) => {
            let viewed = viewed(*perspective);
            match comparison {
                SetComparison::IncludesAll(listed) => verb(
                    so,
                    "took",
                    "take",
                    &format!("{} as an entry point{viewed}", labels(listed, "and")),
                ),
                SetComparison::IncludesAny(listed) => verb(
                    so,
                    "took",
                    "take",
                    &format!("{} as an entry point{viewed}", labels(listed, "or")),
                ),
                SetComparison::Known(known) => verb(
                    so == *known,
                    "said",
                    "say",
                    &format!("which entry points they took{viewed}"),
                ),
            }
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
    perspective.map_or_else(String::new, |one| format!(", as {} saw it", one.label()))
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
