//! A whole initiative record as one document: what files carry, what revisions
//! keep, what is exported. Names are the model's, in camelCase.

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize};
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, DeliveryTimeline, EntryPoint,
    OrganisationKind, Perspective, ReportingBasis, ReportingFrequency, Restriction, SourceKind, Visibility,
};

use super::integer_serde;
use crate::fields::{ChallengeField, ConditionField, EntryPointField, FundingTermField, RecordField};
use crate::missing::MissingReasons;

/// One initiative with all its parts. What is absent or null is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InitiativeRecord {
    /// The lead organisation's own id for the record: the key by which a repeat is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<String>,
    /// What the initiative is called.
    pub title: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The place it works in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceReference>,
    /// The organisation that leads it.
    pub lead_organisation: OrganisationReference,
    /// The day it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_on: Option<NaiveDate>,
    /// The day it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_on: Option<NaiveDate>,
    /// Whether it goes on, for one without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ongoing: Option<bool>,
    /// Who may read the record; the most careful answer where it does not say.
    #[serde(default = "most_restrictive", deserialize_with = "null_as_most_restrictive")]
    pub visibility: Visibility,
    /// Whether its funders may read the whole of a record that others only count.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub shared_with_funders: bool,
    /// Whether the record was made up to show how Wayin works.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub illustrative: bool,
    /// The entry points taken, in order within each perspective.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub entry_points: Vec<EntryPointTaken>,
    /// The challenges met, each named once.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub challenges_faced: Vec<ChallengeFaced>,
    /// The conditions for change, each named once.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub conditions_changed: Vec<ConditionChanged>,
    /// The terms that its money came with.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub funding_terms: Vec<FundingTerm>,
    /// Where the record's content comes from.
    pub source: Source,
    /// Who confirmed that the record may be shared, when, and on what basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing: Option<SharingConsent>,
    /// Why answers are missing.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "MissingReasons::is_empty"
    )]
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

/// A place, named by its code, by its id in this base, or by a name that only one place has: one
/// of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceReference {
    /// The GSS code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The global id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An organisation, named by its identifier, or else by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrganisationReference {
    /// The org-id identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The name; required where there is no identifier, or where it is new to the base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What sort of organisation it is, for one that is new to the base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<OrganisationKind>,
}

/// An entry point taken. Positions follow the order of the list within a perspective.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EntryPointTaken {
    /// The entry point.
    pub entry_point: EntryPoint,
    /// Whose view it is.
    pub perspective: Perspective,
    /// The day it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_on: Option<NaiveDate>,
    /// Why it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub motivation: Option<String>,
    /// Why answers are missing.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "MissingReasons::is_empty"
    )]
    pub missing: MissingReasons<EntryPointField>,
}

/// A challenge met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChallengeFaced {
    /// The challenge.
    pub challenge: Challenge,
    /// What became of its step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<ChallengeStep>,
    /// Why; empty where no reason is given.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub reasons: Vec<ChallengeReason>,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The day it was noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed_on: Option<NaiveDate>,
    /// Whose view it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perspective: Option<Perspective>,
    /// Why answers are missing.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "MissingReasons::is_empty"
    )]
    pub missing: MissingReasons<ChallengeField>,
}

/// What became of a condition for change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConditionChanged {
    /// The condition.
    pub condition: Condition,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeExtent>,
    /// Why answers are missing.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "MissingReasons::is_empty"
    )]
    pub missing: MissingReasons<ConditionField>,
}

/// The terms that one sum of money came with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FundingTerm {
    /// The organisation that gave the money.
    pub funder: OrganisationReference,
    /// The 360Giving grant identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_identifier: Option<String>,
    /// The funder's programme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programme: Option<String>,
    /// The ISO 4217 code of the money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The amount in the currency's minor unit.
    #[serde(
        default,
        deserialize_with = "integer_serde::deserialize_option",
        skip_serializing_if = "Option::is_none"
    )]
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
    /// The length in whole months, as given.
    #[serde(
        default,
        deserialize_with = "integer_serde::deserialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub duration_months: Option<i32>,
    /// The entry point that the funder meant to fund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intended_focus: Option<EntryPoint>,
    /// Whether research before the work was paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upfront_research: Option<bool>,
    /// How many months of it.
    #[serde(
        default,
        deserialize_with = "integer_serde::deserialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub upfront_research_months: Option<i32>,
    /// Whether the extra time and resource of working together was paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collaboration_resourced: Option<bool>,
    /// Whether the money may be used for anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restriction: Option<Restriction>,
    /// How often the funder asks for a report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporting_frequency: Option<ReportingFrequency>,
    /// What is reported on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporting_basis: Option<ReportingBasis>,
    /// Whether the plan may move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_timeline: Option<DeliveryTimeline>,
    /// Whether the funding may be renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewable: Option<bool>,
    /// Whether the money also pays for work in other places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_site: Option<bool>,
    /// Why answers are missing.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "MissingReasons::is_empty"
    )]
    pub missing: MissingReasons<FundingTermField>,
}

/// Where a record's content comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// What sort of source it is.
    pub kind: SourceKind,
    /// What it is called.
    pub title: String,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The day it bears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dated_on: Option<NaiveDate>,
    /// The licence it may be reused under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}

/// The confirmation that a record may be shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharingConsent {
    /// Who confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_on: Option<NaiveDate>,
    /// On what basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// Under which licence it may be reused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}
