//! The filters of initiatives as clients write them, and their conversion to predicates. The conversion
//! resolves names, validates lists and limits, and reports errors with their path.

use async_graphql::InputObject;
use futures_util::future::BoxFuture;
use wayin_entity::{Challenge, Choice, Condition as ConditionForChange, EntryPoint, Perspective};
use wayin_records::fields::funding_term::FundingChoice;

use crate::crisis;
use crate::error::{Error, Result};
use crate::graphql::comparison::{
    BigIntComparison, BooleanComparison, ChallengeReasonsComparison, ChallengeStepComparison,
    ChangeExtentComparison, DateComparison, DeliveryTimelineComparison, EntryPointComparison, IdComparison,
    IntComparison, MomentComparison, ReportingBasisComparison, ReportingFrequencyComparison,
    RestrictionComparison, TextComparisonInput, require_not_empty,
};
use crate::graphql::filter::{
    FilterContext, all_of, field_path, negate_if_false, require_any_part, require_condition_count,
};
use crate::id::NodeKind;
use crate::organisation::filter_input::{OrganisationFilter, build_own_predicate};
use crate::place::filter_input::PlaceRef;
use wayin_engine::predicate::{
    Comparison, CrisisPeriod, FundingTermPredicate, FundingTermTest, InitiativePredicate, InitiativeTest,
    Predicate, Quantifier, SetComparison, WayInComparison,
};

fn initiative_test_weight(test: &InitiativeTest) -> usize {
    match test {
        InitiativeTest::FundingTerms(_, terms) => terms.count_nodes(&funding_term_test_weight),
        InitiativeTest::LeadOrganisation(organisations) => organisations.count_nodes(&|_| 0),
        _ => 0,
    }
}

fn funding_term_test_weight(test: &FundingTermTest) -> usize {
    match test {
        FundingTermTest::Funder(organisations) => organisations.count_nodes(&|_| 0),
        _ => 0,
    }
}

/// Filters initiatives. All parts must hold. An empty filter matches every initiative.
///
/// Each condition is TRUE, FALSE or UNKNOWN for a record. A missing answer is UNKNOWN, never FALSE. A list
/// returns the initiatives for which the filter is TRUE. A pattern counts all three.
#[derive(Clone, Debug, Default, InputObject)]
pub struct InitiativeFilter {
    /// All of these filters hold. An empty list is TRUE.
    pub and: Option<Vec<InitiativeFilter>>,
    /// At least one of these filters holds. An empty list is FALSE.
    pub or: Option<Vec<InitiativeFilter>>,
    /// This filter does not hold. UNKNOWN if the filter is UNKNOWN.
    pub not: Option<Box<InitiativeFilter>>,
    /// The global ID of the initiative.
    pub id: Option<IdComparison>,
    /// The title.
    pub title: Option<TextComparisonInput>,
    /// The place where the initiative works. UNKNOWN if not known.
    pub place: Option<InitiativePlaceFilter>,
    /// The lead organisation.
    pub lead_organisation: Option<OrganisationFilter>,
    /// Whether your own organisation leads it. An error if you belong to no organisation, and in a claim,
    /// which everybody reads.
    pub led_by_me: Option<bool>,
    /// The day the initiative started.
    pub started_on: Option<DateComparison>,
    /// The day the initiative ended.
    pub ended_on: Option<DateComparison>,
    /// When the record last changed.
    pub updated_at: Option<MomentComparison>,
    /// Whether the initiative was active during a crisis. UNKNOWN if the dates are not known well enough to
    /// decide.
    pub active_during: Option<CrisisFilter>,
    /// Whether the initiative started during a crisis, in a place that the crisis affects. UNKNOWN if the
    /// day it started is not known.
    pub started_during: Option<CrisisFilter>,
    /// Whether any funding term starts during a crisis: its planned first day lies in the period of the
    /// crisis, and the place is one that the crisis affects. UNKNOWN if no term is recorded, or if no known
    /// first day lies in the period and some first day is not known.
    pub funded_during: Option<CrisisFilter>,
    /// The way in: the first entry point that the initiative took.
    pub way_in: Option<WayInFilter>,
    /// All entry points that the initiative took.
    pub entry_points: Option<EntryPointsFilter>,
    /// How the initiative dealt with a challenge.
    pub challenge: Option<ChallengeFilter>,
    /// How far a condition for change was altered.
    pub condition: Option<ConditionFilter>,
    /// The terms of the funding.
    pub funding_terms: Option<Box<FundingTermsFilter>>,
    /// Whether your own organisation is the funder of any of its funding terms. UNKNOWN if no funding term is
    /// recorded. An error if you belong to no organisation, and in a claim, which everybody reads.
    pub funded_by_me: Option<bool>,
}

/// Filters by the place where an initiative works. All parts must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct InitiativePlaceFilter {
    /// The initiative works in this place itself.
    pub is: Option<PlaceRef>,
    /// The initiative works in this place or in a place within it.
    pub within: Option<PlaceRef>,
    /// Whether the place is known. This comparison is never UNKNOWN.
    pub is_known: Option<bool>,
}

/// Filters by a crisis.
#[derive(Clone, Debug, InputObject)]
pub struct CrisisFilter {
    /// The slug of the crisis, such as `cost-of-living`.
    pub crisis: String,
}

/// Filters by the way in: the entry point that an initiative took first, from one perspective or from any.
#[derive(Clone, Debug, Default, InputObject)]
pub struct WayInFilter {
    /// The way in is one of these. An empty list is an error.
    #[graphql(name = "in")]
    pub is_in: Option<Vec<EntryPoint>>,
    /// Whether a way in is recorded. This comparison is never UNKNOWN.
    pub is_known: Option<bool>,
    /// Whose view counts, such as the practitioner's. By default, any.
    pub perspective: Option<Perspective>,
}

/// Filters by the entry points that an initiative took, from one perspective or from any.
#[derive(Clone, Debug, Default, InputObject)]
pub struct EntryPointsFilter {
    /// All of these were taken. An empty list is an error.
    pub includes: Option<Vec<EntryPoint>>,
    /// At least one of these was taken. An empty list is an error.
    pub includes_any: Option<Vec<EntryPoint>>,
    /// Whether any entry point is recorded. This comparison is never UNKNOWN.
    pub is_known: Option<bool>,
    /// Whose view counts, such as the practitioner's. By default, any.
    pub perspective: Option<Perspective>,
}

/// Filters by how an initiative dealt with one challenge. All parts must hold. At least one of `step` and
/// `reasons` is required.
#[derive(Clone, Debug, InputObject)]
pub struct ChallengeFilter {
    /// The challenge.
    pub on: Challenge,
    /// Whether the step was taken.
    pub step: Option<ChallengeStepComparison>,
    /// Why the step was rushed or skipped.
    pub reasons: Option<ChallengeReasonsComparison>,
}

/// Filters by how far one condition for change was altered.
#[derive(Clone, Debug, InputObject)]
pub struct ConditionFilter {
    /// The condition for change.
    pub on: ConditionForChange,
    /// How far the condition was altered.
    pub change: ChangeExtentComparison,
}

/// Filters by the funding terms of an initiative. All parts must hold. At least one is required. `some`,
/// `every` and `none` are UNKNOWN if no funding term is recorded.
#[derive(Clone, Debug, Default, InputObject)]
pub struct FundingTermsFilter {
    /// At least one funding term matches this filter.
    pub some: Option<FundingTermFilter>,
    /// Every funding term matches this filter.
    pub every: Option<FundingTermFilter>,
    /// No funding term matches this filter.
    pub none: Option<FundingTermFilter>,
    /// Whether any funding term is recorded. Never UNKNOWN.
    pub is_recorded: Option<bool>,
}

/// Filters funding terms. All parts must hold for the same funding term.
#[derive(Clone, Debug, Default, InputObject)]
pub struct FundingTermFilter {
    /// All of these filters hold. An empty list is TRUE.
    pub and: Option<Vec<FundingTermFilter>>,
    /// At least one of these filters holds. An empty list is FALSE.
    pub or: Option<Vec<FundingTermFilter>>,
    /// This filter does not hold. UNKNOWN if the filter is UNKNOWN.
    pub not: Option<Box<FundingTermFilter>>,
    /// The organisation that gave the money.
    pub funder: Option<OrganisationFilter>,
    /// The length in whole months.
    pub duration_months: Option<IntComparison>,
    /// The amount in the currency's minor unit.
    pub amount_minor: Option<BigIntComparison>,
    /// The ISO 4217 code of the currency.
    pub currency: Option<TextComparisonInput>,
    /// The planned first day.
    pub starts_on: Option<DateComparison>,
    /// Whether the money paid for research before the work.
    pub upfront_research: Option<BooleanComparison>,
    /// Whether the money paid for the extra time and resources that collaboration takes.
    pub collaboration_resourced: Option<BooleanComparison>,
    /// The entry point that the funder intended to fund.
    pub intended_focus: Option<EntryPointComparison>,
    /// Whether the money can be used for any purpose.
    pub restriction: Option<RestrictionComparison>,
    /// How often the funder requires a report.
    pub reporting_frequency: Option<ReportingFrequencyComparison>,
    /// What the funder requires reports on.
    pub reporting_basis: Option<ReportingBasisComparison>,
    /// Whether the delivery timeline can change.
    pub delivery_timeline: Option<DeliveryTimelineComparison>,
    /// Whether the funding can be renewed.
    pub renewable: Option<BooleanComparison>,
    /// Whether the money also pays for work in other places.
    pub multi_site: Option<BooleanComparison>,
}

impl InitiativeFilter {
    /// Converts the filter to a predicate. `path` names the argument in errors.
    pub fn into_predicate(
        self,
        lookup: FilterContext<'_>,
        path: String,
    ) -> BoxFuture<'_, Result<InitiativePredicate>> {
        Box::pin(async move {
            let lookup = lookup.nested(&path)?;
            let mut all = Vec::new();
            for (index, part) in self.and.into_iter().flatten().enumerate() {
                all.push(part.into_predicate(lookup, format!("{path}.and.{index}")).await?);
            }
            if let Some(or) = self.or {
                let mut any = Vec::with_capacity(or.len());
                for (index, part) in or.into_iter().enumerate() {
                    any.push(part.into_predicate(lookup, format!("{path}.or.{index}")).await?);
                }
                all.push(Predicate::Any(any));
            }
            if let Some(not) = self.not {
                all.push(
                    not.into_predicate(lookup, field_path(&path, "not"))
                        .await?
                        .negated(),
                );
            }
            if let Some(id) = self.id {
                all.push(id.into_predicate(
                    &field_path(&path, "id"),
                    NodeKind::Initiative,
                    InitiativeTest::Id,
                )?);
            }
            if let Some(title) = self.title {
                all.push(title.into_predicate(&field_path(&path, "title"), InitiativeTest::Title)?);
            }
            if let Some(place) = self.place {
                all.push(place.condition(lookup, &field_path(&path, "place")).await?);
            }
            if let Some(organisation) = self.lead_organisation {
                let condition = organisation
                    .into_predicate(lookup, field_path(&path, "leadOrganisation"))
                    .await?;
                all.push(Predicate::Test(InitiativeTest::LeadOrganisation(condition)));
            }
            if let Some(led) = self.led_by_me {
                let own = build_own_predicate(lookup, &field_path(&path, "ledByMe")).await?;
                let condition = Predicate::Test(InitiativeTest::LeadOrganisation(own));
                all.push(negate_if_false(condition, led));
            }
            if let Some(day) = self.started_on {
                all.push(day.into_predicate(&field_path(&path, "startedOn"), InitiativeTest::StartedOn)?);
            }
            if let Some(day) = self.ended_on {
                all.push(day.into_predicate(&field_path(&path, "endedOn"), InitiativeTest::EndedOn)?);
            }
            if let Some(moment) = self.updated_at {
                all.push(moment.into_predicate(&field_path(&path, "updatedAt"), InitiativeTest::UpdatedAt)?);
            }
            let during = [self.active_during, self.started_during, self.funded_during];
            all.extend(find_crisis_conditions(lookup, &path, during).await?);
            if let Some(scope) = self.way_in {
                all.push(scope.condition(&field_path(&path, "wayIn"))?);
            }
            if let Some(scope) = self.entry_points {
                all.push(scope.condition(&field_path(&path, "entryPoints"))?);
            }
            if let Some(scope) = self.challenge {
                all.push(scope.condition(&field_path(&path, "challenge"))?);
            }
            if let Some(ConditionFilter { on, change }) = self.condition {
                let test = |comparison| InitiativeTest::Change(on, comparison);
                all.push(change.into_predicate(&field_path(&path, "condition.change"), test)?);
            }
            if let Some(scope) = self.funding_terms {
                all.push(
                    scope
                        .condition(lookup, &field_path(&path, "fundingTerms"))
                        .await?,
                );
            }
            if let Some(funded) = self.funded_by_me {
                let own = build_own_predicate(lookup, &field_path(&path, "fundedByMe")).await?;
                let terms = Predicate::Test(FundingTermTest::Funder(own));
                let condition = Predicate::Test(InitiativeTest::FundingTerms(Quantifier::Some, terms));
                all.push(negate_if_false(condition, funded));
            }
            require_condition_count(&path, all_of(all), initiative_test_weight)
        })
    }
}

impl InitiativePlaceFilter {
    async fn condition(self, lookup: FilterContext<'_>, path: &str) -> Result<InitiativePredicate> {
        let mut all = Vec::new();
        if let Some(place) = self.is {
            all.push(Predicate::Test(InitiativeTest::PlaceIs(
                place.find_reference(lookup, &field_path(path, "is")).await?,
            )));
        }
        if let Some(place) = self.within {
            all.push(Predicate::Test(InitiativeTest::PlaceWithin(
                place.find_reference(lookup, &field_path(path, "within")).await?,
            )));
        }
        all.extend(
            self.is_known
                .map(|known| Predicate::Test(InitiativeTest::PlaceKnown(known))),
        );
        require_any_part(path, all)
    }
}

/// Makes the test of a crisis.
type NewCrisisTest = fn(CrisisPeriod) -> InitiativeTest;

/// The conditions of the filters `activeDuring`, `startedDuring` and `fundedDuring`.
async fn find_crisis_conditions(
    lookup: FilterContext<'_>,
    path: &str,
    [active, started, funded]: [Option<CrisisFilter>; 3],
) -> Result<Vec<InitiativePredicate>> {
    let filters: [(&str, Option<CrisisFilter>, NewCrisisTest); 3] = [
        ("activeDuring", active, InitiativeTest::ActiveDuring),
        ("startedDuring", started, InitiativeTest::StartedDuring),
        ("fundedDuring", funded, InitiativeTest::FundedDuring),
    ];
    let mut all = Vec::new();
    for (name, filter, test) in filters {
        if let Some(filter) = filter {
            let path = field_path(path, &format!("{name}.crisis"));
            let crisis = find_crisis(lookup, &path, &filter.crisis).await?;
            all.push(Predicate::Test(test(crisis)));
        }
    }
    Ok(all)
}

async fn find_crisis(lookup: FilterContext<'_>, path: &str, slug: &str) -> Result<CrisisPeriod> {
    crisis::find_period(lookup.db, slug)
        .await?
        .ok_or_else(|| Error::bad_input(path, format!("there is no crisis {slug}")))
}

impl WayInFilter {
    fn condition(self, path: &str) -> Result<InitiativePredicate> {
        let test = |comparison| Predicate::Test(InitiativeTest::WayIn(self.perspective, comparison));
        let mut all = Vec::new();
        all.extend(
            require_not_empty(path, "in", self.is_in)?.map(|listed| test(WayInComparison::OneOf(listed))),
        );
        all.extend(self.is_known.map(|known| test(WayInComparison::Known(known))));
        require_any_part(path, all)
    }
}

impl EntryPointsFilter {
    fn condition(self, path: &str) -> Result<InitiativePredicate> {
        let test = |comparison| Predicate::Test(InitiativeTest::EntryPoints(self.perspective, comparison));
        let mut all = Vec::new();
        let includes = require_not_empty(path, "includes", self.includes)?;
        all.extend(includes.map(|listed| test(SetComparison::IncludesAll(listed))));
        let includes_any = require_not_empty(path, "includesAny", self.includes_any)?;
        all.extend(includes_any.map(|listed| test(SetComparison::IncludesAny(listed))));
        all.extend(self.is_known.map(|known| test(SetComparison::Known(known))));
        require_any_part(path, all)
    }
}

impl ChallengeFilter {
    fn condition(self, path: &str) -> Result<InitiativePredicate> {
        let on = self.on;
        let mut all = Vec::new();
        if let Some(step) = self.step {
            all.push(step.into_predicate(&field_path(path, "step"), |comparison| {
                InitiativeTest::Step(on, comparison)
            })?);
        }
        if let Some(reasons) = self.reasons {
            all.push(
                reasons.into_predicate(&field_path(path, "reasons"), |comparison| {
                    InitiativeTest::Reasons(on, comparison)
                })?,
            );
        }
        require_any_part(path, all)
    }
}

impl FundingTermsFilter {
    async fn condition(self, lookup: FilterContext<'_>, path: &str) -> Result<InitiativePredicate> {
        let mut all = Vec::new();
        let quantified = [
            (Quantifier::Some, "some", self.some),
            (Quantifier::Every, "every", self.every),
            (Quantifier::None, "none", self.none),
        ];
        for (quantifier, name, filter) in quantified {
            if let Some(filter) = filter {
                let terms = filter.into_predicate(lookup, field_path(path, name)).await?;
                all.push(Predicate::Test(InitiativeTest::FundingTerms(quantifier, terms)));
            }
        }
        all.extend(
            self.is_recorded
                .map(|recorded| Predicate::Test(InitiativeTest::FundingTermsRecorded(recorded))),
        );
        require_any_part(path, all)
    }
}

impl FundingTermFilter {
    fn into_predicate(
        self,
        lookup: FilterContext<'_>,
        path: String,
    ) -> BoxFuture<'_, Result<FundingTermPredicate>> {
        Box::pin(async move {
            let lookup = lookup.nested(&path)?;
            let mut all = Vec::new();
            for (index, part) in self.and.into_iter().flatten().enumerate() {
                all.push(part.into_predicate(lookup, format!("{path}.and.{index}")).await?);
            }
            if let Some(or) = self.or {
                let mut any = Vec::with_capacity(or.len());
                for (index, part) in or.into_iter().enumerate() {
                    any.push(part.into_predicate(lookup, format!("{path}.or.{index}")).await?);
                }
                all.push(Predicate::Any(any));
            }
            if let Some(not) = self.not {
                all.push(
                    not.into_predicate(lookup, field_path(&path, "not"))
                        .await?
                        .negated(),
                );
            }
            if let Some(funder) = self.funder {
                let condition = funder.into_predicate(lookup, field_path(&path, "funder")).await?;
                all.push(Predicate::Test(FundingTermTest::Funder(condition)));
            }
            macro_rules! compare {
                ($($field:ident, $name:literal => $test:expr;)+) => {
                    $(if let Some(comparison) = self.$field {
                        all.push(comparison.into_predicate(&field_path(&path, $name), $test)?);
                    })+
                };
            }
            compare! {
                duration_months, "durationMonths" => FundingTermTest::DurationMonths;
                amount_minor, "amountMinor" => FundingTermTest::AmountMinor;
                currency, "currency" => FundingTermTest::Currency;
                starts_on, "startsOn" => FundingTermTest::StartsOn;
                intended_focus, "intendedFocus" => choice(FundingChoice::IntendedFocus);
                upfront_research, "upfrontResearch" => choice(FundingChoice::UpfrontResearch);
                collaboration_resourced, "collaborationResourced" => choice(FundingChoice::CollaborationResourced);
                restriction, "restriction" => choice(FundingChoice::Restriction);
                reporting_frequency, "reportingFrequency" => choice(FundingChoice::ReportingFrequency);
                reporting_basis, "reportingBasis" => choice(FundingChoice::ReportingBasis);
                delivery_timeline, "deliveryTimeline" => choice(FundingChoice::DeliveryTimeline);
                renewable, "renewable" => choice(FundingChoice::Renewable);
                multi_site, "multiSite" => choice(FundingChoice::MultiSite);
            }
            require_condition_count(&path, all_of(all), funding_term_test_weight)
        })
    }
}

/// Converts a comparison with choices to a test of their numbers.
fn choice<T: Choice>(field: FundingChoice) -> impl Fn(Comparison<T>) -> FundingTermTest {
    move |comparison| FundingTermTest::choice(field, &comparison)
}
