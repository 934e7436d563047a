//! Keeping the words of the field over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use serde_json::json;
use wayin_entity::term;

use super::graphql::Term;
use super::term::{Draft, save};
use crate::graphql::mutating;
use crate::id::NodeKind;
use crate::keeping::graphql::{Log, begin, finish, kept_payload, refuse, why};
use crate::keeping::partial::Partial;

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

kept_payload! {
    /// The result of saving a term.
    SaveTermPayload { term: Term of term::Model }
}

/// The mutations of terms.
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
        let running = match begin::<term::Model>(ctx, "saveTerm", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, wrong) = why(input.reason.as_deref());
        let target = mutating::target(NodeKind::Term, input.id.as_ref(), input.version)?;
        let mut partial = Partial::load(running.db(), NodeKind::Term, target.id).await?;
        let slug = partial.needed("slug", input.slug)?;
        let word = partial.needed("name", input.name)?;
        let definition = partial.needed("definition", input.definition)?;
        let synonyms = partial.optional("synonyms", input.synonyms)?;
        let caution = partial.optional("usageNote", input.usage_note)?;
        let code = partial.optional("code", input.code)?;
        let (Some(slug), Some(word), Some(definition)) = (slug, word, definition) else {
            return Ok(refuse(partial.refusals("term"), wrong).into());
        };
        let draft = Draft {
            target,
            slug,
            word,
            definition,
            synonyms: synonyms.unwrap_or_default(),
            caution,
            code,
        };
        let saved = save(running.db(), &running.act(&reason), draft).await?;
        let detail = json!({"reason": reason});
        Ok(finish(*running, saved, wrong, Log::Stays, detail).await?.into())
    }
}
