//! Writes the types that were found into predicates and rules.

use super::Draft;
use super::types::{Class, Types};
use crate::datalog::diagnostic::{Finding, Report};
use crate::datalog::ir::{
    Aggregate, AggregateKind, CompareOp, Expr, Function, Literal, LiteralKind, PredId, Predicate, Span, VarInfo,
};
use crate::datalog::value::Type;

impl Types {
    pub(super) fn settle(&mut self, predicates: &mut [Predicate], rules: &mut [Draft], report: &mut Report<'_>) {
        for (number, predicate) in predicates.iter_mut().enumerate() {
            for (place, column) in predicate.columns.iter_mut().enumerate() {
                column.ty = final_type(&self.class_of_column(number, place));
            }
        }
        self.settle_rules(rules, report);
    }

    pub(super) fn settle_rules(&mut self, rules: &mut [Draft], report: &mut Report<'_>) {
        for (number, draft) in rules.iter_mut().enumerate() {
            let mut failed = false;
            for (var, at) in draft.rule.vars.iter_mut().zip(0..) {
                let class = self.class(self.var(number, crate::datalog::ir::Var(at)));
                var.ty = final_type(&class);
                failed |= class.failed;
            }
            // What is wrong with its types was reported; more would only follow from that.
            if !failed {
                let mut settling = Settling { vars: &draft.rule.vars, clause: draft.rule.span, report };
                for (place, arg) in draft.rule.args.iter_mut().enumerate() {
                    let computed = settling.expr(arg, draft.head);
                    let column = self.head_type(draft.rule.head, place);
                    settling.fits(arg, column.map_or(computed, |column| either(column, computed)), draft.head);
                }
                settling.literals(&mut draft.rule.body);
            }
        }
    }

    /// None for the head of a query, which is no predicate.
    fn head_type(&mut self, pred: PredId, place: usize) -> Option<Type> {
        self.has(pred).then(|| final_type(&self.class_of_column(pred.index(), place)))
    }
}

fn final_type(class: &Class) -> Type {
    class.ty().unwrap_or(Type::Number)
}

/// One rule.
struct Settling<'d, 'r, 'a> {
    vars: &'d [VarInfo],
    clause: Span,
    report: &'r mut Report<'a>,
}

impl Settling<'_, '_, '_> {
    fn literals(&mut self, body: &mut [Literal]) {
        for literal in body {
            let span = literal.span;
            match &mut literal.kind {
                LiteralKind::Atom(_) | LiteralKind::Not { .. } => {}
                LiteralKind::Compare { op, ty, left, right } => {
                    *ty = either(self.expr(left, span), self.expr(right, span));
                    if *ty == Type::Any && !matches!(op, CompareOp::Eq | CompareOp::Ne) {
                        self.unordered(span);
                    }
                    self.fits(left, *ty, span);
                    self.fits(right, *ty, span);
                }
                LiteralKind::Range { from, to, step, .. } => {
                    for part in [Some(from), Some(to), step.as_mut()].into_iter().flatten() {
                        self.expr(part, span);
                    }
                }
                LiteralKind::Aggregate(aggregate) => self.aggregate(aggregate, span),
            }
        }
    }

    fn aggregate(&mut self, aggregate: &mut Aggregate, span: Span) {
        self.literals(&mut aggregate.body);
        let Some(target) = &mut aggregate.target else { return };
        let ordered = matches!(aggregate.kind, AggregateKind::Min | AggregateKind::Max);
        let result = self.vars.get(aggregate.result.index()).map_or(Type::Number, |result| result.ty);
        if either(self.expr(target, span), result) == Type::Any && ordered {
            self.unordered(span);
        }
    }

    /// What is computed is never of mixed type: only `min` and `max` could be, and those have no order for it.
    fn fits(&mut self, value: &Expr, ty: Type, span: Span) {
        if ty == Type::Any && matches!(value, Expr::Call(..)) {
            self.unordered(span);
        }
    }

    fn unordered(&mut self, span: Span) {
        let message = "numbers and texts are mixed here, which have no order among them";
        let finding = Finding::error("E-type", span, message).within(self.clause);
        self.report.add(finding.hint("a `.decl` says what the columns hold"));
    }

    fn expr(&mut self, expr: &mut Expr, span: Span) -> Type {
        match expr {
            Expr::Var(var) => self.vars.get(var.index()).map_or(Type::Number, |var| var.ty),
            Expr::Const(value) => value.kind(),
            Expr::Call(function, args) => {
                let given: Vec<Type> = args.iter_mut().map(|arg| self.expr(arg, span)).collect();
                self.call(function, &given, span)
            }
        }
    }

    fn call(&mut self, function: &mut Function, given: &[Type], span: Span) -> Type {
        match function {
            Function::Add | Function::Sub => match given {
                [Type::Time, Type::Time] => Type::Number,
                [left, right] if *left == Type::Time || *right == Type::Time => Type::Time,
                _ => Type::Number,
            },
            Function::Min(ty) | Function::Max(ty) => {
                *ty = given.iter().copied().reduce(either).unwrap_or(Type::Number);
                let own = *ty;
                if own == Type::Any {
                    self.unordered(span);
                }
                own
            }
            Function::ToText(ty) => {
                *ty = given.first().copied().unwrap_or(Type::Number);
                Type::Symbol
            }
            Function::Host(host) => host.gives,
            Function::Cat | Function::Substr => Type::Symbol,
            Function::Mul
            | Function::Div
            | Function::Rem
            | Function::Pow
            | Function::Neg
            | Function::BitAnd
            | Function::BitOr
            | Function::BitXor
            | Function::BitNot
            | Function::ShiftLeft
            | Function::ShiftRight
            | Function::ShiftRightUnsigned
            | Function::LogicAnd
            | Function::LogicOr
            | Function::LogicXor
            | Function::LogicNot
            | Function::StrLen
            | Function::Ord
            | Function::ToNumber => Type::Number,
        }
    }
}

/// The type of two that may stand side by side: of both kinds, unless they are of one.
fn either(one: Type, other: Type) -> Type {
    if one == other { one } else { Type::Any }
}
