//! Types, values, and how a value fits into eight bytes.

use core::fmt;
use std::sync::Arc;

use crate::time::Timestamp;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Type {
    /// Whole numbers of 64 bits with a sign. A duration is a number of milliseconds.
    Number,
    /// Texts.
    Symbol,
    /// Instants, in whole milliseconds: [`Timestamp`].
    Time,
    /// Yes or no.
    Bool,
    /// Numbers and texts side by side, each equal only to its own kind. Never declared: it is what a column of a relation
    /// without a declaration comes to when rules and facts disagree about it.
    Any,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "number",
            Self::Symbol => "symbol",
            Self::Time => "time",
            Self::Bool => "bool",
            Self::Any => "any",
        })
    }
}

/// One value of a fact.
///
/// Values are ordered within their kind: numbers and instants by size, texts by their bytes, `false` before `true`.
/// Printed as a program writes them: `-4`, `"ann"`, `@2026-01-05T19:00:00Z`, `true`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A whole number.
    Number(i64),
    /// A text.
    Symbol(Arc<str>),
    /// An instant.
    Time(Timestamp),
    /// Yes or no.
    Bool(bool),
}

impl Value {
    /// The type that the value has.
    pub fn kind(&self) -> Type {
        match self {
            Self::Number(_) => Type::Number,
            Self::Symbol(_) => Type::Symbol,
            Self::Time(_) => Type::Time,
            Self::Bool(_) => Type::Bool,
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Symbol(text.into())
    }
}

impl From<Timestamp> for Value {
    fn from(instant: Timestamp) -> Self {
        Self::Time(instant)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Symbol(text) => quote(text, f),
            Self::Time(instant) => write!(f, "@{instant}"),
            Self::Bool(truth) => truth.fmt(f),
        }
    }
}

fn quote(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use fmt::Write as _;
    f.write_char('"')?;
    for letter in text.chars() {
        match letter {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            other => f.write_char(other)?,
        }
    }
    f.write_char('"')
}

/// A value in eight bytes; what it means is known from the type of its column.
///
/// Numbers and instants are their bits, truths 0 and 1, texts their place in [`Symbols`]. A column of [`Type::Any`] holds
/// places in [`Symbols`] for all of them.
pub(crate) type Cell = u64;

/// Texts, each kept once, named by their place.
///
/// What was taken in is never let go: a place means the same text as long as the engine lives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Symbols {
    entries: Vec<Value>,
    places: hashbrown::HashTable<u32>,
}

pub(crate) fn hash_of(value: &Value) -> u64 {
    use core::hash::{Hash as _, Hasher as _};
    let mut hasher = rustc_hash::FxHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Symbols {
    /// The place of a value, if it was taken in.
    fn place(&self, value: &Value) -> Option<u32> {
        let same = |place: &u32| self.entries.get(*place as usize) == Some(value);
        self.places.find(hash_of(value), same).copied()
    }

    fn take_in(&mut self, value: &Value) -> Cell {
        if let Some(place) = self.place(value) {
            return Cell::from(place);
        }
        let place = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(value.clone());
        let entries = &self.entries;
        let rehash = |place: &u32| entries.get(*place as usize).map_or(0, hash_of);
        self.places.insert_unique(hash_of(value), place, rehash);
        Cell::from(place)
    }

    /// The cell of a value in a column of this type; a text that is new is taken in.
    pub(crate) fn encode(&mut self, value: &Value, column: Type) -> Cell {
        match (column, value) {
            (Type::Any, _) | (_, Value::Symbol(_)) => self.take_in(value),
            (_, Value::Number(number)) => number.cast_unsigned(),
            (_, Value::Time(instant)) => instant.as_millis().cast_unsigned(),
            (_, Value::Bool(truth)) => Cell::from(*truth),
        }
    }

    /// The cell of a value in a column of this type; none for a text that no fact and no rule has: nothing equals it.
    pub(crate) fn find(&self, value: &Value, column: Type) -> Option<Cell> {
        match (column, value) {
            (Type::Any, _) | (_, Value::Symbol(_)) => self.place(value).map(Cell::from),
            (_, Value::Number(number)) => Some(number.cast_unsigned()),
            (_, Value::Time(instant)) => Some(instant.as_millis().cast_unsigned()),
            (_, Value::Bool(truth)) => Some(Cell::from(*truth)),
        }
    }

    /// The value that a cell of a column of this type stands for.
    pub(crate) fn decode(&self, cell: Cell, column: Type) -> Value {
        match column {
            Type::Number => Value::Number(cell.cast_signed()),
            Type::Time => Value::Time(Timestamp::from_millis(cell.cast_signed())),
            Type::Bool => Value::Bool(cell != 0),
            Type::Symbol | Type::Any => self.entry(cell),
        }
    }

    fn entry(&self, cell: Cell) -> Value {
        self.get(cell).cloned().unwrap_or_else(|| Value::Symbol(Arc::from("")))
    }

    /// Takes in texts whose places were given out behind the last one here.
    pub(crate) fn absorb(&mut self, fresh: Vec<Value>) {
        for value in fresh {
            self.take_in(&value);
        }
    }

    /// The text at a place, none if the place is not one of these.
    pub(crate) fn get(&self, cell: Cell) -> Option<&Value> {
        usize::try_from(cell).ok().and_then(|place| self.entries.get(place))
    }

    /// Texts kept.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
