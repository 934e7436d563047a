//! The row of the instance, with its secret.

use hmac::{Hmac, KeyInit, Mac};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, sea_query::OnConflict};
use sha2::Sha256;
use wayin_entity::instance_settings;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::secret::generate_secret;

/// The secret of the demonstration. It is fixed, so that every demonstration gives the same figures. It is public, so it
/// cannot protect real records.
const DEMONSTRATION_SECRET: [u8; 32] = *b"The secret of the demonstration.";

/// Creates the row with a new secret, unless it exists.
pub async fn ensure_instance(db: &impl ConnectionTrait, clock: &dyn Clock) -> Result<()> {
    insert_missing_row(db, clock, generate_secret()?).await
}

/// Creates the row with the secret of the demonstration, unless it exists.
pub async fn ensure_demonstration_instance(db: &impl ConnectionTrait, clock: &dyn Clock) -> Result<()> {
    insert_missing_row(db, clock, DEMONSTRATION_SECRET).await
}

/// Whether the secret is that of the demonstration. False if there is no row.
pub async fn has_demonstration_secret(db: &impl ConnectionTrait) -> Result<bool> {
    let row = instance_settings::Entity::find_by_id(1).one(db).await?;
    Ok(row.is_some_and(|row| row.disclosure_secret == DEMONSTRATION_SECRET))
}

async fn insert_missing_row(db: &impl ConnectionTrait, clock: &dyn Clock, secret: [u8; 32]) -> Result<()> {
    let row = instance_settings::ActiveModel {
        id: Set(1),
        disclosure_secret: Set(secret.to_vec()),
        created_at: Set(clock.now()),
        updated_at: Set(clock.now()),
    };
    let unless_there = OnConflict::column(instance_settings::Column::Id)
        .do_nothing()
        .to_owned();
    instance_settings::Entity::insert(row)
        .on_conflict(unless_there)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Derives the disclosure keys of records.
pub struct DisclosureKeys {
    secret: Vec<u8>,
}

impl DisclosureKeys {
    /// Loads the secret of the instance.
    pub async fn load(db: &impl ConnectionTrait) -> Result<Self> {
        let base = instance_settings::Entity::find_by_id(1).one(db).await?;
        let base = base.ok_or_else(|| Error::Internal("the row of the instance is missing".into()))?;
        Ok(Self {
            secret: base.disclosure_secret,
        })
    }

    /// The first 32 bits of the HMAC-SHA-256 of a record's lead organisation and reference. The same record
    /// has the same key in a restored database.
    pub fn derive_key(&self, lead_organisation: &str, reference: &str) -> Result<i64> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).map_err(|cause| {
            Error::Internal(format!("the secret of the instance is not a valid key: {cause}"))
        })?;
        mac.update(&(lead_organisation.len() as u64).to_be_bytes());
        mac.update(lead_organisation.as_bytes());
        mac.update(reference.as_bytes());
        let digest = mac.finalize().into_bytes();
        Ok(i64::from(u32::from_be_bytes([
            digest[0], digest[1], digest[2], digest[3],
        ])))
    }
}
