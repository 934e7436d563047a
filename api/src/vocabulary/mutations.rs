//! Mutations of terms, for stewards.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use serde_json::json;
use wayin_entity::term;

use super::graphql::Term;
use super::term::{TermDraft, save_term};
use crate::graphql::mutation;
use crate::id::NodeKind;
use crate::reference_data::graphql::{
    ChangeLogging, begin_save, finish_save, parse_reason, reference_payload, reject_save,
};
use crate::reference_data::partial::PartialUpdate;

/// Input to add or change a term. If you change a term, a field that you leave out stays the same, and null
/// clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SaveTermInput {
    /// The term to change. Leave it out to add a term.
    id: Option<ID>,
    /// The version that your edit is based on. If the object has been saved since, the input is rejected
    /// and `conflicts` lists the differences. If you leave the version out, your edit replaces whatever is
    /// stored.
    version: Option<i32>,
    /// The short name for URLs, such as `root-causes`. Unique, at most 100 characters.
    slug: MaybeUndefined<String>,
    /// The word or phrase, at most 100 characters.
    name: MaybeUndefined<String>,
    /// The definition in plain words, at most 2,000 characters.
    definition: MaybeUndefined<String>,
    /// Other words with the same meaning, at most 20.
    synonyms: MaybeUndefined<Vec<String>>,
    /// Advice on using the word, for example that it excludes some people. At most 2,000 characters.
    usage_note: MaybeUndefined<String>,
    /// The vocabulary code that the term explains.
    code: MaybeUndefined<String>,
    /// The reason, stored with the new version.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

reference_payload! {
    /// The result of saving a term.
    SaveTermPayload { term: Term of term::Model }
}

#[derive(Default)]
pub struct TermMutation;

#[Object]
impl TermMutation {
    /// Adds or changes a term of the glossary. A field that you leave out stays the same. Null clears it.
    /// For stewards.
    async fn save_term(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The values to save.")] mut input: SaveTermInput,
    ) -> Result<SaveTermPayload> {
        let key = input.idempotency_key.take();
        let running = match begin_save::<term::Model>(ctx, "saveTerm", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, wrong) = parse_reason(input.reason.as_deref());
        let target = mutation::decode_target(NodeKind::Term, input.id.as_ref(), input.version)?;
        let mut partial = PartialUpdate::load(running.db(), NodeKind::Term, target.id).await?;
        let slug = partial.required_field("slug", input.slug)?;
        let word = partial.required_field("name", input.name)?;
        let definition = partial.required_field("definition", input.definition)?;
        let synonyms = partial.optional_field("synonyms", input.synonyms)?;
        let caution = partial.optional_field("usageNote", input.usage_note)?;
        let code = partial.optional_field("code", input.code)?;
        let (Some(slug), Some(word), Some(definition)) = (slug, word, definition) else {
            return Ok(reject_save(partial.into_problems("term"), wrong).into());
        };
        let draft = TermDraft {
            target,
            slug,
            name: word,
            definition,
            synonyms: synonyms.unwrap_or_default(),
            usage_note: caution,
            code,
        };
        let saved = save_term(running.db(), &running.action(&reason), draft).await?;
        let detail = json!({"reason": reason});
        Ok(
            finish_save(*running, saved, wrong, ChangeLogging::NotLogged, detail)
                .await?
                .into(),
        )
    }
}
