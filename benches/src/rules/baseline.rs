//! What could be had: for each attendee a sorted list of spans, written by hand for this one question.

use std::time::Instant;

use super::world::World;
use super::{Times, line};

const WHO: &str = "lists by hand";

struct Lists {
    /// For each attendee start, end and occurrence, ascending.
    spans: Vec<Vec<(i64, i64, u32)>>,
    longest: i64,
}

impl Lists {
    fn new(world: &World) -> Self {
        let mut spans = vec![Vec::new(); 10_000];
        for (attendee, occurrence) in &world.bookings {
            let (start, end) = world.occurrence(*occurrence);
            if let Some(list) = spans.get_mut(*attendee as usize) {
                list.push((start, end, *occurrence));
            }
        }
        spans.iter_mut().for_each(|list| list.sort_unstable());
        let longest = world.occurrences.iter().map(|(start, end)| end - start).max().unwrap_or(0);
        Self { spans, longest }
    }

    fn is_busy(&self, attendee: u32, from: i64, to: i64) -> bool {
        let Some(list) = self.spans.get(attendee as usize) else { return false };
        let first = list.partition_point(|(start, ..)| *start <= from - self.longest);
        let near = list.iter().skip(first).take_while(|(start, ..)| *start < to);
        near.into_iter().any(|(_, end, _)| *end > from)
    }

    fn overlaps(&self) -> usize {
        let pairs = |list: &Vec<(i64, i64, u32)>| {
            let each = list
                .iter()
                .enumerate()
                .map(|(at, (_, end, _))| list.iter().skip(at + 1).take_while(|(start, ..)| start < end).count());
            each.sum::<usize>()
        };
        self.spans.iter().map(pairs).sum()
    }
}

pub(super) fn run(world: &World) {
    let start = Instant::now();
    let lists = Lists::new(world);
    line("load", WHO, format!("{:?}", start.elapsed()));
    let mut busy = 0_u32;
    let times = Times::of(&world.questions, |(attendee, from, to)| {
        busy += u32::from(lists.is_busy(*attendee, *from, *to));
    });
    line(&format!("busy in a window ({busy} are)"), WHO, times);
    let start = Instant::now();
    let pairs = lists.overlaps();
    line(&format!("all {pairs} overlaps"), WHO, format!("{:?}", start.elapsed()));
}
