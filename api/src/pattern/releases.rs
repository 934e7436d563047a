//! Releases: stores the classes of hidden records when they are formed, and loads those that other servers stored.

use std::collections::HashSet;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::Uuid;
use wayin_entity::{ChangeKind, ChangeSubject, change, disclosure_class, disclosure_release};

use super::loader::list_changes_since;
use crate::change_log::{ActionContext, ChangeEntry, append_changes};
use crate::database::{self, insert_all, is_one_of_ids};
use crate::locks::{AdvisoryLock, LockMode, acquire_lock};
use wayin_engine::disclosure::classes::{ClassMember, StoredClass};
use wayin_engine::index::AsOf;

/// The bytes of one record in a stored class: its id, when it was last updated, and its cell key.
const MEMBER_BYTES: usize = 25;

/// Some stored classes.
pub struct LoadedClasses {
    /// The classes.
    pub classes: Vec<StoredClass>,
    /// The ids of all stored classes, also of other releases.
    pub all_ids: HashSet<Uuid>,
    /// The number of the newest release; 0 if there is none.
    pub release_number: i32,
    /// The newest change of the records of which the newest release was formed.
    pub formed_at: AsOf,
}

/// New classes that are to be stored, and what the server that formed them knew.
pub struct NewRelease {
    /// The classes.
    pub classes: Vec<StoredClass>,
    /// Classes that the new ones replace.
    pub replaced: Vec<Uuid>,
    /// The newest change of the records of which the classes were formed.
    pub as_of: AsOf,
    /// The numbers below it that were missing from the log.
    pub log_gaps: Vec<i64>,
    /// The number of the newest release before; 0 if there was none.
    pub release_before: i32,
}

/// Loads the classes of some releases, or of all.
pub async fn load_classes(
    db: &impl ConnectionTrait,
    releases: Option<&[Uuid]>,
) -> Result<LoadedClasses, DbErr> {
    let newest = disclosure_release::Entity::find()
        .order_by_desc(disclosure_release::Column::Number)
        .one(db)
        .await?;
    let Some(newest) = newest else {
        return Ok(LoadedClasses {
            classes: Vec::new(),
            all_ids: HashSet::new(),
            release_number: 0,
            formed_at: AsOf::default(),
        });
    };
    let all = disclosure_class::Entity::find().order_by_asc(disclosure_class::Column::Id);
    let these = match releases {
        Some(releases) => {
            let release = disclosure_class::Column::ReleaseId;
            all.filter(is_one_of_ids(db, release.into_expr(), releases))
        }
        None => all,
    };
    let classes = these.all(db).await?;
    let all_ids: Vec<Uuid> = disclosure_class::Entity::find()
        .select_only()
        .column(disclosure_class::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    let change = change::Entity::find_by_id(newest.change_number).one(db).await?;
    Ok(LoadedClasses {
        classes: classes.into_iter().map(to_stored_class).collect(),
        all_ids: all_ids.into_iter().collect(),
        release_number: newest.number,
        formed_at: AsOf {
            change_number: newest.change_number,
            changed_at: change.map(|change| change.created_at),
        },
    })
}

/// Stores new classes as a release, and removes those that they replace. Leaves out the classes of which a record has changed
/// since. Returns false, and stores nothing, if no class is left, if one that is left out replaces others, or if another
/// server has stored a release meanwhile.
pub async fn store_classes(
    db: &DatabaseConnection,
    act: &ActionContext<'_>,
    new: NewRelease,
) -> Result<bool, DbErr> {
    let transaction = database::begin_write(db).await?;
    // Until the end of the transaction, nobody else can append to the log.
    acquire_lock(&transaction, LockMode::Exclusive, AdvisoryLock::ChangeLog).await?;
    let newest = disclosure_release::Entity::find()
        .order_by_desc(disclosure_release::Column::Number)
        .one(&transaction)
        .await?;
    let newest_number = newest.map_or(0, |release| release.number);
    let changes = list_changes_since(&transaction, new.as_of, &new.log_gaps).await?;
    let Some(changes) = changes.filter(|_| newest_number == new.release_before) else {
        transaction.rollback().await?;
        return Ok(false);
    };
    let changed: HashSet<Uuid> = changes.iter().map(|change| change.subject_id).collect();
    let has_changed = |class: &StoredClass| class.members.iter().any(|member| changed.contains(&member.id));
    let class_count = new.classes.len();
    let mut classes = new.classes;
    classes.retain(|class| !has_changed(class));
    if classes.is_empty() || (classes.len() < class_count && !new.replaced.is_empty()) {
        transaction.rollback().await?;
        return Ok(false);
    }
    let (release_id, now) = (act.clock.new_id(), act.now());
    let release = disclosure_release::ActiveModel {
        id: Set(release_id),
        number: Set(newest_number + 1),
        change_number: Set(new.as_of.change_number),
        created_at: Set(now),
        updated_at: Set(now),
    };
    insert_all(&transaction, [release]).await?;
    let rows = classes.iter().map(|class| disclosure_class::ActiveModel {
        id: Set(class.id),
        release_id: Set(release_id),
        audience: Set(class.audience),
        members: Set(encode_members(&class.members)),
        created_at: Set(now),
        updated_at: Set(now),
    });
    insert_all(&transaction, rows.collect::<Vec<_>>()).await?;
    let replaced = is_one_of_ids(
        &transaction,
        disclosure_class::Column::Id.into_expr(),
        &new.replaced,
    );
    disclosure_class::Entity::delete_many()
        .filter(replaced)
        .exec(&transaction)
        .await?;
    let entry = ChangeEntry::new(
        ChangeKind::Published,
        ChangeSubject::DisclosureRelease,
        release_id,
    );
    append_changes(&transaction, act, &[entry]).await?;
    database::commit(transaction).await?;
    Ok(true)
}

fn encode_members(members: &[ClassMember]) -> Vec<u8> {
    let encode = |member: &ClassMember| {
        let (id, updated_at) = (*member.id.as_bytes(), member.updated_at.to_le_bytes());
        id.into_iter().chain(updated_at).chain([member.cell_key])
    };
    members.iter().flat_map(encode).collect()
}

fn to_stored_class(row: disclosure_class::Model) -> StoredClass {
    let (members, _) = row.members.as_chunks::<MEMBER_BYTES>();
    let decode = |member: &[u8; MEMBER_BYTES]| {
        let (id, member) = member.split_first_chunk::<16>()?;
        let (updated_at, cell_key) = member.split_first_chunk::<8>()?;
        Some(ClassMember {
            id: Uuid::from_bytes(*id),
            updated_at: i64::from_le_bytes(*updated_at),
            cell_key: *cell_key.first()?,
        })
    };
    StoredClass {
        id: row.id,
        audience: row.audience,
        members: members.iter().filter_map(decode).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_members_are_read_as_they_were() {
        let members: Vec<ClassMember> = [i64::MIN, -1, 0, 1_700_000_000_123_456]
            .into_iter()
            .zip(1..)
            .map(|(updated_at, id)| ClassMember {
                id: Uuid::from_u128(u128::MAX / id),
                updated_at,
                cell_key: updated_at.to_le_bytes()[0],
            })
            .collect();
        let row = disclosure_class::Model {
            id: Uuid::from_u128(1),
            release_id: Uuid::from_u128(2),
            audience: wayin_entity::Audience::Members,
            members: encode_members(&members),
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
        };
        assert_eq!(to_stored_class(row).members, members);
    }
}
