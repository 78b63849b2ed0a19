//! Texts while an evaluation runs: those of the base, and those that it makes.

use core::cell::RefCell;
use core::cmp::Ordering;
use std::collections::BTreeMap;

use super::super::value::{Cell, Symbols, Type, Value};

/// The texts of the base with those made on the way behind them.
#[derive(Debug)]
pub(crate) struct Texts<'s> {
    symbols: &'s Symbols,
    made: RefCell<Made>,
}

#[derive(Debug, Default)]
struct Made {
    list: Vec<Value>,
    places: BTreeMap<Value, Cell>,
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
        let mut made = self.made.borrow_mut();
        if let Some(cell) = made.places.get(value) {
            return *cell;
        }
        let cell = Cell::try_from(self.symbols.len() + made.list.len()).unwrap_or(Cell::MAX);
        let length = if let Value::Symbol(text) = value { text.len() } else { 0 };
        made.bytes += 64 + u64::try_from(length).unwrap_or(u64::MAX);
        made.list.push(value.clone());
        made.places.insert(value.clone(), cell);
        cell
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
