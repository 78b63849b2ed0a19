//! A derivation of a fact.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::ir::Fact;
use super::super::value::Value;
use super::lines::fact_text;

/// A rule, as a proof names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRef {
    /// The name of its source, such as a file name.
    pub source: Arc<str>,
    /// Its line, from 1.
    pub line: u32,
    /// Its text on one line, shortened if it is long.
    pub clause: Arc<str>,
}

/// One fact of a proof and what it rests on.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: Arc<str>,
    pub(super) fact: Fact,
    /// The rule with its place in the program; none for a fact that was given.
    pub(super) rule: Option<(usize, RuleRef)>,
    pub(super) parts: Vec<Part>,
    /// Facts of the tree from here on.
    pub(super) size: u128,
}

impl Step {
    pub(super) fn text(&self) -> String {
        fact_text(&self.name, &self.fact)
    }
}

/// What a step rests on.
#[derive(Debug)]
pub(super) enum Part {
    /// Another step.
    Step(usize),
    Absent(String),
    Condition(String),
    Aggregate(Arc<Counted>),
}

/// Why a fact holds: the rule that gives it and what that rests on, down to facts that were given.
///
/// Cheap to clone; parts that occur in several places are held once. Printed as an indented tree:
///
/// ```text
/// free("ann", 600, 660)
///   by house.dl:9  free(a, qs, qe) :- !busy_in(a, qs, qe).
///   no row of busy_in("ann", 600, 660)
/// ```
#[derive(Clone, Debug)]
pub struct Proof {
    pub(super) steps: Arc<[Step]>,
    pub(super) at: usize,
}

/// One condition of a rule, as it holds in a proof.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Premise {
    /// A fact with its own proof.
    Fact(Proof),
    /// No row fits a negated atom: the atom with its values, `_` where any value would do.
    Absent(String),
    /// A comparison or a range, with its values.
    Condition(String),
    /// An aggregate.
    Aggregate(Arc<Counted>),
}

/// The value of an aggregate and what it was worked out over.
#[derive(Debug, PartialEq, Eq)]
pub struct Counted {
    /// The aggregate with the values of its group, such as `count : { booking("o1", _) }`.
    pub text: String,
    /// Its value.
    pub value: Value,
    /// The facts of each way through its body, sorted; the first 100 ways.
    pub members: Vec<Vec<Fact>>,
    /// How many ways there are.
    pub total: u64,
    /// The members as text, in the same order.
    pub(super) lines: Vec<String>,
}

impl Proof {
    pub(super) fn step(&self) -> Option<&Step> {
        self.steps.get(self.at)
    }

    /// The fact that it proves.
    pub fn fact(&self) -> Option<&Fact> {
        self.step().map(|step| &step.fact)
    }

    /// The rule that gives the fact; none if the fact was given.
    pub fn rule(&self) -> Option<&RuleRef> {
        self.step().and_then(|step| step.rule.as_ref()).map(|(_, rule)| rule)
    }

    /// The rule's place in the program.
    #[cfg(test)]
    pub(crate) fn rule_index(&self) -> Option<usize> {
        self.step().and_then(|step| step.rule.as_ref()).map(|(at, _)| *at)
    }

    /// What the rule's conditions come to, in the order of its text.
    pub fn premises(&self) -> Vec<Premise> {
        let parts = self.step().map_or(&[][..], |step| &step.parts);
        let premise = |part: &Part| match part {
            Part::Step(at) => Premise::Fact(Self { steps: Arc::clone(&self.steps), at: *at }),
            Part::Absent(text) => Premise::Absent(text.clone()),
            Part::Condition(text) => Premise::Condition(text.clone()),
            Part::Aggregate(counted) => Premise::Aggregate(Arc::clone(counted)),
        };
        parts.iter().map(premise).collect()
    }

    /// Facts in the tree, each as often as it is used. No proof of the fact has fewer.
    pub fn size(&self) -> u128 {
        self.step().map_or(0, |step| step.size)
    }

    /// The given facts that it rests on, sorted, each once.
    pub fn given(&self) -> Vec<&Fact> {
        let (mut open, mut seen, mut given) = (vec![self.at], BTreeSet::new(), BTreeSet::new());
        while let Some(at) = open.pop() {
            let Some(step) = self.steps.get(at) else { continue };
            if !seen.insert(at) {
                continue;
            }
            if step.rule.is_none() {
                given.insert(&step.fact);
            }
            open.extend(step.parts.iter().filter_map(|part| match part {
                Part::Step(at) => Some(*at),
                Part::Absent(_) | Part::Condition(_) | Part::Aggregate(_) => None,
            }));
        }
        given.into_iter().collect()
    }
}
