//! Rows as they stood when they were answered, written as JSON: for whoever sends the same mutation again.

use serde_json::{Map, Value};
use wayin_entity::{
    claim, crisis, import, issued_token, meeting, member, organisation, place, reflection, submission, term,
};

/// A row that can be written as JSON, and read back just as it was.
pub trait Snapshot: Sized {
    /// Writes it.
    fn write(&self) -> serde_json::Result<Value>;

    /// Reads one that was written.
    fn read(written: Value) -> serde_json::Result<Self>;
}

macro_rules! snapshots {
    ($($table:ident: $($column:ident),+;)+) => {$(
        impl Snapshot for $table::Model {
            fn write(&self) -> serde_json::Result<Value> {
                let mut columns = Map::new();
                $(columns.insert(stringify!($column).to_owned(), serde_json::to_value(&self.$column)?);)+
                Ok(columns.into())
            }

            fn read(written: Value) -> serde_json::Result<Self> {
                let mut columns: Map<String, Value> = serde_json::from_value(written)?;
                Ok(Self {
                    $($column: serde_json::from_value(
                        columns.remove(stringify!($column)).unwrap_or_default()
                    )?,)+
                })
            }
        }
    )+};
}

snapshots! {
    submission: id, organisation_id, author_id, state, document, external_ref, import_id, initiative_id,
        initiative_version, review_note, version, sent_at, decided_at, created_at, updated_at;
    import: id, member_id, organisation_id, kind, intent, file_name, format, bytes, licence, state, refusal,
        notes, rows_done, drafted, sent, published, unchanged, not_right, refused, warned, runner, runner_until, attempts, ended_at,
        expired_at, created_at, updated_at;
    place: id, name, name_folded, kind, code, successor_id, created_at, updated_at;
    organisation: id, name, name_folded, kind, identifier, auto_publish, created_at, updated_at;
    term: id, slug, word, word_folded, definition, other_words, caution, code, created_at, updated_at;
    meeting: id, title, theme, held_on, registration_url, created_at, updated_at;
    reflection: id, meeting_id, position, perspective, entry_point, challenge, place_id, text, created_at,
        updated_at;
    crisis: id, slug, name, from_on, to_on, created_at, updated_at;
    claim: id, slug, statement, position, reflection_id, pattern_when, pattern_then, pattern_among, pattern_by,
        created_at, updated_at;
    issued_token: id, member_id, name, created_by, expires_at, last_used_at, revoked_at, revoked_by, created_at,
        updated_at;
    member: id, issuer, subject, organisation_id, role, revoked_at, created_at, updated_at;
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;
    use wayin_entity::SubmissionState;

    use super::*;

    #[test]
    fn a_row_comes_back_as_it_was() {
        let at = DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap();
        let row = submission::Model {
            id: Uuid::from_u128(1),
            organisation_id: Uuid::from_u128(2),
            author_id: Uuid::from_u128(3),
            state: SubmissionState::Returned,
            document: json!({"title": "T", "fundingTerms": [{"amountMinor": 9_007_199_254_740_993_i64}], "odd": null}),
            external_ref: Some("a".into()),
            import_id: None,
            initiative_id: None,
            initiative_version: Some(2),
            review_note: Some("Mend it".into()),
            version: 3,
            sent_at: Some(at),
            decided_at: None,
            created_at: at,
            updated_at: at,
        };
        let written = row.write().unwrap();
        let kept: Value = serde_json::from_str(&written.to_string()).unwrap();
        assert_eq!(submission::Model::read(kept).unwrap(), row);
        assert!(submission::Model::read(json!({"id": Uuid::from_u128(1)})).is_err());
        assert!(submission::Model::read(json!([])).is_err());
    }
}
