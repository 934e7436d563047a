//! Organisations: finding those that records name, and adding new ones.

pub mod alias;
pub mod filter;
pub mod filter_input;
pub mod graphql;
pub mod loaders;
pub mod merge;
pub mod mutations;
mod save;

use std::collections::HashMap;

use sea_orm::{
    ActiveModelTrait, ActiveValue::NotSet, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    IntoActiveModel, QueryFilter, QuerySelect, Select,
};
use uuid::Uuid;
use wayin_entity::{ChangeKind, ChangeSubject, OrganisationKind, ReferenceKind, organisation};

pub use self::save::{OrganisationDraft, save_organisation};
use crate::change_log::{self, ActionContext, ChangeEntry};
use crate::database::{insert_all, is_in, is_in_any};
use crate::error::{Error, Result};
use crate::paging::{Paged, SortOrder};
use crate::reference_data::{self, CurrentDocument, SavedChange, document};
use wayin_records::normalisation;
use wayin_records::normalisation::{fold_name, is_storable};
use wayin_records::record::OrganisationReference;

/// The organisations that a batch of records names.
#[derive(Debug, Default)]
pub struct OrganisationLookup {
    by_identifier: HashMap<String, organisation::Model>,
    by_name: HashMap<String, Vec<organisation::Model>>,
    /// The aliases in use, each with the ids that it leads to.
    aliases: HashMap<OrganisationAlias, Vec<Uuid>>,
    /// The organisations that the aliases lead to.
    alias_targets: HashMap<Uuid, organisation::Model>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum OrganisationAlias {
    Identifier(String),
    Name(String),
}

/// The identifiers and folded names of references that a database can store, each once.
fn list_lookup_keys<'a>(
    references: impl Iterator<Item = &'a OrganisationReference>,
) -> (Vec<String>, Vec<String>) {
    let (mut identifiers, mut names) = (Vec::new(), Vec::new());
    for reference in references {
        identifiers.extend(
            reference
                .identifier
                .as_deref()
                .map(normalisation::normalise_org_id),
        );
        names.extend(reference.name.as_deref().map(fold_name));
    }
    for texts in [&mut identifiers, &mut names] {
        texts.retain(|text| is_storable(text));
        texts.sort_unstable();
        texts.dedup();
    }
    (identifiers, names)
}

/// Why a reference does not identify an organisation.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrganisationReferenceError {
    /// It has neither an identifier nor a name.
    #[error("needs an identifier or a name")]
    Nameless,
    /// The organisation is new and has no name.
    #[error("no organisation has the identifier {0}, and no name is given, so it cannot be added")]
    NewWithoutName(String),
    /// Several organisations have the name.
    #[error("{0} organisations are called {1}; give an identifier")]
    Ambiguous(usize, String),
}

impl OrganisationLookup {
    /// Looks up the organisations that `references` name.
    pub async fn load<'a>(
        db: &impl ConnectionTrait,
        references: impl Iterator<Item = &'a OrganisationReference>,
    ) -> Result<Self> {
        let (identifiers, names) = list_lookup_keys(references);
        let mut found = Self::default();
        for (former, leads_to) in alias::find_aliases(db, &identifiers, &names).await? {
            let known_as = [
                former.identifier.map(OrganisationAlias::Identifier),
                Some(OrganisationAlias::Name(former.name_folded)),
            ];
            for known_as in known_as.into_iter().flatten() {
                let ids = found.aliases.entry(known_as).or_default();
                if !ids.contains(&leads_to.id) {
                    ids.push(leads_to.id);
                }
            }
            found.alias_targets.insert(leads_to.id, leads_to);
        }
        let identified = is_in_any(db, organisation::Column::Identifier.into_expr(), identifiers);
        let called = is_in_any(db, organisation::Column::NameFolded.into_expr(), names);
        let named = Condition::any().add_option(identified).add_option(called);
        if !named.is_empty() {
            let known = organisation::Entity::find().filter(named).all(db).await?;
            known
                .into_iter()
                .for_each(|organisation| found.insert(organisation));
        }
        Ok(found)
    }

    fn insert(&mut self, organisation: organisation::Model) {
        if let Some(identifier) = &organisation.identifier {
            self.by_identifier
                .insert(identifier.clone(), organisation.clone());
        }
        let same_name = self.by_name.entry(organisation.name_folded.clone()).or_default();
        same_name.retain(|one| one.id != organisation.id);
        if let Some(led_to) = self.alias_targets.get_mut(&organisation.id) {
            *led_to = organisation.clone();
        }
        same_name.push(organisation);
    }

    /// Finds the organisation with the alias of a reference, if no current name matches.
    fn find_by_alias(&self, reference: &OrganisationReference) -> Option<&organisation::Model> {
        let known_as = match (&reference.identifier, &reference.name) {
            (Some(identifier), _)
                if !self
                    .by_identifier
                    .contains_key(&normalisation::normalise_org_id(identifier)) =>
            {
                OrganisationAlias::Identifier(normalisation::normalise_org_id(identifier))
            }
            (None, Some(name)) if !self.by_name.contains_key(&fold_name(name)) => {
                OrganisationAlias::Name(fold_name(name))
            }
            _ => return None,
        };
        match self.aliases.get(&known_as)?.as_slice() {
            [one] => self.alias_targets.get(one),
            _ => None,
        }
    }

    /// Whether no other organisation of this lookup has the same name.
    fn has_unique_name(&self, organisation: &organisation::Model) -> bool {
        let same_name = self.by_name.get(&organisation.name_folded);
        same_name.is_none_or(|same| same.iter().all(|one| one.id == organisation.id))
    }

    fn find_or_ambiguous(
        &self,
        reference: &OrganisationReference,
    ) -> Result<Option<&organisation::Model>, OrganisationReferenceError> {
        let known = match (&reference.identifier, &reference.name) {
            (None, None) => return Err(OrganisationReferenceError::Nameless),
            (Some(identifier), _) => self
                .by_identifier
                .get(&normalisation::normalise_org_id(identifier))
                .or_else(|| self.find_by_alias(reference)),
            (None, Some(name)) => match self.by_name.get(&fold_name(name)).map(Vec::as_slice) {
                None | Some([]) => match self.aliases.get(&OrganisationAlias::Name(fold_name(name))) {
                    Some(several) if several.len() > 1 => {
                        return Err(OrganisationReferenceError::Ambiguous(several.len(), name.clone()));
                    }
                    _ => self.find_by_alias(reference),
                },
                Some([one]) => Some(one),
                Some(several) => {
                    return Err(OrganisationReferenceError::Ambiguous(several.len(), name.clone()));
                }
            },
        };
        match (known, &reference.name) {
            (None, None) => Err(OrganisationReferenceError::NewWithoutName(
                reference.identifier.clone().unwrap_or_default(),
            )),
            (known, _) => Ok(known),
        }
    }

    /// Checks that a reference identifies an organisation, known or new.
    pub fn validate(&self, reference: &OrganisationReference) -> Result<(), OrganisationReferenceError> {
        self.find_or_ambiguous(reference).map(|_| ())
    }

    /// Finds the organisation of a reference in the database.
    pub fn find(&self, reference: &OrganisationReference) -> Option<&organisation::Model> {
        self.find_or_ambiguous(reference).ok().flatten()
    }

    /// Finds the id of the organisation of a reference in the database.
    pub fn find_id(&self, reference: &OrganisationReference) -> Option<Uuid> {
        self.find(reference).map(|known| known.id)
    }

    /// Finds or creates the organisation of a reference. Adds it to `altered` if it is new, or if its kind
    /// was not known before.
    pub fn resolve(
        &mut self,
        reference: &OrganisationReference,
        act: &ActionContext<'_>,
        altered: &mut AlteredOrganisations,
    ) -> Result<organisation::Model, OrganisationReferenceError> {
        let now = act.now();
        if let Some(known) = self.find_or_ambiguous(reference)? {
            let mut organisation = known.clone();
            if organisation.kind.is_none() && reference.kind.is_some() {
                let before = current_document(&organisation);
                organisation.kind = reference.kind;
                organisation.updated_at = now;
                altered.push(organisation.clone(), Some(before));
                self.insert(organisation.clone());
            }
            return Ok(organisation);
        }
        let name = normalisation::normalise_name(reference.name.as_deref().unwrap_or_default());
        let organisation = organisation::Model {
            id: act.clock.new_id(),
            name_folded: fold_name(&name),
            name,
            kind: reference.kind,
            identifier: reference
                .identifier
                .as_deref()
                .map(normalisation::normalise_org_id),
            auto_publish: false,
            created_at: now,
            updated_at: now,
        };
        altered.push(organisation.clone(), None);
        self.insert(organisation.clone());
        Ok(organisation)
    }
}

/// The organisations that a batch of records adds or changes.
#[derive(Debug, Default)]
pub struct AlteredOrganisations(Vec<(organisation::Model, Option<CurrentDocument>)>);

/// The current state of an organisation, for its revisions.
pub fn current_document(organisation: &organisation::Model) -> CurrentDocument {
    CurrentDocument::new(
        document::organisation_document(organisation),
        organisation.updated_at,
    )
}

impl AlteredOrganisations {
    /// Creates a list of one changed organisation.
    pub fn from_single(organisation: organisation::Model, before: CurrentDocument) -> Self {
        Self(vec![(organisation, Some(before))])
    }

    /// Adds a new or changed organisation.
    fn push(&mut self, organisation: organisation::Model, before: Option<CurrentDocument>) {
        match self.0.iter_mut().find(|(one, _)| one.id == organisation.id) {
            // An organisation that is new in this batch stays new.
            Some((one, _)) => *one = organisation,
            None => self.0.push((organisation, before)),
        }
    }

    /// Writes the organisations with their revisions. Returns the changes to append to the log.
    ///
    /// # Errors
    /// [`Error::Conflict`] if another transaction changed one since it was read.
    pub async fn write(self, db: &impl ConnectionTrait, act: &ActionContext<'_>) -> Result<Vec<ChangeEntry>> {
        let mut entries = Vec::with_capacity(self.0.len());
        let mut new = Vec::new();
        let mut saves = Vec::with_capacity(self.0.len());
        for (organisation, before) in self.0 {
            let kind = match before {
                Some(_) => ChangeKind::Altered,
                None => ChangeKind::Published,
            };
            entries.push(ChangeEntry::new(
                kind,
                ChangeSubject::Organisation,
                organisation.id,
            ));
            let (id, since) = (organisation.id, before.as_ref().map(|before| before.since));
            saves.push(SavedChange {
                subject: ReferenceKind::Organisation,
                id,
                before,
                after: document::organisation_document(&organisation),
            });
            let Some(since) = since else {
                new.push(organisation.into_active_model());
                continue;
            };
            // Updates only unchanged rows: another transaction may have changed them.
            let again = Error::Conflict(format!(
                "{} was changed by somebody else; try again",
                organisation.name
            ));
            let row = organisation::ActiveModel {
                id: NotSet,
                ..organisation.into_active_model().reset_all()
            };
            let written = organisation::Entity::update_many()
                .set(row)
                .filter(organisation::Column::Id.eq(id))
                .filter(organisation::Column::UpdatedAt.eq(since))
                .exec(db)
                .await?;
            if written.rows_affected == 0 {
                return Err(again);
            }
        }
        insert_all(db, new).await?;
        reference_data::write_revisions(db, act, saves).await?;
        Ok(entries)
    }
}

/// Finds the organisation of a reference, or adds it.
pub async fn find_or_create(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    identifier: Option<&str>,
    name: Option<&str>,
    kind: Option<OrganisationKind>,
) -> Result<organisation::Model> {
    let reference = OrganisationReference {
        identifier: identifier.map(Into::into),
        name: name.map(Into::into),
        kind,
    };
    let mut found = OrganisationLookup::load(db, std::iter::once(&reference)).await?;
    let mut altered = AlteredOrganisations::default();
    let organisation = found
        .resolve(&reference, act, &mut altered)
        .map_err(|unclear| Error::bad_input("organisation", unclear))?;
    let changes = altered.write(db, act).await?;
    change_log::append_changes(db, act, &changes).await?;
    Ok(organisation)
}

/// Finds the names among `among` that are most similar to an unknown name, for suggestions. Compares names
/// that share the beginning of a word.
pub async fn find_similar_names(
    db: &impl ConnectionTrait,
    among: Select<organisation::Entity>,
    name: &str,
) -> Result<Vec<String>> {
    const MAX_CANDIDATES: u64 = 1_000;
    const PREFIX_CHARACTERS: usize = 4;
    const MAX_WORDS: usize = 6;
    let folded = fold_name(name);
    let beginnings = folded
        .split_whitespace()
        .filter(|word| word.chars().count() >= PREFIX_CHARACTERS && is_storable(word))
        .take(MAX_WORDS)
        .map(|word| word.chars().take(PREFIX_CHARACTERS).collect::<String>());
    let any = beginnings.fold(Condition::any(), |any, beginning| {
        any.add(organisation::Column::NameFolded.contains(&beginning))
    });
    if any.is_empty() {
        return Ok(Vec::new());
    }
    let found = among.filter(any).limit(MAX_CANDIDATES).all(db).await?;
    let names = found.iter().map(|one| {
        let shown = match &one.identifier {
            Some(identifier) => format!("{} ({identifier})", one.name),
            None => one.name.clone(),
        };
        (one.name_folded.as_str(), shown)
    });
    Ok(crate::name_suggestions::find_similar(name, names))
}

/// Loads organisations by their ids.
pub async fn load_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<organisation::Model>> {
    Ok(organisation::Entity::find()
        .filter(is_in(
            db,
            organisation::Column::Id.into_expr(),
            ids.iter().copied(),
        ))
        .all(db)
        .await?)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrganisationOrdering {
    /// From last to first.
    pub descending: bool,
}

impl Paged for organisation::Entity {
    type Order = OrganisationOrdering;
    const ID: Self::Column = organisation::Column::Id;

    fn sort(order: Self::Order) -> SortOrder<Self::Column> {
        SortOrder {
            tag: if order.descending { "name-" } else { "name" },
            column: organisation::Column::NameFolded,
            descending: order.descending,
        }
    }
}
