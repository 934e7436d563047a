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

/// A term that is to be added or changed. Of one that is there, a field that is left out stays as it is, and null
/// clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SaveTermInput {
    /// The term that is there; a new one where nothing is said.
    id: Option<ID>,
    /// The version that you wrote from; where it was saved meanwhile you are told, and nothing is lost.
    version: Option<i32>,
    /// The short name in addresses, such as `root-causes`; unique, at most 100 characters.
    slug: MaybeUndefined<String>,
    /// The word or phrase, at most 100 characters.
    name: MaybeUndefined<String>,
    /// What it means, plainly, at most 2,000 characters.
    definition: MaybeUndefined<String>,
    /// Other words with the same meaning, at most 20.
    synonyms: MaybeUndefined<Vec<String>>,
    /// Advice on using the word, such as that it excludes some people; at most 2,000 characters.
    usage_note: MaybeUndefined<String>,
    /// The code of the vocabulary that it explains.
    code: MaybeUndefined<String>,
    /// Why, in a few words, for its history.
    reason: Option<String>,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

kept_payload! {
    /// What came of saving a term.
    SaveTermPayload { term: Term of term::Model }
}

/// The mutations of terms.
#[derive(Default)]
pub struct TermMutation;

#[Object]
impl TermMutation {
    /// Adds a word of the field, or changes one that is there: a field that is left out stays as it is, null clears it. For stewards.
    async fn save_term(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to keep.")] mut input: SaveTermInput,
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
