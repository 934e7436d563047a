//! Saves that say only what changes: an absent field stays as it is, null clears it.

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

/// The object that a save changes, as it is before, and what is wrong with how the save leaves fields out.
#[derive(Debug, Default)]
pub struct PartialUpdate {
    /// All of the object; none where it is new, or there is no such object.
    before: Option<Value>,
    /// Whether the save names an object that is there.
    is_update: bool,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl PartialUpdate {
    /// Loads the object that a save names, and holds it for the transaction.
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

    /// Loads the member of this issuer and subject, if there is one.
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

    /// A field that an object cannot be without. None, with what is wrong, where it is not known.
    pub fn required_field<T: InputType>(
        &mut self,
        field: &str,
        given: MaybeUndefined<T>,
    ) -> Result<Option<T>> {
        match given {
            MaybeUndefined::Value(value) => return Ok(Some(value)),
            MaybeUndefined::Null => {
                let reason = "cannot be cleared; leave it out, and it stays as it is";
                self.add_problem(field, if self.is_update { reason } else { "is missing" });
            }
            MaybeUndefined::Undefined => {
                if let Some(kept) = self.stored_field(field)? {
                    return Ok(Some(kept));
                }
                // Of an object that is not there, the save says so itself.
                if !self.is_update {
                    self.add_problem(field, "is missing");
                }
            }
        }
        Ok(None)
    }

    /// A field that may be empty.
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

    /// What is wrong with the save, which cannot go on. `what` names the kind of object.
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

    /// The field as it is kept.
    fn stored_field<T: InputType>(&self, field: &str) -> Result<Option<T>> {
        let kept = self.before.as_ref().and_then(|before| before.get(field));
        let Some(kept) = kept.filter(|kept| !kept.is_null()) else {
            return Ok(None);
        };
        // A place in an input is an object with its id.
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
        let unreadable = |_| Error::Internal(format!("the field {field} cannot be read as it is kept"));
        parsed.map(Some).map_err(unreadable)
    }
}

/// An object that stewards keep, as one document.
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

/// The fields of an object that held something before a save, and hold nothing after it.
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
