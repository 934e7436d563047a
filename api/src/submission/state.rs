//! Where a submission stands, and who may move it: `DRAFT` -> `SUBMITTED` -> `PUBLISHED`
//! or `CHANGES_REQUESTED` -> `SUBMITTED`; `DISCARDED` from any of them before publication. Pure.

use wayin_entity::SubmissionState as State;

/// Who moves a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mover {
    /// A partner of the organisation whose record it is.
    Partner,
    /// A partner of an organisation that is trusted to publish without review.
    TrustedPartner,
    /// A steward.
    Steward,
}

impl Mover {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Partner, Self::TrustedPartner, Self::Steward];
}

/// What is done to a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Its record is written anew.
    Save,
    /// It is sent in.
    Send,
    /// It is sent back with a note.
    Return,
    /// It becomes the published truth.
    Publish,
    /// It is given up.
    Discard,
}

impl Move {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Save, Self::Send, Self::Return, Self::Publish, Self::Discard];
}

/// Why a submission cannot be moved so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Only a steward may.
    #[error("only a steward may do this")]
    ForStewards,
    /// It is with a steward.
    #[error("it was sent in and is being reviewed; a steward can return it")]
    InReview,
    /// It was not sent in.
    #[error("it was not sent in, or was returned")]
    NotSent,
    /// It was published.
    #[error("it was published; a correction is a new submission against the published record")]
    Published,
    /// It was given up.
    #[error("it was discarded")]
    Discarded,
}

impl Refused {
    /// Whether it is the one who moves, rather than where the submission stands, that stands against it.
    pub const fn is_about_who(self) -> bool {
        matches!(self, Self::ForStewards)
    }
}

/// Where a submission stands after a move.
pub const fn after(state: State, moved: Move, by: Mover) -> Result<State, Refused> {
    let stewards_own = matches!(moved, Move::Return | Move::Publish);
    if stewards_own && !matches!(by, Mover::Steward) {
        return Err(Refused::ForStewards);
    }
    match (state, moved) {
        (State::Published, _) => Err(Refused::Published),
        (State::Discarded, _) => Err(Refused::Discarded),
        (State::Draft | State::ChangesRequested | State::Submitted, Move::Discard) => Ok(State::Discarded),
        (State::Draft | State::ChangesRequested, Move::Save) => Ok(state),
        (State::Draft | State::ChangesRequested, Move::Send) => Ok(match by {
            Mover::TrustedPartner => State::Published,
            Mover::Partner | Mover::Steward => State::Submitted,
        }),
        (State::Submitted, Move::Return) => Ok(State::ChangesRequested),
        (State::Submitted, Move::Publish) => Ok(State::Published),
        (State::Submitted, Move::Save | Move::Send) => Err(Refused::InReview),
        (State::Draft | State::ChangesRequested, Move::Return | Move::Publish) => Err(Refused::NotSent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every move that is made by somebody from somewhere, in the order of the vocabularies.
    fn moves() -> Vec<(State, Move, Mover, State)> {
        let mut moves = Vec::new();
        for state in State::ALL {
            for moved in Move::ALL {
                for by in Mover::ALL {
                    if let Ok(after) = after(*state, moved, by) {
                        moves.push((*state, moved, by, after));
                    }
                }
            }
        }
        moves
    }

    #[test]
    fn only_a_steward_returns_and_only_a_steward_or_trust_publishes() {
        for (from, moved, by, to) in moves() {
            match to {
                State::ChangesRequested if moved != Move::Save => {
                    assert_eq!(by, Mover::Steward, "{from:?} {moved:?}");
                }
                State::Published => assert!(
                    (by, moved) == (Mover::Steward, Move::Publish)
                        || (by, moved) == (Mover::TrustedPartner, Move::Send),
                    "{from:?} {moved:?} by {by:?}"
                ),
                _ => {}
            }
        }
    }

    #[test]
    fn nothing_moves_what_is_published_or_discarded() {
        for (from, ..) in moves() {
            assert!(!matches!(from, State::Published | State::Discarded));
        }
    }

    #[test]
    fn everything_that_is_not_published_can_be_discarded_and_everything_can_be_reached() {
        for by in Mover::ALL {
            for from in [State::Draft, State::Submitted, State::ChangesRequested] {
                assert_eq!(after(from, Move::Discard, by), Ok(State::Discarded));
            }
        }
        let mut reached = vec![State::Draft];
        for _ in 0..State::ALL.len() {
            let next: Vec<State> = moves()
                .iter()
                .filter(|(from, ..)| reached.contains(from))
                .map(|(.., to)| *to)
                .collect();
            reached.extend(next);
        }
        for state in State::ALL {
            assert!(reached.contains(state), "{state:?}");
        }
    }

    #[test]
    fn what_is_being_reviewed_is_not_written_anew() {
        for by in Mover::ALL {
            assert_eq!(after(State::Submitted, Move::Save, by), Err(Refused::InReview));
            assert_eq!(after(State::Submitted, Move::Send, by), Err(Refused::InReview));
        }
    }
}
