//! Encryption of a message to a browser (RFC 8291), in one record of aes128gcm (RFC 8188).

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::{SecureRandom, SystemRandom};

use super::subscription::{BadSubscription, BrowserKeys};

/// Most bytes that every push service takes (RFC 8030 section 7.2).
const MESSAGE_MAX: usize = 4_096;

/// Salt, size of a record, length of the key, and the key.
const HEADER: usize = SALT + 4 + 1 + super::subscription::POINT;

const SALT: usize = 16;

/// The mark after the plaintext, and the tag of AES-GCM.
const TRAILER: usize = 1 + 16;

/// Most bytes that can be encrypted (RFC 8291 section 4).
pub(super) const PLAINTEXT_MAX: usize = MESSAGE_MAX - HEADER - TRAILER;

/// Size of a record as the header states it. There is one, and it is shorter.
const RECORD: u32 = 4_096;

/// The mark after the plaintext of the last record; zeros that hide its length could follow.
const LAST_RECORD: u8 = 2;

/// Why there is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CannotEncrypt {
    #[error(transparent)]
    Keys(BadSubscription),
    #[error("there is no randomness")]
    Random,
    #[error("the message is too long")]
    Long,
}

/// Encrypts with a key and a salt that are used only here.
pub(super) fn encrypt(browser: &BrowserKeys, plaintext: &[u8]) -> Result<Vec<u8>, CannotEncrypt> {
    let random = SystemRandom::new();
    let mut salt = [0; SALT];
    random.fill(&mut salt).map_err(|_| CannotEncrypt::Random)?;
    let own = EphemeralPrivateKey::generate(&ECDH_P256, &random).map_err(|_| CannotEncrypt::Random)?;
    encrypt_from(own, salt, browser, plaintext)
}

fn encrypt_from(
    own: EphemeralPrivateKey,
    salt: [u8; SALT],
    browser: &BrowserKeys,
    plaintext: &[u8],
) -> Result<Vec<u8>, CannotEncrypt> {
    let public = own.compute_public_key().map_err(|_| CannotEncrypt::Random)?;
    let theirs = UnparsedPublicKey::new(&ECDH_P256, &browser.public);
    // Fails for a point that is not on the curve.
    agree_ephemeral(own, &theirs, |secret| seal(secret, browser, public.as_ref(), salt, plaintext))
        .map_err(|_| CannotEncrypt::Keys(BadSubscription::Public))?
        .ok_or(CannotEncrypt::Long)
}

/// The body of the request, from the secret that both sides agreed on. None if the plaintext is longer than
/// [`PLAINTEXT_MAX`].
fn seal(secret: &[u8], browser: &BrowserKeys, public: &[u8], salt: [u8; SALT], plaintext: &[u8]) -> Option<Vec<u8>> {
    if plaintext.len() > PLAINTEXT_MAX {
        return None;
    }
    let RecordKeys { key, nonce } = record_keys(secret, browser, public, salt)?;
    let mut record = plaintext.to_vec();
    record.push(LAST_RECORD);
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
    cipher.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record).ok()?;
    let mut body = Vec::with_capacity(HEADER + record.len());
    body.extend(salt);
    body.extend(RECORD.to_be_bytes());
    body.push(u8::try_from(public.len()).ok()?);
    body.extend(public);
    body.append(&mut record);
    Some(body)
}

/// What the only record is encrypted with.
struct RecordKeys {
    key: [u8; 16],
    nonce: [u8; NONCE_LEN],
}

fn record_keys(secret: &[u8], browser: &BrowserKeys, public: &[u8], salt: [u8; SALT]) -> Option<RecordKeys> {
    let input = key_material(secret, browser, public)?;
    let pseudo_random = Salt::new(HKDF_SHA256, &salt).extract(&input);
    Some(RecordKeys {
        key: expand(&pseudo_random, &[b"Content-Encoding: aes128gcm\0"])?,
        nonce: expand(&pseudo_random, &[b"Content-Encoding: nonce\0"])?,
    })
}

/// The secret of both sides, bound to their keys and to what only the two know (RFC 8291 section 3.3).
fn key_material(secret: &[u8], browser: &BrowserKeys, public: &[u8]) -> Option<[u8; 32]> {
    let pseudo_random = Salt::new(HKDF_SHA256, &browser.auth).extract(secret);
    expand(&pseudo_random, &[b"WebPush: info\0", &browser.public, public])
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(pseudo_random: &Prk, info: &[&[u8]]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    pseudo_random.expand(info, Length(N)).ok()?.fill(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64UrlUnpadded, Encoding as _};

    use super::*;

    /// The example of RFC 8291, section 5 and appendix A.
    const PLAINTEXT: &[u8] = b"When I grow up, I want to be a watermelon";
    const OWN_PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    const OWN_PUBLIC: &str = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
    const SECRET: &str = "kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs";
    const MESSAGE: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS\
        6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

    fn bytes(text: &str) -> Vec<u8> {
        Base64UrlUnpadded::decode_vec(text).unwrap()
    }

    fn text(bytes: &[u8]) -> String {
        Base64UrlUnpadded::encode_string(bytes)
    }

    fn browser() -> BrowserKeys {
        let public = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        BrowserKeys {
            public: bytes(public).try_into().unwrap(),
            auth: bytes("BTBZMqHH6r4Tts7J_aSIgg").try_into().unwrap(),
        }
    }

    fn salt() -> [u8; SALT] {
        bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap()
    }

    #[expect(deprecated, reason = "the only way to give ring a key that is known")]
    fn own_key(private: &[u8]) -> EphemeralPrivateKey {
        let random = ring::test::rand::FixedSliceRandom { bytes: private };
        EphemeralPrivateKey::generate(&ECDH_P256, &random).unwrap()
    }

    #[test]
    fn every_step_gives_the_value_of_appendix_a() {
        let (secret, public) = (bytes(SECRET), bytes(OWN_PUBLIC));
        let input = key_material(&secret, &browser(), &public).unwrap();
        assert_eq!(text(&input), "S4lYMb_L0FxCeq0WhDx813KgSYqU26kOyzWUdsXYyrg");
        let RecordKeys { key, nonce } = record_keys(&secret, &browser(), &public, salt()).unwrap();
        assert_eq!(text(&key), "oIhVW04MRdy2XN9CiKLxTg");
        assert_eq!(text(&nonce), "4h_95klXJ5E_qnoN");
        assert_eq!(text(&seal(&secret, &browser(), &public, salt(), PLAINTEXT).unwrap()), MESSAGE);
    }

    #[test]
    fn the_whole_message_is_that_of_the_example() {
        let own = own_key(&bytes(OWN_PRIVATE));
        assert_eq!(text(own.compute_public_key().unwrap().as_ref()), OWN_PUBLIC);
        assert_eq!(text(&encrypt_from(own, salt(), &browser(), PLAINTEXT).unwrap()), MESSAGE);
    }

    #[test]
    fn the_longest_plaintext_makes_the_longest_message_and_one_more_byte_makes_none() {
        assert_eq!((HEADER, PLAINTEXT_MAX), (86, 3_993));
        let message = encrypt(&browser(), &[7; PLAINTEXT_MAX]).unwrap();
        assert_eq!(message.len(), MESSAGE_MAX);
        assert_eq!(encrypt(&browser(), &[7; PLAINTEXT_MAX + 1]), Err(CannotEncrypt::Long));
    }

    #[test]
    fn a_point_beside_the_curve_is_refused() {
        let mut beside = browser();
        beside.public[64] ^= 1;
        let mut zero = browser();
        zero.public[1..].fill(0);
        for keys in [beside, zero] {
            assert_eq!(encrypt(&keys, PLAINTEXT), Err(CannotEncrypt::Keys(BadSubscription::Public)));
        }
    }

    #[test]
    fn no_two_messages_are_alike() {
        let [one, two] = [(); 2].map(|()| encrypt(&browser(), PLAINTEXT).unwrap());
        assert_ne!(one[..SALT], two[..SALT]);
        assert_ne!(one[HEADER - 65..HEADER], two[HEADER - 65..HEADER]);
        assert_ne!(one[HEADER..], two[HEADER..]);
    }
}
