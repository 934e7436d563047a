//! Which records a reader may read whole, as a rule on a record. The service has the same rule in SQL.

use uuid::Uuid;
use wayin_vocabulary::{Capability, Role, Visibility};

/// Someone who reads, as far as the visibility of records is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// Keeps the base, and reads all of it.
    Steward,
    /// Reads what is open or for members, and what is their own organisation's.
    Member {
        /// The organisation they act for.
        organisation: Uuid,
    },
    /// Reads what is open.
    Dashboard,
}

/// Those who read the same records whole, but for what their own organisations lead or fund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Dashboards, and whoever is not a member.
    Dashboards,
    /// Funders and partners with an organisation.
    Members,
}

impl Audience {
    /// Every audience.
    pub const ALL: [Self; 2] = [Self::Dashboards, Self::Members];

    /// Whether all of the audience may read a record whole.
    pub const fn can_view_fully(self, visibility: Visibility) -> bool {
        match visibility {
            Visibility::Open => true,
            Visibility::Members => matches!(self, Self::Members),
            Visibility::AggregateOnly => false,
        }
    }
}

impl Reader {
    /// The audience that the reader belongs to; none for a steward, who reads everything.
    pub const fn audience(self) -> Option<Audience> {
        match self {
            Self::Steward => None,
            Self::Member { .. } => Some(Audience::Members),
            Self::Dashboard => Some(Audience::Dashboards),
        }
    }

    /// The reader that a member of a role is. Who acts for an organisation but has none reads as a dashboard does.
    pub fn from_role(role: Role, organisation: Option<Uuid>) -> Self {
        match organisation {
            _ if role.can(Capability::ReadEveryRecord) => Self::Steward,
            Some(organisation) if role.can(Capability::ActForOrganisation) => Self::Member { organisation },
            _ => Self::Dashboard,
        }
    }

    /// The organisation whose own records, and whose own funding terms, the reader may read.
    pub const fn organisation(self) -> Option<Uuid> {
        match self {
            Self::Member { organisation } => Some(organisation),
            Self::Steward | Self::Dashboard => None,
        }
    }

    /// Whether the reader may read a record whole. `leads` and `funds` tell whether
    /// the reader's organisation leads it, and gives it money.
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
