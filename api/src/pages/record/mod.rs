//! Records as people read them, for the pages of those who send them and of those who review them.

pub mod answers;
pub mod data;
pub mod labels;
pub mod wording;
