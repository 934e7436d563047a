//! The query `compare`: groups of a reader's choice, and the reader's portfolio, each compared with the rest.

use serde_json::{Value, json};
use wayin_entity::Role;

use crate::support::app::{Client, PARTNER_ORGANISATION, TestApp};
use crate::support::builders::{DEFAULT_LEAD, organisation, record};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    groups_have_the_figures_of_patterns,
    portfolio_is_what_the_organisation_funds_or_leads,
    portfolio_without_an_organisation_is_refused,
    groups_that_cannot_be_compared_are_refused,
    summary_says_which_groups_differ,
    overlapping_groups_have_a_caution,
];

const FUNDER: &str = "GB-CHC-8";
const OTHER_FUNDER: &str = "GB-CHC-9";

const SKIPPED: &str = "{challenge: {on: DEFINING_AMBITIONS, step: {in: [SKIPPED]}}}";

/// Records that are alike, apart from their step and their leads.
struct RecordSet {
    name: &'static str,
    visibility: &'static str,
    funder: Option<&'static str>,
    leads: &'static [&'static str],
    months: i32,
    skipped: usize,
    taken: usize,
}

impl RecordSet {
    fn build(&self) -> impl Iterator<Item = Value> {
        (0..self.skipped + self.taken).map(move |at| {
            let step = if at < self.skipped { "SKIPPED" } else { "TAKEN" };
            let terms: Vec<Value> = self
                .funder
                .iter()
                .map(|funder| json!({"funder": organisation(funder), "durationMonths": self.months}))
                .collect();
            record(&format!("{}-{at}", self.name))
                .with("visibility", self.visibility)
                .with(
                    "challengesFaced",
                    json!([{"challenge": "DEFINING_AMBITIONS", "step": step}]),
                )
                .led_by(self.leads[at % self.leads.len()])
                .with("fundingTerms", terms)
                .build()
        })
    }
}

/// Of the records that [`FUNDER`] funds, most skipped the step; of those of [`OTHER_FUNDER`], few did.
async fn start_with_records(database: Database) -> TestApp {
    let app = TestApp::start(database).await;
    let sets = [
        RecordSet {
            name: "own",
            visibility: "OPEN",
            funder: Some(FUNDER),
            leads: &[DEFAULT_LEAD],
            months: 12,
            skipped: 30,
            taken: 10,
        },
        RecordSet {
            name: "others",
            visibility: "OPEN",
            funder: Some(OTHER_FUNDER),
            leads: &[PARTNER_ORGANISATION],
            months: 36,
            skipped: 8,
            taken: 32,
        },
        RecordSet {
            name: "hidden",
            visibility: "AGGREGATE_ONLY",
            funder: Some(OTHER_FUNDER),
            // Records of few organisations would not be counted.
            leads: &[
                "GB-CHC-101",
                "GB-CHC-102",
                "GB-CHC-103",
                "GB-CHC-104",
                "GB-CHC-105",
                "GB-CHC-106",
            ],
            months: 12,
            skipped: 20,
            taken: 20,
        },
        RecordSet {
            name: "unfunded",
            visibility: "OPEN",
            funder: None,
            leads: &[PARTNER_ORGANISATION],
            months: 0,
            skipped: 2,
            taken: 1,
        },
    ];
    let records: Vec<Value> = sets.iter().flat_map(RecordSet::build).collect();
    app.publish(&records).await;
    app
}

async fn create_funder(app: &TestApp) -> Client<'_> {
    app.create_member("funder", Role::Funder, Some(FUNDER)).await
}

const TABLE: &str = "{ population both whenOnly thenOnly neither unknown whenUnknown thenUnknown }";
const PROPORTION: &str = "{ numerator denominator value lower upper }";

/// The groups of a comparison, with the fields that a pattern has too.
async fn compare(client: &Client<'_>, arguments: &str) -> Value {
    let query = format!(
        "{{ compare({arguments}) {{ basis groups {{ label verdict direction basis table {TABLE} visibleTable {TABLE}
            rate {PROPORTION} rateOfRest {PROPORTION} difference {{ value lower upper }}
            suppressed {{ count rule }} }} }} }}"
    );
    client.query(&query).await["compare"].take()
}

/// A pattern, with the names of the fields of a group.
async fn query_pattern(client: &Client<'_>, when: &str, arguments: &str) -> Value {
    let query = format!(
        "{{ pattern(when: {when}, {arguments}) {{ verdict direction basis table {TABLE} visibleTable {TABLE}
            rate: rateWhen {PROPORTION} rateOfRest: rateOtherwise {PROPORTION}
            difference: riskDifference {{ value lower upper }} disclosure {{ suppressed {{ count rule }} }} }} }}"
    );
    let mut pattern = client.query(&query).await["pattern"].take();
    let mut disclosure = pattern["disclosure"].take();
    pattern["suppressed"] = disclosure["suppressed"].take();
    let fields = pattern.as_object_mut().unwrap();
    fields.remove("disclosure");
    pattern
}

async fn groups_have_the_figures_of_patterns(database: Database) {
    let app = start_with_records(database).await;
    let clients = [
        create_funder(&app).await,
        app.create_member("dashboard", Role::Dashboard, None).await,
        app.steward().await,
    ];
    let short = "{fundingTerms: {some: {durationMonths: {lte: 18}}}}";
    let recorded = "{fundingTerms: {isRecorded: true}}";
    for client in &clients {
        for arguments in [
            format!("then: {SKIPPED}"),
            format!("then: {SKIPPED}, scope: VISIBLE"),
            format!("then: {SKIPPED}, among: {recorded}"),
        ] {
            let labelled = format!(
                "groups: [{{label: \"short\", filter: {short}}}, {{label: \"recorded\", filter: {recorded}}}], {arguments}"
            );
            let compared = compare(client, &labelled).await;
            let groups = compared["groups"].as_array().unwrap();
            let labels: Vec<&Value> = groups.iter().map(|group| &group["label"]).collect();
            assert_eq!(labels, ["short", "recorded"]);
            for (group, when) in groups.iter().zip([short, recorded]) {
                let mut expected = query_pattern(client, when, &arguments).await;
                let mut group = group.clone();
                group.as_object_mut().unwrap().remove("label");
                assert_eq!(
                    group["basis"], compared["basis"],
                    "all groups have the same basis"
                );
                if group["basis"] != expected["basis"] {
                    // The other group decides too. The counts and the verdict stay.
                    for name in ["basis", "rate", "rateOfRest", "difference"] {
                        group[name].take();
                        expected[name].take();
                    }
                }
                assert_eq!(group, expected, "{when}, {arguments}");
            }
            // A single group has the basis of the pattern too.
            let alone = format!("groups: [{{label: \"short\", filter: {short}}}], {arguments}");
            let mut group = compare(client, &alone).await["groups"][0].take();
            group.as_object_mut().unwrap().remove("label");
            assert_eq!(
                group,
                query_pattern(client, short, &arguments).await,
                "{arguments}"
            );
        }
    }
}

async fn portfolio_is_what_the_organisation_funds_or_leads(database: Database) {
    let app = start_with_records(database).await;
    let funder = create_funder(&app).await;
    let steward = app
        .create_member("steward", Role::Steward, Some(OTHER_FUNDER))
        .await;
    let partner = app.partner().await;
    let filter = "{or: [{fundedByMe: true}, {ledByMe: true}]}";
    for (client, in_portfolio, in_rest) in [(&funder, 40, 40), (&steward, 80, 40), (&partner, 43, 40)] {
        for scope in ["ALL", "VISIBLE"] {
            let arguments = format!("then: {SKIPPED}, scope: {scope}");
            let mut mine = compare(client, &format!("portfolio: true, {arguments}")).await;
            let given = format!("groups: [{{label: \"Mine\", filter: {filter}}}], {arguments}");
            let mut expected = compare(client, &given).await;
            assert_eq!(mine["groups"][0]["label"].take(), "Your portfolio");
            assert_eq!(expected["groups"][0]["label"].take(), "Mine");
            assert_eq!(mine, expected, "{scope}");
            // With scope ALL, who funds and leads hidden records is not known, so the figures are of visible records.
            let group = &mine["groups"][0];
            assert_eq!(group["rate"]["denominator"], in_portfolio, "{scope}: {mine}");
            assert_eq!(group["rateOfRest"]["denominator"], in_rest, "{scope}: {mine}");
        }
    }
    let arguments = format!("portfolio: true, then: {SKIPPED}, scope: VISIBLE");
    let group = compare(&funder, &arguments).await["groups"][0].take();
    assert_eq!(
        (&group["verdict"], &group["direction"]),
        (&json!("CLEAR_DIFFERENCE"), &json!("MORE"))
    );
}

async fn portfolio_without_an_organisation_is_refused(database: Database) {
    let app = start_with_records(database).await;
    for client in [
        app.create_member("dashboard", Role::Dashboard, None).await,
        app.steward().await,
    ] {
        for scope in ["ALL", "VISIBLE"] {
            let query =
                format!("{{ compare(portfolio: true, then: {SKIPPED}, scope: {scope}) {{ scope }} }}");
            assert_eq!(
                client.query_error(&query).await,
                (
                    "portfolio: You do not belong to an organisation, so `portfolio` cannot be answered. Filter by \
                     an organisation's id instead."
                        .into(),
                    "BAD_USER_INPUT".into()
                )
            );
        }
        let (message, code) = client
            .query_error(
                "{ compare(groups: [{label: \"a\", filter: {fundedByMe: true}}], then: {}) { scope } }",
            )
            .await;
        assert_eq!(code, "BAD_USER_INPUT");
        assert!(
            message.starts_with("groups.0.filter.fundedByMe: You do not belong"),
            "{message}"
        );
    }
}

async fn groups_that_cannot_be_compared_are_refused(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let list_groups = |count: usize| {
        let groups: Vec<String> = (0..count)
            .map(|at| format!("{{label: \"{at}\", filter: {{}}}}"))
            .collect();
        format!("groups: [{}]", groups.join(", "))
    };
    let label = |text: &str| format!("groups: [{{label: \"{text}\", filter: {{}}}}]");
    for (arguments, message) in [
        (
            "portfolio: false".to_owned(),
            "groups: there is nothing to compare; give either `groups` or `portfolio: true`",
        ),
        (
            "groups: null".to_owned(),
            "groups: there is nothing to compare; give either `groups` or `portfolio: true`",
        ),
        (
            format!("{}, portfolio: true", list_groups(1)),
            "portfolio: groups are given too; give either `groups` or `portfolio: true`",
        ),
        (list_groups(0), "groups: 0 are given; from 1 to 10 can be"),
        (list_groups(11), "groups: 11 are given; from 1 to 10 can be"),
        (label("  "), "groups.0.label: is empty"),
        (
            label(&"x".repeat(101)),
            "groups.0.label: has 101 characters; at most 100 are allowed",
        ),
        (
            "groups: [{label: \"a\", filter: {}}, {label: \" a\", filter: {}}]".to_owned(),
            "groups.1.label: is the label of another group too",
        ),
    ] {
        let query = format!("{{ compare({arguments}, then: {{}}) {{ scope }} }}");
        assert_eq!(
            steward.query_error(&query).await,
            (message.into(), "BAD_USER_INPUT".into()),
            "{arguments}"
        );
    }
    let (message, _) = steward
        .query_error(
            "{ compare(groups: [{label: \"a\", filter: {entryPoints: {includes: []}}}], then: {}) { scope } }",
        )
        .await;
    assert!(message.starts_with("groups.0.filter.entryPoints"), "{message}");
    let query = format!(
        "{{ compare({}, then: {{}}) {{ groups {{ label }} }} }}",
        list_groups(10)
    );
    let found = steward.query(&query).await;
    assert_eq!(found["compare"]["groups"].as_array().map(Vec::len), Some(10));
}

async fn summary_says_which_groups_differ(database: Database) {
    let app = start_with_records(database).await;
    let funder = create_funder(&app).await;
    let query = format!(
        "{{ compare(portfolio: true, then: {SKIPPED}, scope: VISIBLE) {{ summary {{ headline byGroup certainty cautions text }} }} }}"
    );
    let mut summary = funder.query(&query).await["compare"]["summary"].take();
    assert_eq!(
        summary["headline"],
        "Your portfolio has a clearly higher rate than the rest."
    );
    assert_eq!(
        summary["byGroup"],
        json!([
            "Your portfolio: 75 in 100 skipped defining their ambitions, against 20 in 100 of the rest. 3 more \
             initiatives have unknown answers."
        ])
    );
    let text = summary["text"].take();
    let text = text.as_str().unwrap();
    for part in ["headline", "certainty", "cautions"] {
        let part = summary[part].as_str().unwrap();
        assert!(text.contains(part), "{text}");
    }
    let query = "{ compare(portfolio: true, then: {}, among: {id: {in: []}}) { summary { headline } } }";
    let (_, code) = funder.query_error(query).await;
    assert_eq!(code, "BAD_USER_INPUT", "`among` is checked as everywhere");
}

async fn overlapping_groups_have_a_caution(database: Database) {
    let app = start_with_records(database).await;
    let funder = create_funder(&app).await;
    let ask = async |filters: [&str; 2]| {
        let [one, other] = filters;
        let query = format!(
            "{{ compare(groups: [{{label: \"one\", filter: {one}}}, {{label: \"other\", filter: {other}}}], then: {SKIPPED})
                {{ overlap cautions {{ code }} }} }}"
        );
        let found = funder.query(&query).await["compare"].take();
        let cautions = found["cautions"].as_array().unwrap();
        let has_caution = cautions.contains(&json!({"code": "GROUPS_OVERLAP"}));
        assert_eq!(found["overlap"], has_caution, "{found}");
        has_caution
    };
    let own = "{fundedByMe: true}";
    assert!(ask([own, "{fundingTerms: {isRecorded: true}}"]).await);
    assert!(!ask([own, "{fundedByMe: false}"]).await);
}
