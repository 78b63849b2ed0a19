//! Builds plans: chooses an order for the literals and an index for each atom.

use super::super::base::Catalog;
use super::super::ir::{Aggregate, Atom, CompareOp, Expr, Literal, LiteralKind, Rule, Term, Var};
use super::super::known::Known;
use super::super::limits::EvalError;
use super::super::value::{Type, Value};
use super::spans::{self, Limit};
use super::{Access, Aggregation, Call, Code, KeptAggregate, Op, Plan, Reg, Rows, Seed, Sweep, Table, View};

/// What is known before the first literal is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seeding {
    Nothing,
    /// A row of the literal at this place; of a kept aggregate the group and its value.
    Literal(usize),
    /// The columns of the head in this set of bits, given one after the other.
    Head(u64),
}

/// Where a negation, an atom or an aggregate of the body looks.
pub(crate) type Views<'v> = &'v dyn Fn(usize) -> View;

/// Builds the plan of one rule.
pub(crate) struct Builder<'c, 'b, 'r> {
    pub(super) catalog: &'c mut Catalog<'b>,
    pub(super) rule: &'r Rule,
    pub(super) views: Views<'c>,
    /// Kept aggregates by the place of their literal.
    pub(super) kept: &'c dyn Fn(usize) -> Option<usize>,
    pub(super) known: Known,
    pub(super) frame: Vec<u64>,
    pub(super) ops: Vec<Op>,
    pub(super) once_from: Option<usize>,
    pub(super) head_vars: Vec<Var>,
    /// The literals in the order in which they are looked at.
    pub(super) sequence: Vec<usize>,
}

pub(super) fn reg(var: Var) -> Reg {
    var.0
}

fn vars_of(expr: &Expr, out: &mut Vec<Var>) {
    match expr {
        Expr::Var(var) => out.push(*var),
        Expr::Const(_) => {}
        Expr::Call(_, args) => args.iter().for_each(|arg| vars_of(arg, out)),
    }
}

impl<'c, 'b, 'r> Builder<'c, 'b, 'r> {
    pub(crate) fn new(
        catalog: &'c mut Catalog<'b>,
        rule: &'r Rule,
        views: Views<'c>,
        kept: &'c dyn Fn(usize) -> Option<usize>,
    ) -> Self {
        let vars = rule.vars.len();
        let mut head_vars = Vec::new();
        for arg in &rule.args {
            vars_of(arg, &mut head_vars);
        }
        Self {
            catalog,
            rule,
            views,
            kept,
            known: Known::default(),
            frame: vec![0; vars],
            ops: Vec::new(),
            once_from: None,
            head_vars,
            sequence: Vec::new(),
        }
    }

    /// The plan. `counting`: each way through the body counts, so none is cut short.
    pub(crate) fn build(mut self, seeding: Seeding, counting: bool) -> Result<Plan, EvalError> {
        let mut open: Vec<usize> = (0..self.rule.body.len()).collect();
        let seed = self.seed(seeding, &mut open)?;
        if matches!(seeding, Seeding::Nothing | Seeding::Head(0)) {
            self.sweep(&mut open);
        }
        self.order(&mut open)?;
        let head = self.head()?;
        let once_from = if counting { self.ops.len() } else { self.once_from.unwrap_or(self.ops.len()) };
        Ok(Plan { ops: self.ops, frame: self.frame, head, once_from, seed, span: self.rule.span })
    }

    /// In which order the literals would be looked at when these columns of the head are given.
    pub(crate) fn sequence(mut self, given: u64) -> Result<Vec<usize>, EvalError> {
        let mut open: Vec<usize> = (0..self.rule.body.len()).collect();
        self.seed(Seeding::Head(given), &mut open)?;
        self.order(&mut open)?;
        Ok(self.sequence)
    }

    /// A register with the value of `code`, which is worked out now.
    pub(super) fn settle(&mut self, code: Code) -> Result<Reg, EvalError> {
        if let Code::Reg(reg) = code {
            return Ok(reg);
        }
        let reg = self.register(0)?;
        self.ops.push(Op::Bind { reg, code });
        Ok(reg)
    }

    pub(super) fn register(&mut self, cell: u64) -> Result<Reg, EvalError> {
        let reg = Reg::try_from(self.frame.len()).map_err(|_| EvalError::Mismatch {
            reason: "a rule has more than 65,535 variables and constants".into(),
        })?;
        self.frame.push(cell);
        Ok(reg)
    }

    pub(super) fn constant(&mut self, value: &Value, ty: Type) -> Result<Reg, EvalError> {
        let cell = self.catalog.encode(value, ty);
        self.register(cell)
    }

    /// Binds and checks for the columns of an atom. Of what is known nothing is bound again; `_` binds nothing.
    pub(super) fn columns(&mut self, atom: &Atom, bind: bool) -> Result<(Seed, Vec<(usize, Reg)>), EvalError> {
        let (mut seed, mut known) = (Seed::default(), Vec::new());
        let before = self.known.clone();
        for (column, term) in atom.args.iter().enumerate() {
            match term {
                Term::Any => {}
                Term::Const(value) => {
                    let ty = self.catalog.column_type(atom.pred, column);
                    let place = self.constant(value, ty)?;
                    known.push((column, place));
                    seed.same.push((narrow(column), place));
                }
                Term::Var(var) if before.has(*var) => {
                    known.push((column, reg(*var)));
                    seed.same.push((narrow(column), reg(*var)));
                }
                Term::Var(var) if self.known.has(*var) => seed.same.push((narrow(column), reg(*var))),
                Term::Var(var) => {
                    seed.binds.push((narrow(column), reg(*var)));
                    self.known.add(*var);
                }
            }
        }
        if !bind {
            self.known = before;
        }
        Ok((seed, known))
    }

    pub(super) fn note_head(&mut self) {
        if self.once_from.is_none() && self.head_vars.iter().all(|var| self.known.has(*var)) {
            self.once_from = Some(self.ops.len());
        }
    }

    fn sweep(&mut self, open: &mut Vec<usize>) {
        let catalog = &*self.catalog;
        let Some(pair) = spans::pair(self.rule, |atom| matches!(catalog.table(atom.pred), Some(Table::Kept(_)))) else {
            return;
        };
        let atom = |at: usize| match self.rule.body.get(at).map(|literal| &literal.kind) {
            Some(LiteralKind::Atom(atom)) => Some(atom),
            _ => None,
        };
        let (Some(one), Some(two)) = (atom(pair.first), atom(pair.second)) else { return };
        let Some(table) = self.catalog.table(one.pred) else { return };
        let Some(index) = self.catalog.span_index(table, &pair.key, pair.start, pair.end) else { return };
        // There are no constants in either, so nothing can fail.
        let (Ok((first, _)), Ok((second, _))) = (self.columns(one, true), self.columns(two, true)) else { return };
        open.retain(|at| ![pair.first, pair.second].contains(at) && !pair.said.contains(at));
        let span = (narrow(pair.start), narrow(pair.end));
        self.ops.push(Op::Sweep(Sweep { table, index, first, second, span, with_itself: pair.with_itself }));
        self.note_head();
    }

    /// Lays out the literals one after the other, the most selective first.
    pub(super) fn order(&mut self, open: &mut Vec<usize>) -> Result<(), EvalError> {
        while !open.is_empty() {
            let Some(place) = self.next(open) else {
                let reason = format!("no order found for the literals of the rule in line {}", self.rule.span.line);
                return Err(EvalError::Mismatch { reason });
            };
            let at = open.remove(place);
            self.sequence.push(at);
            if let Some(literal) = self.rule.body.get(at) {
                self.lower(at, literal, open)?;
            }
            self.note_head();
        }
        Ok(())
    }

    fn lower(&mut self, at: usize, literal: &Literal, open: &mut Vec<usize>) -> Result<(), EvalError> {
        let op = match &literal.kind {
            LiteralKind::Compare { op, ty, left, right } => match self.known.solution(&literal.kind) {
                Some(solution) => self.solved(&solution, *ty)?,
                None => self.comparison(*op, *ty, left, right)?,
            },
            LiteralKind::Range { var, from, to, step } => {
                let (from, to) = (self.code(from, Type::Number)?, self.code(to, Type::Number)?);
                let step = step.as_ref().map(|step| self.code(step, Type::Number)).transpose()?;
                Op::Range { reg: reg(*var), compares: self.known.has(*var), from, to, step }
            }
            LiteralKind::Atom(atom) => self.atom(at, atom, open)?,
            LiteralKind::Not { atom, .. } => self.absent(at, atom)?,
            LiteralKind::Aggregate(aggregate) => self.aggregate(at, aggregate, literal)?,
        };
        self.ops.push(op);
        self.known.bind(literal);
        Ok(())
    }

    fn comparison(&mut self, op: CompareOp, ty: Type, left: &Expr, right: &Expr) -> Result<Op, EvalError> {
        let free = |expr: &Expr| match expr {
            Expr::Var(var) if !self.known.has(*var) => Some(*var),
            Expr::Var(_) | Expr::Const(_) | Expr::Call(..) => None,
        };
        if op == CompareOp::Eq {
            if let Some(var) = free(left) {
                return Ok(Op::Bind { reg: reg(var), code: self.code(right, ty)? });
            }
            if let Some(var) = free(right) {
                return Ok(Op::Bind { reg: reg(var), code: self.code(left, ty)? });
            }
        }
        Ok(Op::Compare { op, ty, left: self.code(left, ty)?, right: self.code(right, ty)? })
    }

    fn atom(&mut self, at: usize, atom: &Atom, open: &mut Vec<usize>) -> Result<Op, EvalError> {
        let span_use = spans::find(self.rule, atom, open, &self.known);
        let (seed, known) = self.columns(atom, true)?;
        let Some(table) = self.catalog.table(atom.pred) else {
            return Ok(Op::Call(self.call(atom, &seed, &known)));
        };
        let view = (self.views)(at);
        let mut access = self.access(table, atom.args.len(), &known);
        let columns: Vec<usize> = known.iter().map(|(column, _)| *column).collect();
        if let Some(found) = span_use
            && wants_spans(table, &columns)
            && let Some(index) = self.catalog.span_index(table, &columns, found.start, found.end)
        {
            let (before, after) = (self.bound_code(&found.before, true)?, self.bound_code(&found.after, false)?);
            for limit in [&found.before, &found.after].into_iter().filter(|limit| limit.exact) {
                open.retain(|at| *at != limit.literal);
                // Seen to by the index, but still a part of the rule.
                self.sequence.push(limit.literal);
            }
            access = Access::Overlapping { index, key: known.iter().map(|(_, reg)| *reg).collect(), after, before };
        }
        let same = rest(&seed, &known, &access);
        Ok(Op::Rows(Rows { table, view, access, binds: seed.binds, same }))
    }

    /// The bound as it is given to the index: strict, and saturated, since the exact comparison follows where it differs.
    fn bound_code(&mut self, limit: &Limit, upper: bool) -> Result<Code, EvalError> {
        let mut code = self.code(&limit.expr, Type::Number)?;
        for (by, minus) in &limit.shifts {
            let by = self.code(by, Type::Number)?;
            code = Code::Shifted { of: Box::new(code), by: Box::new(by), minus: *minus };
        }
        if limit.included {
            let one = Code::Reg(self.register(1)?);
            code = if upper {
                Code::Next(Box::new(code))
            } else {
                Code::Shifted { of: Box::new(code), by: Box::new(one), minus: true }
            };
        }
        Ok(code)
    }

    fn absent(&mut self, at: usize, atom: &Atom) -> Result<Op, EvalError> {
        let (seed, known) = self.columns(atom, false)?;
        let Some(table) = self.catalog.table(atom.pred) else {
            return Ok(Op::AbsentCall(self.call(atom, &seed, &known)));
        };
        let access = self.access(table, atom.args.len(), &known);
        let same = rest(&seed, &known, &access);
        let view = (self.views)(at);
        Ok(Op::Absent(Rows { table, view, access, binds: seed.binds, same }))
    }

    pub(super) fn access(&mut self, table: Table, arity: usize, known: &[(usize, Reg)]) -> Access {
        let key: Vec<Reg> = known.iter().map(|(_, reg)| *reg).collect();
        if known.len() == arity {
            return Access::Find(key);
        }
        let columns: Vec<usize> = known.iter().map(|(column, _)| *column).collect();
        match self.catalog.index(table, &columns) {
            Some(index) => Access::Probe(index, key),
            None => Access::Scan,
        }
    }

    fn call(&mut self, atom: &Atom, seed: &Seed, known: &[(usize, Reg)]) -> Call {
        let given = known.iter().fold(0, |bits, (column, _)| bits | (1_u64 << column));
        let slot = self.catalog.slot(atom.pred, given);
        let key = known.iter().map(|(_, reg)| *reg).collect();
        let given_columns: Vec<usize> = known.iter().map(|(column, _)| *column).collect();
        let same = (seed.same.iter()).filter(|(column, _)| !given_columns.contains(&usize::from(*column))).copied();
        let (binds, same) = (seed.binds.clone(), same.collect());
        Call { slot, key, every_column: known.len() == atom.args.len(), binds, same }
    }

    fn aggregate(&mut self, at: usize, aggregate: &Aggregate, literal: &Literal) -> Result<Op, EvalError> {
        let compares = self.known.has(aggregate.result);
        let result = reg(aggregate.result);
        if let Some(slot) = (self.kept)(at) {
            let group = aggregate.group.iter().map(|var| reg(*var)).collect();
            return Ok(Op::Kept(KeptAggregate { slot, view: (self.views)(at), group, result, compares }));
        }
        let outside = self.known.clone();
        let mut body = self.nested(&aggregate.body)?;
        let before = core::mem::take(&mut self.ops);
        let target = aggregate.target.as_ref().map(|target| self.code(target, Type::Number)).transpose()?;
        body.append(&mut self.ops);
        self.ops = before;
        self.known = outside;
        let ty = self.rule.vars.get(aggregate.result.index()).map_or(Type::Number, |info| info.ty);
        let kind = aggregate.kind;
        Ok(Op::Aggregate(Box::new(Aggregation { kind, ty, result, compares, target, body, span: literal.span })))
    }

    /// The steps of a body within the body. Its literals have no places of their own: they look at what is there now.
    pub(super) fn nested(&mut self, body: &[Literal]) -> Result<Vec<Op>, EvalError> {
        let inner = Rule { body: body.to_vec(), ..self.rule.clone() };
        let view = (self.views)(usize::MAX);
        let mut builder = Builder {
            catalog: &mut *self.catalog,
            rule: &inner,
            views: &|_| view,
            kept: &|_| None,
            known: self.known.clone(),
            frame: core::mem::take(&mut self.frame),
            ops: Vec::new(),
            once_from: Some(0),
            head_vars: Vec::new(),
            sequence: Vec::new(),
        };
        let mut open: Vec<usize> = (0..body.len()).collect();
        let ordered = builder.order(&mut open);
        let (ops, frame, known) = (builder.ops, builder.frame, builder.known);
        self.frame = frame;
        self.known = known;
        ordered.map(|()| ops)
    }

    /// The registers of the head, worked out last.
    pub(super) fn head(&mut self) -> Result<Vec<Reg>, EvalError> {
        let rule = self.rule;
        let mut head = Vec::with_capacity(rule.args.len());
        for (column, arg) in rule.args.iter().enumerate() {
            let ty = self.catalog.column_type(rule.head, column);
            let code = self.code(arg, ty)?;
            head.push(self.settle(code)?);
        }
        Ok(head)
    }

    pub(super) fn code(&mut self, expr: &Expr, ty: Type) -> Result<Code, EvalError> {
        match expr {
            Expr::Var(var) => Ok(Code::Reg(reg(*var))),
            Expr::Const(value) => {
                // A constant knows its own type; only a column of several types has another form for it.
                let ty = if ty == Type::Any { ty } else { value.kind() };
                self.constant(value, ty).map(Code::Reg)
            }
            Expr::Call(function, args) => {
                let takes = args.iter().map(|arg| self.code(arg, Type::Number)).collect::<Result<_, _>>()?;
                Ok(Code::Call { function: function.clone(), takes, span: self.rule.span })
            }
        }
    }
}

/// Whether an index of spans is worth it with these columns known: two of them mostly name a row.
pub(super) fn wants_spans(table: Table, known: &[usize]) -> bool {
    matches!(table, Table::Kept(_)) && known.len() < 2
}

/// What is left to be compared once the access has seen to the known columns.
pub(super) fn rest(seed: &Seed, known: &[(usize, Reg)], access: &Access) -> Vec<(u16, Reg)> {
    if matches!(access, Access::Scan) {
        return seed.same.clone();
    }
    let is_known = |column: u16| known.iter().any(|(known, _)| *known == usize::from(column));
    seed.same.iter().filter(|(column, _)| !is_known(*column)).copied().collect()
}

pub(crate) fn is_given(given: u64, column: usize) -> bool {
    given.checked_shr(u32::try_from(column).unwrap_or(64)).unwrap_or(0) & 1 == 1
}

/// Columns and groups have at most 64 places: see the limits of [`compile`](super::super::compile).
pub(super) fn narrow(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}
