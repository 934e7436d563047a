//! Brings what a base already holds into the form of [`spelling`], as migrations do with what an earlier
//! version stored. Two organisations that would have one name or one identifier afterwards stay as they
//! are and are reported: a steward decides whether to merge them.

use std::fmt;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait,
    QueryFilter, QueryOrder,
};
use uuid::Uuid;
use wayin_entity::{former_organisation, funding_term, initiative, organisation, place, submission, term};

use crate::change::{self, Act};
use crate::clock::Clock;
use crate::database::begin_writing_alone;
use crate::error::Result;
use crate::id::NodeKind;
use crate::organisation::{Altered, standing};
use crate::paging::Walk;
use crate::vocabulary::term::folded as folded_words;
use wayin_records::spelling;

/// How many rows are read at once.
const ROWS_AT_ONCE: u64 = 1_000;

/// What was respelt, and what has to be decided by a steward first.
#[derive(Debug, Default)]
pub struct Respelt {
    /// How many rows were written.
    pub rows: u64,
    /// What stayed as it is.
    pub clashes: Vec<Clash>,
}

/// Two rows that the common spelling would make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// What they would both have, such as `the identifier GB-CHC-1`.
    what: String,
    /// The row that stays as it is, and the one that has it already.
    rows: [String; 2],
    is_of_organisations: bool,
}

impl fmt::Display for Clash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, other] = &self.rows;
        let advice = if self.is_of_organisations {
            "if they are one organisation, a steward merges them with mergeOrganisations"
        } else {
            "a steward withdraws one of them, or corrects it"
        };
        write!(
            formatter,
            "{one} and {other} would both have {}, written alike: {advice}.",
            self.what
        )
    }
}

/// Respells everything that does not clash.
pub async fn respell(db: &DatabaseConnection, clock: &dyn Clock) -> Result<Respelt> {
    let transaction = begin_writing_alone(db).await?;
    let act = Act {
        clock,
        member: None,
        reason: "Names and identifiers are written in one spelling",
    };
    let mut respelt = Respelt::default();
    organisations(&transaction, &act, &mut respelt).await?;
    former_organisations(&transaction, &mut respelt).await?;
    places(&transaction, &mut respelt).await?;
    initiatives(&transaction, &mut respelt).await?;
    grants(&transaction, &mut respelt).await?;
    submissions(&transaction, &mut respelt).await?;
    words(&transaction, &mut respelt).await?;
    transaction.commit().await?;
    Ok(respelt)
}

/// Whether an organisation is spelt as it is stored from now on.
pub fn is_spelt(row: &organisation::Model) -> bool {
    row.name_folded == spelling::fold(&row.name)
        && row.name == spelling::name(&row.name)
        && row.identifier == row.identifier.as_deref().map(spelling::org_id)
}

/// What keeps the organisation from having its name and its identifier in the common spelling.
pub async fn clashes(db: &impl ConnectionTrait, row: &organisation::Model) -> Result<Vec<Clash>> {
    use organisation::Column;
    let mut clashes = Vec::new();
    let spelt = spelling::fold(&row.name);
    if row.name_folded != spelt {
        let same = Column::NameFolded.eq(&spelt);
        if let Some(other) = another(db, row.id, same).await? {
            clashes.push(of_organisations(format!("the name {}", other.name), row, &other));
        }
    }
    if let Some(identifier) = &row.identifier {
        let spelt = spelling::org_id(identifier);
        if spelt != *identifier
            && let Some(other) = another(db, row.id, Column::Identifier.eq(&spelt)).await?
        {
            clashes.push(of_organisations(format!("the identifier {spelt}"), row, &other));
        }
    }
    Ok(clashes)
}

async fn another(
    db: &impl ConnectionTrait,
    than: Uuid,
    same: sea_orm::sea_query::Expr,
) -> Result<Option<organisation::Model>> {
    Ok(organisation::Entity::find()
        .filter(same)
        .filter(organisation::Column::Id.ne(than))
        .order_by_asc(organisation::Column::Id)
        .one(db)
        .await?)
}

fn of_organisations(what: String, one: &organisation::Model, other: &organisation::Model) -> Clash {
    let shown = |row: &organisation::Model| {
        let identifier = row.identifier.as_deref().unwrap_or("no identifier");
        let id = NodeKind::Organisation.id(row.id);
        format!(
            "the organisation {} ({identifier}, id {id})",
            wayin_records::text::quoted(&row.name)
        )
    };
    Clash {
        what,
        rows: [shown(one), shown(other)],
        is_of_organisations: true,
    }
}

async fn organisations(db: &impl ConnectionTrait, act: &Act<'_>, respelt: &mut Respelt) -> Result<()> {
    let mut walk = Walk::new(
        organisation::Entity::find(),
        organisation::Column::Id,
        ROWS_AT_ONCE,
    );
    while let Some(rows) = walk.rows(db).await? {
        for row in rows.into_iter().filter(|row| !is_spelt(row)) {
            let clashes = clashes(db, &row).await?;
            let before = standing(&row);
            let mut after = row.clone();
            if !clashes.iter().any(|clash| clash.what.starts_with("the name")) {
                after.name = spelling::name(&row.name);
                after.name_folded = spelling::fold(&row.name);
            }
            if !clashes
                .iter()
                .any(|clash| clash.what.starts_with("the identifier"))
            {
                after.identifier = row.identifier.as_deref().map(spelling::org_id);
            }
            respelt.clashes.extend(clashes);
            if after == row {
                continue;
            }
            after.updated_at = act.now();
            let entries = Altered::one(after, before).write(db, act).await?;
            change::append(db, act, &entries).await?;
            respelt.rows += 1;
        }
    }
    Ok(())
}

async fn former_organisations(db: &impl ConnectionTrait, respelt: &mut Respelt) -> Result<()> {
    for row in former_organisation::Entity::find().all(db).await? {
        let name_folded = spelling::fold(&row.name);
        let identifier = row.identifier.as_deref().map(spelling::org_id);
        if row.name_folded != name_folded || row.identifier != identifier {
            let mut row: former_organisation::ActiveModel = row.into();
            row.name_folded = Set(name_folded);
            row.identifier = Set(identifier);
            row.update(db).await?;
            respelt.rows += 1;
        }
    }
    Ok(())
}

async fn places(db: &impl ConnectionTrait, respelt: &mut Respelt) -> Result<()> {
    let mut walk = Walk::new(place::Entity::find(), place::Column::Id, ROWS_AT_ONCE);
    while let Some(rows) = walk.rows(db).await? {
        for row in rows {
            let name_folded = spelling::fold(&row.name);
            if row.name_folded != name_folded {
                let mut row: place::ActiveModel = row.into();
                row.name_folded = Set(name_folded);
                row.update(db).await?;
                respelt.rows += 1;
            }
        }
    }
    Ok(())
}

async fn initiatives(db: &impl ConnectionTrait, respelt: &mut Respelt) -> Result<()> {
    use initiative::Column;
    let mut walk = Walk::new(initiative::Entity::find(), Column::Id, ROWS_AT_ONCE);
    while let Some(rows) = walk.rows(db).await? {
        for row in rows {
            let title_folded = spelling::fold(&row.title);
            let external_ref = row
                .external_ref
                .as_deref()
                .map(|given| spelling::prose(given).into_owned());
            if row.title_folded == title_folded && row.external_ref == external_ref {
                continue;
            }
            let other = match &external_ref {
                Some(reference) if row.external_ref != external_ref => {
                    initiative::Entity::find()
                        .filter(Column::LeadOrganisationId.eq(row.lead_organisation_id))
                        .filter(Column::ExternalRef.eq(reference))
                        .one(db)
                        .await?
                }
                _ => None,
            };
            let mut after: initiative::ActiveModel = row.clone().into();
            after.title_folded = Set(title_folded);
            match other {
                None => after.external_ref = Set(external_ref),
                Some(other) => respelt.clashes.push(Clash {
                    what: format!("the reference {}", external_ref.unwrap_or_default()),
                    rows: [row.id, other.id]
                        .map(|id| format!("the initiative {}", NodeKind::Initiative.id(id))),
                    is_of_organisations: false,
                }),
            }
            after.update(db).await?;
            respelt.rows += 1;
        }
    }
    Ok(())
}

async fn grants(db: &impl ConnectionTrait, respelt: &mut Respelt) -> Result<()> {
    use funding_term::Column;
    let granted = funding_term::Entity::find().filter(Column::GrantIdentifier.is_not_null());
    let mut walk = Walk::new(granted, Column::Id, ROWS_AT_ONCE);
    while let Some(rows) = walk.rows(db).await? {
        for row in rows {
            let Some(given) = row.grant_identifier.as_deref() else {
                continue;
            };
            let spelt = spelling::identifier(given);
            if spelt == given {
                continue;
            }
            let other = funding_term::Entity::find()
                .filter(Column::GrantIdentifier.eq(&spelt))
                .one(db)
                .await?;
            if let Some(other) = other {
                respelt.clashes.push(Clash {
                    what: format!("the grant {spelt}"),
                    rows: [row.initiative_id, other.initiative_id]
                        .map(|id| format!("the initiative {}", NodeKind::Initiative.id(id))),
                    is_of_organisations: false,
                });
                continue;
            }
            let mut after: funding_term::ActiveModel = row.into();
            after.grant_identifier = Set(Some(spelt));
            after.update(db).await?;
            respelt.rows += 1;
        }
    }
    Ok(())
}

async fn submissions(db: &impl ConnectionTrait, respelt: &mut Respelt) -> Result<()> {
    let mut walk = Walk::new(submission::Entity::find(), submission::Column::Id, ROWS_AT_ONCE);
    while let Some(rows) = walk.rows(db).await? {
        for row in rows {
            let Some(given) = row.external_ref.as_deref() else {
                continue;
            };
            let spelt = spelling::prose(given).into_owned();
            if spelt != given {
                let mut after: submission::ActiveModel = row.into();
                after.external_ref = Set(Some(spelt));
                after.update(db).await?;
                respelt.rows += 1;
            }
        }
    }
    Ok(())
}

async fn words(db: &impl ConnectionTrait, respelt: &mut Respelt) -> Result<()> {
    for row in term::Entity::find().all(db).await? {
        let name_folded = folded_words(&row.name, &row.synonyms);
        if row.name_folded != name_folded {
            let mut row: term::ActiveModel = row.into();
            row.name_folded = Set(name_folded);
            row.update(db).await?;
            respelt.rows += 1;
        }
    }
    Ok(())
}
