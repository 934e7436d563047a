//! Attacks on disclosure control, and a walk over all that it has to hold of. Each attack
//! must succeed where control is switched off, which is how a steward is answered, and fail
//! where it is on.

mod attacks;
mod constant_work;
mod fixture;
mod limits;
mod rules;
mod schema_walk;
