//! The tables of the database, one for each file. The rules for their content are in the domains of `wayin`. Their
//! vocabularies are in `wayin_vocabulary`, which this crate exports too.

pub mod audit_event;
pub mod browser_session;
pub mod challenge_faced;
pub mod challenge_reason;
pub mod change;
pub mod claim;
pub mod condition_changed;
pub mod crisis;
pub mod crisis_place;
pub mod disclosure_class;
pub mod disclosure_release;
pub mod entity_revision;
pub mod entry_point_taken;
pub mod export_link;
pub mod funding_term;
pub mod grant_detail;
pub mod idempotency_key;
pub mod import;
pub mod import_chunk;
pub mod import_outcome;
pub mod initiative;
pub mod initiative_source;
pub mod instance_settings;
pub mod invitation;
pub mod issued_token;
pub mod meeting;
pub mod member;
pub mod notice;
pub mod organisation;
pub mod organisation_alias;
pub mod place;
pub mod place_parent;
pub mod question_count;
pub mod reflection;
pub mod revision;
pub mod saved_question;
pub mod sign_in_attempt;
pub mod sign_in_link;
pub mod small_area;
pub mod source;
pub mod submission;
pub mod term;

pub use wayin_vocabulary::*;
