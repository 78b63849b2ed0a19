//! What clients saw: who asked what when, and what was answered, in one order.

use core::fmt;
use std::collections::BTreeMap;

use boxoffice_core::booking::{BookingCommand, BookingOutcome};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::time::Timestamp;
use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History};

use crate::spec::{Booking, Step};

/// One command, as its client saw it.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) occurrence: OccurrenceId,
    pub(crate) command: BookingCommand,
    /// Its places in the order of all calls and returns.
    pub(crate) called: u64,
    pub(crate) returned: Option<(u64, BookingOutcome)>,
    /// What clocks of offices showed between: none showed less and none had ever shown more.
    pub(crate) clocks: (Timestamp, Timestamp),
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, called, returned, clocks: (low, high), .. } = self;
        let (end, outcome) = returned.as_ref().map(|(end, outcome)| (*end, outcome)).unzip();
        let command = serde_json::to_string(command).map_err(|_| fmt::Error)?;
        let (low, high) = (low.as_millis(), high.as_millis());
        write!(f, "{called:4} {:4} {command} at {low}..{high} -> {outcome:?}", end.unwrap_or_default())
    }
}

/// Operations as they are recorded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) operations: BTreeMap<u64, Operation>,
    places: u64,
}

impl Record {
    fn place(&mut self) -> u64 {
        self.places += 1;
        self.places
    }

    /// A client asks; `low` is what the slowest clock shows.
    pub(crate) fn call(&mut self, occurrence: &OccurrenceId, command: &BookingCommand, low: Timestamp) -> u64 {
        let called = self.place();
        let (occurrence, command) = (occurrence.clone(), command.clone());
        let clocks = (low, Timestamp::MAX);
        self.operations.insert(called, Operation { occurrence, command, called, returned: None, clocks });
        called
    }

    /// Its answer is here; `high` is the most that a clock ever showed.
    pub(crate) fn returns(&mut self, call: u64, outcome: &BookingOutcome, high: Timestamp) {
        let place = self.place();
        let operation = self.operations.get_mut(&call).unwrap();
        operation.returned = Some((place, outcome.clone()));
        operation.clocks.1 = high;
    }

    /// It was certainly not carried out.
    pub(crate) fn without_effect(&mut self, call: u64) {
        self.operations.remove(&call);
    }

    /// A clock was set back, to this.
    pub(crate) fn set_back(&mut self, low: Timestamp) {
        for operation in self.operations.values_mut().filter(|operation| operation.returned.is_none()) {
            operation.clocks.0 = operation.clocks.0.min(low);
        }
    }

    /// The operations of each occurrence: each is an object of its own.
    pub(crate) fn by_occurrence(self) -> BTreeMap<OccurrenceId, Vec<Operation>> {
        let mut by: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for operation in self.operations.into_values() {
            by.entry(operation.occurrence.clone()).or_default().push(operation);
        }
        by
    }
}

/// Whether the operations on one occurrence may have happened one after the other, each between its call and its return. One
/// without an answer may have happened at any time after its call, or never, which is the same as after all others.
pub(crate) fn is_linearizable(operations: &[Operation]) -> bool {
    if operations.is_empty() {
        return true;
    }
    let mut actions: Vec<(u64, usize, Action<Step>)> = Vec::new();
    for (process, operation) in operations.iter().enumerate() {
        let Operation { command, called, returned, clocks, .. } = operation;
        let outcome = returned.as_ref().map(|(_, outcome)| outcome.clone());
        let step = Step { command: command.clone(), outcome, clocks: *clocks };
        let end = returned.as_ref().map_or(u64::MAX, |(place, _)| *place);
        actions.push((*called, process, Action::Call(step.clone())));
        actions.push((end, process, Action::Response(step)));
    }
    actions.sort_by_key(|(place, process, _)| (*place, *process));
    let actions = actions.into_iter().map(|(_, process, action)| (process, action)).collect();
    WGLChecker::<Booking>::is_linearizable(History::from_actions(actions))
}
