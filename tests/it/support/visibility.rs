//! Everything that a reader sees over every access path, compared with the visibility model.

use std::collections::BTreeSet;

use sea_orm::EntityTrait;
use serde_json::{Value, json};
use uuid::Uuid;
use wayin::id::NodeKind;
use wayin_entity::{Role, Visibility, funding_term, initiative, initiative_source, organisation, place};

use super::app::{Client, TestApp};

/// How much of a record a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVisibility {
    /// Nothing.
    Nothing,
    /// The title, the place and the reader's own funding terms.
    Part,
    /// Everything.
    Whole,
}
use ExpectedVisibility::{Nothing, Part, Whole};

/// A reader.
pub struct TestReader<'a> {
    /// The client of the reader.
    pub client: Client<'a>,
    name: String,
    role: Role,
    organisation: Option<&'static str>,
}

impl<'a> TestReader<'a> {
    /// A new member with a role, of an organisation that its identifier names.
    pub async fn new(app: &'a TestApp, role: Role, organisation: Option<&'static str>) -> Self {
        let name = format!("{role:?} of {organisation:?}");
        Self {
            client: app.create_member(&name, role, organisation).await,
            name,
            role,
            organisation,
        }
    }
}

/// A record in the database, withdrawn or not.
#[derive(Debug)]
pub struct StoredRecord {
    /// Its row.
    pub row: initiative::Model,
    lead: String,
    /// The ids of its terms, each with its funder.
    pub terms: Vec<(Uuid, String)>,
    /// The ids of its sources.
    pub sources: Vec<Uuid>,
}

impl StoredRecord {
    /// How much of the record a reader sees, according to the documentation.
    pub fn visibility_for(&self, role: Role, organisation: Option<&str>) -> ExpectedVisibility {
        let leads = organisation == Some(self.lead.as_str());
        let funds = self
            .terms
            .iter()
            .any(|(_, funder)| organisation == Some(funder.as_str()));
        if self.row.withdrawn_at.is_some() {
            return Nothing;
        }
        let funder_reads = match (funds, self.row.shared_with_funders) {
            (true, true) => Whole,
            (true, false) => Part,
            (false, _) => Nothing,
        };
        match (self.row.visibility, role) {
            (_, Role::Steward) | (Visibility::Open, _) => Whole,
            (_, Role::Dashboard) => Nothing,
            (Visibility::AggregateOnly, _) if !leads => funder_reads,
            (Visibility::Members | Visibility::AggregateOnly, Role::Partner | Role::Funder) => Whole,
        }
    }

    /// Its global id.
    pub fn id(&self) -> String {
        NodeKind::Initiative.encode_id(self.row.id)
    }
}

/// The content of a database, read directly.
pub struct StoredBase {
    /// Every record.
    pub records: Vec<StoredRecord>,
    organisations: Vec<organisation::Model>,
    places: Vec<place::Model>,
}

impl StoredBase {
    /// The content of the database of a service.
    pub async fn load(app: &TestApp) -> Self {
        let db = &app.app.db;
        let organisations = organisation::Entity::find().all(db).await.unwrap();
        let identifier = |id: Uuid| {
            let found = organisations.iter().find(|one| one.id == id).unwrap();
            found.identifier.clone().unwrap()
        };
        let terms = funding_term::Entity::find().all(db).await.unwrap();
        let sources = initiative_source::Entity::find().all(db).await.unwrap();
        let records = initiative::Entity::find().all(db).await.unwrap();
        let records = records.into_iter().map(|row| StoredRecord {
            lead: identifier(row.lead_organisation_id),
            terms: terms
                .iter()
                .filter(|term| term.initiative_id == row.id)
                .map(|term| (term.id, identifier(term.funder_id)))
                .collect(),
            sources: sources
                .iter()
                .filter(|link| link.initiative_id == row.id)
                .map(|link| link.source_id)
                .collect(),
            row,
        });
        Self {
            records: records.collect(),
            places: place::Entity::find().all(db).await.unwrap(),
            organisations,
        }
    }

    /// The ids of the records of which a reader sees this much.
    fn ids(&self, wanted: impl Fn(&StoredRecord) -> bool) -> BTreeSet<String> {
        self.records
            .iter()
            .filter(|record| wanted(record))
            .map(StoredRecord::id)
            .collect()
    }
}

/// The texts that a JSON pointer leads to in each item of a list; null where an item is null.
fn pointer_values(list: &Value, pointer: &str) -> Vec<Value> {
    let items = list.as_array().unwrap_or_else(|| panic!("{list} is not a list"));
    items
        .iter()
        .map(|item| item.pointer(pointer).cloned().unwrap_or(Value::Null))
        .collect()
}

fn collect_ids(list: &Value) -> BTreeSet<String> {
    let found = pointer_values(list, "/id");
    let ids: BTreeSet<String> = found
        .iter()
        .map(|id| {
            id.as_str()
                .unwrap_or_else(|| panic!("no id in {list}"))
                .to_owned()
        })
        .collect();
    assert_eq!(ids.len(), found.len(), "there are no duplicates: {list}");
    ids
}

async fn query_ok(client: &Client<'_>, query: &str, variables: Value) -> Value {
    let mut response = client.execute_with(query, variables).await;
    assert_eq!(response.get("errors"), None, "{query}");
    response["data"].take()
}

/// Queries everything over every access path, and compares it with the documentation.
pub async fn assert_visibility(reader: &TestReader<'_>, base: &StoredBase) {
    let reads = |record: &StoredRecord| record.visibility_for(reader.role, reader.organisation);
    assert_lists(reader, base, &reads).await;
    assert_nodes(reader, base, &reads).await;
    assert_connections(reader, base, &reads).await;
    assert_fields(reader, base, &reads).await;
    let whole = base.ids(|record| reads(record) == Whole).len();
    let counted = reader
        .client
        .query("{ pattern(when: {}, then: {}) { table { population both } } }")
        .await;
    assert_eq!(
        counted["pattern"]["table"],
        json!({"population": whole, "both": whole}),
        "{} counts the fully visible records",
        reader.name
    );
}

async fn assert_lists(
    reader: &TestReader<'_>,
    base: &StoredBase,
    reads: &impl Fn(&StoredRecord) -> ExpectedVisibility,
) {
    let at_least_a_part = base.ids(|record| reads(record) != Nothing);
    let whole = base.ids(|record| reads(record) == Whole);
    let with_start = base.ids(|record| reads(record) == Whole && record.row.started_on.is_some());
    let with_terms = base.ids(|record| reads(record) == Whole && !record.terms.is_empty());
    let without_terms = base.ids(|record| reads(record) == Whole && record.terms.is_empty());
    let placed = base.ids(|record| reads(record) != Nothing && record.row.place_id.is_some());
    for (arguments, expected) in [
        ("", &at_least_a_part),
        (", orderBy: {field: TITLE}", &at_least_a_part),
        (", orderBy: {field: PUBLISHED}", &at_least_a_part),
        (", filter: {title: {contains: \"initiative\"}}", &at_least_a_part),
        (
            ", filter: {not: {title: {contains: \"nobody says this\"}}}",
            &at_least_a_part,
        ),
        (", filter: {place: {within: {code: \"E12000001\"}}}", &placed),
        (", orderBy: {field: STARTED_ON}", &whole),
        (", orderBy: {field: ENDED_ON, direction: DESC}", &whole),
        (", filter: {startedOn: {isKnown: true}}", &with_start),
        (", filter: {fundingTerms: {isRecorded: true}}", &with_terms),
        (
            ", filter: {not: {fundingTerms: {isRecorded: true}}}",
            &without_terms,
        ),
        (
            ", filter: {or: [{title: {isKnown: true}}, {endedOn: {isKnown: true}}]}",
            &whole,
        ),
        (", filter: {leadOrganisation: {}}", &whole),
    ] {
        let query = format!("{{ initiatives(first: 100{arguments}) {{ totalCount nodes {{ id }} }} }}");
        let listed = &reader.client.query(&query).await["initiatives"];
        assert_eq!(
            collect_ids(&listed["nodes"]),
            *expected,
            "{}: {query}",
            reader.name
        );
        assert_eq!(listed["totalCount"], expected.len(), "{}: {query}", reader.name);
    }
}

async fn assert_nodes(
    reader: &TestReader<'_>,
    base: &StoredBase,
    reads: &impl Fn(&StoredRecord) -> ExpectedVisibility,
) {
    let own_term = |funder: &str| reader.organisation == Some(funder);
    let (mut wanted, mut expected) = (Vec::new(), Vec::new());
    let mut put = |id: String, readable: bool| {
        expected.push(if readable { json!(id) } else { Value::Null });
        wanted.push(id);
    };
    for record in &base.records {
        let reads = reads(record);
        put(record.id(), reads != Nothing);
        for (id, funder) in &record.terms {
            put(
                NodeKind::FundingTerm.encode_id(*id),
                reads == Whole || (reads == Part && own_term(funder)),
            );
        }
    }
    let sources: BTreeSet<Uuid> = base.records.iter().flat_map(|one| one.sources.clone()).collect();
    for source in sources {
        let supports = |record: &&StoredRecord| record.sources.contains(&source);
        let readable = base
            .records
            .iter()
            .filter(supports)
            .any(|record| reads(record) == Whole);
        put(NodeKind::Source.encode_id(source), readable);
    }
    for (wanted, expected) in wanted.chunks(100).zip(expected.chunks(100)) {
        let query =
            "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on FundingTerm { initiative { id } } } }";
        let found = query_ok(&reader.client, query, json!({"ids": wanted})).await;
        assert_eq!(
            pointer_values(&found["nodes"], "/id"),
            expected,
            "{} by nodes",
            reader.name
        );
        for (node, id) in found["nodes"].as_array().unwrap().iter().zip(expected) {
            let term = base.records.iter().find(|record| {
                record
                    .terms
                    .iter()
                    .any(|(term, _)| json!(NodeKind::FundingTerm.encode_id(*term)) == *id)
            });
            if let Some(record) = term {
                assert_eq!(
                    node["initiative"]["id"],
                    record.id(),
                    "{} from a term",
                    reader.name
                );
            }
        }
        for (id, expected) in wanted.iter().zip(expected) {
            let node = query_ok(
                &reader.client,
                "query($id: ID!) { node(id: $id) { id } }",
                json!({"id": id}),
            )
            .await;
            assert_eq!(node["node"]["id"], *expected, "{} by node", reader.name);
        }
    }
    for record in &base.records {
        let query = "query($id: ID!) { initiative(id: $id) { id title } }";
        let found = query_ok(&reader.client, query, json!({"id": record.id()})).await;
        let expected = match reads(record) {
            Nothing => Value::Null,
            Part | Whole => json!({"id": record.id(), "title": record.row.title}),
        };
        assert_eq!(found["initiative"], expected, "{} by initiative", reader.name);
    }
}

async fn assert_connections(
    reader: &TestReader<'_>,
    base: &StoredBase,
    reads: &impl Fn(&StoredRecord) -> ExpectedVisibility,
) {
    for place in &base.places {
        // The records are in two local authorities of this region of England.
        let all = matches!(place.code.as_deref(), Some("E92000001" | "E12000001"));
        let inside = |record: &StoredRecord| record.row.place_id.is_some_and(|id| all || id == place.id);
        let code = place.code.as_deref().unwrap();
        for (order, expected) in [
            ("", base.ids(|record| inside(record) && reads(record) != Nothing)),
            (
                ", orderBy: {field: STARTED_ON}",
                base.ids(|record| inside(record) && reads(record) == Whole),
            ),
        ] {
            let query = format!(
                "{{ place(code: \"{code}\") {{ initiatives(first: 100{order}) {{ totalCount nodes {{ id }} }} }} }}"
            );
            let listed = &reader.client.query(&query).await["place"]["initiatives"];
            assert_eq!(
                collect_ids(&listed["nodes"]),
                expected,
                "{}: {query}",
                reader.name
            );
            assert_eq!(listed["totalCount"], expected.len(), "{}: {query}", reader.name);
        }
    }
    for organisation in &base.organisations {
        let identifier = organisation.identifier.as_deref().unwrap();
        let query = format!(
            "{{ organisation(identifier: \"{identifier}\") {{
                initiatives(first: 100) {{ totalCount nodes {{ id }} }}
                fundingTerms(first: 100) {{ totalCount nodes {{ id initiative {{ id }} }} }} }} }}"
        );
        let listed = &reader.client.query(&query).await["organisation"];
        let led = base.ids(|record| record.lead == identifier && reads(record) == Whole);
        let own = reader.organisation == Some(identifier);
        let funds = |record: &&StoredRecord| record.terms.iter().any(|(_, funder)| funder == identifier);
        let known = own
            || reader.name.starts_with("Steward")
            || !led.is_empty()
            || base
                .records
                .iter()
                .filter(|record| reads(record) == Whole)
                .any(|record| funds(&record));
        // An organisation that no visible record refers to is hidden.
        assert_eq!(listed.is_object(), known, "{}: {query}", reader.name);
        if !known {
            continue;
        }
        assert_eq!(
            collect_ids(&listed["initiatives"]["nodes"]),
            led,
            "{}: {query}",
            reader.name
        );
        assert_eq!(
            listed["initiatives"]["totalCount"],
            led.len(),
            "{}: {query}",
            reader.name
        );
        let given: BTreeSet<String> = base
            .records
            .iter()
            .filter(|record| reads(record) == Whole || (own && reads(record) == Part))
            .flat_map(|record| &record.terms)
            .filter(|(_, funder)| funder == identifier)
            .map(|(id, _)| NodeKind::FundingTerm.encode_id(*id))
            .collect();
        assert_eq!(
            collect_ids(&listed["fundingTerms"]["nodes"]),
            given,
            "{}: {query}",
            reader.name
        );
        assert_eq!(
            listed["fundingTerms"]["totalCount"],
            given.len(),
            "{}: {query}",
            reader.name
        );
    }
}

/// Every field of a record that can be hidden.
pub const HIDDEN_FIELDS: &str = "summary leadOrganisation { id } externalRef startedOn endedOn ongoing sharedWithFunders \
    version publishedAt updatedAt entryPoints { motivation } challengesFaced { note } conditionsChanged { change } \
    sources { title } sharing { confirmedBy } missing { field }";

async fn assert_fields(
    reader: &TestReader<'_>,
    base: &StoredBase,
    reads: &impl Fn(&StoredRecord) -> ExpectedVisibility,
) {
    let query = format!(
        "{{ initiatives(first: 100) {{ nodes {{ id title isFullyVisible place {{ id }} fundingTerms {{ id }} {HIDDEN_FIELDS} }} }} }}"
    );
    let listed = reader.client.query(&query).await;
    for shown in listed["initiatives"]["nodes"].as_array().unwrap() {
        let record = base
            .records
            .iter()
            .find(|record| shown["id"] == record.id())
            .unwrap();
        let whole = reads(record) == Whole;
        let place = record.row.place_id.map(|id| NodeKind::Place.encode_id(id));
        assert_eq!(shown["title"], record.row.title, "{}", reader.name);
        assert_eq!(shown["place"]["id"], json!(place), "{}", reader.name);
        assert_eq!(
            shown["isFullyVisible"], whole,
            "{}: {}",
            reader.name, record.row.title
        );
        let terms: BTreeSet<String> = record
            .terms
            .iter()
            .filter(|(_, funder)| whole || reader.organisation == Some(funder))
            .map(|(id, _)| NodeKind::FundingTerm.encode_id(*id))
            .collect();
        assert_eq!(
            collect_ids(&shown["fundingTerms"]),
            terms,
            "{}: {shown}",
            reader.name
        );
        assert_eq!(shown["version"].is_null(), !whole, "{}: {shown}", reader.name);
        assert_eq!(shown["sources"] == json!([]), !whole, "{}: {shown}", reader.name);
        if !whole {
            assert_eq!(hidden_fields(shown), empty_hidden_fields(), "{}", reader.name);
        }
    }
}

/// The fields that are hidden in a partly visible record.
fn hidden_fields(record: &Value) -> Value {
    let mut fields = record.clone();
    for shown in ["id", "title", "isFullyVisible", "place", "fundingTerms"] {
        fields.as_object_mut().unwrap().remove(shown);
    }
    fields
}

/// The values of those fields in a partly visible record.
pub fn empty_hidden_fields() -> Value {
    json!({
        "summary": null, "leadOrganisation": null, "externalRef": null, "startedOn": null, "endedOn": null,
        "ongoing": null, "sharedWithFunders": null, "version": null, "publishedAt": null,
        "updatedAt": null, "entryPoints": [],
        "challengesFaced": [], "conditionsChanged": [], "sources": [], "sharing": null, "missing": [],
    })
}
