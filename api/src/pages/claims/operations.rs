//! The operations of the pages of claims, and their data.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wayin_entity::{Dimension, Labelled as _, Perspective};

use crate::pages::answer::address::build_address;
use crate::pages::answer::data::{GroupData, PatternData};
use crate::pages::answer::wording::format_date;
use crate::pages::operation::PageOperation;

#[derive(Debug, Deserialize, Serialize)]
pub struct ClaimsOperation {
    pub claims: ClaimList,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimList {
    pub page_info: ClaimListPage,
    pub nodes: Vec<ListedClaim>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimListPage {
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct ListedClaim {
    pub slug: String,
    pub statement: String,
    pub question: QuestionData,
    pub reflection: Option<ReflectionData>,
    pub pattern: PatternData,
}

impl PageOperation for ClaimsOperation {
    const DOCUMENT: &'static str = concat!(
        include_str!("claims.graphql"),
        include_str!("../answer/pattern.graphql")
    );
}

#[derive(Debug, Deserialize, Serialize)]
pub struct ClaimOperation {
    pub claim: Option<ClaimData>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct ClaimData {
    pub slug: String,
    pub statement: String,
    pub question: QuestionData,
    pub reflection: Option<ReflectionData>,
    pub pattern: GroupedPattern,
    pub trend: TrendData,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct GroupedPattern {
    #[serde(flatten)]
    pub pattern: PatternData,
    pub groups: Option<GroupList>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct TrendData {
    pub groups: Option<GroupList>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct GroupList {
    pub nodes: Vec<GroupData>,
}

impl PageOperation for ClaimOperation {
    const DOCUMENT: &'static str = concat!(
        include_str!("claim.graphql"),
        include_str!("../answer/pattern.graphql"),
        include_str!("../answer/group.graphql")
    );
}

/// The arguments of `pattern`, with the filters in JSON.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct QuestionData {
    pub when: Value,
    pub then: Value,
    pub among: Option<Value>,
    pub by: Option<Dimension>,
}

impl QuestionData {
    /// The address of the question on the page to explore.
    pub fn explore_address(&self) -> String {
        self.address_at("/explore")
    }

    /// The address of the answer as a file with this ending.
    pub fn download_address(&self, ending: &str) -> String {
        self.address_at(&format!("/explore/download.{ending}"))
    }

    fn address_at(&self, path: &str) -> String {
        let given = [
            ("when", Some(self.when.to_string())),
            ("then", Some(self.then.to_string())),
            ("among", self.among.as_ref().map(Value::to_string)),
            ("by", self.by.map(|by| by.code().to_owned())),
        ];
        let parameters: Vec<(&str, String)> = given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        build_address(path, &parameters)
    }
}

/// The comment from which a claim comes.
#[derive(Debug, Deserialize, Serialize)]
pub struct ReflectionData {
    pub text: String,
    pub perspective: Perspective,
    /// Only members can read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meeting: Option<MeetingData>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MeetingData {
    pub title: String,
    pub held_on: NaiveDate,
}

impl ReflectionData {
    /// Who said it, and for members where, such as "The view of practitioners at “Spring meeting”, 1 April 2020".
    pub fn describe_source(&self) -> String {
        let speaker = self.perspective.label();
        match &self.meeting {
            Some(meeting) => format!(
                "The view of {speaker} at “{}”, {}",
                meeting.title,
                format_date(meeting.held_on)
            ),
            None => format!("The view of {speaker} at a meeting of the community of practice"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_of_a_question_have_its_filters_in_json() {
        let question = QuestionData {
            when: json!({}),
            then: json!({ "fundedByMe": true }),
            among: None,
            by: Some(Dimension::Region),
        };
        assert_eq!(
            question.explore_address(),
            "/explore?when=%7B%7D&then=%7B%22fundedByMe%22%3Atrue%7D&by=REGION"
        );
        assert_eq!(
            question.download_address("csv"),
            "/explore/download.csv?when=%7B%7D&then=%7B%22fundedByMe%22%3Atrue%7D&by=REGION"
        );
    }
}
