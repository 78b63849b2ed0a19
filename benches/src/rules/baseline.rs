//! What could be had: for each attendee a sorted list of spans, written by hand for these questions.

use std::mem::size_of;
use std::time::Instant;

use super::sheet::{Figure, Sheet, Times, What, Who};
use super::world::{ATTENDEES, HOSTS, SLOT, World};
use crate::Result;

/// Start, end and occurrence.
type Span = (i64, i64, u32);

struct Lists {
    /// For each attendee, ascending.
    spans: Vec<Vec<Span>>,
    longest: i64,
}

impl Lists {
    fn new(world: &World) -> Self {
        let mut spans = vec![Vec::new(); ATTENDEES as usize];
        for (attendee, occurrence) in &world.bookings {
            let (start, end) = world.occurrence(*occurrence);
            if let Some(list) = spans.get_mut(*attendee as usize) {
                list.push((start, end, *occurrence));
            }
        }
        spans.iter_mut().for_each(|list| list.sort_unstable());
        Self { spans, longest: world.longest() }
    }

    fn bytes(&self) -> usize {
        let list = |list: &Vec<Span>| size_of::<Vec<Span>>() + list.capacity() * size_of::<Span>();
        self.spans.iter().map(list).sum()
    }

    /// What overlaps the window, ascending.
    fn within(&self, attendee: u32, from: i64, to: i64) -> impl Iterator<Item = &Span> {
        let list = self.spans.get(attendee as usize).map_or(&[][..], Vec::as_slice);
        let first = list.partition_point(|(start, ..)| *start <= from - self.longest);
        let near = list.iter().skip(first).take_while(move |(start, ..)| *start < to);
        near.filter(move |(_, end, _)| *end > from)
    }

    fn is_busy(&self, attendee: u32, from: i64, to: i64) -> bool {
        self.within(attendee, from, to).next().is_some()
    }

    fn overlaps(&self, attendee: u32) -> usize {
        let Some(list) = self.spans.get(attendee as usize) else { return 0 };
        let each = list
            .iter()
            .enumerate()
            .map(|(at, (_, end, _))| list.iter().skip(at + 1).take_while(|(start, ..)| start < end).count());
        each.sum()
    }

    fn all(&self) -> u64 {
        (0..ATTENDEES).map(|attendee| self.overlaps(attendee) as u64).sum()
    }

    /// Where a slot begins: at `from` or when the attendee is free again.
    fn slots(&self, attendee: u32, from: i64, to: i64) -> u64 {
        let (mut slots, mut free) = (0, from);
        for (start, end, _) in self.within(attendee, from, to) {
            slots += u64::from(start - free >= SLOT);
            free = free.max(*end);
        }
        slots + u64::from(to - free >= SLOT)
    }

    fn change(&mut self, world: &World, (attendee, occurrence): (u32, u32), insert: bool) {
        let (start, end) = world.occurrence(occurrence);
        let Some(list) = self.spans.get_mut(attendee as usize) else { return };
        match (list.binary_search(&(start, end, occurrence)), insert) {
            (Err(at), true) => list.insert(at, (start, end, occurrence)),
            (Ok(at), false) => drop(list.remove(at)),
            (Ok(_), true) | (Err(_), false) => {}
        }
    }
}

pub(super) fn run(sheet: &mut Sheet, world: &World) -> Result<()> {
    let start = Instant::now();
    let mut lists = Lists::new(world);
    sheet.put(What::Load, Who::Hand, start.elapsed())?;
    sheet.put(What::Memory, Who::Hand, Figure::bytes(lists.bytes() as u64))?;
    let mut busy = 0;
    let times = Times::of(&world.questions, |(attendee, from, to)| {
        busy += u64::from(lists.is_busy(*attendee, *from, *to));
        Ok(())
    })?;
    sheet.put(What::Busy, Who::Hand, Figure::from(times).counting(busy))?;
    let mut pairs = 0;
    let times = Times::of(0..ATTENDEES, |attendee| {
        pairs += lists.overlaps(attendee) as u64;
        Ok(())
    })?;
    sheet.put(What::One, Who::Hand, Figure::from(times).counting(pairs))?;
    let start = Instant::now();
    let pairs = lists.all();
    sheet.put(What::All, Who::Hand, Figure::from(start.elapsed()).counting(pairs))?;
    let (from, to) = world.month();
    let start = Instant::now();
    let slots = (0..HOSTS).map(|host| lists.slots(host, from, to)).sum();
    sheet.put(What::Slots, Who::Hand, Figure::from(start.elapsed()).counting(slots))?;
    for (what, insert) in [(What::More, true), (What::Less, false)] {
        let times = Times::of(&world.further, |booking| {
            lists.change(world, *booking, insert);
            Ok(())
        })?;
        sheet.put(what, Who::Hand, Figure::from(times).counting(lists.all()))?;
    }
    Ok(())
}
