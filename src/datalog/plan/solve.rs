//! Equations that are solved for a variable within a sum.

use super::super::known::{Known, Solution, Undo};
use super::super::limits::EvalError;
use super::super::value::Type;
use super::build::{Builder, reg};
use super::{Code, Op};

impl Builder<'_, '_, '_> {
    /// Solves equations, for whoever knows the head to be one of a row that is there.
    pub(crate) fn solving(mut self) -> Self {
        self.known = Known::solving();
        self
    }

    pub(super) fn solved(&mut self, solution: &Solution<'_>, ty: Type) -> Result<Op, EvalError> {
        let mut code = self.code(solution.from, ty)?;
        for undo in &solution.undo {
            let by = match undo {
                Undo::Add(by) | Undo::Subtract(by) | Undo::SubtractFrom(Some(by)) => self.code(by, Type::Number)?,
                Undo::SubtractFrom(None) => Code::Reg(self.register(0)?),
            };
            let (of, by, minus) = match undo {
                Undo::Add(_) => (code, by, false),
                Undo::Subtract(_) => (code, by, true),
                Undo::SubtractFrom(_) => (by, code, true),
            };
            code = Code::Exact { of: Box::new(of), by: Box::new(by), minus };
        }
        Ok(Op::Bind { reg: reg(solution.var), code })
    }
}
