//! Erasure in a log that forgets nothing: personal fields are encrypted with a key of the person's own, and destroying
//! that key destroys them, in every copy of the log at once (crypto-shredding).
//!
//! * Opt-in by event type: a [`Personal`] policy names the fields, and the field that says whose they are.
//! * A [`Vault`] keeps one key for each subject, in a store of your choice, wrapped by a master key that the host holds.
//! * A stream handle with [`Stream::sealed_by`](super::Stream::sealed_by) seals on the way in and opens on the way out.
//!   A shredded field reads as `null`, so that projections go on.
//!
//! The cipher is AES-256-SIV (RFC 5297), deterministic: the same field of the same subject gives the same bytes, so that a
//! retry of an idempotent append is recognised as one. The price is that equal values of one subject in one field can be
//! seen to be equal. Type, field and subject are authenticated, so that a sealed value cannot be moved elsewhere.
//!
//! What destruction reaches: the key is gone from the vault's store at once, but an engine may keep the old bytes of a
//! deleted value in its files for a while, and backups of the vault's store keep them until they are thrown away. So keep
//! the vault in a store of its own, and [`Vault::rotate`] the master key when erasure must be final: after that the old
//! bytes open nothing. The subject's id itself stays readable: use an opaque one.

mod policy;

use core::fmt;
use std::sync::Arc;

use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::StoreError;
use super::facet::{Created, Store, Swap};
use super::record::{Key, Payload};
use super::transaction::{KeyExpect, KvWrite, Transaction};

pub use policy::{Personal, Seal};

/// Bytes of a key of AES-256-SIV: two AES-256 keys.
pub const KEY_BYTES: usize = 64;

type KeyBytes = Zeroizing<[u8; KEY_BYTES]>;

/// The key that wraps the subjects' keys. Never printed, wiped when dropped.
#[derive(Clone)]
pub struct MasterKey(KeyBytes);

impl MasterKey {
    /// A master key from 64 random bytes, which the host keeps as it keeps other secrets.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// Where new keys come from: fills the bytes with randomness of the operating system. This crate has none of its own.
pub type Entropy = dyn Fn(&mut [u8]) -> Result<(), String> + Send + Sync;

/// What the vault's store holds for a subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    /// The subject's key, wrapped, in base64.
    Key(String),
    /// There was one.
    Destroyed,
}

/// What is known of a subject's key.
#[derive(Debug)]
enum Found {
    Key(KeyBytes),
    Destroyed,
    Never,
}

/// The keys of the subjects. Cheap to clone.
///
/// ```
/// use boxoffice_core::persist::{MasterKey, Personal, Store, StreamName, Vault};
/// use boxoffice_core::time::Timestamp;
/// use serde_json::{Value, json};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let system = |bytes: &mut [u8]| { bytes.fill(7); Ok(()) };
/// // `system` fills bytes with the operating system's randomness.
/// let vault = Vault::new(&Store::memory(), MasterKey::new([1; 64]), system);
/// let personal = Personal::new().fields("registered", "/member", ["/name", "/email"])?;
/// let members = Store::memory().stream(&StreamName::new("members")?).sealed_by(&vault, &personal);
///
/// let data = json!({ "member": "m-17", "name": "Ann", "email": "ann@example.org", "plan": "gold" });
/// members.append("registered", Timestamp::EPOCH, &data).await?;
/// assert_eq!(members.read().await?[0].data.read::<Value>()?["name"], "Ann");
///
/// vault.destroy("m-17").await?;
/// let left: Value = members.read().await?[0].data.read()?;
/// assert_eq!((&left["name"], &left["plan"]), (&Value::Null, &json!("gold")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
#[derive(Clone)]
pub struct Vault {
    keys: Store,
    master: MasterKey,
    entropy: Arc<Entropy>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keys", &self.keys).finish_non_exhaustive()
    }
}

fn vault_error(reason: impl Into<String>) -> StoreError {
    StoreError::Vault { reason: reason.into() }
}

fn entry_key(subject: &str) -> Result<Key, StoreError> {
    Ok(Key::new(format!("shred/{subject}"))?)
}

/// Encrypts with everything in `context` authenticated.
fn encrypt(key: &[u8; KEY_BYTES], context: &[&str], plain: &[u8]) -> Result<String, StoreError> {
    let mut cipher = Aes256Siv::new(key.into());
    let sealed = cipher.encrypt(context.iter().map(|part| part.as_bytes()), plain);
    Ok(Base64::encode_string(&sealed.map_err(|_| vault_error("encryption failed"))?))
}

/// None when the text was not sealed with this key in this context.
fn decrypt(key: &[u8; KEY_BYTES], context: &[&str], sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = Base64::decode_vec(sealed).ok()?;
    let mut cipher = Aes256Siv::new(key.into());
    cipher.decrypt(context.iter().map(|part| part.as_bytes()), &bytes).ok().map(Zeroizing::new)
}

impl Vault {
    /// A vault whose wrapped keys are in `keys`.
    pub fn new(
        keys: &Store,
        master: MasterKey,
        entropy: impl Fn(&mut [u8]) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self { keys: keys.clone(), master, entropy: Arc::new(entropy) }
    }

    /// Destroys the key of `subject`: everything sealed with it is unreadable from now on, and nothing more can be sealed
    /// for the subject until it is readmitted. Says whether there was a key.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed.
    pub async fn destroy(&self, subject: &str) -> Result<bool, StoreError> {
        let key = entry_key(subject)?;
        let had = matches!(self.keys.get(&key).await?, Some(Entry::Key(_)));
        self.keys.put(&key, Entry::Destroyed).await?;
        tracing::info!("a subject's key was destroyed");
        Ok(had)
    }

    /// Lets `subject` have a new key after [`Vault::destroy`]. What was shredded stays so.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed.
    pub async fn readmit(&self, subject: &str) -> Result<(), StoreError> {
        let key = entry_key(subject)?;
        // Only if it is destroyed in the moment of the deletion: a living key is never dropped here.
        let destroyed = KeyExpect::Equals(Payload::new(&Entry::Destroyed)?);
        let delete = Transaction::new().expect_key(key.clone(), destroyed).write(KvWrite::Delete(key));
        self.keys.commit(delete).await.map(drop)
    }

    /// Wraps every subject's key with `master` instead, and answers the vault that opens them. Once the old master key is
    /// destroyed, whatever an engine or a backup still holds of destroyed keys opens nothing any more.
    ///
    /// May be repeated after a failure: keys that are wrapped with the new master already are passed over.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed or a key opens with neither master key.
    pub async fn rotate(&self, master: MasterKey) -> Result<Self, StoreError> {
        let next = Self { master, ..self.clone() };
        for key in self.keys.keys("shred/").await? {
            let Some(subject) = key.as_str().strip_prefix("shred/") else { continue };
            loop {
                let Some(entry @ Entry::Key(_)) = self.keys.get::<Entry>(&key).await? else { break };
                if next.unwrap(subject, &entry).is_ok() {
                    break;
                }
                let Found::Key(bytes) = self.unwrap(subject, &entry)? else { break };
                let wrapped = next.wrap(subject, &bytes)?;
                if let Swap::Done(_) = self.keys.compare_and_swap(&key, Some(&entry), &wrapped).await? {
                    break;
                }
            }
        }
        Ok(next)
    }

    fn wrap(&self, subject: &str, bytes: &[u8; KEY_BYTES]) -> Result<Entry, StoreError> {
        Ok(Entry::Key(encrypt(&self.master.0, &["boxoffice.shred.v1", subject], bytes)?))
    }

    fn unwrap(&self, subject: &str, entry: &Entry) -> Result<Found, StoreError> {
        let Entry::Key(wrapped) = entry else { return Ok(Found::Destroyed) };
        let wrong = || vault_error("a subject's key does not open with this master key");
        let bytes = decrypt(&self.master.0, &["boxoffice.shred.v1", subject], wrapped).ok_or_else(wrong)?;
        Ok(Found::Key(Zeroizing::new(bytes.as_slice().try_into().map_err(|_| wrong())?)))
    }

    async fn find(&self, subject: &str) -> Result<Found, StoreError> {
        match self.keys.get(&entry_key(subject)?).await? {
            Some(entry) => self.unwrap(subject, &entry),
            None => Ok(Found::Never),
        }
    }

    /// The key of `subject`, made when there is none.
    async fn key_of(&self, subject: &str) -> Result<KeyBytes, StoreError> {
        let destroyed = || vault_error("the subject's key was destroyed: readmit the subject first");
        match self.find(subject).await? {
            Found::Key(bytes) => return Ok(bytes),
            Found::Destroyed => return Err(destroyed()),
            Found::Never => {}
        }
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        (self.entropy)(bytes.as_mut_slice()).map_err(vault_error)?;
        match self.keys.put_new(&entry_key(subject)?, self.wrap(subject, &bytes)?).await? {
            Created::Done(_) => Ok(bytes),
            // Somebody else was quicker; theirs is the key.
            Created::Exists { actual } => match self.unwrap(subject, &actual)? {
                Found::Key(bytes) => Ok(bytes),
                Found::Destroyed | Found::Never => Err(destroyed()),
            },
        }
    }
}
