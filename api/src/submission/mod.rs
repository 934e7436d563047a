//! Submissions: whole proposed records, stored exactly as typed until they are published. Published records
//! are in the tables of initiatives. Only publication copies a record from a submission to those tables, in
//! one transaction.

pub mod changes;
pub mod corrections;
pub mod expiry;
pub mod graphql;
pub mod http;
pub mod mutations;
pub mod subscription;
pub mod validate;
pub mod workflow;

use std::borrow::Cow;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Select,
};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{Capability, SubmissionState, initiative, organisation, submission};

use self::validate::ValidatedSubmission;
use self::workflow::{Transition, TransitionActor};
use crate::auth::requester::AuthenticatedMember;
use crate::change_log::ActionContext;
use crate::error::{Error, Result};
pub use crate::idempotency::Rejection;
use crate::initiative::publish::{self, PublicationOutcome};
use crate::instance::DisclosureKeys;
use crate::paging::{Paged, SortOrder};
use crate::place::Gazetteer;
use crate::store::revisions;
use wayin_records::diff;
use wayin_records::normalisation;
use wayin_records::problem::{Problem, ProblemCode};

/// The submission after a transition, or why the transition was rejected.
pub type TransitionResult = Result<submission::Model, Rejection>;

/// Selects the submissions that a member can see: those of their own organisation. Stewards see all.
pub fn select_visible(member: &AuthenticatedMember) -> Select<submission::Entity> {
    let all = submission::Entity::find();
    match member.organisation {
        _ if member.role.can(Capability::ReviewSubmissions) => all,
        Some(own) if member.role.can(Capability::SubmitRecords) => {
            all.filter(submission::Column::OrganisationId.eq(own))
        }
        _ => all.filter(submission::Column::Id.is_null()),
    }
}

/// Finds a submission that a member can see.
pub async fn find_submission(
    db: &impl ConnectionTrait,
    member: &AuthenticatedMember,
    id: Uuid,
) -> Result<Option<submission::Model>> {
    let found = select_visible(member).filter(submission::Column::Id.eq(id));
    Ok(found.one(db).await?)
}

/// Finds the submissions that a member can see, in the order of their last change.
pub async fn find_submissions(
    db: &impl ConnectionTrait,
    member: &AuthenticatedMember,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<submission::Model>> {
    let found = select_visible(member)
        .filter(submission::Column::Id.is_in(ids))
        .order_by_asc(submission::Column::UpdatedAt)
        .order_by_asc(submission::Column::Id);
    Ok(found.all(db).await?)
}

/// Finds a submission that a member can see, and locks its row until the transaction ends.
async fn find_for_update(
    db: &impl ConnectionTrait,
    member: &AuthenticatedMember,
    id: Uuid,
) -> Result<Option<submission::Model>> {
    let found = select_visible(member).filter(submission::Column::Id.eq(id));
    Ok(found.lock_exclusive().one(db).await?)
}

/// A submission to decide on.
#[derive(Clone, Copy, Debug)]
pub struct SubmissionTarget {
    pub id: Uuid,
    /// The version that the decision is based on. None to decide on any version.
    pub version: Option<i32>,
}

/// A record to save in a new or an existing submission.
#[derive(Clone, Debug)]
pub struct SubmissionDraft {
    /// The submission to change. None for a new one.
    pub submission: Option<Uuid>,
    /// The base version of the submission. None to replace any version.
    pub version: Option<i32>,
    /// The organisation of the record. None for the member's own.
    pub organisation: Option<Uuid>,
    /// The initiative that it corrects, with its base version.
    pub corrects: Option<(Uuid, i32)>,
    /// The record as typed.
    pub record: Value,
}

/// Stores a record as typed, also if it has problems.
pub async fn save_submission(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    member: &AuthenticatedMember,
    draft: SubmissionDraft,
) -> Result<TransitionResult> {
    let current = match draft.submission {
        Some(id) => match find_for_update(db, member, id).await? {
            Some(current) => Some(current),
            None => return Ok(Err(not_found_error())),
        },
        None => None,
    };
    let organisation = match (&current, draft.organisation, member.organisation) {
        (Some(current), None, _) => current.organisation_id,
        (Some(current), Some(given), _) if given == current.organisation_id => given,
        (None, None, Some(own)) => own,
        (None, Some(given), own)
            if member.role.can(Capability::ActForAnyOrganisation) || Some(given) == own =>
        {
            given
        }
        (None, None, None) => {
            let reason = "is required: you do not act for an organisation";
            return Ok(Err(Rejection::from_problem(
                ProblemCode::Required,
                "organisation",
                reason,
            )));
        }
        _ => {
            let reason = "is neither the organisation that you act for nor that of the submission";
            return Ok(Err(Rejection::from_problem(
                ProblemCode::NotAllowed,
                "organisation",
                reason,
            )));
        }
    };
    let Some(organisation) = organisation::Entity::find_by_id(organisation).one(db).await? else {
        return Ok(Err(Rejection::from_problem(
            ProblemCode::NotFound,
            "organisation",
            "there is no such organisation",
        )));
    };
    if let Some(refusal) = validate::check_shape(&draft.record) {
        return Ok(Err(refusal));
    }
    let corrects = match resolve_corrected_initiative(db, &organisation, current.as_ref(), &draft).await? {
        Ok(corrects) => corrects,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let now = act.now();
    let Some(current) = current else {
        let row = submission::Model {
            id: act.clock.new_id(),
            organisation_id: organisation.id,
            author_id: member.id,
            state: SubmissionState::Draft,
            external_ref: external_reference(&draft.record).map(Cow::into_owned),
            document: draft.record,
            import_id: None,
            initiative_id: corrects.map(|(id, _)| id),
            initiative_version: corrects.map(|(_, version)| version),
            review_note: None,
            version: 1,
            submitted_at: None,
            decided_at: None,
            created_at: now,
            updated_at: now,
        };
        return Ok(Ok(row.into_active_model().insert(db).await?));
    };
    if let Err(refusal) = apply_transition(
        &current,
        Transition::Save,
        transition_actor(member, &organisation),
    ) {
        return Ok(Err(refusal));
    }
    if let Some(version) = draft.version.filter(|version| *version != current.version) {
        // Earlier versions of a submission are not stored, so the differences are not known.
        let reason = format!(
            "the submission has changed: your input is based on version {version}, it is at {}. Older versions of drafts are not stored: `conflicts` lists every field in which your input (`after`) differs from the current draft (`before`), your own edits too",
            current.version
        );
        return Ok(Err(Rejection {
            problems: vec![Problem::new(ProblemCode::StaleVersion, "version", reason)],
            conflicts: diff::find_differences(&current.document, &draft.record),
        }));
    }
    let row = submission::Model {
        external_ref: external_reference(&draft.record).map(Cow::into_owned),
        document: draft.record,
        import_id: None,
        initiative_id: corrects.map(|(id, _)| id),
        initiative_version: corrects.map(|(_, version)| version),
        version: current.version + 1,
        updated_at: now,
        ..current
    };
    Ok(Ok(row.into_active_model().reset_all().update(db).await?))
}

/// Finds the initiative that a draft corrects and its base version: those of the draft, or those that were
/// saved before, or the published record with the same reference.
async fn resolve_corrected_initiative(
    db: &impl ConnectionTrait,
    organisation: &organisation::Model,
    current: Option<&submission::Model>,
    draft: &SubmissionDraft,
) -> Result<Result<Option<(Uuid, i32)>, Rejection>> {
    if let Some((id, version)) = draft.corrects {
        let own = initiative::Entity::find_by_id(id).one(db).await?;
        let own = own.filter(|one| one.lead_organisation_id == organisation.id && one.withdrawn_at.is_none());
        return Ok(match own {
            Some(own) if (1..=own.version).contains(&version) => Ok(Some((id, version))),
            Some(own) => Err(Rejection::from_problem(
                ProblemCode::OutOfRange,
                "initiativeVersion",
                format!("there is no version {version}; the newest is {}", own.version),
            )),
            None => Err(Rejection::from_problem(
                ProblemCode::NotFound,
                "initiative",
                "the organisation has no such published record",
            )),
        });
    }
    if let Some(correction) = current.and_then(|one| one.initiative_id.zip(one.initiative_version)) {
        return Ok(Ok(Some(correction)));
    }
    let Some(reference) = external_reference(&draft.record) else {
        return Ok(Ok(None));
    };
    let found = find_published(db, organisation.id, &reference).await?;
    Ok(Ok(found.map(|one| (one.id, one.version))))
}

/// Finds the published record with an organisation's own reference.
async fn find_published(
    db: &impl ConnectionTrait,
    organisation: Uuid,
    reference: &str,
) -> Result<Option<initiative::Model>> {
    Ok(initiative::Entity::find()
        .filter(initiative::Column::LeadOrganisationId.eq(organisation))
        .filter(initiative::Column::ExternalRef.eq(reference))
        .filter(initiative::Column::WithdrawnAt.is_null())
        .one(db)
        .await?)
}

/// Submits a record for review if it has no errors. The record of a trusted organisation is published at
/// once.
pub async fn submit_for_review(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    places: &Gazetteer,
    keys: &DisclosureKeys,
    member: &AuthenticatedMember,
    target: SubmissionTarget,
) -> Result<TransitionResult> {
    let (current, organisation) = match find_with_organisation(db, member, target.id).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let after = match apply_transition(
        &current,
        Transition::Submit,
        transition_actor(member, &organisation),
    ) {
        Ok(after) => after,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(refusal) = find_stale_version(&current, target) {
        return Ok(Err(refusal));
    }
    let validated = validate::validate_submission(db, act, places, &organisation, &current).await?;
    if !validated.errors.is_empty() {
        return Ok(Err(problems_in_record(validated.errors)));
    }
    if let Some(refusal) = find_version_conflict(db, &current).await? {
        return Ok(Err(refusal));
    }
    let sent = submission::Model {
        submitted_at: Some(act.now()),
        review_note: None,
        ..current
    };
    if after == SubmissionState::Published {
        return publish_validated(db, act, places, keys, sent, validated).await;
    }
    Ok(Ok(update_state(db, act, sent, after).await?))
}

/// Returns a submission to its authors with a note.
pub async fn request_changes(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    member: &AuthenticatedMember,
    target: SubmissionTarget,
    note: &str,
) -> Result<TransitionResult> {
    let (current, organisation) = match find_with_organisation(db, member, target.id).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let after = match apply_transition(
        &current,
        Transition::RequestChanges,
        transition_actor(member, &organisation),
    ) {
        Ok(after) => after,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(refusal) = find_stale_version(&current, target) {
        return Ok(Err(refusal));
    }
    let note = match crate::note::validate_note("note", note) {
        Ok(note) => note,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let returned = submission::Model {
        review_note: Some(note),
        decided_at: Some(act.now()),
        ..current
    };
    Ok(Ok(update_state(db, act, returned, after).await?))
}

/// Publishes the record of a submission.
pub async fn publish_submission(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    places: &Gazetteer,
    keys: &DisclosureKeys,
    member: &AuthenticatedMember,
    target: SubmissionTarget,
) -> Result<TransitionResult> {
    let (current, organisation) = match find_with_organisation(db, member, target.id).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(refusal) = apply_transition(
        &current,
        Transition::Publish,
        transition_actor(member, &organisation),
    ) {
        return Ok(Err(refusal));
    }
    if let Some(refusal) = find_stale_version(&current, target) {
        return Ok(Err(refusal));
    }
    // What it refers to may have changed since it was submitted.
    let validated = validate::validate_submission(db, act, places, &organisation, &current).await?;
    if !validated.errors.is_empty() {
        return Ok(Err(problems_in_record(validated.errors)));
    }
    if let Some(refusal) = find_version_conflict(db, &current).await? {
        return Ok(Err(refusal));
    }
    publish_validated(db, act, places, keys, current, validated).await
}

/// Discards a submission.
pub async fn discard_submission(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    member: &AuthenticatedMember,
    target: SubmissionTarget,
) -> Result<TransitionResult> {
    let (current, organisation) = match find_with_organisation(db, member, target.id).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let after = match apply_transition(
        &current,
        Transition::Discard,
        transition_actor(member, &organisation),
    ) {
        Ok(after) => after,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(refusal) = find_stale_version(&current, target) {
        return Ok(Err(refusal));
    }
    let discarded = submission::Model {
        decided_at: Some(act.now()),
        ..current
    };
    Ok(Ok(update_state(db, act, discarded, after).await?))
}

async fn publish_validated(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    places: &Gazetteer,
    keys: &DisclosureKeys,
    sent: submission::Model,
    validated: ValidatedSubmission,
) -> Result<TransitionResult> {
    let Some(proposal) = validated.proposal else {
        return Err(Error::Internal(format!(
            "submission {} has no record and no error",
            sent.id
        )));
    };
    let outcome = publish::publish_records(db, act, places, keys, vec![proposal])
        .await?
        .pop();
    let initiative = match outcome {
        Some(
            PublicationOutcome::Published { id, .. }
            | PublicationOutcome::Updated { id, .. }
            | PublicationOutcome::Unchanged { id },
        ) => id,
        Some(PublicationOutcome::Rejected(problems)) => return Ok(Err(problems_in_record(problems))),
        None => return Err(Error::Internal("a proposal has no outcome".into())),
    };
    let published = submission::Model {
        initiative_id: Some(initiative),
        decided_at: Some(act.now()),
        ..sent
    };
    Ok(Ok(
        update_state(db, act, published, SubmissionState::Published).await?
    ))
}

/// Whether the submission has changed since the version that a decision is based on.
fn find_stale_version(current: &submission::Model, target: SubmissionTarget) -> Option<Rejection> {
    let version = target.version.filter(|version| *version != current.version)?;
    let reason = format!(
        "the submission has changed: your decision is based on version {version}, it is at {}; read it again",
        current.version
    );
    Some(Rejection::from_problem(
        ProblemCode::StaleVersion,
        "version",
        reason,
    ))
}

/// Whether the published record has changed since the submission's base version.
async fn find_version_conflict(
    db: &impl ConnectionTrait,
    current: &submission::Model,
) -> Result<Option<Rejection>> {
    let corrected = current.initiative_id.zip(current.initiative_version);
    let Some((corrects, written_from)) = (match corrected {
        Some(corrected) => Some(corrected),
        // It was a new record when it was saved, and may have been published since.
        None => find_published_by_reference(db, current)
            .await?
            .map(|published| (published, 0)),
    }) else {
        return Ok(None);
    };
    // Locks the initiative: two corrections cannot be published at the same time.
    let now = initiative::Entity::find_by_id(corrects)
        .lock_exclusive()
        .one(db)
        .await?;
    let Some(now) = now.filter(|now| now.withdrawn_at.is_none()) else {
        let reason = "the record that it corrects was withdrawn; submit it as a new record";
        return Ok(Some(Rejection::from_problem(
            ProblemCode::StaleVersion,
            "id",
            reason,
        )));
    };
    if now.version == written_from {
        return Ok(None);
    }
    let before = revisions::find_document(db, corrects, written_from)
        .await?
        .unwrap_or_default();
    let after = revisions::find_document(db, corrects, now.version)
        .await?
        .unwrap_or_default();
    let reason = format!(
        "the published record is at version {} now; this is based on {}. `conflicts` lists the changes; take them into account and save again with `initiativeVersion: {}`",
        now.version,
        if written_from == 0 {
            "none".to_owned()
        } else {
            format!("version {written_from}")
        },
        now.version
    );
    Ok(Some(Rejection {
        problems: vec![Problem::new(ProblemCode::StaleVersion, "id", reason)],
        conflicts: diff::find_differences(&before, &after),
    }))
}

/// Finds the published record with the reference of a submission's record.
async fn find_published_by_reference(
    db: &impl ConnectionTrait,
    current: &submission::Model,
) -> Result<Option<Uuid>> {
    let Some(reference) = external_reference(&current.document) else {
        return Ok(None);
    };
    let published = find_published(db, current.organisation_id, &reference).await?;
    Ok(published.map(|one| one.id))
}

/// The organisation's own reference in a record, if it has one.
pub fn external_reference(document: &Value) -> Option<Cow<'_, str>> {
    let reference = normalisation::normalise_prose(document.get("externalRef")?.as_str()?);
    (!reference.is_empty()).then_some(reference)
}

async fn find_with_organisation(
    db: &impl ConnectionTrait,
    member: &AuthenticatedMember,
    id: Uuid,
) -> Result<Result<(submission::Model, organisation::Model), Rejection>> {
    let Some(current) = find_for_update(db, member, id).await? else {
        return Ok(Err(not_found_error()));
    };
    let organisation = organisation::Entity::find_by_id(current.organisation_id)
        .one(db)
        .await?;
    let organisation = organisation.ok_or_else(|| {
        Error::Internal(format!(
            "the organisation of submission {} does not exist",
            current.id
        ))
    })?;
    Ok(Ok((current, organisation)))
}

fn not_found_error() -> Rejection {
    Rejection::from_problem(
        ProblemCode::NotFound,
        "id",
        "there is no such submission, or you cannot see it",
    )
}

/// Prefixes the paths of a record's problems with `record`.
fn problems_in_record(problems: Vec<Problem>) -> Rejection {
    let within = |problem: Problem| Problem {
        path: if problem.path.is_empty() {
            "record".to_owned()
        } else {
            format!("record/{}", problem.path)
        },
        ..problem
    };
    Rejection {
        problems: problems.into_iter().map(within).collect(),
        conflicts: Vec::new(),
    }
}

/// The role in which a member acts on the submissions of an organisation.
pub fn transition_actor(member: &AuthenticatedMember, organisation: &organisation::Model) -> TransitionActor {
    if member.role.can(Capability::ReviewSubmissions) {
        TransitionActor::Steward
    } else if organisation.auto_publish {
        TransitionActor::TrustedPartner
    } else {
        TransitionActor::Partner
    }
}

fn apply_transition(
    current: &submission::Model,
    moved: Transition,
    by: TransitionActor,
) -> Result<SubmissionState, Rejection> {
    workflow::next_state(current.state, moved, by).map_err(|refused| {
        let code = if refused.is_about_actor() {
            ProblemCode::NotAllowed
        } else {
            ProblemCode::WrongState
        };
        Rejection::from_problem(code, "id", refused.to_string())
    })
}

async fn update_state(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    row: submission::Model,
    state: SubmissionState,
) -> Result<submission::Model> {
    let row = submission::Model {
        state,
        updated_at: act.now(),
        ..row
    };
    Ok(row.into_active_model().reset_all().update(db).await?)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SubmissionOrdering {
    /// From last to first.
    pub descending: bool,
}

impl Paged for submission::Entity {
    type Order = SubmissionOrdering;
    const ID: Self::Column = submission::Column::Id;

    fn sort(order: Self::Order) -> SortOrder<Self::Column> {
        SortOrder {
            tag: if order.descending { "updated-" } else { "updated" },
            column: submission::Column::UpdatedAt,
            descending: order.descending,
        }
    }
}
