//! What stewards keep, each as one document: its fields by the names that clients know, what it refers
//! to by global ids. Pure.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{claim, crisis, meeting, member, organisation, place, reflection, term};

use crate::id::NodeKind;

fn ids(kind: NodeKind, ids: &BTreeSet<Uuid>) -> Vec<String> {
    ids.iter().map(|id| kind.id(*id)).collect()
}

/// A place, and what it lies directly within.
pub fn of_place(row: &place::Model, within: &BTreeSet<Uuid>) -> Value {
    json!({
        "name": row.name,
        "kind": row.kind,
        "code": row.code,
        "parents": ids(NodeKind::Place, within),
        "successor": row.successor_id.map(|id| NodeKind::Place.id(id)),
    })
}

/// An organisation.
pub fn of_organisation(row: &organisation::Model) -> Value {
    json!({
        "name": row.name,
        "kind": row.kind,
        "identifier": row.identifier,
        "autoPublish": row.auto_publish,
    })
}

/// A term.
pub fn of_term(row: &term::Model) -> Value {
    json!({
        "slug": row.slug,
        "name": row.name,
        "definition": row.definition,
        "synonyms": row.synonyms,
        "usageNote": row.usage_note,
        "code": row.code,
    })
}

/// A meeting.
pub fn of_meeting(row: &meeting::Model) -> Value {
    json!({
        "title": row.title,
        "theme": row.theme,
        "heldOn": row.held_on,
        "registrationUrl": row.registration_url,
    })
}

/// A reflection.
pub fn of_reflection(row: &reflection::Model) -> Value {
    json!({
        "meeting": NodeKind::Meeting.id(row.meeting_id),
        "position": row.position,
        "perspective": row.perspective,
        "entryPoint": row.entry_point,
        "challenge": row.challenge,
        "place": row.place_id.map(|id| NodeKind::Place.id(id)),
        "text": row.text,
    })
}

/// A crisis, and the places that it bears on.
pub fn of_crisis(row: &crisis::Model, places: &BTreeSet<Uuid>) -> Value {
    json!({
        "slug": row.slug,
        "name": row.name,
        "from": row.from_on,
        "to": row.to_on,
        "places": ids(NodeKind::Place, places),
    })
}

/// A claim.
pub fn of_claim(row: &claim::Model) -> Value {
    json!({
        "slug": row.slug,
        "statement": row.statement,
        "position": row.position,
        "reflection": row.reflection_id.map(|id| NodeKind::Reflection.id(id)),
        "when": row.pattern_when,
        "then": row.pattern_then,
        "among": row.pattern_among,
        "by": row.pattern_by,
    })
}

/// A member.
pub fn of_member(row: &member::Model) -> Value {
    json!({
        "issuer": row.issuer,
        "subject": row.subject,
        "role": row.role,
        "organisation": row.organisation_id.map(|id| NodeKind::Organisation.id(id)),
        "revokedAt": row.revoked_at,
    })
}
