//! Clauses about organisations.

use wayin_vocabulary::{Labelled, OrganisationKind};

use super::grammar::{Clause, GrammaticalNumber, Verb, render_did, render_was, render_were};
use super::normal_form::NormalForm;
use super::values::{add_article, join_or, list_matching, render_attribute};
use crate::predicate::{Comparison, OrganisationPredicate, OrganisationTest, TextComparison};

/// Which organisation, as a noun: "a funder", "an organisation that ...".
pub fn render_organisation(predicate: &OrganisationPredicate, positive: bool) -> Clause {
    let form = NormalForm::new(predicate, positive);
    match form.constant() {
        Some(true) => return Clause::new(true, Verb::Was, "an organisation"),
        Some(false) => return Clause::new(false, Verb::Was, "any organisation"),
        None => {}
    }
    let clause = form.render(&render_organisation_test);
    if clause.positive
        && let Some(noun) = clause.bare
    {
        return Clause::new(true, Verb::Was, noun);
    }
    // "not led by a funder" rather than "led by an organisation that was not a funder".
    let opposite = NormalForm::new(predicate, !positive).render(&render_organisation_test);
    match opposite.bare {
        Some(noun) => Clause::new(false, Verb::Was, noun),
        None => Clause::new(true, Verb::Was, format!("an organisation that {}", clause.text))
            .with_boundary_at_least(clause.boundary),
    }
}

fn render_organisation_test(test: &OrganisationTest, positive: bool) -> Clause {
    let having = |noun: &str, comparison: &TextComparison| {
        let (positive, attribute) = render_attribute(noun, comparison, positive);
        render_did(positive, ["had", "have"], &attribute)
            .with_bare_text(format!("an organisation with {attribute}"))
    };
    match test {
        OrganisationTest::Id(listed) => {
            render_was(positive, join_or(listed.iter().map(|one| one.name.clone())))
        }
        OrganisationTest::Name(comparison) => having("name", comparison),
        OrganisationTest::Identifier(comparison) => having("identifier", comparison),
        OrganisationTest::Kind(Comparison::Known(known)) => {
            let kind = "of a known kind";
            render_were(positive == *known, GrammaticalNumber::One, kind)
                .with_bare_text(format!("an organisation {kind}"))
        }
        OrganisationTest::Kind(comparison) => {
            let (kinds, positive) =
                list_matching(OrganisationKind::ALL, |kind| comparison.matches(&kind), positive);
            render_was(
                positive,
                join_or(kinds.iter().map(|kind| add_article(kind.label()))),
            )
        }
    }
}
