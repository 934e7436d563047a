//! Partial updates: a missing field stays the same, null clears it.

use async_graphql::{InputType, MaybeUndefined, Value as Sent, indexmap::IndexMap};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{
    claim, crisis, crisis_place, meeting, member, organisation, place, place_parent, reflection, term,
};

use super::document;
use crate::error::{Error, Result};
use crate::id::NodeKind;
use wayin_records::problem::{Problem, ProblemCode};

/// The stored object that a save changes, and the problems with missing or cleared fields.
#[derive(Debug, Default)]
pub struct PartialUpdate {
    /// The whole object. None if it is new or does not exist.
    before: Option<Value>,
    /// Whether the save names an existing object.
    is_update: bool,
    /// The problems.
    pub problems: Vec<Problem>,
}

impl PartialUpdate {
    /// Loads the object of a save and locks it until the transaction ends.
    pub async fn load(db: &impl ConnectionTrait, kind: NodeKind, id: Option<Uuid>) -> Result<Self> {
        let before = match id {
            Some(id) => find_document(db, kind, id).await?,
            None => None,
        };
        Ok(Self {
            before,
            is_update: id.is_some(),
            problems: Vec::new(),
        })
    }

    /// Loads the member with this issuer and subject.
    pub async fn load_member(db: &impl ConnectionTrait, issuer: &str, subject: &str) -> Result<Self> {
        let row = member::Entity::find()
            .filter(member::Column::Issuer.eq(issuer))
            .filter(member::Column::Subject.eq(subject))
            .lock_exclusive()
            .one(db)
            .await?;
        Ok(Self {
            is_update: row.is_some(),
            before: row.as_ref().map(document::member_document),
            problems: Vec::new(),
        })
    }

    /// A required field. None if it is missing, which is added to the problems.
    pub fn required_field<T: InputType>(
        &mut self,
        field: &str,
        given: MaybeUndefined<T>,
    ) -> Result<Option<T>> {
        match given {
            MaybeUndefined::Value(value) => return Ok(Some(value)),
            MaybeUndefined::Null => {
                let reason = "cannot be cleared; leave it out to keep it";
                self.add_problem(field, if self.is_update { reason } else { "is missing" });
            }
            MaybeUndefined::Undefined => {
                if let Some(kept) = self.stored_field(field)? {
                    return Ok(Some(kept));
                }
                // The save itself reports an unknown object.
                if !self.is_update {
                    self.add_problem(field, "is missing");
                }
            }
        }
        Ok(None)
    }

    /// An optional field.
    pub fn optional_field<T: InputType>(
        &mut self,
        field: &str,
        given: MaybeUndefined<T>,
    ) -> Result<Option<T>> {
        match given {
            MaybeUndefined::Value(value) => Ok(Some(value)),
            MaybeUndefined::Null => Ok(None),
            MaybeUndefined::Undefined => self.stored_field(field),
        }
    }

    /// The problems that prevent the save. `what` is the word for the object.
    pub fn into_problems(mut self, what: &str) -> Vec<Problem> {
        if self.is_update && self.before.is_none() {
            let reason = format!("there is no such {what}");
            self.problems
                .push(Problem::new(ProblemCode::NotFound, "id", reason));
        }
        self.problems
    }

    fn add_problem(&mut self, field: &str, reason: &str) {
        self.problems
            .push(Problem::new(ProblemCode::Required, field, reason));
    }

    /// Reads the stored value of a field.
    fn stored_field<T: InputType>(&self, field: &str) -> Result<Option<T>> {
        let kept = self.before.as_ref().and_then(|before| before.get(field));
        let Some(kept) = kept.filter(|kept| !kept.is_null()) else {
            return Ok(None);
        };
        // In an input, a place is an object with its id.
        let reference = |value: &Value| {
            let id = Sent::from_json(value.clone()).unwrap_or_default();
            Sent::Object(IndexMap::from_iter([(async_graphql::Name::new("id"), id)]))
        };
        let references = match kept {
            Value::Array(all) => Sent::List(all.iter().map(reference).collect()),
            one => reference(one),
        };
        let plain = Sent::from_json(kept.clone()).unwrap_or_default();
        let parsed = T::parse(Some(plain)).or_else(|_| T::parse(Some(references)));
        let unreadable = |_| {
            Error::Internal(format!(
                "the field {field} has a stored value that cannot be read"
            ))
        };
        parsed.map(Some).map_err(unreadable)
    }
}

/// Loads an object of reference data as a document.
async fn find_document(db: &impl ConnectionTrait, kind: NodeKind, id: Uuid) -> Result<Option<Value>> {
    macro_rules! row {
        ($entity:ident) => {
            $entity::Entity::find_by_id(id)
                .lock_exclusive()
                .one(db)
                .await?
        };
    }
    Ok(match kind {
        NodeKind::Place => {
            let links = place_parent::Entity::find().filter(place_parent::Column::PlaceId.eq(id));
            match row!(place) {
                Some(row) => {
                    let within = links.all(db).await?.into_iter().map(|link| link.parent_id);
                    Some(document::place_document(&row, &within.collect()))
                }
                None => None,
            }
        }
        NodeKind::Crisis => {
            let links = crisis_place::Entity::find().filter(crisis_place::Column::CrisisId.eq(id));
            match row!(crisis) {
                Some(row) => {
                    let places = links.all(db).await?.into_iter().map(|link| link.place_id);
                    Some(document::crisis_document(&row, &places.collect()))
                }
                None => None,
            }
        }
        NodeKind::Organisation => row!(organisation).as_ref().map(document::organisation_document),
        NodeKind::Term => row!(term).as_ref().map(document::term_document),
        NodeKind::Meeting => row!(meeting).as_ref().map(document::meeting_document),
        NodeKind::Reflection => row!(reflection).as_ref().map(document::reflection_document),
        NodeKind::Claim => row!(claim).as_ref().map(document::claim_document),
        _ => None,
    })
}

/// The fields that have a value before a save and none after it.
pub fn find_cleared_fields(before: &Value, after: &Value) -> Vec<String> {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(all) => all.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    let fields = before.as_object().into_iter().flatten();
    fields
        .filter(|(field, held)| !is_empty(held) && after.get(field).is_none_or(is_empty))
        .map(|(field, _)| field.clone())
        .collect()
}
