//! Recursive predicates that are asked for with some columns given: only what the question leads to is worked out.
//!
//! The rules are rewritten (magic sets; Bancilhon, Maier, Sagiv and Ullman, 1986; Beeri and Ramakrishnan, 1991): a table of
//! demands holds what was asked of a predicate, each rule starts from a demand, and each recursive literal of its body
//! makes further demands. Literals of other predicates stay as they are: they are looked up or called, negated ones
//! included, so nothing of the order of strata is lost.

use std::collections::BTreeMap;

use super::super::base::{Catalog, Local};
use super::super::ir::{Atom, CompareOp, Expr, Literal, LiteralKind, PredId, Rule, Term, Var, VarInfo};
use super::super::known::Known;
use super::super::limits::EvalError;
use super::super::plan::{Builder, Seeding, View, is_given};
use super::super::store::{IndexId, Relation};
use super::super::value::Type;
use super::fixpoint::{Group, Member};

/// Ways of asking that one question may lead to.
const FORMS_MAX: usize = 1_000;

/// A recursive predicate with some columns given, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct MagicPlan {
    /// The tables, empty, with their indexes.
    pub(super) tables: Vec<Local>,
    pub(super) group: Group,
    /// The ways of asking that it was made for, in their order.
    pub(super) entries: Vec<Entry>,
    /// The tables of answers, and of which predicate they are.
    pub(super) answers: Vec<(PredId, usize)>,
}

/// The tables of one way of asking.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) demand: usize,
    pub(super) answer: usize,
    /// By the columns that are given, if any.
    pub(super) index: Option<IndexId>,
}

/// Where the demands and the answers of one way of asking are: predicates of this plan only.
#[derive(Clone, Copy)]
struct Form {
    demand: PredId,
    answer: PredId,
}

/// Rewrites the rules of one recursive group.
struct Rewriting<'c, 'b> {
    catalog: &'c mut Catalog<'b>,
    group: Vec<PredId>,
    forms: BTreeMap<(PredId, u64), Form>,
    open: Vec<(PredId, u64)>,
    types: Vec<Vec<Type>>,
    rules: Vec<Rule>,
}

impl MagicPlan {
    /// For some predicates of one group, with the columns that are given.
    pub(crate) fn build(catalog: &mut Catalog<'_>, asked: &[(PredId, u64)]) -> Result<Self, EvalError> {
        let strata = &catalog.program.strata;
        let group = strata.iter().find(|stratum| asked.iter().any(|(pred, _)| stratum.preds.contains(pred)));
        let group = group.map_or_else(Vec::new, |stratum| stratum.preds.clone());
        let mut rewriting = Rewriting {
            catalog,
            group,
            forms: BTreeMap::new(),
            open: Vec::new(),
            types: Vec::new(),
            rules: Vec::new(),
        };
        for (pred, given) in asked {
            rewriting.form(*pred, *given)?;
        }
        while let Some((pred, given)) = rewriting.open.pop() {
            rewriting.rewrite(pred, given)?;
        }
        let Rewriting { catalog, types, rules, forms, .. } = rewriting;
        Self::compile(catalog, &types, &rules, &forms, asked)
    }

    fn compile(
        catalog: &mut Catalog<'_>,
        types: &[Vec<Type>],
        rules: &[Rule],
        forms: &BTreeMap<(PredId, u64), Form>,
        asked: &[(PredId, u64)],
    ) -> Result<Self, EvalError> {
        let first = catalog.program.predicates.len();
        let place = |pred: PredId| pred.index() - first;
        let table = |(at, types): (usize, &Vec<Type>)| Local {
            pred: PredId(u32::try_from(first + at).unwrap_or(u32::MAX)),
            relation: Relation::new(types.len()),
        };
        let mut tables: Vec<Local> = types.iter().enumerate().map(table).collect();
        let mut inner = Catalog { locals: &mut tables, more: types, ..catalog.again() };
        let mut group = Group::default();
        for rule in rules {
            let local = |literal: &Literal| {
                let atom = literal.kind.as_atom().filter(|atom| atom.pred.index() >= first)?;
                Some(place(atom.pred))
            };
            for (at, literal) in rule.body.iter().enumerate() {
                let Some(seed) = local(literal) else { continue };
                let views = |other: usize| match rule.body.get(other) {
                    Some(literal) if local(literal).is_none() => View::New,
                    Some(_) if other < at => View::BeforeThis,
                    Some(_) => View::BeforeLast,
                    None => View::New,
                };
                let plan = Builder::new(&mut inner, rule, &views, &|_| None).build(Seeding::Literal(at), false)?;
                group.rounds.push(Member { plan, seed: Some(seed), head: place(rule.head) });
            }
        }
        let answers = forms.iter().map(|((pred, _), form)| (*pred, place(form.answer))).collect();
        let mut entries = Vec::with_capacity(asked.len());
        for wanted in asked {
            let Some(form) = forms.get(wanted) else { continue };
            let (demand, answer) = (place(form.demand), place(form.answer));
            let relation = tables.get_mut(answer).map(|local| &mut local.relation).filter(|_| wanted.1 != 0);
            let index = relation.map(|relation| {
                let given: Vec<usize> = (0..relation.arity()).filter(|column| is_given(wanted.1, *column)).collect();
                relation.index(&given)
            });
            entries.push(Entry { demand, answer, index });
        }
        Ok(Self { tables, group, entries, answers })
    }
}

impl Rewriting<'_, '_> {
    fn new_pred(&mut self, types: Vec<Type>) -> PredId {
        let at = self.catalog.program.predicates.len() + self.types.len();
        self.types.push(types);
        PredId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    fn form(&mut self, pred: PredId, given: u64) -> Result<Form, EvalError> {
        if let Some(form) = self.forms.get(&(pred, given)) {
            return Ok(*form);
        }
        if self.forms.len() >= FORMS_MAX {
            let reason = format!("a recursion is asked for in more than {FORMS_MAX} ways");
            return Err(EvalError::Mismatch { reason });
        }
        let arity = self.catalog.program.predicate(pred).map_or(0, |predicate| predicate.columns.len());
        let types: Vec<Type> = (0..arity).map(|column| self.catalog.column_type(pred, column)).collect();
        let known =
            types.iter().enumerate().filter(|(column, _)| is_given(given, *column)).map(|(_, ty)| *ty).collect();
        let form = Form { demand: self.new_pred(known), answer: self.new_pred(types) };
        self.forms.insert((pred, given), form);
        self.open.push((pred, given));
        Ok(form)
    }

    fn rewrite(&mut self, pred: PredId, given: u64) -> Result<(), EvalError> {
        let form = self.form(pred, given)?;
        for rule in self.catalog.rules_of(&[pred]) {
            // Recursive predicates are not looked up but called, as far as the order of the literals goes.
            let sequence = self.sequence(rule, given)?;
            self.rewrite_rule(rule, given, form, &sequence)?;
        }
        Ok(())
    }

    fn sequence(&mut self, rule: &Rule, given: u64) -> Result<Vec<usize>, EvalError> {
        // Calls that this order would make are not made: what they would need is noted on a list that is thrown away.
        let mut unused = self.catalog.slots.clone();
        let mut dry = Catalog { slots: &mut unused, ..self.catalog.again() };
        Builder::new(&mut dry, rule, &|_| View::New, &|_| None).sequence(given)
    }

    fn rewrite_rule(&mut self, rule: &Rule, given: u64, form: Form, sequence: &[usize]) -> Result<(), EvalError> {
        let mut made = Rule { head: form.answer, body: Vec::new(), ..rule.clone() };
        let mut args = Vec::new();
        for (column, arg) in rule.args.iter().enumerate().filter(|(column, _)| is_given(given, *column)) {
            args.push(match arg {
                Expr::Var(var) => Term::Var(*var),
                Expr::Const(value) => Term::Const(value.clone()),
                Expr::Call(..) => Term::Var(self.named(&mut made, rule, column, arg)),
            });
        }
        let demand = LiteralKind::Atom(Atom { pred: form.demand, args });
        made.body.insert(0, Literal { kind: demand, span: rule.span });
        let mut known = Known::default();
        for literal in &made.body {
            known.bind(literal);
        }
        for at in sequence {
            let Some(literal) = rule.body.get(*at) else { continue };
            let mut literal = literal.clone();
            if let LiteralKind::Atom(atom) = &mut literal.kind
                && self.group.contains(&atom.pred)
            {
                let inner = self.ask(rule, atom, &known, &made)?;
                atom.pred = inner.answer;
            }
            known.bind(&literal);
            made.body.push(literal);
        }
        self.rules.push(made);
        Ok(())
    }

    /// A variable for a head's column that is computed, with the comparison that says so.
    fn named(&self, made: &mut Rule, rule: &Rule, column: usize, arg: &Expr) -> Var {
        let ty = self.catalog.column_type(rule.head, column);
        let var = Var(u16::try_from(made.vars.len()).unwrap_or(u16::MAX));
        made.vars.push(VarInfo { name: "_".into(), ty });
        let kind = LiteralKind::Compare { op: CompareOp::Eq, ty, left: Expr::Var(var), right: arg.clone() };
        // Last in the end: its variables are bound by the rest of the body.
        made.body.push(Literal { kind, span: rule.span });
        var
    }

    /// Notes the demand that a recursive literal makes: a rule whose body is what stands before it.
    fn ask(&mut self, rule: &Rule, atom: &Atom, known: &Known, made: &Rule) -> Result<Form, EvalError> {
        let given = (atom.args.iter().enumerate())
            .filter(|(_, term)| known.knows_term(term))
            .fold(0, |bits, (column, _)| bits | (1_u64 << column));
        let form = self.form(atom.pred, given)?;
        let args = atom.args.iter().filter(|term| known.knows_term(term)).filter_map(|term| match term {
            Term::Var(var) => Some(Expr::Var(*var)),
            Term::Const(value) => Some(Expr::Const(value.clone())),
            Term::Any => None,
        });
        let ready = |literal: &&Literal| match &literal.kind {
            LiteralKind::Compare { left, right, .. } => known.knows(left) && known.knows(right),
            LiteralKind::Atom(_) | LiteralKind::Not { .. } | LiteralKind::Range { .. } | LiteralKind::Aggregate(_) => {
                true
            }
        };
        let body = made.body.iter().filter(ready).cloned().collect();
        self.rules.push(Rule {
            head: form.demand,
            args: args.collect(),
            body,
            vars: made.vars.clone(),
            span: rule.span,
        });
        Ok(form)
    }
}
