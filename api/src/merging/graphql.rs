//! Merging organisations over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, Object, Result};
use serde_json::json;
use wayin_entity::organisation;

use super::{Draft, merge};
use crate::base::DisclosureKeys;
use crate::graphql::decode;
use crate::id::NodeKind;
use crate::initiative::graphql::Organisation;
use crate::keeping::graphql::{Done, Log, begin, finish, kept_payload};
use crate::note;

/// Two organisations that turned out to be one.
#[derive(Clone, Debug, InputObject)]
pub struct MergeOrganisationsInput {
    /// The one that stays. It keeps its name, its identifier and its kind, and takes the other's where it has none.
    target: ID,
    /// The version of it that you looked at; where it was saved meanwhile you are told.
    target_version: Option<i32>,
    /// The one that is merged into it. Its id, its name and its identifier lead to the one that stays.
    source: ID,
    /// The version of that one that you looked at; where it was saved meanwhile you are told.
    source_version: Option<i32>,
    /// Why, for the history of both and of every record that names the one; at most 2,000 characters.
    reason: String,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

kept_payload! {
    /// What came of merging: the organisation that stays.
    MergeOrganisationsPayload { organisation: Organisation of organisation::Model } logged
}

/// The mutation.
#[derive(Default)]
pub struct MergingMutation;

#[Object]
impl MergingMutation {
    /// Merges an organisation into another: records, funding terms, submissions, imports and members of the one are the
    /// other's from then on, and each published record that names it gets a new version. It cannot be undone. For
    /// stewards.
    async fn merge_organisations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which two, and why.")] mut input: MergeOrganisationsInput,
    ) -> Result<MergeOrganisationsPayload> {
        let key = input.idempotency_key.take();
        let running =
            match begin::<organisation::Model>(ctx, "mergeOrganisations", key.as_deref(), &input).await? {
                Ok(running) => running,
                Err(done) => return Ok(done.into()),
            };
        let draft = Draft {
            keep: decode(NodeKind::Organisation, "input.target", &input.target)?,
            keep_version: input.target_version,
            merge: decode(NodeKind::Organisation, "input.source", &input.source)?,
            merge_version: input.source_version,
        };
        let (reason, wrong) = match note::validate("reason", &input.reason) {
            Ok(reason) => (reason, Vec::new()),
            Err(refusal) => (String::new(), refusal.findings),
        };
        let keys = DisclosureKeys::of(running.db()).await?;
        let merged = match merge(running.db(), &running.act(&reason), &keys, draft).await? {
            Ok(merged) => merged,
            Err(mut refusal) => {
                refusal.findings.extend(wrong);
                return Ok(Done::Refused(refusal).into());
            }
        };
        let detail = json!({
            "reason": reason,
            "merged": {
                "id": NodeKind::Organisation.id(merged.merged.id),
                "name": merged.merged.name,
                "identifier": merged.merged.identifier,
            },
            "initiatives": merged.initiatives,
            "submissions": merged.submissions,
            "members": merged.members,
        });
        Ok(finish(*running, Ok(merged.kept), wrong, Log::Grows, detail)
            .await?
            .into())
    }
}
