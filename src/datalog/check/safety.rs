//! That every variable has a value, wherever it is needed.

use super::Draft;
use super::catalog::at;
use super::names::{vars_of, vars_of_literal};
use super::types::Types;
use crate::datalog::diagnostic::{Finding, Report};
use crate::datalog::ir::{Aggregate, Atom, CompareOp, Expr, Literal, LiteralKind, Predicate, Span, Term, Var};
use crate::datalog::known::Known;

/// Checks all rules, and notes which variables of a negated atom mean any value.
pub(super) fn check(rules: &mut [Draft], predicates: &[Predicate], types: &mut Types, report: &mut Report<'_>) {
    for (number, draft) in rules.iter_mut().enumerate() {
        mark_local(number, draft, predicates, types, report);
        let texts = (0..draft.rule.vars.len()).map(|at| types.may_be_text(number, at)).collect();
        let checking = Checking { draft, predicates, texts };
        checking.rule(report);
    }
}

fn mark_local(number: usize, draft: &mut Draft, predicates: &[Predicate], types: &mut Types, report: &mut Report<'_>) {
    let mut places = Places { seen: vec![(0, 0); draft.rule.vars.len()], place: 1 };
    for arg in &draft.rule.args {
        vars_of(arg, &mut |var| places.note(var));
    }
    places.literals(&draft.rule.body);
    let mut body = core::mem::take(&mut draft.rule.body);
    each_negation(&mut body, &mut |atom, local, span| {
        let columns =
            predicates.get(atom.pred.index()).map(|predicate| predicate.columns.as_slice()).unwrap_or_default();
        let given = |at: usize| columns.get(at).is_some_and(|column| column.bound);
        if draft.closed.contains(&span) {
            return;
        }
        for (at, term) in atom.args.iter().enumerate() {
            let Term::Var(var) = *term else { continue };
            let class = types.class(types.var(number, var));
            if places.once(var) && !given(at) && (class.failed || class.ty().is_some()) {
                local.push(var);
            }
        }
        local.sort_unstable();
        local.dedup();
        local.retain(|var| !atom.args.iter().enumerate().any(|(at, term)| given(at) && *term == Term::Var(*var)));
        for var in local {
            let name = draft.rule.vars.get(var.index()).map(|var| &*var.name).unwrap_or_default();
            if !name.starts_with('_') {
                let site = draft.sites.get(var.index()).copied().unwrap_or(span);
                let message = format!("`{name}` occurs only in this negation: no value of it at all may fit");
                let finding = Finding::warning("W-negation-local", site, message).within(draft.rule.span);
                report.add(finding.hint("write `_` if that is meant"));
            }
        }
    });
    draft.rule.body = body;
}

/// All literals, those within aggregates too.
fn each_literal(body: &[Literal], found: &mut dyn FnMut(&Literal)) {
    for literal in body {
        found(literal);
        if let LiteralKind::Aggregate(aggregate) = &literal.kind {
            each_literal(&aggregate.body, found);
        }
    }
}

fn each_negation(body: &mut [Literal], found: &mut dyn FnMut(&Atom, &mut Vec<Var>, Span)) {
    for Literal { kind, span } in body {
        match kind {
            LiteralKind::Not { atom, local } => found(atom, local, *span),
            LiteralKind::Aggregate(aggregate) => each_negation(&mut aggregate.body, found),
            LiteralKind::Atom(_) | LiteralKind::Compare { .. } | LiteralKind::Range { .. } => {}
        }
    }
}

/// In how many literals, the head being one, each variable occurs.
struct Places {
    /// How many, and which was the last.
    seen: Vec<(u32, u32)>,
    place: u32,
}

impl Places {
    fn note(&mut self, var: Var) {
        let place = self.place;
        if let Some((count, last)) = self.seen.get_mut(var.index())
            && *last != place
        {
            *count += 1;
            *last = place;
        }
    }

    fn once(&self, var: Var) -> bool {
        self.seen.get(var.index()).is_some_and(|(count, _)| *count == 1)
    }

    fn literals(&mut self, body: &[Literal]) {
        for literal in body {
            self.place += 1;
            if let LiteralKind::Aggregate(Aggregate { result, target, body, .. }) = &literal.kind {
                self.note(*result);
                if let Some(target) = target {
                    vars_of(target, &mut |var| self.note(var));
                }
                self.literals(body);
            } else {
                vars_of_literal(literal, &mut |var| self.note(var));
            }
        }
    }
}

struct Checking<'d> {
    draft: &'d Draft,
    predicates: &'d [Predicate],
    /// For each variable whether nothing says that it is no text.
    texts: Vec<bool>,
}

impl Checking<'_> {
    fn rule(&self, report: &mut Report<'_>) {
        let rule = &self.draft.rule;
        let mut known = Known::default();
        let mut wanted = Vec::new();
        for (at, arg) in rule.args.iter().enumerate() {
            match arg {
                Expr::Var(var) if self.given(rule.head, at) => known.add(*var),
                Expr::Var(_) | Expr::Const(_) | Expr::Call(..) => vars_of(arg, &mut |var| wanted.push(var)),
            }
        }
        self.body(&rule.body, &wanted, false, &mut known, report);
    }

    /// Whether whoever asks gives the column.
    fn given(&self, pred: crate::datalog::ir::PredId, at: usize) -> bool {
        let predicate = self.predicates.get(pred.index());
        predicate.and_then(|predicate| predicate.columns.get(at)).is_some_and(|column| column.bound)
    }

    /// `wanted` are the variables of the head; within an aggregate those of its target.
    fn body(&self, body: &[Literal], wanted: &[Var], target: bool, known: &mut Known, report: &mut Report<'_>) {
        let mut open: Vec<&Literal> = body.iter().collect();
        loop {
            let before = open.len();
            open.retain(|literal| !self.passes(literal, known));
            if open.len() == before {
                break;
            }
        }
        for literal in body {
            self.wildcards(literal, report);
        }
        self.blame(&open, wanted, target, known, report);
        for literal in body {
            if let LiteralKind::Aggregate(Aggregate { body, target, group, .. }) = &literal.kind {
                let mut inside = Known::default();
                for var in group {
                    inside.add(*var);
                }
                let mut wanted = Vec::new();
                if let Some(target) = target {
                    vars_of(target, &mut |var| wanted.push(var));
                }
                self.body(body, &wanted, true, &mut inside, report);
            }
        }
    }

    /// Whether all that the literal needs has a value; if so, what it gives has one too.
    fn passes(&self, literal: &Literal, known: &mut Known) -> bool {
        let ready = known.is_ready_if(literal, |atom| {
            atom.args.iter().enumerate().all(|(at, term)| match term {
                Term::Var(var) => !self.given(atom.pred, at) || known.has(*var),
                Term::Const(_) | Term::Any => true,
            })
        });
        if ready {
            known.bind(literal);
        }
        ready
    }

    fn wildcards(&self, literal: &Literal, report: &mut Report<'_>) {
        let (LiteralKind::Atom(atom) | LiteralKind::Not { atom, .. }) = &literal.kind else { return };
        for (at, _) in atom.args.iter().enumerate().filter(|(_, term)| **term == Term::Any) {
            if self.given(atom.pred, at) {
                let message = format!("`_` stands for {}, which must be given", self.label(atom, at));
                report.add(Finding::error("E-unbound", literal.span, message).within(self.draft.rule.span));
            }
        }
    }

    fn label(&self, atom: &Atom, at: usize) -> String {
        super::catalog::column_label(self.predicates, atom.pred, at)
    }

    /// Reports the variables without a value that nothing would give one, were the others known.
    fn blame(&self, open: &[&Literal], wanted: &[Var], target: bool, known: &Known, report: &mut Report<'_>) {
        let mut lacking: Vec<Var> = wanted.iter().copied().filter(|var| !known.has(*var)).collect();
        let mut follows = Vec::new();
        for literal in open {
            let local: &[Var] = if let LiteralKind::Not { local, .. } = &literal.kind { local } else { &[] };
            vars_of_literal(literal, &mut |var| {
                if !known.has(var) && !local.contains(&var) {
                    lacking.push(var);
                }
            });
            self.gives(literal, &mut |var| follows.push(var));
        }
        lacking.sort_by_key(|var| (self.site(*var), *var));
        lacking.dedup();
        follows.sort_unstable();
        let roots: Vec<Var> = lacking.iter().copied().filter(|var| follows.binary_search(var).is_err()).collect();
        // Of two that would give each other a value, the one that is nowhere else is the odd one.
        let oddest = || {
            let made_up = |var: Var| self.name(var).starts_with('_');
            let key = |var: &Var| (made_up(*var), self.occurrences(*var), wanted.contains(var));
            lacking.iter().copied().min_by_key(key)
        };
        let roots = if roots.is_empty() { oddest().into_iter().collect() } else { roots };
        for var in roots.into_iter().filter(|_| !report.is_full()).collect::<Vec<_>>() {
            report.add(self.unbound(var, open, wanted, target));
        }
    }

    /// The variables that the literal would bind.
    fn gives(&self, literal: &Literal, found: &mut dyn FnMut(Var)) {
        match &literal.kind {
            LiteralKind::Atom(atom) => {
                for (at, term) in atom.args.iter().enumerate() {
                    if let Term::Var(var) = term
                        && !self.given(atom.pred, at)
                    {
                        found(*var);
                    }
                }
            }
            LiteralKind::Compare { op: CompareOp::Eq, left, right, .. } => {
                for side in [left, right] {
                    if let Expr::Var(var) = side {
                        found(*var);
                    }
                }
            }
            LiteralKind::Range { var, .. } => found(*var),
            LiteralKind::Aggregate(aggregate) => found(aggregate.result),
            LiteralKind::Not { .. } | LiteralKind::Compare { .. } => {}
        }
    }

    fn site(&self, var: Var) -> Span {
        self.draft.sites.get(var.index()).copied().unwrap_or(self.draft.rule.span)
    }

    fn name(&self, var: Var) -> &str {
        self.draft.rule.vars.get(var.index()).map(|var| &*var.name).unwrap_or_default()
    }

    fn unbound(&self, var: Var, open: &[&Literal], wanted: &[Var], target: bool) -> Finding {
        let name = self.name(var);
        let uses = |literal: &&&Literal| {
            let mut used = false;
            vars_of_literal(literal, &mut |other| used |= other == var);
            used
        };
        let site = self.site(var);
        let message = match open.iter().find(uses) {
            None if wanted.contains(&var) && target => {
                format!("`{name}` has no value: an aggregate's target is its own, and its body does not bind it")
            }
            None if wanted.contains(&var) => format!("`{name}` has no value: the body does not bind it"),
            Some(literal) => {
                let place = at(Span { line: 0, ..site }, literal.span);
                let why = match &literal.kind {
                    LiteralKind::Not { .. } => "a negation does not bind it",
                    LiteralKind::Aggregate(_) => "an aggregate does not bind what is also used outside it",
                    LiteralKind::Atom(_) => "a `+` column does not bind it",
                    LiteralKind::Compare { .. } | LiteralKind::Range { .. } => "a comparison does not bind it",
                };
                format!("`{name}` has no value: {why}{place}")
            }
            None => format!("`{name}` has no value"),
        };
        let hint = if self.looks_like_a_text(var, name) {
            format!("a bare word is a variable; write `\"{name}\"` if a text is meant")
        } else {
            "let it occur in an atom of the body that is not negated, or declare its column of the head `+`".to_owned()
        };
        Finding::error("E-unbound", site, message).within(self.draft.rule.span).hint(hint)
    }

    /// How often the variable stands in the rule.
    fn occurrences(&self, var: Var) -> usize {
        let mut count = 0;
        let mut note = |other: Var| count += usize::from(other == var);
        self.draft.rule.args.iter().for_each(|arg| vars_of(arg, &mut note));
        each_literal(&self.draft.rule.body, &mut |literal| match &literal.kind {
            LiteralKind::Aggregate(Aggregate { result, target, .. }) => {
                note(*result);
                if let Some(target) = target {
                    vars_of(target, &mut note);
                }
            }
            LiteralKind::Atom(_)
            | LiteralKind::Not { .. }
            | LiteralKind::Compare { .. }
            | LiteralKind::Range { .. } => vars_of_literal(literal, &mut note),
        });
        count
    }

    /// A word in lower case that stands once, in a fact or beside `=` or `!=`.
    fn looks_like_a_text(&self, var: Var, name: &str) -> bool {
        let alone = |side: &Expr| matches!(side, Expr::Var(own) if *own == var);
        let mut compared = false;
        each_literal(&self.draft.rule.body, &mut |literal| {
            if let LiteralKind::Compare { op: CompareOp::Eq | CompareOp::Ne, left, right, .. } = &literal.kind {
                compared |= alone(left) || alone(right);
            }
        });
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && self.texts.get(var.index()) == Some(&true)
            && (compared || self.draft.rule.body.is_empty())
            && self.occurrences(var) == 1
    }
}
