//! Expressions, comparisons and aggregates of a rule.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::lower::{Lowered, Lowering, comparison, unbound};
use super::names;
use super::nearest::meant;
use super::unfold;
use crate::datalog::diagnostic::Finding;
use crate::datalog::functions::HostFunction;
use crate::datalog::ir::{self, CompareOp, Function, Literal, LiteralKind, Span, Var};
use crate::datalog::syntax::{Aggregate, Call, Expr, Ident};
use crate::datalog::value::{Type, Value};

/// What gives a value, for hints.
const FUNCTIONS: [&str; 10] =
    ["cat", "contains", "max", "min", "ord", "range", "strlen", "substr", "to_number", "to_string"];

impl<'s> Lowering<'_, 's> {
    /// A comparison; with `=`, an aggregate or a range may name its result.
    pub(super) fn compare(
        &mut self,
        op: CompareOp,
        left: &Expr<'s>,
        right: &Expr<'s>,
        span: Span,
        body: &mut Vec<Literal>,
    ) -> Lowered<()> {
        match (op, left, right) {
            (CompareOp::Eq, Expr::Name(name), Expr::Aggregate(aggregate))
            | (CompareOp::Eq, Expr::Aggregate(aggregate), Expr::Name(name)) => {
                let result = self.variable(*name)?;
                return self.aggregate(aggregate, Some(result), span, body).map(drop);
            }
            (CompareOp::Eq, value, Expr::Call(call)) | (CompareOp::Eq, Expr::Call(call), value)
                if call.name.text == "range" =>
            {
                return self.range(value, call, span, body);
            }
            _ => {}
        }
        let left = self.expr(left, body)?;
        let right = self.expr(right, body)?;
        self.push(comparison(op, left, right), span, body)
    }

    fn range(&mut self, value: &Expr<'s>, call: &Call<'s>, span: Span, body: &mut Vec<Literal>) -> Lowered<()> {
        let ([_, _] | [_, _, _]) = call.args.as_slice() else {
            return Err(wrong_count(call, "2 or 3"));
        };
        let value = self.expr(value, body)?;
        let mut given = Vec::new();
        for arg in &call.args {
            given.push(self.expr(arg, body)?);
        }
        let mut given = given.into_iter();
        let (Some(from), Some(to)) = (given.next(), given.next()) else { return Err(wrong_count(call, "2 or 3")) };
        let var = match value {
            ir::Expr::Var(var) => var,
            computed @ (ir::Expr::Const(_) | ir::Expr::Call(..)) => {
                let var = self.fresh("_range", span)?;
                self.push(comparison(CompareOp::Eq, ir::Expr::Var(var), computed), span, body)?;
                var
            }
        };
        self.push(LiteralKind::Range { var, from, to, step: given.next() }, span, body)
    }

    /// What is computed. Aggregates in it become literals of their own.
    pub(super) fn expr(&mut self, expr: &Expr<'s>, body: &mut Vec<Literal>) -> Lowered<ir::Expr> {
        if !matches!(expr, Expr::Name(_)) {
            self.one_more()?;
        }
        match expr {
            Expr::Name(name) => self.variable(*name).map(ir::Expr::Var),
            Expr::Any(span) => {
                Err(unbound("_", *span).hint("`_` may only stand alone as an argument of a body's atom"))
            }
            Expr::Const(value, _) => Ok(ir::Expr::Const(value.clone())),
            Expr::Operator(function, args, _) => Ok(ir::Expr::Call(function.clone(), self.all(args, body)?)),
            Expr::Call(call) => {
                let function = self.function(call)?;
                Ok(ir::Expr::Call(function, self.all(&call.args, body)?))
            }
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, None, aggregate.span, body).map(ir::Expr::Var),
        }
    }

    fn all(&mut self, args: &[Expr<'s>], body: &mut Vec<Literal>) -> Lowered<Vec<ir::Expr>> {
        args.iter().map(|arg| self.expr(arg, body)).collect()
    }

    fn function(&self, call: &Call<'s>) -> Lowered<Function> {
        let count = call.args.len();
        let (function, fits, wanted) = match call.name.text {
            "min" => (Function::Min(Type::Number), count >= 2, "2 or more"),
            "max" => (Function::Max(Type::Number), count >= 2, "2 or more"),
            "cat" => (Function::Cat, count >= 2, "2 or more"),
            "strlen" => (Function::StrLen, count == 1, "1"),
            "substr" => (Function::Substr, count == 3, "3"),
            "ord" => (Function::Ord, count == 1, "1"),
            "to_number" => (Function::ToNumber, count == 1, "1"),
            "to_string" => (Function::ToText(Type::Number), count == 1, "1"),
            "range" => {
                let finding = Finding::error("E-function", call.span, "a range has many values");
                return Err(finding.hint("it stands alone beside `=`, as in `x = range(1, 10)`"));
            }
            "contains" => (Function::Host(contains()), count == 2, "2"),
            name => {
                let Some(host) = self.scope.functions.get(name) else { return Err(self.unknown_function(call)) };
                let message = host.takes.len();
                if message != count {
                    return Err(wrong_count(call, &message.to_string()));
                }
                (Function::Host(host.clone()), true, "")
            }
        };
        if fits { Ok(function) } else { Err(wrong_count(call, wanted)) }
    }

    fn unknown_function(&self, call: &Call<'_>) -> Finding {
        let name = call.name.text;
        if names::is_reserved(name) {
            return Finding::error("E-function", call.span, format!("`{name}` gives no value that could stand here"));
        }
        if let Some(finding) = names::unsupported(call) {
            return finding;
        }
        let hosts = self.scope.functions.iter().map(|host| &*host.name);
        let hint = meant(name, FUNCTIONS.into_iter().chain(hosts)).unwrap_or_else(|| {
            "a relation can only be asked as a condition of its own, with a variable for what it gives".to_owned()
        });
        Finding::error("E-function", call.span, format!("no function is called `{name}`")).hint(hint)
    }

    /// A function where a condition is wanted: it must give a bool.
    pub(super) fn truth(&mut self, call: &Call<'s>, body: &mut Vec<Literal>) -> Lowered<ir::Expr> {
        if call.name.text == "match" {
            let finding = Finding::error("E-unsupported", call.span, "`match` is not supported: there are no patterns");
            return Err(finding.hint("`contains(part, whole)` looks for a part of a text"));
        }
        let function = self.function(call)?;
        if !matches!(&function, Function::Host(host) if host.gives == Type::Bool) {
            let message = format!("`{}` gives a value, not a condition", call.name.text);
            return Err(Finding::error("E-function", call.span, message).hint("compare it with something"));
        }
        Ok(ir::Expr::Call(function, self.all(&call.args, body)?))
    }

    /// Adds the aggregate and tells the variable of its result.
    fn aggregate(
        &mut self,
        aggregate: &Aggregate<'s>,
        result: Option<Var>,
        span: Span,
        body: &mut Vec<Literal>,
    ) -> Lowered<Var> {
        let alternatives = unfold::unfold(&aggregate.body, self.clause)?;
        let [steps] = alternatives.as_slice() else {
            let message = "`;`, or what a negated group comes to, cannot stand in an aggregate";
            let finding = Finding::error("E-aggregate", aggregate.span, message);
            return Err(finding.hint("give the alternatives a predicate of their own"));
        };
        let outside = self.vars.len();
        let mut named = Vec::new();
        if let Some(target) = &aggregate.target {
            names::of_expr(target, &mut |name| named.push(name));
        }
        let of_target = named.len();
        names::of_steps(steps, &mut |name| named.push(name));
        let (hidden, opened) = self.enter_aggregate(named.as_slice(), of_target)?;
        let mut inside = Vec::new();
        let target = match &aggregate.target {
            Some(target) => Some(self.expr(target, &mut inside)?),
            None => None,
        };
        self.conjunction(steps, &mut inside)?;
        self.close(&opened);
        self.unhide(hidden);
        let group = shared(&inside, target.as_ref(), outside);
        let own = match result.filter(|result| !group.contains(result)) {
            Some(result) => result,
            None => self.fresh(&format!("_{}", aggregate.kind), aggregate.span)?,
        };
        let made = ir::Aggregate { kind: aggregate.kind, result: own, target, body: inside, group };
        self.push(LiteralKind::Aggregate(made), span, body)?;
        if let Some(result) = result.filter(|result| *result != own) {
            self.push(comparison(CompareOp::Eq, ir::Expr::Var(result), ir::Expr::Var(own)), span, body)?;
        }
        Ok(own)
    }

    /// Opens the names of an aggregate. The first ones, those of its target, are its own whatever is called so outside.
    fn enter_aggregate(&mut self, named: &[Ident<'s>], of_target: usize) -> Lowered<Entered<'s>> {
        let hidden = self.hide(named.get(..of_target).unwrap_or_default());
        let opened = self.open(named)?;
        for (name, _) in &hidden {
            self.shadows.extend(self.visible.get(name).copied());
        }
        Ok((hidden, opened))
    }
}

/// What an aggregate hides, and what it opens.
type Entered<'s> = (Vec<(&'s str, Var)>, Vec<&'s str>);

/// The variables of an aggregate that were there before it, ascending.
fn shared(body: &[Literal], target: Option<&ir::Expr>, outside: usize) -> Vec<Var> {
    let mut group = BTreeSet::new();
    let mut note = |var: Var| {
        if var.index() < outside {
            group.insert(var);
        }
    };
    for literal in body {
        names::vars_of_literal(literal, &mut note);
    }
    if let Some(target) = target {
        names::vars_of(target, &mut note);
    }
    group.into_iter().collect()
}

fn wrong_count(call: &Call<'_>, wanted: &str) -> Finding {
    let message = format!("`{}` is given {} arguments; it takes {wanted}", call.name.text, call.args.len());
    Finding::error("E-arity", call.span, message)
}

/// Whether the second text holds the first.
fn contains() -> HostFunction {
    let body = |given: &[Value]| match given {
        [Value::Symbol(part), Value::Symbol(whole)] => Some(Value::Bool(whole.contains(&**part))),
        _ => None,
    };
    HostFunction {
        name: "contains".into(),
        takes: vec![Type::Symbol, Type::Symbol],
        gives: Type::Bool,
        body: Arc::new(body),
    }
}
