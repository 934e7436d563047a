//! Merges the terms of published grants into records that name the grants.

use std::borrow::Cow;
use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;
use wayin_entity::funding_term;

use super::current_state::CurrentState;
use crate::error::{Error, Result};
use wayin_records::fields::Field;
use wayin_records::problem::{Problem, ProblemCode};
use wayin_records::record::InitiativeRecord;
use wayin_records::validate;

/// Updates the term of the published record that names a changed grant.
pub(super) fn update_term_from_grant(
    current: &CurrentState,
    id: Uuid,
    identifier: &str,
    grant: &InitiativeRecord,
) -> Result<InitiativeRecord> {
    let document = current.documents.get(&id).cloned().unwrap_or_default();
    let mut record: InitiativeRecord = serde_json::from_value(document)
        .map_err(|cause| Error::Internal(format!("revision of {id}: {cause}")))?;
    validate::normalise_record(&mut record);
    let target = record
        .funding_terms
        .iter_mut()
        .find(|term| term.grant_identifier.as_deref() == Some(identifier));
    if let (Some(target), Some(granted)) = (target, grant.funding_terms.first()) {
        target.funder = granted.funder.clone();
        target.programme.clone_from(&granted.programme);
        target.currency.clone_from(&granted.currency);
        target.amount_minor = granted.amount_minor;
        target.awarded_on = granted.awarded_on;
        target.starts_on = granted.starts_on;
        target.ends_on = granted.ends_on;
        target.duration_months = granted.duration_months;
        // An answer from the grant ends the missing reason.
        let answered = target.clone();
        target.missing.remove_where(|field| field.is_given(&answered));
    }
    Ok(record)
}

/// Fills terms whose grant is published with the published values that the record leaves out. Returns the
/// record itself if it names no such grant.
pub(super) fn keep_published_grant_terms<'a>(
    current: &CurrentState,
    record: &'a InitiativeRecord,
) -> Cow<'a, InitiativeRecord> {
    if current.find_terms(record).flatten().next().is_none() {
        return Cow::Borrowed(record);
    }
    Cow::Owned(merge_grant_terms(&current.terms, record.clone()))
}

/// Fills the terms of a record with the published values of the grants that its initiative has, as
/// [`keep_published_grant_terms`] does. Grants of other records may not be readable.
pub(crate) async fn keep_own_grant_terms(
    db: &impl ConnectionTrait,
    initiative: Uuid,
    record: InitiativeRecord,
) -> Result<InitiativeRecord> {
    if record
        .funding_terms
        .iter()
        .all(|term| term.grant_identifier.is_none())
    {
        return Ok(record);
    }
    let published = funding_term::Entity::find()
        .filter(funding_term::Column::InitiativeId.eq(initiative))
        .all(db)
        .await?;
    let terms = published
        .into_iter()
        .filter_map(|term| Some((term.grant_identifier.clone()?, term)))
        .collect();
    Ok(merge_grant_terms(&terms, record))
}

/// [`keep_published_grant_terms`] for an owned record, with the published terms by their grants.
pub(super) fn merge_grant_terms(
    terms: &HashMap<String, funding_term::Model>,
    mut record: InitiativeRecord,
) -> InitiativeRecord {
    for term in &mut record.funding_terms {
        let known = term
            .grant_identifier
            .as_ref()
            .and_then(|identifier| terms.get(identifier));
        let Some(known) = known.filter(|known| known.grant_digest.is_some()) else {
            continue;
        };
        let as_sent = term.clone();
        if term.amount_minor.is_none() && term.currency.is_none() {
            term.amount_minor = known.amount_minor;
            term.currency.clone_from(&known.currency);
        }
        if term.starts_on.is_none() && term.ends_on.is_none() {
            (term.starts_on, term.ends_on) = (known.starts_on, known.ends_on);
        }
        term.programme = term.programme.take().or_else(|| known.programme.clone());
        term.awarded_on = term.awarded_on.or(known.awarded_on);
        term.duration_months = term.duration_months.or(known.duration_months);
        let answered = term.clone();
        term.missing
            .remove_where(|field| field.is_given(&answered) && !field.is_given(&as_sent));
    }
    record
}

/// A grant belongs to one term. A record cannot take the grant of another record, nor a grant to another
/// organisation: a steward decides about these.
pub(super) fn find_grant_conflicts(
    current: &CurrentState,
    record: &InitiativeRecord,
    id: Uuid,
    lead: Option<Uuid>,
) -> Vec<Problem> {
    let mut clashes = Vec::new();
    for (index, known) in current.find_terms(record).enumerate() {
        let Some(known) = known else {
            continue;
        };
        let Some(holder) = current
            .initiatives
            .get(&known.initiative_id)
            .filter(|holder| holder.id != id)
        else {
            continue;
        };
        let reason = if !holder.made_from_grant {
            "is already a funding term of another record"
        } else if lead != Some(holder.lead_organisation_id) {
            "is a grant to another organisation; a steward must decide which of the two leads"
        } else {
            continue;
        };
        clashes.push(Problem::new(
            ProblemCode::Conflict,
            format!("fundingTerms/{index}/grantIdentifier"),
            reason,
        ));
    }
    clashes
}
