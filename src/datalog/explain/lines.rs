//! Conditions as text, with values in the place of variables.

use std::sync::Arc;

use super::super::ir::{
    Aggregate, Atom, Expr, Fact, Function, Literal, LiteralKind, PredId, Program, Rule, Term, Var, VarInfo,
};
use super::super::value::Value;
use super::proof::RuleRef;

/// Characters of a clause that are shown.
const CLAUSE_MAX: usize = 240;

/// What is needed to write the conditions of one rule.
pub(super) struct Lines<'a> {
    pub(super) program: &'a Program,
    pub(super) vars: &'a [VarInfo],
    pub(super) value: &'a dyn Fn(Var) -> Option<Value>,
}

pub(super) fn name(program: &Program, pred: PredId) -> Arc<str> {
    program.predicate(pred).map_or_else(|| "?".into(), |predicate| Arc::clone(&predicate.name))
}

/// A fact as a program writes it.
pub(super) fn fact_text(name: &str, fact: &Fact) -> String {
    let row: Vec<String> = fact.row.iter().map(ToString::to_string).collect();
    format!("{name}({})", row.join(", "))
}

/// Where a rule stands, and its text on one line.
pub(super) fn rule_ref(program: &Program, rule: &Rule) -> RuleRef {
    let source = program.sources.get(usize::try_from(rule.span.source).unwrap_or(usize::MAX));
    let words: Vec<&str> = program.clause(rule.span).split_whitespace().collect();
    let mut clause = words.join(" ");
    if clause.chars().count() > CLAUSE_MAX {
        clause = clause.chars().take(CLAUSE_MAX - 3).chain("...".chars()).collect();
    }
    let source = source.map_or_else(|| "".into(), |source| Arc::clone(&source.name));
    RuleRef { source, line: rule.span.line, clause: clause.into() }
}

impl Lines<'_> {
    pub(super) fn literal(&self, literal: &Literal) -> String {
        match &literal.kind {
            LiteralKind::Atom(atom) => self.atom(atom),
            LiteralKind::Not { atom, .. } => format!("!{}", self.atom(atom)),
            LiteralKind::Compare { op, left, right, .. } => {
                format!("{} {op} {}", self.expr(left, false), self.expr(right, false))
            }
            LiteralKind::Range { var, from, to, step } => {
                let bounds = [Some(from), Some(to), step.as_ref()];
                let bounds: Vec<String> = bounds.into_iter().flatten().map(|expr| self.expr(expr, false)).collect();
                format!("{} = range({})", self.var(*var), bounds.join(", "))
            }
            LiteralKind::Aggregate(aggregate) => {
                format!("{} = {}", self.var(aggregate.result), self.aggregate(aggregate))
            }
        }
    }

    /// The head of a rule.
    pub(super) fn head(&self, rule: &Rule) -> String {
        let args: Vec<String> = rule.args.iter().map(|arg| self.expr(arg, false)).collect();
        format!("{}({})", name(self.program, rule.head), args.join(", "))
    }

    /// The aggregate without its result.
    pub(super) fn aggregate(&self, aggregate: &Aggregate) -> String {
        let target =
            aggregate.target.as_ref().map_or_else(String::new, |target| format!(" {}", self.expr(target, false)));
        let body: Vec<String> = aggregate.body.iter().map(|literal| self.literal(literal)).collect();
        format!("{}{target} : {{ {} }}", aggregate.kind, body.join(", "))
    }

    /// The atom; what has no value is `_`, or named if it stands in two places.
    pub(super) fn atom(&self, atom: &Atom) -> String {
        let times = |var: Var| atom.args.iter().filter(|term| **term == Term::Var(var)).count();
        let arg = |term: &Term| match term {
            Term::Any => "_".to_owned(),
            Term::Const(value) => value.to_string(),
            Term::Var(var) if (self.value)(*var).is_none() && times(*var) == 1 => "_".to_owned(),
            Term::Var(var) => self.var(*var),
        };
        let args: Vec<String> = atom.args.iter().map(arg).collect();
        format!("{}({})", name(self.program, atom.pred), args.join(", "))
    }

    fn var(&self, var: Var) -> String {
        match (self.value)(var) {
            Some(value) => value.to_string(),
            None => self.vars.get(var.index()).map_or_else(|| "_".to_owned(), |info| info.name.to_string()),
        }
    }

    fn expr(&self, expr: &Expr, inside: bool) -> String {
        match expr {
            Expr::Var(var) => self.var(*var),
            Expr::Const(value) => value.to_string(),
            Expr::Call(function, args) => {
                let shown: Vec<String> = args.iter().map(|arg| self.expr(arg, true)).collect();
                match (function.sign(), shown.as_slice()) {
                    (Some(sign), [one, two]) if inside => format!("({one} {sign} {two})"),
                    (Some(sign), [one, two]) => format!("{one} {sign} {two}"),
                    (_, [one]) if matches!(function, Function::Neg) => format!("-{one}"),
                    _ => format!("{}({})", function.name(), shown.join(", ")),
                }
            }
        }
    }
}
