//! Which records a reader can see. The service has the same rule in SQL.

use uuid::Uuid;
pub use wayin_vocabulary::Audience;
use wayin_vocabulary::{Capability, Role, Visibility};

/// A reader, with what decides which records they can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// Can see all records.
    Steward,
    /// Can see open records, records for members, and those of their own organisation.
    Member {
        /// Their organisation.
        organisation: Uuid,
    },
    /// Can see open records.
    Dashboard,
}

/// How much of a record a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VisiblePart {
    /// All of it.
    Whole,
    /// At least its id, title and place. Funders see so much of every record that they fund.
    Any,
}

impl Reader {
    /// The audience that the reader belongs to; none for a steward.
    pub const fn audience(self) -> Option<Audience> {
        match self {
            Self::Steward => None,
            Self::Member { .. } => Some(Audience::Members),
            Self::Dashboard => Some(Audience::Dashboards),
        }
    }

    /// The reader for a role. Someone who acts for an organisation but has none reads as a dashboard does.
    pub fn from_role(role: Role, organisation: Option<Uuid>) -> Self {
        match organisation {
            _ if role.can(Capability::ReadEveryRecord) => Self::Steward,
            Some(organisation) if role.can(Capability::ActForOrganisation) => Self::Member { organisation },
            _ => Self::Dashboard,
        }
    }

    /// The organisation whose own records and funding terms the reader can see.
    pub const fn organisation(self) -> Option<Uuid> {
        match self {
            Self::Member { organisation } => Some(organisation),
            Self::Steward | Self::Dashboard => None,
        }
    }

    /// Whether the reader can see all of a record. `leads` and `funds` say whether the reader's organisation leads it or
    /// funds it.
    pub const fn can_view_fully(
        self,
        visibility: Visibility,
        shared_with_funders: bool,
        leads: bool,
        funds: bool,
    ) -> bool {
        let Some(audience) = self.audience() else {
            return true;
        };
        let by_organisation =
            matches!(self, Self::Member { .. }) && (leads || (funds && shared_with_funders));
        audience.can_view_fully(visibility) || by_organisation
    }
}
