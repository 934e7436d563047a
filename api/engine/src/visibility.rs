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

/// Who may read all of a record, apart from stewards and its lead organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readership {
    /// The visibility of the record.
    pub visibility: Visibility,
    /// Whether its funders may read all of it. This makes a difference only if others can just count it.
    pub shared_with_funders: bool,
}

impl Readership {
    /// Whether all of its readers are also readers of the other, which has more.
    pub const fn is_narrower_than(self, other: Self) -> bool {
        self.breadth() < other.breadth()
    }

    /// A number that is higher the more readers there are. Who reads at one number also reads at every higher one.
    const fn breadth(self) -> u8 {
        match (self.visibility, self.shared_with_funders) {
            (Visibility::Open, _) => 3,
            (Visibility::Members, _) => 2,
            (Visibility::AggregateOnly, true) => 1,
            (Visibility::AggregateOnly, false) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader of each kind, and whether the reader's organisation leads and funds the record.
    fn list_readers() -> [(Reader, bool, bool); 5] {
        let member = Reader::Member {
            organisation: Uuid::nil(),
        };
        [
            (Reader::Steward, false, false),
            (Reader::Dashboard, false, false),
            (member, false, false),
            (member, true, false),
            (member, false, true),
        ]
    }

    #[test]
    fn narrower_readership_has_some_of_the_readers_and_no_others() {
        let reads = |of: Readership| {
            list_readers().map(|(reader, leads, funds)| {
                reader.can_view_fully(of.visibility, of.shared_with_funders, leads, funds)
            })
        };
        let all: Vec<Readership> = Visibility::ALL
            .iter()
            .flat_map(|visibility| {
                [false, true].map(|shared_with_funders| Readership {
                    visibility: *visibility,
                    shared_with_funders,
                })
            })
            .collect();
        for one in &all {
            for other in &all {
                let (ours, theirs) = (reads(*one), reads(*other));
                let is_subset = ours.iter().zip(theirs).all(|(our, their)| their || !our);
                assert_eq!(
                    one.is_narrower_than(*other),
                    is_subset && ours != theirs,
                    "{one:?} and {other:?}"
                );
            }
        }
    }
}
