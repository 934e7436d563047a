//! Checks that the API returns only what `docs/access.md` allows. Compares the responses to random members and
//! queries over random databases with a naive implementation of that page. Every text that not everybody can
//! see contains a mark. No response, error or file may contain a mark that its reader cannot see.

mod fixture;
mod naive;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use wayin::auth::permission::{Exposure, TABLE};
use wayin::id::NodeKind;
use wayin_entity::{Role, import};

use self::fixture::{AccessFixture, FixtureMember};
use self::naive::{NaiveReader, NaiveVisibility, SecretOwner, VisibleWorld, find_secrets, visibility_for};
use crate::support::http::{export_address, get, send};
use crate::support::oracle::random::RandomSource;
use crate::support::schema::list_types_with_fields;
use crate::support::socket::wait_until;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    no_data_leaks_with_the_first_seed,
    no_data_leaks_with_the_second_seed,
];

/// The environment variable with the seed of the first test.
const SEED_VARIABLE: &str = "WAYIN_SEED";

async fn no_data_leaks_with_the_first_seed(database: Database) {
    let seed = std::env::var(SEED_VARIABLE).map_or(20_261_126, |seed| {
        seed.parse().expect("WAYIN_SEED is a whole number")
    });
    assert_no_leaks(database, seed).await;
}

async fn no_data_leaks_with_the_second_seed(database: Database) {
    assert_no_leaks(database, 4_711).await;
}

/// Prints the seed of a test that fails.
struct SeedReporter(u64);

impl Drop for SeedReporter {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "drawn from the seed {}: run the test by_one_seed again with {SEED_VARIABLE}={0}",
                self.0
            );
        }
    }
}

async fn assert_no_leaks(database: Database, seed: u64) {
    let _drawn = SeedReporter(seed);
    let chance = &mut RandomSource::new(seed);
    let mut base = AccessFixture::random(database, chance).await;
    let subjects = base.list_subjects();
    let altered = base.alter_some_records();
    let base = &base;
    let members = base.create_members(&subjects).await;
    let hearing = LeakChecker {
        base,
        written: Mutex::default(),
    };
    hearing.assert_detects_leaks(&members[1]);
    for member in &members {
        hearing.check_lists(member, chance).await;
        hearing.check_nodes(member).await;
        hearing.check_related_objects(member).await;
        hearing.check_aggregates(member, chance).await;
        hearing.check_files(member, chance).await;
        hearing.check_submissions(member).await;
    }
    hearing.check_subscriptions(&members, chance, &altered).await;
    for member in &members {
        hearing.check_errors(member).await;
    }
}

/// A reader that checks every response for leaks.
struct LeakChecker<'a> {
    base: &'a AccessFixture,
    /// The marks in the query itself. The response may repeat them.
    written: Mutex<BTreeSet<String>>,
}

/// All fields of a record and of the objects that it leads to.
const ALL_FIELDS: &str = "id title isFullyVisible summary externalRef version startedOn
    place { name initiatives(first: 3) { totalCount nodes { id title summary } } }
    leadOrganisation { name identifier
        initiatives(first: 3) { totalCount nodes { id title summary } }
        fundingTerms(first: 3) { totalCount nodes { programme grantIdentifier initiative { title summary sources { title } } } } }
    entryPoints { motivation } challengesFaced { note } sources { title } sharing { confirmedBy basis }
    fundingTerms { programme grantIdentifier initiative { title summary }
        funder { name fundingTerms(first: 3) { totalCount nodes { programme initiative { title externalRef } } } } }";

/// The dimensions to group by.
const DIMENSIONS: [&str; 6] = [
    "PLACE",
    "LEAD_ORGANISATION",
    "FUNDER",
    "WAY_IN",
    "FUNDING_DURATION_BAND",
    "YEAR_STARTED",
];

impl LeakChecker<'_> {
    fn fixture(&self) -> &VisibleWorld {
        &self.base.seen
    }

    /// Asserts that a response has no mark that its reader must not see. `written` is the query.
    fn assert_visible(&self, member: &FixtureMember<'_>, output: &str, written: &str) {
        let mut may = format!("{written} {}", member.subject);
        {
            let mut all = self.written.lock().unwrap();
            all.extend(find_secrets(written));
            may.extend(all.iter().map(|mark| format!(" {mark}")));
        }
        let leaked = self.fixture().find_leaks(member.who, output, &may);
        assert!(
            leaked.is_empty(),
            "{:?} sent {written}\nand received {leaked:?}: {output}",
            member.who
        );
    }

    /// Asserts that the check detects every kind of leak.
    fn assert_detects_leaks(&self, dashboard: &FixtureMember<'_>) {
        let secrets = self.fixture().secrets.iter();
        let not_for_it = secrets.filter(|(_, of)| !self.fixture().can_view_secret(dashboard.who, of));
        let output: Vec<String> = not_for_it
            .map(|(mark, _)| format!("A title {}.", mark.to_uppercase()))
            .collect();
        assert!(
            output.len() > 50,
            "many texts are hidden from a dashboard: {output:?}"
        );
        let leaked = self
            .fixture()
            .find_leaks(dashboard.who, &json!(output).to_string(), "");
        assert_eq!(leaked.len(), output.len(), "every leak is found: {leaked:?}");
    }

    /// Sends a query and checks the response for leaks.
    async fn query_checked(&self, member: &FixtureMember<'_>, query: &str, variables: Value) -> Value {
        let written = format!("{query} {variables}");
        let response = member.client.execute_with(query, variables).await;
        self.assert_visible(member, &response.to_string(), &written);
        let codes = response["errors"].as_array().into_iter().flatten();
        for error in codes {
            assert_ne!(error["extensions"]["code"], "INTERNAL", "{written}: {response}");
        }
        response
    }

    /// The data of a member's query, which must succeed. None for a client without a token.
    async fn query_data(&self, member: &FixtureMember<'_>, query: &str, variables: Value) -> Option<Value> {
        let mut response = self.query_checked(member, query, variables.clone()).await;
        if member.who.role.is_none() {
            assert_eq!(
                response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
                "{query}"
            );
            return None;
        }
        assert_eq!(response.get("errors"), None, "{query} {variables}");
        Some(response["data"].take())
    }

    fn ids_of(&self, numbers: &BTreeSet<usize>) -> BTreeSet<String> {
        numbers
            .iter()
            .map(|number| NodeKind::Initiative.encode_id(self.base.ids[*number]))
            .collect()
    }

    async fn check_lists(&self, member: &FixtureMember<'_>, chance: &mut RandomSource) {
        for _ in 0..3 {
            let filter = if chance.maybe(30) {
                json!({"or": [{"title": {"contains": "e"}}, {"not": {"place": {"isKnown": true}}}]})
            } else {
                chance.random_filter(2)
            };
            let order = chance.choose(&["PUBLISHED", "TITLE", "STARTED_ON", "ENDED_ON"]);
            let direction = chance.choose(&["ASC", "DESC"]);
            let of_a_part = matches!(order, "PUBLISHED" | "TITLE");
            let expected = self.ids_of(&self.fixture().list_visible(member.who, &filter, of_a_part));
            let first = 8 + chance.number_below(20);
            let query = format!(
                "query($filter: InitiativeFilter, $after: String) {{
                    initiatives(filter: $filter, orderBy: {{field: {order}, direction: {direction}}}, first: {first}, after: $after) {{
                        totalCount pageInfo {{ endCursor hasNextPage }} nodes {{ {ALL_FIELDS} }} }} }}"
            );
            let (mut found, mut after) = (BTreeSet::new(), Value::Null);
            loop {
                let variables = json!({"filter": filter, "after": after});
                let Some(data) = self.query_data(member, &query, variables).await else {
                    break;
                };
                let page = &data["initiatives"];
                assert_eq!(page["totalCount"], expected.len(), "{:?}: {filter}", member.who);
                for node in page["nodes"].as_array().unwrap() {
                    found.insert(node["id"].as_str().unwrap().to_owned());
                }
                if page["pageInfo"]["hasNextPage"] == false {
                    assert_eq!(found, expected, "{:?} by {order}: {filter}", member.who);
                    break;
                }
                after = page["pageInfo"]["endCursor"].clone();
            }
        }
        self.check_partly_visible_records(member).await;
    }

    /// Checks the fields of each record against the permission table. In a partly visible record, the fields of
    /// fully visible records are null or empty, and the others have values.
    async fn check_partly_visible_records(&self, member: &FixtureMember<'_>) {
        let types = list_types_with_fields();
        let shows = |wanted: Exposure| {
            TABLE
                .iter()
                .filter(move |(of, _, rule)| *of == "Initiative" && rule.exposure == wanted)
                .flat_map(|(_, fields, _)| fields.split(' '))
        };
        let selected = shows(Exposure::FullyVisible)
            .chain(shows(Exposure::PartlyVisible))
            .map(|field| {
                let selects = types["Initiative"]
                    .iter()
                    .any(|(name, selects)| name == field && *selects);
                format!("{field} {}", if selects { "{ __typename }" } else { "" })
            });
        let selected: String = selected.collect();
        let query = format!(
            "{{ initiatives(first: 100) {{ nodes {{ fundingTerms {{ funder {{ name }} }} {selected} }} }} }}"
        );
        let Some(data) = self.query_data(member, &query, json!({})).await else {
            return;
        };
        let nodes = data["initiatives"]["nodes"].as_array().unwrap();
        for (number, sent) in self.fixture().records.iter().enumerate() {
            let id = NodeKind::Initiative.encode_id(self.base.ids[number]);
            let node = nodes.iter().find(|node| node["id"] == id.as_str());
            let how_much = visibility_for(member.who, sent);
            assert_eq!(
                node.is_none(),
                how_much == NaiveVisibility::Nothing,
                "{:?}: {sent:?}",
                member.who
            );
            let Some(node) = node else {
                continue;
            };
            assert_eq!(node["isFullyVisible"], how_much == NaiveVisibility::Whole);
            for field in shows(Exposure::PartlyVisible).filter(|field| *field != "place") {
                assert!(!node[field].is_null(), "{field} has a value in {node}");
            }
            if how_much == NaiveVisibility::Part {
                for field in shows(Exposure::FullyVisible) {
                    let nothing = node[field].is_null() || node[field] == json!([]);
                    assert!(
                        nothing,
                        "{:?} reads {field} of a partly visible record: {node}",
                        member.who
                    );
                }
                for term in node["fundingTerms"].as_array().unwrap() {
                    assert_eq!(term["funder"]["name"].as_str(), member.who.organisation, "{node}");
                }
            } else {
                assert!(!node["version"].is_null(), "{:?} reads all of {node}", member.who);
            }
        }
    }

    /// Whether the id of an item resolves to it.
    fn is_id_resolvable(&self, who: NaiveReader, of: &SecretOwner) -> bool {
        let how_much = |record: &usize| visibility_for(who, &self.fixture().records[*record]);
        match of {
            SecretOwner::Title(record) => how_much(record) != NaiveVisibility::Nothing,
            SecretOwner::Rest(record) => how_much(record) == NaiveVisibility::Whole,
            SecretOwner::Term(record, funder) => {
                how_much(record) == NaiveVisibility::Whole
                    || (how_much(record) == NaiveVisibility::Part && who.organisation == Some(*funder))
            }
            of => self.fixture().can_view_secret(who, of),
        }
    }

    async fn check_nodes(&self, member: &FixtureMember<'_>) {
        let query = format!(
            "query($ids: [ID!]!) {{ nodes(ids: $ids) {{ id
                ... on Initiative {{ {ALL_FIELDS} }}
                ... on FundingTerm {{ programme grantIdentifier initiative {{ title summary }} }}
                ... on Source {{ title }}
                ... on Submission {{ record reviewNote organisation {{ name }} }}
                ... on Import {{ fileName organisation {{ name }} }}
                ... on Member {{ subject }} }} }}"
        );
        for nodes in self.base.nodes.chunks(50) {
            let ids: Vec<&String> = nodes.iter().map(|(id, _)| id).collect();
            // A partner can request the fields of submissions, for example. A reader who cannot is refused at
            // the field.
            let Some(data) = self.query_data(member, &query, json!({"ids": ids})).await else {
                return;
            };
            for ((id, of), node) in nodes.iter().zip(data["nodes"].as_array().unwrap()) {
                let there = self.is_id_resolvable(member.who, of);
                assert_eq!(node.is_null(), !there, "{:?}: {id} of {of:?}: {node}", member.who);
            }
        }
        for (number, sent) in self.fixture().records.iter().enumerate().step_by(5) {
            let id = NodeKind::Initiative.encode_id(self.base.ids[number]);
            let query = format!("query($id: ID!) {{ initiative(id: $id) {{ {ALL_FIELDS} }} }}");
            if let Some(data) = self.query_data(member, &query, json!({"id": id})).await {
                let nothing = visibility_for(member.who, sent) == NaiveVisibility::Nothing;
                assert_eq!(
                    data["initiative"].is_null(),
                    nothing,
                    "{:?}: {sent:?}",
                    member.who
                );
            }
        }
    }

    async fn check_related_objects(&self, member: &FixtureMember<'_>) {
        let seen = self.fixture();
        let everything = json!({});
        for code in ["E06000001", "E92000001"] {
            for (order, of_a_part) in [("TITLE", true), ("STARTED_ON", false)] {
                let query = format!(
                    "query($code: String!) {{ place(code: $code) {{ initiatives(first: 50, orderBy: {{field: {order}}}) {{
                        totalCount nodes {{ id title summary externalRef }} }} }} }}"
                );
                let Some(data) = self.query_data(member, &query, json!({"code": code})).await else {
                    return;
                };
                let mut expected = seen.list_visible(member.who, &everything, of_a_part);
                expected.retain(|number| {
                    let place = seen.records[*number].record["place"]["code"].as_str();
                    place.is_some_and(|place| seen.world.is_within(place, code))
                });
                let listed = &data["place"]["initiatives"];
                assert_eq!(listed["totalCount"], expected.len(), "{:?} in {code}", member.who);
                assert_eq!(
                    collect_ids(&listed["nodes"]),
                    self.ids_of(&expected),
                    "{:?} in {code}",
                    member.who
                );
            }
        }
        for (name, id) in &self.base.organisations {
            let query = "query($id: ID!) { organisation(id: $id) { name identifier
                initiatives(first: 50) { totalCount nodes { id title summary } }
                fundingTerms(first: 50) { totalCount nodes { programme grantIdentifier initiative { title } } } } }";
            let id = NodeKind::Organisation.encode_id(*id);
            let Some(data) = self.query_data(member, query, json!({"id": id})).await else {
                return;
            };
            let organisation = &data["organisation"];
            assert_eq!(
                organisation.is_object(),
                seen.can_know_organisation(member.who, name),
                "{:?}: {name}",
                member.who
            );
            if organisation.is_null() {
                continue;
            }
            let mut led = seen.list_visible(member.who, &everything, false);
            led.retain(|number| seen.records[*number].record["leadOrganisation"]["name"] == *name);
            assert_eq!(
                organisation["initiatives"]["totalCount"],
                led.len(),
                "{:?}: {name}",
                member.who
            );
            let terms = seen.secrets.values().filter(|of| {
                matches!(of, SecretOwner::Term(_, funder) if funder == name)
                    && self.is_id_resolvable(member.who, of)
            });
            // Each term has two marked texts: its programme and its grant identifier.
            let expected = terms.count() / 2;
            assert_eq!(
                organisation["fundingTerms"]["totalCount"], expected,
                "{:?}: {name}",
                member.who
            );
        }
        let Some(data) = self
            .query_data(
                member,
                "{ organisations(first: 100) { totalCount nodes { name } } }",
                json!({}),
            )
            .await
        else {
            return;
        };
        let known = self
            .base
            .organisations
            .keys()
            .filter(|name| seen.can_know_organisation(member.who, name));
        assert_eq!(
            data["organisations"]["totalCount"],
            known.count(),
            "{:?}",
            member.who
        );
    }

    async fn check_aggregates(&self, member: &FixtureMember<'_>, chance: &mut RandomSource) {
        let pattern = "query($when: InitiativeFilter!, $then: InitiativeFilter!, $among: InitiativeFilter, $by: Dimension, $scope: RecordScope!) {
            pattern(when: $when, then: $then, among: $among, by: $by, scope: $scope) {
                summary { text } table { population both whenOnly thenOnly neither unknown } cautions { text }
                groups(first: 100) { nodes { label place { name } organisation { name } table { population } } } } }";
        for _ in 0..2 {
            let (when, then, among) = (
                chance.random_filter(1),
                chance.random_filter(1),
                chance.random_filter(0),
            );
            let by = chance.choose(&DIMENSIONS);
            for over in ["VISIBLE", "ALL"] {
                let variables = json!({"when": when, "then": then, "among": among, "by": by, "scope": over});
                let response = self.query_checked(member, pattern, variables.clone()).await;
                if member.who.role.is_none() {
                    assert_eq!(response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
                    continue;
                }
                let exact = over == "VISIBLE" || member.who.role == Some(Role::Steward);
                if exact {
                    let expected = self.expected_counts(member.who, &when, &then, &among);
                    let table = &response["data"]["pattern"]["table"];
                    assert_eq!(*table, expected, "{:?}: {variables}: {response}", member.who);
                }
            }
        }
        for dimension in DIMENSIONS {
            let (among, over) = (chance.random_filter(0), chance.choose(&["VISIBLE", "ALL"]));
            let query = "query($of: Dimension!, $columns: Dimension!, $among: InitiativeFilter, $scope: RecordScope!) {
                distribution(of: $of, among: $among, scope: $scope) { bins { label count organisation { name } } cautions { text } }
                patternGrid(rows: $of, columns: $columns, among: $among, scope: $scope) {
                    rows { label organisation { name identifier } count } columns { label } cells { count } cautions { text } } }";
            let columns = chance.choose(&DIMENSIONS);
            let variables = json!({"of": dimension, "columns": columns, "among": among, "scope": over});
            self.query_checked(member, query, variables).await;
        }
        let conditions = json!([
            {"name": "one", "condition": chance.random_filter(1)}, {"name": "other", "condition": chance.random_filter(1)},
        ]);
        let query = "query($conditions: [NamedCondition!]!) {
            associations(conditions: $conditions) { pairs { when then table { both } cautions { text } } cautions { text } }
            entryPointFlows { flows { from to count } cautions { text } } }";
        self.query_checked(member, query, json!({"conditions": conditions}))
            .await;
        let groups = json!([
            {"label": "one", "filter": chance.random_filter(1)}, {"label": "other", "filter": chance.random_filter(1)},
        ]);
        let query = "query($groups: [ComparisonGroupInput!]!, $then: InitiativeFilter!) {
            compare(groups: $groups, then: $then) {
                summary { text } groups { label table { both } cautions { text } } cautions { text } } }";
        let variables = json!({"groups": groups, "then": chance.random_filter(1)});
        self.query_checked(member, query, variables).await;
    }

    /// The expected counts of a pattern over fully visible records.
    fn expected_counts(&self, who: NaiveReader, when: &Value, then: &Value, among: &Value) -> Value {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let world = &self.fixture().world;
        for sent in &self.fixture().records {
            if visibility_for(who, sent) != NaiveVisibility::Whole
                || world.evaluate(among, &sent.record) != Some(true)
            {
                continue;
            }
            let cell = match (
                world.evaluate(when, &sent.record),
                world.evaluate(then, &sent.record),
            ) {
                (Some(true), Some(true)) => "both",
                (Some(true), Some(false)) => "whenOnly",
                (Some(false), Some(true)) => "thenOnly",
                (Some(false), Some(false)) => "neither",
                _ => "unknown",
            };
            *counts.entry(cell).or_default() += 1;
            *counts.entry("population").or_default() += 1;
        }
        let of = |cell: &str| counts.get(cell).copied().unwrap_or_default();
        json!({
            "population": of("population"), "both": of("both"), "whenOnly": of("whenOnly"),
            "thenOnly": of("thenOnly"), "neither": of("neither"), "unknown": of("unknown"),
        })
    }

    async fn check_files(&self, member: &FixtureMember<'_>, chance: &mut RandomSource) {
        let by = chance.choose(&DIMENSIONS);
        let over = chance.choose(&["VISIBLE", "ALL"]);
        let named = |name: &str, condition: Value| json!({"name": name, "condition": condition});
        for (file, mut parameters) in [
            (
                "pattern",
                json!({"when": chance.random_filter(1), "then": chance.random_filter(1), "by": by, "scope": over}),
            ),
            (
                "grid",
                json!({"rows": "LEAD_ORGANISATION", "columns": by, "scope": over}),
            ),
            (
                "distribution",
                json!({"of": by, "among": chance.random_filter(1), "scope": over}),
            ),
            ("distribution", json!({"of": "FUNDER", "scope": "ALL"})),
            ("flows", json!({"among": chance.random_filter(1)})),
            (
                "associations",
                json!({"conditions": [named("a", chance.random_filter(1)), named("b", chance.random_filter(0))], "scope": over}),
            ),
        ] {
            parameters["preamble"] = json!(true);
            let request = get(
                &export_address(file, &parameters),
                member.client.authorization.as_deref(),
            );
            let (_, _, body) = send(&self.base.app.app, request).await;
            self.assert_visible(member, &String::from_utf8_lossy(&body), &parameters.to_string());
        }
    }

    async fn check_submissions(&self, member: &FixtureMember<'_>) {
        let seen = self.fixture();
        let submissions = "{ submissions(first: 100, orderBy: {field: UPDATED_AT, direction: ASC}) { totalCount
            nodes { id record reviewNote organisation { name } problems { message } initiative { title summary } changes { before after } } } }";
        let response = self.query_checked(member, submissions, json!({})).await;
        let steward = member.who.role == Some(Role::Steward);
        if steward || member.who.role == Some(Role::Partner) {
            let own = |(_, name): &&(String, &'static str)| steward || member.who.organisation == Some(*name);
            let expected = self.base.submissions.iter().filter(own).count();
            let output = &response["data"]["submissions"]["totalCount"];
            assert_eq!(*output, expected, "{:?}: {response}", member.who);
        } else {
            assert!(!response["errors"].is_null(), "{:?}: {response}", member.who);
        }
        let imports = "{ imports(first: 100) { totalCount nodes { fileName organisation { name } rows { totalCount } } } }";
        let response = self.query_checked(member, imports, json!({})).await;
        if matches!(
            member.who.role,
            Some(Role::Steward | Role::Partner | Role::Funder)
        ) {
            let of_imports = seen
                .secrets
                .values()
                .filter(|of| matches!(of, SecretOwner::Import(..)));
            let mut expected = of_imports
                .filter(|of| seen.can_view_secret(member.who, of))
                .count();
            if steward {
                let published = import::Entity::find().filter(import::Column::MemberId.is_null());
                let published = published.count(&self.base.app.app.db).await.unwrap();
                expected += usize::try_from(published).unwrap();
            }
            assert_eq!(
                response["data"]["imports"]["totalCount"], expected,
                "{:?}",
                member.who
            );
        } else {
            assert!(!response["errors"].is_null(), "{:?}: {response}", member.who);
        }
        let revisions = "query($id: ID!) { revisions(id: $id) { totalCount nodes { version document changes { before after } } } }";
        for (number, sent) in seen.records.iter().enumerate().step_by(3) {
            let id = NodeKind::Initiative.encode_id(self.base.ids[number]);
            let response = self.query_checked(member, revisions, json!({"id": id})).await;
            let leads = member
                .who
                .organisation
                .is_some_and(|own| sent.record["leadOrganisation"]["name"] == own);
            if steward || (member.who.role == Some(Role::Partner) && leads) {
                assert!(
                    response["data"]["revisions"].is_object(),
                    "{:?}: {response}",
                    member.who
                );
            } else {
                assert!(
                    response["data"]["revisions"].is_null(),
                    "{:?}: {response}",
                    member.who
                );
            }
        }
        for query in [
            "{ auditEvents(first: 50) { nodes { detail subjectId } } }",
            "{ members(first: 50) { totalCount nodes { subject organisation { name } } } }",
            "{ viewer { id subject role organisation { name } } }",
            "{ meetings { nodes { title } } crises { nodes { name } } claims { nodes { statement } } }",
        ] {
            self.query_checked(member, query, json!({})).await;
        }
    }

    /// Checks subscriptions of all readers while records are published again.
    async fn check_subscriptions(
        &self,
        members: &[FixtureMember<'_>],
        chance: &mut RandomSource,
        altered: &BTreeMap<usize, Value>,
    ) {
        let query = format!(
            "subscription($filter: InitiativeFilter) {{ initiativePublished(filter: $filter) {{ {ALL_FIELDS} }} }}"
        );
        let (mut listening, mut tasks) = (Vec::new(), JoinSet::new());
        for member in members {
            for filter in [
                json!({}),
                json!({"title": {"contains": "o"}}),
                chance.random_filter(1),
            ] {
                let mut output = member.client.subscribe(&query, json!({"filter": filter})).await;
                let heard = Arc::new(Mutex::new(Vec::new()));
                let into = Arc::clone(&heard);
                tasks.spawn(async move {
                    while let Some(one) = output.next().await {
                        into.lock().unwrap().push(one);
                    }
                });
                listening.push((member, filter, heard));
            }
        }
        // There is no event for the start of a stream that is not read over a socket.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let records: Vec<Value> = altered.values().cloned().collect();
        self.base.app.publish(&records).await;
        let (.., of_steward) = &listening[0];
        wait_until("the steward hears of every record", || {
            of_steward.lock().unwrap().len() >= altered.len()
        })
        .await;
        // Any leak has arrived by then too.
        tokio::time::sleep(Duration::from_millis(500)).await;
        drop(tasks);
        let mut stewards = 0;
        for (member, filter, heard) in listening {
            let listed = self.fixture().list_visible(member.who, &filter, true);
            let expected: BTreeSet<usize> = listed
                .into_iter()
                .filter(|number| altered.contains_key(number))
                .collect();
            for output in heard.lock().unwrap().iter() {
                self.assert_visible(member, &output.to_string(), &format!("{query} {filter}"));
                if let Some(id) = output["data"]["initiativePublished"]["id"].as_str() {
                    assert!(
                        self.ids_of(&expected).contains(id),
                        "{:?} by {filter}: {output}",
                        member.who
                    );
                    stewards += usize::from(member.who.role == Some(Role::Steward) && filter == json!({}));
                }
            }
        }
        assert_eq!(
            stewards,
            altered.len(),
            "a steward receives every record that is published again"
        );
    }

    /// Checks that rejections and problems do not mention hidden data.
    async fn check_errors(&self, member: &FixtureMember<'_>) {
        let seen = self.fixture();
        let save = "mutation($input: SaveSubmissionInput!) { saveSubmission(input: $input) {
            submission { id problems { message } warnings { message } initiative { title } changes { before after } }
            conflicts { path before after } problems { message path } } }";
        let send = "mutation($id: ID!) { submitForReview(input: {id: $id}) { submission { id } conflicts { before after } problems { message } } }";
        let discard = "mutation($id: ID!) { discardSubmission(input: {id: $id}) { submission { record } problems { message } } }";
        let publish = "mutation($id: ID!) { publishSubmission(input: {id: $id}) { submission { record } problems { message } } }";
        let own = member.who.organisation;
        for (id, name) in self.base.submissions.iter().step_by(3) {
            if own == Some(*name) || member.who.role == Some(Role::Steward) {
                continue;
            }
            for query in [send, discard, publish] {
                self.query_checked(member, query, json!({"id": id})).await;
            }
            self.query_checked(
                member,
                save,
                json!({"input": {"id": id, "version": 0, "record": {"title": "Mine"}}}),
            )
            .await;
        }
        for (number, sent) in seen.records.iter().enumerate().step_by(11) {
            let id = NodeKind::Initiative.encode_id(self.base.ids[number]);
            for version in [1, 99] {
                let input =
                    json!({"initiative": id, "initiativeVersion": version, "record": {"title": "Mine"}});
                self.query_checked(member, save, json!({"input": input})).await;
            }
            // A steward, and a partner of the lead organisation, could withdraw or narrow the record.
            let leads = own.is_some_and(|own| sent.record["leadOrganisation"]["name"] == own);
            let may_change = leads || member.who.role == Some(Role::Steward);
            for mutation in [
                "mutation($id: ID!) { withdrawInitiative(input: {id: $id, reason: \"why\"}) { revision { document } problems { message } } }",
                "mutation($id: ID!) { narrowVisibility(input: {id: $id, visibility: AGGREGATE_ONLY}) { revision { document } problems { message } } }",
            ] {
                let id = if may_change { "x" } else { &id };
                self.query_checked(member, mutation, json!({"id": id})).await;
            }
            // Uses the external reference and the grant identifier of another organisation's record.
            let record = json!({
                "externalRef": sent.record["externalRef"], "title": "Mine", "visibility": "OPEN",
                "leadOrganisation": {"name": "Nobody at all"},
                "place": {"name": "Hartlepol"},
                "fundingTerms": [
                    {"funder": {"name": "Cedar Grup"}}, {"funder": {"name": "Elder Funds"}}, {"funder": {"name": "Birch Councill"}},
                    {"funder": {"identifier": "GB-CHC-3"}, "grantIdentifier": sent.record["fundingTerms"][0]["grantIdentifier"]},
                ],
                "source": {"kind": "SELF_REPORT", "title": "Mine"},
                "sharing": {"basis": "Mine", "licence": "CC-BY-4.0"},
            });
            let response = self
                .query_checked(member, save, json!({"input": {"record": record}}))
                .await;
            if let Some(id) = response.pointer("/data/saveSubmission/submission/id") {
                self.query_checked(member, send, json!({"id": id})).await;
                self.query_checked(
                    member,
                    save,
                    json!({"input": {"id": id, "version": 9, "record": {"title": "Mine again"}}}),
                )
                .await;
            }
        }
        for (name, id) in &self.base.organisations {
            let id = NodeKind::Organisation.encode_id(*id);
            self.query_checked(
                member,
                save,
                json!({"input": {"organisation": id, "record": {"title": "Mine"}}}),
            )
            .await;
            let led = json!({"leadOrganisation": {"id": {"eq": id}}});
            let query = "query($when: InitiativeFilter!) { pattern(when: $when, then: {}, by: FUNDER) { summary { text } groups { nodes { label } } } }";
            self.query_checked(member, query, json!({"when": led})).await;
            let broken = json!({"leadOrganisation": {"id": {"eq": id, "in": []}}, "startedOn": {"eq": name}});
            self.query_checked(member, query, json!({"when": broken})).await;
        }
        for query in [
            "{ initiatives(after: \"x\") { nodes { title } } }",
            "{ initiatives(first: 1000) { nodes { title } } }",
            "{ organisation(identifier: \"GB-CHC-2\") { name initiatives { nodes { title } } } }",
            "{ node(id: \"x\") { id } }",
            "mutation { importRecords(input: {file: null}) { problems { message } } }",
            "mutation { redactText(input: {text: \"nobody wrote this\", reason: \"\"}) { initiatives problems { message } } }",
        ] {
            self.query_checked(member, query, json!({})).await;
        }
    }
}

fn collect_ids(nodes: &Value) -> BTreeSet<String> {
    let nodes = nodes.as_array().unwrap().iter();
    nodes
        .map(|node| node["id"].as_str().unwrap().to_owned())
        .collect()
}
