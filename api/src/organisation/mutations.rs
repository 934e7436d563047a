//! Mutations of organisations, for stewards.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use serde_json::json;
use uuid::Uuid;
use wayin_entity::{OrganisationKind, organisation};

use super::{OrganisationDraft, load_by_ids, save_organisation};
use crate::graphql::mutation;
use crate::id::NodeKind;
use crate::initiative::graphql::Organisation;
use crate::organisation::merge;
use crate::reference_data::graphql::{
    ChangeLogging, begin_save, finish_save, parse_reason, reference_payload, reject_save,
};
use crate::reference_data::partial::PartialUpdate;

/// Input to add or change an organisation. If you change an organisation, a field that you leave out stays
/// the same, and null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SaveOrganisationInput {
    /// The organisation to change. Leave it out to add an organisation.
    id: Option<ID>,
    /// The version that your edit is based on. If the object has been saved since, the input is rejected
    /// and `conflicts` lists the differences. If you leave the version out, your edit replaces whatever is
    /// stored.
    version: Option<i32>,
    /// The current name, at most 200 characters.
    name: MaybeUndefined<String>,
    /// The kind of organisation. Null if not known.
    kind: MaybeUndefined<OrganisationKind>,
    /// The org-id identifier, such as GB-CHC-1164883. Null if there is none. Earlier identifiers still lead
    /// to the organisation.
    identifier: MaybeUndefined<String>,
    /// Whether records that its members submit are published without review.
    auto_publish: MaybeUndefined<bool>,
    /// The reason, stored with the new version.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

reference_payload! {
    /// The result of saving an organisation.
    SaveOrganisationPayload { organisation: Organisation of organisation::Model } logged
}

#[derive(Default)]
pub struct OrganisationMutation;

#[Object]
impl OrganisationMutation {
    /// Adds or changes an organisation. A field that you leave out stays the same. Null clears it. For
    /// stewards.
    async fn save_organisation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The values to save.")] mut input: SaveOrganisationInput,
    ) -> Result<SaveOrganisationPayload> {
        let key = input.idempotency_key.take();
        let running =
            match begin_save::<organisation::Model>(ctx, "saveOrganisation", key.as_deref(), &input).await? {
                Ok(running) => running,
                Err(done) => return Ok(done.into()),
            };
        let (reason, wrong) = parse_reason(input.reason.as_deref());
        let target = mutation::decode_target(NodeKind::Organisation, input.id.as_ref(), input.version)?;
        let mut partial = PartialUpdate::load(running.db(), NodeKind::Organisation, target.id).await?;
        let name = partial.required_field("name", input.name)?;
        let kind = partial.optional_field("kind", input.kind)?;
        let identifier = partial.optional_field("identifier", input.identifier)?;
        let auto_publish = partial.optional_field("autoPublish", input.auto_publish)?;
        let Some(name) = name else {
            return Ok(reject_save(partial.into_problems("organisation"), wrong).into());
        };
        let draft = OrganisationDraft {
            target,
            name,
            kind,
            identifier,
            auto_publish: auto_publish.unwrap_or_default(),
        };
        let detail = json!({
            "reason": reason, "name": draft.name, "kind": draft.kind, "identifier": draft.identifier,
            "autoPublish": draft.auto_publish,
        });
        let before: Vec<Uuid> = draft.target.id.into_iter().collect();
        let before = load_by_ids(running.db(), &before).await?;
        let saved = save_organisation(running.db(), &running.action(&reason), draft).await?;
        if let (Ok(after), Some(before)) = (&saved, before.first()) {
            merge::update_keys_after_save(running.db(), &running.action(&reason), before, after).await?;
        }
        Ok(finish_save(*running, saved, wrong, ChangeLogging::Logged, detail)
            .await?
            .into())
    }
}
