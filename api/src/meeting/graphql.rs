//! Meetings and reflections over GraphQL.

use std::collections::HashMap;

use async_graphql::{Context, ID, Object, Result};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;
use wayin_entity::{Challenge, EntryPoint, Perspective, meeting, reflection};

use super::filter_input::ReflectionFilter;
use crate::graphql::comparison::Date;
use crate::graphql::{
    app_from_context,
    connection::NodeConnection,
    error::SharedError,
    list::load_connection,
    loader::{self, LoaderContext, LoaderKey, RowLoaderKey},
};
use crate::id::NodeKind;
use crate::initiative::graphql::Place;
use crate::paging::PageArguments;
use crate::place::loaders::PlaceById;
use crate::reference_data::graphql::load_version;

/// A past or future meeting of the community of practice.
#[derive(Clone, Debug)]
pub struct Meeting(pub meeting::Model);

/// A past or future meeting of the community of practice.
#[Object]
impl Meeting {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Meeting.encode_id(self.0.id).into()
    }

    /// The version number: 1 at first, one more with every save. Only stewards can read it.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        load_version(ctx, self.0.id).await
    }

    /// The title.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// The theme. Null if there is none.
    async fn theme(&self) -> Option<&str> {
        self.0.theme.as_deref()
    }

    /// The day of the meeting.
    async fn held_on(&self) -> Date {
        Date(self.0.held_on)
    }

    /// The URL to register at, for a future meeting. Null if there is none.
    async fn registration_url(&self) -> Option<&str> {
        self.0.registration_url.as_deref()
    }

    /// What members said, without names, in the order of the meeting.
    async fn reflections(&self, ctx: &Context<'_>) -> Result<Vec<Reflection>> {
        let rows = loader::operation_loader(ctx)
            .load_one(ReflectionsByMeeting(self.0.id))
            .await?
            .unwrap_or_default();
        Ok(rows.into_iter().map(Reflection).collect())
    }
}

/// What a member said at a meeting. Nobody is named.
#[derive(Clone, Debug)]
pub struct Reflection(pub reflection::Model);

/// What a member said at a meeting. Nobody is named.
#[Object]
impl Reflection {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Reflection.encode_id(self.0.id).into()
    }

    /// The version number: 1 at first, one more with every save. Only stewards can read it.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        load_version(ctx, self.0.id).await
    }

    /// The meeting.
    async fn meeting(&self, ctx: &Context<'_>) -> Result<Option<Meeting>> {
        Ok(loader::operation_loader(ctx)
            .load_one(MeetingById(self.0.meeting_id))
            .await?
            .map(Meeting))
    }

    /// Whose view this is.
    async fn perspective(&self) -> Perspective {
        self.0.perspective
    }

    /// The entry point that the reflection is about. Null if it is about something else.
    async fn entry_point(&self) -> Option<EntryPoint> {
        self.0.entry_point
    }

    /// The challenge that the reflection is about. Null if it is about something else.
    async fn challenge(&self) -> Option<Challenge> {
        self.0.challenge
    }

    /// The place that the reflection is about. Null if it is not about a place.
    async fn place(&self, ctx: &Context<'_>) -> Result<Option<Place>> {
        let Some(id) = self.0.place_id else {
            return Ok(None);
        };
        Ok(loader::operation_loader(ctx)
            .load_one(PlaceById(id))
            .await?
            .map(Place))
    }

    /// What was said.
    async fn text(&self) -> &str {
        &self.0.text
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MeetingById(pub Uuid);

impl RowLoaderKey for MeetingById {
    type Table = meeting::Entity;
    const ID: meeting::Column = meeting::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReflectionById(pub Uuid);

impl RowLoaderKey for ReflectionById {
    type Table = reflection::Entity;
    const ID: reflection::Column = reflection::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ReflectionsByMeeting(Uuid);

impl LoaderKey for ReflectionsByMeeting {
    type Value = Vec<reflection::Model>;

    async fn load(
        context: &LoaderContext,
        keys: &[ReflectionsByMeeting],
    ) -> Result<HashMap<ReflectionsByMeeting, Vec<reflection::Model>>, SharedError> {
        let rows = reflection::Entity::find()
            .filter(reflection::Column::MeetingId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(reflection::Column::Position)
            .all(&context.db)
            .await?;
        let mut found: HashMap<ReflectionsByMeeting, Vec<reflection::Model>> = HashMap::new();
        for row in rows {
            found
                .entry(ReflectionsByMeeting(row.meeting_id))
                .or_default()
                .push(row);
        }
        Ok(found)
    }
}

#[derive(Default)]
pub struct MeetingQuery;

#[Object]
impl MeetingQuery {
    /// Meetings of the community of practice, latest first.
    async fn meetings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<Meeting>> {
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, meeting::Entity::find(), (), page, Meeting).await
    }

    /// Reflections: what members said at meetings, without names. The one that was added last comes first.
    async fn reflections(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which reflections to return. By default, all.")] filter: Option<ReflectionFilter>,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<Reflection>> {
        let filter = filter.unwrap_or_default();
        let select = filter.select_rows(&app_from_context(ctx).db, "filter").await?;
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, select, (), page, Reflection).await
    }
}
