//! What the filters of all domains share: limits on depth and size, and the context in which names are looked
//! up.

use sea_orm::DatabaseConnection;
use uuid::Uuid;

use crate::auth::requester::AuthenticatedMember;
use crate::error::{Error, Result};
use wayin_engine::predicate::Predicate;
use wayin_engine::visibility::Reader;

/// The maximum depth of nested filters.
const MAX_FILTER_DEPTH: usize = 12;
/// The maximum number of conditions in a filter, including all its parts.
const MAX_FILTER_CONDITIONS: usize = 250;

/// Checks that a filter does not have too many conditions.
pub fn require_condition_count<T>(
    path: &str,
    condition: Predicate<T>,
    of_test: impl Fn(&T) -> usize,
) -> Result<Predicate<T>> {
    let weight = condition.count_nodes(&of_test);
    if weight > MAX_FILTER_CONDITIONS {
        return Err(Error::bad_input(
            path,
            format!("holds {weight} conditions; at most {MAX_FILTER_CONDITIONS} can be asked at once"),
        ));
    }
    Ok(condition)
}

/// The organisation that `fundedByMe`, `ledByMe` and `isMe` mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskerOrganisation {
    /// The organisation of the member who asks. It may have been merged into another since.
    Known(Uuid),
    /// The member who asks belongs to no organisation.
    Missing,
    /// Someone without a token asks.
    Unidentified,
    /// The filter is stored in a claim, which everybody reads.
    Claim,
}

impl AskerOrganisation {
    /// The organisation of a member.
    pub fn from_member(member: &AuthenticatedMember) -> Self {
        member.organisation.map_or(Self::Missing, Self::Known)
    }

    /// Returns the id of the organisation. `path` is the path of the field that needs it in the input.
    ///
    /// # Errors
    /// [`Error::BadInput`] if there is none.
    pub fn require_id(self, path: &str) -> Result<Uuid> {
        let field = path.rsplit('.').next().unwrap_or(path);
        let reason = match self {
            Self::Known(id) => return Ok(id),
            Self::Missing => format!(
                "You do not belong to an organisation, so `{field}` cannot be answered. Filter by an \
                 organisation's id instead."
            ),
            Self::Unidentified => format!(
                "You sent no token, so `{field}` cannot be answered. Send the token of a member of an organisation."
            ),
            Self::Claim => format!(
                "A claim is read by everybody, so `{field}` cannot be answered in it. Filter by an organisation's \
                 id instead."
            ),
        };
        Err(Error::bad_input(path, reason))
    }
}

/// The context of a filter: where its names are looked up, who asks, and its depth.
#[derive(Clone, Copy)]
pub struct FilterContext<'a> {
    /// The database.
    pub db: &'a DatabaseConnection,
    /// The reader. A filter only finds names that the reader may see.
    pub reader: Reader,
    /// The organisation of the member who asks.
    pub asker_organisation: AskerOrganisation,
    depth: usize,
}

impl<'a> FilterContext<'a> {
    /// Creates the context of the outermost filter.
    pub const fn new(
        db: &'a DatabaseConnection,
        reader: Reader,
        asker_organisation: AskerOrganisation,
    ) -> Self {
        Self {
            db,
            reader,
            asker_organisation,
            depth: 0,
        }
    }

    /// Creates the context of the outermost filter of a member.
    pub fn for_member(db: &'a DatabaseConnection, member: &AuthenticatedMember) -> Self {
        Self::new(db, member.reader(), AskerOrganisation::from_member(member))
    }

    /// Returns the context of a nested filter. `path` is the path of the filter in the input.
    ///
    /// # Errors
    /// [`Error::BadInput`] if the filter is nested too deep.
    pub fn nested(self, path: &str) -> Result<Self> {
        if self.depth == MAX_FILTER_DEPTH {
            return Err(Error::bad_input(
                path,
                format!("filters are nested more than {MAX_FILTER_DEPTH} deep"),
            ));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

/// Formats the path of a field of an input.
pub fn field_path(path: &str, field: &str) -> String {
    format!("{path}.{field}")
}

/// Returns the condition of a boolean field of a filter: `condition` for true, and its negation for false.
pub fn negate_if_false<T>(condition: Predicate<T>, value: bool) -> Predicate<T> {
    if value { condition } else { condition.negated() }
}

/// Combines conditions so that all must be true. A single condition is returned unchanged.
pub fn all_of<T>(mut conditions: Vec<Predicate<T>>) -> Predicate<T> {
    if conditions.len() == 1 {
        conditions.remove(0)
    } else {
        Predicate::All(conditions)
    }
}

/// Combines the parts of a scope so that all must be true.
///
/// # Errors
/// [`Error::BadInput`] if there are no parts.
pub fn require_any_part<T>(path: &str, conditions: Vec<Predicate<T>>) -> Result<Predicate<T>> {
    if conditions.is_empty() {
        return Err(Error::bad_input(path, "says nothing to compare with"));
    }
    Ok(all_of(conditions))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::AskerOrganisation;

    #[test]
    fn missing_organisation_is_an_error_with_its_path() {
        let id = Uuid::from_u128(7);
        assert_eq!(
            AskerOrganisation::Known(id).require_id("when.fundedByMe").ok(),
            Some(id)
        );
        for (asker, message) in [
            (
                AskerOrganisation::Missing,
                "among.or.0.fundedByMe: You do not belong to an organisation, so `fundedByMe` cannot be \
                 answered. Filter by an organisation's id instead.",
            ),
            (
                AskerOrganisation::Unidentified,
                "among.or.0.fundedByMe: You sent no token, so `fundedByMe` cannot be answered. Send the token of a \
                 member of an organisation.",
            ),
            (
                AskerOrganisation::Claim,
                "among.or.0.fundedByMe: A claim is read by everybody, so `fundedByMe` cannot be answered in \
                 it. Filter by an organisation's id instead.",
            ),
        ] {
            let refusal = asker.require_id("among.or.0.fundedByMe").unwrap_err();
            assert_eq!(refusal.to_string(), message);
        }
    }
}
