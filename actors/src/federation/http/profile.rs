//! Which parts of our requests and answers are signed.

use boxoffice_core::federation::PeerName;
use hyper::header::HeaderMap;
use hyper::http::request;

use super::components::{Asked, Components, LABEL, REQUEST_SIGNATURE, single};
use super::digest::{CONTENT_DIGEST, check_digest};
use super::key::LinkKey;
use super::signature::{Claim, Params, Signed, Unproven, sign};

/// Whom a request is for: by its name, as hosts in between may have names of their own.
pub(super) const TO: &str = "boxoffice-to";
pub(super) const JSON: &str = "application/json";

/// What every request covers.
const OF_REQUEST: [&str; 4] = ["\"@method\"", "\"@authority\"", "\"@path\"", "\"boxoffice-to\""];
/// And these, where they are there.
const OF_REQUEST_IF: [&str; 3] = ["\"content-type\"", "\"content-digest\"", "\"if-none-match\""];
/// What every answer covers.
const OF_ANSWER: [&str; 5] =
    ["\"@status\"", "\"@method\";req", "\"@authority\";req", "\"@path\";req", REQUEST_SIGNATURE];
/// And these, where they are there.
const OF_ANSWER_IF: [&str; 3] = ["\"content-type\"", "\"content-digest\"", "\"etag\""];

fn covered<'a>(components: &Components, always: &[&'a str], if_there: &[&'a str]) -> Vec<&'a str> {
    let there = if_there.iter().filter(|id| components.has(id));
    always.iter().chain(there).copied().collect()
}

/// What a message says of its body must be there, and true.
fn check_body(headers: &HeaderMap, body: &[u8]) -> Result<(), Unproven> {
    single(headers, "content-type").ok_or(Unproven::Absent)?;
    check_digest(headers, body)
}

/// Fields that may be signed stand there once or not at all: otherwise they would be passed over, and read by somebody.
fn check_fields(headers: &HeaderMap, fields: [&str; 3]) -> Result<(), Unproven> {
    let is_clear = |id: &str| {
        let name = id.trim_matches('"');
        !headers.contains_key(name) || single(headers, name).is_some()
    };
    if fields.into_iter().all(is_clear) { Ok(()) } else { Err(Unproven::Absent) }
}

/// Signs a request for a term of `term` seconds, and gives what its answer is bound to.
pub(super) fn sign_request(
    parts: &request::Parts,
    us: &PeerName,
    key: &LinkKey,
    nonce: &str,
    (created, term): (i64, i64),
) -> Option<(Signed, Asked)> {
    let components = Components::of_request(parts);
    let expires = Some(created.saturating_add(term));
    let params = Params { created, expires, nonce: Some(nonce), keyid: us.as_str() };
    let signed = sign(&components, &covered(&components, &OF_REQUEST, &OF_REQUEST_IF), params, key)?;
    let asked = Asked::new(components, signed.signature.clone());
    Some((signed, asked))
}

/// A request that says who signed it. Nothing is proven yet.
#[derive(Debug)]
pub(super) struct Claimed {
    claim: Claim,
    components: Components,
    pub(super) from: PeerName,
    pub(super) created: i64,
    pub(super) nonce: String,
}

impl Claimed {
    /// Reads the signature of a request to `us`.
    pub(super) fn read(parts: &request::Parts, us: &PeerName, (now, skew): (i64, i64)) -> Result<Self, Unproven> {
        let claim = Claim::read(&parts.headers, LABEL)?;
        claim.check(now, skew)?;
        if single(&parts.headers, TO) != Some(us.as_str()) {
            return Err(Unproven::Foreign);
        }
        check_fields(&parts.headers, OF_REQUEST_IF)?;
        let from = claim.keyid.as_deref().and_then(|name| PeerName::new(name).ok()).ok_or(Unproven::Foreign)?;
        let nonce = claim.nonce.clone().filter(|nonce| (16..=64).contains(&nonce.len())).ok_or(Unproven::Uncovered)?;
        let created = claim.created.ok_or(Unproven::Expired)?;
        if claim.expires.is_none() {
            return Err(Unproven::Expired);
        }
        Ok(Self { components: Components::of_request(parts), claim, from, created, nonce })
    }

    /// Whether `key` has signed it, and its body is the one that was signed.
    pub(super) fn prove(
        &self,
        parts: &request::Parts,
        body: &[u8],
        key: &boxoffice_core::federation::PeerKey,
    ) -> Result<Asked, Unproven> {
        let required = covered(&self.components, &OF_REQUEST, &OF_REQUEST_IF);
        self.claim.verify(&self.components, &required, key)?;
        if !body.is_empty() || parts.headers.contains_key(CONTENT_DIGEST) {
            check_body(&parts.headers, body)?;
        }
        Ok(Asked::new(self.components.clone(), self.claim.text.clone()))
    }
}

/// Signs an answer.
pub(super) fn sign_answer(
    status: u16,
    headers: &HeaderMap,
    asked: &Asked,
    us: &PeerName,
    (key, created): (&LinkKey, i64),
) -> Option<Signed> {
    let components = Components::of_answer(status, headers, asked);
    let params = Params { created, expires: None, nonce: None, keyid: us.as_str() };
    sign(&components, &covered(&components, &OF_ANSWER, &OF_ANSWER_IF), params, key)
}

/// An answer as it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Came<'a> {
    pub status: u16,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// Whether an answer comes from `peer`, is the answer to what was asked, and was not changed.
pub(super) fn check_answer(
    came: Came<'_>,
    asked: &Asked,
    peer: &boxoffice_core::federation::Peer,
    (now, skew): (i64, i64),
) -> Result<(), Unproven> {
    let claim = Claim::read(came.headers, LABEL)?;
    claim.check(now, skew)?;
    if claim.keyid.as_deref() != Some(peer.name.as_str()) {
        return Err(Unproven::Foreign);
    }
    check_fields(came.headers, OF_ANSWER_IF)?;
    let components = Components::of_answer(came.status, came.headers, asked);
    claim.verify(&components, &covered(&components, &OF_ANSWER, &OF_ANSWER_IF), &peer.key)?;
    if came.status == 304 && came.body.is_empty() { Ok(()) } else { check_body(came.headers, came.body) }
}
