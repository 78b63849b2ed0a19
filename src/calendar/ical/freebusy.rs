//! When someone or something is busy: VFREEBUSY (RFC 5545 section 3.6.4), written only.

use super::content::{Component, Property};
use super::value::write_instant;
use super::write::Feed;
use crate::time::{Timestamp, Window};

/// How busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// BUSY.
    Busy,
    /// BUSY-TENTATIVE.
    Tentative,
}

/// What a VFREEBUSY says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeBusy {
    /// UID of the answer.
    pub uid: String,
    /// Whose time it is (ORGANIZER), as a calendar address such as `mailto:hall@club.example`.
    pub organizer: Option<String>,
    /// The window that is told of. What is not busy in it is free.
    pub window: Window,
    /// Times in any order; they may overlap. What lies outside of the window is left out.
    pub busy: Vec<(Window, Busy)>,
}

/// A file with one VFREEBUSY: periods in UTC, merged and in order, in whole seconds rounded outward. Where both kinds
/// overlap it is BUSY.
///
/// ```
/// use boxoffice_core::calendar::{Busy, Feed, FreeBusy, write_free_busy};
/// use boxoffice_core::time::{Timestamp, Window};
/// let hour = |from: i64, to: i64| Window::new(Timestamp::from_millis(from * 3_600_000), Timestamp::from_millis(to * 3_600_000));
/// let hall = FreeBusy {
///     uid: "hall".to_owned(),
///     organizer: None,
///     window: hour(0, 24),
///     busy: vec![(hour(9, 11), Busy::Busy), (hour(10, 12), Busy::Tentative), (hour(8, 9), Busy::Busy)],
/// };
/// let file = write_free_busy(&Feed::new("-//Club//EN", Timestamp::EPOCH), &hall);
/// assert!(file.contains("FREEBUSY;FBTYPE=BUSY:19700101T080000Z/19700101T110000Z\r\n"));
/// assert!(file.contains("FREEBUSY;FBTYPE=BUSY-TENTATIVE:19700101T110000Z/19700101T120000Z\r\n"));
/// ```
pub fn write_free_busy(feed: &Feed, said: &FreeBusy) -> String {
    let mut component = Component::new("VFREEBUSY");
    component.push(Property::of_text("UID", &said.uid));
    let times = [("DTSTAMP", feed.stamp), ("DTSTART", said.window.start), ("DTEND", said.window.end)];
    for (name, at) in times {
        component.properties.extend(write_instant(at).map(|text| Property::new(name, text)));
    }
    component.properties.extend(said.organizer.as_ref().map(|address| Property::new("ORGANIZER", address.clone())));
    let busy = merged(said, Busy::Busy);
    let tentative = without(merged(said, Busy::Tentative), &busy);
    for (kind, windows) in [("BUSY", busy), ("BUSY-TENTATIVE", tentative)] {
        for window in windows {
            if let (Some(start), Some(end)) = (write_instant(window.start), write_instant(window.end)) {
                component.push(Property::new("FREEBUSY", format!("{start}/{end}")).with_parameter("FBTYPE", kind));
            }
        }
    }
    let mut calendar = feed.calendar();
    calendar.components.push(component);
    calendar.to_string()
}

/// The windows of one kind, cut to the whole, rounded outward to seconds, without overlaps, in order.
fn merged(said: &FreeBusy, kind: Busy) -> Vec<Window> {
    let own = said.busy.iter().filter(|(_, found)| *found == kind).map(|(window, _)| *window);
    let cut = own.map(|window| Window::new(window.start.max(said.window.start), window.end.min(said.window.end)));
    let mut windows: Vec<Window> = cut.filter(|window| !window.is_empty()).map(in_seconds).collect();
    windows.sort_by_key(|window| (window.start, window.end));
    let mut merged: Vec<Window> = Vec::new();
    for window in windows {
        match merged.last_mut() {
            Some(last) if window.start <= last.end => last.end = last.end.max(window.end),
            Some(_) | None => merged.push(window),
        }
    }
    merged
}

fn in_seconds(window: Window) -> Window {
    let seconds = |millis: i64| Timestamp::from_millis(millis.saturating_mul(1_000));
    let (start, end) = (window.start.as_millis(), window.end.as_millis());
    Window::new(seconds(start.div_euclid(1_000)), seconds(end.div_euclid(1_000) + i64::from(end.rem_euclid(1_000) > 0)))
}

/// What is left of `windows` outside of `taken`; both in order and without overlaps.
fn without(windows: Vec<Window>, taken: &[Window]) -> Vec<Window> {
    let (mut left, mut next) = (Vec::new(), 0);
    for mut window in windows {
        while taken.get(next).is_some_and(|one| one.end <= window.start) {
            next += 1;
        }
        for one in taken.iter().skip(next).take_while(|one| one.start < window.end) {
            left.extend(Some(Window::new(window.start, one.start)).filter(|before| !before.is_empty()));
            window.start = window.start.max(one.end);
        }
        left.extend(Some(window).filter(|rest| !rest.is_empty()));
    }
    left
}
