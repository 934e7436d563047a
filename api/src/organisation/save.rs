//! Putting organisations into the base as stewards write them.

use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use wayin_entity::{OrganisationKind, former_organisation, organisation};

use super::{Altered, standing};
use crate::change::{self, Act};
use crate::error::Result;
use crate::keeping::{self, Target};
use crate::mutation::Refusal;
use wayin_records::finding::{FindingCode, Findings};
use wayin_records::record::OrganisationReference;
use wayin_records::spelling;
use wayin_records::spelling::{fold, is_storable};
use wayin_records::validate;

/// An organisation as a steward writes it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The organisation that is there, and the version that it was written from.
    pub target: Target,
    /// The name in use.
    pub name: String,
    /// What sort of organisation it is; none where not known.
    pub kind: Option<OrganisationKind>,
    /// The org-id identifier; none where none is known.
    pub identifier: Option<String>,
    /// Whether what its members send in is published without review.
    pub auto_publish: bool,
}

/// Adds an organisation, or writes one that is there anew, with the log. By an identifier that it had
/// before it is still found.
pub async fn save(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    draft: Draft,
) -> Result<Result<organisation::Model, Refusal>> {
    let name = spelling::name(&draft.name);
    let identifier = draft
        .identifier
        .map(|identifier| spelling::org_id(&identifier))
        .filter(|identifier| !identifier.is_empty());
    let reference = OrganisationReference {
        identifier: identifier.clone(),
        name: Some(name.clone()),
        kind: draft.kind,
    };
    let mut found = Findings {
        errors: validate::organisation(&reference),
        ..Findings::default()
    };
    if name.is_empty() {
        found.error(FindingCode::Required, "name", "is needed");
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
            found.error(FindingCode::Conflict, "identifier", reason);
        }
    }
    let stood = before.as_ref().map(standing);
    let document = stood.as_ref().map(|stood| &stood.document);
    if let Some(refusal) = keeping::refusal(db, draft.target, document, "organisation", found).await? {
        return Ok(Err(refusal));
    }
    let row = organisation::Model {
        id: before
            .as_ref()
            .map_or_else(|| act.clock.new_id(), |before| before.id),
        name_folded: fold(&name),
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
        remember(db, act, before).await?;
    }
    let changes = Altered(vec![(row.clone(), stood)]).write(db, act).await?;
    change::append(db, act, &changes).await?;
    Ok(Ok(row))
}

/// Remembers the identifier that an organisation has no more.
async fn remember(db: &impl ConnectionTrait, act: &Act<'_>, before: &organisation::Model) -> Result<()> {
    if before.identifier.is_none() {
        return Ok(());
    }
    let former = former_organisation::ActiveModel {
        id: Set(act.clock.new_id()),
        organisation_id: Set(before.id),
        name: Set(before.name.clone()),
        name_folded: Set(before.name_folded.clone()),
        identifier: Set(before.identifier.clone()),
        created_at: Set(act.now()),
        updated_at: Set(act.now()),
    };
    former_organisation::Entity::insert(former)
        .exec_without_returning(db)
        .await?;
    Ok(())
}
