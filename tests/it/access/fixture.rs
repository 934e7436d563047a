//! Random databases in which every text that not everybody can see contains a unique mark.

use std::collections::BTreeMap;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin::clock::{Clock, SystemClock};
use wayin::id::NodeKind;
use wayin_entity::{ImportKind, Role, funding_term, initiative, initiative_source, member, organisation};

use super::naive::{NaiveReader, SECRET_DIGITS, SECRET_PREFIX, SecretOwner, SentRecord, VisibleWorld};
use crate::support::Database;
use crate::support::app::{Client, TestApp};
use crate::support::builders::withdraw;
use crate::support::oracle::random::{FUNDERS, LEADS, RandomSource};
use crate::support::oracle::{build_world, retire_a_place, start_with_world};
use crate::support::rows::{build_finished_import, build_returned_submission};

const RECORD_COUNT: usize = 24;

/// A member, or a client without a token.
pub struct FixtureMember<'a> {
    /// The member's client.
    pub client: Client<'a>,
    /// The reader.
    pub who: NaiveReader,
    /// The mark in the subject of the member's tokens.
    pub subject: String,
}

/// A database with marked texts, and the rules for who can see them.
pub struct AccessFixture {
    pub app: TestApp,
    /// The reference data, the records and the marks.
    pub seen: VisibleWorld,
    /// The id of each record, indexed by its number.
    pub ids: Vec<Uuid>,
    /// The global ids of all objects, each with what its mark belongs to.
    pub nodes: Vec<(String, SecretOwner)>,
    /// The ids of the organisations, by name.
    pub organisations: BTreeMap<&'static str, Uuid>,
    /// The ids of submissions, each with the organisation that it belongs to.
    pub submissions: Vec<(String, &'static str)>,
    next: usize,
}

/// The members: the role, and the name and identifier of the organisation.
const MEMBERS: [(Role, Option<(&str, &str)>); 7] = [
    (Role::Steward, None),
    (Role::Dashboard, None),
    (Role::Partner, Some((LEADS[0], "GB-CHC-1"))),
    (Role::Partner, Some((LEADS[1], "GB-CHC-2"))),
    (Role::Funder, Some((FUNDERS[0], "GB-CHC-3"))),
    (Role::Funder, Some((LEADS[0], "GB-CHC-1"))),
    (Role::Partner, Some((FUNDERS[0], "GB-CHC-3"))),
];

/// The name of an organisation, as a `'static` reference.
fn organisation_name(name: &str) -> &'static str {
    let mut all = LEADS.into_iter().chain(FUNDERS);
    all.find(|one| *one == name).unwrap()
}

impl AccessFixture {
    pub async fn random(database: Database, chance: &mut RandomSource) -> Self {
        let world = build_world();
        let app = start_with_world(database, &world).await;
        let mut base = Self {
            app,
            seen: VisibleWorld {
                world,
                records: Vec::new(),
                secrets: BTreeMap::new(),
            },
            ids: Vec::new(),
            nodes: Vec::new(),
            organisations: BTreeMap::new(),
            submissions: Vec::new(),
            next: 0,
        };
        base.publish(chance).await;
        base.create_submissions_and_imports().await;
        base.record_ids().await;
        base
    }

    /// A new mark. Only readers who can see its owner can see it.
    pub fn new_secret(&mut self, of: SecretOwner) -> String {
        self.next += 1;
        let mark = format!("{SECRET_PREFIX}{:0SECRET_DIGITS$}", self.next);
        self.seen.secrets.insert(mark.clone(), of);
        mark
    }

    /// Adds a mark to every text of a record.
    fn with_secrets(&mut self, number: usize, chance: &mut RandomSource) -> Value {
        let mut record = chance.random_record(number);
        let title = record["title"].as_str().unwrap().to_owned();
        record["title"] = format!("{title} {}", self.new_secret(SecretOwner::Title(number))).into();
        record["externalRef"] = self.new_secret(SecretOwner::Rest(number)).into();
        record["summary"] = self.new_secret(SecretOwner::Rest(number)).into();
        record["source"]["title"] = self.new_secret(SecretOwner::Rest(number)).into();
        record["sharing"] = json!({
            "confirmedBy": self.new_secret(SecretOwner::Rest(number)), "basis": self.new_secret(SecretOwner::Rest(number)), "licence": "CC-BY-4.0",
        });
        // Some lead organisations fund other records.
        if chance.maybe(40) {
            let funder = chance.choose(&LEADS);
            let term = json!({"funder": {"name": funder}});
            match record.get_mut("fundingTerms").and_then(Value::as_array_mut) {
                Some(terms) => terms.push(term),
                None => record["fundingTerms"] = json!([term]),
            }
        }
        for (part, text) in [("entryPoints", "motivation"), ("challengesFaced", "note")] {
            let many = record[part].as_array().map_or(0, Vec::len);
            for at in 0..many {
                record[part][at][text] = self.new_secret(SecretOwner::Rest(number)).into();
            }
        }
        let many = record["fundingTerms"].as_array().map_or(0, Vec::len);
        for at in 0..many {
            let funder = organisation_name(record["fundingTerms"][at]["funder"]["name"].as_str().unwrap());
            let of = || SecretOwner::Term(number, funder);
            record["fundingTerms"][at]["programme"] = self.new_secret(of()).into();
            record["fundingTerms"][at]["grantIdentifier"] = format!("360G-{}", self.new_secret(of())).into();
        }
        record
    }

    async fn publish(&mut self, chance: &mut RandomSource) {
        let mut records: Vec<Value> = (0..RECORD_COUNT)
            .map(|number| self.with_secrets(number, chance))
            .collect();
        self.app.publish(&records).await;
        // Some records are corrected, so that the earlier text becomes history.
        for number in (0..RECORD_COUNT).filter(|number| number % 5 == 3) {
            let before = records[number]["summary"].as_str().unwrap().to_owned();
            self.seen.secrets.insert(before, SecretOwner::History(number));
            records[number]["summary"] = self.new_secret(SecretOwner::Rest(number)).into();
        }
        self.app.publish(&records).await;
        let db = &self.app.app.db;
        let rows = initiative::Entity::find().all(db).await.unwrap();
        for record in &records {
            let row = rows
                .iter()
                .find(|row| record["externalRef"] == row.external_ref.as_deref().unwrap());
            self.ids.push(row.unwrap().id);
        }
        for (number, record) in records.into_iter().enumerate() {
            let withdrawn = chance.maybe(15);
            if withdrawn {
                withdraw(&self.app, self.ids[number]).await;
            }
            self.seen.records.push(SentRecord { record, withdrawn });
        }
        retire_a_place(&self.app).await;
    }

    /// Creates submissions and imports of organisations.
    async fn create_submissions_and_imports(&mut self) {
        let rows = organisation::Entity::find().all(&self.app.app.db).await.unwrap();
        for row in rows {
            self.organisations.insert(organisation_name(&row.name), row.id);
        }
        let author = SystemClock.new_id();
        let now = SystemClock.now();
        let author = member::Model {
            id: author,
            issuer: "https://elsewhere.example.org".into(),
            subject: self.new_secret(SecretOwner::Member),
            organisation_id: None,
            role: Role::Dashboard,
            revoked_at: Some(now),
            created_at: now,
            updated_at: now,
        };
        let author = author.into_active_model().insert(&self.app.app.db).await.unwrap();
        self.nodes
            .push((NodeKind::Member.encode_id(author.id), SecretOwner::Member));
        for (name, id) in self.organisations.clone() {
            for _ in 0..2 {
                let mut secret = || self.new_secret(SecretOwner::Submission(name));
                let document = json!({"title": secret(), "externalRef": secret(), "summary": secret()});
                let row = build_returned_submission(author.id, id, document, &secret());
                let row = row.into_active_model().insert(&self.app.app.db).await.unwrap();
                let id = NodeKind::Submission.encode_id(row.id);
                self.submissions.push((id.clone(), name));
                self.nodes.push((id, SecretOwner::Submission(name)));
            }
            for (kind, role) in [
                (ImportKind::Records, Role::Partner),
                (ImportKind::Grants360Giving, Role::Funder),
            ] {
                let of = SecretOwner::Import(name, role);
                let row = build_finished_import(author.id, Some(id), kind, &self.new_secret(of.clone()));
                let row = row.into_active_model().insert(&self.app.app.db).await.unwrap();
                self.nodes.push((NodeKind::Import.encode_id(row.id), of));
            }
        }
    }

    /// Collects the ids of the records and of their parts.
    async fn record_ids(&mut self) {
        let db = &self.app.app.db;
        for (number, id) in self.ids.iter().enumerate() {
            self.nodes
                .push((NodeKind::Initiative.encode_id(*id), SecretOwner::Title(number)));
            let terms = funding_term::Entity::find()
                .filter(funding_term::Column::InitiativeId.eq(*id))
                .all(db)
                .await
                .unwrap();
            for term in terms {
                let mut names = self.organisations.iter();
                let funder = names.find(|(_, id)| **id == term.funder_id).unwrap().0;
                self.nodes.push((
                    NodeKind::FundingTerm.encode_id(term.id),
                    SecretOwner::Term(number, funder),
                ));
            }
            let sources = initiative_source::Entity::find()
                .filter(initiative_source::Column::InitiativeId.eq(*id))
                .all(db)
                .await
                .unwrap();
            for source in sources {
                self.nodes.push((
                    NodeKind::Source.encode_id(source.source_id),
                    SecretOwner::Rest(number),
                ));
            }
        }
    }

    /// The subject of each member, with its mark.
    pub fn list_subjects(&mut self) -> Vec<String> {
        MEMBERS
            .iter()
            .map(|_| self.new_secret(SecretOwner::Member))
            .collect()
    }

    /// Creates the members, and a client without a token.
    pub async fn create_members<'a>(&'a self, subjects: &[String]) -> Vec<FixtureMember<'a>> {
        let mut members = Vec::new();
        for ((role, acts_for), subject) in MEMBERS.into_iter().zip(subjects) {
            let identifier = acts_for.map(|(_, identifier)| identifier);
            members.push(FixtureMember {
                client: self.app.create_member(subject, role, identifier).await,
                who: NaiveReader {
                    role: Some(role),
                    organisation: acts_for.map(|(name, _)| name),
                },
                subject: subject.clone(),
            });
        }
        members.push(FixtureMember {
            client: self.app.anonymous(),
            who: NaiveReader {
                role: None,
                organisation: None,
            },
            subject: String::new(),
        });
        members
    }
}

impl AccessFixture {
    /// Returns every fourth record that is not withdrawn with a new summary, to be published again. The mark of
    /// the summary belongs to the record from then on.
    pub fn alter_some_records(&mut self) -> BTreeMap<usize, Value> {
        let mut altered = BTreeMap::new();
        for number in (0..RECORD_COUNT).step_by(4) {
            let SentRecord {
                mut record,
                withdrawn,
            } = self.seen.records[number].clone();
            if !withdrawn {
                record["summary"] = self.new_secret(SecretOwner::Rest(number)).into();
                altered.insert(number, record);
            }
        }
        altered
    }
}
