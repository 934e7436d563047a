//! From what a client sends to the engine's answer: filters become conditions, what
//! slices too finely is refused, changes are waited for. Every way out of the API
//! (GraphQL, files) comes by here.

use std::sync::Arc;

use async_graphql::{InputType as _, Value};
use wayin_entity::{Dimension, Perspective};

use crate::app::App;
use crate::auth::permission::Asking;
use crate::error::{Error, Result};
use crate::graphql::filter::Lookup;
use crate::initiative::filter_input::InitiativeFilter;
use wayin_engine::answer;
use wayin_engine::answer::{
    Association, AssociationsQuestion, Distribution, DistributionQuestion, Flows, FlowsQuestion, Grid,
    GridQuestion, PatternAnswer,
};
use wayin_engine::cancellation::Stopped;
use wayin_engine::count::Base;
use wayin_engine::disclosure::query_restriction;
use wayin_engine::predicate::{Condition, InitiativeCondition};
use wayin_engine::query::{MAX_PAIRED_CONDITIONS, MIN_PAIRED_CONDITIONS, Question, RecordScope, Viewpoint};
use wayin_engine::visibility::Reader;

/// Someone who asks, over which records, and how new the answer must be.
#[derive(Clone)]
pub struct Asker {
    app: Arc<App>,
    /// Whose permissions are checked here; none where the preparation of an operation checks them.
    check_as: Option<Asking>,
    viewpoint: Viewpoint,
    min_change_number: Option<i64>,
}

/// A pattern that is asked for.
#[derive(Clone)]
pub struct PatternInput {
    /// The first condition.
    pub when: InitiativeFilter,
    /// The other.
    pub then: InitiativeFilter,
    /// Among which initiatives.
    pub among: Option<InitiativeFilter>,
    /// The dimension to group by.
    pub by: Option<Dimension>,
    /// Whether to look for where what was found comes from.
    pub concentration: bool,
}

impl Asker {
    /// Someone who asks; an answer has to have seen the change `min_change_number`. `check_as` says whose permissions are checked
    /// for the fields that the question reads. It is none for an argument of an operation, which was checked before.
    pub fn new(
        app: &Arc<App>,
        check_as: Option<Asking>,
        reader: Reader,
        scope: RecordScope,
        min_change_number: Option<i64>,
    ) -> Self {
        Self {
            app: Arc::clone(app),
            check_as,
            viewpoint: Viewpoint { reader, scope },
            min_change_number,
        }
    }

    /// How often two conditions coincide.
    pub async fn pattern(&self, input: PatternInput) -> Result<(Question, PatternAnswer)> {
        let question = Question {
            when: self.condition("when", Some(input.when)).await?,
            then: self.condition("then", Some(input.then)).await?,
            among: self.condition("among", input.among).await?,
            by: input.by,
            viewpoint: self.viewpoint,
        };
        self.check(&[
            ("when", &question.when),
            ("then", &question.then),
            ("among", &question.among),
        ])?;
        self.check_dimensions(&[("by", question.by)])?;
        let asked = question.clone();
        let answer = self
            .ask(move |base| answer::pattern(base, &asked, input.concentration))
            .await?;
        Ok((question, answer))
    }

    /// Two dimensions crossed.
    pub async fn grid(
        &self,
        rows: Dimension,
        columns: Dimension,
        among: Option<InitiativeFilter>,
    ) -> Result<Grid> {
        let question = GridQuestion {
            rows,
            columns,
            among: self.condition("among", among).await?,
            viewpoint: self.viewpoint,
        };
        self.check(&[("among", &question.among)])?;
        self.check_dimensions(&[("rows", Some(rows)), ("columns", Some(columns))])?;
        let grid = self.ask(move |base| answer::grid(base, &question)).await?;
        grid.ok_or_else(|| {
            Error::bad_input(
                "columns",
                format!(
                    "rows and columns make more than {} cells; choose dimensions with fewer values",
                    answer::MOST_CELLS
                ),
            )
        })
    }

    /// How many initiatives have each value of a dimension.
    pub async fn distribution(&self, of: Dimension, among: Option<InitiativeFilter>) -> Result<Distribution> {
        let question = DistributionQuestion {
            of,
            among: self.condition("among", among).await?,
            viewpoint: self.viewpoint,
        };
        self.check(&[("among", &question.among)])?;
        self.check_dimensions(&[("of", Some(of))])?;
        self.ask(move |base| answer::distribution(base, &question)).await
    }

    /// Moves from the way in to later entry points.
    pub async fn flows(
        &self,
        among: Option<InitiativeFilter>,
        perspective: Option<Perspective>,
    ) -> Result<Flows> {
        if let Some(asking) = self.check_as {
            let given = [("perspective".to_owned(), perspective.to_value())];
            self.app
                .permissions
                .check_field_usage(asking, ("Query", "entryPointFlows"), given)?;
        }
        let question = FlowsQuestion {
            among: self.condition("among", among).await?,
            perspective,
            viewpoint: self.viewpoint,
        };
        self.check(&[("among", &question.among)])?;
        self.ask(move |base| answer::flows(base, &question)).await
    }

    /// How often each pair out of some conditions coincides.
    pub async fn associations(
        &self,
        conditions: Vec<InitiativeFilter>,
        among: Option<InitiativeFilter>,
    ) -> Result<Vec<Association>> {
        if !(MIN_PAIRED_CONDITIONS..=MAX_PAIRED_CONDITIONS).contains(&conditions.len()) {
            return Err(Error::bad_input(
                "conditions",
                format!(
                    "{} are given; from {MIN_PAIRED_CONDITIONS} to {MAX_PAIRED_CONDITIONS} can be",
                    conditions.len()
                ),
            ));
        }
        let mut question = AssociationsQuestion {
            conditions: Vec::with_capacity(conditions.len()),
            among: self.condition("among", among).await?,
            viewpoint: self.viewpoint,
        };
        for (at, condition) in conditions.into_iter().enumerate() {
            let condition = self
                .condition(&format!("conditions.{at}"), Some(condition))
                .await?;
            question.conditions.push(condition);
        }
        for (at, one) in question.conditions.iter().enumerate() {
            for (after, other) in question.conditions.iter().enumerate().skip(at + 1) {
                self.check(&[
                    (&format!("conditions.{at}"), one),
                    (&format!("conditions.{after}"), other),
                    ("among", &question.among),
                ])?;
            }
        }
        self.ask(move |base| answer::associations(base, &question)).await
    }

    async fn condition(
        &self,
        argument: &str,
        filter: Option<InitiativeFilter>,
    ) -> Result<InitiativeCondition> {
        match filter {
            Some(filter) => {
                self.check_usage("InitiativeFilter", argument, &filter.to_value())?;
                let lookup = Lookup::new(&self.app.db, self.viewpoint.reader);
                filter.condition(lookup, argument.to_owned()).await
            }
            None => Ok(Condition::EVERYTHING),
        }
    }

    fn check(&self, parts: &[(&str, &InitiativeCondition)]) -> Result<()> {
        if self.viewpoint.is_controlled() {
            Ok(query_restriction::check(parts)?)
        } else {
            Ok(())
        }
    }

    /// Whether the asker may read every field that an argument touches.
    fn check_usage(&self, of: &str, argument: &str, value: &Value) -> Result<()> {
        match self.check_as {
            Some(asking) => self.app.permissions.check_usage(asking, of, argument, value),
            None => Ok(()),
        }
    }

    fn check_dimensions(&self, dimensions: &[(&str, Option<Dimension>)]) -> Result<()> {
        for (argument, dimension) in dimensions {
            self.check_usage("Dimension", argument, &dimension.to_value())?;
        }
        if !self.viewpoint.is_controlled() {
            return Ok(());
        }
        dimensions
            .iter()
            .filter_map(|(argument, dimension)| Some((*argument, (*dimension)?)))
            .try_for_each(|(argument, dimension)| {
                Ok(query_restriction::check_dimension(argument, dimension)?)
            })
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(Base<'_>) -> Result<T, Stopped> + Send + 'static,
    ) -> Result<T> {
        let engine = &self.app.engine;
        if let Some(change) = self.min_change_number {
            engine.wait_for(change).await?;
        }
        engine.ask(work).await
    }
}
