//! The documents of reference data, as revisions store them: fields with their names in the schema,
//! references as global ids.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{claim, crisis, meeting, member, organisation, place, reflection, term};

use crate::id::NodeKind;

fn encode_ids(kind: NodeKind, ids: &BTreeSet<Uuid>) -> Vec<String> {
    ids.iter().map(|id| kind.encode_id(*id)).collect()
}

pub fn place_document(row: &place::Model, within: &BTreeSet<Uuid>) -> Value {
    json!({
        "name": row.name,
        "kind": row.kind,
        "code": row.code,
        "parents": encode_ids(NodeKind::Place, within),
        "successor": row.successor_id.map(|id| NodeKind::Place.encode_id(id)),
    })
}

pub fn organisation_document(row: &organisation::Model) -> Value {
    json!({
        "name": row.name,
        "kind": row.kind,
        "identifier": row.identifier,
        "autoPublish": row.auto_publish,
    })
}

pub fn term_document(row: &term::Model) -> Value {
    json!({
        "slug": row.slug,
        "name": row.name,
        "definition": row.definition,
        "synonyms": row.synonyms,
        "usageNote": row.usage_note,
        "code": row.code,
    })
}

pub fn meeting_document(row: &meeting::Model) -> Value {
    json!({
        "title": row.title,
        "theme": row.theme,
        "heldOn": row.held_on,
        "registrationUrl": row.registration_url,
    })
}

pub fn reflection_document(row: &reflection::Model) -> Value {
    json!({
        "meeting": NodeKind::Meeting.encode_id(row.meeting_id),
        "position": row.position,
        "perspective": row.perspective,
        "entryPoint": row.entry_point,
        "challenge": row.challenge,
        "place": row.place_id.map(|id| NodeKind::Place.encode_id(id)),
        "text": row.text,
    })
}

pub fn crisis_document(row: &crisis::Model, places: &BTreeSet<Uuid>) -> Value {
    json!({
        "slug": row.slug,
        "name": row.name,
        "from": row.from_on,
        "to": row.to_on,
        "places": encode_ids(NodeKind::Place, places),
    })
}

pub fn claim_document(row: &claim::Model) -> Value {
    json!({
        "slug": row.slug,
        "statement": row.statement,
        "position": row.position,
        "reflection": row.reflection_id.map(|id| NodeKind::Reflection.encode_id(id)),
        "when": row.pattern_when,
        "then": row.pattern_then,
        "among": row.pattern_among,
        "by": row.pattern_by,
    })
}

pub fn member_document(row: &member::Model) -> Value {
    json!({
        "issuer": row.issuer,
        "subject": row.subject,
        "role": row.role,
        "organisation": row.organisation_id.map(|id| NodeKind::Organisation.encode_id(id)),
        "revokedAt": row.revoked_at,
    })
}
