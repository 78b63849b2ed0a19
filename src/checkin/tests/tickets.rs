//! Tickets as texts: what is written, what is read, and what is not.

use base64ct::{Base64UrlUnpadded, Encoding};
use proptest::prelude::*;

use super::*;

/// Test 1 of RFC 8032 section 7.1.
const RFC_SECRET: [u8; 32] = [
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5,
    0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
];
/// It begins and ends with; its id was worked out from all of it.
const RFC_PUBLIC: &str = "d7..1a";

fn ann() -> Ticket {
    Ticket::new(evening(), who("ann"), place(1), Seq::new(2), at(1_767_636_000_000))
}

fn bytes(text: &str) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(text.strip_prefix("BOX1.").unwrap()).unwrap()
}

fn text(bytes: &[u8]) -> String {
    format!("BOX1.{}", Base64UrlUnpadded::encode_string(bytes))
}

/// The texts were worked out by a program of another language, straight from RFC 8032 and the table of the format.
#[test]
fn the_text_of_a_ticket_is_what_the_format_says() {
    let key = TicketKey::new(RFC_SECRET);
    let [first, .., last] = key.public().to_bytes();
    assert_eq!(
        (format!("{first:02x}..{last:02x}"), key.public().id().to_string()),
        (RFC_PUBLIC.into(), "b44e51d9".into())
    );
    let zoe = Ticket::new("a@b@20260105".parse().unwrap(), who("Zoë"), place(3), Seq::new(258), at(-1));
    for (ticket, expected) in [
        (
            ann(),
            "BOX1.tE5R2QAAAAEAAAAAAAAAAgAAAZuPUN0AAAAVY2hlc3NAMjAyNjAxMDVUMTkwMDAwAANhbm6ezfnHbZ8GKJJtIkLTcgmGCKuwtLAq\
             3ERjVWRtFHfo285tDMDBl0pJ9e35KglTVI7SCqjlzhEVF1nyEQ2U7P0J",
        ),
        (
            zoe.expiring(at(1_767_650_400_000)),
            "BOX1.tE5R2QAAAAMAAAAAAAABAv__________AQAAAZuQLJcAAAxhQGJAMjAyNjAxMDUABFpvw6vuXIV2ZimvxZt2k5pasapfSMMhuqxZ\
             Ut4kc7A6Zoy03ltHf5Wg4_Oe5m1SBR8_ATNFmAHyItHWdW4z-9uB-0kI",
        ),
    ] {
        let signed = key.sign(ticket.clone());
        assert_eq!(signed.text(), expected);
        let verifier = TicketVerifier::new().accepting(key.public()).unwrap();
        let read = verifier.read(expected).unwrap();
        assert_eq!((&*read, &read), (&ticket, &signed));
    }
}

#[test]
fn the_longest_ids_fit_the_longest_text() {
    let series = "s".repeat(512);
    let longest = Ticket::new(
        format!("{series}@20260105T190000Z").parse().unwrap(),
        who(&"a".repeat(256)),
        place(u32::MAX),
        Seq::new(u64::MAX),
        at(i64::MIN),
    );
    let signed = key().sign(longest.expiring(at(i64::MAX)));
    assert_eq!(signed.text().len(), SignedTicket::TEXT_BYTES_MAX);
    assert_eq!(verifier().read(signed.text()), Ok(signed.clone()));
}

#[test]
fn a_text_that_is_no_ticket_is_refused_with_what_is_wrong() {
    let good = key().sign(ann().expiring(at(5))).text().to_owned();
    let whole = bytes(&good);
    let with = |place: usize, byte: u8| {
        let mut changed = whole.clone();
        changed[place] = byte;
        text(&changed)
    };
    let spliced = |place: usize, remove: usize, put: &[u8]| {
        let mut changed = whole.clone();
        changed.splice(place..place + remove, put.iter().copied());
        text(&changed)
    };
    let body = whole.len() - 64;
    let cases = [
        (String::new(), TicketFlaw::Prefix),
        ("BOX2.AAAA".to_owned(), TicketFlaw::Prefix),
        (format!(" {good}"), TicketFlaw::Prefix),
        ("box1.".to_owned() + &good[5..], TicketFlaw::Prefix),
        ("BOX1.".to_owned() + &"A".repeat(2_000_000), TicketFlaw::TooLong),
        (format!("{good}="), TicketFlaw::Base64),
        (format!("{good}\n"), TicketFlaw::Base64),
        (good.replacen('.', ".\u{e9}", 1), TicketFlaw::Base64),
        ("BOX1.".to_owned(), TicketFlaw::Cut),
        (text(&whole[..63]), TicketFlaw::Cut),
        (text(&[0; 64]), TicketFlaw::Cut),
        (spliced(4, 4, &[0; 4]), TicketFlaw::Seat),
        (with(24, 2), TicketFlaw::Expiry),
        // The occurrence's length and text begin at 33, those of the attendee at 56.
        (with(33, 0xff), TicketFlaw::Cut),
        (with(35, 0xff), TicketFlaw::Occurrence),
        (spliced(33, 23, &[0, 0]), TicketFlaw::Occurrence),
        (with(56, 0xff), TicketFlaw::Cut),
        (with(58, 0), TicketFlaw::Attendee),
        (with(58, 0xff), TicketFlaw::Attendee),
        (spliced(body, 0, &[0]), TicketFlaw::Trailing),
    ];
    for (hostile, flaw) in cases {
        let shown: String = hostile.chars().take(60).collect();
        assert_eq!(verifier().read(&hostile), Err(TicketError::Malformed(flaw)), "{shown}");
    }
}

#[test]
fn bits_that_do_not_count_must_not_be_set() {
    let ticket = Ticket { attendee: who("anna"), ..ann() };
    let good = key().sign(ticket).text().to_owned();
    assert_eq!(bytes(&good).len() % 3, 1, "so that four bits of the last letter do not count");
    let (start, last) = good.split_at(good.len() - 1);
    let letters: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for letter in letters.chars().filter(|letter| !last.starts_with(*letter)) {
        assert!(verifier().read(&format!("{start}{letter}")).is_err(), "{letter}");
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let signed = key().sign(ann().expiring(at(9)));
    let whole = bytes(signed.text());
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(verifier().read(&text(&flipped)).is_err(), "bit {bit} of the bytes");
    }
    for bit in 0..signed.text().len() * 8 {
        let mut flipped = signed.text().as_bytes().to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(flipped) = String::from_utf8(flipped) else { continue };
        assert!(verifier().read(&flipped).is_err(), "bit {bit} of the text");
    }
}

#[test]
fn tickets_of_an_old_key_are_accepted_as_long_as_the_key_is() {
    let (old, new) = (TicketKey::new([1; 32]), TicketKey::new([2; 32]));
    let tickets = [old.sign(ann()), new.sign(ann())];
    let both = TicketVerifier::new().accepting(old.public()).unwrap().accepting(new.public()).unwrap();
    assert_eq!(both.keys().count(), 2);
    for ticket in &tickets {
        assert_eq!(both.read(ticket.text()).as_ref(), Ok(ticket));
    }
    let only_new = TicketVerifier::new().accepting(new.public()).unwrap();
    let unknown = TicketError::UnknownKey { key: old.public().id() };
    assert_eq!(only_new.read(tickets[0].text()), Err(unknown));
    // One that claims to be of the new key.
    let mut forged = bytes(tickets[0].text());
    forged[..4].copy_from_slice(&bytes(tickets[1].text())[..4]);
    assert_eq!(only_new.read(&text(&forged)), Err(TicketError::BadSignature));
    // The same key twice is no clash.
    assert!(only_new.accepting(new.public()).is_ok());
}

#[test]
fn keys_under_which_anybody_can_sign_are_none() {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(TicketPublicKey::from_bytes(&neutral), Err(TicketKeyError::Weak));
    assert_eq!(TicketPublicKey::from_bytes(&[0; 32]), Err(TicketKeyError::Weak));
    let no_point = [2; 32];
    assert_eq!(TicketPublicKey::from_bytes(&no_point), Err(TicketKeyError::NoKey));
    let public = key().public();
    assert_eq!(TicketPublicKey::from_bytes(&public.to_bytes()), Ok(public));
}

#[test]
fn neither_secrets_nor_texts_are_printed() {
    let (key, secret) = (TicketKey::new([0xab; 32]), "171, 171");
    assert_eq!(format!("{key:?}"), format!("TicketKey({})", key.public().id()));
    let signed = key.sign(ann());
    let request = ScanRequest {
        ticket: signed.text().to_owned(),
        direction: Direction::Entry,
        device: DeviceId::new("gate-1").unwrap(),
        device_at: at(0),
        nonce: Nonce::new("1").unwrap(),
    };
    let printed = format!("{key:?} {signed:?} {request:?}");
    assert!(!printed.contains(secret) && !printed.contains("BOX1."), "{printed}");
}

#[test]
fn a_device_without_a_network_refuses_what_it_can_know() {
    let mut house = House::new();
    for command in [book("ann", 2), book("bob", 1), book("cyd", 1)] {
        house.command(1, &command);
    }
    let [ann, bob, cyd] = ["ann", "bob", "cyd"].map(|name| house.ticket(name, 1));
    let third = Ticket { seat: place(3), ..ann.clone() };
    house.command(2, &cancel("bob"));
    house.command(2, &cancel("cyd"));
    house.command(2, &book("cyd", 1));
    house.set(GateSettings { opens: Some(at(10)), closes: Some(at(20)), reentry: true });
    let roster = TicketRoster::of(&house.gate, &house.seats);
    let json = serde_json::to_string(&roster).unwrap();
    assert!(json.contains(r#""parties":{"ann":[2,2],"cyd":[7,1]}"#), "{json}");
    let roster: TicketRoster = serde_json::from_str(&json).unwrap();
    assert_eq!(roster.booking, Seq::new(7));

    let elsewhere = Ticket { occurrence: other_evening(), ..ann.clone() };
    for (now, ticket, expected) in [
        (10, ann.clone(), None),
        (10, elsewhere, Some(ScanOutcome::OtherOccurrence { occurrence: other_evening() })),
        (15, ann.clone().expiring(at(15)), Some(ScanOutcome::Expired { expires: at(15) })),
        (14, ann.clone().expiring(at(15)), None),
        (9, ann.clone(), Some(ScanOutcome::NotOpenYet { opens: at(10) })),
        (20, ann.clone(), Some(ScanOutcome::GateClosed { closes: at(20) })),
        (10, bob, Some(ScanOutcome::Revoked { why: Revocation::NoSeats })),
        (10, cyd, Some(ScanOutcome::Revoked { why: Revocation::GrantedAnew })),
        (10, third, Some(ScanOutcome::Revoked { why: Revocation::FewerSeats })),
    ] {
        let signed = key().sign(ticket.clone());
        let said = roster.verify(&verifier(), signed.text(), at(now));
        assert_eq!(said, expected.map_or(Ok(signed), Err), "{ticket:?} at {now}");
    }
    assert_eq!(roster.verify(&verifier(), "x", at(10)), Err(ScanOutcome::Malformed { flaw: TicketFlaw::Prefix }));
}

proptest! {
    #[test]
    fn no_text_is_a_ticket_but_one_that_was_signed(hostile in ".{0,300}", raw in prop::collection::vec(any::<u8>(), 0..400)) {
        for hostile in [hostile.clone(), format!("BOX1.{hostile}"), text(&raw)] {
            let read = verifier().read(&hostile);
            let refused = matches!(read, Err(TicketError::Malformed(_) | TicketError::UnknownKey { .. }));
            prop_assert!(refused, "{:?}", read);
        }
        // A genuine head with anything behind it.
        let mut begun = bytes(key().sign(ann()).text());
        begun.truncate(raw.len() % begun.len());
        begun.extend(&raw);
        prop_assert!(verifier().read(&text(&begun)).is_err());
    }

    #[test]
    fn what_was_signed_is_read_as_it_was(
        name in "[^\\p{Cc}]{1,60}", seat in 1..u32::MAX, receipt: u64, issued: i64, expires: Option<i64>,
    ) {
        let mut ticket = Ticket::new(evening(), who(&name), place(seat), Seq::new(receipt), at(issued));
        ticket.expires = expires.map(at);
        let signed = key().sign(ticket.clone());
        let read = verifier().read(signed.text()).unwrap();
        prop_assert_eq!(&*read, &ticket);
        prop_assert_eq!(read, signed);
    }
}
