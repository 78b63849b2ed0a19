//! `+` and `-`, which work on numbers and on instants: what is known of two of the three tells the third.

use super::types::{Shape, Sum, Types};
use crate::datalog::diagnostic::{Finding, Report};
use crate::datalog::value::Type::{self, Number, Time};

impl Types {
    /// Works on what has become known, until nothing more follows.
    pub(super) fn work(&mut self, report: &mut Report<'_>) {
        while let Some(place) = self.woken.pop() {
            if let Some(sum) = self.sums.get(place).copied().filter(|sum| !sum.done) {
                self.clause = sum.clause;
                if self.step(sum, report)
                    && let Some(slot) = self.sums.get_mut(place)
                {
                    slot.done = true;
                }
            }
        }
    }

    /// What nothing tells is a sum of numbers.
    pub(super) fn default_sums(&mut self, report: &mut Report<'_>) {
        for place in 0..self.sums.len() {
            while let Some(sum) = self.sums.get(place).copied().filter(|sum| !sum.done) {
                self.clause = sum.clause;
                let known = self.shape_type(sum.right).is_some();
                let open = if known { sum.left } else { sum.right };
                if self.shape_type(open).is_some() {
                    break;
                }
                self.is(open, Number, sum, report);
                self.woken.push(place);
                self.work(report);
            }
        }
    }

    fn shape_type(&mut self, shape: Shape) -> Option<Type> {
        match shape {
            Shape::Node(node) => self.class(node).ty(),
            Shape::Known { ty, .. } => Some(ty),
        }
    }

    fn failed(&mut self, shape: Shape) -> bool {
        matches!(shape, Shape::Node(node) if self.class(node).failed)
    }

    fn is(&mut self, shape: Shape, ty: Type, sum: Sum, report: &mut Report<'_>) {
        self.join(shape, Shape::Known { ty, strict: true }, sum.span, report);
    }

    /// Whether nothing is left to say about the sum.
    fn step(&mut self, sum: Sum, report: &mut Report<'_>) -> bool {
        if [sum.left, sum.right, sum.result].into_iter().any(|shape| self.failed(shape)) {
            return true;
        }
        let [left, right, result] = [sum.left, sum.right, sum.result].map(|shape| self.shape_type(shape));
        for ty in [left, right, result].into_iter().flatten() {
            if !matches!(ty, Number | Time) {
                report.add(self.refuse(sum, ty));
                return true;
            }
        }
        let told = if sum.minus { minus(left, right, result) } else { plus(left, right, result) };
        match told {
            Told::All(types) => {
                for (shape, ty) in [sum.left, sum.right, sum.result].into_iter().zip(types) {
                    self.is(shape, ty, sum, report);
                }
                true
            }
            Told::Wrong(message) => {
                report.add(self.wrong(sum.span, message.to_owned(), Number, Time));
                true
            }
            Told::Nothing => false,
        }
    }

    fn refuse(&self, sum: Sum, ty: Type) -> Finding {
        let what = if ty == Type::Any { "what may be a text".to_owned() } else { format!("a {ty}") };
        let message = format!("{what} cannot be {}", if sum.minus { "subtracted" } else { "added" });
        let hint = if ty == Type::Symbol { "`cat` joins texts" } else { "a `.decl` says what the columns hold" };
        Finding::error("E-type", sum.span, message).within(self.clause).hint(hint)
    }
}

enum Told {
    /// Of the left, the right and the result.
    All([Type; 3]),
    Wrong(&'static str),
    Nothing,
}

fn plus(left: Option<Type>, right: Option<Type>, result: Option<Type>) -> Told {
    match (left, right, result) {
        (Some(Time), Some(Time), _) => Told::Wrong("two instants cannot be added"),
        (Some(Number), Some(Number), _) | (_, _, Some(Number)) => Told::All([Number, Number, Number]),
        (Some(Time), _, _) | (None, Some(Number), Some(Time)) => Told::All([Time, Number, Time]),
        (_, Some(Time), _) | (Some(Number), None, Some(Time)) => Told::All([Number, Time, Time]),
        _ => Told::Nothing,
    }
}

fn minus(left: Option<Type>, right: Option<Type>, result: Option<Type>) -> Told {
    match (left, right, result) {
        (Some(Number), Some(Time), _) => Told::Wrong("an instant cannot be subtracted from a number"),
        (Some(Number), _, _) | (None, Some(Number), Some(Number)) => Told::All([Number, Number, Number]),
        (_, Some(Time), _) | (Some(Time), None, Some(Number)) => Told::All([Time, Time, Number]),
        (_, _, Some(Time)) | (Some(Time), Some(Number), _) => Told::All([Time, Number, Time]),
        _ => Told::Nothing,
    }
}
