//! What the change log and the revisions record.

codes! {
    /// What happened.
    ChangeKind {
        /// It was created, or published for the first time.
        Published = "PUBLISHED";
        /// It was updated.
        Altered = "ALTERED";
        /// It was withdrawn.
        Withdrawn = "WITHDRAWN";
    }
}

codes! {
    /// What changed.
    ChangeSubject {
        /// An initiative, with all its parts.
        Initiative = "INITIATIVE";
        /// A place, or its parents.
        Place = "PLACE";
        /// An organisation.
        Organisation = "ORGANISATION";
        /// A crisis.
        Crisis = "CRISIS";
        /// Classes of hidden records that were formed together.
        DisclosureRelease = "DISCLOSURE_RELEASE";
    }
}

codes! {
    /// What has revisions apart from initiatives: reference data and members.
    ReferenceKind {
        /// A place, with its parents.
        Place = "PLACE";
        /// An organisation.
        Organisation = "ORGANISATION";
        /// An entry of the glossary.
        Term = "TERM";
        /// A meeting.
        Meeting = "MEETING";
        /// A reflection.
        Reflection = "REFLECTION";
        /// A crisis.
        Crisis = "CRISIS";
        /// A claim, with its pattern.
        Claim = "CLAIM";
        /// A member, with their role.
        Member = "MEMBER";
    }
}
