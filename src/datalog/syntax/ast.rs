//! The tree of a text. Nothing in it is higher than a bound, so that it may be walked and dropped by recursion.

use crate::datalog::ir::{AggregateKind, CompareOp, Function, Span};
use crate::datalog::value::Value;

/// A word of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ident<'s> {
    pub(crate) text: &'s str,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Expr<'s> {
    /// A variable; where a condition is wanted, a proposition.
    Name(Ident<'s>),
    /// `_`
    Any(Span),
    Const(Value, Span),
    /// A function; where a condition is wanted, an atom.
    Call(Call<'s>),
    Operator(Function, Vec<Expr<'s>>, Span),
    Aggregate(Box<Aggregate<'s>>),
}

impl Expr<'_> {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Name(ident) => ident.span,
            Self::Any(span) | Self::Const(_, span) | Self::Operator(_, _, span) => *span,
            Self::Call(call) => call.span,
            Self::Aggregate(aggregate) => aggregate.span,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Call<'s> {
    pub(crate) name: Ident<'s>,
    pub(crate) args: Vec<Expr<'s>>,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct Aggregate<'s> {
    pub(crate) kind: AggregateKind,
    pub(crate) target: Option<Expr<'s>>,
    pub(crate) body: Condition<'s>,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct Comparison<'s> {
    pub(crate) op: CompareOp,
    pub(crate) left: Expr<'s>,
    pub(crate) right: Expr<'s>,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Condition<'s> {
    Atom(Call<'s>),
    Compare(Box<Comparison<'s>>),
    Truth(bool, Span),
    Not(Box<Condition<'s>>),
    And(Vec<Condition<'s>>),
    Or(Vec<Condition<'s>>),
}

/// A fact or a rule.
#[derive(Clone, Debug)]
pub(crate) struct Clause<'s> {
    pub(crate) heads: Vec<Call<'s>>,
    pub(crate) body: Option<Condition<'s>>,
    pub(crate) span: Span,
}

/// What a predicate can be marked as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Input,
    Output,
    PrintSize,
    Maintain,
    Changeable,
    Extensible,
    /// Known to Souffle and of no meaning here.
    Storage,
    /// Its rows are an equivalence.
    Equivalence,
}

#[derive(Clone, Debug)]
pub(crate) struct ColumnText<'s> {
    pub(crate) name: Ident<'s>,
    pub(crate) ty: Ident<'s>,
    pub(crate) bound: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Declaration<'s> {
    pub(crate) names: Vec<Ident<'s>>,
    pub(crate) columns: Vec<ColumnText<'s>>,
    pub(crate) marks: Vec<(Mark, Span)>,
}

#[derive(Clone, Debug)]
pub(crate) struct TypeText<'s> {
    pub(crate) name: Ident<'s>,
    pub(crate) body: TypeBody<'s>,
}

#[derive(Clone, Debug)]
pub(crate) enum TypeBody<'s> {
    /// One of these; all have one base.
    Of(Vec<Ident<'s>>),
    Number,
    Symbol,
}

#[derive(Clone, Debug)]
pub(crate) enum Item<'s> {
    Declaration(Declaration<'s>),
    Type(TypeText<'s>),
    Mark(Mark, Vec<Ident<'s>>),
    Clause(Clause<'s>),
}
