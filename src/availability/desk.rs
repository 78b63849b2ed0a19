//! What an actor around an availability needs besides.

use super::Availability;
use super::error::AskError;
use crate::datalog::{Limits, Value};

impl Availability {
    /// Other limits for each question and change from now on, until other rules are put: those are worked out, and then
    /// gone on with, under the limits of the options.
    pub fn set_limits(&mut self, limits: Limits) {
        self.kept.engine.set_limits(limits);
    }

    /// Facts held, what is derived not counted.
    pub fn facts(&self) -> usize {
        self.kept.engine.len()
    }

    /// All rows of a relation that [`Availability::apply`] tells the changes of, sorted: facts, and what rules mark
    /// `maintain`. None for any other.
    ///
    /// # Errors
    /// [`AskError`] when there are more than the limits allow.
    pub fn kept_rows(&mut self, relation: &str) -> Result<Option<Vec<Vec<Value>>>, AskError> {
        let program = self.kept.engine.program();
        let Some(pred) = program.find(relation) else { return Ok(None) };
        let told = program.predicate(pred).is_some_and(|predicate| !predicate.derived || predicate.maintain);
        if !told {
            return Ok(None);
        }
        Ok(Some(self.kept.engine.rows(pred)?))
    }
}
