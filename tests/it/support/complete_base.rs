//! A small database in which every table has a row and every column has a value.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, ModelTrait};
use serde_json::json;
use uuid::Uuid;
use wayin::clock::{Clock, FixedClock};
use wayin_entity::{
    Audience, Challenge, ChallengeReason, ChallengeStep, ChangeExtent, ChangeKind, ChangeSubject, Condition,
    DeliveryTimeline, EntryPoint, FileFormat, ImportKind, ImportMode, ImportState, OrganisationKind,
    Perspective, PlaceKind, ReferenceKind, ReportingBasis, ReportingFrequency, Restriction, Role, RowOutcome,
    SourceKind, SubmissionState, Visibility, audit_event, browser_session, challenge_faced, challenge_reason,
    change, claim, condition_changed, crisis, crisis_place, disclosure_class, disclosure_release,
    entity_revision, entry_point_taken, export_link, funding_term, grant_detail, idempotency_key, import,
    import_chunk, import_outcome, initiative, initiative_source, instance_settings, invitation, issued_token,
    meeting, member, notice, organisation, organisation_alias, place, place_parent, question_count,
    reflection, revision, saved_question, sign_in_attempt, sign_in_link, small_area, source, submission,
    term,
};

/// Inserts the rows and asserts that each reads back unchanged.
///
/// There are two places, `E12000005` and `E08000025` within it (the former is also the
/// successor of the latter, so that the column has a value), and one row in every other table.
pub async fn insert_complete_base(db: &impl ConnectionTrait) {
    let rows = RowFactory::new();
    let place = rows.insert_places(db).await;
    let (organisation, member) = rows.insert_organisations(db).await;
    let initiative = rows.insert_initiative(db, place, organisation).await;
    rows.insert_parts(db, initiative, organisation).await;
    rows.insert_reference_data(db, place).await;
    rows.insert_submissions(db, initiative, organisation, member)
        .await;
}

/// Inserts a row and asserts that it reads back unchanged.
async fn insert_and_verify<M>(db: &impl ConnectionTrait, row: M)
where
    M: ModelTrait + PartialEq + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    M::Entity: EntityTrait<Model = M>,
{
    let written = row.clone().into_active_model().reset_all();
    M::Entity::insert(written)
        .exec_without_returning(db)
        .await
        .unwrap_or_else(|error| panic!("{row:?} is not inserted: {error}"));
    let kept = M::Entity::find().all(db).await.unwrap();
    assert!(kept.contains(&row), "{row:?} is not among {kept:?}");
}

/// The values that rows share.
struct RowFactory {
    clock: FixedClock,
    now: DateTime<Utc>,
    today: NaiveDate,
}

impl RowFactory {
    fn new() -> Self {
        // To the microsecond, the finest precision of both databases.
        let now = DateTime::from_timestamp_micros(1_669_205_400_123_456).unwrap();
        Self {
            clock: FixedClock::at(now),
            now,
            today: now.date_naive(),
        }
    }

    fn days_from_start(&self, days: u64) -> NaiveDate {
        self.today + Days::new(days)
    }

    async fn insert_places(&self, db: &impl ConnectionTrait) -> Uuid {
        let region = place::Model {
            id: self.clock.new_id(),
            name: "West Midlands".to_owned(),
            name_folded: "west midlands".to_owned(),
            kind: PlaceKind::Region,
            code: Some("E12000005".to_owned()),
            successor_id: None,
            created_at: self.now,
            updated_at: self.now,
        };
        let city = place::Model {
            id: self.clock.new_id(),
            name: "Birmingham".to_owned(),
            name_folded: "birmingham".to_owned(),
            kind: PlaceKind::LocalAuthority,
            code: Some("E08000025".to_owned()),
            successor_id: Some(region.id),
            created_at: self.now,
            updated_at: self.now,
        };
        let within = place_parent::Model {
            place_id: city.id,
            parent_id: region.id,
            created_at: self.now,
            updated_at: self.now,
        };
        let place = city.id;
        insert_and_verify(db, region).await;
        insert_and_verify(db, city).await;
        insert_and_verify(db, within).await;
        let small_area = small_area::Model {
            code: "E01000001".into(),
            place_id: Some(place),
            created_at: self.now,
            updated_at: self.now,
        };
        insert_and_verify(db, small_area).await;
        place
    }

    async fn insert_organisations(&self, db: &impl ConnectionTrait) -> (Uuid, Uuid) {
        let organisation = organisation::Model {
            id: self.clock.new_id(),
            name: "Made-up Trust".to_owned(),
            name_folded: "made-up trust".to_owned(),
            kind: Some(OrganisationKind::NationalCharity),
            identifier: Some("GB-CHC-0000001".to_owned()),
            auto_publish: false,
            created_at: self.now,
            updated_at: self.now,
        };
        let member = member::Model {
            id: self.clock.new_id(),
            issuer: "https://id.example.org".to_owned(),
            subject: "partner-1".to_owned(),
            organisation_id: Some(organisation.id),
            role: Role::Partner,
            revoked_at: Some(self.now),
            created_at: self.now,
            updated_at: self.now,
        };
        let ids = (organisation.id, member.id);
        let kept_revision = entity_revision::Model {
            id: self.clock.new_id(),
            subject: ReferenceKind::Organisation,
            subject_id: organisation.id,
            version: 1,
            document: json!({"name": "Made-up Trust"}),
            member_id: Some(member.id),
            reason: "Asked for".to_owned(),
            created_at: self.now,
            updated_at: self.now,
        };
        let former = organisation_alias::Model {
            id: self.clock.new_id(),
            organisation_id: organisation.id,
            name: "The Made-up Trust".to_owned(),
            name_folded: "the made-up trust".to_owned(),
            identifier: Some("GB-CHC-0000002".to_owned()),
            created_at: self.now,
            updated_at: self.now,
        };
        insert_and_verify(db, organisation).await;
        insert_and_verify(db, member).await;
        self.insert_access(db, ids).await;
        insert_and_verify(db, kept_revision).await;
        insert_and_verify(db, former).await;
        ids
    }

    /// Inserts what a member is given to ask and to sign in with.
    async fn insert_access(&self, db: &impl ConnectionTrait, (organisation, member): (Uuid, Uuid)) {
        let issued_token = issued_token::Model {
            id: self.clock.new_id(),
            member_id: member,
            name: "The partner's spreadsheet".to_owned(),
            created_by: Some(member),
            expires_at: self.now + Days::new(90),
            last_used_at: Some(self.now),
            revoked_at: Some(self.now),
            revoked_by: Some(member),
            created_at: self.now,
            updated_at: self.now,
        };
        let export_link = export_link::Model {
            id: self.clock.new_id(),
            member_id: member,
            token_id: Some(issued_token.id),
            secret_digest: "0".repeat(64),
            address: "/export/distribution.csv?of=REGION".to_owned(),
            expires_at: self.now + TimeDelta::minutes(15),
            created_at: self.now,
            updated_at: self.now,
        };
        let session = browser_session::Model {
            id: self.clock.new_id(),
            member_id: member,
            secret_digest: "1".repeat(64),
            last_used_at: self.now,
            expires_at: self.now + Days::new(7),
            ended_at: Some(self.now),
            created_at: self.now,
            updated_at: self.now,
        };
        let saved = saved_question::Model {
            id: self.clock.new_id(),
            member_id: member,
            name: "Short funding and skipped ambitions".to_owned(),
            question: json!({"when": {}, "then": {}, "among": null, "by": "REGION", "scope": "ALL"}),
            created_at: self.now,
            updated_at: self.now,
        };
        let sign_in = sign_in_link::Model {
            id: self.clock.new_id(),
            member_id: member,
            code_digest: "2".repeat(64),
            created_by: Some(member),
            expires_at: self.now + TimeDelta::minutes(15),
            used_at: Some(self.now),
            created_at: self.now,
            updated_at: self.now,
        };
        let invitation = invitation::Model {
            id: self.clock.new_id(),
            name: "The partner's manager".to_owned(),
            role: Role::Partner,
            organisation_id: Some(organisation),
            code_digest: "3".repeat(64),
            created_by: Some(member),
            expires_at: self.now + Days::new(7),
            accepted_at: Some(self.now),
            member_id: Some(member),
            revoked_at: None,
            created_at: self.now,
            updated_at: self.now,
        };
        let attempt = sign_in_attempt::Model {
            id: self.clock.new_id(),
            state_digest: "4".repeat(64),
            browser_digest: "5".repeat(64),
            nonce: "nonce".to_owned(),
            code_verifier: "verifier".to_owned(),
            next: "/send".to_owned(),
            invitation_id: Some(invitation.id),
            expires_at: self.now + TimeDelta::minutes(10),
            created_at: self.now,
            updated_at: self.now,
        };
        let question_count = question_count::Model {
            id: self.clock.new_id(),
            member_id: member,
            day: self.today,
            question_count: 12,
            few_hidden_count: 3,
            created_at: self.now,
            updated_at: self.now,
        };
        insert_and_verify(db, issued_token).await;
        insert_and_verify(db, export_link).await;
        insert_and_verify(db, session).await;
        insert_and_verify(db, saved).await;
        insert_and_verify(db, sign_in).await;
        insert_and_verify(db, invitation).await;
        insert_and_verify(db, attempt).await;
        insert_and_verify(db, question_count).await;
    }

    async fn insert_initiative(&self, db: &impl ConnectionTrait, place: Uuid, lead: Uuid) -> Uuid {
        let initiative = initiative::Model {
            id: self.clock.new_id(),
            place_id: Some(place),
            lead_organisation_id: lead,
            title: "Éclairs for All".to_owned(),
            title_folded: "éclairs for all".to_owned(),
            summary: Some("Made up.".to_owned()),
            started_on: Some(self.today),
            ended_on: Some(self.days_from_start(400)),
            ongoing: Some(false),
            visibility: Visibility::AggregateOnly,
            shared_with_funders: true,
            illustrative: true,
            made_from_grant: false,
            external_ref: Some("I-1".to_owned()),
            version: 1,
            published_at: self.now,
            withdrawn_at: Some(self.now),
            disclosure_key: i64::from(u32::MAX),
            sharing_confirmed_by: Some("The trust's director".to_owned()),
            sharing_confirmed_on: Some(self.today),
            sharing_basis: Some("Agreed in writing".to_owned()),
            sharing_licence: Some("CC-BY-4.0".to_owned()),
            missing: Some(json!({"place": "NOT_ASKED"})),
            created_at: self.now,
            updated_at: self.now,
        };
        let source = source::Model {
            id: self.clock.new_id(),
            kind: SourceKind::Evaluation,
            title: "What we learnt".to_owned(),
            url: Some("https://example.org/learnt".to_owned()),
            dated_on: Some(self.today),
            licence: Some("CC-BY-4.0".to_owned()),
            created_at: self.now,
            updated_at: self.now,
        };
        let supports = initiative_source::Model {
            initiative_id: initiative.id,
            source_id: source.id,
            created_at: self.now,
            updated_at: self.now,
        };
        let id = initiative.id;
        insert_and_verify(db, initiative).await;
        insert_and_verify(db, source).await;
        insert_and_verify(db, supports).await;
        id
    }

    async fn insert_parts(&self, db: &impl ConnectionTrait, initiative_id: Uuid, funder: Uuid) {
        let challenge = challenge_faced::Model {
            id: self.clock.new_id(),
            initiative_id,
            challenge: Challenge::DefiningAmbitions,
            step: Some(ChallengeStep::Skipped),
            note: Some("There was no time.".to_owned()),
            noticed_on: Some(self.days_from_start(30)),
            perspective: Some(Perspective::Practitioner),
            missing: Some(json!({"reasons": "NOT_ASKED"})),
            created_at: self.now,
            updated_at: self.now,
        };
        let reason = challenge_reason::Model {
            challenge_faced_id: challenge.id,
            reason: ChallengeReason::ShortFunding,
            created_at: self.now,
            updated_at: self.now,
        };
        let entry_point = entry_point_taken::Model {
            id: self.clock.new_id(),
            initiative_id,
            position: 1,
            entry_point: EntryPoint::Collaboration,
            perspective: Perspective::Funder,
            taken_on: Some(self.today),
            motivation: Some("The call asked for it.".to_owned()),
            missing: Some(json!({"takenOn": "NOT_ASKED"})),
            created_at: self.now,
            updated_at: self.now,
        };
        let condition = condition_changed::Model {
            id: self.clock.new_id(),
            initiative_id,
            condition: Condition::Governance,
            change: Some(ChangeExtent::Partly),
            missing: Some(json!({"change": "NOT_ASKED"})),
            created_at: self.now,
            updated_at: self.now,
        };
        let term = funding_term::Model {
            id: self.clock.new_id(),
            initiative_id,
            position: 1,
            funder_id: funder,
            grant_identifier: Some("360G-madeup-1".to_owned()),
            grant_digest: Some("0".repeat(64)),
            programme: Some("Places".to_owned()),
            currency: Some("GBP".to_owned()),
            amount_minor: Some(9_007_199_254_740_993),
            awarded_on: Some(self.today),
            starts_on: Some(self.today),
            ends_on: Some(self.days_from_start(400)),
            duration_months: Some(13),
            intended_focus: Some(EntryPoint::RootCauses),
            upfront_research: Some(true),
            upfront_research_months: Some(3),
            collaboration_resourced: Some(false),
            restriction: Some(Restriction::Restricted),
            reporting_frequency: Some(ReportingFrequency::Quarterly),
            reporting_basis: Some(ReportingBasis::FixedTargets),
            delivery_timeline: Some(DeliveryTimeline::Fixed),
            renewable: Some(true),
            multi_site: Some(false),
            missing: Some(json!({"durationMonths": "NOT_ASKED"})),
            created_at: self.now,
            updated_at: self.now,
        };
        insert_and_verify(db, entry_point).await;
        insert_and_verify(db, challenge).await;
        insert_and_verify(db, reason).await;
        insert_and_verify(db, condition).await;
        insert_and_verify(db, term).await;
    }

    async fn insert_reference_data(&self, db: &impl ConnectionTrait, place: Uuid) {
        let meeting = meeting::Model {
            id: self.clock.new_id(),
            title: "A made-up meeting".to_owned(),
            theme: Some("Time".to_owned()),
            held_on: self.today,
            registration_url: Some("https://example.org/join".to_owned()),
            created_at: self.now,
            updated_at: self.now,
        };
        let reflection = reflection::Model {
            id: self.clock.new_id(),
            meeting_id: meeting.id,
            position: 1,
            perspective: Perspective::Community,
            entry_point: Some(EntryPoint::Complexity),
            challenge: Some(Challenge::FosteringConditions),
            place_id: Some(place),
            text: "It takes longer than a year.".to_owned(),
            created_at: self.now,
            updated_at: self.now,
        };
        let claim = claim::Model {
            id: self.clock.new_id(),
            slug: "short-funding".to_owned(),
            statement: "Short funding leaves no time to agree ambitions.".to_owned(),
            position: 1,
            reflection_id: Some(reflection.id),
            pattern_when: json!({"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}}),
            pattern_then: json!({"challenge": {"on": "DEFINING_AMBITIONS"}}),
            pattern_among: Some(json!({})),
            pattern_by: Some(wayin_entity::Dimension::Region),
            created_at: self.now,
            updated_at: self.now,
        };
        let term = term::Model {
            id: self.clock.new_id(),
            slug: "way-in".to_owned(),
            name: "Way in".to_owned(),
            name_folded: "way in entry point".to_owned(),
            definition: "Where one starts.".to_owned(),
            synonyms: json!(["entry point"]),
            usage_note: Some("Say where, not how well.".to_owned()),
            code: Some("COLLABORATION".to_owned()),
            created_at: self.now,
            updated_at: self.now,
        };
        let crisis = crisis::Model {
            id: self.clock.new_id(),
            slug: "made-up-crisis".to_owned(),
            name: "A made-up crisis".to_owned(),
            from_on: self.today,
            to_on: Some(self.days_from_start(1)),
            created_at: self.now,
            updated_at: self.now,
        };
        let bears_on = crisis_place::Model {
            crisis_id: crisis.id,
            place_id: place,
            created_at: self.now,
            updated_at: self.now,
        };
        insert_and_verify(db, meeting).await;
        insert_and_verify(db, reflection).await;
        insert_and_verify(db, claim).await;
        insert_and_verify(db, term).await;
        insert_and_verify(db, crisis).await;
        insert_and_verify(db, bears_on).await;
    }

    async fn insert_submissions(
        &self,
        db: &impl ConnectionTrait,
        initiative: Uuid,
        organisation: Uuid,
        member: Uuid,
    ) {
        let document = json!({"title": "Éclairs for All", "fundingTerms": [{"amountMinor": 1}]});
        let import = self.insert_import(db, initiative, organisation, member).await;
        let submission = submission::Model {
            id: self.clock.new_id(),
            organisation_id: organisation,
            author_id: member,
            state: SubmissionState::ChangesRequested,
            document: document.clone(),
            external_ref: Some("É-1".to_owned()),
            import_id: Some(import),
            initiative_id: Some(initiative),
            initiative_version: Some(1),
            review_note: Some("Which dates?".to_owned()),
            version: 2,
            submitted_at: Some(self.now),
            decided_at: Some(self.now),
            created_at: self.now,
            updated_at: self.now,
        };
        let revision = revision::Model {
            id: self.clock.new_id(),
            initiative_id: initiative,
            version: 1,
            document,
            member_id: Some(member),
            reason: "First published".to_owned(),
            created_at: self.now,
            updated_at: self.now,
        };
        let change = change::Model {
            number: 1,
            kind: ChangeKind::Published,
            subject: ChangeSubject::Initiative,
            subject_id: initiative,
            version: Some(1),
            created_at: self.now,
            updated_at: self.now,
        };
        let base = instance_settings::Model {
            id: 1,
            disclosure_secret: (0..32).collect(),
            created_at: self.now,
            updated_at: self.now,
        };
        let repeatable = idempotency_key::Model {
            member_id: member,
            key: "a key".to_owned(),
            input_digest: "0".repeat(64),
            answer: Some(json!({"submission": submission.id})),
            created_at: self.now,
            updated_at: self.now,
        };
        let audit_event = audit_event::Model {
            id: self.clock.new_id(),
            member_id: Some(member),
            action: "requestChanges".to_owned(),
            subject: "Submission".to_owned(),
            subject_id: submission.id,
            version_before: Some(2),
            version_after: Some(2),
            detail: json!({"note": "Which dates?"}),
            created_at: self.now,
            updated_at: self.now,
        };
        let notice = notice::Model {
            id: self.clock.new_id(),
            audit_event_id: audit_event.id,
            acknowledged_at: Some(self.now),
            acknowledged_by: Some(member),
            created_at: self.now,
            updated_at: self.now,
        };
        insert_and_verify(db, repeatable).await;
        insert_and_verify(db, audit_event).await;
        insert_and_verify(db, notice).await;
        insert_and_verify(db, submission).await;
        insert_and_verify(db, revision).await;
        let detail = grant_detail::Model {
            id: self.clock.new_id(),
            grant_identifier: "360G-made-up-1".to_owned(),
            document: serde_json::json!({"locations": [{"geoCode": "E01012018"}]}),
            created_at: self.now,
            updated_at: self.now,
        };
        insert_and_verify(db, detail).await;
        insert_and_verify(db, change).await;
        insert_and_verify(db, base).await;
        self.insert_disclosure_class(db, initiative).await;
    }

    async fn insert_disclosure_class(&self, db: &impl ConnectionTrait, initiative: Uuid) {
        let release = disclosure_release::Model {
            id: self.clock.new_id(),
            number: 1,
            change_number: 1,
            created_at: self.now,
            updated_at: self.now,
        };
        let class = disclosure_class::Model {
            id: self.clock.new_id(),
            release_id: release.id,
            audience: Audience::Members,
            members: [&initiative.as_bytes()[..], &[0; 8]].concat(),
            created_at: self.now,
            updated_at: self.now,
        };
        insert_and_verify(db, release).await;
        insert_and_verify(db, class).await;
    }

    /// Inserts an import with a chunk and an outcome; returns its id.
    async fn insert_import(
        &self,
        db: &impl ConnectionTrait,
        initiative: Uuid,
        organisation: Uuid,
        member: Uuid,
    ) -> Uuid {
        let import = import::Model {
            id: self.clock.new_id(),
            member_id: Some(member),
            organisation_id: Some(organisation),
            kind: ImportKind::Records,
            mode: ImportMode::Submit,
            file_name: "Rückgabe.xlsx".to_owned(),
            format: FileFormat::Xlsx,
            bytes: 4,
            licence: Some("CC-BY-4.0".to_owned()),
            state: ImportState::Completed,
            failure_reason: Some("It breaks off.".to_owned()),
            notes: Some("The file is read as Windows-1252.".to_owned()),
            rows_processed: 21,
            draft_count: 1,
            submitted_count: 2,
            published_count: 3,
            added_count: Some(2),
            unchanged_count: 4,
            invalid_count: 5,
            rejected_count: 6,
            warning_count: 1,
            runner: Some(self.clock.new_id()),
            runner_until: Some(self.now),
            attempts: 1,
            ended_at: Some(self.now),
            expired_at: Some(self.now),
            created_at: self.now,
            updated_at: self.now,
        };
        let import_id = import.id;
        let piece = import_chunk::Model {
            import_id,
            position: 1,
            bytes: vec![0, 255, 10, 13],
            created_at: self.now,
            updated_at: self.now,
        };
        let outcome = import_outcome::Model {
            id: self.clock.new_id(),
            import_id,
            position: 1,
            sheet: Some("Funding terms".to_owned()),
            row: 7,
            column: Some("Last day".to_owned()),
            outcome: RowOutcome::Invalid,
            code: Some("OUT_OF_ORDER".to_owned()),
            message: Some("is before the first".to_owned()),
            path: Some("fundingTerms/0/endsOn".to_owned()),
            is_warning: true,
            submission_id: Some(self.clock.new_id()),
            initiative_id: Some(initiative),
            created_at: self.now,
            updated_at: self.now,
        };
        insert_and_verify(db, import).await;
        insert_and_verify(db, piece).await;
        insert_and_verify(db, outcome).await;
        import_id
    }
}
