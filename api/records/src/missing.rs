//! Why answers are missing: for each field of a record or of one of its parts that says
//! nothing, whether it was asked at all, and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use wayin_vocabulary::MissingReason;

use super::record::{ChallengeFaced, ConditionChanged, EntryPointTaken, FundingTerm, InitiativeRecord};
use crate::finding::{FindingCode, Findings};

/// The fields of a part of a record that may be left without an answer.
pub trait Answer: Copy + Ord + 'static {
    /// What they are fields of.
    type Part;
    /// Every one of them, in the order in which the part has them.
    const ALL: &'static [Self];
    /// Their names, in the same order.
    const NAMES: &'static [&'static str];

    /// The field's name in documents.
    fn name(self) -> &'static str;
    /// Whether a part answers it.
    fn is_given(self, part: &Self::Part) -> bool;
}

macro_rules! answers {
    ($(#[doc = $about:literal] $name:ident of $part:ident {
        $($variant:ident $text:literal: |$one:ident| $given:expr,)+
    })+) => {$(
        #[doc = $about]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`.")] $variant,)+
        }

        impl Answer for $name {
            type Part = $part;
            const ALL: &'static [Self] = &[$(Self::$variant,)+];
            const NAMES: &'static [&'static str] = &[$($text,)+];

            fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            fn is_given(self, part: &$part) -> bool {
                match self { $(Self::$variant => { let $one = part; $given })+ }
            }
        }
    )+};
}

answers! {
    /// The fields of a record itself that may be left without an answer.
    RecordAnswer of InitiativeRecord {
        Summary "summary": |record| record.summary.is_some(),
        Place "place": |record| record.place.is_some(),
        StartedOn "startedOn": |record| record.started_on.is_some(),
        EndedOn "endedOn": |record| record.ended_on.is_some(),
        Ongoing "ongoing": |record| record.ongoing.is_some(),
        EntryPoints "entryPoints": |record| !record.entry_points.is_empty(),
        ChallengesFaced "challengesFaced": |record| !record.challenges_faced.is_empty(),
        ConditionsChanged "conditionsChanged": |record| !record.conditions_changed.is_empty(),
        FundingTerms "fundingTerms": |record| !record.funding_terms.is_empty(),
    }
    /// The fields of an entry point taken that may be left without an answer.
    EntryPointAnswer of EntryPointTaken {
        TakenOn "takenOn": |taken| taken.taken_on.is_some(),
        Motivation "motivation": |taken| taken.motivation.is_some(),
    }
    /// The fields of a challenge faced that may be left without an answer.
    ChallengeAnswer of ChallengeFaced {
        Step "step": |faced| faced.step.is_some(),
        Reasons "reasons": |faced| !faced.reasons.is_empty(),
        Note "note": |faced| faced.note.is_some(),
        NoticedOn "noticedOn": |faced| faced.noticed_on.is_some(),
        Perspective "perspective": |faced| faced.perspective.is_some(),
    }
    /// The fields of a condition for change that may be left without an answer.
    ConditionAnswer of ConditionChanged {
        Change "change": |changed| changed.change.is_some(),
    }
    /// The fields of a funding term that may be left without an answer.
    FundingTermAnswer of FundingTerm {
        GrantIdentifier "grantIdentifier": |term| term.grant_identifier.is_some(),
        Programme "programme": |term| term.programme.is_some(),
        Currency "currency": |term| term.currency.is_some(),
        AmountMinor "amountMinor": |term| term.amount_minor.is_some(),
        AwardedOn "awardedOn": |term| term.awarded_on.is_some(),
        StartsOn "startsOn": |term| term.starts_on.is_some(),
        EndsOn "endsOn": |term| term.ends_on.is_some(),
        DurationMonths "durationMonths": |term| term.duration_months.is_some(),
        IntendedFocus "intendedFocus": |term| term.intended_focus.is_some(),
        UpfrontResearch "upfrontResearch": |term| term.upfront_research.is_some(),
        UpfrontResearchMonths "upfrontResearchMonths": |term| term.upfront_research_months.is_some(),
        CollaborationResourced "collaborationResourced": |term| term.collaboration_resourced.is_some(),
        Restriction "restriction": |term| term.restriction.is_some(),
        ReportingFrequency "reportingFrequency": |term| term.reporting_frequency.is_some(),
        ReportingBasis "reportingBasis": |term| term.reporting_basis.is_some(),
        DeliveryTimeline "deliveryTimeline": |term| term.delivery_timeline.is_some(),
        Renewable "renewable": |term| term.renewable.is_some(),
    }
}

/// Why answers of a part are missing, by field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing<A: Answer>(BTreeMap<A, MissingReason>);

impl<A: Answer> Default for Missing<A> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<A: Answer> Missing<A> {
    /// Whether nothing says why.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Why the answer of a field is missing; none where nothing says why.
    pub fn why(&self, field: A) -> Option<MissingReason> {
        self.0.get(&field).copied()
    }

    /// Says why the answer of a field is missing.
    pub fn say(&mut self, field: A, why: MissingReason) {
        self.0.insert(field, why);
    }

    /// Each field of which the answer is missing, and why, in the order of the part's fields.
    pub fn each(&self) -> impl Iterator<Item = (A, MissingReason)> {
        self.0.iter().map(|(field, why)| (*field, *why))
    }

    /// Takes out what is said of some fields.
    pub fn forget(&mut self, of: impl Fn(A) -> bool) {
        self.0.retain(|field, _| !of(*field));
    }

    /// As the tables keep it; none where nothing says why.
    pub fn kept(&self) -> Option<Value> {
        let said = self.each().map(|(field, why)| (field.name(), why.code().into()));
        (!self.is_empty()).then(|| {
            Value::from_iter::<serde_json::Map<_, _>>(
                said.map(|(name, code)| (name.to_owned(), code)).collect(),
            )
        })
    }

    /// Out of what the tables keep.
    ///
    /// # Errors
    /// Where what is stored is no such object.
    pub fn of_kept(kept: Option<&Value>) -> serde_json::Result<Self> {
        let Some(kept) = kept else {
            return Ok(Self::default());
        };
        Self::deserialize(kept)
    }

    /// Finds what is said to be missing and is there.
    pub(super) fn check(&self, path: &str, part: &A::Part, found: &mut Findings) {
        for (field, _) in self.each().filter(|(field, _)| field.is_given(part)) {
            let name = field.name();
            let within = if path.is_empty() {
                String::new()
            } else {
                format!("{path}/")
            };
            found.error(
                FindingCode::Contradictory,
                format!("{within}missing/{name}"),
                format!("says why {name} is missing, but it is given, or follows from what is given"),
            );
        }
    }
}

impl<A: Answer> Serialize for Missing<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.each().map(|(field, why)| (field.name(), why)))
    }
}

impl<'de, A: Answer> Deserialize<'de> for Missing<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// Reads each field with its reason; null says as little as nothing.
struct Fields<A>(PhantomData<A>);

impl<'de, A: Answer> Visitor<'de> for Fields<A> {
    type Value = Missing<A>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of fields and why each is missing")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Missing<A>, M::Error> {
        let mut missing = Missing::default();
        while let Some(name) = map.next_key::<String>()? {
            let Some(field) = A::ALL.iter().find(|field| field.name() == name) else {
                return Err(M::Error::unknown_field(&name, A::NAMES));
            };
            if let Some(why) = map.next_value()? {
                missing.say(*field, why);
            }
        }
        Ok(missing)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{json_reader, validate};

    #[test]
    fn what_is_said_comes_back_as_it_was() {
        let said = json!({"durationMonths": "NOT_ASKED", "renewable": "WITHHELD"});
        let missing = Missing::<FundingTermAnswer>::of_kept(Some(&said)).unwrap();
        assert_eq!(
            missing.why(FundingTermAnswer::DurationMonths),
            Some(MissingReason::NotAsked)
        );
        assert_eq!(missing.kept(), Some(said.clone()));
        assert_eq!(serde_json::to_value(&missing).unwrap(), said);
        assert_eq!(Missing::<FundingTermAnswer>::default().kept(), None);
    }

    #[test]
    fn names_are_those_of_the_record() {
        // A field by another name would be refused by the record itself.
        fn named<A: Answer>() {
            for (field, name) in A::ALL.iter().zip(A::NAMES) {
                assert_eq!(field.name(), *name);
            }
        }
        named::<RecordAnswer>();
        named::<EntryPointAnswer>();
        named::<ChallengeAnswer>();
        named::<ConditionAnswer>();
        named::<FundingTermAnswer>();
        let whole = json!({
            "title": "A", "leadOrganisation": {"name": "B"}, "source": {"kind": "SELF_REPORT", "title": "C"},
            "summary": "S", "place": {"code": "E1"}, "startedOn": "2020-01-01", "endedOn": "2021-01-01", "ongoing": false,
            "entryPoints": [{"entryPoint": "COMPLEXITY", "perspective": "FUNDER", "takenOn": "2020-01-01", "motivation": "M"}],
            "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "step": "TAKEN", "reasons": ["OTHER"], "note": "N",
                "noticedOn": "2020-01-01", "perspective": "FUNDER"}],
            "conditionsChanged": [{"condition": "GOVERNANCE", "change": "PARTLY"}],
            "fundingTerms": [{"funder": {"name": "F"}, "grantIdentifier": "G", "programme": "P", "currency": "GBP", "amountMinor": 1,
                "awardedOn": "2020-01-01", "startsOn": "2020-01-01", "endsOn": "2020-12-31", "durationMonths": 12,
                "intendedFocus": "COMPLEXITY", "upfrontResearch": true, "upfrontResearchMonths": 1,
                "collaborationResourced": true, "restriction": "RESTRICTED", "reportingFrequency": "NONE",
                "reportingBasis": "ADAPTABLE", "deliveryTimeline": "FIXED", "renewable": true}],
        });
        let record: InitiativeRecord = serde_json::from_value(whole).unwrap();
        assert!(RecordAnswer::ALL.iter().all(|field| field.is_given(&record)));
        assert!(
            EntryPointAnswer::ALL
                .iter()
                .all(|field| field.is_given(&record.entry_points[0]))
        );
        assert!(
            ChallengeAnswer::ALL
                .iter()
                .all(|field| field.is_given(&record.challenges_faced[0]))
        );
        assert!(
            ConditionAnswer::ALL
                .iter()
                .all(|field| field.is_given(&record.conditions_changed[0]))
        );
        assert!(
            FundingTermAnswer::ALL
                .iter()
                .all(|field| field.is_given(&record.funding_terms[0]))
        );
    }

    #[test]
    fn every_mistake_is_named_at_once_with_its_path() {
        let reading = json_reader::read(json!({
            "title": "A", "leadOrganisation": {"name": "B"}, "source": {"kind": "SELF_REPORT", "title": "C"},
            "externalRef": "1", "startedOn": "2020-01-01",
            "missing": {"startedOn": "NO_REPLY", "place": "NOT_ASKED", "title": "NOT_ASKED", "summary": null},
            "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "missing": {"step": "FORGOTTEN", "reasons": "NO_REPLY"}}],
            "fundingTerms": [
                {"funder": {"name": "F"}, "missing": {"length": "NOT_ASKED"}},
                {"funder": {"name": "F"}, "startsOn": "2020-01-01", "endsOn": "2020-12-31", "renewable": true,
                 "missing": {"durationMonths": "NOT_ASKED", "renewable": "WITHHELD", "restriction": "WITHHELD"}},
                {"funder": {"name": "F"}, "missing": "NOT_ASKED"},
            ],
        }));
        let mut found: Vec<(String, String)> = reading
            .findings
            .iter()
            .map(|found| (found.path.clone(), found.reason.clone()))
            .collect();
        let mut record = reading.record.clone().unwrap();
        validate::tidy(&mut record);
        found.extend(
            validate::check(&record)
                .errors
                .into_iter()
                .filter_map(|error| Some((reading.original(&error.path)?, error.reason))),
        );
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "challengesFaced/0/missing/step",
                "fundingTerms/0/missing/length",
                "fundingTerms/2/missing",
                "missing/title",
                "missing/startedOn",
                "fundingTerms/1/missing/durationMonths",
                "fundingTerms/1/missing/renewable",
            ]
        );
        assert_eq!(
            found[0].1,
            "\"FORGOTTEN\" is none of the choices; they are NOT_ASKED, NO_REPLY, WITHHELD, NOT_APPLICABLE"
        );
        assert_eq!(
            found[4].1,
            "says why startedOn is missing, but it is given, or follows from what is given"
        );
        // What could be read of it stands.
        assert_eq!(
            record.missing.why(RecordAnswer::Place),
            Some(MissingReason::NotAsked)
        );
        assert_eq!(
            record.challenges_faced[0].missing.why(ChallengeAnswer::Reasons),
            Some(MissingReason::NoReply)
        );
    }
}
