//! Organisations: finding those that records name, and adding those that are new.

pub mod filter_input;
pub mod former;
pub mod graphql;
pub mod loaders;
pub mod mutations;
mod save;

use std::collections::HashMap;

use sea_orm::{
    ActiveModelTrait, ActiveValue::NotSet, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    IntoActiveModel, QueryFilter, QuerySelect, Select,
};
use uuid::Uuid;
use wayin_entity::{ChangeKind, ChangeSubject, KeptSubject, OrganisationKind, organisation};

pub use self::save::{Draft, save};
use crate::change::{self, Act, Entry};
use crate::database::{insert_all, is_one_of, is_one_of_any};
use crate::error::{Error, Result};
use crate::keeping::{self, Save, Standing, document};
use crate::paging::{Paged, Sort};
use wayin_records::record::OrganisationReference;
use wayin_records::spelling;
use wayin_records::spelling::{fold, is_storable};

/// The organisations that a batch of records names.
#[derive(Debug, Default)]
pub struct Found {
    by_identifier: HashMap<String, organisation::Model>,
    by_name: HashMap<String, Vec<organisation::Model>>,
    /// What some were known as before, each with the ids that it leads to.
    formerly: HashMap<Formerly, Vec<Uuid>>,
    /// Those that it leads to.
    led_to: HashMap<Uuid, organisation::Model>,
}

/// Something that an organisation was known as before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Formerly {
    Identifier(String),
    Name(String),
}

/// The identifiers and the folded names of references that a base can hold, each once.
fn named_by<'a>(references: impl Iterator<Item = &'a OrganisationReference>) -> (Vec<String>, Vec<String>) {
    let (mut identifiers, mut names) = (Vec::new(), Vec::new());
    for reference in references {
        identifiers.extend(reference.identifier.as_deref().map(spelling::org_id));
        names.extend(reference.name.as_deref().map(fold));
    }
    for texts in [&mut identifiers, &mut names] {
        texts.retain(|text| is_storable(text));
        texts.sort_unstable();
        texts.dedup();
    }
    (identifiers, names)
}

/// Why an organisation cannot be told from a reference.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// It has neither identifier nor name.
    #[error("needs an identifier or a name")]
    Nameless,
    /// It is new to the base, and has no name.
    #[error("no organisation has the identifier {0}, and no name is given to add it by")]
    NewWithoutName(String),
    /// Its name is that of several.
    #[error("{0} organisations are called {1}; give the identifier of the one that is meant")]
    Several(usize, String),
}

impl Found {
    /// Looks up all that `references` name.
    pub async fn look_up<'a>(
        db: &impl ConnectionTrait,
        references: impl Iterator<Item = &'a OrganisationReference>,
    ) -> Result<Self> {
        let (identifiers, names) = named_by(references);
        let mut found = Self::default();
        for (former, leads_to) in former::known_as(db, &identifiers, &names).await? {
            let known_as = [
                former.identifier.map(Formerly::Identifier),
                Some(Formerly::Name(former.name_folded)),
            ];
            for known_as in known_as.into_iter().flatten() {
                let ids = found.formerly.entry(known_as).or_default();
                if !ids.contains(&leads_to.id) {
                    ids.push(leads_to.id);
                }
            }
            found.led_to.insert(leads_to.id, leads_to);
        }
        let identified = is_one_of_any(db, organisation::Column::Identifier.into_expr(), identifiers);
        let called = is_one_of_any(db, organisation::Column::NameFolded.into_expr(), names);
        let named = Condition::any().add_option(identified).add_option(called);
        if !named.is_empty() {
            let known = organisation::Entity::find().filter(named).all(db).await?;
            known.into_iter().for_each(|organisation| found.put(organisation));
        }
        Ok(found)
    }

    fn put(&mut self, organisation: organisation::Model) {
        if let Some(identifier) = &organisation.identifier {
            self.by_identifier
                .insert(identifier.clone(), organisation.clone());
        }
        let same_name = self.by_name.entry(organisation.name_folded.clone()).or_default();
        same_name.retain(|one| one.id != organisation.id);
        if let Some(led_to) = self.led_to.get_mut(&organisation.id) {
            *led_to = organisation.clone();
        }
        same_name.push(organisation);
    }

    /// The organisation that was known before as a reference names it, where none is known so now.
    fn formerly(&self, reference: &OrganisationReference) -> Option<&organisation::Model> {
        let known_as = match (&reference.identifier, &reference.name) {
            (Some(identifier), _) if !self.by_identifier.contains_key(&spelling::org_id(identifier)) => {
                Formerly::Identifier(spelling::org_id(identifier))
            }
            (None, Some(name)) if !self.by_name.contains_key(&fold(name)) => Formerly::Name(fold(name)),
            _ => return None,
        };
        match self.formerly.get(&known_as)?.as_slice() {
            [one] => self.led_to.get(one),
            _ => None,
        }
    }

    /// Whether nobody else that was found has an organisation's name.
    fn is_only(&self, organisation: &organisation::Model) -> bool {
        let same_name = self.by_name.get(&organisation.name_folded);
        same_name.is_none_or(|same| same.iter().all(|one| one.id == organisation.id))
    }

    fn known(&self, reference: &OrganisationReference) -> Result<Option<&organisation::Model>, Unclear> {
        let known = match (&reference.identifier, &reference.name) {
            (None, None) => return Err(Unclear::Nameless),
            (Some(identifier), _) => self
                .by_identifier
                .get(&spelling::org_id(identifier))
                .or_else(|| self.formerly(reference)),
            (None, Some(name)) => match self.by_name.get(&fold(name)).map(Vec::as_slice) {
                None | Some([]) => match self.formerly.get(&Formerly::Name(fold(name))) {
                    Some(several) if several.len() > 1 => {
                        return Err(Unclear::Several(several.len(), name.clone()));
                    }
                    _ => self.formerly(reference),
                },
                Some([one]) => Some(one),
                Some(several) => return Err(Unclear::Several(several.len(), name.clone())),
            },
        };
        match (known, &reference.name) {
            (None, None) => Err(Unclear::NewWithoutName(
                reference.identifier.clone().unwrap_or_default(),
            )),
            (known, _) => Ok(known),
        }
    }

    /// Whether a reference names an organisation, known or new.
    pub fn check(&self, reference: &OrganisationReference) -> Result<(), Unclear> {
        self.known(reference).map(|_| ())
    }

    /// The organisation that a reference names, where it is in the base.
    pub fn named(&self, reference: &OrganisationReference) -> Option<&organisation::Model> {
        self.known(reference).ok().flatten()
    }

    /// The id of the organisation that a reference names, where it is in the base.
    pub fn id_of(&self, reference: &OrganisationReference) -> Option<Uuid> {
        self.named(reference).map(|known| known.id)
    }

    /// The organisation that a reference names. One that is new to the base, or of
    /// which the kind was not known and now is, is put among `altered`.
    pub fn resolve(
        &mut self,
        reference: &OrganisationReference,
        act: &Act<'_>,
        altered: &mut Altered,
    ) -> Result<organisation::Model, Unclear> {
        let now = act.now();
        if let Some(known) = self.known(reference)? {
            let mut organisation = known.clone();
            if organisation.kind.is_none() && reference.kind.is_some() {
                let before = standing(&organisation);
                organisation.kind = reference.kind;
                organisation.updated_at = now;
                altered.put(organisation.clone(), Some(before));
                self.put(organisation.clone());
            }
            return Ok(organisation);
        }
        let name = spelling::name(reference.name.as_deref().unwrap_or_default());
        let organisation = organisation::Model {
            id: act.clock.new_id(),
            name_folded: fold(&name),
            name,
            kind: reference.kind,
            identifier: reference.identifier.as_deref().map(spelling::org_id),
            auto_publish: false,
            created_at: now,
            updated_at: now,
        };
        altered.put(organisation.clone(), None);
        self.put(organisation.clone());
        Ok(organisation)
    }
}

/// The organisations that a batch of records adds or says more of.
#[derive(Debug, Default)]
pub struct Altered(Vec<(organisation::Model, Option<Standing>)>);

/// An organisation as it stands, for its history.
pub fn standing(organisation: &organisation::Model) -> Standing {
    Standing::new(document::of_organisation(organisation), organisation.updated_at)
}

impl Altered {
    /// One organisation that stood so before.
    pub fn one(organisation: organisation::Model, before: Standing) -> Self {
        Self(vec![(organisation, Some(before))])
    }

    /// One that is new, or that stood so before.
    fn put(&mut self, organisation: organisation::Model, before: Option<Standing>) {
        match self.0.iter_mut().find(|(one, _)| one.id == organisation.id) {
            // What is new in this batch stays new, with what was said of it since.
            Some((one, _)) => *one = organisation,
            None => self.0.push((organisation, before)),
        }
    }

    /// Writes them with their revisions; answers what is to be appended to the log.
    ///
    /// # Errors
    /// A [conflict](Error::Conflict) where one was altered since it was read.
    pub async fn write(self, db: &impl ConnectionTrait, act: &Act<'_>) -> Result<Vec<Entry>> {
        let mut entries = Vec::with_capacity(self.0.len());
        let mut new = Vec::new();
        let mut saves = Vec::with_capacity(self.0.len());
        for (organisation, before) in self.0 {
            let kind = match before {
                Some(_) => ChangeKind::Altered,
                None => ChangeKind::Published,
            };
            entries.push(Entry::new(kind, ChangeSubject::Organisation, organisation.id));
            let (id, since) = (organisation.id, before.as_ref().map(|before| before.since));
            saves.push(Save {
                subject: KeptSubject::Organisation,
                id,
                before,
                after: document::of_organisation(&organisation),
            });
            let Some(since) = since else {
                new.push(organisation.into_active_model());
                continue;
            };
            // Only what was read is written over: somebody else may have said more of it meanwhile.
            let again = Error::Conflict(format!("{} was altered just now; try again", organisation.name));
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
        keeping::write(db, act, saves).await?;
        Ok(entries)
    }
}

/// Adds an organisation, or finds the one that is meant.
pub async fn ensure(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    identifier: Option<&str>,
    name: Option<&str>,
    kind: Option<OrganisationKind>,
) -> Result<organisation::Model> {
    let reference = OrganisationReference {
        identifier: identifier.map(Into::into),
        name: name.map(Into::into),
        kind,
    };
    let mut found = Found::look_up(db, std::iter::once(&reference)).await?;
    let mut altered = Altered::default();
    let organisation = found
        .resolve(&reference, act, &mut altered)
        .map_err(|unclear| Error::bad_input("organisation", unclear))?;
    let changes = altered.write(db, act).await?;
    change::append(db, act, &changes).await?;
    Ok(organisation)
}

/// The organisations out of `among` whose names are most like a name that none has, as they are offered to
/// whoever may mean them: of those that share the beginning of one of its words.
pub async fn named_alike(
    db: &impl ConnectionTrait,
    among: Select<organisation::Entity>,
    name: &str,
) -> Result<Vec<String>> {
    const LOOKED_AT: u64 = 1_000;
    const BEGINNING: usize = 4;
    const WORDS: usize = 6;
    let folded = fold(name);
    let beginnings = folded
        .split_whitespace()
        .filter(|word| word.chars().count() >= BEGINNING && is_storable(word))
        .take(WORDS)
        .map(|word| word.chars().take(BEGINNING).collect::<String>());
    let any = beginnings.fold(Condition::any(), |any, beginning| {
        any.add(organisation::Column::NameFolded.contains(&beginning))
    });
    if any.is_empty() {
        return Ok(Vec::new());
    }
    let found = among.filter(any).limit(LOOKED_AT).all(db).await?;
    let names = found.iter().map(|one| {
        let shown = match &one.identifier {
            Some(identifier) => format!("{} ({identifier})", one.name),
            None => one.name.clone(),
        };
        (one.name_folded.as_str(), shown)
    });
    Ok(crate::name_suggestions::find_similar(name, names))
}

/// Finds organisations by their ids.
pub async fn by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<organisation::Model>> {
    Ok(organisation::Entity::find()
        .filter(is_one_of(
            db,
            organisation::Column::Id.into_expr(),
            ids.iter().copied(),
        ))
        .all(db)
        .await?)
}

/// The orders of a list of organisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrganisationOrdering {
    /// From the last to the first.
    pub descending: bool,
}

impl Paged for organisation::Entity {
    type Order = OrganisationOrdering;
    const ID: Self::Column = organisation::Column::Id;

    fn sort(order: Self::Order) -> Sort<Self::Column> {
        Sort {
            tag: if order.descending { "name-" } else { "name" },
            column: organisation::Column::NameFolded,
            descending: order.descending,
        }
    }
}
