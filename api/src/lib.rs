//! Wayin: a shared evidence base for place-based systems change, behind one GraphQL API.

pub mod clock;
pub mod graphiql;
pub mod initiative;
