//! Secrets that nobody can guess.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::{TryRngCore as _, rngs::OsRng};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The length of a secret that is a text: 256 bits, which nobody can guess.
const TEXT_SECRET_BYTES: usize = 32;

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

/// A kind of secret that is a text. Each begins with a prefix, for programs that search files for secrets.
#[derive(Clone, Copy, Debug)]
pub struct SecretKind {
    prefix: &'static str,
}

impl SecretKind {
    pub const fn new(prefix: &'static str) -> Self {
        Self { prefix }
    }

    /// Generates a secret.
    ///
    /// # Errors
    /// [`Error::Internal`] if the operating system has no random bytes.
    pub fn generate(self) -> Result<String> {
        let secret: [u8; TEXT_SECRET_BYTES] = generate_secret()?;
        Ok(format!(
            "{}{}",
            self.prefix,
            BASE64_URL_SAFE_NO_PAD.encode(secret)
        ))
    }

    /// Whether a text could be a secret of this kind. Any other text needs no query.
    pub fn matches(self, text: &str) -> bool {
        text.strip_prefix(self.prefix)
            .and_then(|encoded| BASE64_URL_SAFE_NO_PAD.decode(encoded).ok())
            .is_some_and(|bytes| bytes.len() == TEXT_SECRET_BYTES)
    }
}

/// The digest of a secret, which is stored instead of it. A secret of 256 random bits needs no salt and no slow function.
pub fn digest_secret(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: SecretKind = SecretKind::new("wayin_test_");

    #[test]
    fn secrets_are_random_and_recognised() {
        let (one, other) = (KIND.generate().unwrap(), KIND.generate().unwrap());
        assert_ne!(one, other);
        assert!(KIND.matches(&one) && KIND.matches(&other));
        assert_eq!(one.len(), KIND.prefix.len() + 43);
        for wrong in [
            "",
            "wayin_test_",
            &one[1..],
            &one[..one.len() - 1],
            &format!("{one}A"),
            &one.replace(KIND.prefix, ""),
            &one.replace(KIND.prefix, "wayin_other_"),
        ] {
            assert!(!KIND.matches(wrong), "{wrong}");
        }
        assert_eq!(digest_secret(&one).len(), 64);
        assert_ne!(digest_secret(&one), digest_secret(&other));
    }
}
