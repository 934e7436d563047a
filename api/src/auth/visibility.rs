//! Which records one may read whole, in part, or only count: the one place that
//! says so, once as a rule on a record and once as the same rule in SQL.

use sea_orm::{
    ExprTrait,
    sea_query::{Expr, Query},
};
use uuid::Uuid;
use wayin_entity::{Role, Visibility, funding_term, initiative};

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
    pub const fn reads_whole(self, visibility: Visibility) -> bool {
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

    /// The reader that a member of a role is. Funders and partners without an organisation read as a dashboard does.
    pub fn of(role: Role, organisation: Option<Uuid>) -> Self {
        match (role, organisation) {
            (Role::Steward, _) => Self::Steward,
            (Role::Funder | Role::Partner, Some(organisation)) => Self::Member { organisation },
            (Role::Funder | Role::Partner | Role::Dashboard, _) => Self::Dashboard,
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
    pub const fn reads_whole(
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
        audience.reads_whole(visibility) || by_organisation
    }

    /// The same rule in SQL, of the table `initiative`.
    pub fn reads_whole_sql(self) -> Expr {
        let visibility = Expr::col((initiative::Entity, initiative::Column::Visibility));
        match self {
            Self::Steward => Expr::cust("1 = 1"),
            Self::Dashboard => visibility.eq(Visibility::Open),
            Self::Member { organisation } => visibility
                .is_in([Visibility::Open, Visibility::Members])
                .or(Expr::col((initiative::Entity, initiative::Column::LeadOrganisationId)).eq(organisation))
                .or(
                    Expr::col((initiative::Entity, initiative::Column::SharedWithFunders))
                        .eq(true)
                        .and(funded_by(organisation)),
                ),
        }
    }

    /// In SQL, of the table `initiative`: which records the reader may read at
    /// least in part, as a funder reads title, place and its own terms of what it funds.
    pub fn reads_a_part_sql(self) -> Expr {
        match self {
            Self::Steward | Self::Dashboard => self.reads_whole_sql(),
            Self::Member { organisation } => self.reads_whole_sql().or(funded_by(organisation)),
        }
    }
}

fn funded_by(organisation: Uuid) -> Expr {
    let mut funded = Query::select();
    funded
        .column(funding_term::Column::InitiativeId)
        .from(funding_term::Entity)
        .and_where(Expr::col((funding_term::Entity, funding_term::Column::FunderId)).eq(organisation));
    Expr::col((initiative::Entity, initiative::Column::Id)).in_subquery(funded)
}

/// The published records: what stands, and was not withdrawn.
pub fn published_sql() -> Expr {
    Expr::col((initiative::Entity, initiative::Column::WithdrawnAt)).is_null()
}
