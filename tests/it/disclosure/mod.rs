//! Attacks on disclosure control, and a check of every field that it protects. Each attack must succeed without
//! control, as in the answers for stewards, and fail with it.

mod attacks;
mod fixture;
mod question_audit;
mod rules;
mod schema_walk;
