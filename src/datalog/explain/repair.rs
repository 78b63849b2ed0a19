//! Which changes would make a fact true, or false.

use std::collections::{BTreeMap, BTreeSet};

use super::super::engine::{Change, Engine};
use super::super::ir::Fact;
use super::super::limits::{EvalError, Limits};
use super::lines::{fact_text, name};
use super::moves::{Move, Moves};
use super::session::Session;

/// How far a search for repairs goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepairLimits {
    /// Changes of one repair. Default 4.
    pub changes: usize,
    /// Sets of changes that are tried. Default 2,000.
    pub states: usize,
}

impl Default for RepairLimits {
    fn default() -> Self {
        Self { changes: 4, states: 2_000 }
    }
}

/// Changes that together make a fact true, or false; no fewer of them do. None if it is so already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The changes, sorted by predicate and row.
    pub changes: Vec<Change>,
    pub(super) lines: Vec<String>,
}

/// The repairs that were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repairs {
    /// The fewest changes first. None contains all changes of another.
    pub list: Vec<Repair>,
    /// The search came to its end: there is no other repair of as many changes as are allowed, made of what the search
    /// looks for. Else it ran out of [`RepairLimits::states`] or of [`Limits::steps`], or some set of changes could not be
    /// tried.
    pub complete: bool,
}

impl Engine {
    /// All smallest sets of changes to `changeable` predicates after which a fact holds.
    ///
    /// Facts are put in only where the rules and the other facts say which. Each repair was tried: the changes are made,
    /// the fact is asked for, and the changes are taken back. Of the facts nothing is different afterwards.
    ///
    /// ```
    /// use boxoffice_core::datalog::{Engine, Functions, Limits, RepairLimits, Source, compile};
    ///
    /// let text = ".decl busy(a: symbol, s: number, e: number) input changeable
    ///     busy(\"ann\", 9, 11). busy(\"ann\", 12, 13).
    ///     .decl free(a: +symbol, s: +number, e: +number)
    ///     free(a, s, e) :- !taken(a, s, e).
    ///     .decl taken(a: +symbol, s: +number, e: +number)
    ///     taken(a, s, e) :- busy(a, x, y), overlaps(x, y, s, e).";
    /// let source = Source { name: "house.dl".into(), text: text.into() };
    /// let (program, _) = compile(&[source], &Functions::new()).unwrap();
    /// let mut engine = Engine::new(program, Limits::default()).unwrap();
    /// let asked = engine.program().fact("free(\"ann\", 10, 12)").unwrap();
    /// let found = engine.repair(&asked, RepairLimits::default()).unwrap();
    /// assert!(found.complete);
    /// assert_eq!(found.list[0].to_string(), "remove busy(\"ann\", 9, 11)");
    /// ```
    ///
    /// # Errors
    /// [`EvalError`] when explaining the fact as it is takes more than the limits allow, something cannot be computed, or the
    /// fact does not fit the program.
    pub fn repair(&mut self, fact: &Fact, limits: RepairLimits) -> Result<Repairs, EvalError> {
        Search::run(self, fact, true, limits)
    }

    /// All smallest sets of changes to `changeable` predicates after which a fact does not hold: see [`Engine::repair`].
    ///
    /// # Errors
    /// As for [`Engine::repair`].
    pub fn repair_absence(&mut self, fact: &Fact, limits: RepairLimits) -> Result<Repairs, EvalError> {
        Search::run(self, fact, false, limits)
    }
}

/// Changes that are tried together.
type State = BTreeSet<Move>;

/// What came of trying a set of changes.
enum Tried {
    Repairs,
    Moves(BTreeSet<Move>),
    /// The changes cannot be made: something cannot be computed then.
    Fails,
}

struct Search<'e> {
    engine: &'e mut Engine,
    fact: &'e Fact,
    wanted: bool,
    limits: RepairLimits,
    found: Vec<State>,
    tried: BTreeMap<State, bool>,
    complete: bool,
    /// Steps that are left for all that is still looked at.
    left: u64,
}

impl<'e> Search<'e> {
    fn run(engine: &'e mut Engine, fact: &'e Fact, wanted: bool, limits: RepairLimits) -> Result<Repairs, EvalError> {
        Session::new(engine).cells(fact)?;
        let evaluated = engine.is_complete();
        let (found, tried, left) = (Vec::new(), BTreeMap::new(), engine.limits().steps);
        let mut search = Self { engine, fact, wanted, limits, found, tried, complete: true, left };
        let done = search.levels();
        let Search { engine, mut found, complete, .. } = search;
        if evaluated {
            engine.evaluate()?;
        }
        done?;
        found.sort_by(|one, two| one.len().cmp(&two.len()).then_with(|| one.cmp(two)));
        let list = found.into_iter().map(|state| repair(engine, state)).collect();
        Ok(Repairs { list, complete })
    }

    fn levels(&mut self) -> Result<(), EvalError> {
        let mut level: BTreeSet<State> = BTreeSet::from([State::new()]);
        for size in 0..=self.limits.changes {
            let mut next = BTreeSet::new();
            for state in level {
                if self.found.iter().any(|found| found.is_subset(&state)) {
                    continue;
                }
                if self.tried.len() >= self.limits.states || self.left == 0 {
                    self.complete = false;
                    return Ok(());
                }
                match self.try_out(&state, size < self.limits.changes)? {
                    Tried::Repairs => self.smallest_within(&state)?,
                    Tried::Moves(moves) => next.extend(moves.into_iter().filter_map(|one| with(&state, one))),
                    Tried::Fails => self.complete = false,
                }
            }
            level = next;
        }
        Ok(())
    }

    /// Makes the changes, looks, and takes them back.
    fn try_out(&mut self, state: &State, go_on: bool) -> Result<Tried, EvalError> {
        match self.engine.apply(&changes(state.iter().cloned())) {
            Ok(_) => {}
            Err(EvalError::Arithmetic { .. }) => {
                self.tried.insert(state.clone(), false);
                return Ok(Tried::Fails);
            }
            Err(error) => return Err(error),
        }
        let looked = self.look(go_on);
        // In the other direction, the last first.
        let back = state.iter().rev().map(|(fact, insert)| (fact.clone(), !insert));
        self.engine.apply(&changes(back))?;
        let tried = match looked {
            Err(EvalError::Arithmetic { .. }) if !state.is_empty() => Tried::Fails,
            Err(EvalError::Limit { .. }) if !state.is_empty() => {
                (self.left, self.complete) = (0, false);
                Tried::Fails
            }
            other => other?,
        };
        self.tried.insert(state.clone(), matches!(tried, Tried::Repairs));
        Ok(tried)
    }

    fn look(&mut self, go_on: bool) -> Result<Tried, EvalError> {
        let limits = Limits { steps: self.left, ..self.engine.limits() };
        let mut session = Session::within(self.engine, limits);
        let looked = look(&mut session, self.fact, self.wanted, go_on);
        self.left = session.steps_left();
        let (tried, all) = looked?;
        self.complete &= all;
        Ok(tried)
    }

    /// Notes a repair, or those of its parts that do as well.
    fn smallest_within(&mut self, state: &State) -> Result<(), EvalError> {
        let changes: Vec<&Move> = state.iter().collect();
        let all = 1_u64.checked_shl(u32::try_from(changes.len()).unwrap_or(64)).unwrap_or(u64::MAX) - 1;
        let mut parts: Vec<u64> = (0..all).collect();
        parts.sort_by_key(|bits| bits.count_ones());
        for bits in parts {
            let chosen = changes.iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1);
            let part: State = chosen.map(|(_, one)| (*one).clone()).collect();
            if self.found.iter().any(|found| found.is_subset(&part)) {
                continue;
            }
            let does = match self.tried.get(&part) {
                Some(known) => *known,
                None => matches!(self.try_out(&part, false)?, Tried::Repairs),
            };
            if does {
                self.note(part);
            }
        }
        // Without steps left some part may do that could not be tried.
        if self.left > 0 && !self.found.iter().any(|found| found.is_subset(state)) {
            self.note(state.clone());
        }
        Ok(())
    }

    fn note(&mut self, state: State) {
        self.found.retain(|found| !state.is_subset(found));
        self.found.push(state);
    }
}

/// Whether the fact is as it should be, or what might help; and whether that is all that was looked for.
fn look(session: &mut Session<'_>, fact: &Fact, wanted: bool, go_on: bool) -> Result<(Tried, bool), EvalError> {
    if session.holds(fact)? == wanted {
        return Ok((Tried::Repairs, true));
    }
    if !go_on {
        return Ok((Tried::Moves(BTreeSet::new()), true));
    }
    let (moves, all) = Moves::find(session, fact, wanted)?;
    Ok((Tried::Moves(moves), all))
}

/// A set with one more change; none if that takes back what another did.
fn with(state: &State, one: Move) -> Option<State> {
    if state.contains(&(one.0.clone(), !one.1)) {
        return None;
    }
    let mut more = state.clone();
    more.insert(one).then_some(more)
}

fn changes(moves: impl Iterator<Item = Move>) -> Vec<Change> {
    moves.map(|(fact, insert)| Change { fact, insert }).collect()
}

fn repair(engine: &Engine, state: State) -> Repair {
    let line = |(fact, insert): &Move| {
        let text = fact_text(&name(engine.program(), fact.pred), fact);
        if *insert { format!("add {text}") } else { format!("remove {text}") }
    };
    let lines = state.iter().map(line).collect();
    Repair { changes: changes(state.into_iter()), lines }
}
