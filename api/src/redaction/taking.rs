//! What stands in the place of a text that is taken out: the marker, and where something is told from others by what
//! held the text, a marker with a number that no other has.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::Deserialize as _;
use serde_json::{Map, Value};
use wayin_entity::{
    claim, crisis, former_organisation, funding_term, grant_detail, initiative, meeting, member,
    organisation, term,
};

use super::found::{Found, holds};
use super::{MARKER, pieces};
use crate::error::Result;
use crate::vocabulary::term::folded as term_folded;
use wayin_records::record::{InitiativeRecord, OrganisationReference};
use wayin_records::spelling::fold;
use wayin_records::workbook::columns::is_field;

/// The marker in short names, which are made of small letters, digits and hyphens.
const MARKER_IN_SLUG: &str = "redacted";

macro_rules! identities {
    ($($(#[doc = $about:literal])+ $identity:ident { $($table:ident.$column:ident)+ })+) => {
        /// A value by which something is told from others of its sort.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(super) enum Identity {
            $($(#[doc = $about])+ $identity,)+
        }

        impl Identity {
            /// Those of some values that something has.
            async fn taken(self, db: &impl ConnectionTrait, values: &[String]) -> Result<HashSet<String>> {
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

        impl<'a> Taking<'a> {
            /// Finds what stands in the place of everything that holds the text.
            pub async fn of(db: &impl ConnectionTrait, found: &Found, text: &'a str) -> Result<Self> {
                let mut taking = Self { text, named: HashMap::new() };
                $($(
                    for ids in pieces(&found.$table) {
                        let telling = $table::Entity::find()
                            .select_only()
                            .column($table::Column::$column)
                            .filter($table::Column::Id.is_in(ids))
                            .filter(holds($table::Column::$column, text))
                            .into_tuple::<String>()
                            .all(db)
                            .await?;
                        taking.tell_apart(db, Identity::$identity, telling).await?;
                    }
                )+)+
                Ok(taking)
            }
        }
    };
}

identities! {
    /// A lead organisation's own reference for a record. No two records are given the same, whoever leads them: so
    /// what stands for one stands for it in every document.
    Reference { initiative.ExternalRef }
    /// A grant's identifier.
    Grant { funding_term.GrantIdentifier grant_detail.GrantIdentifier }
    /// An organisation's identifier, in use or before.
    Organisation { organisation.Identifier former_organisation.Identifier }
    /// A short name in addresses and filters.
    Slug { crisis.Slug term.Slug claim.Slug }
    /// The subject of a member's tokens.
    Subject { member.Subject }
    /// The title of a meeting.
    Meeting { meeting.Title }
}

impl Identity {
    /// What a field of a document holds, by its name.
    fn of_field(name: &str) -> Option<Self> {
        Some(match name {
            "externalRef" => Self::Reference,
            "grantIdentifier" => Self::Grant,
            "identifier" => Self::Organisation,
            "slug" | "crisis" => Self::Slug,
            "subject" => Self::Subject,
            _ => return None,
        })
    }

    fn without(self, kept: &str, text: &str) -> String {
        kept.replace(
            text,
            if self == Self::Slug {
                MARKER_IN_SLUG
            } else {
                MARKER
            },
        )
    }

    fn numbered(self, without: &str, number: u32) -> String {
        let between = if self == Self::Slug { '-' } else { ' ' };
        format!("{without}{between}{number}")
    }
}

/// What stands for the values of one sort.
#[derive(Debug, Default)]
struct Named {
    by_value: HashMap<String, String>,
    given: HashSet<String>,
    /// The last number that was given beside what stood there already.
    numbers: HashMap<String, u32>,
}

/// A text that is taken out.
#[derive(Debug)]
pub(super) struct Taking<'a> {
    text: &'a str,
    named: HashMap<Identity, Named>,
}

impl Taking<'_> {
    async fn tell_apart(
        &mut self,
        db: &impl ConnectionTrait,
        identity: Identity,
        telling: Vec<String>,
    ) -> Result<()> {
        let text = self.text;
        let named = self.named.entry(identity).or_default();
        let telling: Vec<(String, String)> = telling
            .into_iter()
            .filter(|value| !named.by_value.contains_key(value))
            .map(|value| (identity.without(&value, text), value))
            .collect();
        let without: Vec<String> = telling.iter().map(|(without, _)| without.clone()).collect();
        let taken = identity.taken(db, &without).await?;
        for (without, value) in telling {
            let mut stands = without.clone();
            let mut is_free = !taken.contains(&stands);
            while !is_free || named.given.contains(&stands) {
                let number = named.numbers.entry(without.clone()).or_insert(1);
                *number += 1;
                stands = identity.numbered(&without, *number);
                is_free = identity
                    .taken(db, std::slice::from_ref(&stands))
                    .await?
                    .is_empty();
            }
            named.given.insert(stands.clone());
            named.by_value.insert(value, stands);
        }
        Ok(())
    }

    /// What stands in the place of what an identity was.
    fn stands_for(&self, identity: Identity, kept: &str) -> String {
        let known = self
            .named
            .get(&identity)
            .and_then(|named| named.by_value.get(kept));
        known
            .cloned()
            .unwrap_or_else(|| identity.without(kept, self.text))
    }

    /// Takes the text out of another.
    pub fn text(&self, kept: &mut String) {
        if kept.contains(self.text) {
            *kept = kept.replace(self.text, MARKER);
        }
    }

    /// Takes it out of a text that may be missing.
    pub fn text_if_any(&self, kept: &mut Option<String>) {
        kept.iter_mut().for_each(|kept| self.text(kept));
    }

    /// Takes it out of what tells something from others.
    pub fn identity(&self, identity: Identity, kept: &mut String) {
        if kept.contains(self.text) {
            *kept = self.stands_for(identity, kept);
        }
    }

    /// Takes it out of what tells something from others, where that is known.
    pub fn identity_if_any(&self, identity: Identity, kept: &mut Option<String>) {
        kept.iter_mut().for_each(|kept| self.identity(identity, kept));
    }

    /// Takes it out of every value of a document.
    pub fn document(&self, document: &mut Value) {
        self.value(document, None, false);
    }

    /// Takes it out of every value of a record as it was typed, and out of the names of fields that no record has.
    pub fn typed(&self, document: &mut Value) {
        self.value(document, None, true);
    }

    /// Removes it from the texts of the rows in a stored result of a mutation. Their ids, codes and moments remain, as
    /// the result could not be read otherwise.
    pub fn answer(&self, answer: &mut Value) {
        match answer {
            Value::Array(values) => values.iter_mut().for_each(|value| self.answer(value)),
            Value::Object(columns) => {
                for (name, value) in columns.iter_mut() {
                    match name.as_str() {
                        "document" => self.typed(value),
                        _ if value.is_object() => self.answer(value),
                        name if !is_code(name) => self.value(value, identity_of_column(name), false),
                        _ => {}
                    }
                }
                update_folded_name(columns);
            }
            _ => {}
        }
    }

    fn value(&self, value: &mut Value, identity: Option<Identity>, names_too: bool) {
        match value {
            Value::String(kept) => match identity {
                // As it was typed it may have blanks about it.
                Some(identity) if self.is_known(identity, kept.trim()) => {
                    *kept = self.stands_for(identity, kept.trim());
                }
                _ => self.text(kept),
            },
            Value::Array(values) => values
                .iter_mut()
                .for_each(|value| self.value(value, identity, names_too)),
            Value::Object(fields) => {
                if names_too {
                    self.names(fields);
                }
                for (name, value) in fields {
                    self.value(value, Identity::of_field(name).or(identity), names_too);
                }
            }
            _ => {}
        }
    }

    fn is_known(&self, identity: Identity, kept: &str) -> bool {
        let named = self.named.get(&identity);
        named.is_some_and(|named| named.by_value.contains_key(kept))
    }

    fn names(&self, fields: &mut Map<String, Value>) {
        let telling: Vec<String> = fields
            .keys()
            .filter(|name| name.contains(self.text) && !is_field(name))
            .cloned()
            .collect();
        for name in telling {
            let without = name.replace(self.text, MARKER);
            let numbered = (2..).map(|number: u32| format!("{without} {number}"));
            let free = std::iter::once(without.clone())
                .chain(numbered)
                .find(|name| !fields.contains_key(name));
            if let (Some(free), Some(value)) = (free, fields.remove(&name)) {
                fields.insert(free, value);
            }
        }
    }

    /// Takes it out of the texts of a published record. Its codes and days stay, or it were no record any more.
    pub fn record(&self, document: &mut Value) {
        let Ok(before) = InitiativeRecord::deserialize(&*document) else {
            return self.document(document);
        };
        let mut record = before.clone();
        self.identity_if_any(Identity::Reference, &mut record.external_ref);
        self.text(&mut record.title);
        self.text_if_any(&mut record.summary);
        if let Some(place) = &mut record.place {
            self.text_if_any(&mut place.name);
        }
        self.organisation(&mut record.lead_organisation);
        for taken in &mut record.entry_points {
            self.text_if_any(&mut taken.motivation);
        }
        for faced in &mut record.challenges_faced {
            self.text_if_any(&mut faced.note);
        }
        for term in &mut record.funding_terms {
            self.organisation(&mut term.funder);
            self.identity_if_any(Identity::Grant, &mut term.grant_identifier);
            self.text_if_any(&mut term.programme);
        }
        self.text(&mut record.source.title);
        self.text_if_any(&mut record.source.url);
        self.text_if_any(&mut record.source.licence);
        if let Some(sharing) = &mut record.sharing {
            self.text_if_any(&mut sharing.confirmed_by);
            self.text_if_any(&mut sharing.basis);
            self.text_if_any(&mut sharing.licence);
        }
        if record != before
            && let Ok(written) = serde_json::to_value(&record)
        {
            *document = written;
        }
    }

    fn organisation(&self, reference: &mut OrganisationReference) {
        self.identity_if_any(Identity::Organisation, &mut reference.identifier);
        self.text_if_any(&mut reference.name);
    }
}

/// What a column of a row holds, by its name.
fn identity_of_column(name: &str) -> Option<Identity> {
    match name {
        "external_ref" => Some(Identity::Reference),
        _ => Identity::of_field(name),
    }
}

/// Whether a column of a row holds an id, a code or a moment.
fn is_code(name: &str) -> bool {
    const CODES: [&str; 13] = [
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
    CODES.contains(&name) || name.ends_with("_id") || name.ends_with("_at") || name.ends_with("_on")
}

/// Updates the column that holds the name in lower case.
fn update_folded_name(columns: &mut Map<String, Value>) {
    let Some(name) = columns.get("name").and_then(Value::as_str) else {
        return;
    };
    let folded = match columns.get("synonyms") {
        Some(synonyms) => term_folded(name, synonyms),
        None => fold(name),
    };
    if let Some(column) = columns.get_mut("name_folded") {
        *column = folded.into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taking(text: &str) -> Taking<'_> {
        Taking {
            text,
            named: HashMap::new(),
        }
    }

    #[test]
    fn names_of_fields_that_no_record_has_are_taken_out_and_stay_apart() {
        let mut document = json!({
            "title": "by Ann Lee", "Ann Lee": 1, "[redacted]": 2, "of Ann Lee": {"Ann Lee": [{"Ann Lee": "Ann Lee"}]},
        });
        taking("Ann Lee").typed(&mut document);
        assert_eq!(
            document,
            json!({
                "title": "by [redacted]", "[redacted] 2": 1, "[redacted]": 2,
                "of [redacted]": {"[redacted]": [{"[redacted]": "[redacted]"}]},
            })
        );
        let mut document = json!({"externalRef": "externalRef", "missing": {"title": "NOT_ASKED"}});
        taking("externalRef").typed(&mut document);
        assert_eq!(document["externalRef"], "[redacted]", "the field's name stays");
    }

    #[test]
    fn a_published_record_stays_one() {
        let record = json!({
            "title": "OPEN to all since 2021", "leadOrganisation": {"name": "OPEN"}, "visibility": "OPEN",
            "startedOn": "2021-04-01", "source": {"kind": "SELF_REPORT", "title": "Our return"},
        });
        for (text, title, lead) in [
            ("OPEN", "[redacted] to all since 2021", "[redacted]"),
            ("2021", "OPEN to all since [redacted]", "OPEN"),
        ] {
            let mut document = record.clone();
            taking(text).record(&mut document);
            assert_eq!(document["title"], title);
            assert_eq!(document["leadOrganisation"]["name"], lead);
            assert_eq!(document["visibility"], "OPEN");
            assert_eq!(document["startedOn"], "2021-04-01");
        }
    }

    #[test]
    fn what_stands_for_an_identity_stands_for_it_in_every_document() {
        let mut taking = taking("Ann Lee");
        let mut named = Named::default();
        named.by_value.insert("Ann Lee".into(), "[redacted] 2".into());
        taking.named.insert(Identity::Organisation, named);
        let mut document = json!({
            "title": "Ann Lee", "leadOrganisation": {"identifier": "Ann Lee", "name": "Ann Lee"},
            "filter": {"identifier": {"in": ["Ann Lee", "not Ann Lee"]}},
        });
        taking.document(&mut document);
        assert_eq!(
            document,
            json!({
                "title": "[redacted]", "leadOrganisation": {"identifier": "[redacted] 2", "name": "[redacted]"},
                "filter": {"identifier": {"in": ["[redacted] 2", "not [redacted]"]}},
            })
        );
    }
}
