//! Signatures of messages, as RFC 9421 writes them.

use base64ct::{Base64, Encoding as _};
use boxoffice_core::federation::PeerKey;
use hyper::header::HeaderMap;
use sfv::{BareItem, Dictionary, FieldType as _, InnerList, Item, ListEntry, Parser};

use super::components::{Components, LABEL, single};
use super::key::{LinkKey, has_signed};

/// Most components that a signature covers. Ours cover 8 at most.
const COVERED_MAX: usize = 32;
/// What our signatures are for (RFC 9421 section 2.3).
const TAG: &str = "boxoffice";
/// The only algorithm (section 3.3.6).
const ALGORITHM: &str = "ed25519";
pub(super) const INPUT: &str = "signature-input";
pub(super) const SIGNATURE: &str = "signature";

/// Why a message is not proven to come from whom it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unproven {
    #[error("it is not signed, or more than once")]
    Unsigned,
    #[error("its signature cannot be read")]
    Unreadable,
    #[error("its signature is for something else")]
    Foreign,
    #[error("its signature does not cover what it must")]
    Uncovered,
    #[error("its signature covers what is not there, or there more than once")]
    Absent,
    #[error("it was signed too long ago, or too far ahead")]
    Expired,
    #[error("it was signed by somebody else, or changed since")]
    Forged,
    #[error("whoever signed it is not known")]
    Unknown,
    #[error("it has no digest of its body")]
    NoDigest,
    #[error("its body is another one")]
    OtherBody,
}

/// Parameters of a signature that we write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Params<'a> {
    /// Seconds since 1970, as everywhere here.
    pub created: i64,
    pub expires: Option<i64>,
    pub nonce: Option<&'a str>,
    pub keyid: &'a str,
}

/// A signature as it goes into the headers.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    /// `Signature-Input`.
    pub input: String,
    /// In base64.
    pub signature: String,
}

impl Signed {
    /// `Signature`.
    pub(super) fn header(&self) -> String {
        format!("{LABEL}=:{}:", self.signature)
    }
}

/// Signs. None when one of the components is not in the message.
pub(super) fn sign(components: &Components, covered: &[&str], params: Params<'_>, key: &LinkKey) -> Option<Signed> {
    let Params { created, expires, nonce, keyid } = params;
    let expires = expires.map(|expires| format!(";expires={expires}")).unwrap_or_default();
    let nonce = nonce.map(|nonce| format!(";nonce=\"{nonce}\"")).unwrap_or_default();
    let params = format!(
        "({});created={created}{expires}{nonce};alg=\"{ALGORITHM}\";keyid=\"{keyid}\";tag=\"{TAG}\"",
        covered.join(" ")
    );
    let base = components.base(covered.iter().copied(), &params)?;
    Some(Signed { input: format!("{LABEL}={params}"), signature: Base64::encode_string(&key.sign(&base)) })
}

/// A signature that a message came with. Nothing of it is proven before [`Claim::verify`].
#[derive(Clone, Debug, Default)]
pub(super) struct Claim {
    covered: Vec<String>,
    pub(super) created: Option<i64>,
    pub(super) expires: Option<i64>,
    pub(super) nonce: Option<String>,
    pub(super) keyid: Option<String>,
    alg: Option<String>,
    tag: Option<String>,
    /// The list and its parameters, as they stand there.
    params: String,
    /// In base64, as it stands there.
    pub(super) text: String,
    bytes: Vec<u8>,
}

impl Claim {
    /// Reads the one signature of a message, under this label.
    pub(super) fn read(headers: &HeaderMap, label: &str) -> Result<Self, Unproven> {
        let (params, input) = member(headers, INPUT, label)?;
        let (text, signature) = member(headers, SIGNATURE, label)?;
        let (ListEntry::InnerList(input), ListEntry::Item(Item { bare_item: BareItem::ByteSequence(bytes), .. })) =
            (input, signature)
        else {
            return Err(Unproven::Unreadable);
        };
        let text = text.trim_matches(':').to_owned();
        let mut claim = Self { params, text, bytes, covered: covered(&input)?, ..Self::default() };
        for (name, value) in &input.params {
            claim.take(name.as_str(), value)?;
        }
        Ok(claim)
    }

    fn take(&mut self, name: &str, value: &BareItem) -> Result<(), Unproven> {
        let place = match (name, value) {
            ("created", BareItem::Integer(seconds)) => {
                self.created = Some(i64::from(*seconds));
                return Ok(());
            }
            ("expires", BareItem::Integer(seconds)) => {
                self.expires = Some(i64::from(*seconds));
                return Ok(());
            }
            ("nonce", BareItem::String(_)) => &mut self.nonce,
            ("keyid", BareItem::String(_)) => &mut self.keyid,
            ("alg", BareItem::String(_)) => &mut self.alg,
            ("tag", BareItem::String(_)) => &mut self.tag,
            _ => return Err(Unproven::Unreadable),
        };
        *place = value.as_string().map(|text| text.as_str().to_owned());
        Ok(())
    }

    /// Whether it is one of our kind, and made within `skew` seconds of now.
    pub(super) fn check(&self, now: i64, skew: i64) -> Result<(), Unproven> {
        if self.tag.as_deref() != Some(TAG) || self.alg.as_deref().is_some_and(|alg| alg != ALGORITHM) {
            return Err(Unproven::Foreign);
        }
        let is_now = self.created.is_some_and(|created| created.abs_diff(now) <= skew.unsigned_abs());
        if is_now && self.expires.is_none_or(|expires| now <= expires) { Ok(()) } else { Err(Unproven::Expired) }
    }

    /// Whether `key` has signed these components of the message, the required ones among them.
    pub(super) fn verify(&self, components: &Components, required: &[&str], key: &PeerKey) -> Result<(), Unproven> {
        if !required.iter().all(|id| self.covered.iter().any(|covered| covered == id)) {
            return Err(Unproven::Uncovered);
        }
        let base = components.base(self.covered.iter().map(String::as_str), &self.params).ok_or(Unproven::Absent)?;
        let signature = <&[u8; 64]>::try_from(self.bytes.as_slice()).map_err(|_| Unproven::Forged)?;
        if has_signed(key, &base, signature) { Ok(()) } else { Err(Unproven::Forged) }
    }
}

/// The only member of a dictionary: its text, and what it says.
///
/// The field must stand there once, and be written as RFC 9651 section 4.1 writes it: whatever is read in two ways by two
/// readers, such as a member that is there twice, is not.
fn member(headers: &HeaderMap, name: &str, label: &str) -> Result<(String, ListEntry), Unproven> {
    let text = single(headers, name).ok_or(Unproven::Unsigned)?;
    let mut members: Dictionary = Parser::new(text).parse().map_err(|_| Unproven::Unreadable)?;
    if members.serialize().as_deref() != Some(text) {
        return Err(Unproven::Unreadable);
    }
    let value = text.strip_prefix(label).and_then(|text| text.strip_prefix('=')).ok_or(Unproven::Foreign)?;
    match (members.pop(), members.is_empty()) {
        (Some((_, entry)), true) => Ok((value.to_owned(), entry)),
        _ => Err(Unproven::Unsigned),
    }
}

/// Identifiers of the components that are covered, each once.
fn covered(list: &InnerList) -> Result<Vec<String>, Unproven> {
    if list.items.len() > COVERED_MAX {
        return Err(Unproven::Unreadable);
    }
    let mut covered: Vec<String> = Vec::new();
    for item in &list.items {
        let id = item.serialize();
        if !matches!(item.bare_item, BareItem::String(_)) || covered.contains(&id) {
            return Err(Unproven::Unreadable);
        }
        covered.push(id);
    }
    Ok(covered)
}
