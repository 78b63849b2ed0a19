//! Names of flows.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{IdError, check_text, shape, text_id};
use crate::persist::StreamName;

/// Shards that all flows of a store are spread over. Part of the format: a flow never changes its shard.
pub const SHARDS: u8 = 8;

const STREAM_PREFIX: &str = "flow:";

fn is_kind(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte))
}

text_id!(
    /// The name of a flow's program, such as `reminder`. 1 to 64 bytes of `a-z`, `0-9`, `-`, `_` and `.`.
    FlowKind, "flow kind", 64, is_kind, "lower case letters, digits, '-', '_' and '.'"
);

/// One flow: its kind and a key that the caller chose, as in `reminder/chess@20260105T190000`. Starting it twice is
/// starting it once.
///
/// The key has 1 to 400 bytes and no control characters. It is written into the log: no personal data.
///
/// ```
/// use boxoffice_core::flow::FlowId;
/// let id: FlowId = "reminder/chess@20260105T190000".parse()?;
/// assert_eq!((id.kind().as_str(), id.key()), ("reminder", "chess@20260105T190000"));
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FlowId {
    /// `kind/key`.
    text: Arc<str>,
    kind: FlowKind,
}

impl FlowId {
    /// Longest key allowed, in bytes.
    pub const KEY_LENGTH_MAX: usize = 400;

    /// The flow `key` of `kind`.
    ///
    /// # Errors
    /// [`IdError`] when the key is empty, too long or holds a control character.
    pub fn new(kind: FlowKind, key: impl AsRef<str>) -> Result<Self, IdError> {
        let key = key.as_ref();
        check_text("flow key", key, Self::KEY_LENGTH_MAX)?;
        Ok(Self { text: format!("{kind}/{key}").into(), kind })
    }

    /// A key that needs no check.
    pub(super) fn stored(kind: FlowKind, key: &'static str) -> Self {
        Self { text: format!("{kind}/{key}").into(), kind }
    }

    /// What runs in it.
    pub fn kind(&self) -> &FlowKind {
        &self.kind
    }

    /// Which one of its kind it is.
    pub fn key(&self) -> &str {
        self.text.get(self.kind.0.len() + 1..).unwrap_or_default()
    }

    /// `kind/key`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The stream of its journal: `flow:kind/key`.
    pub fn stream(&self) -> StreamName {
        StreamName::stored(&format!("{STREAM_PREFIX}{}", self.text))
    }

    /// The flow whose journal `stream` is; none if it is no flow's.
    pub fn of_stream(stream: &StreamName) -> Option<Self> {
        stream.as_str().strip_prefix(STREAM_PREFIX)?.parse().ok()
    }

    /// Who owns it, from 0 to [`SHARDS`] - 1.
    pub fn shard(&self) -> u8 {
        // FNV-1a: the same on every machine and in every release.
        let hash = self
            .text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        // Its high bits hardly know the last letters: mixed once more (MurmurHash3, Appleby 2011).
        let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        u8::try_from((mixed >> 32) % u64::from(SHARDS)).unwrap_or_default()
    }
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for FlowId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wanted = "KIND/KEY, as in reminder/chess@20260105T190000";
        let (kind, key) = text.split_once('/').ok_or_else(|| shape("flow id", text, wanted))?;
        Self::new(FlowKind::new(kind)?, key)
    }
}

impl TryFrom<String> for FlowId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<FlowId> for String {
    fn from(id: FlowId) -> Self {
        id.text.as_ref().to_owned()
    }
}
