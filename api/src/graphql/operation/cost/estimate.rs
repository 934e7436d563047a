//! Estimates the cost of an operation before it is executed: a pure function from a document, its variables
//! and the table of [weights] to points, in time linear in the document. All arithmetic saturates.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use async_graphql::parser::types::{ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Value as ConstValue, Variables};
use async_graphql_value::Value;

use super::weights::{self, CONNECTION_SUFFIX, Multiplier};
use crate::graphql::operation::document::{find_operation, is_skipped};
use crate::graphql::operation::field_types::{FieldTypes, root_type};
use crate::paging;

/// The estimated cost of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostEstimate {
    /// The number of points, at least the [minimum](weights::MIN_POINTS).
    pub points: u32,
    /// Whether the operation requests the schema itself.
    pub has_introspection: bool,
    /// The number of selections that were visited.
    pub steps: usize,
}

/// Estimates the cost of the selected operation of a document. If there is none, nothing is executed and the
/// cost is the minimum. `variables` already include their defaults.
pub fn estimate_cost(
    types: &FieldTypes,
    document: &ExecutableDocument,
    operation: Option<&str>,
    variables: &Variables,
) -> CostEstimate {
    let Some(operation) = find_operation(document, operation) else {
        return CostEstimate {
            points: weights::MIN_POINTS,
            ..CostEstimate::default()
        };
    };
    let mut weighing = CostEstimator::new(types, document, variables);
    let points = weighing
        .estimate_selections(root_type(operation.node.ty), &operation.node.selection_set.node)
        .total();
    CostEstimate {
        points: u32::try_from(points).unwrap_or(u32::MAX).max(weights::MIN_POINTS),
        has_introspection: weighing.has_introspection,
        steps: weighing.steps,
    }
}

/// Whether a field contains the rows of a page.
fn is_page_rows(of: &str, field: &str) -> bool {
    of.ends_with(CONNECTION_SUFFIX) && matches!(field, "nodes" | "edges")
}

/// The cost of the selections of an object.
#[derive(Clone, Debug, Default)]
struct SelectionCost<'a> {
    /// The cost that occurs once.
    fixed: u64,
    /// The cost for each row of the page, for the nodes and edges of a connection.
    per_row: u64,
    /// The cost for each possible type of the object, for an interface.
    by_type: BTreeMap<&'a str, u64>,
}

impl SelectionCost<'_> {
    /// The total cost, with the most expensive type.
    fn total(&self) -> u64 {
        let dearest = self.by_type.values().max().copied().unwrap_or(0);
        self.fixed.saturating_add(self.per_row).saturating_add(dearest)
    }
}

impl<'a> SelectionCost<'a> {
    fn add(&mut self, other: &Self) {
        self.fixed = self.fixed.saturating_add(other.fixed);
        self.per_row = self.per_row.saturating_add(other.per_row);
        for (of, points) in &other.by_type {
            self.add_for_type(of, *points);
        }
    }

    fn add_for_type(&mut self, of: &'a str, points: u64) {
        let sum = self.by_type.entry(of).or_default();
        *sum = sum.saturating_add(points);
    }
}

/// The value of an argument, as a literal or from a variable.
#[derive(Clone, Copy)]
enum ArgumentValue<'a> {
    Literal(&'a Value),
    Variable(&'a ConstValue),
}

impl ArgumentValue<'_> {
    fn as_number(self) -> Option<u64> {
        match self {
            Self::Literal(Value::Number(number)) | Self::Variable(ConstValue::Number(number)) => {
                number.as_u64()
            }
            _ => None,
        }
    }

    /// Counts the values. A value that is not a list counts as one.
    fn count_values(self) -> u64 {
        match self {
            Self::Literal(Value::List(values)) => values.len() as u64,
            Self::Variable(ConstValue::List(values)) => values.len() as u64,
            _ => 1,
        }
    }
}

/// The state of the estimate of one operation.
struct CostEstimator<'a> {
    types: &'a FieldTypes,
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    /// The cost of each fragment, estimated once. A fragment in progress has an empty entry.
    fragments: HashMap<&'a str, Rc<SelectionCost<'a>>>,
    /// The number of comparisons in each variable, by its name and whether it is within an object.
    comparisons: HashMap<(&'a str, bool), u64>,
    has_introspection: bool,
    steps: usize,
}

impl<'a> CostEstimator<'a> {
    fn new(types: &'a FieldTypes, document: &'a ExecutableDocument, variables: &'a Variables) -> Self {
        Self {
            types,
            document,
            variables,
            fragments: HashMap::new(),
            comparisons: HashMap::new(),
            has_introspection: false,
            steps: 0,
        }
    }

    fn estimate_selections(&mut self, of: &'a str, set: &'a SelectionSet) -> SelectionCost<'a> {
        let mut sums = SelectionCost::default();
        for selection in &set.items {
            self.steps += 1;
            if is_skipped(&selection.node, self.variables) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => {
                    let points = self.estimate_field(of, &field.node);
                    let name = field.node.name.node.as_str();
                    let sum = if is_page_rows(of, name) {
                        &mut sums.per_row
                    } else {
                        &mut sums.fixed
                    };
                    *sum = sum.saturating_add(points);
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref();
                    let on = on.map_or(of, |on| on.node.on.node.as_str());
                    let inner = self.estimate_selections(on, &fragment.node.selection_set.node);
                    self.add_fragment(&mut sums, of, on, &inner);
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some(fragment) = self.document.fragments.get(name) {
                        let inner = self.estimate_fragment(name, &fragment.node);
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        self.add_fragment(&mut sums, of, on, &inner);
                    }
                }
            }
        }
        sums
    }

    fn estimate_fragment(
        &mut self,
        name: &'a str,
        fragment: &'a FragmentDefinition,
    ) -> Rc<SelectionCost<'a>> {
        if let Some(known) = self.fragments.get(name) {
            return Rc::clone(known);
        }
        self.fragments.insert(name, Rc::default());
        let on = fragment.type_condition.node.on.node.as_str();
        let sums = Rc::new(self.estimate_selections(on, &fragment.selection_set.node));
        self.fragments.insert(name, Rc::clone(&sums));
        sums
    }

    /// Adds the cost of a fragment on a type to an object that may have that type.
    fn add_fragment(&self, sums: &mut SelectionCost<'a>, of: &str, on: &'a str, inner: &SelectionCost<'a>) {
        if self.types.is_interface(of) && !self.types.is_interface(on) {
            sums.add_for_type(on, inner.total());
        } else {
            sums.add(inner);
        }
    }

    fn estimate_field(&mut self, of: &'a str, field: &'a Field) -> u64 {
        let name = field.name.node.as_str();
        let set = &field.selection_set.node;
        match name {
            "__typename" => return 0,
            "__schema" | "__type" => {
                self.has_introspection = true;
                let objects = self.estimate_selections("__Schema", set).total();
                let points = objects.div_ceil(weights::SCHEMA_OBJECTS_PER_POINT);
                return points.saturating_add(weights::INTROSPECTION_POINTS);
            }
            _ => {}
        }
        if of.starts_with("__") {
            if set.items.is_empty() {
                return 0;
            }
            let listed = weights::SCHEMA_LIST_LENGTHS
                .iter()
                .find(|(list, _)| *list == name);
            let times = listed.map_or(1, |(_, times)| *times);
            return times.saturating_mul(self.estimate_selections("__Type", set).total().saturating_add(1));
        }
        let declared = self.types.find_field(of, name);
        // Validation reports an unknown field.
        let (held, is_list) = declared.map_or(("", false), |declared| {
            (declared.type_name.as_str(), declared.is_list)
        });
        // The connection around this field determines the number of rows.
        let is_list = is_list && !is_page_rows(of, name);
        let inner = self.estimate_selections(held, set);
        let object = if self.types.has_fields(held) {
            weights::object_points(held)
        } else {
            0
        };
        let weight = weights::find_field_weight(of, name);
        let values = |argument: &str| {
            self.find_argument(field, argument)
                .map(ArgumentValue::count_values)
        };
        let itself = weight.field_points(&values);
        let times = match weight.times {
            Multiplier::PageRows => self.page_size(field),
            _ => weight.multiplier_value(is_list, &values),
        };
        let itself = itself.saturating_add(self.estimate_filters(field));
        if held.ends_with(CONNECTION_SUFFIX) {
            let rows = self.page_size(field).saturating_mul(inner.per_row);
            return itself
                .saturating_add(object)
                .saturating_add(inner.fixed)
                .saturating_add(rows);
        }
        let each = object.saturating_add(weight.each).saturating_add(inner.total());
        itself.saturating_add(times.saturating_mul(each))
    }

    /// Estimates the cost of the filters of a field.
    fn estimate_filters(&mut self, field: &'a Field) -> u64 {
        let filters = field
            .arguments
            .iter()
            .filter(|(name, _)| weights::FILTER_ARGUMENTS.contains(&name.node.as_str()));
        let compared = filters.fold(0_u64, |sum, (_, value)| {
            sum.saturating_add(self.count_literal_comparisons(&value.node, false))
        });
        compared.saturating_mul(weights::COMPARISON_POINTS)
    }

    /// Counts the values that a filter compares with. A list counts as one value.
    fn count_literal_comparisons(&mut self, value: &'a Value, within: bool) -> u64 {
        match value {
            Value::Null => 0,
            Value::Variable(name) => {
                let name = name.as_str();
                if let Some(known) = self.comparisons.get(&(name, within)) {
                    return *known;
                }
                let counted = match self.resolve_value(value) {
                    Some(ArgumentValue::Variable(value)) => count_comparisons(value, within),
                    _ => 0,
                };
                self.comparisons.insert((name, within), counted);
                counted
            }
            Value::Object(fields) => fields.values().fold(0, |sum, value| {
                self.count_literal_comparisons(value, true).saturating_add(sum)
            }),
            Value::List(values) => {
                let inner = values.iter().fold(0_u64, |sum, value| {
                    self.count_literal_comparisons(value, false).saturating_add(sum)
                });
                inner.max(u64::from(within && !values.is_empty()))
            }
            _ => u64::from(within),
        }
    }

    /// Returns the number of rows of a page: the requested number, up to the maximum.
    fn page_size(&self, field: &'a Field) -> u64 {
        let requested =
            ["first", "last"].map(|name| self.find_argument(field, name).and_then(ArgumentValue::as_number));
        requested
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(paging::DEFAULT_PAGE_ROWS)
            .min(paging::MAX_PAGE_ROWS)
    }

    /// Finds the value of an argument. None if it is not given or null.
    fn find_argument(&self, field: &'a Field, name: &str) -> Option<ArgumentValue<'a>> {
        self.resolve_value(&field.get_argument(name)?.node)
    }

    fn resolve_value(&self, value: &'a Value) -> Option<ArgumentValue<'a>> {
        match value {
            Value::Null => None,
            Value::Variable(name) => {
                let given = self.variables.get(name);
                given
                    .filter(|value| **value != ConstValue::Null)
                    .map(ArgumentValue::Variable)
            }
            written => Some(ArgumentValue::Literal(written)),
        }
    }
}

/// Counts the values that a filter compares with. A list counts as one value. A value outside an object is
/// not counted.
pub fn count_comparisons(value: &ConstValue, within: bool) -> u64 {
    match value {
        ConstValue::Null => 0,
        ConstValue::Object(fields) => fields
            .values()
            .fold(0, |sum, value| count_comparisons(value, true).saturating_add(sum)),
        ConstValue::List(values) => {
            let inner = values.iter().fold(0_u64, |sum, value| {
                count_comparisons(value, false).saturating_add(sum)
            });
            inner.max(u64::from(within && !values.is_empty()))
        }
        _ => u64::from(within),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::sync::LazyLock;

    use async_graphql::parser::parse_query;
    use rand::{Rng, SeedableRng, rngs::StdRng};
    use serde_json::json;

    use super::*;
    use crate::graphql::operation::cost::CostSettings;
    use crate::graphql::operation::document_limits;
    use crate::graphql::operation::variables::add_defaults;

    static TYPES: LazyLock<FieldTypes> = LazyLock::new(|| FieldTypes::from_sdl(crate::schema::schema_sdl()));

    fn estimate(document: &str, variables: serde_json::Value) -> CostEstimate {
        let document = parse_query(document).unwrap();
        let mut variables = Variables::from_json(variables);
        if let Some(operation) = find_operation(&document, None) {
            add_defaults(&operation.node, &mut variables);
        }
        estimate_cost(&TYPES, &document, None, &variables)
    }

    fn estimate_points(document: &str) -> u32 {
        estimate(document, json!({})).points
    }

    #[test]
    fn every_weight_names_an_existing_field() {
        for weight in weights::FIELD_WEIGHTS {
            for field in weight.fields {
                let of = match weight.type_name {
                    CONNECTION_SUFFIX => "InitiativeConnection",
                    of => of,
                };
                let exists = match *field {
                    weights::ANY_OTHER_FIELD => TYPES.has_fields(of),
                    field => TYPES.find_field(of, field).is_some(),
                };
                assert!(exists, "{of}.{field}");
            }
        }
        for of in weights::WEIGHTLESS_TYPES.iter().flat_map(|(types, _)| *types) {
            assert!(TYPES.has_fields(of), "{of}");
        }
    }

    #[test]
    fn cost_follows_the_selections() {
        for (document, expected) in [
            ("{ __typename }", 1),
            ("{ viewer { role } }", 1),
            // 5 for the search, 1 for the list and 2 for each of 20 rows.
            ("{ initiatives { nodes { title place { name } } } }", 6 + 20 * 2),
            ("{ initiatives(first: 3) { nodes { title } } }", 6 + 3),
            (
                "{ initiatives(first: 3) { edges { cursor node { title } } } }",
                6 + 3,
            ),
            (
                "{ initiatives(last: 4) { nodes { title } pageInfo { endCursor } } }",
                6 + 4,
            ),
            ("{ initiatives(first: 5000) { nodes { title } } }", 6 + 100),
            ("{ initiatives(first: 0) { totalCount } }", 6 + 20),
            (
                "{ initiatives(first: 2) { nodes { fundingTerms { funder { name } } } } }",
                6 + 2 * (1 + 5 * 2),
            ),
            (
                "{ places(first: 10) { nodes { initiatives(first: 10) { nodes { title } } } } }",
                6 + 10 * (1 + 1 + 10),
            ),
            (
                "{ pattern(when: {}, then: {}) { summary { text } table { both } rateWhen { value } } }",
                30,
            ),
            (
                "{ pattern(when: {}, then: {}, by: PLACE) { summary { text } } }",
                240,
            ),
            (
                "{ pattern(when: {}, then: {}, by: null) { summary { text } } }",
                30,
            ),
            (
                "{ patternGrid(rows: REGION, columns: STEP) { cells { count } } }",
                500,
            ),
            (
                "{ associations(conditions: [{}, {}, {}]) { pairs { when then phi } } }",
                20 + 3 * 3,
            ),
            ("{ nodes(ids: [\"a\", \"b\"]) { id } }", 2),
            (
                "{ node(id: 1) { ... on Place { parents { id } } ... on Meeting { id } } }",
                1 + 5,
            ),
            (
                "mutation { withdrawInitiative(input: {}) { revision { version } } }",
                50 + 1 + 1,
            ),
            ("mutation { redactText(input: {}) { initiatives } }", 1_001),
            (
                "{ a: pattern(when: {}, then: {}) { summary { text } } b: pattern(when: {}, then: {}) { summary { text } } }",
                60,
            ),
            (
                "{ pattern(when: {}, then: {}) @skip(if: true) { summary { text } } viewer { role } }",
                1,
            ),
        ] {
            assert_eq!(estimate_points(document), expected, "{document}");
        }
    }

    #[test]
    fn variables_cost_as_much_as_their_values() {
        let document = "query Q($first: Int = 7, $by: Dimension, $ids: [ID!] = [], $with: Boolean = true) {
            initiatives(first: $first) { nodes { title } }
            pattern(when: {}, then: {}, by: $by) { summary { text } }
            nodes(ids: $ids) { id }
            claims(first: 1) @include(if: $with) { nodes { slug } } }";
        let of = |variables| estimate(document, variables).points;
        assert_eq!(of(json!({})), 13 + 30 + 2);
        assert_eq!(of(json!({"first": 9})), 15 + 30 + 2);
        assert_eq!(of(json!({"first": null})), 26 + 30 + 2);
        assert_eq!(of(json!({"by": "PLACE"})), 13 + 240 + 2);
        assert_eq!(of(json!({"ids": ["a", "b", "c"]})), 13 + 30 + 3 + 2);
        assert_eq!(of(json!({"with": false})), 13 + 30);
    }

    #[test]
    fn filter_cost_follows_the_compared_values() {
        let written = "{ pattern(
            when: {fundingTerms: {some: {durationMonths: {lte: 18}}}}
            then: {challenge: {on: DEFINING_AMBITIONS, step: {in: [SKIPPED, TAKEN]}}}
        ) { summary { text } } }";
        assert_eq!(estimate_points(written), 30 + 3 * 2);
        let by_variables = "query Q($when: InitiativeFilter!, $steps: [ChallengeStep!]) {
            a: pattern(when: $when, then: {challenge: {on: DEFINING_AMBITIONS, step: {in: $steps}}}) { summary { text } }
            b: pattern(when: $when, then: {}) { summary { text } } }";
        let variables = json!({
            "when": {"or": [{"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}}, {"title": {"eq": "x"}}]},
            "steps": ["SKIPPED"],
        });
        assert_eq!(estimate(by_variables, variables).points, 60 + (2 + 2 + 2) * 2);
    }

    /// Generates random selections of an initiative, written directly and with fragments.
    fn random_selections(dice: &mut StdRng, deep: u32, fragments: &mut String) -> (String, String) {
        let (mut written, mut by_fragment) = (String::from("id"), String::from("id"));
        for field in ["place", "leadOrganisation", "fundingTerms", "sources"] {
            if dice.random_bool(0.5) {
                let inner = if deep > 0 && matches!(field, "place" | "leadOrganisation") {
                    let rows = dice.random_range(0..120);
                    let (inner, spread) = random_selections(dice, deep - 1, fragments);
                    let page = format!("initiatives(first: {rows})");
                    (
                        format!("{page} {{ totalCount nodes {{ {inner} }} }}"),
                        format!("{page} {{ totalCount nodes {{ {spread} }} }}"),
                    )
                } else {
                    ("id".into(), "id".into())
                };
                write!(written, " {field} {{ {} }}", inner.0).unwrap();
                write!(by_fragment, " {field} {{ {} }}", inner.1).unwrap();
            }
        }
        let name = format!("F{}", fragments.matches("fragment").count());
        writeln!(fragments, "fragment {name} on Initiative {{ {by_fragment} }}").unwrap();
        (written, format!("...{name}"))
    }

    #[test]
    fn fragments_cost_as_much_as_inlined_and_larger_pages_cost_more() {
        let mut dice = StdRng::seed_from_u64(11);
        for _ in 0..100 {
            let mut fragments = String::new();
            let (written, spread) = random_selections(&mut dice, 2, &mut fragments);
            let of = |rows: u32, inner: &str, rest: &str| {
                estimate_points(&format!(
                    "{{ initiatives(first: {rows}) {{ nodes {{ {inner} }} }} }} {rest}"
                ))
            };
            let rows = dice.random_range(0..=100);
            assert_eq!(of(rows, &written, ""), of(rows, &spread, &fragments), "{written}");
            assert!(of(rows, &written, "") <= of(rows + 1, &written, ""), "{written}");
        }
    }

    #[test]
    fn fragments_in_a_connection_are_multiplied_by_the_page_size() {
        let fragment = "fragment Rows on InitiativeConnection { nodes { title } totalCount }";
        let of = |first| {
            estimate_points(&format!(
                "{{ initiatives(first: {first}) {{ ...Rows }} }} {fragment}"
            ))
        };
        assert_eq!((of(1), of(50)), (6 + 20 + 1, 6 + 20 + 50));
    }

    #[test]
    fn nested_fragments_are_estimated_in_linear_time() {
        let mut document = String::from("{ places(first: 100) { nodes { ...F0 } } }");
        for at in 0..200 {
            let field = "initiatives(first: 100) { nodes { place { ...F";
            let next = at + 1;
            write!(
                document,
                " fragment F{at} on Place {{ a: {field}{next} }} }} }} b: {field}{next} }} }} }} }}"
            )
            .unwrap();
        }
        document.push_str(" fragment F200 on Place { id }");
        let weighed = estimate(&document, json!({}));
        assert_eq!(weighed.points, u32::MAX, "it stops at the largest number");
        assert!(weighed.steps < 2_000, "{weighed:?}");
        // A fragment that spreads itself does not cause an endless loop.
        assert_eq!(
            estimate_points("{ place(id: 1) { ...A } } fragment A on Place { id ...A }"),
            1
        );
    }

    #[test]
    fn introspection_has_a_cost_that_grows_with_nesting() {
        let usual = estimate(
            "{ __schema { types { name fields { name args { name type { ofType { name } } } type { ofType { name } } } } } }",
            json!({}),
        );
        assert!(usual.has_introspection);
        assert!((100..1_000).contains(&usual.points), "{usual:?}");
        let deep = "{ __schema { types { fields { type { fields { type { fields { type { fields { type { fields { \
                    name } } } } } } } } } } } }";
        assert!(estimate_points(deep) > 100_000);
        assert!(!estimate("{ __typename viewer { role } }", json!({})).has_introspection);
    }

    #[test]
    fn unknown_fields_are_estimated() {
        for document in [
            "{ nothing { of { this } } }",
            "{ ...Missing }",
            "query A { viewer { id } } query B { viewer { id } }",
            "{ nodes { id } initiatives(first: \"x\") { nodes { id } } }",
            "{ initiatives(first: -1) { nodes { id } } associations { pairs { phi } } }",
            "subscription { nothing }",
        ] {
            assert!(estimate_points(document) >= 1, "{document}");
        }
    }

    /// Extracts the documents in a text, each between two markers.
    fn extract_documents(text: &str) -> Vec<&str> {
        let marks = [
            ("```graphql\n", "```"),
            ("FIRST_QUERY = `", "`"),
            ("graphql(`", "`"),
            ("query: `", "`"),
            ("gql(\"\"\"", "\"\"\""),
            ("\"query\": \"", "\""),
        ];
        let each = marks.into_iter().flat_map(|(begins, ends)| {
            let rest = text.split(begins).skip(1);
            rest.filter_map(move |rest| rest.split(ends).next())
        });
        each.collect()
    }

    #[test]
    fn documented_queries_are_affordable() {
        let filter = json!({"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}});
        for (text, offered) in [
            (include_str!("../../../../assets/graphiql/boot.js"), 1),
            (include_str!("../../../../../README.md"), 2),
            (include_str!("../../../../../docs/clients.md"), 7),
        ] {
            let documents = extract_documents(text);
            assert_eq!(documents.len(), offered, "{documents:?}");
            for document in documents {
                document_limits::measure_document(document, &document_limits::DocumentLimits::default())
                    .unwrap();
                let weighed = estimate(document, json!({"when": filter, "then": filter}));
                assert!(weighed.points < CostSettings::default().max_points, "{document}");
            }
        }
    }
}
