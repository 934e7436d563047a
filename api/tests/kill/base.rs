//! A base, the program that works on it, and what can be found in it.

use std::net::SocketAddr;

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use tokio::runtime::Handle;
use uuid::Uuid;
use wayin::id::NodeKind;
use wayin_entity::{
    SubmissionState, audit_event, change, initiative, member, organisation, repeatable, submission,
};

use crate::database::Database;
use crate::program::{Folder, Running, free_address, wait_until_ready};

/// A base, and a folder to run commands on it from.
pub struct Base {
    database: Database,
    runtime: Handle,
    pub folder: Folder,
    address: SocketAddr,
}

impl Base {
    pub fn new(database: Database, runtime: Handle) -> Self {
        let address = free_address();
        let folder = Folder::new()
            .with("DATABASE_URL", database.url.clone())
            .with("MIGRATE_ON_START", "true")
            .with("TOKEN_ALGORITHM", "HS256")
            .with("TOKEN_SECRET", "a secret that only this story knows of")
            .with("TOKEN_ISSUER", "https://issuer.example.org")
            .with("TOKEN_AUDIENCE", "wayin-tests")
            // It sends as much as it can.
            .with("BUDGET_TOKEN_CAPACITY", "1000000000")
            .with("BUDGET_TOKEN_PER_MINUTE", "1000000000")
            .with("BIND", address.to_string());
        Self {
            database,
            runtime,
            folder,
            address,
        }
    }

    /// Makes its tables, with a place.
    pub fn begin(&self) {
        self.folder.good(&["migrate", "up"]);
        let places = "code,name,kind,within,successor\nE06000001,Hartlepool,LOCAL_AUTHORITY,,\n";
        self.folder.file("places.csv", places);
        self.folder.good(&["import", "places", "places.csv"]);
    }

    /// Serves it. The service is killed, without a word, where what is answered is dropped.
    pub fn serve(&self) -> (Running, SocketAddr) {
        let service = self.folder.start(&["serve"]);
        wait_until_ready(self.address);
        (service, self.address)
    }

    /// Makes sure that everything in it holds.
    pub fn holds(&self, when: &str) {
        let told = self.folder.run(&["check"]);
        assert_eq!(told.code, Some(0), "{when}: {told:?}");
        assert!(told.out.contains("everything holds"), "{when}: {told:?}");
    }

    /// Adds a member, and answers a token of theirs.
    pub fn member(&self, subject: &str, role: &str, organisation: Option<&str>) -> String {
        let mut arguments = vec!["member", "add", "--subject", subject, "--role", role];
        if let Some(identifier) = organisation {
            arguments.extend(["--organisation", identifier, "--organisation-name", identifier]);
        }
        self.folder.good(&arguments);
        let token = self.folder.good(&["token", "issue", "--subject", subject]);
        token.trim().to_owned()
    }

    fn ask<T>(&self, asked: impl Future<Output = Result<T, sea_orm::DbErr>>) -> T {
        self.runtime.block_on(asked).expect("the base can be asked")
    }

    /// How many acts of a member the audit trail tells of, and how many keys they were done under.
    pub fn acts(&self, subject: &str) -> (u64, u64) {
        let db = &self.database.connection;
        let member = member::Entity::find().filter(member::Column::Subject.eq(subject));
        let member = self.ask(member.one(db)).expect("there is such a member").id;
        let acts = audit_event::Entity::find().filter(audit_event::Column::MemberId.eq(member));
        let keys = repeatable::Entity::find()
            .filter(repeatable::Column::MemberId.eq(member))
            .filter(repeatable::Column::Answer.is_not_null());
        (self.ask(acts.count(db)), self.ask(keys.count(db)))
    }

    /// The submissions of an organisation, by their global ids.
    pub fn submissions(&self, organisation: &str) -> Vec<(String, SubmissionState)> {
        let db = &self.database.connection;
        let found = organisation::Entity::find().filter(organisation::Column::Identifier.eq(organisation));
        let found = self.ask(found.one(db)).expect("there is such an organisation").id;
        let rows = submission::Entity::find().filter(submission::Column::OrganisationId.eq(found));
        let rows = self.ask(rows.all(db)).into_iter();
        rows.map(|row| (NodeKind::Submission.id(row.id), row.state))
            .collect()
    }

    /// The initiative of a reference; no other story's base has the same.
    pub fn initiative(&self, reference: &str) -> Option<initiative::Model> {
        let found = initiative::Entity::find().filter(initiative::Column::ExternalRef.eq(reference));
        self.ask(found.one(&self.database.connection))
    }

    /// What a change of the log is of.
    pub fn change(&self, number: i64) -> Option<Uuid> {
        let found = change::Entity::find_by_id(number);
        Some(self.ask(found.one(&self.database.connection))?.subject_id)
    }

    /// The versions of all initiatives whose references begin so.
    pub fn versions(&self, beginning: &str) -> Vec<i32> {
        let found = initiative::Entity::find().filter(initiative::Column::ExternalRef.starts_with(beginning));
        let rows = self.ask(found.all(&self.database.connection)).into_iter();
        rows.map(|row| row.version).collect()
    }
}
