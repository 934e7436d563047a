//! Keeping organisations over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use serde_json::json;
use uuid::Uuid;
use wayin_entity::{OrganisationKind, organisation};

use super::{Draft, by_ids, save};
use crate::graphql::mutating;
use crate::id::NodeKind;
use crate::initiative::graphql::Organisation;
use crate::keeping::graphql::{Log, begin, finish, kept_payload, refuse, why};
use crate::keeping::partial::Partial;
use crate::merging;

/// An organisation that is to be added or changed. Of one that is there, a field that is left out stays as it is, and null
/// clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SaveOrganisationInput {
    /// The organisation that is there; a new one where nothing is said.
    id: Option<ID>,
    /// The version that you wrote from; where it was saved meanwhile you are told, and nothing is lost.
    version: Option<i32>,
    /// The name in use, at most 200 characters.
    name: MaybeUndefined<String>,
    /// What sort of organisation it is; not known where nothing is said.
    kind: MaybeUndefined<OrganisationKind>,
    /// The org-id identifier, such as GB-CHC-1164883; none where nothing is said. By one that it had before it is
    /// still found.
    identifier: MaybeUndefined<String>,
    /// Whether what its members send in is published without review.
    auto_publish: MaybeUndefined<bool>,
    /// Why, in a few words, for its history.
    reason: Option<String>,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

kept_payload! {
    /// What came of saving an organisation.
    SaveOrganisationPayload { organisation: Organisation of organisation::Model } logged
}

/// The mutations of organisations.
#[derive(Default)]
pub struct OrganisationMutation;

#[Object]
impl OrganisationMutation {
    /// Adds an organisation, or changes one that is there: a field that is left out stays as it is, null clears it. For stewards.
    async fn save_organisation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to keep.")] mut input: SaveOrganisationInput,
    ) -> Result<SaveOrganisationPayload> {
        let key = input.idempotency_key.take();
        let running =
            match begin::<organisation::Model>(ctx, "saveOrganisation", key.as_deref(), &input).await? {
                Ok(running) => running,
                Err(done) => return Ok(done.into()),
            };
        let (reason, wrong) = why(input.reason.as_deref());
        let target = mutating::target(NodeKind::Organisation, input.id.as_ref(), input.version)?;
        let mut partial = Partial::load(running.db(), NodeKind::Organisation, target.id).await?;
        let name = partial.needed("name", input.name)?;
        let kind = partial.optional("kind", input.kind)?;
        let identifier = partial.optional("identifier", input.identifier)?;
        let auto_publish = partial.optional("autoPublish", input.auto_publish)?;
        let Some(name) = name else {
            return Ok(refuse(partial.refusals("organisation"), wrong).into());
        };
        let draft = Draft {
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
        let before = by_ids(running.db(), &before).await?;
        let saved = save(running.db(), &running.act(&reason), draft).await?;
        if let (Ok(after), Some(before)) = (&saved, before.first()) {
            merging::follow(running.db(), &running.act(&reason), before, after).await?;
        }
        Ok(finish(*running, saved, wrong, Log::Grows, detail).await?.into())
    }
}
