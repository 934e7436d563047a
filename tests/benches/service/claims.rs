//! The claims that the pages show.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait as _, DatabaseConnection, DbErr, EntityTrait as _, IntoActiveModel as _};
use serde_json::json;
use uuid::Uuid;
use wayin_entity::{Dimension, claim};

/// The number of claims.
pub const CLAIM_COUNT: u32 = 10;

/// Adds the claims `claim-1`, `claim-2` and so on. Each compares another length of funding, by region.
pub async fn add_claims(db: &DatabaseConnection) -> Result<(), DbErr> {
    let now = DateTime::<Utc>::UNIX_EPOCH;
    let claims = (1..=CLAIM_COUNT).map(|position| {
        let claim = claim::Model {
            id: Uuid::from_u128(position.into()),
            slug: format!("claim-{position}"),
            statement: format!(
                "Where some funding lasts {} months or less, more skip their ambitions.",
                position * 3
            ),
            position: position.cast_signed(),
            reflection_id: None,
            pattern_when: json!({"fundingTerms": {"some": {"durationMonths": {"lte": position * 3}}}}),
            pattern_then: json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["SKIPPED"]}}}),
            pattern_among: None,
            pattern_by: Some(Dimension::Region),
            created_at: now,
            updated_at: now,
        };
        claim.into_active_model().reset_all()
    });
    claim::Entity::insert_many(claims)
        .exec_without_returning(db)
        .await?;
    Ok(())
}
