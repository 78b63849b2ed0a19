//! What the literals and expressions of a rule tell about types.

use super::types::{Shape, Sum, Types};
use crate::datalog::diagnostic::Report;
use crate::datalog::ir::{AggregateKind, Atom, Expr, Function, Literal, LiteralKind, Span, Term};
use crate::datalog::value::Type;

impl Types {
    pub(super) fn literals(&mut self, rule: usize, body: &[Literal], report: &mut Report<'_>) {
        for Literal { kind, span } in body {
            let span = *span;
            match kind {
                LiteralKind::Atom(atom) | LiteralKind::Not { atom, .. } => self.atom(rule, atom, span, report),
                LiteralKind::Compare { left, right, .. } => {
                    let left = self.shape(rule, left, span, report);
                    let right = self.shape(rule, right, span, report);
                    self.join(left, right, span, report);
                }
                LiteralKind::Range { var, from, to, step } => {
                    self.tell(self.var(rule, *var), Type::Number, true, span, report);
                    for part in [Some(from), Some(to), step.as_ref()].into_iter().flatten() {
                        self.want(rule, part, Type::Number, span, report);
                    }
                }
                LiteralKind::Aggregate(aggregate) => {
                    self.literals(rule, &aggregate.body, report);
                    let result = Shape::Node(self.var(rule, aggregate.result));
                    let number = Shape::Known { ty: Type::Number, strict: true };
                    let target = aggregate.target.as_ref().map(|target| self.shape(rule, target, span, report));
                    match aggregate.kind {
                        AggregateKind::Count => self.join(result, number, span, report),
                        AggregateKind::Sum => {
                            self.join(result, number, span, report);
                            self.join(target.unwrap_or(number), number, span, report);
                        }
                        AggregateKind::Min | AggregateKind::Max => {
                            self.join(result, target.unwrap_or(number), span, report);
                        }
                    }
                }
            }
        }
    }

    fn atom(&mut self, rule: usize, atom: &Atom, span: Span, report: &mut Report<'_>) {
        for (place, term) in atom.args.iter().enumerate() {
            let column = self.column(atom.pred, place);
            match term {
                Term::Var(var) => {
                    let var = Shape::Node(self.var(rule, *var));
                    self.join(var, Shape::Node(column), span, report);
                }
                Term::Const(value) => self.tell(column, value.kind(), false, span, report),
                Term::Any => {}
            }
        }
    }

    fn want(&mut self, rule: usize, expr: &Expr, ty: Type, span: Span, report: &mut Report<'_>) {
        let shape = self.shape(rule, expr, span, report);
        self.join(shape, Shape::Known { ty, strict: true }, span, report);
    }

    pub(super) fn shape(&mut self, rule: usize, expr: &Expr, span: Span, report: &mut Report<'_>) -> Shape {
        match expr {
            Expr::Var(var) => Shape::Node(self.var(rule, *var)),
            Expr::Const(value) => Shape::Known { ty: value.kind(), strict: false },
            Expr::Call(function, args) => self.call(rule, function, args, span, report),
        }
    }

    fn call(&mut self, rule: usize, function: &Function, args: &[Expr], span: Span, report: &mut Report<'_>) -> Shape {
        let known = |ty| Shape::Known { ty, strict: true };
        let (takes, gives) = match function {
            Function::Add | Function::Sub => {
                let minus = matches!(function, Function::Sub);
                return self.sum(rule, minus, args, span, report);
            }
            Function::Min(_) | Function::Max(_) => {
                let result = Shape::Node(self.member("the result".into(), None));
                for arg in args {
                    let shape = self.shape(rule, arg, span, report);
                    self.join(result, shape, span, report);
                }
                return result;
            }
            Function::ToText(_) => {
                for arg in args {
                    self.shape(rule, arg, span, report);
                }
                return known(Type::Symbol);
            }
            Function::Host(host) => {
                for (arg, ty) in args.iter().zip(&host.takes) {
                    self.want(rule, arg, *ty, span, report);
                }
                return known(host.gives);
            }
            Function::Substr => {
                for (arg, ty) in args.iter().zip([Type::Symbol, Type::Number, Type::Number]) {
                    self.want(rule, arg, ty, span, report);
                }
                return known(Type::Symbol);
            }
            Function::Cat => (Type::Symbol, Type::Symbol),
            Function::StrLen | Function::Ord | Function::ToNumber => (Type::Symbol, Type::Number),
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
            | Function::LogicNot => (Type::Number, Type::Number),
        };
        for arg in args {
            self.want(rule, arg, takes, span, report);
        }
        known(gives)
    }

    fn sum(&mut self, rule: usize, minus: bool, args: &[Expr], span: Span, report: &mut Report<'_>) -> Shape {
        let mut shapes = [Shape::Known { ty: Type::Number, strict: true }; 2];
        for (shape, arg) in shapes.iter_mut().zip(args) {
            *shape = self.shape(rule, arg, span, report);
        }
        let [left, right] = shapes;
        let result = Shape::Node(self.member("the result".into(), None));
        let place = self.sums.len();
        self.sums.push(Sum { minus, left, right, result, span, clause: self.clause, done: false });
        for shape in [left, right, result] {
            if let Shape::Node(node) = shape {
                let root = self.root(node);
                self.waiting.entry(root).or_default().push(place);
            }
        }
        self.woken.push(place);
        result
    }
}
