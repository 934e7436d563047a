//! Marks a base whose names, codes and identifiers are to be written in one spelling. The tables stay as they are:
//! the rows are written by `wayin migrate up` afterwards, with the functions that every import uses.

use sea_orm_migration::prelude::*;

/// Changes no table.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
