//! What is asked of a program: queries and single facts.

use std::sync::Arc;

use super::catalog::unknown;
use super::lower::{Lowered, Lowering, Scope};
use super::nearest::{meant, names_of};
use super::types::Types;
use super::unfold::{self, Step};
use super::{Draft, Drafts, names, safety};
use crate::datalog::diagnostic::{Diagnostic, Finding, Report};
use crate::datalog::functions::Functions;
use crate::datalog::ir::{Column, Expr, Fact, Literal, LiteralKind, PredId, Program, Query, Rule, Source, Span, Var};
use crate::datalog::limits::EvalError;
use crate::datalog::syntax::{self, Call, Condition, Ident};
use crate::datalog::value::{Type, Value};
use crate::time::Timestamp;

impl Program {
    /// Reads what is asked: a condition such as `busy("ann", o, s, e), s < @2026-01-05T19:00:00Z`, with or without `?-`
    /// before and `.` behind it.
    ///
    /// # Errors
    /// What is wrong with it; also a predicate that the program does not have.
    pub fn query(&self, text: &str, functions: &Functions) -> Result<Query, Vec<Diagnostic>> {
        let (source, number) = self.asked(text);
        let asked = [source];
        let mut report = Report::new(&asked, number);
        let query = asked.first().and_then(|source| {
            let condition = syntax::parse_body(source, number, &mut report)?;
            let span = whole(number, text);
            let found = self.draft(&condition, span, functions);
            let (draft, named) = found.map_err(|finding| report.add(finding.within(span))).ok()?;
            self.checked_query(draft, named, &mut report)
        });
        report.finish()?;
        query.ok_or_else(Vec::new)
    }

    /// Reads one fact, such as `busy("ann", "o1", @2026-01-05T19:00:00Z, @2026-01-05T20:00:00Z)`.
    ///
    /// # Errors
    /// What is wrong with it; also a predicate that the program does not have, and values that do not fit it.
    pub fn fact(&self, text: &str) -> Result<Fact, Vec<Diagnostic>> {
        let (source, number) = self.asked(text);
        let asked = [source];
        let mut report = Report::new(&asked, number);
        let fact = asked.first().and_then(|source| {
            let atom = syntax::parse_atom(source, number, &mut report)?;
            self.ground(&atom).map_err(|finding| report.add(finding.within(whole(number, text)))).ok()
        });
        report.finish()?;
        fact.ok_or_else(Vec::new)
    }

    /// A fact out of a name and values. A number also fits a column of type time: as milliseconds since the epoch.
    ///
    /// # Errors
    /// [`EvalError::Mismatch`] if there is no such predicate or the values do not fit its columns.
    pub fn fact_of(&self, name: &str, row: Vec<Value>) -> Result<Fact, EvalError> {
        let mismatch = |reason: String| EvalError::Mismatch { reason };
        let pred = self.find(name).ok_or_else(|| mismatch(format!("no predicate is called `{name}`")))?;
        let columns = self.predicate(pred).map(|predicate| predicate.columns.as_slice()).unwrap_or_default();
        if columns.len() != row.len() {
            let reason = format!("`{name}` has {} columns; {} values were given", columns.len(), row.len());
            return Err(mismatch(reason));
        }
        let fitted = row.into_iter().zip(columns).map(|(value, column)| {
            let kind = value.kind();
            let millis = if let Value::Number(millis) = value { Some(millis) } else { None };
            match (column.ty, millis) {
                (Type::Time, Some(millis)) => Ok(Value::Time(Timestamp::from_millis(millis))),
                (ty, _) if fits(ty, kind) => Ok(value),
                (ty, _) => Err(mismatch(format!("column `{}` of `{name}` is a {ty}, not a {kind}", column.name))),
            }
        });
        Ok(Fact { pred, row: fitted.collect::<Result<_, _>>()? })
    }

    /// The text of a clause; empty if the place is in none of the sources.
    pub(crate) fn clause(&self, span: Span) -> &str {
        let source = self.sources.get(span.source as usize);
        source.and_then(|source| source.text.get(span.start as usize..span.end as usize)).unwrap_or_default()
    }

    /// What is asked is a source of its own, behind those of the program.
    fn asked(&self, text: &str) -> (Source, u32) {
        let number = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
        (Source { name: "query".into(), text: text.into() }, number)
    }

    fn draft(&self, condition: &Condition<'_>, span: Span, functions: &Functions) -> Lowered<(Draft, u16)> {
        let find = |name: &str| self.find(name);
        let scope = Scope { find: &find, predicates: &self.predicates, functions };
        let alternatives = unfold::unfold(condition, span)?;
        let [steps] = alternatives.as_slice() else {
            let finding = Finding::error("E-query", span, "a query cannot hold `;`, nor what comes to it");
            return Err(finding.hint("give the alternatives a predicate of their own"));
        };
        let mut lowering = Lowering::new(&scope, span);
        lowering.query(steps, PredId(u32::try_from(self.predicates.len()).unwrap_or(u32::MAX)))
    }

    /// The first variables, as many as are named, become the columns.
    fn checked_query(&self, draft: Draft, named: u16, report: &mut Report<'_>) -> Option<Query> {
        let mut drafts = Drafts { rules: vec![draft], facts: Vec::new() };
        let mut types = Types::new(&self.predicates, &drafts.rules);
        types.fix(&self.predicates, |_| true, report);
        types.learn(&drafts, report);
        safety::check(&mut drafts.rules, &self.predicates, &mut types, report);
        types.settle_rules(&mut drafts.rules, report);
        let mut rule = drafts.rules.pop()?.rule;
        // A variable of one negation has no value to show.
        let local = local(&rule.body);
        rule.args = (0..named).map(Var).filter(|var| !local.contains(var)).map(Expr::Var).collect();
        let column = |arg: &Expr| match arg {
            Expr::Var(var) => {
                let var = rule.vars.get(var.index())?;
                Some(Column { name: Arc::clone(&var.name), ty: var.ty, bound: false })
            }
            Expr::Const(_) | Expr::Call(..) => None,
        };
        let columns = rule.args.iter().filter_map(column).collect();
        Some(Query { rule, columns })
    }

    fn ground(&self, atom: &Call<'_>) -> Lowered<Fact> {
        let name = atom.name.text;
        let pred = self.find(name);
        let Some((pred, predicate)) = pred.and_then(|pred| Some((pred, self.predicate(pred)?))) else {
            return Err(Finding { hint: meant(name, names_of(&self.predicates)), ..unknown(atom.name) });
        };
        if predicate.columns.len() != atom.args.len() {
            let (given, has) = (atom.args.len(), predicate.columns.len());
            let message = format!("`{name}` is given {given} arguments here, but has {has}");
            return Err(Finding::error("E-arity", atom.span, message));
        }
        let mut row = Vec::with_capacity(atom.args.len());
        for (arg, column) in atom.args.iter().zip(&predicate.columns) {
            let syntax::Expr::Const(value, span) = arg else {
                let finding = Finding::error("E-unbound", arg.span(), "a value should stand here: this is one fact");
                if let syntax::Expr::Name(name) = arg
                    && matches!(column.ty, Type::Symbol | Type::Any)
                {
                    return Err(finding.hint(format!("write `\"{}\"` if a text is meant", name.text)));
                }
                return Err(finding);
            };
            if !fits(column.ty, value.kind()) {
                let kind = value.kind();
                let message = format!("column `{}` of `{name}` is a {}, not a {kind}", column.name, column.ty);
                return Err(Finding::error("E-type", *span, message));
            }
            row.push(value.clone());
        }
        Ok(Fact { pred, row })
    }
}

impl<'s> Lowering<'_, 's> {
    /// A rule without columns yet, and how many variables may become them.
    fn query(&mut self, steps: &[Step<'_, 's>], head: PredId) -> Lowered<(Draft, u16)> {
        let mut named: Vec<Ident<'s>> = Vec::new();
        names::of_steps(steps, &mut |name| named.push(name));
        self.open(&named)?;
        let count = u16::try_from(self.vars.len()).unwrap_or(u16::MAX);
        let mut body = Vec::new();
        self.conjunction(steps, &mut body)?;
        let (vars, sites) = (core::mem::take(&mut self.vars), core::mem::take(&mut self.sites));
        let rule = Rule { head, args: Vec::new(), body, vars, span: self.clause };
        let (closed, shadows) = (core::mem::take(&mut self.closed), core::mem::take(&mut self.shadows));
        Ok((Draft { rule, head: self.clause, sites, closed, shadows }, count))
    }
}

/// The variables that occur in one negation only.
fn local(body: &[Literal]) -> Vec<Var> {
    let local = body.iter().filter_map(|literal| match &literal.kind {
        LiteralKind::Not { local, .. } => Some(local.as_slice()),
        LiteralKind::Atom(_) | LiteralKind::Compare { .. } | LiteralKind::Range { .. } | LiteralKind::Aggregate(_) => {
            None
        }
    });
    local.flatten().copied().collect()
}

fn fits(column: Type, value: Type) -> bool {
    match column {
        Type::Any => matches!(value, Type::Number | Type::Symbol),
        Type::Number | Type::Symbol | Type::Time | Type::Bool => column == value,
    }
}

fn whole(source: u32, text: &str) -> Span {
    Span { source, line: 1, column: 1, start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) }
}
