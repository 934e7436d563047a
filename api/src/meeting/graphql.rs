//! Meetings and reflections over GraphQL.

use std::collections::HashMap;

use async_graphql::{Context, ID, Object, Result, dataloader::Loader};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;
use wayin_entity::{Challenge, EntryPoint, Perspective, meeting, reflection};

use crate::graphql::comparison::Date;
use crate::graphql::{
    connection::Connection,
    error::Shared,
    list::list,
    loader::{self, Loads, RowKey},
};
use crate::id::NodeKind;
use crate::initiative::graphql::Place;
use crate::keeping::graphql::version;
use crate::paging::PageArguments;
use crate::place::loaders::PlaceById;

/// A past or future meeting of the community of practice.
#[derive(Clone, Debug)]
pub struct Meeting(pub meeting::Model);

/// A past or future meeting of the community of practice.
#[Object]
impl Meeting {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Meeting.id(self.0.id).into()
    }

    /// The version number, which starts at 1 and increases with every save. For stewards.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        version(ctx, self.0.id).await
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
        let rows = loader::of(ctx)
            .load_one(ReflectionsOf(self.0.id))
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
        NodeKind::Reflection.id(self.0.id).into()
    }

    /// The version number, which starts at 1 and increases with every save. For stewards.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        version(ctx, self.0.id).await
    }

    /// The meeting.
    async fn meeting(&self, ctx: &Context<'_>) -> Result<Option<Meeting>> {
        Ok(loader::of(ctx)
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
        Ok(loader::of(ctx).load_one(PlaceById(id)).await?.map(Place))
    }

    /// What was said.
    async fn text(&self) -> &str {
        &self.0.text
    }
}

/// Loads a meeting by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MeetingById(pub Uuid);

impl RowKey for MeetingById {
    type Table = meeting::Entity;
    const ID: meeting::Column = meeting::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }
}

/// Loads a reflection by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReflectionById(pub Uuid);

impl RowKey for ReflectionById {
    type Table = reflection::Entity;
    const ID: reflection::Column = reflection::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ReflectionsOf(Uuid);

impl Loader<ReflectionsOf> for Loads {
    type Value = Vec<reflection::Model>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[ReflectionsOf],
    ) -> Result<HashMap<ReflectionsOf, Vec<reflection::Model>>, Shared> {
        let rows = reflection::Entity::find()
            .filter(reflection::Column::MeetingId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(reflection::Column::Position)
            .all(&self.db)
            .await?;
        let mut found: HashMap<ReflectionsOf, Vec<reflection::Model>> = HashMap::new();
        for row in rows {
            found.entry(ReflectionsOf(row.meeting_id)).or_default().push(row);
        }
        Ok(found)
    }
}

/// The meetings that the base knows.
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
    ) -> Result<Connection<Meeting>> {
        let page = PageArguments::new(first, after, last, before);
        list(ctx, meeting::Entity::find(), (), page, Meeting).await
    }
}
