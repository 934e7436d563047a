//! Conditions as verb phrases, put in words from the vocabulary's labels.
//!
//! A condition is first made plain: "not" is carried down to the tests, by the
//! rules that hold for UNKNOWN too, and what is always or never so is left out.
//! So no phrase says "not" twice, and parts that are joined alike need no
//! brackets. The same is done for the conditions on funding terms and on
//! organisations that stand within tests.

use std::fmt::Display;

use chrono::NaiveDate;
use wayin_records::fields::funding_term::{ChoiceKind, FundingChoice, FundingCode};
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Choice, DeliveryTimeline, EntryPoint,
    OrganisationKind, Perspective, ReportingBasis, ReportingFrequency, Restriction,
};

use super::format_count;
use crate::predicate::{
    Comparison, CrisisPeriod, FundingTermPredicate, FundingTermTest, InitiativePredicate, InitiativeTest,
    OrganisationPredicate, OrganisationTest, Predicate, Quantifier, SetComparison, TextComparison,
    WayInComparison,
};
use crate::three_valued::Truth;
use wayin_vocabulary::Labelled;

/// How many initiatives a phrase speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GrammaticalNumber {
    One,
    Many,
}

impl GrammaticalNumber {
    /// The number that agrees with a count; none are spoken of as many.
    pub(super) const fn from_count(count: u64) -> Self {
        if count == 1 { Self::One } else { Self::Many }
    }

    fn choose<T>(self, one: T, many: T) -> T {
        match self {
            Self::One => one,
            Self::Many => many,
        }
    }

    fn pronoun(self) -> &'static str {
        self.choose("it", "they")
    }
}

/// A condition as a verb phrase in the past tense.
pub(super) struct Phrase {
    pub text: String,
    /// Stands for the phrase when it is said again: "did", "were not".
    pub echo: &'static str,
    /// Stands for its opposite: "did not", "were".
    pub denied: &'static str,
}

/// The condition in words that follow "an initiative that" or "initiatives that".
pub(super) fn render_phrase(condition: &InitiativePredicate, number: GrammaticalNumber) -> Phrase {
    let condition = NormalForm::from_predicate(condition, true);
    let words = match condition.constant() {
        Some(so) => render_with_auxiliary(so, Verb::Is, number, "in the base"),
        None => condition.render(&|test, so| render_initiative_test(test, so, number)),
    };
    Phrase {
        echo: words.verb.render_echo(words.affirmative, number),
        denied: words.verb.render_echo(!words.affirmative, number),
        text: words.text,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Conjunction {
    And,
    Or,
}

/// A condition in which "not" stands with the tests alone, no joint stands
/// directly within the same joint, and no part is without tests.
#[derive(PartialEq)]
enum NormalForm<'a, T> {
    /// A test, and whether it is to be so.
    Test(&'a T, bool),
    Joined(Conjunction, Vec<Self>),
}

impl<'a, T: PartialEq> NormalForm<'a, T> {
    /// The condition, or what it is not.
    fn from_predicate(condition: &'a Predicate<T>, so: bool) -> Self {
        match condition {
            Predicate::All(parts) => {
                Self::from_parts(if so { Conjunction::And } else { Conjunction::Or }, parts, so)
            }
            Predicate::Any(parts) => {
                Self::from_parts(if so { Conjunction::Or } else { Conjunction::And }, parts, so)
            }
            Predicate::Not(part) => Self::from_predicate(part, !so),
            Predicate::Test(test) => Self::Test(test, so),
        }
    }

    fn from_parts(with: Conjunction, parts: &'a [Predicate<T>], so: bool) -> Self {
        let mut flat = Vec::new();
        for part in parts.iter().map(|part| Self::from_predicate(part, so)) {
            match part {
                Self::Joined(inner, parts) if inner == with => flat.extend(parts),
                // What is always so decides an "or", what is never so decides an "and".
                Self::Joined(inner, parts) if parts.is_empty() => return Self::Joined(inner, parts),
                part => flat.push(part),
            }
        }
        let mut flat = deduplicate(flat);
        if flat.len() == 1 {
            flat.remove(0)
        } else {
            Self::Joined(with, flat)
        }
    }

    /// Whether it is always so, or never; none where that depends.
    fn constant(&self) -> Option<bool> {
        match self {
            Self::Joined(with, parts) if parts.is_empty() => Some(*with == Conjunction::And),
            _ => None,
        }
    }

    fn render(&self, test: &impl Fn(&T, bool) -> Clause) -> Clause {
        match self {
            Self::Test(one, so) => test(one, *so),
            Self::Joined(with, parts) => {
                join_clauses(*with, parts.iter().map(|part| part.render(test)).collect())
            }
        }
    }
}

/// The verb that a phrase is said again with.
#[derive(Clone, Copy)]
enum Verb {
    Did,
    Was,
    Is,
    Has,
    HadSome,
    /// Several verbs that are joined.
    Several,
}

impl Verb {
    fn render_echo(self, so: bool, number: GrammaticalNumber) -> &'static str {
        match (self, so) {
            (Self::Did, true) => "did",
            (Self::Did, false) => "did not",
            (Self::Was, true) => number.choose("was", "were"),
            (Self::Was, false) => number.choose("was not", "were not"),
            (Self::Is, true) => number.choose("is", "are"),
            (Self::Is, false) => number.choose("is not", "are not"),
            (Self::Has, true) => number.choose("has", "have"),
            (Self::Has, false) => number.choose("has none", "have none"),
            (Self::HadSome, true) => "had some",
            (Self::HadSome, false) => "had none",
            (Self::Several, true) => "did the same",
            (Self::Several, false) => "did not do the same",
        }
    }
}

/// Whether words that follow could be taken for a part of a phrase.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PhraseBoundary {
    Closed,
    /// It ends in a clause, so that they could.
    Open,
    /// It joins verbs, so that words before it could be, too.
    Coordinated,
}

/// A verb phrase on its way into a sentence.
struct Clause {
    text: String,
    /// The phrase without its verb, where that is enough: "of 18 months" for "was of 18 months".
    bare: Option<String>,
    /// Whether it says that something is so, rather than that it is not.
    affirmative: bool,
    verb: Verb,
    boundary: PhraseBoundary,
}

impl Clause {
    fn new(so: bool, verb: Verb, text: String) -> Self {
        Self {
            text,
            bare: None,
            affirmative: so,
            verb,
            boundary: PhraseBoundary::Closed,
        }
    }

    fn with_boundary_at_least(mut self, shape: PhraseBoundary) -> Self {
        self.boundary = self.boundary.max(shape);
        self
    }

    fn with_bare_text(mut self, bare: impl Into<String>) -> Self {
        self.bare = Some(bare.into());
        self
    }
}

/// "skipped ..." or "did not skip ...".
fn render_did(so: bool, past: &str, plain: &str, rest: impl Display) -> Clause {
    let text = if so {
        format!("{past} {rest}")
    } else {
        format!("did not {plain} {rest}")
    };
    Clause::new(so, Verb::Did, text)
}

/// "were led by ..." or "were not led by ...".
fn render_with_auxiliary(so: bool, verb: Verb, number: GrammaticalNumber, rest: impl Display) -> Clause {
    Clause::new(so, verb, format!("{} {rest}", verb.render_echo(so, number)))
}

fn render_were(so: bool, number: GrammaticalNumber, rest: impl Display) -> Clause {
    render_with_auxiliary(so, Verb::Was, number, rest)
}

/// What a funding term or an organisation was, where the verb may be left out.
fn render_was(so: bool, rest: impl Display) -> Clause {
    render_were(so, GrammaticalNumber::One, &rest).with_bare_text(rest.to_string())
}

/// Whether something is on record: "said where they work".
fn render_said(so: bool, what: impl Display) -> Clause {
    render_did(so, "said", "say", what).with_boundary_at_least(PhraseBoundary::Open)
}

fn join_clauses(with: Conjunction, parts: Vec<Clause>) -> Clause {
    let so = parts.iter().any(|part| part.affirmative);
    let last = parts.len().saturating_sub(1);
    let texts: Vec<String> = parts
        .into_iter()
        .enumerate()
        .map(|(place, part)| match part.boundary {
            PhraseBoundary::Closed => part.text,
            PhraseBoundary::Open if place == last => part.text,
            PhraseBoundary::Open | PhraseBoundary::Coordinated => format!("({})", part.text),
        })
        .collect();
    let text = texts.join(match with {
        Conjunction::And => " and ",
        Conjunction::Or => " or ",
    });
    Clause {
        affirmative: so,
        ..Clause::new(true, Verb::Several, text).with_boundary_at_least(PhraseBoundary::Coordinated)
    }
}

fn render_initiative_test(test: &InitiativeTest, so: bool, number: GrammaticalNumber) -> Clause {
    let they = number.pronoun();
    match test {
        InitiativeTest::Id(ids) => match ids.len() {
            1 => render_were(so, number, "the one chosen"),
            chosen => render_were(
                so,
                number,
                format!("among the {} chosen", format_count(chosen as u64)),
            ),
        },
        InitiativeTest::Title(comparison) => {
            let (so, title) = render_attribute("title", comparison, so);
            render_did(so, "had", "have", title)
        }
        InitiativeTest::PlaceIs(place) => {
            render_did(so, "worked", "work", format!("in {} itself", place.name))
        }
        InitiativeTest::PlaceWithin(place) => render_did(so, "worked", "work", format!("in {}", place.name)),
        InitiativeTest::PlaceKnown(known) => render_said(
            so == *known,
            format!("where {they} {}", number.choose("works", "work")),
        ),
        InitiativeTest::LeadOrganisation(condition) => {
            let lead = render_organisation(condition, so);
            render_were(lead.affirmative, number, format!("led by {}", lead.text))
                .with_boundary_at_least(lead.boundary)
        }
        InitiativeTest::StartedOn(Comparison::Known(known)) => {
            render_said(so == *known, format!("when {they} started"))
        }
        InitiativeTest::StartedOn(comparison) => {
            let (comparison, so) = remove_negation(comparison, so);
            render_did(so, "started", "start", render_date_comparison(&comparison))
        }
        InitiativeTest::EndedOn(Comparison::Known(known)) => {
            render_said(so == *known, format!("when {they} ended"))
        }
        InitiativeTest::EndedOn(comparison) => {
            let (comparison, so) = remove_negation(comparison, so);
            render_did(so, "ended", "end", render_date_comparison(&comparison))
        }
        InitiativeTest::ActiveDuring(crisis) => render_were(so, number, render_active_during(crisis)),
        InitiativeTest::WayIn(perspective, comparison) => render_way_in(*perspective, comparison, so, number),
        InitiativeTest::EntryPoints(perspective, comparison) => {
            render_entry_points(*perspective, comparison, so, number)
        }
        InitiativeTest::Step(challenge, comparison) => render_step(*challenge, comparison, so, number),
        InitiativeTest::Reasons(challenge, comparison) => render_reasons(*challenge, comparison, so, number),
        InitiativeTest::Change(condition, Comparison::Known(known)) => {
            render_said(so == *known, format!("what became of {}", condition.label()))
        }
        InitiativeTest::Change(condition, comparison) => {
            let (changes, so) = list_matching_codes(comparison, ChangeExtent::ALL, so);
            let seen = format!("{} {}", condition.label(), render_labels(&changes));
            render_did(so, "saw", "see", seen)
        }
        InitiativeTest::FundingTerms(quantifier, condition) => render_funding(*quantifier, condition, so),
        InitiativeTest::FundingTermsRecorded(recorded) => render_term_recorded(so == *recorded, number),
    }
}

fn render_active_during(crisis: &CrisisPeriod) -> String {
    let place = if crisis.places.is_empty() {
        ""
    } else {
        " in an affected place"
    };
    // Within a sentence a name that begins with the article does so in lower case.
    let name = match crisis.name.strip_prefix("The ") {
        Some(rest) => format!("the {rest}"),
        None => crisis.name.clone(),
    };
    format!("at work during {name}{place}")
}

fn render_way_in(
    perspective: Option<Perspective>,
    comparison: &WayInComparison,
    so: bool,
    number: GrammaticalNumber,
) -> Clause {
    let viewed = render_perspective(perspective);
    match comparison {
        WayInComparison::OneOf(points) => render_did(
            so,
            "started",
            "start",
            format!("from {}{viewed}", render_labels(points)),
        ),
        WayInComparison::Known(known) => {
            render_said(so == *known, format!("how {} started{viewed}", number.pronoun()))
        }
    }
}

fn render_entry_points(
    perspective: Option<Perspective>,
    comparison: &SetComparison<EntryPoint>,
    so: bool,
    number: GrammaticalNumber,
) -> Clause {
    let viewed = render_perspective(perspective);
    let took =
        |points: String, role: &str| render_did(so, "took", "take", format!("{points} as {role}{viewed}"));
    match comparison {
        SetComparison::IncludesAll(points) if has_several(points) => {
            let labels = points.iter().map(|point| point.label().to_owned()).collect();
            took(join_with_and(labels, so), "entry points")
        }
        SetComparison::IncludesAll(points) | SetComparison::IncludesAny(points) => {
            took(render_labels(points), "an entry point")
        }
        SetComparison::Known(known) => {
            let what = format!("which entry points {} took{viewed}", number.pronoun());
            render_said(so == *known, what)
        }
    }
}

/// Whether it lists more than one, however often.
fn has_several<T: PartialEq>(codes: &[T]) -> bool {
    codes.iter().any(|code| *code != codes[0])
}

fn render_perspective(perspective: Option<Perspective>) -> String {
    perspective.map_or_else(String::new, |one| format!(" (as {} saw it)", one.label()))
}

/// A challenge's label; it speaks of many initiatives, and may have to speak of one.
fn render_step_label(challenge: Challenge, number: GrammaticalNumber) -> String {
    let of_number = |word| match word {
        "their" => number.choose("its", "their"),
        word => word,
    };
    let words: Vec<&str> = challenge.label().split(' ').map(of_number).collect();
    words.join(" ")
}

fn render_step(
    challenge: Challenge,
    comparison: &Comparison<ChallengeStep>,
    so: bool,
    number: GrammaticalNumber,
) -> Clause {
    let about = render_step_label(challenge, number);
    if let Comparison::Known(known) = comparison {
        let what = format!("how {} went about {about}", number.pronoun());
        return render_said(so == *known, what);
    }
    let (steps, so) = list_matching_codes(comparison, ChallengeStep::ALL, so);
    let forms = |step: &ChallengeStep| match step {
        ChallengeStep::Taken => ("took time over", "take time over"),
        ChallengeStep::Rushed => ("rushed", "rush"),
        ChallengeStep::Skipped => ("skipped", "skip"),
    };
    let past = steps.iter().map(|step| forms(step).0.to_owned()).collect();
    let plain = steps.iter().map(|step| forms(step).1.to_owned()).collect();
    let words = render_did(
        so,
        &join_with_or(past, "others"),
        &join_with_or(plain, "others"),
        about,
    );
    words.with_boundary_at_least(if steps.len() > 1 {
        PhraseBoundary::Coordinated
    } else {
        PhraseBoundary::Closed
    })
}

/// Reasons are quoted, as some labels are whole clauses.
fn render_reasons(
    challenge: Challenge,
    comparison: &SetComparison<ChallengeReason>,
    so: bool,
    number: GrammaticalNumber,
) -> Clause {
    let about = format!(
        "for how {} went about {}",
        number.pronoun(),
        render_step_label(challenge, number)
    );
    let quotes = |codes: &[ChallengeReason]| codes.iter().map(|code| quote(code.label())).collect();
    let (so, given) = match comparison {
        SetComparison::IncludesAll(codes) if has_several(codes) => {
            (so, format!("{} as reasons", join_with_and(quotes(codes), so)))
        }
        SetComparison::IncludesAll(codes) | SetComparison::IncludesAny(codes) => (
            so,
            format!("{} as a reason", join_with_or(quotes(codes), "others")),
        ),
        SetComparison::Known(known) => (so == *known, "a reason".into()),
    };
    render_did(so, "gave", "give", format!("{given} {about}")).with_boundary_at_least(PhraseBoundary::Open)
}

fn render_term_recorded(so: bool, number: GrammaticalNumber) -> Clause {
    let some = if so { "a" } else { "no" };
    let text = format!("{} {some} funding term on record", number.choose("has", "have"));
    Clause::new(so, Verb::Has, text)
}

/// "had some funding ...", "had no funding ..." or "had only funding ...".
fn render_funding(quantifier: Quantifier, condition: &FundingTermPredicate, so: bool) -> Clause {
    // `none P` is `not some P`, and `every P` is `not some (not P)`.
    let has = so == (quantifier == Quantifier::Some);
    let every = quantifier == Quantifier::Every;
    let of = NormalForm::from_predicate(condition, !every);
    if let Some(constant) = of.constant() {
        let some = if has == constant { "some" } else { "no" };
        return Clause::new(has == constant, Verb::HadSome, format!("had {some} funding"));
    }
    let (terms, opposite) = (
        of.render(&render_term_test),
        NormalForm::from_predicate(condition, every).render(&render_term_test),
    );
    if has {
        return render_had_funding(true, "some", Verb::Did, terms);
    }
    // "only funding from" rather than "no funding that was not from".
    if !terms.affirmative || (every && opposite.affirmative) {
        return render_had_funding(true, "only", Verb::Did, opposite);
    }
    render_had_funding(false, "no", Verb::HadSome, terms)
}

fn render_had_funding(so: bool, which: &str, verb: Verb, terms: Clause) -> Clause {
    match terms.bare {
        Some(bare) if terms.affirmative => Clause::new(so, verb, format!("had {which} funding {bare}"))
            .with_boundary_at_least(terms.boundary),
        _ => Clause::new(so, verb, format!("had {which} funding that {}", terms.text))
            .with_boundary_at_least(terms.boundary.max(PhraseBoundary::Open)),
    }
}

/// What one test says of the funding of one term.
fn render_term_test(test: &FundingTermTest, so: bool) -> Clause {
    match test {
        FundingTermTest::Funder(condition) => {
            let funder = render_organisation(condition, so);
            render_was(funder.affirmative, format!("from {}", funder.text))
                .with_boundary_at_least(funder.boundary)
        }
        FundingTermTest::DurationMonths(Comparison::Known(known)) => {
            render_said(so == *known, "how long it was for")
        }
        FundingTermTest::DurationMonths(comparison) => {
            let (comparison, so) = remove_negation(comparison, so);
            render_was(so, format!("of {}", render_months_comparison(&comparison)))
        }
        FundingTermTest::AmountMinor(Comparison::Known(known)) => {
            render_said(so == *known, "how much it was")
        }
        FundingTermTest::AmountMinor(comparison) => {
            let (comparison, so) = remove_negation(comparison, so);
            render_was(so, format!("of {}", render_amount_comparison(&comparison)))
        }
        FundingTermTest::Currency(TextComparison::Known(known)) => {
            render_said(so == *known, "which currency it was in")
        }
        FundingTermTest::Currency(comparison) => {
            render_was(so, format!("in {}", render_currency(comparison)))
        }
        FundingTermTest::StartsOn(Comparison::Known(known)) => {
            render_said(so == *known, "when it was to start")
        }
        FundingTermTest::StartsOn(comparison) => {
            let (comparison, so) = remove_negation(comparison, so);
            render_was(
                so,
                format!("planned to start {}", render_date_comparison(&comparison)),
            )
        }
        FundingTermTest::Choice(choice, comparison) => funding_choice(*choice, comparison, so),
    }
}

/// What one choice of a funding term says.
fn funding_choice(choice: FundingChoice, comparison: &Comparison<u8>, so: bool) -> Clause {
    let code = match choice.kind() {
        ChoiceKind::Code(code) => code,
        ChoiceKind::YesNo(words) => {
            return render_two_valued(&values(comparison), so, words.question, |is_yes: bool| {
                let text = if is_yes { words.yes } else { words.no };
                Clause::new(is_yes, Verb::Did, text.to_owned())
            });
        }
    };
    match code {
        FundingCode::IntendedFocus => {
            if let Comparison::Known(known) = comparison {
                return render_said(so == *known, "what it was meant for");
            }
            let (points, so) = list_matching_codes(&values(comparison), EntryPoint::ALL, so);
            render_was(so, format!("meant for {}", render_labels(&points)))
        }
        FundingCode::ReportingFrequency => render_reporting_frequency(&values(comparison), so),
        FundingCode::Restriction => {
            let question = "whether it was restricted";
            render_two_valued(&values(comparison), so, question, |restriction: Restriction| {
                render_were(true, GrammaticalNumber::One, restriction.label())
            })
        }
        FundingCode::ReportingBasis => {
            let question = "what was to be reported on";
            render_two_valued(&values(comparison), so, question, |basis: ReportingBasis| {
                render_did(true, "asked", "ask", format!("for {}", basis.label()))
                    .with_boundary_at_least(PhraseBoundary::Open)
            })
        }
        FundingCode::DeliveryTimeline => {
            let question = "whether its timeline could move";
            render_two_valued(&values(comparison), so, question, |timeline: DeliveryTimeline| {
                let timeline = timeline.label();
                render_did(true, "had", "have", timeline)
                    .with_bare_text(format!("with {timeline}"))
                    .with_boundary_at_least(PhraseBoundary::Open)
            })
        }
    }
}

/// The comparison of a choice's numbers as one of its values.
fn values<T: Choice>(comparison: &Comparison<u8>) -> Comparison<T> {
    match comparison {
        Comparison::Known(known) => Comparison::Known(*known),
        comparison => {
            let values = T::ALL.iter().copied();
            Comparison::OneOf(
                values
                    .filter(|value| is_met_by(comparison, &value.number()))
                    .collect(),
            )
        }
    }
}

/// A test of one of two values: what is known and not the one is the other, and is better said so.
fn render_two_valued<T: Choice + PartialOrd>(
    comparison: &Comparison<T>,
    so: bool,
    whether: &str,
    say: impl Fn(T) -> Clause,
) -> Clause {
    if let Comparison::Known(known) = comparison {
        return render_said(so == *known, whether);
    }
    let left: Vec<T> = T::ALL
        .iter()
        .copied()
        .filter(|value| is_met_by(comparison, value) == so)
        .collect();
    match left.as_slice() {
        [] => render_said(false, whether),
        [one] => say(*one),
        _ => render_said(true, whether),
    }
}

fn render_reporting_frequency(comparison: &Comparison<ReportingFrequency>, so: bool) -> Clause {
    if let Comparison::Known(known) = comparison {
        return render_said(so == *known, "how often to report");
    }
    let never = &ReportingFrequency::None;
    let (often, so) = list_matching_codes(comparison, ReportingFrequency::ALL, so);
    if often == [*never] {
        let text = if so {
            "never asked for a report"
        } else {
            "asked for a report"
        };
        return Clause::new(!so, Verb::Did, text.into());
    }
    // "did not ask never" would be hard to follow: whoever asks otherwise asks at one of the other times.
    if !so && often.contains(never) && often.len() < ReportingFrequency::ALL.len() {
        let all = ReportingFrequency::ALL.iter().copied();
        let others: Vec<_> = all.filter(|one| !often.contains(one)).collect();
        return render_did(
            true,
            "asked",
            "ask",
            format!("for a report {}", render_labels(&others)),
        );
    }
    render_did(
        so,
        "asked",
        "ask",
        format!("for a report {}", render_labels(&often)),
    )
}

/// Who an organisation is, and whether it is to be so: "a funder", "an organisation that ...".
fn render_organisation(condition: &OrganisationPredicate, so: bool) -> Clause {
    let of = NormalForm::from_predicate(condition, so);
    if let Some(constant) = of.constant() {
        let any = if constant {
            "an organisation"
        } else {
            "any organisation"
        };
        return Clause::new(constant, Verb::Was, any.into());
    }
    let said = of.render(&render_organisation_test);
    if said.affirmative
        && let Some(who) = said.bare
    {
        return Clause::new(true, Verb::Was, who);
    }
    // "not led by a funder" rather than "led by an organisation that was not a funder".
    let opposite = NormalForm::from_predicate(condition, !so).render(&render_organisation_test);
    match opposite.bare {
        Some(who) => Clause::new(false, Verb::Was, who),
        None => Clause::new(true, Verb::Was, format!("an organisation that {}", said.text))
            .with_boundary_at_least(said.boundary),
    }
}

fn render_organisation_test(test: &OrganisationTest, so: bool) -> Clause {
    let having = |what: &str, comparison: &TextComparison| {
        let (so, attribute) = render_attribute(what, comparison, so);
        render_did(so, "had", "have", &attribute).with_bare_text(format!("an organisation with {attribute}"))
    };
    match test {
        OrganisationTest::Id(named) => {
            let names = named.iter().map(|one| one.name.clone()).collect();
            render_was(so, join_with_or(names, "others"))
        }
        OrganisationTest::Name(comparison) => having("name", comparison),
        OrganisationTest::Identifier(comparison) => having("identifier", comparison),
        OrganisationTest::Kind(Comparison::Known(known)) => {
            let kind = "of a known kind";
            render_were(so == *known, GrammaticalNumber::One, kind)
                .with_bare_text(format!("an organisation {kind}"))
        }
        OrganisationTest::Kind(comparison) => {
            let (kinds, so) = list_matching_codes(comparison, OrganisationKind::ALL, so);
            let kinds = kinds.into_iter().map(|kind| add_article(kind.label())).collect();
            render_was(so, join_with_or(kinds, "others"))
        }
    }
}

/// "a name containing ...", and whether it is to be so.
fn render_attribute(what: &str, comparison: &TextComparison, so: bool) -> (bool, String) {
    let text = match comparison {
        TextComparison::OneOf(texts) => {
            let texts = texts.iter().map(|text| quote(text)).collect();
            format!("the {what} {}", join_with_or(texts, "others"))
        }
        TextComparison::Contains(part) => format!("{} containing {}", add_article(what), quote(part)),
        TextComparison::StartsWith(start) => {
            format!("{} starting with {}", add_article(what), quote(start))
        }
        TextComparison::Known(known) => return (so == *known, format!("a known {what}")),
    };
    (so, text)
}

fn render_currency(comparison: &TextComparison) -> String {
    match comparison {
        TextComparison::OneOf(codes) => {
            join_with_or(codes.iter().map(|code| code.to_uppercase()).collect(), "others")
        }
        comparison => format!("a currency with {}", render_attribute("code", comparison, true).1),
    }
}

fn quote(text: &str) -> String {
    format!("“{text}”")
}

fn add_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {noun}")
}

/// The comparison by which the same is said without "not", where there is one:
/// "more than 18 months" for "not 18 months or less".
fn remove_negation<T: Copy>(comparison: &Comparison<T>, so: bool) -> (Comparison<T>, bool) {
    match comparison {
        comparison if so => (comparison.clone(), true),
        Comparison::Less(bound) => (Comparison::AtLeast(*bound), true),
        Comparison::AtMost(bound) => (Comparison::More(*bound), true),
        Comparison::More(bound) => (Comparison::AtMost(*bound), true),
        Comparison::AtLeast(bound) => (Comparison::Less(*bound), true),
        comparison => (comparison.clone(), false),
    }
}

fn render_date_comparison(comparison: &Comparison<NaiveDate>) -> String {
    let day = |day: &NaiveDate| day.format("%-d %B %Y").to_string();
    match comparison {
        Comparison::OneOf(listed) => format!(
            "on {}",
            join_with_or(listed.iter().map(day).collect(), "other days")
        ),
        Comparison::Less(bound) => format!("before {}", day(bound)),
        Comparison::AtMost(bound) => format!("on or before {}", day(bound)),
        Comparison::More(bound) => format!("after {}", day(bound)),
        Comparison::AtLeast(bound) => format!("on or after {}", day(bound)),
        Comparison::Known(_) => "on a known day".into(),
    }
}

fn render_months_comparison(comparison: &Comparison<i32>) -> String {
    let number = |months: &i32| render_signed(i64::from(*months), format_count);
    let length = |months: &i32| {
        let unit = if *months == 1 { "month" } else { "months" };
        format!("{} {unit}", number(months))
    };
    match comparison {
        Comparison::OneOf(lengths) if lengths.iter().any(|one| *one != 1) => {
            let numbers = lengths.iter().map(number).collect();
            format!("{} months", join_with_or(numbers, "other numbers of"))
        }
        comparison => render_comparison(comparison, length),
    }
}

/// A currency's smallest unit may be a hundredth or not, and another test may
/// say which currency it is; so both the number and its usual meaning are said.
fn render_amount_comparison(comparison: &Comparison<i64>) -> String {
    let number = |minor: &i64| render_signed(*minor, format_count);
    let major = |minor: &i64| {
        render_signed(*minor, |minor| {
            format!("{}.{:02}", format_count(minor / 100), minor % 100)
        })
    };
    let usual = match comparison {
        Comparison::OneOf(listed) => join_with_or(listed.iter().map(major).collect(), "others"),
        Comparison::Less(bound)
        | Comparison::AtMost(bound)
        | Comparison::More(bound)
        | Comparison::AtLeast(bound) => major(bound),
        Comparison::Known(_) => return "a known amount".into(),
    };
    format!(
        "{} in its currency's smallest unit ({usual} in pounds or euros)",
        render_comparison(comparison, number)
    )
}

fn render_comparison<T>(comparison: &Comparison<T>, say: impl Fn(&T) -> String) -> String {
    match comparison {
        Comparison::OneOf(values) => join_with_or(values.iter().map(say).collect(), "others"),
        Comparison::Less(bound) => format!("less than {}", say(bound)),
        Comparison::AtMost(bound) => format!("{} or less", say(bound)),
        Comparison::More(bound) => format!("more than {}", say(bound)),
        Comparison::AtLeast(bound) => format!("{} or more", say(bound)),
        Comparison::Known(_) => "a known size".into(),
    }
}

fn render_signed(number: i64, say: impl Fn(u64) -> String) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", say(number.unsigned_abs()))
}

fn is_met_by<T: PartialOrd>(comparison: &Comparison<T>, value: &T) -> bool {
    comparison.evaluate(Some(value)) == Truth::True
}

/// The codes that meet a comparison, and whether it is to be so; where none
/// does, the same is said by all of them not being so.
fn list_matching_codes<T: Copy + PartialOrd>(
    comparison: &Comparison<T>,
    all: &[T],
    so: bool,
) -> (Vec<T>, bool) {
    let met: Vec<T> = all
        .iter()
        .copied()
        .filter(|code| is_met_by(comparison, code))
        .collect();
    if met.is_empty() {
        (all.to_vec(), !so)
    } else {
        (met, so)
    }
}

fn render_labels<T: Labelled>(codes: &[T]) -> String {
    join_with_or(
        codes.iter().map(|code| code.label().to_owned()).collect(),
        "others",
    )
}

/// The most words that are listed one by one, and how many of more than that.
const MAX_LISTED_WORDS: usize = 10;
const LISTED_WORDS_WHEN_TRUNCATED: usize = 8;

/// "a, b or c"; of a long list only the first, and how many `others`.
fn join_with_or(words: Vec<String>, others: &str) -> String {
    let mut words = deduplicate(words);
    if words.len() > MAX_LISTED_WORDS {
        let more = format_count((words.len() - LISTED_WORDS_WHEN_TRUNCATED) as u64);
        words.truncate(LISTED_WORDS_WHEN_TRUNCATED);
        words.push(format!("one of {more} {others}"));
    }
    join_list(&words, "or")
}

/// "a and b"; "both a and b" where "not" stands before it, which else might be taken for neither.
fn join_with_and(words: Vec<String>, so: bool) -> String {
    let words = deduplicate(words);
    let all = match words.len() {
        0 | 1 => "",
        _ if so => "",
        2 => "both ",
        _ => "all of ",
    };
    format!("{all}{}", join_list(&words, "and"))
}

fn join_list(words: &[String], with: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} {with} {last}", before.join(", ")),
    }
}

/// Each of them once, in their order.
fn deduplicate<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut once = Vec::with_capacity(all.len());
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}
