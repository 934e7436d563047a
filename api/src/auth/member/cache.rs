//! The members that requests of the last second identified.

use std::time::{Duration, Instant};

use moka::sync::Cache;
use sea_orm::DatabaseConnection;

use super::{MemberTokenRow, load_member_and_token, requester_from_row, verify_authorization};
use crate::auth::jwt::{TokenVerifier, VerifiedToken};
use crate::auth::requester::Requester;
use crate::change_log::ChangeNotifier;
use crate::error::Result;

/// How long a change that another process made can go unnoticed.
const ENTRY_LIFETIME: Duration = Duration::from_secs(1);
/// The most entries.
const MAX_ENTRIES: u64 = 10_000;

/// A member as it was read.
#[derive(Clone)]
struct CachedMember {
    row: MemberTokenRow,
    /// The commits of this process before it was read, as [`ChangeNotifier::commit_count`].
    commits: u64,
    /// When its reading began.
    read_at: Instant,
}

/// Remembers members and their tokens for a second. A commit of this process makes it forget them, so a revocation
/// takes effect at once in the process that revokes, and within a second in others.
pub struct MemberCache(Cache<VerifiedToken, CachedMember>);

impl Default for MemberCache {
    fn default() -> Self {
        let entries = Cache::builder()
            .max_capacity(MAX_ENTRIES)
            .time_to_live(ENTRY_LIFETIME);
        Self(entries.build())
    }
}

impl MemberCache {
    /// Authenticates a request by its `Authorization` header, as [`super::authenticate`].
    ///
    /// # Errors
    /// [`crate::error::Error::Unavailable`] if the database or the keys cannot be read.
    pub async fn authenticate(
        &self,
        db: &DatabaseConnection,
        verifier: &TokenVerifier,
        notifier: &ChangeNotifier,
        authorization: Option<&str>,
    ) -> Result<Requester> {
        let verified = match verify_authorization(verifier, authorization).await {
            Ok(verified) => verified,
            Err(reason) => return Ok(Requester::Anonymous(reason)),
        };
        let (commits, read_at) = (notifier.commit_count(), Instant::now());
        if let Some(cached) = self.0.get(&verified)
            && cached.commits == commits
            && cached.read_at.elapsed() < ENTRY_LIFETIME
        {
            return Ok(requester_from_row(db, verifier, Some(cached.row)));
        }
        let row = load_member_and_token(db, &verified).await?;
        if let Some(row) = row.clone() {
            self.0.insert(
                verified,
                CachedMember {
                    row,
                    commits,
                    read_at,
                },
            );
        }
        Ok(requester_from_row(db, verifier, row))
    }
}
