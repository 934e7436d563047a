//! Answers the queries of clients. Turns filters into predicates, rejects queries that are too specific, and waits for
//! changes. Both GraphQL and the files for spreadsheets use it.

use std::sync::Arc;

use async_graphql::{InputType as _, Value};
use wayin_entity::{Dimension, Perspective};

use crate::app::App;
use crate::error::{Error, Result};
use crate::graphql::filter::FilterContext;
use crate::initiative::filter_input::InitiativeFilter;
use crate::pattern::answer_cache::{CachedAnswer, Question};
use crate::pattern::asker::Asker;
use crate::pattern::view::OperationView;
use wayin_engine::answer;
use wayin_engine::answer::{
    Associations, AssociationsQuery, Basis, ComparisonAnswer, ComparisonQuery, Distribution,
    DistributionQuery, FlowCounts, FlowsQuery, Grid, GridQuery, PatternAnswer,
};
use wayin_engine::cancellation::Cancelled;
use wayin_engine::count::EvaluationContext;
use wayin_engine::disclosure::query_restriction::{self, check_question};
use wayin_engine::predicate::{InitiativePredicate, Predicate};
use wayin_engine::query::{
    MAX_PAIRED_CONDITIONS, MIN_PAIRED_CONDITIONS, PatternQuery, RecordScope, Viewpoint,
};
use wayin_engine::summary;

/// The protected answers that a flow counts: the way in, and the later entry points.
const ANSWERS_OF_A_FLOW: usize = 2;

/// Answers queries for one asker.
#[derive(Clone)]
pub struct PatternService {
    app: Arc<App>,
    asker: Asker,
    /// Whether the permissions of the asker were checked when the operation was prepared.
    is_authorised: bool,
    viewpoint: Viewpoint,
    min_change_number: Option<i64>,
    /// The view of the operation that asks. None if each query has a view of its own.
    operation: Option<Arc<OperationView>>,
}

/// The arguments of a pattern.
#[derive(Clone)]
pub struct PatternInput {
    /// The first condition.
    pub when: InitiativeFilter,
    /// The second condition.
    pub then: InitiativeFilter,
    /// The filter of the population. None for all initiatives.
    pub among: Option<InitiativeFilter>,
    /// The dimension to group by.
    pub by: Option<Dimension>,
    /// Whether to compute how concentrated the initiatives are.
    pub concentration: bool,
}

/// The arguments of a comparison.
#[derive(Clone)]
pub struct ComparisonInput {
    /// The groups to compare with the rest.
    pub groups: Vec<ComparedFilter>,
    /// The condition whose rate is compared.
    pub then: InitiativeFilter,
    /// The filter of the population. None for all initiatives.
    pub among: Option<InitiativeFilter>,
}

impl ComparisonInput {
    /// The labels of the groups, in their order.
    pub fn list_labels(&self) -> Vec<String> {
        self.groups.iter().map(|group| group.label.clone()).collect()
    }
}

/// A group of a comparison.
#[derive(Clone)]
pub struct ComparedFilter {
    /// The name of the group.
    pub label: String,
    /// Selects its initiatives.
    pub filter: InitiativeFilter,
    /// The path of the filter in the arguments.
    pub path: String,
}

impl PatternService {
    /// Creates a service whose answers include the change `min_change_number`. It checks whether the asker can read
    /// the fields that a query uses.
    pub fn new(app: &Arc<App>, asker: Asker, scope: RecordScope, min_change_number: Option<i64>) -> Self {
        Self {
            app: Arc::clone(app),
            asker,
            is_authorised: false,
            viewpoint: Viewpoint {
                reader: asker.reader,
                scope,
            },
            min_change_number,
            operation: None,
        }
    }

    /// Leaves out the checks that were made when the GraphQL operation was prepared.
    #[must_use]
    pub fn already_authorised(self) -> Self {
        Self {
            is_authorised: true,
            ..self
        }
    }

    pub const fn asker(&self) -> Asker {
        self.asker
    }

    /// Answers from the view of an operation.
    #[must_use]
    pub fn within_operation(self, operation: &Arc<OperationView>) -> Self {
        Self {
            operation: Some(Arc::clone(operation)),
            ..self
        }
    }

    /// Computes how often two conditions coincide.
    pub async fn query_pattern(&self, input: PatternInput) -> Result<(PatternQuery, PatternAnswer)> {
        let question = PatternQuery {
            when: self.build_predicate("when", Some(input.when)).await?,
            then: self.build_predicate("then", Some(input.then)).await?,
            among: self.build_predicate("among", input.among).await?,
            by: input.by,
            viewpoint: self.viewpoint,
        };
        self.check_disclosure(
            &[
                ("when", &question.when),
                ("then", &question.then),
                ("among", &question.among),
            ],
            &[("by", question.by)],
            0,
        )?;
        let (query, concentration) = (question.clone(), input.concentration);
        let key = Question::Pattern {
            query: question.clone(),
            concentration,
        };
        let compute = move |base: EvaluationContext<'_>| answer::compute_pattern(base, &query, concentration);
        Ok((question, self.answer(key, compute).await?))
    }

    /// Crosses two dimensions.
    pub async fn query_grid(
        &self,
        rows: Dimension,
        columns: Dimension,
        among: Option<InitiativeFilter>,
    ) -> Result<Grid> {
        let question = GridQuery {
            rows,
            columns,
            among: self.build_predicate("among", among).await?,
            viewpoint: self.viewpoint,
        };
        let dimensions = [("rows", Some(rows)), ("columns", Some(columns))];
        self.check_disclosure(&[("among", &question.among)], &dimensions, 0)?;
        let key = Question::Grid(question.clone());
        let grid = self
            .answer(key, move |base| answer::compute_grid(base, &question))
            .await?;
        grid.ok_or_else(|| {
            Error::bad_input(
                "columns",
                format!(
                    "rows and columns make more than {} cells; choose dimensions with fewer values",
                    answer::MAX_GRID_CELLS
                ),
            )
        })
    }

    /// Counts the initiatives with each value of a dimension.
    pub async fn query_distribution(
        &self,
        of: Dimension,
        among: Option<InitiativeFilter>,
    ) -> Result<Distribution> {
        let question = DistributionQuery {
            dimension: of,
            among: self.build_predicate("among", among).await?,
            viewpoint: self.viewpoint,
        };
        self.check_disclosure(&[("among", &question.among)], &[("of", Some(of))], 0)?;
        let key = Question::Distribution(question.clone());
        self.answer(key, move |base| answer::compute_distribution(base, &question))
            .await
    }

    /// Counts the moves from each way in to later entry points.
    pub async fn query_flows(
        &self,
        among: Option<InitiativeFilter>,
        perspective: Option<Perspective>,
    ) -> Result<FlowCounts> {
        if !self.is_authorised {
            let given = [("perspective".to_owned(), perspective.to_value())];
            let field = ("Query", "entryPointFlows");
            self.app
                .permissions
                .check_field_usage(self.asker.kind, field, given)?;
        }
        let question = FlowsQuery {
            among: self.build_predicate("among", among).await?,
            perspective,
            viewpoint: self.viewpoint,
        };
        self.check_disclosure(&[("among", &question.among)], &[], ANSWERS_OF_A_FLOW)?;
        let key = Question::Flows(question.clone());
        self.answer(key, move |base| answer::compute_flows(base, &question))
            .await
    }

    /// Computes how often the conditions of each pair coincide.
    pub async fn query_associations(
        &self,
        conditions: Vec<InitiativeFilter>,
        among: Option<InitiativeFilter>,
    ) -> Result<Associations> {
        if !(MIN_PAIRED_CONDITIONS..=MAX_PAIRED_CONDITIONS).contains(&conditions.len()) {
            return Err(Error::bad_input(
                "conditions",
                format!(
                    "{} are given; from {MIN_PAIRED_CONDITIONS} to {MAX_PAIRED_CONDITIONS} can be",
                    conditions.len()
                ),
            ));
        }
        let mut question = AssociationsQuery {
            conditions: Vec::with_capacity(conditions.len()),
            among: self.build_predicate("among", among).await?,
            viewpoint: self.viewpoint,
        };
        for (at, condition) in conditions.into_iter().enumerate() {
            let condition = self
                .build_predicate(&format!("conditions.{at}"), Some(condition))
                .await?;
            question.conditions.push(condition);
        }
        for (at, one) in question.conditions.iter().enumerate() {
            for (after, other) in question.conditions.iter().enumerate().skip(at + 1) {
                let predicates = [
                    (&*format!("conditions.{at}"), one),
                    (&*format!("conditions.{after}"), other),
                    ("among", &question.among),
                ];
                self.check_disclosure(&predicates, &[], 0)?;
            }
        }
        let key = Question::Associations(question.clone());
        self.answer(key, move |base| answer::compute_associations(base, &question))
            .await
    }

    /// Compares how often `then` is true in each group with the rest. Each group is restricted as a pattern of its own.
    pub async fn query_comparison(
        &self,
        input: ComparisonInput,
    ) -> Result<(ComparisonQuery, ComparisonAnswer)> {
        let mut question = ComparisonQuery {
            groups: Vec::with_capacity(input.groups.len()),
            then: self.build_predicate("then", Some(input.then)).await?,
            among: self.build_predicate("among", input.among).await?,
            viewpoint: self.viewpoint,
        };
        for ComparedFilter { filter, path, .. } in input.groups {
            let group = self.build_predicate(&path, Some(filter)).await?;
            let predicates = [
                (&*path, &group),
                ("then", &question.then),
                ("among", &question.among),
            ];
            self.check_disclosure(&predicates, &[], 0)?;
            question.groups.push(group);
        }
        let (query, key) = (question.clone(), Question::Comparison(question.clone()));
        let compute = move |base: EvaluationContext<'_>| answer::compute_comparison(base, &query);
        Ok((question, self.answer(key, compute).await?))
    }

    /// Puts the filter of a population in words that follow "initiatives that". None for all initiatives.
    pub async fn describe_population(&self, among: Option<InitiativeFilter>) -> Result<Option<String>> {
        let among = self.build_predicate("among", among).await?;
        Ok((among != Predicate::ALWAYS_TRUE).then(|| summary::render_condition(&among)))
    }

    async fn build_predicate(
        &self,
        argument: &str,
        filter: Option<InitiativeFilter>,
    ) -> Result<InitiativePredicate> {
        match filter {
            Some(filter) => {
                self.check_usage("InitiativeFilter", argument, &filter.to_value())?;
                let lookup = FilterContext::new(&self.app.db, self.asker.reader, self.asker.organisation);
                filter.into_predicate(lookup, argument.to_owned()).await
            }
            None => Ok(Predicate::ALWAYS_TRUE),
        }
    }

    /// Checks whether the asker can group by the dimensions, and whether disclosure control allows the question.
    fn check_disclosure(
        &self,
        predicates: &[(&str, &InitiativePredicate)],
        dimensions: &[(&str, Option<Dimension>)],
        counted_answers: usize,
    ) -> Result<()> {
        for (argument, dimension) in dimensions {
            self.check_usage("Dimension", argument, &dimension.to_value())?;
            if let Some(dimension) = dimension {
                self.asker.require_dimension(argument, *dimension)?;
            }
        }
        if self.viewpoint.is_controlled() {
            let given = dimensions
                .iter()
                .filter_map(|(argument, dimension)| Some((*argument, (*dimension)?)));
            check_question(query_restriction::Question {
                predicates,
                dimensions: &given.collect::<Vec<_>>(),
                counted_answers,
            })?;
        }
        Ok(())
    }

    /// Checks whether the asker can read every field that an argument uses.
    fn check_usage(&self, of: &str, argument: &str, value: &Value) -> Result<()> {
        if self.is_authorised {
            return Ok(());
        }
        let permissions = &self.app.permissions;
        permissions.check_usage(self.asker.kind, of, argument, value)
    }

    async fn answer<A: CachedAnswer>(
        &self,
        question: Question,
        work: impl FnOnce(EvaluationContext<'_>) -> Result<A, Cancelled> + Send + 'static,
    ) -> Result<A> {
        let operation = self.operation.clone().unwrap_or_else(|| {
            let app = &self.app;
            Arc::new(OperationView::new(Arc::clone(&app.engine), app.db.clone()))
        });
        let view = operation.get(self.min_change_number).await?;
        let answer = view.answer(question, work).await?;
        if let Some(basis) = answer.basis() {
            self.count_question(basis);
        }
        Ok(answer)
    }

    /// Counts a question that was answered, for the audit of stewards.
    fn count_question(&self, basis: &Basis) {
        if let Some(member) = self.asker.member
            && self.viewpoint.is_controlled()
        {
            let day = self.app.clock.now().date_naive();
            self.app
                .question_audit
                .add(member, day, basis.rests_on_few_hidden);
        }
    }
}
