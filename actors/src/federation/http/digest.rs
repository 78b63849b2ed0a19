//! Digests of bodies (RFC 9530).

use base64ct::{Base64, Encoding as _};
use hyper::header::HeaderMap;
use sfv::{BareItem, Dictionary, Item, ListEntry, Parser};
use sha2::{Digest as _, Sha256};

use super::components::single;
use super::signature::Unproven;

pub(super) const CONTENT_DIGEST: &str = "content-digest";
const ALGORITHM: &str = "sha-256";

/// `Content-Digest` of a body.
pub(super) fn content_digest(body: &[u8]) -> String {
    format!("{ALGORITHM}=:{}:", Base64::encode_string(&Sha256::digest(body)))
}

/// Whether the digest in the headers is that of the body. Digests of other algorithms are passed over.
pub(super) fn check_digest(headers: &HeaderMap, body: &[u8]) -> Result<(), Unproven> {
    let text = single(headers, CONTENT_DIGEST).ok_or(Unproven::NoDigest)?;
    let members: Dictionary = Parser::new(text).parse().map_err(|_| Unproven::NoDigest)?;
    match members.get(ALGORITHM) {
        Some(ListEntry::Item(Item { bare_item: BareItem::ByteSequence(digest), .. })) => {
            if digest.as_slice() == &*Sha256::digest(body) { Ok(()) } else { Err(Unproven::OtherBody) }
        }
        _ => Err(Unproven::NoDigest),
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn a_digest_is_that_of_the_body_and_of_no_other() {
        // RFC 9530 appendix D.
        let body = b"{\"hello\": \"world\"}\n";
        let digest = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
        assert_eq!(content_digest(body), digest);
        let other = "sha-512=:AAAA:, ".to_owned() + digest;
        let cases = [
            (vec![digest], Ok(())),
            (vec![&other], Ok(())),
            (vec![], Err(Unproven::NoDigest)),
            (vec![digest, digest], Err(Unproven::NoDigest)),
            (vec!["sha-512=:AAAA:"], Err(Unproven::NoDigest)),
            (vec!["sha-256=1"], Err(Unproven::NoDigest)),
            (vec!["sha-256=:AAAA:"], Err(Unproven::OtherBody)),
            (vec!["{}"], Err(Unproven::NoDigest)),
        ];
        for (values, wanted) in cases {
            let mut headers = HeaderMap::new();
            for value in &values {
                headers.append(CONTENT_DIGEST, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(check_digest(&headers, body), wanted, "{values:?}");
        }
    }
}
