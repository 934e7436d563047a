//! Aliases of organisations: an organisation that was merged into another, or whose identifier changed, can
//! still be found by its old identifier or name. Current values take precedence.

use std::collections::{HashMap, HashSet};

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait as _, Func},
};
use uuid::Uuid;
use wayin_entity::{organisation, organisation_alias};

use super::OrganisationLookup;
use crate::database::is_in_any;
use crate::error::Result;
use crate::store::whole_records::organisation_reference;
use wayin_records::normalisation::{fold_name, is_storable};
use wayin_records::record::OrganisationReference;

/// Maps the ids of merged organisations to those that they were merged into.
pub async fn resolve_ids(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Uuid>> {
    let found = organisation_alias::Entity::find()
        .filter(organisation_alias::Column::Id.is_in(ids))
        .all(db)
        .await?;
    Ok(found
        .into_iter()
        .map(|former| (former.id, former.organisation_id))
        .collect())
}

/// Returns the id of the current organisation: the same id, unless it was merged.
pub async fn resolve_id(db: &impl ConnectionTrait, id: Uuid) -> Result<Uuid> {
    Ok(resolve_ids(db, [id]).await?.get(&id).copied().unwrap_or(id))
}

/// Finds aliases by identifiers and folded names, with the organisations that they lead to.
pub(super) async fn find_aliases(
    db: &impl ConnectionTrait,
    identifiers: &[String],
    names: &[String],
) -> Result<Vec<(organisation_alias::Model, organisation::Model)>> {
    use organisation_alias::Column;
    let identified = is_in_any(db, Column::Identifier.into_expr(), identifiers.iter().cloned());
    let called = is_in_any(db, Column::NameFolded.into_expr(), names.iter().cloned());
    let known = Condition::any().add_option(identified).add_option(called);
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let former = organisation_alias::Entity::find().filter(known).all(db).await?;
    if former.is_empty() {
        return Ok(Vec::new());
    }
    let ids: HashSet<Uuid> = former.iter().map(|one| one.organisation_id).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let current: HashMap<Uuid, organisation::Model> = super::load_by_ids(db, &ids)
        .await?
        .into_iter()
        .map(|one| (one.id, one))
        .collect();
    Ok(former
        .into_iter()
        .filter_map(|one| {
            let leads_to = current.get(&one.organisation_id)?.clone();
            Some((one, leads_to))
        })
        .collect())
}

/// Replaces aliases in references by current values, so that two references to one organisation are equal.
pub async fn resolve_aliases<'a>(
    db: &impl ConnectionTrait,
    references: impl Iterator<Item = &'a mut OrganisationReference>,
) -> Result<()> {
    let mut references: Vec<&mut OrganisationReference> = references.collect();
    let (identifiers, names) = super::list_lookup_keys(references.iter().map(|one| &**one));
    if find_aliases(db, &identifiers, &names).await?.is_empty() {
        return Ok(());
    }
    let found = OrganisationLookup::load(db, references.iter().map(|one| &**one)).await?;
    for reference in &mut references {
        if let Some(current) = found.find_by_alias(reference) {
            let known_by_name = current.identifier.is_some() || found.has_unique_name(current);
            if known_by_name {
                let kind = reference.kind;
                **reference = OrganisationReference {
                    kind,
                    ..organisation_reference(current)
                };
            }
        }
    }
    Ok(())
}

/// Maps folded former identifiers to the folded current ones.
pub async fn find_current_identifiers(
    db: &impl ConnectionTrait,
    folded: Vec<String>,
) -> Result<HashMap<String, Vec<String>>> {
    let mut now: HashMap<String, Vec<String>> = HashMap::new();
    if folded.is_empty() {
        return Ok(now);
    }
    let lower: Expr = Func::lower(Expr::col(organisation_alias::Column::Identifier)).into();
    let former = organisation_alias::Entity::find()
        .filter(lower.is_in(folded.into_iter().filter(|text| is_storable(text))))
        .all(db)
        .await?;
    let ids: Vec<Uuid> = former.iter().map(|one| one.organisation_id).collect();
    if ids.is_empty() {
        return Ok(now);
    }
    let current: HashMap<Uuid, Option<String>> = super::load_by_ids(db, &ids)
        .await?
        .into_iter()
        .map(|one| (one.id, one.identifier))
        .collect();
    for one in former {
        let leads_to = current.get(&one.organisation_id).cloned().flatten();
        if let (Some(before), Some(after)) = (one.identifier, leads_to) {
            now.entry(fold_name(&before)).or_default().push(fold_name(&after));
        }
    }
    Ok(now)
}
