//! Texts while an evaluation runs: those of the base, and those that it makes.

use core::cell::RefCell;
use core::cmp::Ordering;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::super::value::{Cell, Symbols, Type, Value, hash_of};

/// Bytes that a text takes besides its own, roughly.
const TEXT: u64 = 64;

/// The texts of the base with those made on the way behind them.
#[derive(Debug)]
pub(crate) struct Texts<'s> {
    symbols: &'s Symbols,
    made: RefCell<Made>,
}

#[derive(Debug, Default)]
struct Made {
    list: Vec<Value>,
    places: HashTable<u32>,
    bytes: u64,
}

impl<'s> Texts<'s> {
    pub(crate) fn new(symbols: &'s Symbols) -> Self {
        Self { symbols, made: RefCell::default() }
    }

    /// What was made: for [`Symbols::absorb`].
    pub(crate) fn into_made(self) -> Vec<Value> {
        self.made.into_inner().list
    }

    /// The cell of a value, which is taken in if it is a new text.
    pub(crate) fn encode(&self, value: &Value, ty: Type) -> Cell {
        if let Some(cell) = self.symbols.find(value, ty) {
            return cell;
        }
        let Made { list, places, bytes } = &mut *self.made.borrow_mut();
        let same = |place: &u32| list.get(*place as usize) == Some(value);
        let rehash = |place: &u32| list.get(*place as usize).map_or(0, hash_of);
        let cell = |place: u32| Cell::try_from(self.symbols.len()).unwrap_or(Cell::MAX).saturating_add(place.into());
        match places.entry(hash_of(value), same, rehash) {
            Entry::Occupied(there) => cell(*there.get()),
            Entry::Vacant(free) => {
                let place = u32::try_from(list.len()).unwrap_or(u32::MAX);
                free.insert(place);
                let length = if let Value::Symbol(text) = value { text.len() } else { 0 };
                *bytes += TEXT + u64::try_from(length).unwrap_or(u64::MAX);
                list.push(value.clone());
                cell(place)
            }
        }
    }

    pub(crate) fn decode(&self, cell: Cell, ty: Type) -> Value {
        if matches!(ty, Type::Symbol | Type::Any) && self.symbols.get(cell).is_none() {
            let place = usize::try_from(cell).unwrap_or(usize::MAX).wrapping_sub(self.symbols.len());
            if let Some(value) = self.made.borrow().list.get(place) {
                return value.clone();
            }
        }
        self.symbols.decode(cell, ty)
    }

    /// Bytes of the texts made, roughly.
    pub(crate) fn made_bytes(&self) -> u64 {
        self.made.borrow().bytes
    }

    /// The order of two cells of one type.
    pub(crate) fn compare(&self, left: Cell, right: Cell, ty: Type) -> Ordering {
        match ty {
            Type::Number | Type::Time => left.cast_signed().cmp(&right.cast_signed()),
            Type::Bool => left.cmp(&right),
            Type::Symbol | Type::Any if left == right => Ordering::Equal,
            Type::Symbol | Type::Any => match (self.symbols.get(left), self.symbols.get(right)) {
                (Some(left), Some(right)) => left.cmp(right),
                _ => self.decode(left, ty).cmp(&self.decode(right, ty)),
            },
        }
    }
}
