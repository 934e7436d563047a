//! Why fields have no answer: the question was not asked, nobody replied, and so on.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use wayin_vocabulary::MissingReason;

use crate::fields::Field;
use crate::problem::{ProblemCode, Problems};

/// The reason why each field of a part of a record is missing. Fields without a reason are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingReasons<F: Field>(BTreeMap<F, MissingReason>);

impl<F: Field> Default for MissingReasons<F> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<F: Field> MissingReasons<F> {
    /// Returns whether no field has a reason.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the reason why a field is missing, if there is one.
    pub fn get(&self, field: F) -> Option<MissingReason> {
        self.0.get(&field).copied()
    }

    /// Sets the reason why a field is missing.
    pub fn insert(&mut self, field: F, reason: MissingReason) {
        self.0.insert(field, reason);
    }

    /// Lists the fields that have a reason, in the order of the part's fields.
    pub fn iter(&self) -> impl Iterator<Item = (F, MissingReason)> {
        self.0.iter().map(|(field, reason)| (*field, *reason))
    }

    /// Removes the reasons of the fields that match.
    pub fn remove_where(&mut self, matches: impl Fn(F) -> bool) {
        self.0.retain(|field, _| !matches(*field));
    }

    /// The value that the tables store. `None` if no field has a reason.
    pub fn to_json(&self) -> Option<Value> {
        let reasons = self
            .iter()
            .map(|(field, reason)| (field.name().to_owned(), reason.code().into()));
        (!self.is_empty()).then(|| Value::Object(reasons.collect()))
    }

    /// Reads the value that the tables store.
    ///
    /// # Errors
    /// If the value is not an object of fields and reasons.
    pub fn from_json(stored: Option<&Value>) -> serde_json::Result<Self> {
        stored.map_or_else(|| Ok(Self::default()), Self::deserialize)
    }

    /// Adds an error for each field that has both a reason and an answer. Paths begin at the part.
    pub(super) fn check_unanswered(&self, part: &F::Part, found: &mut Problems) {
        for (field, _) in self.iter().filter(|(field, _)| field.is_given(part)) {
            let name = field.name();
            found.add_error(
                ProblemCode::Contradictory,
                format!("missing/{name}"),
                format!("says why {name} is missing, but it is given, or follows from what is given"),
            );
        }
    }
}

impl<F: Field> Serialize for MissingReasons<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(field, reason)| (field.name(), reason)))
    }
}

impl<'de, F: Field> Deserialize<'de> for MissingReasons<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut missing = Self::default();
        // A reason of null is no reason.
        for (name, reason) in BTreeMap::<String, Option<MissingReason>>::deserialize(deserializer)? {
            let field = F::ALL.iter().find(|field| field.name() == name);
            let field = field.ok_or_else(|| D::Error::unknown_field(&name, F::NAMES))?;
            missing.0.extend(reason.map(|reason| (*field, reason)));
        }
        Ok(missing)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fields::{ChallengeField, ConditionField, EntryPointField, FundingTermField, RecordField};
    use crate::record::InitiativeRecord;
    use crate::{json_reader, validate};

    #[test]
    fn missing_reasons_round_trip() {
        let said = json!({"durationMonths": "NOT_ASKED", "renewable": "WITHHELD"});
        let missing = MissingReasons::<FundingTermField>::from_json(Some(&said)).unwrap();
        assert_eq!(
            missing.get(FundingTermField::DurationMonths),
            Some(MissingReason::NotAsked)
        );
        assert_eq!(missing.to_json(), Some(said.clone()));
        assert_eq!(serde_json::to_value(&missing).unwrap(), said);
        assert_eq!(MissingReasons::<FundingTermField>::default().to_json(), None);
    }

    #[test]
    fn names_match_the_record_fields() {
        // A field by another name would be refused by the record itself.
        fn assert_names<F: Field>() {
            for (field, name) in F::ALL.iter().zip(F::NAMES) {
                assert_eq!(field.name(), *name);
            }
        }
        assert_names::<RecordField>();
        assert_names::<EntryPointField>();
        assert_names::<ChallengeField>();
        assert_names::<ConditionField>();
        assert_names::<FundingTermField>();
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
                "reportingBasis": "ADAPTABLE", "deliveryTimeline": "FIXED", "renewable": true, "multiSite": false}],
        });
        let record: InitiativeRecord = serde_json::from_value(whole).unwrap();
        assert!(RecordField::ALL.iter().all(|field| field.is_given(&record)));
        assert!(
            EntryPointField::ALL
                .iter()
                .all(|field| field.is_given(&record.entry_points[0]))
        );
        assert!(
            ChallengeField::ALL
                .iter()
                .all(|field| field.is_given(&record.challenges_faced[0]))
        );
        assert!(
            ConditionField::ALL
                .iter()
                .all(|field| field.is_given(&record.conditions_changed[0]))
        );
        assert!(
            FundingTermField::ALL
                .iter()
                .all(|field| field.is_given(&record.funding_terms[0]))
        );
    }

    #[test]
    fn every_problem_is_reported_with_its_path() {
        let reading = json_reader::read_document(json!({
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
            .problems
            .iter()
            .map(|found| (found.path.clone(), found.reason.clone()))
            .collect();
        let mut record = reading.record.clone().unwrap();
        validate::normalise_record(&mut record);
        found.extend(
            validate::validate_record(&record)
                .errors
                .into_iter()
                .filter_map(|error| Some((reading.original_path(&error.path)?, error.reason))),
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
        // The part that could be read is kept.
        assert_eq!(
            record.missing.get(RecordField::Place),
            Some(MissingReason::NotAsked)
        );
        assert_eq!(
            record.challenges_faced[0].missing.get(ChallengeField::Reasons),
            Some(MissingReason::NoReply)
        );
    }
}
