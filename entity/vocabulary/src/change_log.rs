//! What the change log and the stored revisions are about.

codes! {
    /// What happened.
    ChangeKind {
        /// It was made, or published for the first time.
        Published = "PUBLISHED";
        /// It was altered.
        Altered = "ALTERED";
        /// It was withdrawn.
        Withdrawn = "WITHDRAWN";
    }
}

codes! {
    /// What it happened to.
    ChangeSubject {
        /// An initiative, with all its parts.
        Initiative = "INITIATIVE";
        /// A place, or what it lies within.
        Place = "PLACE";
        /// An organisation.
        Organisation = "ORGANISATION";
        /// A crisis.
        Crisis = "CRISIS";
    }
}

codes! {
    /// What sort of thing is kept.
    ReferenceKind {
        /// A place, with what it lies within.
        Place = "PLACE";
        /// An organisation.
        Organisation = "ORGANISATION";
        /// A word of the field.
        Term = "TERM";
        /// A meeting of the community of practice.
        Meeting = "MEETING";
        /// What was said at a meeting.
        Reflection = "REFLECTION";
        /// A period that bears on the work.
        Crisis = "CRISIS";
        /// A claim, with its pattern.
        Claim = "CLAIM";
        /// A member, and what they may do.
        Member = "MEMBER";
    }
}
