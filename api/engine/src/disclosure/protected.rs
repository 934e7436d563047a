//! Which conditions and dimensions are about protected answers: those that an outsider may not know of a record.
//! All others are key variables.

use wayin_records::fields::funding_term::FundingChoice;
use wayin_vocabulary::{Challenge, Condition, Dimension, Perspective};

use crate::predicate::{FundingTermPredicate, FundingTermTest, InitiativeTest};

/// A protected answer of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtectedAnswer {
    /// The way in of one perspective, or of any.
    WayIn(Option<Perspective>),
    /// The entry points of one perspective, or of any.
    EntryPoints(Option<Perspective>),
    /// The entry points of one perspective after the way in.
    LaterEntryPoints(Perspective),
    /// The step of a challenge.
    Step(Challenge),
    /// The reasons for the step of a challenge.
    Reasons(Challenge),
    /// The change of a condition.
    Change(Condition),
    /// What a funder required.
    Required(FundingChoice),
    /// The steps of all challenges.
    AllSteps,
    /// The reasons for the steps of all challenges.
    AllReasons,
    /// The changes of all conditions.
    AllChanges,
    /// The months of research before the work that was paid for.
    ResearchMonths,
}

impl ProtectedAnswer {
    /// The protected answer that a test is about; none if the test is decided from the description of a class. A test of funding
    /// terms that combines an answer with something else is: it could select the terms of a single record.
    pub fn of_test(test: &InitiativeTest) -> Option<Self> {
        match test {
            InitiativeTest::WayIn(perspective, _) => Some(Self::WayIn(*perspective)),
            InitiativeTest::EntryPoints(perspective, _) => Some(Self::EntryPoints(*perspective)),
            InitiativeTest::Step(challenge, _) => Some(Self::Step(*challenge)),
            InitiativeTest::Reasons(challenge, _) => Some(Self::Reasons(*challenge)),
            InitiativeTest::Change(condition, _) => Some(Self::Change(*condition)),
            InitiativeTest::FundingTerms(_, terms) => find_only_choice(terms).map(Self::Required),
            InitiativeTest::Id(_)
            | InitiativeTest::Title(_)
            | InitiativeTest::PlaceIs(_)
            | InitiativeTest::PlaceWithin(_)
            | InitiativeTest::PlaceKnown(_)
            | InitiativeTest::LeadOrganisation(_)
            | InitiativeTest::StartedOn(_)
            | InitiativeTest::EndedOn(_)
            | InitiativeTest::UpdatedAt(_)
            | InitiativeTest::ActiveDuring(_)
            | InitiativeTest::StartedDuring(_)
            | InitiativeTest::FundedDuring(_)
            | InitiativeTest::FundingTermsRecorded(_) => None,
        }
    }

    /// The protected answer that a dimension is about; none if it is a key variable.
    pub fn of_dimension(dimension: Dimension) -> Option<Self> {
        match dimension {
            Dimension::WayIn => Some(Self::WayIn(None)),
            Dimension::WayInOfPractitioner => Some(Self::WayIn(Some(Perspective::Practitioner))),
            Dimension::WayInOfFunder => Some(Self::WayIn(Some(Perspective::Funder))),
            Dimension::WayInOfNationalCharity => Some(Self::WayIn(Some(Perspective::NationalCharity))),
            Dimension::WayInOfCommunity => Some(Self::WayIn(Some(Perspective::Community))),
            Dimension::Challenge => Some(Self::AllSteps),
            Dimension::ChallengeUnderstanding => Some(Self::Step(Challenge::UnderstandingLocalSystem)),
            Dimension::ChallengeAmbitions => Some(Self::Step(Challenge::DefiningAmbitions)),
            Dimension::ChallengeConditions => Some(Self::Step(Challenge::FosteringConditions)),
            Dimension::Reason => Some(Self::AllReasons),
            Dimension::ConditionChanged => Some(Self::AllChanges),
            Dimension::UpfrontResearchMonthsBand => Some(Self::ResearchMonths),
            Dimension::FundingResearch
            | Dimension::ReportingFrequency
            | Dimension::ReportingBasis
            | Dimension::IntendedFocus
            | Dimension::MultiSiteFunding => FundingChoice::find_for_dimension(dimension).map(Self::Required),
            Dimension::Place
            | Dimension::Region
            | Dimension::PlaceKind
            | Dimension::LeadOrganisation
            | Dimension::LeadOrganisationKind
            | Dimension::Funder
            | Dimension::FundingDurationBand
            | Dimension::YearStarted => None,
        }
    }
}

/// The choice that all tests of funding terms are about; none if they are about different things.
fn find_only_choice(terms: &FundingTermPredicate) -> Option<FundingChoice> {
    let mut fields: Vec<Option<FundingChoice>> = Vec::new();
    terms.for_each_test(&mut |test| {
        fields.push(match test {
            FundingTermTest::Choice(choice, _) => Some(*choice),
            _ => None,
        });
    });
    let first = *fields.first()?;
    fields.iter().all(|field| *field == first).then_some(first)?
}
