//! Wayin: a shared evidence base for place-based systems change, behind one GraphQL API.
//!
//! # The map of the house
//! A request goes one way: [`server`] -> [`auth`] (who asks, and may they?) -> a
//! domain's `graphql` (types and resolvers) -> the domain's own functions -> the
//! tables of `wayin_entity`. A change goes one way too: [`import`] or [`submission`] ->
//! [`initiative::publish`] -> [`change`] (the log) -> [`pattern::index`] -> answers.
//!
//! | where | what |
//! |---|---|
//! | [`cli`], [`config`] | the commands and their settings |
//! | [`guard`] | what a document may cost before anything looks at it closely |
//! | [`cost`] | what an operation costs, and who has how much to spend; documents known by their hash |
//! | [`server`], [`origins`], [`multipart`], [`graphiql`], [`schema`], [`app`] | the service: routes, whose pages may ask, requests with a file, the explorer, every domain's queries merged, what a request is given |
//! | [`auth`] | issuers and their keys, tokens, members, the permission table, the visibility of records |
//! | [`initiative`] | the record, what it must meet, its publication, its filter as SQL |
//! | [`submission`], [`mutation`], [`snapshot`], [`audit`], [`redaction`], [`expiry`] | proposed records and their review; what every mutation has in common; rows as they were answered; who did what; taking a text out of it all; what lies untouched for long |
//! | [`keeping`], [`merging`] | what all that stewards keep has in common: its versions and their history; two organisations that are one |
//! | [`place`], [`organisation`], [`crisis`], [`meeting`], [`claim`], [`vocabulary`] | the other domains |
//! | [`live`] | what is told as it happens: connections, subscriptions, and who follows for them |
//! | [`pattern`] | the pattern engine: index, counts, statistics, plain words; answers over GraphQL, and as CSV files |
//! | [`condition`], [`truth`] | conditions and three-valued truth, which lists and patterns share |
//! | [`import`], [`export`], [`workbook`], [`example`] | files in and out, as workbooks too, and the demonstration's evidence |
//! | [`check`] | whether everything that is to hold of a base does |
//! | `cause`, `money`, [`written`], [`spelling`], `etag` | why a file or a database cannot be used; amounts in minor units; dates and lines as people write them; one form of names, codes and identifiers; tags of what browsers hold |
//! | [`graphql`], [`paging`], [`id`], [`error`], [`database`], [`base`], [`change`], [`clock`] | what the domains are built with |

pub mod app;
pub mod audit;
pub mod auth;
pub mod base;
mod cause;
pub mod change;
pub mod check;
pub mod claim;
pub mod cli;
pub mod clock;

pub mod config;
pub mod cost;
pub mod crisis;
pub mod database;
pub mod error;
mod etag;
pub mod example;
pub mod expiry;
pub mod export;
pub mod failure;

pub mod grant_detail;
pub mod graphiql;
pub mod graphql;
pub mod guard;
pub mod http;
pub mod id;
pub mod import;
pub mod initiative;
pub mod keeping;
pub mod live;
pub mod locks;
pub mod meeting;
pub mod merging;

pub mod multipart;
pub mod mutation;
mod name_suggestions;
pub mod note;
pub mod organisation;
pub mod origins;
pub mod paging;
pub mod pattern;
pub mod place;
pub mod redaction;
pub mod respell;
pub mod schema;
pub mod server;
pub mod snapshot;

pub mod submission;

pub mod vocabulary;
mod workbook_http;
