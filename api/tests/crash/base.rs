//! A database, the program that uses it, and queries of its content.

use std::net::SocketAddr;

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use tokio::runtime::Handle;
use uuid::Uuid;
use wayin::id::NodeKind;
use wayin_entity::{
    ImportMode, SubmissionState, audit_event, change, idempotency_key, import, initiative, member,
    organisation, submission,
};

use crate::database::Database;
use crate::program::{CommandFolder, RunningProgram, find_free_address, wait_until_ready};

/// A database, and the folder in which commands run.
pub struct CrashTestBase {
    database: Database,
    runtime: Handle,
    pub folder: CommandFolder,
    address: SocketAddr,
}

impl CrashTestBase {
    pub fn new(database: Database, runtime: Handle) -> Self {
        let address = find_free_address();
        let folder = CommandFolder::new()
            .with_setting("DATABASE_URL", database.url.clone())
            .with_setting("MIGRATE_ON_START", "true")
            .with_setting("TOKEN_ALGORITHM", "HS256")
            .with_setting("TOKEN_SECRET", "a secret that only this story knows of")
            .with_setting("TOKEN_ISSUER", "https://issuer.example.org")
            .with_setting("TOKEN_AUDIENCE", "wayin-tests")
            // It sends without a rate limit.
            .with_setting("RATE_LIMIT_MEMBER_CAPACITY", "1000000000")
            .with_setting("RATE_LIMIT_MEMBER_PER_MINUTE", "1000000000")
            .with_setting("BIND", address.to_string());
        Self {
            database,
            runtime,
            folder,
            address,
        }
    }

    /// Migrates it and imports a place.
    pub fn migrate_and_fill(&self) {
        self.folder.run_ok(&["migrate", "up"]);
        let places = "code,name,kind,parents,successor\nE06000001,Hartlepool,LOCAL_AUTHORITY,,\n";
        self.folder.write_file("places.csv", places);
        self.folder.run_ok(&["import", "places", "places.csv"]);
    }

    /// Serves it. Dropping the result kills the service.
    pub fn serve(&self) -> (RunningProgram, SocketAddr) {
        let service = self.folder.start(&["serve"]);
        wait_until_ready(self.address);
        (service, self.address)
    }

    /// Asserts that the integrity check finds no violation.
    pub fn assert_no_violations(&self, when: &str) {
        let output = self.folder.run(&["check"]);
        assert_eq!(output.code, Some(0), "{when}: {output:?}");
        assert!(output.out.contains("everything holds"), "{when}: {output:?}");
    }

    /// Adds a member; returns a token.
    pub fn add_member(&self, subject: &str, role: &str, organisation: Option<&str>) -> String {
        let mut arguments = vec!["member", "add", "--subject", subject, "--role", role];
        if let Some(identifier) = organisation {
            arguments.extend(["--organisation", identifier, "--organisation-name", identifier]);
        }
        self.folder.run_ok(&arguments);
        let token = self.folder.run_ok(&["token", "issue", "--subject", subject]);
        token.trim().to_owned()
    }

    fn block_on<T>(&self, asked: impl Future<Output = Result<T, sea_orm::DbErr>>) -> T {
        self.runtime.block_on(asked).expect("the base can be asked")
    }

    /// The number of audit events of a member, and the number of their idempotency keys.
    pub fn count_actions(&self, subject: &str) -> (u64, u64) {
        let db = &self.database.connection;
        let member = member::Entity::find().filter(member::Column::Subject.eq(subject));
        let member = self.block_on(member.one(db)).expect("there is such a member").id;
        let acts = audit_event::Entity::find().filter(audit_event::Column::MemberId.eq(member));
        let keys = idempotency_key::Entity::find()
            .filter(idempotency_key::Column::MemberId.eq(member))
            .filter(idempotency_key::Column::Answer.is_not_null());
        (self.block_on(acts.count(db)), self.block_on(keys.count(db)))
    }

    /// The submissions of an organisation, by their global ids.
    pub fn list_submissions(&self, organisation: &str) -> Vec<(String, SubmissionState)> {
        let db = &self.database.connection;
        let found = organisation::Entity::find().filter(organisation::Column::Identifier.eq(organisation));
        let found = self
            .block_on(found.one(db))
            .expect("there is such an organisation")
            .id;
        let rows = submission::Entity::find().filter(submission::Column::OrganisationId.eq(found));
        let rows = self.block_on(rows.all(db)).into_iter();
        rows.map(|row| (NodeKind::Submission.encode_id(row.id), row.state))
            .collect()
    }

    /// The imports of the command line.
    pub fn list_published_files(&self) -> Vec<import::Model> {
        let found = import::Entity::find().filter(import::Column::Mode.eq(ImportMode::Publish));
        self.block_on(found.all(&self.database.connection))
    }

    /// The initiative with a reference.
    pub fn find_initiative(&self, reference: &str) -> Option<initiative::Model> {
        let found = initiative::Entity::find().filter(initiative::Column::ExternalRef.eq(reference));
        self.block_on(found.one(&self.database.connection))
    }

    /// The subject of a change.
    pub fn find_change_subject(&self, number: i64) -> Option<Uuid> {
        let found = change::Entity::find_by_id(number);
        Some(self.block_on(found.one(&self.database.connection))?.subject_id)
    }

    /// The versions of all initiatives whose references have a prefix.
    pub fn list_versions(&self, beginning: &str) -> Vec<i32> {
        let found = initiative::Entity::find().filter(initiative::Column::ExternalRef.starts_with(beginning));
        let rows = self.block_on(found.all(&self.database.connection)).into_iter();
        rows.map(|row| row.version).collect()
    }
}
