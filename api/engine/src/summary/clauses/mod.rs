//! Predicates on initiatives as verb phrases, in the words of the vocabulary's labels.

mod funding;
mod grammar;
mod normal_form;
mod organisation;
mod values;

use chrono::NaiveDate;
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, EntryPoint, Labelled, Perspective,
};

use self::funding::render_funding;
pub(super) use self::grammar::GrammaticalNumber;
use self::grammar::{Boundary, Clause, Verb, render_did, render_said, render_were, render_with_auxiliary};
use self::normal_form::NormalForm;
use self::organisation::render_organisation;
use self::values::{
    has_several, join_and, join_labels, join_or, list_matching, quote, remove_negation, render_attribute,
    render_dates, render_moments,
};
use super::format_count;
use crate::predicate::{
    Comparison, CrisisPeriod, InitiativePredicate, InitiativeTest, SetComparison, WayInComparison,
};

/// A predicate as a verb phrase in the past tense.
pub(super) struct Phrase {
    pub text: String,
    /// Repeats the phrase: "did", "were not".
    pub echo: &'static str,
    /// Denies the phrase: "did not", "were".
    pub denial: &'static str,
}

/// The predicate in words that follow "an initiative that" or "initiatives that".
pub(super) fn render_phrase(predicate: &InitiativePredicate, number: GrammaticalNumber) -> Phrase {
    let form = NormalForm::new(predicate, true);
    let clause = match form.constant() {
        Some(positive) => render_with_auxiliary(positive, Verb::Is, number, "in the base"),
        None => form.render(&|test, positive| render_test(test, positive, number)),
    };
    Phrase {
        echo: clause.verb.render(clause.positive, number),
        denial: clause.verb.render(!clause.positive, number),
        text: clause.text,
    }
}

fn render_test(test: &InitiativeTest, positive: bool, number: GrammaticalNumber) -> Clause {
    const WORKED: [&str; 2] = ["worked", "work"];
    match test {
        InitiativeTest::Id(ids) => match ids.len() {
            1 => render_were(positive, number, "the one chosen"),
            count => {
                let count = format_count(count as u64);
                render_were(positive, number, format!("among the {count} chosen"))
            }
        },
        InitiativeTest::Title(comparison) => {
            let (positive, title) = render_attribute("title", comparison, positive);
            render_did(positive, ["had", "have"], title)
        }
        InitiativeTest::PlaceIs(place) => render_did(positive, WORKED, format!("in {} itself", place.name)),
        InitiativeTest::PlaceWithin(place) => render_did(positive, WORKED, format!("in {}", place.name)),
        InitiativeTest::PlaceKnown(known) => render_said(
            positive == *known,
            number.choose("where it works", "where they work"),
        ),
        InitiativeTest::LeadOrganisation(predicate) => {
            let lead = render_organisation(predicate, positive);
            render_were(lead.positive, number, format!("led by {}", lead.text))
                .with_boundary_at_least(lead.boundary)
        }
        InitiativeTest::StartedOn(comparison) => {
            render_event(["started", "start"], comparison, positive, number)
        }
        InitiativeTest::EndedOn(comparison) => render_event(["ended", "end"], comparison, positive, number),
        InitiativeTest::UpdatedAt(comparison) => {
            let (comparison, positive) = remove_negation(comparison, positive);
            render_did(
                positive,
                ["last changed", "last change"],
                render_moments(&comparison),
            )
        }
        InitiativeTest::ActiveDuring(crisis) => render_were(positive, number, render_active_during(crisis)),
        InitiativeTest::WayIn(perspective, comparison) => {
            render_way_in(*perspective, comparison, positive, number)
        }
        InitiativeTest::EntryPoints(perspective, comparison) => {
            render_entry_points(*perspective, comparison, positive, number)
        }
        InitiativeTest::Step(challenge, comparison) => render_step(*challenge, comparison, positive, number),
        InitiativeTest::Reasons(challenge, comparison) => {
            render_reasons(*challenge, comparison, positive, number)
        }
        InitiativeTest::Change(condition, Comparison::Known(known)) => render_said(
            positive == *known,
            format!("what became of {}", condition.label()),
        ),
        InitiativeTest::Change(condition, comparison) => {
            let (extents, positive) =
                list_matching(ChangeExtent::ALL, |extent| comparison.matches(&extent), positive);
            let change = format!("{} {}", condition.label(), join_labels(&extents));
            render_did(positive, ["saw", "see"], change)
        }
        InitiativeTest::FundingTerms(quantifier, predicate) => {
            render_funding(*quantifier, predicate, positive)
        }
        InitiativeTest::FundingTermsRecorded(recorded) => {
            let positive = positive == *recorded;
            let article = if positive { "a" } else { "no" };
            let has = number.choose("has", "have");
            Clause::new(
                positive,
                Verb::Has,
                format!("{has} {article} funding term on record"),
            )
        }
    }
}

/// When an initiative started or ended.
fn render_event(
    verb: [&str; 2],
    comparison: &Comparison<NaiveDate>,
    positive: bool,
    number: GrammaticalNumber,
) -> Clause {
    if let Comparison::Known(known) = comparison {
        return render_said(
            positive == *known,
            format!("when {} {}", number.pronoun(), verb[0]),
        );
    }
    let (comparison, positive) = remove_negation(comparison, positive);
    render_did(positive, verb, render_dates(&comparison))
}

fn render_active_during(crisis: &CrisisPeriod) -> String {
    let place = if crisis.places.is_empty() {
        ""
    } else {
        " in an affected place"
    };
    // The article is lower case in the middle of a sentence.
    let name = match crisis.name.strip_prefix("The ") {
        Some(rest) => format!("the {rest}"),
        None => crisis.name.clone(),
    };
    format!("at work during {name}{place}")
}

fn render_way_in(
    perspective: Option<Perspective>,
    comparison: &WayInComparison,
    positive: bool,
    number: GrammaticalNumber,
) -> Clause {
    let viewpoint = render_perspective(perspective);
    match comparison {
        WayInComparison::OneOf(points) => {
            let points = join_labels(points);
            render_did(
                positive,
                ["started", "start"],
                format!("from {points}{viewpoint}"),
            )
        }
        WayInComparison::Known(known) => render_said(
            positive == *known,
            format!("how {} started{viewpoint}", number.pronoun()),
        ),
    }
}

fn render_entry_points(
    perspective: Option<Perspective>,
    comparison: &SetComparison<EntryPoint>,
    positive: bool,
    number: GrammaticalNumber,
) -> Clause {
    let viewpoint = render_perspective(perspective);
    let points = match comparison {
        SetComparison::IncludesAll(points) if has_several(points) => {
            let labels = points.iter().map(|point| point.label().to_owned());
            format!("{} as entry points", join_and(labels, positive))
        }
        SetComparison::IncludesAll(points) | SetComparison::IncludesAny(points) => {
            format!("{} as an entry point", join_labels(points))
        }
        SetComparison::Known(known) => {
            let question = format!("which entry points {} took{viewpoint}", number.pronoun());
            return render_said(positive == *known, question);
        }
    };
    render_did(positive, ["took", "take"], points + &viewpoint)
}

fn render_perspective(perspective: Option<Perspective>) -> String {
    perspective.map_or_else(String::new, |one| format!(" (as {} saw it)", one.label()))
}

/// A challenge's label. Labels are in the plural.
fn render_challenge(challenge: Challenge, number: GrammaticalNumber) -> String {
    let possessive = number.choose("its", "their");
    let words = challenge.label().split(' ');
    let agreeing = words.map(|word| if word == "their" { possessive } else { word });
    agreeing.collect::<Vec<_>>().join(" ")
}

fn render_step(
    challenge: Challenge,
    comparison: &Comparison<ChallengeStep>,
    positive: bool,
    number: GrammaticalNumber,
) -> Clause {
    let challenge = render_challenge(challenge, number);
    if let Comparison::Known(known) = comparison {
        let question = format!("how {} went about {challenge}", number.pronoun());
        return render_said(positive == *known, question);
    }
    let (steps, positive) = list_matching(ChallengeStep::ALL, |step| comparison.matches(&step), positive);
    let verbs = steps.iter().map(|step| match step {
        ChallengeStep::Taken => ["took time over", "take time over"],
        ChallengeStep::Rushed => ["rushed", "rush"],
        ChallengeStep::Skipped => ["skipped", "skip"],
    });
    let [past, plain] = [0, 1].map(|form| join_or(verbs.clone().map(|verb| verb[form].to_owned())));
    let clause = render_did(positive, [&past, &plain], challenge);
    if steps.len() > 1 {
        clause.with_boundary_at_least(Boundary::Coordinated)
    } else {
        clause
    }
}

/// Reasons are in quotation marks, because some labels are whole clauses.
fn render_reasons(
    challenge: Challenge,
    comparison: &SetComparison<ChallengeReason>,
    positive: bool,
    number: GrammaticalNumber,
) -> Clause {
    let quotes =
        |codes: &[ChallengeReason]| -> Vec<String> { codes.iter().map(|code| quote(code.label())).collect() };
    let (positive, reasons) = match comparison {
        SetComparison::IncludesAll(codes) if has_several(codes) => (
            positive,
            format!("{} as reasons", join_and(quotes(codes), positive)),
        ),
        SetComparison::IncludesAll(codes) | SetComparison::IncludesAny(codes) => {
            (positive, format!("{} as a reason", join_or(quotes(codes))))
        }
        SetComparison::Known(known) => (positive == *known, "a reason".into()),
    };
    let challenge = render_challenge(challenge, number);
    let text = format!("{reasons} for how {} went about {challenge}", number.pronoun());
    render_did(positive, ["gave", "give"], text).with_boundary_at_least(Boundary::Open)
}
