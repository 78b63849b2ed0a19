//! Writes `TZif`, the file format of the IANA database (RFC 9636), so that a zone of our own is resolved by the same
//! code as any other.

use jiff::tz::TimeZone;

/// A kind of local time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LocalTime {
    /// Seconds east of UTC.
    pub(super) offset: i32,
    /// Whether it counts as daylight saving time.
    pub(super) daylight: bool,
    /// The abbreviation: ASCII, as [`abbreviation`] makes it.
    pub(super) name: String,
}

/// Changes of local time.
#[derive(Clone, Debug)]
pub(super) struct Changes {
    /// Before the first change.
    pub(super) before: LocalTime,
    /// The seconds since 1970 in UTC at which a change happens, ascending, and to what.
    pub(super) list: Vec<(i64, LocalTime)>,
    /// A POSIX TZ text for what follows; empty if nothing does.
    pub(super) footer: String,
}

/// Bytes that the abbreviations take at most (RFC 9636 section 3.1: an index is one byte).
const NAMES_MAX: usize = 255;

/// The zone. None when a limit of the format or of jiff is passed, or the footer contradicts the last change.
pub(super) fn load(name: &str, zone: &Changes) -> Option<TimeZone> {
    let mut kinds: Vec<&LocalTime> = vec![&zone.before];
    let mut places: Vec<u8> = Vec::with_capacity(zone.list.len());
    for (_, kind) in &zone.list {
        let place = kinds.iter().position(|known| *known == kind).unwrap_or(kinds.len());
        if place == kinds.len() {
            kinds.push(kind);
        }
        places.push(u8::try_from(place).ok()?);
    }
    let (names, name_places) = names(&kinds)?;
    // The block with 32 bits is required but may be as good as empty (section 4).
    let mut bytes = header(0, 1, 1)?;
    bytes.extend([0; 7]);
    bytes.extend(header(zone.list.len(), kinds.len(), names.len())?);
    bytes.extend(zone.list.iter().flat_map(|(at, _)| at.to_be_bytes()));
    bytes.extend(places);
    for (kind, place) in kinds.iter().zip(name_places) {
        bytes.extend(kind.offset.to_be_bytes());
        bytes.extend([u8::from(kind.daylight), place]);
    }
    bytes.extend(names);
    bytes.extend([b"\n", zone.footer.as_bytes(), b"\n"].concat());
    TimeZone::tzif(name, &bytes).ok()
}

/// Section 3.1, for version 3, whose footer may have hours beyond a day.
fn header(changes: usize, kinds: usize, names: usize) -> Option<Vec<u8>> {
    let mut bytes = b"TZif3".to_vec();
    bytes.extend([0; 15 + 12]);
    for count in [changes, kinds, names] {
        bytes.extend(u32::try_from(count).ok()?.to_be_bytes());
    }
    Some(bytes)
}

/// The table of abbreviations, each ended by a zero, and where those of the kinds begin in it.
fn names(kinds: &[&LocalTime]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut table, mut known, mut places) = (Vec::new(), Vec::<(&str, u8)>::new(), Vec::new());
    for kind in kinds {
        let found = known.iter().find(|(name, _)| *name == kind.name).map(|(_, place)| *place);
        places.push(match found {
            Some(place) => place,
            None => {
                let place = u8::try_from(table.len()).ok()?;
                known.push((&kind.name, place));
                table.extend(kind.name.bytes().chain([0]));
                place
            }
        });
    }
    (table.len() <= NAMES_MAX).then_some((table, places))
}

/// What a zone may be called in the format (section 3.2): `text` if it is such, or else the offset, as `+0545`.
pub(super) fn abbreviation(text: &str, offset: i32) -> String {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'-';
    let text = text.trim();
    if (3..=6).contains(&text.len()) && text.bytes().all(fits) {
        return text.to_owned();
    }
    let minutes = offset.abs() / 60;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let sign = if offset < 0 { '-' } else { '+' };
    if minutes == 0 { format!("{sign}{hours:02}") } else { format!("{sign}{hours:02}{minutes:02}") }
}
