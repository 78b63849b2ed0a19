//! Keys: the one that we sign with, and those of peers.

use core::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use boxoffice_core::federation::PeerKey;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::{Zeroize as _, Zeroizing};

/// What stands before the secret in a file.
const SECRET_PREFIX: &str = "ed25519-secret:";
/// The longest file that is read for a key.
const FILE_MAX: u64 = 1_024;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkKeyError {
    /// The system has no randomness.
    #[error("the system has no randomness")]
    Random,
    /// The file cannot be read or written.
    #[error("cannot open the key {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Others than its owner may read the file.
    #[error("others may read the key {} (mode {mode:o}): make it 600, and the key anew if they might have", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file holds something else.
    #[error("{} holds no key: wanted {SECRET_PREFIX} and 43 characters of base64url without padding", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
    },
}

/// What a system signs its requests and answers with (ed25519, RFC 8032). Never printed, wiped when dropped.
///
/// ```
/// use boxoffice::federation::http::LinkKey;
/// // 32 random bytes, which the host keeps as it keeps other secrets.
/// let key = LinkKey::new([7; 32]);
/// assert_eq!(key.public().to_string(), "ed25519:6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw");
/// assert_eq!(format!("{key:?}"), format!("LinkKey({})", key.public()));
/// ```
pub struct LinkKey {
    signing: SigningKey,
}

impl LinkKey {
    /// The key made from 32 random bytes.
    pub fn new(mut secret: [u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(&secret);
        secret.zeroize();
        Self { signing }
    }

    /// A new key, from the randomness of the operating system.
    ///
    /// # Errors
    /// [`LinkKeyError::Random`] when there is none.
    pub fn generate() -> Result<Self, LinkKeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(&mut *secret).map_err(|_| LinkKeyError::Random)?;
        Ok(Self::new(*secret))
    }

    /// A new key, kept in a file that only its owner may read (mode 600). A file that is there is never written over.
    ///
    /// # Errors
    /// [`LinkKeyError`] when there is such a file, or it cannot be written, or there is no randomness.
    pub fn create(path: &Path) -> Result<Self, LinkKeyError> {
        let key = Self::generate()?;
        key.write(path).map_err(|error| LinkKeyError::File { path: path.to_owned(), error })?;
        Ok(key)
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let secret = Zeroizing::new(self.signing.to_bytes());
        let digits = Zeroizing::new(Base64UrlUnpadded::encode_string(&*secret));
        let text = Zeroizing::new(format!("{SECRET_PREFIX}{}\n", *digits));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    /// The key that [`LinkKey::create`] has put into a file.
    ///
    /// # Errors
    /// [`LinkKeyError`] when it cannot be read, when others than its owner may read it, and when it holds something else.
    pub fn read(path: &Path) -> Result<Self, LinkKeyError> {
        let fail = |error| LinkKeyError::File { path: path.to_owned(), error };
        let file = File::open(path).map_err(fail)?;
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().map_err(fail)?.permissions()) & 0o777;
            if mode & 0o077 != 0 {
                return Err(LinkKeyError::Exposed { path: path.to_owned(), mode });
            }
        }
        let mut text = Zeroizing::new(String::with_capacity(usize::try_from(FILE_MAX).unwrap_or_default()));
        file.take(FILE_MAX).read_to_string(&mut text).map_err(fail)?;
        let mut secret = Zeroizing::new([0; 32]);
        let digits = text.trim_end().strip_prefix(SECRET_PREFIX).filter(|digits| digits.len() == 43);
        match digits.and_then(|digits| Base64UrlUnpadded::decode(digits, &mut *secret).ok()) {
            Some(_) => Ok(Self::new(*secret)),
            None => Err(LinkKeyError::Shape { path: path.to_owned() }),
        }
    }

    /// What peers pin.
    pub fn public(&self) -> PeerKey {
        PeerKey::new(self.signing.verifying_key().to_bytes())
    }

    pub(super) fn sign(&self, text: &str) -> [u8; 64] {
        self.signing.sign(text.as_bytes()).to_bytes()
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkKey({})", self.public())
    }
}

/// Whether `key` has signed `text`. Strict: no key and no signature of small order, and one signature for one text.
pub(super) fn has_signed(key: &PeerKey, text: &str, signature: &[u8; 64]) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(key.bytes()) else { return false };
    !key.is_weak() && key.verify_strict(text.as_bytes(), &Signature::from_bytes(signature)).is_ok()
}

/// Sixteen bytes that were never used before.
pub(super) fn nonce() -> Result<String, LinkKeyError> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| LinkKeyError::Random)?;
    Ok(Base64UrlUnpadded::encode_string(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_file_and_no_file_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("peer.key");
        let key = LinkKey::create(&path).unwrap();
        assert_eq!(LinkKey::read(&path).unwrap().public(), key.public());
        assert!(matches!(LinkKey::create(&path), Err(LinkKeyError::File { .. })));
        assert_ne!(LinkKey::generate().unwrap().public(), key.public());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("peer.key");
        LinkKey::create(&path).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(LinkKey::read(&path), Err(LinkKeyError::Exposed { mode: 0o640, .. })));
    }

    #[test]
    fn a_file_with_something_else_is_no_key_and_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("peer.key");
        LinkKey::create(&path).unwrap();
        let long = "ed25519-secret:".to_owned() + &"A".repeat(44);
        for text in ["", "secret", "ed25519-secret:AAAA", &long, &"x".repeat(5_000)] {
            std::fs::write(&path, text).unwrap();
            let error = LinkKey::read(&path).unwrap_err();
            assert!(matches!(error, LinkKeyError::Shape { .. }), "{text}: {error}");
            assert!(!error.to_string().contains("AAAA"), "{error}");
        }
    }

    #[test]
    fn a_weak_key_has_signed_nothing() {
        // The neutral point: under it, this is a signature of every text that a lenient verifier takes.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!has_signed(&PeerKey::new(neutral), "text", &signature));
        let key = LinkKey::new([7; 32]);
        assert!(has_signed(&key.public(), "text", &key.sign("text")));
        assert!(!has_signed(&key.public(), "other text", &key.sign("text")));
        assert!(!has_signed(&PeerKey::new([2; 32]), "text", &key.sign("text")));
    }
}
