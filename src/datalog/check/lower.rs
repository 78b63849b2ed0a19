//! Clauses as rules: names become numbers, expressions in atoms comparisons of their own.

use std::collections::BTreeMap;

use super::catalog::{Catalog, at, reserved, unknown};
use super::names::{self, is_reserved};
use super::nearest::{meant, names_of};
use super::unfold::{self, LITERALS_MAX, Step};
use super::{Draft, Drafts};
use crate::datalog::diagnostic::{Finding, Report};
use crate::datalog::functions::Functions;
use crate::datalog::ir::{self, Atom, CompareOp, Literal, LiteralKind, PredId, Predicate, Rule, Span, Term, TextFact};
use crate::datalog::ir::{Var, VarInfo};
use crate::datalog::syntax::{Call, Clause, Expr, Ident, Item};
use crate::datalog::value::{Type, Value};

/// Literals that all the rules out of disjunctions may have together.
const UNFOLDED_MAX: usize = 200_000;

/// Heads and alternatives of one clause.
const RULES_MAX: usize = 1_000;

/// Variables, constants and calls of one rule; evaluation has 65,535 places for these and some of its own.
const VALUES_MAX: usize = 60_000;

/// What names mean.
pub(super) struct Scope<'c> {
    pub(super) find: &'c dyn Fn(&str) -> Option<PredId>,
    pub(super) predicates: &'c [Predicate],
    pub(super) functions: &'c Functions,
}

/// One rule in the making.
pub(super) struct Lowering<'c, 's> {
    pub(super) scope: &'c Scope<'c>,
    pub(super) clause: Span,
    /// The variables that may be named here.
    pub(super) visible: BTreeMap<&'s str, Var>,
    pub(super) vars: Vec<VarInfo>,
    pub(super) sites: Vec<Span>,
    pub(super) closed: Vec<Span>,
    pub(super) shadows: Vec<Var>,
    literals: usize,
    values: usize,
}

/// What is wrong ends the rule.
pub(super) type Lowered<T> = Result<T, Finding>;

/// All clauses. What is wrong with one is reported and the clause left out.
pub(super) fn clauses<'s>(
    items: &[Item<'s>],
    catalog: &Catalog<'s>,
    functions: &Functions,
    report: &mut Report<'_>,
) -> Drafts {
    let find = |name: &str| catalog.find(name);
    let scope = Scope { find: &find, predicates: &catalog.predicates, functions };
    let mut drafts = Drafts::default();
    let mut unfolded = 0;
    for item in items {
        let Item::Clause(clause) = item else { continue };
        if let Err(finding) = one_clause(clause, catalog, &scope, &mut drafts, &mut unfolded) {
            report.add(finding.within(clause.span));
        }
        if unfolded > UNFOLDED_MAX {
            let message = format!("the `;` of the program come to more than {UNFOLDED_MAX} conditions");
            report.add(Finding::error("E-limit", clause.span, message).within(clause.span));
            break;
        }
    }
    drafts
}

fn one_clause<'s>(
    clause: &Clause<'s>,
    catalog: &Catalog<'s>,
    scope: &Scope<'_>,
    drafts: &mut Drafts,
    unfolded: &mut usize,
) -> Lowered<()> {
    let alternatives = match &clause.body {
        Some(body) => unfold::unfold(body, clause.span)?,
        None => vec![Vec::new()],
    };
    let rules = alternatives.len().saturating_mul(clause.heads.len());
    if rules > RULES_MAX {
        let message = format!("the heads and `;` of this clause come to more than {RULES_MAX} rules");
        return Err(Finding::error("E-limit", clause.span, message));
    }
    if rules > 1 {
        let literals: usize = alternatives.iter().map(Vec::len).sum();
        *unfolded = unfolded.saturating_add(literals.saturating_mul(clause.heads.len()));
    }
    for head in &clause.heads {
        let pred = head_of(head, catalog, scope)?;
        for steps in &alternatives {
            let draft = Lowering::new(scope, clause.span).rule(pred, head, steps)?;
            match (clause.body.is_none(), ground(&draft.rule)) {
                (true, Some(row)) => drafts.facts.push(TextFact { pred, row, span: clause.span }),
                (true, None) | (false, _) => drafts.rules.push(draft),
            }
        }
    }
    Ok(())
}

/// The predicate of a head, if this clause may define it.
fn head_of(head: &Call<'_>, catalog: &Catalog<'_>, scope: &Scope<'_>) -> Lowered<PredId> {
    let name = head.name;
    let Some(pred) = catalog.find(name.text).filter(|_| scope.functions.get(name.text).is_none()) else {
        return Err(reserved(name));
    };
    if catalog.may_define(pred, name.span.source) {
        return Ok(pred);
    }
    let message = format!("`{}` belongs to another ruleset and is not extensible", name.text);
    Err(Finding::error("E-extend", name.span, message).hint("its declaration would have to say `extensible`"))
}

/// The row of a rule that is a fact.
fn ground(rule: &Rule) -> Option<Vec<Value>> {
    let constant = |arg: &ir::Expr| match arg {
        ir::Expr::Const(value) => Some(value.clone()),
        ir::Expr::Var(_) | ir::Expr::Call(..) => None,
    };
    if rule.body.is_empty() { rule.args.iter().map(constant).collect() } else { None }
}

impl<'c, 's> Lowering<'c, 's> {
    pub(super) fn new(scope: &'c Scope<'c>, clause: Span) -> Self {
        Self {
            scope,
            clause,
            visible: BTreeMap::new(),
            vars: Vec::new(),
            sites: Vec::new(),
            closed: Vec::new(),
            shadows: Vec::new(),
            literals: 0,
            values: 0,
        }
    }

    fn rule(mut self, pred: PredId, head: &Call<'s>, steps: &[Step<'_, 's>]) -> Lowered<Draft> {
        self.fits(pred, head)?;
        let mut named = Vec::new();
        for arg in &head.args {
            names::of_expr(arg, &mut |name| named.push(name));
        }
        names::of_steps(steps, &mut |name| named.push(name));
        self.open(&named)?;
        let mut body = Vec::new();
        let mut args = Vec::new();
        let predicate = self.scope.predicates.get(pred.index());
        let parametric = predicate.is_some_and(Predicate::is_parametric);
        for (at, arg) in head.args.iter().enumerate() {
            let lowered = self.expr(arg, &mut body)?;
            let bound = predicate.and_then(|predicate| predicate.columns.get(at)).is_some_and(|column| column.bound);
            if bound && matches!(lowered, ir::Expr::Call(..)) {
                let message = "the caller gives this value; a variable or constant should stand here";
                return Err(Finding::error("E-param", arg.span(), message));
            }
            args.push(lowered);
        }
        self.conjunction(steps, &mut body)?;
        if parametric && steps.is_empty() && args.iter().all(|arg| matches!(arg, ir::Expr::Const(_))) {
            let message = format!("`{}` has `+` columns, so it cannot have facts", head.name.text);
            return Err(Finding::error("E-param", head.span, message).hint("write a rule"));
        }
        let Self { vars, sites, closed, shadows, clause, .. } = self;
        let rule = Rule { head: pred, args, body, vars, span: clause };
        Ok(Draft { rule, head: head.span, sites, closed, shadows })
    }

    /// Makes variables of the names that mean nothing yet, and tells which.
    pub(super) fn open(&mut self, named: &[Ident<'s>]) -> Lowered<Vec<&'s str>> {
        let mut opened = Vec::new();
        for name in named {
            if !self.visible.contains_key(name.text) {
                let var = self.fresh(name.text, name.span)?;
                self.visible.insert(name.text, var);
                opened.push(name.text);
            }
        }
        Ok(opened)
    }

    pub(super) fn close(&mut self, opened: &[&'s str]) {
        for name in opened {
            self.visible.remove(name);
        }
    }

    /// Hides the variables of these names, so that they may be opened anew, and tells which.
    pub(super) fn hide(&mut self, named: &[Ident<'s>]) -> Vec<(&'s str, Var)> {
        named.iter().filter_map(|name| self.visible.remove_entry(name.text)).collect()
    }

    pub(super) fn unhide(&mut self, hidden: Vec<(&'s str, Var)>) {
        self.visible.extend(hidden);
    }

    /// Counts a variable, a constant or a call.
    pub(super) fn one_more(&mut self) -> Lowered<()> {
        self.values += 1;
        if self.values <= VALUES_MAX {
            return Ok(());
        }
        let message = format!("more than {VALUES_MAX} variables, constants and calls in one rule");
        Err(Finding::error("E-limit", self.clause, message).hint("give some of it a predicate of its own"))
    }

    pub(super) fn fresh(&mut self, name: &str, span: Span) -> Lowered<Var> {
        self.one_more()?;
        let number = u16::try_from(self.vars.len()).unwrap_or(u16::MAX);
        self.vars.push(VarInfo { name: name.into(), ty: Type::Number });
        self.sites.push(span);
        Ok(Var(number))
    }

    pub(super) fn variable(&self, name: Ident<'s>) -> Lowered<Var> {
        self.visible.get(name.text).copied().ok_or_else(|| unbound(name.text, name.span))
    }

    pub(super) fn conjunction(&mut self, steps: &[Step<'_, 's>], body: &mut Vec<Literal>) -> Lowered<()> {
        for step in steps {
            match *step {
                Step::Atom { call, negated, grouped } => self.atom(call, negated, grouped, body)?,
                Step::Compare { op, left, right, span } => self.compare(op, left, right, span, body)?,
                Step::Truth(true, _) => {}
                Step::Truth(false, span) => {
                    let side = |number| ir::Expr::Const(Value::Number(number));
                    self.push(comparison(CompareOp::Eq, side(0), side(1)), span, body)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn push(&mut self, kind: LiteralKind, span: Span, body: &mut Vec<Literal>) -> Lowered<()> {
        self.literals += 1;
        if self.literals > LITERALS_MAX {
            return Err(unfold::too_long(self.clause));
        }
        body.push(Literal { kind, span });
        Ok(())
    }

    fn atom(&mut self, call: &Call<'s>, negated: bool, grouped: bool, body: &mut Vec<Literal>) -> Lowered<()> {
        let name = call.name.text;
        if is_reserved(name) || self.scope.functions.get(name).is_some() {
            let truth = self.truth(call, body)?;
            let wanted = ir::Expr::Const(Value::Bool(!negated));
            return self.push(comparison(CompareOp::Eq, truth, wanted), call.span, body);
        }
        if let Some(finding) = names::unsupported(call).filter(|_| names::is_functor(call)) {
            return Err(finding);
        }
        let Some(pred) = (self.scope.find)(name) else {
            return Err(Finding { hint: meant(name, names_of(self.scope.predicates)), ..unknown(call.name) });
        };
        self.fits(pred, call)?;
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            args.push(self.term(arg, body)?);
        }
        let atom = Atom { pred, args };
        if negated && grouped {
            self.closed.push(call.span);
        }
        let kind = if negated { LiteralKind::Not { atom, local: Vec::new() } } else { LiteralKind::Atom(atom) };
        self.push(kind, call.span, body)
    }

    fn fits(&self, pred: PredId, call: &Call<'s>) -> Lowered<()> {
        let Some(predicate) = self.scope.predicates.get(pred.index()) else { return Ok(()) };
        let (has, given) = (predicate.columns.len(), call.args.len());
        if has == given {
            return Ok(());
        }
        let place = at(call.span, predicate.span);
        let message = format!("`{}` is given {given} arguments here, but has {has}{place}", predicate.name);
        Err(Finding::error("E-arity", call.span, message))
    }

    /// An argument of an atom.
    fn term(&mut self, arg: &Expr<'s>, body: &mut Vec<Literal>) -> Lowered<Term> {
        if let Expr::Any(_) = arg {
            return Ok(Term::Any);
        }
        Ok(match self.expr(arg, body)? {
            ir::Expr::Var(var) => Term::Var(var),
            ir::Expr::Const(value) => Term::Const(value),
            computed @ ir::Expr::Call(..) => {
                let var = self.fresh("_value", arg.span())?;
                self.push(comparison(CompareOp::Eq, ir::Expr::Var(var), computed), arg.span(), body)?;
                Term::Var(var)
            }
        })
    }
}

pub(super) fn comparison(op: CompareOp, left: ir::Expr, right: ir::Expr) -> LiteralKind {
    // The type is filled in once it is known.
    LiteralKind::Compare { op, ty: Type::Number, left, right }
}

pub(super) fn unbound(name: &str, span: Span) -> Finding {
    Finding::error("E-unbound", span, format!("`{name}` has no value"))
}
