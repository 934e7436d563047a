//! Asserts that constraints reject rows.

use sea_orm::{ConnectionTrait, DatabaseConnection};

/// Runs a statement that a constraint must reject: check, unique, not null or foreign key.
pub async fn assert_constraint_violation(db: &DatabaseConnection, kind: &str, statement: &str) {
    let Err(refusal) = db.execute_unprepared(statement).await else {
        panic!("{statement} was accepted");
    };
    let message = refusal.to_string().to_lowercase().replace('-', " ");
    assert!(
        message.contains(&format!("{kind} constraint")),
        "{statement} was rejected for another reason: {refusal}"
    );
}
