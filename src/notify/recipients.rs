//! Where profiles of recipients and the suppression list are kept, and what is written there.
//!
//! `recipient/ID` holds a [`Profile`], `suppressed/HASH` a [`Suppression`]. Addresses are hashed, so that the list can be kept
//! when an address is erased.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::preferences::{Profile, ProfileError};
use crate::id::AttendeeId;
use crate::persist::{Key, KvWrite, Payload};
use crate::time::Timestamp;

const RECIPIENT: &str = "recipient/";
const SUPPRESSED: &str = "suppressed/";

/// The key that holds a recipient's [`Profile`].
pub fn recipient_key(recipient: &AttendeeId) -> Key {
    key(&format!("{RECIPIENT}{recipient}"))
}

/// Keeps a profile.
///
/// # Errors
/// [`ProfileError`] when it must not be kept: see [`Profile::check`].
pub fn put_profile(recipient: &AttendeeId, profile: &Profile) -> Result<KvWrite, ProfileError> {
    profile.check()?;
    Ok(KvWrite::Put(recipient_key(recipient), payload(profile)))
}

/// Forgets a profile, and with it all addresses.
pub fn forget_profile(recipient: &AttendeeId) -> KvWrite {
    KvWrite::Delete(recipient_key(recipient))
}

/// Why nothing goes to an address any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SuppressedBy {
    /// The other end refused it for good: there is no such mailbox, or the subscription ended.
    Bounce,
    /// Its owner marked something as spam.
    Complaint,
    /// The host says so.
    Host,
}

/// An entry of the suppression list. Recorded as JSON: `{"by":"bounce","at":1767636000000}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// Why.
    pub by: SuppressedBy,
    /// Since when.
    pub at: Timestamp,
}

/// The key that holds a [`Suppression`] if nothing goes to `address` by `channel` any more.
///
/// It ends in the SHA-256 of the channel, a zero byte and the address in lower case, as hexadecimal digits. Spaces around the
/// address do not count.
pub fn suppression_key(channel: &str, address: &str) -> Key {
    let address = address.trim().to_lowercase();
    let hash = Sha256::new().chain_update(channel).chain_update([0]).chain_update(address).finalize();
    key(&hex(SUPPRESSED, &hash))
}

/// Lets nothing go to an address any more.
pub fn suppress(channel: &str, address: &str, suppression: Suppression) -> KvWrite {
    KvWrite::Put(suppression_key(channel, address), payload(&suppression))
}

/// Lets letters go to an address again.
pub fn unsuppress(channel: &str, address: &str) -> KvWrite {
    KvWrite::Delete(suppression_key(channel, address))
}

/// A prefix and bytes as hexadecimal digits.
pub(super) fn hex(prefix: &str, bytes: &[u8]) -> String {
    // 4 bits a digit.
    let digits =
        bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16));
    prefix.chars().chain(digits).collect()
}

/// A key made of checked parts.
pub(super) fn key(text: &str) -> Key {
    Key::stored(text)
}

/// A value that cannot fail to be written: its maps have names for keys.
pub(super) fn payload<T: Serialize>(value: &T) -> Payload {
    Payload::stored(&serde_json::to_string(value).unwrap_or_default())
}
