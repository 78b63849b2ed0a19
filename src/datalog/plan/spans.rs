//! Finds the overlap of two half-open spans among the comparisons of a rule, whatever way it is written.

use super::super::ir::{Atom, CompareOp, Expr, Function, Literal, LiteralKind, Rule, Term, Var};
use super::super::known::Known;
use super::super::value::Type;

/// A bound of a variable: what it is compared with, once everything else was taken to the other side.
pub(super) struct Limit {
    /// Which literal says so.
    pub(super) literal: usize,
    /// What the variable is compared with.
    pub(super) expr: Expr,
    /// Added to it and taken from it, in this order.
    pub(super) shifts: Vec<(Expr, bool)>,
    /// The bound itself is allowed.
    pub(super) included: bool,
    /// The comparison says nothing more than this bound.
    pub(super) exact: bool,
}

/// Two columns of an atom and what they are compared with.
pub(super) struct SpanUse {
    pub(super) start: usize,
    pub(super) end: usize,
    /// `start < before`.
    pub(super) before: Limit,
    /// `after < end`.
    pub(super) after: Limit,
}

fn mentions(expr: &Expr, var: Var) -> bool {
    match expr {
        Expr::Var(other) => *other == var,
        Expr::Const(_) => false,
        Expr::Call(_, args) => args.iter().any(|arg| mentions(arg, var)),
    }
}

/// Takes everything but `var` away from `expr`, noting what must be done to the other side.
fn isolate(expr: &Expr, var: Var, shifts: &mut Vec<(Expr, bool)>) -> bool {
    match expr {
        Expr::Var(other) => *other == var,
        Expr::Const(_) => false,
        Expr::Call(function, args) => match (function, args.as_slice()) {
            (Function::Add, [one, two]) if !mentions(two, var) => {
                shifts.push((two.clone(), true));
                isolate(one, var, shifts)
            }
            (Function::Add, [one, two]) if !mentions(one, var) => {
                shifts.push((one.clone(), true));
                isolate(two, var, shifts)
            }
            (Function::Sub, [one, two]) if !mentions(two, var) => {
                shifts.push((two.clone(), false));
                isolate(one, var, shifts)
            }
            _ => false,
        },
    }
}

/// The bound that a comparison sets to `var` from above (or, not `upper`, from below) with what is known.
fn limit(literal: &Literal, at: usize, var: Var, upper: bool, known: &Known) -> Option<Limit> {
    let LiteralKind::Compare { op, ty: Type::Number | Type::Time, left, right } = &literal.kind else { return None };
    let (small, large, included) = match op {
        CompareOp::Lt => (left, right, false),
        CompareOp::Le => (left, right, true),
        CompareOp::Gt => (right, left, false),
        CompareOp::Ge => (right, left, true),
        CompareOp::Eq | CompareOp::Ne => return None,
    };
    let (side, other) = if upper { (small, large) } else { (large, small) };
    if mentions(other, var) || !known.knows(other) {
        return None;
    }
    let mut shifts = Vec::new();
    if !isolate(side, var, &mut shifts) || !shifts.iter().all(|(by, _)| known.knows(by)) {
        return None;
    }
    let exact = shifts.is_empty() && !included;
    Some(Limit { literal: at, expr: other.clone(), shifts, included, exact })
}

fn occurrences(atom: &Atom, var: Var) -> usize {
    atom.args.iter().filter(|term| **term == Term::Var(var)).count()
}

/// Variables of the atom that are not known yet and stand in one column only.
fn open_columns<'a>(atom: &'a Atom, known: &'a Known) -> impl Iterator<Item = (usize, Var)> + Clone + 'a {
    atom.args.iter().enumerate().filter_map(move |(column, term)| match term {
        Term::Var(var) if !known.has(*var) && occurrences(atom, *var) == 1 => Some((column, *var)),
        Term::Var(_) | Term::Const(_) | Term::Any => None,
    })
}

/// The pair of columns that are bounded so that the row's span overlaps another. Both hold the same; where several pairs
/// do, two columns side by side are the span, and what is only ordered by chance is not.
pub(super) fn find(rule: &Rule, atom: &Atom, open: &[usize], known: &Known) -> Option<SpanUse> {
    let limit_of = |var, upper| {
        open.iter().find_map(|at| rule.body.get(*at).and_then(|literal| limit(literal, *at, var, upper, known)))
    };
    let ty = |var: Var| rule.vars.get(var.index()).map(|info| info.ty);
    let mut best: Option<SpanUse> = None;
    for (start, first) in open_columns(atom, known) {
        if limit_of(first, true).is_none() {
            continue;
        }
        for (end, second) in open_columns(atom, known) {
            let beside = end == start + 1;
            if start == end || ty(first) != ty(second) || (best.is_some() && !beside) {
                continue;
            }
            if let (Some(after), Some(before)) = (limit_of(second, false), limit_of(first, true)) {
                best = Some(SpanUse { start, end, before, after });
                if beside {
                    return best;
                }
            }
        }
    }
    best
}

/// Two atoms over one table whose spans overlap and whose other shared columns are the same.
pub(super) struct Pair {
    pub(super) first: usize,
    pub(super) second: usize,
    pub(super) key: Vec<usize>,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The comparisons that say so.
    pub(super) said: [usize; 2],
    pub(super) with_itself: bool,
}

/// `literal` says `small < large`.
fn says_less(literal: &Literal, small: Var, large: Var) -> bool {
    let LiteralKind::Compare { op, ty: Type::Number | Type::Time, left, right } = &literal.kind else { return false };
    match (op, left, right) {
        (CompareOp::Lt, Expr::Var(left), Expr::Var(right)) => *left == small && *right == large,
        (CompareOp::Gt, Expr::Var(left), Expr::Var(right)) => *left == large && *right == small,
        _ => false,
    }
}

fn says_differ(literal: &Literal, one: Var, two: Var) -> bool {
    let LiteralKind::Compare { op, left: Expr::Var(left), right: Expr::Var(right), .. } = &literal.kind else {
        return false;
    };
    let these = (*left == one && *right == two) || (*left == two && *right == one);
    these && matches!(op, CompareOp::Lt | CompareOp::Gt | CompareOp::Ne)
}

fn variables(atom: &Atom) -> Option<Vec<Option<Var>>> {
    let vars = atom.args.iter().map(|term| match term {
        Term::Var(var) => (occurrences(atom, *var) == 1).then_some(Some(*var)),
        Term::Any => Some(None),
        Term::Const(_) => None,
    });
    vars.collect()
}

/// Looks for two atoms that a sweep can join.
pub(super) fn pair(rule: &Rule, usable: impl Fn(&Atom) -> bool) -> Option<Pair> {
    let atoms: Vec<(usize, &Atom)> = (rule.body.iter().enumerate())
        .filter_map(|(at, literal)| match &literal.kind {
            LiteralKind::Atom(atom) if usable(atom) => Some((at, atom)),
            LiteralKind::Atom(_)
            | LiteralKind::Not { .. }
            | LiteralKind::Compare { .. }
            | LiteralKind::Range { .. }
            | LiteralKind::Aggregate(_) => None,
        })
        .collect();
    for (place, (first, one)) in atoms.iter().enumerate() {
        for (second, two) in atoms.iter().skip(place + 1) {
            if one.pred == two.pred
                && let Some(found) = pair_of(rule, (*first, one), (*second, two))
            {
                return Some(found);
            }
        }
    }
    None
}

fn pair_of(rule: &Rule, (first, one): (usize, &Atom), (second, two): (usize, &Atom)) -> Option<Pair> {
    let (left, right) = (variables(one)?, variables(two)?);
    let columns: Vec<(Option<Var>, Option<Var>)> = left.iter().copied().zip(right.iter().copied()).collect();
    let shares = |var: Var| left.contains(&Some(var)) && right.contains(&Some(var));
    let mut key = Vec::new();
    for (column, pair) in columns.iter().enumerate() {
        match pair {
            (Some(one), Some(two)) if one == two => key.push(column),
            (Some(one), Some(two)) if shares(*one) || shares(*two) => return None,
            (Some(one), None) | (None, Some(one)) if shares(*one) => return None,
            _ => {}
        }
    }
    let less = |small: Option<Var>, large: Option<Var>| {
        let (small, large) = (small?, large?);
        rule.body.iter().position(|literal| says_less(literal, small, large))
    };
    for (start, (start_one, start_two)) in columns.iter().enumerate() {
        for (end, (end_one, end_two)) in columns.iter().enumerate() {
            if start == end || key.contains(&start) || key.contains(&end) {
                continue;
            }
            if let (Some(one), Some(two)) = (less(*start_one, *end_two), less(*start_two, *end_one)) {
                let differs = |pair: &(Option<Var>, Option<Var>)| match pair {
                    (Some(one), Some(two)) => rule.body.iter().any(|literal| says_differ(literal, *one, *two)),
                    _ => false,
                };
                let with_itself = !columns.iter().any(differs);
                return Some(Pair { first, second, key, start, end, said: [one, two], with_itself });
            }
        }
    }
    None
}
