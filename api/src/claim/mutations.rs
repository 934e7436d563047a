//! Mutations of claims, for stewards. The pattern of a claim is run before it is saved.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Json, MaybeUndefined, Object, Result};
use serde_json::{Value, json};
use wayin_entity::{Dimension, claim};

use super::graphql::Claim;
use super::save::{ClaimDraft, MAX_FILTER_BYTES, save_claim};
use crate::app::App;
use crate::error::Error;
use crate::graphql::{app_from_context, decode_argument, input, mutation};
use crate::id::NodeKind;
use crate::initiative::filter_input::InitiativeFilter;
use crate::pattern::asker::Asker;
use crate::pattern::service::{PatternInput, PatternService};
use crate::reference_data::graphql::{
    ChangeLogging, begin_save, finish_save, parse_reason, reference_payload, reject_save,
};
use crate::reference_data::partial::PartialUpdate;
use crate::submission::validate;
use wayin_engine::query::RecordScope;
use wayin_records::problem::{Problem, ProblemCode};

/// Input to add or change a claim. If you change a claim, a field that you leave out stays the same, and
/// null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SaveClaimInput {
    /// The claim to change. Leave it out to add a claim.
    id: Option<ID>,
    /// The version that your edit is based on. If the object has been saved since, the input is rejected
    /// and `conflicts` lists the differences. If you leave the version out, your edit replaces whatever is
    /// stored.
    version: Option<i32>,
    /// The short name for URLs, such as `short-funding-skips-ambitions`. Unique, at most 100 characters.
    slug: MaybeUndefined<String>,
    /// The statement in plain words, at most 500 characters.
    statement: MaybeUndefined<String>,
    /// The position in the list of claims, from 1. By default, a new claim comes last, and an existing one
    /// keeps its position.
    position: Option<i32>,
    /// The reflection that the claim comes from.
    reflection: MaybeUndefined<ID>,
    /// The first condition: an `InitiativeFilter` as JSON, as in the argument `when` of `pattern`.
    when: MaybeUndefined<Json<Value>>,
    /// The second condition: an `InitiativeFilter` as JSON.
    then: MaybeUndefined<Json<Value>>,
    /// The initiatives to count: an `InitiativeFilter` as JSON. If there is none, all are counted.
    among: MaybeUndefined<Json<Value>>,
    /// The dimension to group by.
    by: MaybeUndefined<Dimension>,
    /// The reason, stored with the new version.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

reference_payload! {
    /// The result of saving a claim.
    SaveClaimPayload { claim: Claim of claim::Model }
}

#[derive(Default)]
pub struct ClaimMutation;

#[Object]
impl ClaimMutation {
    /// Adds or changes a claim. A field that you leave out stays the same. Null clears it. The pattern of
    /// the claim is run with the access of a dashboard. If it cannot be answered, the input is rejected,
    /// and the error names the place in the filter. For stewards.
    async fn save_claim(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The values to save.")] mut input: SaveClaimInput,
    ) -> Result<SaveClaimPayload> {
        let target = mutation::decode_target(NodeKind::Claim, input.id.as_ref(), input.version)?;
        // Before the transaction begins, as the engine reads the database itself.
        let db = &app_from_context(ctx).db;
        let mut before = PartialUpdate::load(db, NodeKind::Claim, target.id).await?;
        let pattern = ClaimPattern::from_input(&mut before, &input)?;
        let unstorable = pattern.as_ref().map_or_else(Vec::new, find_unstorable);
        let pattern_problems = match &pattern {
            Some(pattern) if unstorable.is_empty() => {
                validate_pattern(app_from_context(ctx), pattern).await?
            }
            _ => Vec::new(),
        };
        let key = input.idempotency_key.take();
        let running = match begin_save::<claim::Model>(ctx, "saveClaim", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, mut wrong) = parse_reason(input.reason.as_deref());
        wrong.extend(pattern_problems);
        let mut partial = PartialUpdate::load(running.db(), NodeKind::Claim, target.id).await?;
        let pattern = ClaimPattern::from_input(&mut partial, &input)?;
        let slug = partial.required_field("slug", input.slug)?;
        let statement = partial.required_field("statement", input.statement)?;
        let reflection = partial.optional_field("reflection", input.reflection)?;
        let (Some(pattern), Some(slug), Some(statement)) = (pattern, slug, statement) else {
            return Ok(reject_save(partial.into_problems("claim"), wrong).into());
        };
        let draft = ClaimDraft {
            target,
            slug,
            statement,
            position: input.position,
            reflection: reflection
                .map(|id| decode_argument(NodeKind::Reflection, "input.reflection", &id))
                .transpose()?,
            when: pattern.when.0,
            then: pattern.then.0,
            among: pattern.among.map(|among| among.0),
            by: pattern.by,
        };
        // Filter documents that no database can store are not tried.
        let saved = if unstorable.is_empty() {
            save_claim(running.db(), &running.action(&reason), draft).await?
        } else {
            Err(unstorable.into())
        };
        let detail = json!({"reason": reason});
        Ok(
            finish_save(*running, saved, wrong, ChangeLogging::NotLogged, detail)
                .await?
                .into(),
        )
    }
}

/// The pattern of a claim, with the stored values of the fields that the input leaves out.
struct ClaimPattern {
    when: Json<Value>,
    then: Json<Value>,
    among: Option<Json<Value>>,
    by: Option<Dimension>,
}

impl ClaimPattern {
    fn from_input(partial: &mut PartialUpdate, input: &SaveClaimInput) -> Result<Option<Self>, Error> {
        let when = partial.required_field("when", input.when.clone())?;
        let then = partial.required_field("then", input.then.clone())?;
        let among = partial.optional_field("among", input.among.clone())?;
        let by = partial.optional_field("by", input.by)?;
        let both = when.zip(then);
        Ok(both.map(|(when, then)| Self {
            when,
            then,
            among,
            by,
        }))
    }
}

/// Finds the filter documents that cannot be stored.
fn find_unstorable(input: &ClaimPattern) -> Vec<Problem> {
    let among = input.among.as_ref().map(|among| ("among", &among.0));
    let parts = [("when", &input.when.0), ("then", &input.then.0)];
    let why = |part, document: &Value| {
        let (code, reason) = if document.to_string().len() > MAX_FILTER_BYTES {
            let reason = format!("has more than {MAX_FILTER_BYTES} bytes as JSON");
            (ProblemCode::TooLong, reason)
        } else if validate::is_storable_document(document) {
            return None;
        } else {
            let reason = "contains the character NUL (U+0000), which cannot be stored";
            (ProblemCode::InvalidFormat, reason.into())
        };
        Some(Problem::new(code, part, reason))
    };
    parts
        .into_iter()
        .chain(among)
        .filter_map(|(part, document)| why(part, document))
        .collect()
}

/// Runs a claim's pattern as for a dashboard. Returns its problems, each with its path in the input.
async fn validate_pattern(app: &Arc<App>, input: &ClaimPattern) -> Result<Vec<Problem>, Error> {
    let mut found = Vec::new();
    let mut read = |part: &str, document: &Value| -> Result<Option<InitiativeFilter>, Error> {
        match input::parse_input(part, document.clone()) {
            Ok(filter) => Ok(Some(filter)),
            Err(error) => {
                found.push(problem_from_error(error)?);
                Ok(None)
            }
        }
    };
    let (when, then) = (read("when", &input.when)?, read("then", &input.then)?);
    let among = match &input.among {
        Some(among) => read("among", among)?,
        None => None,
    };
    let (Some(when), Some(then), true) = (when, then, found.is_empty()) else {
        return Ok(found);
    };
    let pattern = PatternInput {
        when,
        then,
        among,
        by: input.by,
        concentration: false,
    };
    let service = PatternService::new(app, Asker::CLAIM, RecordScope::All, None);
    if let Err(error) = Box::pin(service.query_pattern(pattern)).await {
        found.push(problem_from_error(error)?);
    }
    Ok(found)
}

/// Turns an error about the pattern into a problem. Any other error stays an error.
fn problem_from_error(error: Error) -> Result<Problem, Error> {
    let code = match error.root() {
        Error::BadInput(_) => ProblemCode::InvalidFormat,
        Error::DisclosureControl(_) | Error::Forbidden(_) => ProblemCode::NotAllowed,
        _ => return Err(error),
    };
    let text = error.to_string();
    let (path, reason) = match text.split_once(": ") {
        Some((path, reason)) if !path.contains(char::is_whitespace) => (path.replace('.', "/"), reason),
        _ => (String::new(), text.as_str()),
    };
    Ok(Problem::new(code, path, reason))
}
