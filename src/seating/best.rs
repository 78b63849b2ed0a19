//! Which free seats are best.

use std::collections::BTreeSet;

use super::place::Place;
use super::plan::{Plan, Seat};
use super::state::{Part, Seating};
use crate::id::TicketType;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// How many seats, at least one.
    pub seats: u32,
    /// Which kind of ticket.
    pub ticket: Option<&'a TicketType>,
    /// No pieces: rather nothing.
    pub together: bool,
    /// Accessible seats and no others. Otherwise those are given only where the others do not suffice.
    pub accessible: bool,
}

impl<'a> Wanted<'a> {
    /// So many seats, of no particular kind, in pieces if need be.
    pub fn seats(seats: u32) -> Self {
        Self { seats, ticket: None, together: false, accessible: false }
    }

    /// The same for this kind of ticket.
    #[must_use]
    pub fn for_ticket(self, ticket: Option<&'a TicketType>) -> Self {
        Self { ticket, ..self }
    }

    /// The same, all of them neighbours or none at all.
    #[must_use]
    pub fn together(self, together: bool) -> Self {
        Self { together, ..self }
    }

    fn count(&self) -> usize {
        usize::try_from(self.seats).unwrap_or(usize::MAX)
    }

    /// Which seats come into question, in the order in which they are tried.
    fn kinds(&self) -> &'static [Kind] {
        if self.accessible { &[Kind::Accessible] } else { &[Kind::Ordinary, Kind::All] }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ordinary,
    Accessible,
    All,
}

impl Kind {
    fn has(self, seat: &Seat) -> bool {
        match self {
            Self::Ordinary => !seat.accessible,
            Self::Accessible => seat.accessible,
            Self::All => true,
        }
    }

    fn of(self, part: &Part) -> usize {
        match self {
            Self::Ordinary => part.total.saturating_sub(part.accessible),
            Self::Accessible => part.accessible,
            Self::All => part.total,
        }
    }
}

/// Neighbours: section, first seat, how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    section: usize,
    first: usize,
    length: usize,
}

/// What makes one block better than another; the least is best.
type Rank = (u64, u64, u64);

/// Where the best block is looked for.
#[derive(Clone, Copy)]
struct Search<'a> {
    wanted: &'a Wanted<'a>,
    kind: Kind,
    seed: u64,
    /// Section, row, and how far from the middle of the row, in halves of a seat.
    near: Option<(usize, usize, i64)>,
    /// What is near is better than what leaves no single.
    nearest: bool,
}

/// To choose looks at every row at most once, and in a row at every seat, if as many are free in it as are wanted: a time in
/// proportion to the seats of the map at worst, and to those of a few rows as long as there is room in the front.
impl Seating {
    /// The best free seats for a party; none if there are too few, or too few together. See the
    /// [room](crate::seating) for what is best. The same arguments always give the same seats.
    pub fn best_available(&self, wanted: &Wanted<'_>, seed: u64) -> Option<BTreeSet<Place>> {
        self.choose(wanted, seed, None)
    }

    /// As [`Seating::best_available`], but what is nearest to these places rather than to the front and the middle: the
    /// nearest row that has a block which leaves no single.
    pub fn nearest_to(&self, places: &BTreeSet<Place>, wanted: &Wanted<'_>, seed: u64) -> Option<BTreeSet<Place>> {
        self.choose(wanted, seed, self.middle(places))
    }

    /// So many seats more for a party that has these places: one by one what is nearest to all it has by then, in the
    /// nearest row with a free seat. None if there are too few, or they must be together and cannot.
    pub fn beside(&self, places: &BTreeSet<Place>, wanted: &Wanted<'_>, seed: u64) -> Option<BTreeSet<Place>> {
        let one = Wanted { seats: 1, ..*wanted };
        wanted.kinds().iter().find_map(|kind| {
            if self.count(wanted, *kind) < wanted.count() {
                return None;
            }
            let (mut rest, mut all) = (self.clone(), places.clone());
            for _ in 0..wanted.seats {
                let near = rest.middle(&all);
                let search = Search { wanted: &one, kind: *kind, seed, near, nearest: true };
                let place = rest.block(&search).and_then(|block| rest.places(block).next().cloned())?;
                rest.take(&place);
                all.insert(place);
            }
            let good = !wanted.together || self.map().are_together(&all);
            good.then(|| all.difference(places).cloned().collect())
        })
    }

    /// The free seats that are single once these places are taken, and were not before.
    pub fn singles_left(&self, taken: &BTreeSet<Place>) -> BTreeSet<Place> {
        let mut rest = self.clone();
        for place in taken {
            rest.take(place);
        }
        let mut singles = BTreeSet::new();
        for (number, at) in taken.iter().filter_map(|place| self.map().find(place)) {
            let Some((plan, part)) = rest.section(number) else { continue };
            let beside =
                [at.checked_sub(1).filter(|before| plan.joins(*before)), Some(at + 1).filter(|_| plan.joins(at))];
            let single = |at: &usize| part.is_free(*at) && !has_free_neighbour(plan, part, *at);
            let places = beside.into_iter().flatten().filter(single).filter_map(|at| plan.seats.get(at));
            singles.extend(places.map(|seat| seat.place.clone()));
        }
        singles
    }

    fn choose(&self, wanted: &Wanted<'_>, seed: u64, near: Option<(usize, usize, i64)>) -> Option<BTreeSet<Place>> {
        if wanted.seats == 0 {
            return None;
        }
        wanted.kinds().iter().find_map(|kind| {
            let search = Search { wanted, kind: *kind, seed, near, nearest: false };
            if self.count(wanted, *kind) < wanted.count() {
                return None;
            }
            match self.block(&search) {
                Some(block) => Some(self.places(block).cloned().collect()),
                None if wanted.together => None,
                None => self.pieces(&search),
            }
        })
    }

    fn count(&self, wanted: &Wanted<'_>, kind: Kind) -> usize {
        self.admitting(wanted.ticket).map(|(_, _, part)| kind.of(part)).sum()
    }

    fn places(&self, block: Block) -> impl Iterator<Item = &Place> {
        let plan = self.section(block.section).map(|(plan, _)| plan);
        let seats = plan.and_then(|plan| plan.seats.get(block.first..block.first + block.length));
        seats.into_iter().flatten().map(|seat| &seat.place)
    }

    /// The best block, if there is any.
    fn block(&self, search: &Search<'_>) -> Option<Block> {
        let mut with_single = None;
        for (section, row) in self.rows(search) {
            let Some((rank, block)) = self.section(section).and_then(|(plan, part)| {
                if part.in_row.get(row)? < &search.wanted.count() {
                    None
                } else {
                    best_of(section, row, plan, part, search)
                }
            }) else {
                continue;
            };
            if search.nearest || rank.0 == 0 {
                return Some(block);
            }
            with_single.get_or_insert(block);
        }
        with_single
    }

    /// The rows that come into question, the best first.
    fn rows<'a>(&'a self, search: &'a Search<'_>) -> impl Iterator<Item = (usize, usize)> + 'a {
        let admitting = self.admitting(search.wanted.ticket);
        let rows = admitting.flat_map(|(section, plan, _)| (0..plan.rows.len()).map(move |row| (section, row)));
        let sorted = search.near.map(|(section, near, _)| {
            let mut rows: Vec<_> =
                self.admitting(search.wanted.ticket).map(|(at, plan, _)| (at, plan.rows.len())).collect();
            rows.sort_by_key(|(at, _)| at.abs_diff(section));
            let of = |(at, count): (usize, usize)| {
                let mut of: Vec<_> = (0..count).map(|row| (at, row)).collect();
                of.sort_by_key(|(_, row)| row.abs_diff(near));
                of
            };
            rows.into_iter().flat_map(of).collect::<Vec<_>>()
        });
        let (near, front) = if sorted.is_some() { (sorted, None) } else { (None, Some(rows)) };
        near.into_iter().flatten().chain(front.into_iter().flatten())
    }

    /// As few blocks as there can be: the longest first, and of one that is too long its best part.
    fn pieces(&self, search: &Search<'_>) -> Option<BTreeSet<Place>> {
        let (mut chosen, mut rest, mut missing) = (BTreeSet::new(), self.clone(), search.wanted.count());
        for block in self.stretches(search) {
            if block.length > missing {
                let wanted = Wanted { seats: u32::try_from(missing).ok()?, ..*search.wanted };
                let last = rest.block(&Search { wanted: &wanted, ..*search })?;
                chosen.extend(rest.places(last).cloned());
                return Some(chosen);
            }
            missing -= block.length;
            for place in self.places(block) {
                rest.take(place);
                chosen.insert(place.clone());
            }
            if missing == 0 {
                return Some(chosen);
            }
        }
        None
    }

    /// All blocks that cannot be longer, the longest first, of equals the best row's.
    fn stretches(&self, search: &Search<'_>) -> Vec<Block> {
        let mut found: Vec<Block> = Vec::new();
        for (section, row) in self.rows(search) {
            let Some((plan, part)) = self.section(section) else { continue };
            let Some(row) = plan.rows.get(row).filter(|_| part.in_row.get(row) > Some(&0)) else { continue };
            let mut length = 0;
            for at in row.seats.clone() {
                length = grown(length, at, plan, part, search.kind);
                match found.last_mut().filter(|_| length > 1) {
                    Some(block) => block.length = length,
                    None if length == 1 => found.push(Block { section, first: at, length }),
                    None => {}
                }
            }
        }
        found.sort_by_key(|block| core::cmp::Reverse(block.length));
        found
    }

    /// Where places stand on the whole: the row of the first that the map has, and the middle of those in it.
    fn middle(&self, places: &BTreeSet<Place>) -> Option<(usize, usize, i64)> {
        let mut found: Vec<_> = places.iter().filter_map(|place| self.map().find(place)).collect();
        found.sort_unstable();
        let (section, first) = *found.first()?;
        let (plan, _) = self.section(section)?;
        let row = plan.seats.get(first)?.row;
        let here = found.iter().filter(|(at, _)| *at == section).filter_map(|(_, at)| plan.seats.get(*at));
        let slots: Vec<i64> = here.filter(|seat| seat.row == row).map(|seat| seat.slot).collect();
        let twice = 2 * slots.iter().sum::<i64>() / i64::try_from(slots.len()).ok()?.max(1);
        Some((section, row, twice - (plan.rows.get(row)?.slots - 1)))
    }
}

/// Length of the block that ends with a seat, if the block that ends before it has this length.
fn grown(length: usize, at: usize, plan: &Plan, part: &Part, kind: Kind) -> usize {
    if !part.is_free(at) || !plan.seats.get(at).is_some_and(|seat| kind.has(seat)) {
        0
    } else if length > 0 && plan.joins(at - 1) {
        length + 1
    } else {
        1
    }
}

/// The best block of a row.
fn best_of(section: usize, row: usize, plan: &Plan, part: &Part, search: &Search<'_>) -> Option<(Rank, Block)> {
    let (count, row) = (search.wanted.count(), plan.rows.get(row)?);
    let target = search.near.map_or(0, |(_, _, offset)| offset) + row.slots - 1;
    let (mut length, mut best) = (0, None);
    for at in row.seats.clone() {
        length = grown(length, at, plan, part, search.kind);
        if length < count {
            continue;
        }
        let block = Block { section, first: at + 1 - count, length: count };
        let slot = |at: usize| plan.seats.get(at).map_or(0, |seat| seat.slot);
        let distance = (slot(block.first) + slot(at)).abs_diff(target);
        let single = u64::from(leaves_single(plan, part, block));
        let luck = mixed(search.seed ^ ((section as u64) << 32) ^ block.first as u64);
        let rank = if search.nearest { (distance, single, luck) } else { (single, distance, luck) };
        if best.is_none_or(|(least, _)| rank < least) {
            best = Some((rank, block));
        }
    }
    best
}

/// Whether a free seat beside the block has no other free neighbour.
fn leaves_single(plan: &Plan, part: &Part, block: Block) -> bool {
    let (first, last) = (block.first, block.first + block.length - 1);
    let free_before = |at: usize| at > 0 && plan.joins(at - 1) && part.is_free(at - 1);
    let free_after = |at: usize| plan.joins(at) && part.is_free(at + 1);
    let before = free_before(first) && !free_before(first - 1);
    before || (free_after(last) && !free_after(last + 1))
}

fn has_free_neighbour(plan: &Plan, part: &Part, at: usize) -> bool {
    (at > 0 && plan.joins(at - 1) && part.is_free(at - 1)) || (plan.joins(at) && part.is_free(at + 1))
}

/// Spreads a number over all numbers of its size: the finalizer of `SplitMix64`.
fn mixed(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
