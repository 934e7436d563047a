//! Clauses about organisations.

use wayin_vocabulary::{Labelled, OrganisationKind};

use super::super::join_list;
use super::grammar::{Clause, Conjunction, Verb, render_did, render_was};
use super::normal_form::{NormalForm, SignedTest};
use super::values::{
    add_article, describe_known, find_constant, join_or, list_shorter, render_attribute, to_upper_case,
};
use crate::predicate::{Comparison, NamedReference, OrganisationPredicate, OrganisationTest, TextComparison};

/// Which organisation, as a noun: "a funder", "an organisation that ...".
pub fn render_organisation(predicate: &OrganisationPredicate, positive: bool) -> Clause {
    let form = NormalForm::new(predicate, positive);
    match form.constant() {
        Some(true) => return Clause::new(true, Verb::Was, "an organisation"),
        Some(false) => return Clause::new(false, Verb::Was, "any organisation"),
        None => {}
    }
    if let Some(noun) = render_noun(&form, true) {
        return Clause::new(true, Verb::Was, noun);
    }
    // "not led by a funder" rather than "led by an organisation that was not a funder".
    let opposite = NormalForm::new(predicate, !positive);
    if let Some(noun) = render_noun(&opposite, false) {
        return Clause::new(false, Verb::Was, noun);
    }
    // "not led by an organisation that was both .." rather than "led by one that either was not .. or was not ..".
    let is_denial = opposite.all_tests(&is_positive) && !form.all_tests(&is_positive);
    let described = if is_denial { opposite } else { form };
    let clause = described.render(&|_, tests| {
        tests
            .into_iter()
            .map(|(test, positive)| render_organisation_test(test, positive))
            .collect()
    });
    let noun = format!("an organisation that {}", clause.text_after_that());
    Clause::new(!is_denial, Verb::Was, noun).with_open_end(true)
}

/// "a funder with ...", if words after one noun are enough. `can_deny` is true if "without" may be said.
fn render_noun(form: &NormalForm<OrganisationTest>, can_deny: bool) -> Option<String> {
    let (conjunction, tests) = form.list_tests()?;
    let (mut nouns, mut attributes) = (Vec::new(), Vec::new());
    // Beside "or" a negation would be read with what comes before it too.
    let can_deny = can_deny && conjunction == Conjunction::And && tests.iter().any(|test| is_positive(*test));
    for (test, positive) in tests {
        let clause = render_organisation_test(test, positive);
        if !clause.positive && !can_deny {
            return None;
        }
        match list_nouns(test, positive) {
            Some(words) if clause.positive => nouns.push(words),
            Some(_) => return None,
            None => attributes.push(clause.bare?),
        }
    }
    let attributes = join_list(attributes, conjunction.word());
    match (nouns.as_slice(), attributes.as_str(), conjunction) {
        ([], _, _) => Some(format!("an organisation {attributes}")),
        ([words], "", _) => Some(join_or(words.iter().cloned())),
        // "a funder or a public body with ..." could be said of the public body alone.
        ([words], _, Conjunction::And) => match words.as_slice() {
            [noun] => Some(format!("{noun} {attributes}")),
            _ => None,
        },
        (_, "", Conjunction::Or) => Some(join_or(nouns.into_iter().flatten())),
        _ => None,
    }
}

fn is_positive((test, positive): SignedTest<OrganisationTest>) -> bool {
    render_organisation_test(test, positive).positive
}

fn render_organisation_test(test: &OrganisationTest, positive: bool) -> Clause {
    let having = |noun: &str, comparison: &TextComparison| {
        let (positive, attribute) = render_attribute(noun, "its", comparison, positive);
        let with = if positive { "with" } else { "without" };
        render_did(positive, ["had", "have"], &attribute).with_bare_text(format!("{with} {attribute}"))
    };
    match test {
        OrganisationTest::Id(listed) => render_was(positive, join_or(list_names(listed))),
        OrganisationTest::Name(comparison) => having("name", comparison),
        // Identifiers are written in capitals.
        OrganisationTest::Identifier(comparison) => having("identifier", &to_upper_case(comparison)),
        OrganisationTest::Kind(comparison) => {
            if let Some(kind) = describe_kind(comparison, positive) {
                return render_was(true, format!("of {kind} kind"));
            }
            let (kinds, positive) = list_kinds(comparison, positive);
            render_was(positive, join_or(kinds))
        }
    }
}

/// "a known" for a test of a kind that names none.
fn describe_kind(comparison: &Comparison<OrganisationKind>, positive: bool) -> Option<&'static str> {
    if let Comparison::Known(known) = comparison {
        return Some(describe_known(positive == *known));
    }
    let is_allowed = |kind| comparison.matches(&kind) == positive;
    let allows_all = find_constant(OrganisationKind::ALL, is_allowed)?;
    Some(if allows_all { "a known" } else { "an impossible" })
}

/// The nouns that a test says that the organisation is or is not; none if it says something else.
fn list_nouns(test: &OrganisationTest, positive: bool) -> Option<Vec<String>> {
    match test {
        OrganisationTest::Id(listed) => Some(list_names(listed)),
        OrganisationTest::Kind(comparison) if describe_kind(comparison, positive).is_some() => None,
        OrganisationTest::Kind(comparison) => Some(list_kinds(comparison, positive).0),
        OrganisationTest::Name(_) | OrganisationTest::Identifier(_) => None,
    }
}

fn list_names(listed: &[NamedReference]) -> Vec<String> {
    listed.iter().map(|one| one.name.clone()).collect()
}

fn list_kinds(comparison: &Comparison<OrganisationKind>, positive: bool) -> (Vec<String>, bool) {
    let (kinds, positive) = list_shorter(OrganisationKind::ALL, |kind| comparison.matches(&kind), positive);
    let words = kinds.iter().map(|kind| add_article(kind.label()));
    (words.collect(), positive)
}
