//! The GraphQL operations of the page, and their data.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::question::{MAX_GROUPS, Question};
use crate::pages::answer::address::scope_code;
use crate::pages::answer::data::{CautionData, GroupData, PatternData, TableData, choose_table};
use crate::pages::answer::wording::CountPrecision;
use crate::pages::operation::PageOperation;
use crate::pages::service::PageService;

/// The answer to a question.
#[derive(Debug, Deserialize, Serialize)]
pub struct ExploreOperation {
    pub pattern: ExploredPattern,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct ExploredPattern {
    #[serde(flatten)]
    pub pattern: PatternData,
    /// None if the question has no groups.
    pub groups: Option<ExploredGroups>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExploredGroups {
    pub total_count: u32,
    pub nodes: Vec<GroupData>,
}

impl PageOperation for ExploreOperation {
    const DOCUMENT: &'static str = concat!(
        include_str!("explore.graphql"),
        include_str!("../answer/pattern.graphql"),
        include_str!("../answer/group.graphql")
    );
}

/// How many initiatives the conditions of a question match.
#[derive(Debug, Deserialize, Serialize)]
pub struct ExploreCountOperation {
    pub pattern: CountedPattern,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CountedPattern {
    pub basis: String,
    pub cautions: Vec<CautionData>,
    pub table: TableData,
    pub visible_table: TableData,
}

impl PageOperation for ExploreCountOperation {
    const DOCUMENT: &'static str = include_str!("count.graphql");
}

/// The crises and regions from which people choose.
#[derive(Debug, Deserialize, Serialize)]
pub struct ExploreChoicesOperation {
    pub crises: CrisisList,
    /// None for a visitor without a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<RegionList>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct CrisisList {
    pub nodes: Vec<CrisisChoice>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct CrisisChoice {
    pub slug: String,
    pub name: String,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct RegionList {
    pub nodes: Vec<RegionChoice>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct RegionChoice {
    pub code: Option<String>,
    pub name: String,
}

impl PageOperation for ExploreChoicesOperation {
    const DOCUMENT: &'static str = include_str!("choices.graphql");
}

impl CountedPattern {
    /// The counts to show.
    pub fn measured_table(&self) -> &TableData {
        choose_table(&self.basis, &self.table, &self.visible_table)
    }

    /// How the counts are written.
    pub fn precision(&self) -> CountPrecision {
        CountPrecision::of(&self.basis, &self.cautions)
    }
}

impl Question {
    /// The variables of [`ExploreOperation`]. None if a condition is missing.
    pub fn answer_variables(&self) -> Option<Value> {
        let (when, then) = self.conditions()?;
        Some(json!({
            "when": when,
            "then": then,
            "among": self.among,
            "by": self.by.map(wayin_entity::Dimension::code),
            "scope": scope_code(self.scope),
            "first": MAX_GROUPS,
            "order": self.sort.to_order(),
        }))
    }

    /// The variables of [`ExploreCountOperation`]. A condition that is missing is true of every initiative.
    pub fn count_variables(&self) -> Value {
        let everything = json!({});
        json!({
            "when": self.when.as_ref().unwrap_or(&everything),
            "then": self.then.as_ref().unwrap_or(&everything),
            "among": self.among,
            "scope": scope_code(self.scope),
        })
    }

    /// The address of the question in GraphiQL. If a condition is missing, it counts what matches.
    pub fn query_address(&self) -> String {
        match self.answer_variables() {
            Some(variables) => PageService::graphiql_address(ExploreOperation::DOCUMENT, &variables),
            None => PageService::graphiql_address(ExploreCountOperation::DOCUMENT, &self.count_variables()),
        }
    }
}
