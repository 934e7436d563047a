//! Applies the current rules of [`normalisation`] to stored names, as a migration does after a change of the
//! rules. Two organisations that would get the same name or identifier stay unchanged and are reported: a
//! steward decides whether to merge them.

use std::fmt;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait,
    QueryFilter, QueryOrder,
};
use uuid::Uuid;
use wayin_entity::{
    ChangeKind, ChangeSubject, funding_term, initiative, organisation, organisation_alias, place, submission,
    term,
};

use crate::change_log::{self, ActionContext, ChangeEntry};
use crate::clock::Clock;
use crate::database::begin_exclusive_write;
use crate::error::Result;
use crate::id::NodeKind;
use crate::organisation::{AlteredOrganisations, current_document};
use crate::paging::KeysetScan;
use crate::vocabulary::term::fold_term as folded_words;
use wayin_records::normalisation;

const ROWS_PER_BATCH: u64 = 1_000;

#[derive(Debug, Default)]
pub struct NormalisationSummary {
    pub rows: u64,
    /// The rows that stay unchanged.
    pub conflicts: Vec<NormalisationConflict>,
}

/// Two rows that would get the same value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalisationConflict {
    /// The shared value, such as `the identifier GB-CHC-1`.
    description: String,
    /// The row that stays unchanged, and the one that already has the value.
    rows: [String; 2],
    is_between_organisations: bool,
}

impl fmt::Display for NormalisationConflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, other] = &self.rows;
        let advice = if self.is_between_organisations {
            "if they are one organisation, a steward merges them with mergeOrganisations"
        } else {
            "a steward withdraws one of them, or corrects it"
        };
        write!(
            formatter,
            "{one} and {other} would both have {}: {advice}.",
            self.description
        )
    }
}

/// Normalises all rows without conflicts.
pub async fn normalise_stored_names(
    db: &DatabaseConnection,
    clock: &dyn Clock,
) -> Result<NormalisationSummary> {
    let transaction = begin_exclusive_write(db).await?;
    let act = ActionContext {
        clock,
        member: None,
        reason: "Names and identifiers are normalised",
    };
    let mut respelt = NormalisationSummary::default();
    normalise_organisations(&transaction, &act, &mut respelt).await?;
    normalise_aliases(&transaction, &mut respelt).await?;
    normalise_places(&transaction, &act, &mut respelt).await?;
    normalise_initiatives(&transaction, &act, &mut respelt).await?;
    normalise_grants(&transaction, &act, &mut respelt).await?;
    normalise_submissions(&transaction, &mut respelt).await?;
    normalise_terms(&transaction, &mut respelt).await?;
    transaction.commit().await?;
    Ok(respelt)
}

/// Whether the stored names of an organisation are normalised.
pub fn is_normalised(row: &organisation::Model) -> bool {
    row.name_folded == normalisation::fold_name(&row.name)
        && row.name == normalisation::normalise_name(&row.name)
        && row.identifier == row.identifier.as_deref().map(normalisation::normalise_org_id)
}

/// Finds the organisations that already have the normalised name or identifier.
pub async fn find_conflicts(
    db: &impl ConnectionTrait,
    row: &organisation::Model,
) -> Result<Vec<NormalisationConflict>> {
    use organisation::Column;
    let mut clashes = Vec::new();
    let spelt = normalisation::fold_name(&row.name);
    if row.name_folded != spelt {
        let same = Column::NameFolded.eq(&spelt);
        if let Some(other) = find_other(db, row.id, same).await? {
            clashes.push(organisation_conflict(
                format!("the name {}", other.name),
                row,
                &other,
            ));
        }
    }
    if let Some(identifier) = &row.identifier {
        let spelt = normalisation::normalise_org_id(identifier);
        if spelt != *identifier
            && let Some(other) = find_other(db, row.id, Column::Identifier.eq(&spelt)).await?
        {
            clashes.push(organisation_conflict(
                format!("the identifier {spelt}"),
                row,
                &other,
            ));
        }
    }
    Ok(clashes)
}

async fn find_other(
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

fn organisation_conflict(
    what: String,
    one: &organisation::Model,
    other: &organisation::Model,
) -> NormalisationConflict {
    let shown = |row: &organisation::Model| {
        let identifier = row.identifier.as_deref().unwrap_or("no identifier");
        let id = NodeKind::Organisation.encode_id(row.id);
        format!(
            "the organisation {} ({identifier}, id {id})",
            wayin_records::text::quote(&row.name)
        )
    };
    NormalisationConflict {
        description: what,
        rows: [shown(one), shown(other)],
        is_between_organisations: true,
    }
}

async fn normalise_organisations(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    respelt: &mut NormalisationSummary,
) -> Result<()> {
    let mut walk = KeysetScan::new(
        organisation::Entity::find(),
        organisation::Column::Id,
        ROWS_PER_BATCH,
    );
    while let Some(rows) = walk.next_rows(db).await? {
        for row in rows.into_iter().filter(|row| !is_normalised(row)) {
            let clashes = find_conflicts(db, &row).await?;
            let before = current_document(&row);
            let mut after = row.clone();
            if !clashes
                .iter()
                .any(|clash| clash.description.starts_with("the name"))
            {
                after.name = normalisation::normalise_name(&row.name);
                after.name_folded = normalisation::fold_name(&row.name);
            }
            if !clashes
                .iter()
                .any(|clash| clash.description.starts_with("the identifier"))
            {
                after.identifier = row.identifier.as_deref().map(normalisation::normalise_org_id);
            }
            respelt.conflicts.extend(clashes);
            if after == row {
                continue;
            }
            after.updated_at = act.now();
            let entries = AlteredOrganisations::from_single(after, before)
                .write(db, act)
                .await?;
            change_log::append_changes(db, act, &entries).await?;
            respelt.rows += 1;
        }
    }
    Ok(())
}

async fn normalise_aliases(db: &impl ConnectionTrait, respelt: &mut NormalisationSummary) -> Result<()> {
    for row in organisation_alias::Entity::find().all(db).await? {
        let name_folded = normalisation::fold_name(&row.name);
        let identifier = row.identifier.as_deref().map(normalisation::normalise_org_id);
        if row.name_folded != name_folded || row.identifier != identifier {
            let mut row: organisation_alias::ActiveModel = row.into();
            row.name_folded = Set(name_folded);
            row.identifier = Set(identifier);
            row.update(db).await?;
            respelt.rows += 1;
        }
    }
    Ok(())
}

async fn log_alteration(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    subject: ChangeSubject,
    id: Uuid,
) -> Result<()> {
    let entry = ChangeEntry::new(ChangeKind::Altered, subject, id);
    Ok(change_log::append_changes(db, act, &[entry]).await?)
}

async fn normalise_places(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    respelt: &mut NormalisationSummary,
) -> Result<()> {
    let mut walk = KeysetScan::new(place::Entity::find(), place::Column::Id, ROWS_PER_BATCH);
    while let Some(rows) = walk.next_rows(db).await? {
        for row in rows {
            let name_folded = normalisation::fold_name(&row.name);
            if row.name_folded != name_folded {
                log_alteration(db, act, ChangeSubject::Place, row.id).await?;
                let mut row: place::ActiveModel = row.into();
                row.name_folded = Set(name_folded);
                row.update(db).await?;
                respelt.rows += 1;
            }
        }
    }
    Ok(())
}

async fn normalise_initiatives(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    respelt: &mut NormalisationSummary,
) -> Result<()> {
    use initiative::Column;
    let mut walk = KeysetScan::new(initiative::Entity::find(), Column::Id, ROWS_PER_BATCH);
    while let Some(rows) = walk.next_rows(db).await? {
        for row in rows {
            let title_folded = normalisation::fold_name(&row.title);
            let external_ref = row
                .external_ref
                .as_deref()
                .map(|given| normalisation::normalise_prose(given).into_owned());
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
            if row.withdrawn_at.is_none() {
                log_alteration(db, act, ChangeSubject::Initiative, row.id).await?;
            }
            let mut after: initiative::ActiveModel = row.clone().into();
            after.title_folded = Set(title_folded);
            after.updated_at = Set(act.now());
            match other {
                None => after.external_ref = Set(external_ref),
                Some(other) => respelt.conflicts.push(NormalisationConflict {
                    description: format!("the reference {}", external_ref.unwrap_or_default()),
                    rows: [row.id, other.id]
                        .map(|id| format!("the initiative {}", NodeKind::Initiative.encode_id(id))),
                    is_between_organisations: false,
                }),
            }
            after.update(db).await?;
            respelt.rows += 1;
        }
    }
    Ok(())
}

async fn normalise_grants(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    respelt: &mut NormalisationSummary,
) -> Result<()> {
    use funding_term::Column;
    let granted = funding_term::Entity::find().filter(Column::GrantIdentifier.is_not_null());
    let mut walk = KeysetScan::new(granted, Column::Id, ROWS_PER_BATCH);
    while let Some(rows) = walk.next_rows(db).await? {
        for row in rows {
            let Some(given) = row.grant_identifier.as_deref() else {
                continue;
            };
            let spelt = normalisation::normalise_identifier(given);
            if spelt == given {
                continue;
            }
            let other = funding_term::Entity::find()
                .filter(Column::GrantIdentifier.eq(&spelt))
                .one(db)
                .await?;
            if let Some(other) = other {
                respelt.conflicts.push(NormalisationConflict {
                    description: format!("the grant {spelt}"),
                    rows: [row.initiative_id, other.initiative_id]
                        .map(|id| format!("the initiative {}", NodeKind::Initiative.encode_id(id))),
                    is_between_organisations: false,
                });
                continue;
            }
            let funded = initiative::Entity::find_by_id(row.initiative_id)
                .filter(initiative::Column::WithdrawnAt.is_null())
                .one(db)
                .await?;
            if let Some(funded) = funded {
                log_alteration(db, act, ChangeSubject::Initiative, funded.id).await?;
                let mut funded: initiative::ActiveModel = funded.into();
                funded.updated_at = Set(act.now());
                funded.update(db).await?;
            }
            let mut after: funding_term::ActiveModel = row.into();
            after.grant_identifier = Set(Some(spelt));
            after.update(db).await?;
            respelt.rows += 1;
        }
    }
    Ok(())
}

async fn normalise_submissions(db: &impl ConnectionTrait, respelt: &mut NormalisationSummary) -> Result<()> {
    let mut walk = KeysetScan::new(submission::Entity::find(), submission::Column::Id, ROWS_PER_BATCH);
    while let Some(rows) = walk.next_rows(db).await? {
        for row in rows {
            let Some(given) = row.external_ref.as_deref() else {
                continue;
            };
            let spelt = normalisation::normalise_prose(given).into_owned();
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

async fn normalise_terms(db: &impl ConnectionTrait, respelt: &mut NormalisationSummary) -> Result<()> {
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
