//! Expressions.

use std::sync::Arc;

use super::super::ir::{CompareOp, Function, Span};
use super::super::plan::Code;
use super::super::value::{Cell, Type, Value};
use super::Exec;
use super::meter::{Stop, wide};

/// Longest text that a rule may make, in bytes.
const TEXT_MAX: usize = 64 * 1024;

/// Steps that a text takes which a function makes: so many, and one for so many bytes.
const TEXT_STEPS: u64 = 10;
const BYTES_PER_STEP: u64 = 16;

/// Whether two values are in the relation that a comparison states.
pub(super) fn holds(op: CompareOp, order: core::cmp::Ordering) -> bool {
    match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::Ne => order.is_ne(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Le => order.is_le(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Ge => order.is_ge(),
    }
}

fn number(value: i64) -> Cell {
    value.cast_unsigned()
}

fn truth(value: bool) -> Cell {
    Cell::from(value)
}

impl Exec<'_> {
    /// The value of `code`; none where a function of the host has none.
    #[inline]
    pub(super) fn value(&self, code: &Code, frame: &[Cell]) -> Result<Option<Cell>, Stop> {
        match code {
            Code::Reg(reg) => Ok(frame.get(usize::from(*reg)).copied()),
            Code::Call { function, takes, span } => self.call_function(function, takes, *span, frame),
            Code::Shifted { of, by, minus } => {
                let (Some(of), Some(by)) = (self.value(of, frame)?, self.value(by, frame)?) else { return Ok(None) };
                let (of, by) = (of.cast_signed(), by.cast_signed());
                Ok(Some(number(if *minus { of.saturating_sub(by) } else { of.saturating_add(by) })))
            }
            Code::Exact { of, by, minus } => {
                let (Some(of), Some(by)) = (self.value(of, frame)?, self.value(by, frame)?) else { return Ok(None) };
                let (of, by) = (of.cast_signed(), by.cast_signed());
                Ok((if *minus { of.checked_sub(by) } else { of.checked_add(by) }).map(number))
            }
            Code::Next(of) => Ok(self.value(of, frame)?.map(|cell| number(cell.cast_signed().saturating_add(1)))),
        }
    }

    fn call_function(
        &self,
        function: &Function,
        takes: &[Code],
        span: Span,
        frame: &[Cell],
    ) -> Result<Option<Cell>, Stop> {
        if let [one, two] = takes
            && let Some(apply) = binary(function)
        {
            let (Some(one), Some(two)) = (self.value(one, frame)?, self.value(two, frame)?) else { return Ok(None) };
            let (one, two) = (one.cast_signed(), two.cast_signed());
            return match apply(one, two) {
                Some(result) => Ok(Some(number(result))),
                None => Err(Stop::Arithmetic(format!("{one} {} {two} has no value", function.name()), span)),
            };
        }
        let mut cells = Vec::with_capacity(takes.len());
        for code in takes {
            let Some(cell) = self.value(code, frame)? else { return Ok(None) };
            cells.push(cell);
        }
        self.apply(function, &cells, span)
    }

    fn apply(&self, function: &Function, cells: &[Cell], span: Span) -> Result<Option<Cell>, Stop> {
        let first = cells.first().copied().unwrap_or(0);
        let result = match function {
            Function::Neg => match first.cast_signed().checked_neg() {
                Some(result) => number(result),
                None => return Err(Stop::Arithmetic(format!("-({}) has no value", first.cast_signed()), span)),
            },
            Function::BitNot => number(!first.cast_signed()),
            Function::LogicNot => truth(first == 0),
            Function::Min(ty) | Function::Max(ty) => {
                let wanted = if matches!(function, Function::Min(_)) { CompareOp::Lt } else { CompareOp::Gt };
                cells.iter().copied().fold(first, |best, cell| {
                    if holds(wanted, self.texts.compare(cell, best, *ty)) { cell } else { best }
                })
            }
            Function::Cat => self.cat(cells, span)?,
            Function::StrLen => number(self.text(first).chars().count().try_into().unwrap_or(i64::MAX)),
            Function::Substr => self.substr(cells)?,
            Function::Ord => first,
            Function::ToNumber => match self.text(first).trim().parse::<i64>() {
                Ok(parsed) => number(parsed),
                Err(_) => return Err(Stop::Arithmetic(format!("{:?} is no number", self.text(first)), span)),
            },
            Function::ToText(ty) => {
                let text = match self.texts.decode(first, *ty) {
                    Value::Symbol(text) => return self.made(text).map(Some),
                    Value::Number(number) => number.to_string(),
                    Value::Time(instant) => instant.to_string(),
                    Value::Bool(truth) => truth.to_string(),
                };
                self.made(text.into())?
            }
            Function::Host(host) => {
                let decode = |(cell, ty): (&Cell, &Type)| self.texts.decode(*cell, *ty);
                let values: Vec<Value> = cells.iter().zip(&host.takes).map(decode).collect();
                let given = (host.body)(&values);
                return match given.filter(|value| value.kind() == host.gives) {
                    Some(Value::Symbol(text)) => self.made(text).map(Some),
                    other => Ok(other.map(|value| self.texts.encode(&value, host.gives))),
                };
            }
            // Of two numbers: see `binary`.
            Function::Add
            | Function::Sub
            | Function::Mul
            | Function::Div
            | Function::Rem
            | Function::Pow
            | Function::BitAnd
            | Function::BitOr
            | Function::BitXor
            | Function::ShiftLeft
            | Function::ShiftRight
            | Function::ShiftRightUnsigned
            | Function::LogicAnd
            | Function::LogicOr
            | Function::LogicXor => return Ok(None),
        };
        Ok(Some(result))
    }

    fn text(&self, cell: Cell) -> Arc<str> {
        match self.texts.decode(cell, Type::Symbol) {
            Value::Symbol(text) => text,
            Value::Number(_) | Value::Time(_) | Value::Bool(_) => "".into(),
        }
    }

    fn cat(&self, cells: &[Cell], span: Span) -> Result<Cell, Stop> {
        let mut text = String::new();
        for cell in cells {
            text.push_str(&self.text(*cell));
            if text.len() > TEXT_MAX {
                return Err(Stop::Arithmetic(format!("cat gives a text of more than {TEXT_MAX} bytes"), span));
            }
        }
        self.made(text.into())
    }

    /// `substr(text, from, length)` in characters; what lies outside is left out.
    fn substr(&self, cells: &[Cell]) -> Result<Cell, Stop> {
        let text = self.text(cells.first().copied().unwrap_or(0));
        let place = |at: usize| usize::try_from(cells.get(at).copied().unwrap_or(0).cast_signed()).unwrap_or(0);
        // Characters are counted from the start, however little is wanted of them.
        self.meter.steps(wide(text.len()) / BYTES_PER_STEP)?;
        let part: String = text.chars().skip(place(1)).take(place(2)).collect();
        self.made(part.into())
    }

    /// The cell of a text that a function gave. Making and finding it costs steps, and room if it is new.
    fn made(&self, text: Arc<str>) -> Result<Cell, Stop> {
        self.meter.steps(TEXT_STEPS + wide(text.len()) / BYTES_PER_STEP)?;
        let before = self.texts.made_bytes();
        let cell = self.texts.encode(&Value::Symbol(text), Type::Symbol);
        self.meter.keep(self.texts.made_bytes() - before)?;
        Ok(cell)
    }
}

/// What a function of two numbers does; none if it is no such function.
fn binary(function: &Function) -> Option<fn(i64, i64) -> Option<i64>> {
    Some(match function {
        Function::Add => i64::checked_add,
        Function::Sub => i64::checked_sub,
        Function::Mul => i64::checked_mul,
        Function::Div => i64::checked_div,
        Function::Rem => i64::checked_rem,
        Function::Pow => |base, exponent| base.checked_pow(u32::try_from(exponent).ok()?),
        Function::BitAnd => |one, two| Some(one & two),
        Function::BitOr => |one, two| Some(one | two),
        Function::BitXor => |one, two| Some(one ^ two),
        Function::ShiftLeft => |one, two| Some(one.wrapping_shl(low_bits(two))),
        Function::ShiftRight => |one, two| Some(one.wrapping_shr(low_bits(two))),
        Function::ShiftRightUnsigned => |one, two| Some(one.cast_unsigned().wrapping_shr(low_bits(two)).cast_signed()),
        Function::LogicAnd => |one, two| Some(i64::from(one != 0 && two != 0)),
        Function::LogicOr => |one, two| Some(i64::from(one != 0 || two != 0)),
        Function::LogicXor => |one, two| Some(i64::from((one != 0) != (two != 0))),
        Function::Neg
        | Function::Min(_)
        | Function::Max(_)
        | Function::BitNot
        | Function::LogicNot
        | Function::Cat
        | Function::StrLen
        | Function::Substr
        | Function::Ord
        | Function::ToNumber
        | Function::ToText(_)
        | Function::Host(_) => return None,
    })
}

/// A shift by more than 63 goes round, as machines and Souffle have it.
fn low_bits(by: i64) -> u32 {
    u32::try_from(by & 63).unwrap_or(0)
}
