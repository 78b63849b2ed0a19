//! How functions, comparisons and aggregates are written in a program.

use core::fmt;

use super::ir::{AggregateKind, CompareOp, Function};

impl Function {
    /// Its name, or its sign.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Add => "+",
            Self::Sub | Self::Neg => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::Pow => "^",
            Self::Min(_) => "min",
            Self::Max(_) => "max",
            Self::BitAnd => "band",
            Self::BitOr => "bor",
            Self::BitXor => "bxor",
            Self::BitNot => "bnot",
            Self::ShiftLeft => "bshl",
            Self::ShiftRight => "bshr",
            Self::ShiftRightUnsigned => "bshru",
            Self::LogicAnd => "land",
            Self::LogicOr => "lor",
            Self::LogicXor => "lxor",
            Self::LogicNot => "lnot",
            Self::Cat => "cat",
            Self::StrLen => "strlen",
            Self::Substr => "substr",
            Self::Ord => "ord",
            Self::ToNumber => "to_number",
            Self::ToText(_) => "to_string",
            Self::Host(host) => &host.name,
        }
    }

    /// What stands between its two values; none for what is written as a call, and for `-` before a value.
    pub(crate) fn sign(&self) -> Option<&str> {
        let between = matches!(
            self,
            Self::Add
                | Self::Sub
                | Self::Mul
                | Self::Div
                | Self::Rem
                | Self::Pow
                | Self::BitAnd
                | Self::BitOr
                | Self::BitXor
                | Self::ShiftLeft
                | Self::ShiftRight
                | Self::ShiftRightUnsigned
                | Self::LogicAnd
                | Self::LogicOr
                | Self::LogicXor
        );
        between.then(|| self.name())
    }
}

impl fmt::Display for CompareOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        })
    }
}

impl fmt::Display for AggregateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
        })
    }
}
