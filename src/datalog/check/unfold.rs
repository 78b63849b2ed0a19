//! A condition as a list of conjunctions, with negation in front of atoms only.

use crate::datalog::diagnostic::Finding;
use crate::datalog::ir::{CompareOp, Span};
use crate::datalog::syntax::{Call, Comparison, Condition, Expr};

/// Rules that one clause comes to.
const ALTERNATIVES_MAX: usize = 1_000;

/// Literals of a rule.
pub(super) const LITERALS_MAX: usize = 256;

/// One member of a conjunction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'c, 's> {
    Atom {
        call: &'c Call<'s>,
        negated: bool,
        /// Stood in a negated group with others.
        grouped: bool,
    },
    Compare {
        op: CompareOp,
        left: &'c Expr<'s>,
        right: &'c Expr<'s>,
        span: Span,
    },
    Truth(bool, Span),
}

/// Any of these, each of which is all of its members.
pub(super) type Alternatives<'c, 's> = Vec<Vec<Step<'c, 's>>>;

type Unfolded<'c, 's> = Result<Alternatives<'c, 's>, Finding>;

/// How the condition is looked at.
#[derive(Clone, Copy)]
struct View {
    negated: bool,
    grouped: bool,
    clause: Span,
}

/// Takes a condition apart.
pub(super) fn unfold<'c, 's>(condition: &'c Condition<'s>, clause: Span) -> Unfolded<'c, 's> {
    apart(condition, View { negated: false, grouped: false, clause })
}

fn apart<'c, 's>(condition: &'c Condition<'s>, view: View) -> Unfolded<'c, 's> {
    match condition {
        Condition::Atom(call) => atom(call, view),
        Condition::Compare(comparison) => {
            let Comparison { op, left, right, span } = &**comparison;
            let op = if view.negated { opposite(*op) } else { *op };
            Ok(vec![vec![Step::Compare { op, left, right, span: *span }]])
        }
        Condition::Truth(truth, span) => Ok(vec![vec![Step::Truth(*truth != view.negated, *span)]]),
        Condition::Not(inside) => apart(inside, View { negated: !view.negated, ..view }),
        Condition::And(list) if view.negated => any(list, View { grouped: true, ..view }),
        Condition::And(list) => all(list, view),
        Condition::Or(list) if view.negated => all(list, view),
        Condition::Or(list) => any(list, view),
    }
}

fn any<'c, 's>(list: &'c [Condition<'s>], view: View) -> Unfolded<'c, 's> {
    let mut found = Vec::new();
    for one in list {
        found.extend(apart(one, view)?);
        if found.len() > ALTERNATIVES_MAX {
            return Err(too_many(view.clause));
        }
    }
    Ok(found)
}

fn all<'c, 's>(list: &'c [Condition<'s>], view: View) -> Unfolded<'c, 's> {
    let mut found: Alternatives<'c, 's> = vec![Vec::new()];
    for one in list {
        let parts = apart(one, view)?;
        if found.len() * parts.len() > ALTERNATIVES_MAX {
            return Err(too_many(view.clause));
        }
        if let [part] = parts.as_slice() {
            for steps in &mut found {
                steps.extend(part);
            }
        } else {
            let joined = |steps: &Vec<Step<'c, 's>>, part: &Vec<Step<'c, 's>>| [steps.as_slice(), part].concat();
            found = found.iter().flat_map(|steps| parts.iter().map(move |part| joined(steps, part))).collect();
        }
        if found.iter().any(|steps| steps.len() > LITERALS_MAX) {
            return Err(too_long(view.clause));
        }
    }
    Ok(found)
}

fn too_many(clause: Span) -> Finding {
    let message = format!("the `;` of this clause come to more than {ALTERNATIVES_MAX} rules");
    Finding::error("E-limit", clause, message).within(clause).hint("give the alternatives a predicate of their own")
}

pub(super) fn too_long(clause: Span) -> Finding {
    let message = format!("more than {LITERALS_MAX} conditions in one rule");
    Finding::error("E-limit", clause, message).within(clause).hint("give some of them a predicate of their own")
}

fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Ne,
        CompareOp::Ne => CompareOp::Eq,
        CompareOp::Lt => CompareOp::Ge,
        CompareOp::Le => CompareOp::Gt,
        CompareOp::Gt => CompareOp::Le,
        CompareOp::Ge => CompareOp::Lt,
    }
}

/// An atom, or what `overlaps` and `within` stand for.
fn atom<'c, 's>(call: &'c Call<'s>, view: View) -> Unfolded<'c, 's> {
    let pairs = match (call.name.text, call.args.as_slice()) {
        ("overlaps", [s1, e1, s2, e2]) => [(CompareOp::Lt, s1, e2), (CompareOp::Lt, s2, e1)],
        ("within", [t, s, e]) => [(CompareOp::Le, s, t), (CompareOp::Lt, t, e)],
        (name @ ("overlaps" | "within"), args) => {
            let wanted = if name == "within" { "within(t, start, end)" } else { "overlaps(s1, e1, s2, e2)" };
            let message = format!("`{name}` is given {} arguments", args.len());
            let finding = Finding::error("E-arity", call.span, message).within(view.clause);
            return Err(finding.hint(format!("it is written `{wanted}`")));
        }
        _ => return Ok(vec![vec![Step::Atom { call, negated: view.negated, grouped: view.grouped }]]),
    };
    let steps = pairs.map(|(op, left, right)| {
        let op = if view.negated { opposite(op) } else { op };
        Step::Compare { op, left, right, span: call.span }
    });
    // Not both is: not this one, or not that one.
    Ok(if view.negated { steps.map(|step| vec![step]).to_vec() } else { vec![steps.to_vec()] })
}
