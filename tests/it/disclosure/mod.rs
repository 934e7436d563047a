//! Attacks on disclosure control. Each must succeed where control is switched off, which is
//! how a steward is answered, and fail where it is on.

mod attacks;
mod base;

use crate::support::{Story, stories};

/// The stories of this folder.
pub fn stories() -> Vec<Story> {
    attacks::stories()
}
