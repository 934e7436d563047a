//! The permission policy: who may ask for which field, and how much of it they see. It is enforced on
//! every field of every query, mutation and subscription, and on every field that an argument [uses](field_usage).
//! A field that the policy does not name is closed to everybody. `docs/access.md` lists the policy.
//!
//! [`super::visibility`] decides which records a member sees, and how much of them.

pub mod docs;
mod enforce;
pub mod field_usage;
mod policy;

use wayin_engine::summary::join_list;
use wayin_entity::{Capability, Role};

pub use self::enforce::{Asking, Permissions, SubscriptionGuard};
pub use self::policy::TABLE;

/// Who may ask for a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessRequirement {
    /// Everybody, with a token or without.
    Everyone,
    /// Every member.
    Members,
    /// Members whose role has a capability.
    HasCapability(Capability),
}

impl AccessRequirement {
    /// Whether members of a role may ask.
    pub fn is_met_by(self, role: Role) -> bool {
        match self {
            Self::Everyone | Self::Members => true,
            Self::HasCapability(capability) => role.can(capability),
        }
    }

    /// Those who may, in words.
    pub fn description(self) -> String {
        match self {
            Self::Everyone => "everybody".into(),
            Self::Members => "members".into(),
            Self::HasCapability(capability) => {
                let roles =
                    Role::with_capability(capability).map(|role| format!("{}s", role.code().to_lowercase()));
                join_list(roles, "and")
            }
        }
    }
}

/// Which of what a role may ask for shows. What does not show answers null, or is not in the list, as if it
/// were not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exposure {
    /// All of it.
    All,
    /// What is about the member who asks.
    Own,
    /// What is of the member's own organisation; to stewards everybody's.
    OwnOrganisation,
    /// What is of published records that the member may read whole.
    FullyVisible,
    /// What is of published records that the member may read at least in part.
    PartlyVisible,
    /// The funding terms of records that the member may read whole, and of all published records those that
    /// the member's own organisation gave.
    OwnPortfolio,
    /// The member's own organisation, and those that a record names which the member may read whole.
    KnownOrganisations,
    /// Figures: records that the member may read whole are counted as they are, and others with `scope: ALL`
    /// alone, under disclosure control.
    Aggregates,
    /// What shows of whatever it is in, or is.
    Inherited,
}

impl Exposure {
    /// Every condition.
    pub const ALL: [Self; 9] = [
        Self::All,
        Self::Own,
        Self::OwnOrganisation,
        Self::FullyVisible,
        Self::PartlyVisible,
        Self::OwnPortfolio,
        Self::KnownOrganisations,
        Self::Aggregates,
        Self::Inherited,
    ];

    /// The condition in a few words, as the printed table has it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "all of it",
            Self::Own => "your own",
            Self::OwnOrganisation => "own organisation",
            Self::FullyVisible => "records read whole",
            Self::PartlyVisible => "records read at least in part",
            Self::OwnPortfolio => "records read whole, own portfolio",
            Self::KnownOrganisations => "known organisations",
            Self::Aggregates => "counted",
            Self::Inherited => "as what holds it",
        }
    }

    /// What the condition means.
    pub const fn description(self) -> &'static str {
        match self {
            Self::All => "everything that there is",
            Self::Own => "what is about the member who asks",
            Self::OwnOrganisation => {
                "what is of the organisation that the member acts for; to stewards everybody's; of imports, those \
                 of a kind that the member's role may send"
            }
            Self::FullyVisible => "what is of published records that the member may read whole",
            Self::PartlyVisible => {
                "published records that the member may read whole, and those that its organisation funds"
            }
            Self::OwnPortfolio => {
                "the funding terms of published records that the member may read whole, and those that its own \
                 organisation gave to any published record"
            }
            Self::KnownOrganisations => {
                "the organisation that the member acts for, and those that lead or fund a record that the member \
                 may read whole; to stewards all"
            }
            Self::Aggregates => {
                "figures: records that the member may read whole are counted as they are; all others only over \
                 `ALL`, under disclosure control"
            }
            Self::Inherited => "what shows of the thing that it is, or is part of",
        }
    }
}

/// What the table says of some fields: who may ask for them, and which of it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessRule {
    /// Who may ask.
    pub allowed: AccessRequirement,
    /// Which of it shows those who may.
    pub exposure: Exposure,
}

impl AccessRule {
    const fn allowing(allowed: AccessRequirement) -> Self {
        Self {
            allowed,
            exposure: Exposure::All,
        }
    }

    /// The same, of which no more than this shows.
    #[must_use]
    pub const fn with_exposure(self, exposure: Exposure) -> Self {
        Self { exposure, ..self }
    }
}

/// The root type of subscriptions.
const SUBSCRIPTION_TYPE: &str = "Subscription";

/// A row of the table: a type, some of its fields with spaces between, and what holds of them.
pub type PolicyRow = (&'static str, &'static str, AccessRule);
