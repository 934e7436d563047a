//! Organisations: finding those that records name, and adding those that are new.

pub mod graphql;

use std::collections::HashMap;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect,
};
use uuid::Uuid;
use wayin_entity::{ChangeKind, ChangeSubject, OrganisationKind, organisation};

use crate::change::{self, Act, Entry};
use crate::condition::fold;
use crate::error::Result;
use crate::initiative::record::OrganisationReference;
use crate::initiative::validate::{self, Finding, FindingCode, can_be_held};
use crate::paging::{Key, Paged, Sort};

/// The organisations that a batch of records names.
#[derive(Debug, Default)]
pub struct Found {
    by_identifier: HashMap<String, organisation::Model>,
    by_name: HashMap<String, Vec<organisation::Model>>,
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
        let (mut identifiers, mut names) = (Vec::new(), Vec::new());
        for reference in references {
            identifiers.extend(reference.identifier.clone());
            names.extend(reference.name.as_deref().map(fold));
        }
        identifiers.retain(|text| can_be_held(text));
        names.retain(|text| can_be_held(text));
        identifiers.sort_unstable();
        identifiers.dedup();
        names.sort_unstable();
        names.dedup();
        let mut found = Self::default();
        let known = organisation::Entity::find()
            .filter(
                Condition::any()
                    .add(organisation::Column::Identifier.is_in(identifiers))
                    .add(organisation::Column::NameFolded.is_in(names)),
            )
            .all(db)
            .await?;
        known.into_iter().for_each(|organisation| found.put(organisation));
        Ok(found)
    }

    fn put(&mut self, organisation: organisation::Model) {
        if let Some(identifier) = &organisation.identifier {
            self.by_identifier
                .insert(identifier.clone(), organisation.clone());
        }
        let same_name = self.by_name.entry(organisation.name_folded.clone()).or_default();
        same_name.retain(|one| one.id != organisation.id);
        same_name.push(organisation);
    }

    fn known(&self, reference: &OrganisationReference) -> Result<Option<&organisation::Model>, Unclear> {
        let known = match (&reference.identifier, &reference.name) {
            (None, None) => return Err(Unclear::Nameless),
            (Some(identifier), _) => self.by_identifier.get(identifier),
            (None, Some(name)) => match self.by_name.get(&fold(name)).map(Vec::as_slice) {
                None | Some([]) => None,
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
                organisation.kind = reference.kind;
                organisation.updated_at = now;
                altered.put(organisation.clone(), ChangeKind::Altered);
                self.put(organisation.clone());
            }
            return Ok(organisation);
        }
        let name = reference.name.clone().unwrap_or_default();
        let organisation = organisation::Model {
            id: act.clock.new_id(),
            name_folded: fold(&name),
            name,
            kind: reference.kind,
            identifier: reference.identifier.clone(),
            auto_publish: false,
            created_at: now,
            updated_at: now,
        };
        altered.put(organisation.clone(), ChangeKind::Published);
        self.put(organisation.clone());
        Ok(organisation)
    }
}

/// The organisations that a batch of records adds or says more of.
#[derive(Debug, Default)]
pub struct Altered(Vec<(organisation::Model, ChangeKind)>);

impl Altered {
    fn put(&mut self, organisation: organisation::Model, kind: ChangeKind) {
        match self.0.iter_mut().find(|(one, _)| one.id == organisation.id) {
            // What is new in this batch stays new, with what was said of it since.
            Some((one, _)) => *one = organisation,
            None => self.0.push((organisation, kind)),
        }
    }

    /// Writes them, with the log.
    pub async fn write(self, db: &impl ConnectionTrait, act: &Act<'_>) -> Result<()> {
        let mut entries = Vec::with_capacity(self.0.len());
        let mut new = Vec::new();
        for (organisation, kind) in self.0 {
            entries.push(Entry::new(kind, ChangeSubject::Organisation, organisation.id));
            if kind == ChangeKind::Published {
                new.push(organisation.into_active_model());
            } else {
                organisation.into_active_model().reset_all().update(db).await?;
            }
        }
        for piece in new.chunks(2_000) {
            organisation::Entity::insert_many(piece.to_vec())
                .exec_without_returning(db)
                .await?;
        }
        change::append(db, act, &entries).await?;
        Ok(())
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
        .map_err(|unclear| crate::error::Error::bad_input("organisation", unclear))?;
    altered.write(db, act).await?;
    Ok(organisation)
}

/// An organisation as a steward writes it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The organisation that is there; none for a new one.
    pub id: Option<Uuid>,
    /// The name in use.
    pub name: String,
    /// What sort of organisation it is; none where not known.
    pub kind: Option<OrganisationKind>,
    /// The org-id identifier; none where none is known.
    pub identifier: Option<String>,
    /// Whether what its members send in is published without review.
    pub auto_publish: bool,
}

/// Adds an organisation, or writes one that is there anew, with the log. What is wrong with it is answered.
pub async fn save(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    draft: Draft,
) -> Result<Result<organisation::Model, Vec<Finding>>> {
    let name = draft.name.trim().to_owned();
    let identifier = draft.identifier.map(|identifier| identifier.trim().to_owned());
    let identifier = identifier.filter(|identifier| !identifier.is_empty());
    let reference = OrganisationReference {
        identifier: identifier.clone(),
        name: Some(name.clone()),
        kind: draft.kind,
    };
    let mut findings = validate::organisation(&reference);
    if name.is_empty() {
        findings.push(Finding::new(FindingCode::Required, "name", "is needed"));
    }
    let before = match draft.id {
        Some(id) => organisation::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    if draft.id.is_some() && before.is_none() {
        let reason = "there is no such organisation";
        findings.push(Finding::new(FindingCode::NotFound, "id", reason));
    }
    if !findings.is_empty() {
        return Ok(Err(findings));
    }
    if let Some(identifier) = &identifier {
        let same = organisation::Entity::find()
            .filter(organisation::Column::Identifier.eq(identifier))
            .one(db)
            .await?;
        if let Some(other) = same.filter(|other| Some(other.id) != draft.id) {
            let reason = format!("is that of {}", other.name);
            return Ok(Err(vec![Finding::new(FindingCode::Clash, "identifier", reason)]));
        }
    }
    let row = organisation::Model {
        id: before
            .as_ref()
            .map_or_else(|| act.clock.new_id(), |before| before.id),
        name_folded: fold(&name),
        name,
        kind: draft.kind,
        identifier,
        auto_publish: draft.auto_publish,
        created_at: before
            .as_ref()
            .map_or_else(|| act.now(), |before| before.created_at),
        updated_at: act.now(),
    };
    let kind = if before.is_some() {
        ChangeKind::Altered
    } else {
        ChangeKind::Published
    };
    let altered = Altered(vec![(row.clone(), kind)]);
    altered.write(db, act).await?;
    Ok(Ok(row))
}

/// The organisations whose names are most like a name that none has, as they are offered to
/// whoever may mean them: of those that share the beginning of one of its words.
pub async fn named_alike(db: &impl ConnectionTrait, name: &str) -> Result<Vec<String>> {
    const LOOKED_AT: u64 = 1_000;
    const BEGINNING: usize = 4;
    const WORDS: usize = 6;
    let folded = fold(name.trim());
    let beginnings = folded
        .split_whitespace()
        .filter(|word| word.chars().count() >= BEGINNING && can_be_held(word))
        .take(WORDS)
        .map(|word| word.chars().take(BEGINNING).collect::<String>());
    let any = beginnings.fold(Condition::any(), |any, beginning| {
        any.add(organisation::Column::NameFolded.contains(&beginning))
    });
    if any.is_empty() {
        return Ok(Vec::new());
    }
    let found = organisation::Entity::find()
        .filter(any)
        .limit(LOOKED_AT)
        .all(db)
        .await?;
    let names = found.iter().map(|one| {
        let shown = match &one.identifier {
            Some(identifier) => format!("{} ({identifier})", one.name),
            None => one.name.clone(),
        };
        (one.name_folded.as_str(), shown)
    });
    Ok(crate::place::most_alike(name, names))
}

/// Finds organisations by their ids.
pub async fn by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<organisation::Model>> {
    Ok(organisation::Entity::find()
        .filter(organisation::Column::Id.is_in(ids.iter().copied()))
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
            column: Some(organisation::Column::NameFolded),
            looks: |key| matches!(key, Key::Text(_)),
            descending: order.descending,
        }
    }

    fn key(_: Self::Order, row: &Self::Model) -> Key {
        Key::Text(row.name_folded.clone())
    }

    fn id(row: &Self::Model) -> Uuid {
        row.id
    }
}
