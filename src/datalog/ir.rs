//! A program as it is evaluated: names resolved, types known, safe and stratified.
//!
//! Everything here is made by [`compile`](super::compile), which has checked it. Rules are in the shape that evaluation
//! wants: the arguments of an atom in a body are variables, constants or `_`; what was an expression there has become a
//! comparison of its own; a disjunction has become several rules with one clause.

use std::sync::Arc;

use super::functions::HostFunction;
use super::value::{Type, Value};

/// A place in the texts that a program was compiled from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Which text, from 0: its place among the sources.
    pub source: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

/// Place of a predicate among [`Program::predicates`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PredId(pub(crate) u32);

/// Place of a variable among [`Rule::vars`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Var(pub(crate) u16);

impl PredId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

impl Var {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A column of a predicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, of the declaration; `c0`, `c1`, ... where there is none.
    pub name: Arc<str>,
    /// What it holds.
    pub ty: Type,
    /// Declared with `+`: whoever asks gives the value.
    pub bound: bool,
}

/// What is known of a predicate.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent marks of a declaration")]
pub struct Predicate {
    /// Its name.
    pub name: Arc<str>,
    /// Its columns; none for a proposition.
    pub columns: Vec<Column>,
    /// `.input`: facts come from outside.
    pub input: bool,
    /// `.output`: printed by the command line.
    pub output: bool,
    /// `.printsize`: the command line prints how many there are.
    pub printsize: bool,
    /// `maintain`: kept and kept right under every change.
    pub maintain: bool,
    /// `changeable`: a repair may add or remove its facts.
    pub changeable: bool,
    /// `extensible`: other sources may add rules.
    pub extensible: bool,
    /// Some rule has it as its head.
    pub derived: bool,
    /// Where it was declared, or first used.
    pub span: Span,
}

impl Predicate {
    /// Whether some column must be given by whoever asks, so that there is no list of all its rows.
    pub fn is_parametric(&self) -> bool {
        self.columns.iter().any(|column| column.bound)
    }
}

/// A variable of a rule.
#[derive(Clone, Debug)]
pub(crate) struct VarInfo {
    pub(crate) name: Arc<str>,
    pub(crate) ty: Type,
}

/// An argument of an atom in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    Var(Var),
    Const(Value),
    /// `_`: any value. In a negated atom: no value at all.
    Any,
}

/// A predicate with its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Atom {
    pub(crate) pred: PredId,
    pub(crate) args: Vec<Term>,
}

/// What is computed.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Var(Var),
    Const(Value),
    Call(Function, Vec<Expr>),
}

/// What computes. Types were checked: each is given what it takes.
#[derive(Clone, Debug)]
pub(crate) enum Function {
    /// On numbers; of a time and a number a time, of two times (`Sub`) a number. Overflow ends the evaluation with a typed
    /// error, as does a divisor of zero.
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
    Neg,
    /// Of two and more values of one type.
    Min(Type),
    Max(Type),
    BitAnd,
    BitOr,
    BitXor,
    BitNot,
    ShiftLeft,
    ShiftRight,
    ShiftRightUnsigned,
    /// Logic on numbers, 0 being false, as Souffle has it.
    LogicAnd,
    LogicOr,
    LogicXor,
    LogicNot,
    /// On texts.
    Cat,
    StrLen,
    Substr,
    /// `ord`: a number for each text, in the order in which they were first met.
    Ord,
    ToNumber,
    ToText(Type),
    /// A function of the host.
    Host(HostFunction),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// What is counted over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AggregateKind {
    Count,
    Sum,
    Min,
    Max,
}

/// `result = kind target : { body }`: over the distinct bindings of the variables in `body` and the rows that its `_`
/// stand for. Count and sum of nothing are 0; min and max of nothing hold for no result.
#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    pub(crate) kind: AggregateKind,
    pub(crate) result: Var,
    /// None for count.
    pub(crate) target: Option<Expr>,
    pub(crate) body: Vec<Literal>,
    /// Variables of `body` that also occur outside it, ascending: bound before the aggregate is worked out.
    pub(crate) group: Vec<Var>,
}

/// One condition of a body.
#[derive(Clone, Debug)]
pub(crate) struct Literal {
    pub(crate) kind: LiteralKind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum LiteralKind {
    Atom(Atom),
    /// No row of the atom. Variables that occur in no other literal (and not in the head) mean any value, each the same one
    /// throughout the atom: they are listed in `local`, ascending.
    Not {
        atom: Atom,
        local: Vec<Var>,
    },
    /// `=` also binds a variable that stands alone on one side.
    Compare {
        op: CompareOp,
        ty: Type,
        left: Expr,
        right: Expr,
    },
    /// `var = range(from, to, step)`: from inclusive, to exclusive; a step of 0 gives nothing; none means 1 upwards or -1
    /// downwards.
    Range {
        var: Var,
        from: Expr,
        to: Expr,
        step: Option<Expr>,
    },
    Aggregate(Aggregate),
}

impl LiteralKind {
    /// The atom, if it is one that is not negated.
    pub(crate) fn as_atom(&self) -> Option<&Atom> {
        match self {
            Self::Atom(atom) => Some(atom),
            Self::Not { .. } | Self::Compare { .. } | Self::Range { .. } | Self::Aggregate(_) => None,
        }
    }
}

/// One rule. Its variables have numbers of its own.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) head: PredId,
    pub(crate) args: Vec<Expr>,
    pub(crate) body: Vec<Literal>,
    pub(crate) vars: Vec<VarInfo>,
    /// The clause in the text; rules that a disjunction was taken apart to share it.
    pub(crate) span: Span,
}

/// A fact that stands in the text.
#[derive(Clone, Debug)]
pub(crate) struct TextFact {
    pub(crate) pred: PredId,
    pub(crate) row: Vec<Value>,
    pub(crate) span: Span,
}

/// Predicates that depend on one another, or one that does not depend on itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stratum {
    pub(crate) preds: Vec<PredId>,
    pub(crate) recursive: bool,
}

/// A text that a program is compiled from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// How diagnostics and proofs name it, such as a file name.
    pub name: Arc<str>,
    /// The program text.
    pub text: Arc<str>,
}

/// A checked program. See [`compile`](super::compile).
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) predicates: Vec<Predicate>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) facts: Vec<TextFact>,
    /// Each after all that it rests on.
    pub(crate) strata: Vec<Stratum>,
    pub(crate) sources: Vec<Source>,
}

/// A conjunction that is asked of a program. See [`Program::query`].
///
/// Its answers have one column for each variable, in the order in which the variables first occur in the text.
#[derive(Clone, Debug)]
pub struct Query {
    /// The head's predicate is not among those of the program; its arguments are the columns.
    pub(crate) rule: Rule,
    pub(crate) columns: Vec<Column>,
}

impl Query {
    /// The columns of an answer.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
}

/// A ground atom: a predicate and a value for each column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    pub(crate) pred: PredId,
    pub(crate) row: Vec<Value>,
}

impl Fact {
    /// Its predicate.
    pub fn predicate(&self) -> PredId {
        self.pred
    }

    /// Its values, one for each column.
    pub fn row(&self) -> &[Value] {
        &self.row
    }
}

impl Program {
    /// All predicates, in the order of their first appearance.
    pub fn predicates(&self) -> &[Predicate] {
        &self.predicates
    }

    /// All predicates with the places that name them.
    pub fn named(&self) -> impl Iterator<Item = (PredId, &Predicate)> {
        (0..).map(PredId).zip(&self.predicates)
    }

    /// The texts it was compiled from.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The predicate of that name.
    pub fn find(&self, name: &str) -> Option<PredId> {
        let at = self.predicates.iter().position(|predicate| &*predicate.name == name)?;
        u32::try_from(at).ok().map(PredId)
    }

    /// What is known of a predicate; none if it is of another program.
    pub fn predicate(&self, pred: PredId) -> Option<&Predicate> {
        self.predicates.get(pred.index())
    }
}
