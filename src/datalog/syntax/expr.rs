//! Expressions, by precedence.

use super::ast::{Aggregate, Call, Expr, Ident};
use super::parser::{Parser, Read};
use super::token::Kind;
use crate::datalog::diagnostic::Finding;
use crate::datalog::ir::{AggregateKind, Function, Span};
use crate::datalog::value::Value;

/// Operators between two operands, weakest first.
const LEVELS: u8 = 9;

/// The operator of a token: how strongly it binds, and what it does. All but the power group to the left.
fn infix(kind: Kind<'_>) -> Option<(u8, Function)> {
    let (Kind::Word(sign) | Kind::Sign(sign)) = kind else { return None };
    Some(match sign {
        "lor" => (0, Function::LogicOr),
        "lxor" => (1, Function::LogicXor),
        "land" => (2, Function::LogicAnd),
        "bor" => (3, Function::BitOr),
        "bxor" => (4, Function::BitXor),
        "band" => (5, Function::BitAnd),
        "bshl" => (6, Function::ShiftLeft),
        "bshr" => (6, Function::ShiftRight),
        "bshru" => (6, Function::ShiftRightUnsigned),
        "+" => (7, Function::Add),
        "-" => (7, Function::Sub),
        "*" => (8, Function::Mul),
        "/" => (8, Function::Div),
        "%" => (8, Function::Rem),
        "^" | "**" => (LEVELS, Function::Pow),
        _ => return None,
    })
}

/// Whether an instant has digits below the millisecond that are not 0.
fn is_finer(instant: &str) -> bool {
    let fraction = instant.split_once('.').map(|(_, fraction)| fraction).unwrap_or_default();
    let digits = fraction.bytes().take_while(u8::is_ascii_digit);
    digits.skip(3).any(|digit| digit != b'0')
}

fn prefix(kind: Kind<'_>) -> Option<Function> {
    match kind {
        Kind::Sign("-") => Some(Function::Neg),
        Kind::Word("bnot") => Some(Function::BitNot),
        Kind::Word("lnot") => Some(Function::LogicNot),
        Kind::Word(_)
        | Kind::Sign(_)
        | Kind::Directive(_)
        | Kind::Number(_)
        | Kind::Text(_)
        | Kind::Instant(_)
        | Kind::Wrong
        | Kind::End => None,
    }
}

impl<'s> Parser<'_, 's, '_, '_> {
    pub(super) fn expression(&mut self) -> Read<Expr<'s>> {
        self.enter()?;
        let first = self.operand()?;
        let whole = self.operators(first, 0)?;
        self.leave();
        Ok(whole)
    }

    /// What follows an operand that was read, as far as it binds at least so strongly.
    pub(super) fn operators(&mut self, mut left: Expr<'s>, level: u8) -> Read<Expr<'s>> {
        while let Some((own, function)) = infix(self.peek()).filter(|(own, _)| *own >= level) {
            let left_height = self.height;
            self.skip();
            self.enter()?;
            let operand = self.operand()?;
            let right = self.operators(operand, if own == LEVELS { own } else { own + 1 })?;
            self.leave();
            self.grow(left_height.max(self.height))?;
            let span = self.since(left.span());
            left = Expr::Operator(function, vec![left, right], span);
        }
        Ok(left)
    }

    pub(super) fn operand(&mut self) -> Read<Expr<'s>> {
        let start = self.place();
        self.height = 1;
        match self.peek() {
            Kind::Number(size) => {
                self.skip();
                self.number(i128::from(size), start)
            }
            Kind::Text(raw) => {
                self.skip();
                Ok(Expr::Const(Value::Symbol(self.unescape(raw, start)?.into()), start))
            }
            Kind::Instant(text) => {
                self.skip();
                let Ok(instant) = text.parse() else {
                    let finding = Finding::error("E-instant", start, format!("`@{text}` is no instant"));
                    return Err(self.fail(finding.hint("an instant is written @2026-01-05T19:00:00Z")));
                };
                if is_finer(text) {
                    let finding = Finding::error("E-instant", start, format!("`@{text}` is finer than a millisecond"));
                    return Err(self.fail(finding.hint("write three digits behind the point at most")));
                }
                Ok(Expr::Const(Value::Time(instant), start))
            }
            Kind::Sign("(") => {
                self.skip();
                let inside = self.expression()?;
                self.expect(")", "`)` or an operator")?;
                Ok(inside)
            }
            Kind::Word("_") => Ok(Expr::Any(self.skip())),
            Kind::Word(truth @ ("true" | "false")) => Ok(Expr::Const(Value::Bool(truth == "true"), self.skip())),
            Kind::Word("bnot" | "lnot") | Kind::Sign("-") => self.prefixed(start),
            Kind::Word(_) => self.named(),
            Kind::Sign("[" | "$") => Err(self.fail(
                Finding::error("E-unsupported", start, "records and their like are not supported")
                    .hint("give each part a column of its own"),
            )),
            Kind::Sign(_) | Kind::Directive(_) | Kind::Wrong | Kind::End => Err(self.unexpected("a value")),
        }
    }

    fn prefixed(&mut self, start: Span) -> Read<Expr<'s>> {
        let Some(function) = prefix(self.peek()) else { return Err(self.unexpected("a value")) };
        self.skip();
        if let (Function::Neg, Kind::Number(size)) = (&function, self.peek())
            && infix(self.peek_second()).is_none_or(|(level, _)| level < LEVELS)
        {
            self.skip();
            return self.number(-i128::from(size), self.since(start));
        }
        self.enter()?;
        let operand = self.operand()?;
        let operand = self.operators(operand, LEVELS)?;
        self.leave();
        self.grow(self.height)?;
        Ok(Expr::Operator(function, vec![operand], self.since(start)))
    }

    fn number(&mut self, number: i128, span: Span) -> Read<Expr<'s>> {
        let Ok(number) = i64::try_from(number) else {
            let finding = Finding::error("E-number", span, format!("{number} is no number of 64 bits"));
            return Err(self.fail(finding));
        };
        Ok(Expr::Const(Value::Number(number), span))
    }

    fn unescape(&mut self, raw: &str, span: Span) -> Read<String> {
        let mut text = String::with_capacity(raw.len());
        let mut letters = raw.chars();
        while let Some(letter) = letters.next() {
            if letter != '\\' {
                text.push(letter);
                continue;
            }
            text.push(match letters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(same @ ('"' | '\\' | '\'')) => same,
                other => {
                    let shown: String = other.into_iter().collect();
                    let finding = Finding::error("E-syntax", span, format!("`\\{shown}` in a text means nothing"));
                    return Err(self.fail(finding.hint("there are \\\" \\\\ \\n \\t \\r")));
                }
            });
        }
        Ok(text)
    }

    /// A variable, a function or atom, or an aggregate.
    fn named(&mut self) -> Read<Expr<'s>> {
        let name = self.word("a name")?;
        let kind = match name.text {
            "count" => Some(AggregateKind::Count),
            "sum" => Some(AggregateKind::Sum),
            "min" => Some(AggregateKind::Min),
            "max" => Some(AggregateKind::Max),
            _ => None,
        };
        if self.at("(") {
            let call = self.call(name)?;
            return match kind {
                // `sum (x + 1) * 2 : { ... }`: the bracket was the start of what is summed.
                Some(kind) if call.args.len() == 1 && (self.at(":") || infix(self.peek()).is_some()) => {
                    self.bracketed_target(kind, call)
                }
                _ => Ok(Expr::Call(call)),
            };
        }
        match kind {
            Some(AggregateKind::Count) if self.at(":") => self.aggregate(AggregateKind::Count, None, name.span),
            Some(kind @ (AggregateKind::Sum | AggregateKind::Min | AggregateKind::Max)) if self.starts_operand() => {
                let target = self.expression()?;
                self.aggregate(kind, Some(target), name.span)
            }
            _ if name.text == "mean" && (self.starts_operand() || self.at(":")) => Err(self.fail(
                Finding::error("E-unsupported", name.span, "`mean` is not supported: there are no fractions")
                    .hint("divide a sum by a count"),
            )),
            _ if name.text == "nil" => Err(self.fail(
                Finding::error("E-unsupported", name.span, "`nil` is not supported: there are no records")
                    .hint("give a variable another name; a relation can say what there is"),
            )),
            _ => Ok(Expr::Name(name)),
        }
    }

    fn bracketed_target(&mut self, kind: AggregateKind, mut call: Call<'s>) -> Read<Expr<'s>> {
        if !self.at(":") && !matches!(kind, AggregateKind::Min | AggregateKind::Max | AggregateKind::Sum) {
            return Ok(Expr::Call(call));
        }
        let Some(first) = call.args.pop() else { return Ok(Expr::Call(call)) };
        let target = self.operators(first, 0)?;
        self.aggregate(kind, Some(target), call.span)
    }

    fn starts_operand(&self) -> bool {
        match self.peek() {
            Kind::Word(word) => infix(Kind::Word(word)).is_none() && word != "not",
            Kind::Number(_) | Kind::Text(_) | Kind::Instant(_) => true,
            // A minus here could only be of a variable called `sum`.
            Kind::Sign(_) | Kind::Directive(_) | Kind::Wrong | Kind::End => false,
        }
    }

    /// `name` was read, a bracket is next.
    pub(super) fn call(&mut self, name: Ident<'s>) -> Read<Call<'s>> {
        self.expect("(", "`(`")?;
        let mut args = Vec::new();
        let mut height = 0;
        if !self.at(")") {
            loop {
                args.push(self.expression()?);
                height = self.height.max(height);
                if !self.took(",") {
                    break;
                }
            }
        }
        self.expect(")", "`)`, `,` or an operator")?;
        self.grow(height)?;
        Ok(Call { name, args, span: self.since(name.span) })
    }

    fn aggregate(&mut self, kind: AggregateKind, target: Option<Expr<'s>>, start: Span) -> Read<Expr<'s>> {
        let target_height = if target.is_some() { self.height } else { 0 };
        if kind == AggregateKind::Count && target.is_some() {
            let finding = Finding::error("E-syntax", start, "`count` counts rows, not a value");
            return Err(self.fail(finding.hint("write `count : { ... }`")));
        }
        self.expect(":", "`:` and what the aggregate ranges over")?;
        self.enter()?;
        let body = if self.took("{") {
            let body = self.condition()?;
            self.expect("}", "`}` or `,`")?;
            body
        } else {
            self.literal()?
        };
        self.leave();
        self.grow(self.height.max(target_height))?;
        Ok(Expr::Aggregate(Box::new(Aggregate { kind, target, body, span: self.since(start) })))
    }
}
