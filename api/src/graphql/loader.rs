//! Loads what the rows of a page refer to, all at once: each relation of a whole
//! page is one or two statements, however many rows there are.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, dataloader::DataLoader};
use sea_orm::DatabaseConnection;
use uuid::Uuid;

use super::error::Shared;
use crate::auth::token::Trouble;
use crate::auth::visibility::Reader;
use crate::error::Error;

/// What loading needs to know: where to read, and for whom. Each domain says for
/// its own keys what is loaded.
pub struct Loads {
    /// The base.
    pub db: DatabaseConnection,
    /// Who reads; none where nobody said, and then only what is public is loaded.
    pub reader: Option<Reader>,
}

impl Loads {
    /// Who reads.
    pub fn reader(&self) -> Result<Reader, Shared> {
        self.reader
            .ok_or_else(|| Error::Unauthenticated(Trouble::Missing).into())
    }
}

/// Makes the loader of one request.
pub fn loader(loads: Loads) -> Arc<DataLoader<Loads>> {
    // Everything that one step of a query asks for is asked for in the same
    // moment; waiting longer than the least would gather nothing more.
    Arc::new(DataLoader::new(loads, tokio::spawn).delay(std::time::Duration::from_micros(100)))
}

/// The loader of a request.
pub fn of<'a>(ctx: &Context<'a>) -> &'a Arc<DataLoader<Loads>> {
    ctx.data_unchecked::<Arc<DataLoader<Loads>>>()
}

/// Gathers the parents whose lists are asked for by the same page request.
pub fn by_request<'a, R: Eq + std::hash::Hash + 'a>(
    keys: impl Iterator<Item = (&'a Arc<R>, Uuid)>,
) -> Vec<(Arc<R>, Vec<Uuid>)> {
    let mut groups: HashMap<&'a Arc<R>, Vec<Uuid>> = HashMap::new();
    for (request, parent) in keys {
        groups.entry(request).or_default().push(parent);
    }
    groups
        .into_iter()
        .map(|(request, parents)| (Arc::clone(request), parents))
        .collect()
}
