//! Secrets that nobody can guess.

use rand::{TryRngCore as _, rngs::OsRng};

use crate::error::{Error, Result};

/// Generates a secret from random bytes of the operating system.
///
/// # Errors
/// [`Error::Internal`] if the operating system has none.
pub fn generate_secret<const BYTES: usize>() -> Result<[u8; BYTES]> {
    let mut secret = [0; BYTES];
    OsRng
        .try_fill_bytes(&mut secret)
        .map_err(|cause| Error::Internal(format!("no random bytes are available: {cause}")))?;
    Ok(secret)
}
