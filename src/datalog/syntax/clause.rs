//! Facts, rules and the conditions of a body.

use super::ast::{Call, Clause, Comparison, Condition, Expr};
use super::parser::{Parser, Read};
use super::token::Kind;
use crate::datalog::diagnostic::Finding;
use crate::datalog::ir::{CompareOp, Span};
use crate::datalog::value::Value;

/// What stands where a condition is wanted, before it is known whether a comparison follows.
enum Part<'s> {
    Value(Expr<'s>),
    Condition(Condition<'s>),
}

fn comparison(kind: Kind<'_>) -> Option<CompareOp> {
    let Kind::Sign(sign) = kind else { return None };
    Some(match sign {
        "=" => CompareOp::Eq,
        "!=" => CompareOp::Ne,
        "<" => CompareOp::Lt,
        "<=" => CompareOp::Le,
        ">" => CompareOp::Gt,
        ">=" => CompareOp::Ge,
        _ => return None,
    })
}

impl<'s> Parser<'_, 's, '_, '_> {
    pub(super) fn clause(&mut self) -> Read<Clause<'s>> {
        if self.at(".")
            && let Kind::Word(word) = self.peek_second()
        {
            let finding = Finding::error("E-syntax", self.place(), format!("`.{word}` is no directive"));
            return Err(self.fail(finding.hint("directives are .decl, .type, .input, .output and the marks")));
        }
        let mut heads = vec![self.head()?];
        if self.at("<=") {
            let finding =
                Finding::error("E-unsupported", self.place(), "`<=` between heads (subsumption) is not supported");
            return Err(self.fail(finding.hint("an aggregate with `min` or `max` finds the best of several rows")));
        }
        while self.took(",") {
            heads.push(self.head()?);
        }
        let body = if self.took(":-") { Some(self.condition()?) } else { None };
        let wanted = if body.is_some() { "`,`, `;` or the `.` that ends the clause" } else { "`:-` or `.`" };
        self.expect(".", wanted)?;
        Ok(Clause { heads, body, span: self.clause_span() })
    }

    pub(super) fn head(&mut self) -> Read<Call<'s>> {
        let name = self.word("the name of a predicate")?;
        if self.at("(") {
            return self.call(name);
        }
        Ok(Call { name, args: Vec::new(), span: name.span })
    }

    /// Conditions with `,` and `;` between them.
    pub(super) fn condition(&mut self) -> Read<Condition<'s>> {
        match self.alternatives()? {
            Part::Value(value) => self.as_condition(value),
            Part::Condition(condition) => Ok(condition),
        }
    }

    fn alternatives(&mut self) -> Read<Part<'s>> {
        let first = self.conjunction()?;
        if !self.at(";") {
            return Ok(first);
        }
        let mut height = self.height;
        let mut list = vec![self.settled(first)?];
        while self.took(";") {
            let next = self.conjunction()?;
            list.push(self.settled(next)?);
            height = height.max(self.height);
        }
        self.grow(height)?;
        Ok(Part::Condition(Condition::Or(list)))
    }

    fn conjunction(&mut self) -> Read<Part<'s>> {
        let first = self.part()?;
        if !self.at(",") {
            return Ok(first);
        }
        let mut height = self.height;
        let mut list = vec![self.settled(first)?];
        while self.took(",") {
            list.push(self.literal()?);
            height = height.max(self.height);
        }
        self.grow(height)?;
        Ok(Part::Condition(Condition::And(list)))
    }

    /// One condition.
    pub(super) fn literal(&mut self) -> Read<Condition<'s>> {
        let part = self.part()?;
        self.settled(part)
    }

    fn settled(&mut self, part: Part<'s>) -> Read<Condition<'s>> {
        match part {
            Part::Value(value) => self.as_condition(value),
            Part::Condition(condition) => Ok(condition),
        }
    }

    fn part(&mut self) -> Read<Part<'s>> {
        let start = self.place();
        if self.at("!") || self.at_word("not") {
            self.skip();
            self.enter()?;
            let inside = self.literal()?;
            self.leave();
            self.grow(self.height)?;
            return Ok(Part::Condition(Condition::Not(Box::new(inside))));
        }
        let first = if self.at("(") {
            match self.bracketed()? {
                Part::Value(value) => value,
                condition @ Part::Condition(_) => return Ok(condition),
            }
        } else {
            self.operand()?
        };
        let left = self.operators(first, 0)?;
        let Some(op) = comparison(self.peek()) else { return Ok(Part::Value(left)) };
        let height = self.height;
        self.skip();
        let right = self.expression()?;
        self.grow(self.height.max(height))?;
        let comparison = Comparison { op, left, right, span: self.since(start) };
        Ok(Part::Condition(Condition::Compare(Box::new(comparison))))
    }

    /// A bracket where a condition is wanted: it holds conditions, or the start of a value.
    fn bracketed(&mut self) -> Read<Part<'s>> {
        self.skip();
        self.enter()?;
        let inside = self.alternatives()?;
        self.expect(")", "`)`, `,`, `;` or an operator")?;
        self.leave();
        Ok(inside)
    }

    /// A value that stands alone where a condition is wanted.
    fn as_condition(&mut self, value: Expr<'s>) -> Read<Condition<'s>> {
        match value {
            Expr::Call(call) => Ok(Condition::Atom(call)),
            Expr::Name(name) => Ok(Condition::Atom(Call { name, args: Vec::new(), span: name.span })),
            Expr::Const(Value::Bool(truth), span) => Ok(Condition::Truth(truth, span)),
            Expr::Any(span)
            | Expr::Operator(_, _, span)
            | Expr::Const(Value::Number(_) | Value::Symbol(_) | Value::Time(_), span) => {
                Err(self.no_condition(span, "this is a value, not a condition"))
            }
            Expr::Aggregate(aggregate) => Err(self.no_condition(aggregate.span, "an aggregate is a value")),
        }
    }

    fn no_condition(&mut self, span: Span, message: &str) -> super::parser::Failed {
        if self.peek() == Kind::Wrong {
            return super::parser::Failed;
        }
        self.fail(Finding::error("E-syntax", span, message).hint("compare it with something, as in `n = ...`"))
    }
}
