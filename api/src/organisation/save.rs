//! Saves organisations.

use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use wayin_entity::{OrganisationKind, organisation, organisation_alias};

use super::{AlteredOrganisations, current_document};
use crate::change_log::{self, ActionContext};
use crate::error::Result;
use crate::idempotency::Rejection;
use crate::reference_data::{self, SaveTarget};
use wayin_records::normalisation;
use wayin_records::normalisation::{fold_name, is_storable};
use wayin_records::problem::ProblemCode;
use wayin_records::record::OrganisationReference;
use wayin_records::validate;

#[derive(Clone, Debug)]
pub struct OrganisationDraft {
    pub target: SaveTarget,
    pub name: String,
    pub kind: Option<OrganisationKind>,
    pub identifier: Option<String>,
    /// Whether records that its members submit are published without review.
    pub auto_publish: bool,
}

/// Adds or changes an organisation, with the log. Its former identifier becomes an alias.
pub async fn save_organisation(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    draft: OrganisationDraft,
) -> Result<Result<organisation::Model, Rejection>> {
    let name = normalisation::normalise_name(&draft.name);
    let identifier = draft
        .identifier
        .map(|identifier| normalisation::normalise_org_id(&identifier))
        .filter(|identifier| !identifier.is_empty());
    let reference = OrganisationReference {
        identifier: identifier.clone(),
        name: Some(name.clone()),
        kind: draft.kind,
    };
    let mut found = validate::check_organisation(&reference);
    if name.is_empty() {
        found.add_error(ProblemCode::Required, "name", "is needed");
    }
    let before = match draft.target.id {
        Some(id) => {
            organisation::Entity::find_by_id(id)
                .lock_exclusive()
                .one(db)
                .await?
        }
        None => None,
    };
    if let Some(identifier) = identifier.as_ref().filter(|text| is_storable(text)) {
        let same = organisation::Entity::find()
            .filter(organisation::Column::Identifier.eq(identifier))
            .one(db)
            .await?;
        if let Some(other) = same.filter(|other| Some(other.id) != draft.target.id) {
            let reason = format!("is that of {}; where both are one, merge them", other.name);
            found.add_error(ProblemCode::Conflict, "identifier", reason);
        }
    }
    let previous = before.as_ref().map(current_document);
    let document = previous.as_ref().map(|previous| &previous.document);
    if let Some(refusal) =
        reference_data::find_save_error(db, draft.target, document, "organisation", found).await?
    {
        return Ok(Err(refusal));
    }
    let row = organisation::Model {
        id: before
            .as_ref()
            .map_or_else(|| act.clock.new_id(), |before| before.id),
        name_folded: fold_name(&name),
        name,
        kind: draft.kind,
        identifier,
        auto_publish: draft.auto_publish,
        created_at: before
            .as_ref()
            .map_or_else(|| act.now(), |before| before.created_at),
        updated_at: act.now(),
    };
    if let Some(before) = &before
        && before.identifier != row.identifier
    {
        save_alias(db, act, before).await?;
    }
    let changes = AlteredOrganisations(vec![(row.clone(), previous)])
        .write(db, act)
        .await?;
    change_log::append_changes(db, act, &changes).await?;
    Ok(Ok(row))
}

/// Stores the former identifier of an organisation as an alias.
async fn save_alias(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    before: &organisation::Model,
) -> Result<()> {
    if before.identifier.is_none() {
        return Ok(());
    }
    let former = organisation_alias::ActiveModel {
        id: Set(act.clock.new_id()),
        organisation_id: Set(before.id),
        name: Set(before.name.clone()),
        name_folded: Set(before.name_folded.clone()),
        identifier: Set(before.identifier.clone()),
        created_at: Set(act.now()),
        updated_at: Set(act.now()),
    };
    organisation_alias::Entity::insert(former)
        .exec_without_returning(db)
        .await?;
    Ok(())
}
