//! What a host may do to the rules and to its own facts, decided purely.

use std::sync::Arc;

use super::Availability;
use super::error::RulesError;
use super::kept::{Kept, host_fact};
use super::log::HostFact;
use super::wire::{FACTS_ROOM, RulesEvent, size};
use crate::datalog::Diagnostic;

/// Bytes of a ruleset's name.
pub const RULESET_NAME_MAX: usize = 64;
/// Bytes of a ruleset's text.
pub const RULESET_TEXT_MAX: usize = 262_144;

/// Something that a host wants of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulesCommand {
    /// Puts a ruleset, in the place of one of its name if there is one.
    PutRuleset {
        /// Its name: 1 to 64 bytes, no control characters, not beginning with `boxoffice`.
        name: String,
        /// Its rules.
        text: String,
    },
    /// Removes a ruleset. Facts of relations that it declares stay recorded, and are there again when it is.
    RemoveRuleset {
        /// Its name.
        name: String,
    },
    /// Changes facts of relations marked `input`.
    ChangeFacts {
        /// Those to put in.
        added: Vec<HostFact>,
        /// Those to take out; they go before the others come.
        removed: Vec<HostFact>,
    },
}

/// Why a command was refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RulesRefusal {
    /// That is no name for a ruleset.
    #[error("{name:?} is no name for a ruleset: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The text is too long.
    #[error("the ruleset has {length} bytes, the limit is {limit}")]
    TooLong {
        /// Bytes of the text.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// There is no ruleset of that name.
    #[error("there is no ruleset {name:?}")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The rules would not be right, or cost too much.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// A fact does not fit.
    #[error("{}: {reason}", fact.relation)]
    Fact {
        /// The fact.
        fact: HostFact,
        /// What is wrong with it.
        reason: String,
    },
}

impl RulesRefusal {
    /// What is wrong with the rules, if that is why.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Rules(RulesError::Text(found)) => found,
            Self::Rules(RulesError::Cost(_))
            | Self::Name { .. }
            | Self::TooLong { .. }
            | Self::Unknown { .. }
            | Self::Fact { .. } => &[],
        }
    }
}

/// What a command comes to: the events to record, none if it changes nothing.
///
/// They are appended to [`rules_stream`](super::rules_stream) on the condition that it still stands at
/// [`Availability::rules_seq`], and applied like any others once they are there. New rules are compiled and worked out
/// over all facts, as they will be then.
///
/// # Errors
/// [`RulesRefusal`] says why not.
pub fn decide(availability: &Availability, command: &RulesCommand) -> Result<Vec<RulesEvent>, RulesRefusal> {
    match command {
        RulesCommand::PutRuleset { name, text } => put(availability, name, text),
        RulesCommand::RemoveRuleset { name } => {
            let mut rulesets = availability.log.rulesets.clone();
            if rulesets.remove(&**name).is_none() {
                return Err(RulesRefusal::Unknown { name: name.clone() });
            }
            availability.with_rulesets(&rulesets)?;
            Ok(vec![RulesEvent::RulesetRemoved { name: name.clone() }])
        }
        RulesCommand::ChangeFacts { added, removed } => change(availability, added, removed),
    }
}

fn put(availability: &Availability, name: &str, text: &str) -> Result<Vec<RulesEvent>, RulesRefusal> {
    let bad = |reason: String| RulesRefusal::Name { name: name.chars().take(80).collect(), reason };
    crate::id::check_text("ruleset name", name, RULESET_NAME_MAX).map_err(|error| bad(error.to_string()))?;
    if name.starts_with("boxoffice") {
        return Err(bad("it begins with boxoffice".to_owned()));
    }
    if text.len() > RULESET_TEXT_MAX {
        return Err(RulesRefusal::TooLong { length: text.len(), limit: RULESET_TEXT_MAX });
    }
    let mut rulesets = availability.log.rulesets.clone();
    let before = rulesets.insert(name.into(), text.into());
    if before.is_some_and(|before| *before == *text) {
        return Ok(Vec::new());
    }
    availability.with_rulesets(&rulesets)?;
    Ok(vec![RulesEvent::RulesetPut { name: name.to_owned(), text: text.to_owned() }])
}

fn change(
    availability: &Availability,
    added: &[HostFact],
    removed: &[HostFact],
) -> Result<Vec<RulesEvent>, RulesRefusal> {
    let program = availability.kept.engine.program();
    let plain = |fact: &HostFact| HostFact::new(&fact.relation, fact.values.iter().cloned());
    let is_there = |fact: &HostFact| availability.log.host.contains(fact);
    let added: Vec<HostFact> = added.iter().map(plain).collect();
    for fact in &added {
        let size = size(fact);
        let fits = if size > FACTS_ROOM {
            Err(format!("the fact has {size} bytes, the limit is {FACTS_ROOM}"))
        } else {
            host_fact(program, fact).map(drop)
        };
        fits.map_err(|reason| RulesRefusal::Fact { fact: fact.clone(), reason })?;
    }
    let removed: Vec<HostFact> =
        removed.iter().map(plain).filter(|fact| is_there(fact) && !added.contains(fact)).collect();
    let added: Vec<HostFact> = added.into_iter().filter(|fact| !is_there(fact)).collect();
    if added.is_empty() && removed.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![RulesEvent::FactsChanged { added, removed }])
}

impl Availability {
    /// The same facts under other rulesets.
    pub(super) fn with_rulesets(
        &self,
        rulesets: &std::collections::BTreeMap<Arc<str>, Arc<str>>,
    ) -> Result<Kept, RulesError> {
        Kept::new(&self.options, &self.functions, rulesets, |program| self.kept.facts(&self.log, program))
    }
}
