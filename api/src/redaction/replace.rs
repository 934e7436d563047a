//! The replacements for a redacted text: the marker or, for values that must stay unique, the marker with a
//! number.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::Deserialize as _;
use serde_json::{Map, Value};
use wayin_entity::{
    claim, crisis, funding_term, grant_detail, initiative, meeting, member, organisation, organisation_alias,
    term,
};

use super::search::{RedactionMatches, contains_condition};
use super::{REDACTION_MARKER, chunk_ids};
use crate::error::Result;
use crate::vocabulary::term::fold_term as term_folded;
use wayin_records::normalisation::fold_name;
use wayin_records::record::{InitiativeRecord, OrganisationReference};
use wayin_records::workbook::columns::is_known_field;

/// The marker in slugs, which consist of lower-case letters, digits and hyphens.
const SLUG_REDACTION_MARKER: &str = "redacted";

macro_rules! identities {
    ($($(#[doc = $about:literal])* $identity:ident { $($table:ident.$column:ident)+ })+) => {
        /// A value that identifies an object among others of its kind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(super) enum IdentityKind {
            $($(#[doc = $about])* $identity,)+
        }

        impl IdentityKind {
            /// Finds which of these values exist.
            async fn find_existing(self, db: &impl ConnectionTrait, values: &[String]) -> Result<HashSet<String>> {
                let mut taken = HashSet::new();
                match self {$(
                    Self::$identity => {$(
                        let found = $table::Entity::find()
                            .select_only()
                            .column($table::Column::$column)
                            .filter($table::Column::$column.is_in(values))
                            .into_tuple::<String>()
                            .all(db)
                            .await?;
                        taken.extend(found);
                    )+}
                )+}
                Ok(taken)
            }
        }

        impl<'a> TextReplacement<'a> {
            /// Chooses the replacements of all values that contain the text.
            pub async fn load(db: &impl ConnectionTrait, found: &RedactionMatches, text: &'a str) -> Result<Self> {
                let mut taking = Self { text, identities: HashMap::new() };
                $($(
                    for ids in chunk_ids(&found.$table) {
                        let telling = $table::Entity::find()
                            .select_only()
                            .column($table::Column::$column)
                            .filter($table::Column::Id.is_in(ids))
                            .filter(contains_condition($table::Column::$column, text))
                            .into_tuple::<String>()
                            .all(db)
                            .await?;
                        taking.assign_replacements(db, IdentityKind::$identity, telling).await?;
                    }
                )+)+
                Ok(taking)
            }
        }
    };
}

identities! {
    /// A lead organisation's own reference for a record. Replacements are unique across organisations, so
    /// that a value has the same replacement in every document.
    Reference { initiative.ExternalRef }
    /// A grant identifier.
    Grant { funding_term.GrantIdentifier grant_detail.GrantIdentifier }
    /// The current or a former identifier of an organisation.
    Organisation { organisation.Identifier organisation_alias.Identifier }
    Slug { crisis.Slug term.Slug claim.Slug }
    /// The subject of a member's tokens.
    Subject { member.Subject }
    Meeting { meeting.Title }
}

impl IdentityKind {
    /// The kind of value that a field of a document contains.
    fn from_field_name(name: &str) -> Option<Self> {
        Some(match name {
            "externalRef" => Self::Reference,
            "grantIdentifier" => Self::Grant,
            "identifier" => Self::Organisation,
            "slug" | "crisis" => Self::Slug,
            "subject" => Self::Subject,
            _ => return None,
        })
    }

    fn remove_text(self, kept: &str, text: &str) -> String {
        kept.replace(
            text,
            if self == Self::Slug {
                SLUG_REDACTION_MARKER
            } else {
                REDACTION_MARKER
            },
        )
    }

    fn add_number(self, without: &str, number: u32) -> String {
        let between = if self == Self::Slug { '-' } else { ' ' };
        format!("{without}{between}{number}")
    }
}

/// The replacements of the values of one kind.
#[derive(Debug, Default)]
struct IdentityReplacements {
    by_value: HashMap<String, String>,
    assigned: HashSet<String>,
    /// The last number used for each base form.
    numbers: HashMap<String, u32>,
}

/// A text to redact.
#[derive(Debug)]
pub(super) struct TextReplacement<'a> {
    text: &'a str,
    identities: HashMap<IdentityKind, IdentityReplacements>,
}

impl TextReplacement<'_> {
    async fn assign_replacements(
        &mut self,
        db: &impl ConnectionTrait,
        identity: IdentityKind,
        telling: Vec<String>,
    ) -> Result<()> {
        let text = self.text;
        let named = self.identities.entry(identity).or_default();
        let telling: Vec<(String, String)> = telling
            .into_iter()
            .filter(|value| !named.by_value.contains_key(value))
            .map(|value| (identity.remove_text(&value, text), value))
            .collect();
        let without: Vec<String> = telling.iter().map(|(without, _)| without.clone()).collect();
        let taken = identity.find_existing(db, &without).await?;
        for (without, value) in telling {
            let mut candidate = without.clone();
            let mut is_free = !taken.contains(&candidate);
            while !is_free || named.assigned.contains(&candidate) {
                let number = named.numbers.entry(without.clone()).or_insert(1);
                *number += 1;
                candidate = identity.add_number(&without, *number);
                is_free = identity
                    .find_existing(db, std::slice::from_ref(&candidate))
                    .await?
                    .is_empty();
            }
            named.assigned.insert(candidate.clone());
            named.by_value.insert(value, candidate);
        }
        Ok(())
    }

    /// The replacement of a value.
    fn find_replacement(&self, identity: IdentityKind, kept: &str) -> String {
        let known = self
            .identities
            .get(&identity)
            .and_then(|named| named.by_value.get(kept));
        known
            .cloned()
            .unwrap_or_else(|| identity.remove_text(kept, self.text))
    }

    pub fn replace_in_text(&self, kept: &mut String) {
        if kept.contains(self.text) {
            *kept = kept.replace(self.text, REDACTION_MARKER);
        }
    }

    pub fn replace_in_optional_text(&self, kept: &mut Option<String>) {
        kept.iter_mut().for_each(|kept| self.replace_in_text(kept));
    }

    pub fn replace_identity(&self, identity: IdentityKind, kept: &mut String) {
        if kept.contains(self.text) {
            *kept = self.find_replacement(identity, kept);
        }
    }

    pub fn replace_optional_identity(&self, identity: IdentityKind, kept: &mut Option<String>) {
        kept.iter_mut()
            .for_each(|kept| self.replace_identity(identity, kept));
    }

    /// Redacts every value of a document.
    pub fn replace_in_document(&self, document: &mut Value) {
        self.replace_in_value(document, None, false);
    }

    /// Redacts every value of a typed record, and the names of its unknown fields.
    pub fn replace_in_typed_document(&self, document: &mut Value) {
        self.replace_in_value(document, None, true);
    }

    /// Redacts the texts of the rows in a stored result of a mutation. Their ids, codes and times remain, as
    /// the result could not be read otherwise.
    pub fn replace_in_stored_result(&self, answer: &mut Value) {
        match answer {
            Value::Array(values) => values
                .iter_mut()
                .for_each(|value| self.replace_in_stored_result(value)),
            Value::Object(columns) => {
                for (name, value) in columns.iter_mut() {
                    match name.as_str() {
                        "document" => self.replace_in_typed_document(value),
                        _ if value.is_object() => self.replace_in_stored_result(value),
                        name if !is_code_column(name) => {
                            self.replace_in_value(value, find_column_identity(name), false);
                        }
                        _ => {}
                    }
                }
                update_folded_name(columns);
            }
            _ => {}
        }
    }

    fn replace_in_value(&self, value: &mut Value, identity: Option<IdentityKind>, names_too: bool) {
        match value {
            Value::String(kept) => match identity {
                // A typed value may have spaces around it.
                Some(identity) if self.is_known(identity, kept.trim()) => {
                    *kept = self.find_replacement(identity, kept.trim());
                }
                _ => self.replace_in_text(kept),
            },
            Value::Array(values) => values
                .iter_mut()
                .for_each(|value| self.replace_in_value(value, identity, names_too)),
            Value::Object(fields) => {
                if names_too {
                    self.replace_in_field_names(fields);
                }
                for (name, value) in fields {
                    self.replace_in_value(value, IdentityKind::from_field_name(name).or(identity), names_too);
                }
            }
            _ => {}
        }
    }

    fn is_known(&self, identity: IdentityKind, kept: &str) -> bool {
        let named = self.identities.get(&identity);
        named.is_some_and(|named| named.by_value.contains_key(kept))
    }

    fn replace_in_field_names(&self, fields: &mut Map<String, Value>) {
        let telling: Vec<String> = fields
            .keys()
            .filter(|name| name.contains(self.text) && !is_known_field(name))
            .cloned()
            .collect();
        for name in telling {
            let without = name.replace(self.text, REDACTION_MARKER);
            let numbered = (2..).map(|number: u32| format!("{without} {number}"));
            let free = std::iter::once(without.clone())
                .chain(numbered)
                .find(|name| !fields.contains_key(name));
            if let (Some(free), Some(value)) = (free, fields.remove(&name)) {
                fields.insert(free, value);
            }
        }
    }

    /// Redacts the texts of a published record. Codes and dates stay, as it would not be a valid record
    /// otherwise.
    pub fn replace_in_record(&self, document: &mut Value) {
        let Ok(before) = InitiativeRecord::deserialize(&*document) else {
            return self.replace_in_document(document);
        };
        let mut record = before.clone();
        self.replace_optional_identity(IdentityKind::Reference, &mut record.external_ref);
        self.replace_in_text(&mut record.title);
        self.replace_in_optional_text(&mut record.summary);
        if let Some(place) = &mut record.place {
            self.replace_in_optional_text(&mut place.name);
        }
        self.replace_in_organisation(&mut record.lead_organisation);
        for entry in &mut record.entry_points {
            self.replace_in_optional_text(&mut entry.motivation);
        }
        for faced in &mut record.challenges_faced {
            self.replace_in_optional_text(&mut faced.note);
        }
        for term in &mut record.funding_terms {
            self.replace_in_organisation(&mut term.funder);
            self.replace_optional_identity(IdentityKind::Grant, &mut term.grant_identifier);
            self.replace_in_optional_text(&mut term.programme);
        }
        self.replace_in_text(&mut record.source.title);
        self.replace_in_optional_text(&mut record.source.url);
        self.replace_in_optional_text(&mut record.source.licence);
        if let Some(sharing) = &mut record.sharing {
            self.replace_in_optional_text(&mut sharing.confirmed_by);
            self.replace_in_optional_text(&mut sharing.basis);
            self.replace_in_optional_text(&mut sharing.licence);
        }
        if record != before
            && let Ok(written) = serde_json::to_value(&record)
        {
            *document = written;
        }
    }

    fn replace_in_organisation(&self, reference: &mut OrganisationReference) {
        self.replace_optional_identity(IdentityKind::Organisation, &mut reference.identifier);
        self.replace_in_optional_text(&mut reference.name);
    }
}

/// The kind of value that a column contains.
fn find_column_identity(name: &str) -> Option<IdentityKind> {
    match name {
        "external_ref" => Some(IdentityKind::Reference),
        _ => IdentityKind::from_field_name(name),
    }
}

/// Whether a column contains an id, a code or a time.
fn is_code_column(name: &str) -> bool {
    const CODE_COLUMNS: [&str; 13] = [
        "id",
        "state",
        "kind",
        "mode",
        "format",
        "perspective",
        "entry_point",
        "challenge",
        "role",
        "code",
        "pattern_by",
        "created_by",
        "revoked_by",
    ];
    CODE_COLUMNS.contains(&name) || name.ends_with("_id") || name.ends_with("_at") || name.ends_with("_on")
}

/// Updates the column with the lower-case name.
fn update_folded_name(columns: &mut Map<String, Value>) {
    let Some(name) = columns.get("name").and_then(Value::as_str) else {
        return;
    };
    let folded = match columns.get("synonyms") {
        Some(synonyms) => term_folded(name, synonyms),
        None => fold_name(name),
    };
    if let Some(column) = columns.get_mut("name_folded") {
        *column = folded.into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn new_replacement(text: &str) -> TextReplacement<'_> {
        TextReplacement {
            text,
            identities: HashMap::new(),
        }
    }

    #[test]
    fn unknown_field_names_are_redacted_and_stay_distinct() {
        let mut document = json!({
            "title": "by Ann Lee", "Ann Lee": 1, "[redacted]": 2, "of Ann Lee": {"Ann Lee": [{"Ann Lee": "Ann Lee"}]},
        });
        new_replacement("Ann Lee").replace_in_typed_document(&mut document);
        assert_eq!(
            document,
            json!({
                "title": "by [redacted]", "[redacted] 2": 1, "[redacted]": 2,
                "of [redacted]": {"[redacted]": [{"[redacted]": "[redacted]"}]},
            })
        );
        let mut document = json!({"externalRef": "externalRef", "missing": {"title": "NOT_ASKED"}});
        new_replacement("externalRef").replace_in_typed_document(&mut document);
        assert_eq!(document["externalRef"], "[redacted]", "the field's name stays");
    }

    #[test]
    fn redacted_record_stays_valid() {
        let record = json!({
            "title": "OPEN to all since 2021", "leadOrganisation": {"name": "OPEN"}, "visibility": "OPEN",
            "startedOn": "2021-04-01", "source": {"kind": "SELF_REPORT", "title": "Our return"},
        });
        for (text, title, lead) in [
            ("OPEN", "[redacted] to all since 2021", "[redacted]"),
            ("2021", "OPEN to all since [redacted]", "OPEN"),
        ] {
            let mut document = record.clone();
            new_replacement(text).replace_in_record(&mut document);
            assert_eq!(document["title"], title);
            assert_eq!(document["leadOrganisation"]["name"], lead);
            assert_eq!(document["visibility"], "OPEN");
            assert_eq!(document["startedOn"], "2021-04-01");
        }
    }

    #[test]
    fn identity_replacement_is_the_same_in_every_document() {
        let mut taking = new_replacement("Ann Lee");
        let mut named = IdentityReplacements::default();
        named.by_value.insert("Ann Lee".into(), "[redacted] 2".into());
        taking.identities.insert(IdentityKind::Organisation, named);
        let mut document = json!({
            "title": "Ann Lee", "leadOrganisation": {"identifier": "Ann Lee", "name": "Ann Lee"},
            "filter": {"identifier": {"in": ["Ann Lee", "not Ann Lee"]}},
        });
        taking.replace_in_document(&mut document);
        assert_eq!(
            document,
            json!({
                "title": "[redacted]", "leadOrganisation": {"identifier": "[redacted] 2", "name": "[redacted]"},
                "filter": {"identifier": {"in": ["[redacted] 2", "not [redacted]"]}},
            })
        );
    }
}
