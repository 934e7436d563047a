//! The states of submissions, and who can change them: `DRAFT` -> `SUBMITTED` -> `PUBLISHED` or
//! `CHANGES_REQUESTED` -> `SUBMITTED`; `DISCARDED` from any state before publication.

use wayin_entity::SubmissionState as State;

/// Who changes the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionActor {
    /// A partner of the submission's organisation.
    Partner,
    /// A partner of an organisation whose submissions are published without review.
    TrustedPartner,
    Steward,
}

impl TransitionActor {
    pub const ALL: [Self; 3] = [Self::Partner, Self::TrustedPartner, Self::Steward];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    Save,
    Submit,
    RequestChanges,
    Publish,
    Discard,
}

impl Transition {
    pub const ALL: [Self; 5] = [
        Self::Save,
        Self::Submit,
        Self::RequestChanges,
        Self::Publish,
        Self::Discard,
    ];
}

/// Why a transition is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    #[error("only a steward can do this")]
    StewardsOnly,
    #[error("it is in review; a steward can request changes")]
    InReview,
    #[error("it is not in review")]
    NotSubmitted,
    #[error("it was published; make a new submission to correct the published record")]
    Published,
    #[error("it was discarded")]
    Discarded,
}

impl TransitionError {
    /// Whether the reason is the actor, not the state.
    pub const fn is_about_actor(self) -> bool {
        matches!(self, Self::StewardsOnly)
    }
}

/// The state after a transition.
pub const fn next_state(
    state: State,
    moved: Transition,
    by: TransitionActor,
) -> Result<State, TransitionError> {
    let stewards_own = matches!(moved, Transition::RequestChanges | Transition::Publish);
    if stewards_own && !matches!(by, TransitionActor::Steward) {
        return Err(TransitionError::StewardsOnly);
    }
    match (state, moved) {
        (State::Published, _) => Err(TransitionError::Published),
        (State::Discarded, _) => Err(TransitionError::Discarded),
        (State::Draft | State::ChangesRequested | State::Submitted, Transition::Discard) => {
            Ok(State::Discarded)
        }
        (State::Draft | State::ChangesRequested, Transition::Save) => Ok(state),
        (State::Draft | State::ChangesRequested, Transition::Submit) => Ok(match by {
            TransitionActor::TrustedPartner => State::Published,
            TransitionActor::Partner | TransitionActor::Steward => State::Submitted,
        }),
        (State::Submitted, Transition::RequestChanges) => Ok(State::ChangesRequested),
        (State::Submitted, Transition::Publish) => Ok(State::Published),
        (State::Submitted, Transition::Save | Transition::Submit) => Err(TransitionError::InReview),
        (State::Draft | State::ChangesRequested, Transition::RequestChanges | Transition::Publish) => {
            Err(TransitionError::NotSubmitted)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists all possible transitions, in the order of the vocabularies.
    fn list_transitions() -> Vec<(State, Transition, TransitionActor, State)> {
        let mut moves = Vec::new();
        for state in State::ALL {
            for moved in Transition::ALL {
                for by in TransitionActor::ALL {
                    if let Ok(after) = next_state(*state, moved, by) {
                        moves.push((*state, moved, by, after));
                    }
                }
            }
        }
        moves
    }

    #[test]
    fn only_stewards_request_changes_and_only_stewards_or_trusted_partners_publish() {
        for (from, moved, by, to) in list_transitions() {
            match to {
                State::ChangesRequested if moved != Transition::Save => {
                    assert_eq!(by, TransitionActor::Steward, "{from:?} {moved:?}");
                }
                State::Published => assert!(
                    (by, moved) == (TransitionActor::Steward, Transition::Publish)
                        || (by, moved) == (TransitionActor::TrustedPartner, Transition::Submit),
                    "{from:?} {moved:?} by {by:?}"
                ),
                _ => {}
            }
        }
    }

    #[test]
    fn published_and_discarded_submissions_are_final() {
        for (from, ..) in list_transitions() {
            assert!(!matches!(from, State::Published | State::Discarded));
        }
    }

    #[test]
    fn unpublished_submissions_can_be_discarded_and_every_state_is_reachable() {
        for by in TransitionActor::ALL {
            for from in [State::Draft, State::Submitted, State::ChangesRequested] {
                assert_eq!(next_state(from, Transition::Discard, by), Ok(State::Discarded));
            }
        }
        let mut reached = vec![State::Draft];
        for _ in 0..State::ALL.len() {
            let next: Vec<State> = list_transitions()
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
    fn submissions_in_review_cannot_be_edited() {
        for by in TransitionActor::ALL {
            assert_eq!(
                next_state(State::Submitted, Transition::Save, by),
                Err(TransitionError::InReview)
            );
            assert_eq!(
                next_state(State::Submitted, Transition::Submit, by),
                Err(TransitionError::InReview)
            );
        }
    }
}
