//! An initiative record with all its parts: the document in files, revisions and exports. Its keys are in camelCase.

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize};
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, DeliveryTimeline, EntryPoint,
    OrganisationKind, Perspective, ReportingBasis, ReportingFrequency, Restriction, SourceKind, Visibility,
};

use crate::fields::{ChallengeField, ConditionField, EntryPointField, FundingTermField, RecordField};
use crate::missing::MissingReasons;
use crate::whole_number;

/// An initiative with all its parts. A field that is absent or null is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InitiativeRecord {
    /// The lead organisation's own reference for the record. Sending the same reference again replaces the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<String>,
    /// The name of the initiative.
    pub title: String,
    /// What the initiative does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The place where it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceReference>,
    /// The organisation that leads the initiative.
    pub lead_organisation: OrganisationReference,
    /// The first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_on: Option<NaiveDate>,
    /// The last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_on: Option<NaiveDate>,
    /// Whether the work continues. It cannot be true if there is a last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ongoing: Option<bool>,
    /// Who may read the record. The default is the most restrictive choice.
    #[serde(default = "most_restrictive", deserialize_with = "null_as_most_restrictive")]
    pub visibility: Visibility,
    /// Whether its funders may read all of a record that others only count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[serde(deserialize_with = "null_as_default")]
    pub shared_with_funders: bool,
    /// Whether the record was made up to show how Wayin works.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[serde(deserialize_with = "null_as_default")]
    pub illustrative: bool,
    /// The entry points, in the order in which they were taken, for each perspective.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "null_as_default")]
    pub entry_points: Vec<EntryPointTaken>,
    /// The challenges, each at most once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "null_as_default")]
    pub challenges_faced: Vec<ChallengeFaced>,
    /// The conditions for change, each at most once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "null_as_default")]
    pub conditions_changed: Vec<ConditionChanged>,
    /// The terms of its funding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "null_as_default")]
    pub funding_terms: Vec<FundingTerm>,
    /// The source of the record.
    pub source: Source,
    /// The confirmation that the record may be shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing: Option<SharingConsent>,
    /// Why fields have no answer.
    #[serde(default, skip_serializing_if = "MissingReasons::is_empty")]
    #[serde(deserialize_with = "null_as_default")]
    pub missing: MissingReasons<RecordField>,
}

const fn most_restrictive() -> Visibility {
    Visibility::AggregateOnly
}

fn null_as_most_restrictive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Visibility, D::Error> {
    let given = Option::deserialize(deserializer)?;
    Ok(given.unwrap_or(most_restrictive()))
}

fn null_as_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A place, identified by exactly one of three: its code, its id on this instance, or a name that only one place has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceReference {
    /// The GSS code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The global id, as in the GraphQL schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The current name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An organisation, identified by its identifier, or by its name if it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrganisationReference {
    /// The org-id identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The name. Required if there is no identifier, or if the instance does not know the organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The kind of organisation. It is used only if the instance does not know the organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<OrganisationKind>,
}

/// An entry point that was taken. Its position is its order among those of the same perspective.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EntryPointTaken {
    /// The entry point.
    pub entry_point: EntryPoint,
    /// Whose view this is.
    pub perspective: Perspective,
    /// The day when it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_on: Option<NaiveDate>,
    /// Why it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub motivation: Option<String>,
    /// Why fields have no answer.
    #[serde(default, skip_serializing_if = "MissingReasons::is_empty")]
    #[serde(deserialize_with = "null_as_default")]
    pub missing: MissingReasons<EntryPointField>,
}

/// A challenge that the initiative faced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChallengeFaced {
    /// The challenge.
    pub challenge: Challenge,
    /// Whether the step that answers the challenge was taken, rushed or skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<ChallengeStep>,
    /// The reasons. Empty if none is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "null_as_default")]
    pub reasons: Vec<ChallengeReason>,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The day when it was noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed_on: Option<NaiveDate>,
    /// Whose view this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perspective: Option<Perspective>,
    /// Why fields have no answer.
    #[serde(default, skip_serializing_if = "MissingReasons::is_empty")]
    #[serde(deserialize_with = "null_as_default")]
    pub missing: MissingReasons<ChallengeField>,
}

/// A condition for change, and how far it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConditionChanged {
    /// The condition.
    pub condition: Condition,
    /// How far it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeExtent>,
    /// Why fields have no answer.
    #[serde(default, skip_serializing_if = "MissingReasons::is_empty")]
    #[serde(deserialize_with = "null_as_default")]
    pub missing: MissingReasons<ConditionField>,
}

/// The terms of one sum of money.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FundingTerm {
    /// The organisation that gave the money.
    pub funder: OrganisationReference,
    /// The 360Giving grant identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_identifier: Option<String>,
    /// The title of the funder's programme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programme: Option<String>,
    /// The ISO 4217 code of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The amount in the currency's minor unit, such as pence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "whole_number::deserialize_option")]
    pub amount_minor: Option<i64>,
    /// The day the decision was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awarded_on: Option<NaiveDate>,
    /// The planned first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<NaiveDate>,
    /// The planned last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<NaiveDate>,
    /// The length in whole months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "whole_number::deserialize_option")]
    pub duration_months: Option<i32>,
    /// The entry point that the funder meant to fund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intended_focus: Option<EntryPoint>,
    /// Whether the funding pays for research before the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upfront_research: Option<bool>,
    /// The length of that research in months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "whole_number::deserialize_option")]
    pub upfront_research_months: Option<i32>,
    /// Whether the funding pays for the extra time and resources of working together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collaboration_resourced: Option<bool>,
    /// Whether the money may be used for any purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restriction: Option<Restriction>,
    /// How often the funder requires a report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporting_frequency: Option<ReportingFrequency>,
    /// What the reports are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporting_basis: Option<ReportingBasis>,
    /// Whether the plan may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_timeline: Option<DeliveryTimeline>,
    /// Whether the funding may be renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewable: Option<bool>,
    /// Whether the money also pays for work in other places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_site: Option<bool>,
    /// Why fields have no answer.
    #[serde(default, skip_serializing_if = "MissingReasons::is_empty")]
    #[serde(deserialize_with = "null_as_default")]
    pub missing: MissingReasons<FundingTermField>,
}

/// The source of a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// The kind of source.
    pub kind: SourceKind,
    /// The title of the source.
    pub title: String,
    /// The web address of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The date of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dated_on: Option<NaiveDate>,
    /// The licence for reusing the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}

/// The confirmation that a record may be shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharingConsent {
    /// The role of the person who confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<String>,
    /// The day of the confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_on: Option<NaiveDate>,
    /// The basis for sharing, in the words of the partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// The licence for reusing the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}
