//! The meeting of November 2022 and the crisis that it was held in. What members
//! said is retold in other words, by perspective, with nobody named.

use chrono::NaiveDate;
use wayin_vocabulary::{Challenge, EntryPoint, Perspective};

use super::{ExampleCrisis, ExampleMeeting, ExampleReflection, date};

/// The crisis has no official dates: prices began to outrun pay in the autumn
/// of 2021, and had stopped doing so by the end of 2023.
pub(super) const COST_OF_LIVING: ExampleCrisis = ExampleCrisis {
    slug: "cost-of-living",
    name: "The cost-of-living crisis",
    from_on: date(2021, 10, 1),
    to_on: Some(date(2023, 12, 31)),
    place_codes: &[],
};

/// Only the month is known; the day stands for it.
const HELD_ON: NaiveDate = date(2022, 11, 15);

/// The reflections that claims come from, by their place in the meeting.
pub(super) mod said {
    pub(in super::super) const COLLABORATION_FIRST: usize = 1;
    pub(in super::super) const ROOT_CAUSES_BECAME_PARTNERSHIP: usize = 2;
    pub(in super::super) const NO_TIME_FOR_AMBITIONS: usize = 5;
    pub(in super::super) const RESEARCH_PAID_FOR: usize = 7;
    pub(in super::super) const TARGETS_FROM_DAY_ONE: usize = 8;
    pub(in super::super) const PAID_AND_STILL_STUCK: usize = 9;
    pub(in super::super) const NO_STRINGS: usize = 10;
    pub(in super::super) const PLANS_MOVED: usize = 11;
    pub(in super::super) const COMMUNITY_KNEW: usize = 12;
}

const EMPTY_REFLECTION: ExampleReflection = ExampleReflection {
    perspective: Perspective::Practitioner,
    entry_point: None,
    challenge: None,
    place_code: None,
    text: "",
};

const fn entry_point_reflection(
    perspective: Perspective,
    entry_point: EntryPoint,
    text: &'static str,
) -> ExampleReflection {
    ExampleReflection {
        perspective,
        entry_point: Some(entry_point),
        text,
        ..EMPTY_REFLECTION
    }
}

const fn challenge_reflection(
    perspective: Perspective,
    challenge: Challenge,
    text: &'static str,
) -> ExampleReflection {
    ExampleReflection {
        perspective,
        challenge: Some(challenge),
        text,
        ..EMPTY_REFLECTION
    }
}

const fn general_reflection(perspective: Perspective, text: &'static str) -> ExampleReflection {
    ExampleReflection {
        perspective,
        text,
        ..EMPTY_REFLECTION
    }
}

const REFLECTIONS: [ExampleReflection; 15] = [
    general_reflection(
        Perspective::Practitioner,
        "Systems change sounded too large to begin. What helped was to name one way in and to start there, \
         knowing that the others would come later.",
    ),
    entry_point_reflection(
        Perspective::Practitioner,
        EntryPoint::Collaboration,
        "We brought the partners together first, because that is what we knew how to do. Much later we saw that \
         nobody had asked what keeps producing the problem.",
    ),
    entry_point_reflection(
        Perspective::Funder,
        EntryPoint::RootCauses,
        "We set out to pay for work on root causes. By the time it was a programme, what we asked for was a \
         partnership, and what we counted was partners.",
    ),
    entry_point_reflection(
        Perspective::NationalCharity,
        EntryPoint::SingleOrganisation,
        "We started with ourselves: how we plan, how we pay, what we ask our local branches to report. It did not \
         seem fair to ask others to change before we did.",
    ),
    entry_point_reflection(
        Perspective::Practitioner,
        EntryPoint::Complexity,
        "Nobody sees the whole of it. We took small steps, looked at what happened, and talked about it honestly.",
    ),
    challenge_reflection(
        Perspective::Practitioner,
        Challenge::DefiningAmbitions,
        "With a year or eighteen months there is no time to agree what we want to change together. Everybody starts \
         delivering, each with an aim of their own.",
    ),
    challenge_reflection(
        Perspective::Practitioner,
        Challenge::UnderstandingLocalSystem,
        "Nobody pays for the months before the work. So we guess how things hang together here, and find out half \
         way through.",
    ),
    challenge_reflection(
        Perspective::Funder,
        Challenge::UnderstandingLocalSystem,
        "Where we paid for finding out first, the plan that came back was a different one from the plan we would \
         have funded.",
    ),
    challenge_reflection(
        Perspective::NationalCharity,
        Challenge::FosteringConditions,
        "Targets that are set on the first day keep everybody reporting on the first day's plan. What is learned on \
         the way has nowhere to go.",
    ),
    challenge_reflection(
        Perspective::Practitioner,
        Challenge::FosteringConditions,
        "The places where our time together was paid for were often the very ones where rules and governance did \
         not move. Some of us wondered whether the money helped at all.",
    ),
    challenge_reflection(
        Perspective::Funder,
        Challenge::FosteringConditions,
        "We believed that money without strings would be enough for a place to change how it makes decisions.",
    ),
    general_reflection(
        Perspective::Funder,
        "When prices rose we let plans move that we would never have let move before. We should ask ourselves why \
         it took a crisis.",
    ),
    entry_point_reflection(
        Perspective::Community,
        EntryPoint::RootCauses,
        "We have been saying for years what causes this. When the work starts from there, those who are paid to help \
         come round to asking it as well.",
    ),
    general_reflection(
        Perspective::Community,
        "The words keep people out. If it needs explaining at the door, say it differently.",
    ),
    ExampleReflection {
        // The North East.
        place_code: Some("E12000001"),
        ..general_reflection(
            Perspective::Practitioner,
            "Here the same people have worked side by side through one short grant after another. What we want was \
             agreed long before the money came.",
        )
    },
];

/// The meeting.
pub(super) fn generate_meeting() -> ExampleMeeting {
    ExampleMeeting {
        title: "Ways in to systems change in places (illustrative), November 2022",
        theme: "Where people start, and what gets skipped on the way. Illustrative: retold in other words, with nobody named.",
        held_on: HELD_ON,
        registration_url: None,
        reflections: REFLECTIONS.to_vec(),
    }
}
