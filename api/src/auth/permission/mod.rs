//! The permission policy: who can read which field, and which objects they see through it. It is enforced for
//! every field that an operation selects, and for every field that an argument [uses](field_usage). A field
//! that the policy does not name is closed to everyone. `docs/access.md` lists the policy.
//!
//! [`super::visibility`] decides which records a member sees, and how much of them.

pub mod access_document;
mod enforce;
pub mod field_usage;
mod policy;

use wayin_engine::summary::join_list;
use wayin_entity::{Capability, Role};

pub use self::enforce::{Permissions, RequesterKind};
pub use self::policy::TABLE;

/// Who can read a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessRequirement {
    /// Everyone, with or without a token.
    Everyone,
    /// Members, and visitors if [`Permissions`] let them ask questions.
    Askers,
    Members,
    HasCapability(Capability),
}

impl AccessRequirement {
    pub fn is_met_by(self, role: Role) -> bool {
        match self {
            Self::Everyone | Self::Askers | Self::Members => true,
            Self::HasCapability(capability) => role.can(capability),
        }
    }

    /// Describes who can read the field, for messages.
    pub fn description(self) -> String {
        match self {
            Self::Everyone => "everyone".into(),
            Self::Askers | Self::Members => "members".into(),
            Self::HasCapability(capability) => {
                let roles =
                    Role::with_capability(capability).map(|role| format!("{}s", role.code().to_lowercase()));
                join_list(roles, "and")
            }
        }
    }
}

/// Which of the objects behind a field a reader sees. Objects that the reader does not see are null or
/// missing from the list, as if they did not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exposure {
    All,
    /// The objects of the member who sends the request.
    Own,
    /// The objects of the member's own organisation. Stewards see those of all organisations.
    OwnOrganisation,
    /// The objects of published records that the member can read in full.
    FullyVisible,
    /// The objects of published records that the member can read at least partly.
    PartlyVisible,
    /// The funding terms of records that the member can read in full, and those of all published records that
    /// the member's own organisation funded.
    OwnPortfolio,
    /// The member's own organisation, and those that a record names which the member can read in full.
    KnownOrganisations,
    /// Figures. Records that the member can read in full are counted exactly. Others are counted only with
    /// `scope: ALL`, under disclosure control.
    Aggregates,
    /// The exposure of the object that contains the field.
    Inherited,
}

impl Exposure {
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

    /// A short name for the table in `docs/access.md`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Own => "your own",
            Self::OwnOrganisation => "own organisation",
            Self::FullyVisible => "fully visible records",
            Self::PartlyVisible => "partly visible records",
            Self::OwnPortfolio => "fully visible records, own portfolio",
            Self::KnownOrganisations => "known organisations",
            Self::Aggregates => "figures",
            Self::Inherited => "as its parent",
        }
    }

    /// A definition for `docs/access.md`.
    pub const fn description(self) -> &'static str {
        match self {
            Self::All => "all objects",
            Self::Own => "objects of the member who sends the request",
            Self::OwnOrganisation => {
                "objects of the organisation that the member acts for; for stewards, those of all organisations; of \
                 imports, only the kinds that the member's role can send"
            }
            Self::FullyVisible => {
                "objects of published records that the member can read in full; of `changes`, also the ids of records that \
                 the member could read in full before they were withdrawn or hidden"
            }
            Self::PartlyVisible => {
                "published records that the member can read in full, and those that its organisation funds"
            }
            Self::OwnPortfolio => {
                "the funding terms of published records that the member can read in full, and those that its own \
                 organisation gave to any published record"
            }
            Self::KnownOrganisations => {
                "the organisation that the member acts for, and those that lead or fund a record that the member \
                 can read in full; for stewards, all"
            }
            Self::Aggregates => {
                "counts: records that the member can read in full are counted exactly; all others only with scope \
                 `ALL`, under disclosure control"
            }
            Self::Inherited => "what the member sees of the object that contains the field",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessRule {
    pub allowed: AccessRequirement,
    pub exposure: Exposure,
}

impl AccessRule {
    const fn new(allowed: AccessRequirement) -> Self {
        Self {
            allowed,
            exposure: Exposure::All,
        }
    }

    /// The same rule with another exposure.
    #[must_use]
    pub const fn with_exposure(self, exposure: Exposure) -> Self {
        Self { exposure, ..self }
    }
}

/// A type, some of its fields separated by spaces, and their rule.
pub type PolicyRow = (&'static str, &'static str, AccessRule);
