//! Rules and facts of the host: decided against what is recorded, then recorded.
//!
//! The actor only says what a command comes to; the commit is made here and expects the stream to stand where the decision
//! saw it. So of two who change the rules at once one decides again, and each decision rests on all rules before it.

use boxoffice_core::availability::{RulesCommand, RulesRefusal, decide, encode, rules_stream};
use boxoffice_core::datalog::Diagnostic;
use boxoffice_core::persist::{CommitOutcome, Committed, Expect, Fault, Transaction};

use super::actor::Seen;
use super::door::{Desk, Weight};
use super::{Answered, AtLeast, AvailabilityError};
use crate::stats::Counters;
use crate::store::Commit;

/// Lost commits in a row after which a command is given back: somebody changes the rules without pause.
const CONFLICTS_MAX: u32 = 64;

/// What a change of rules or facts came to.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulesOutcome {
    /// It is recorded and in effect.
    Changed,
    /// All of it was so already. Nothing was recorded.
    Unchanged,
    /// It cannot be. Nothing was recorded.
    Refused(RulesRefusal),
}

impl RulesOutcome {
    /// Whether something was changed.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Changed)
    }

    /// What is wrong with the rules, where that is why they were refused.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Refused(refusal) => refusal.diagnostics(),
            Self::Changed | Self::Unchanged => &[],
        }
    }
}

/// Its name in a span, and which desk decides it. New rules are worked out over all facts to see whether they can be: too
/// much for the desk where light questions wait.
fn handled(command: &RulesCommand) -> (&'static str, Weight) {
    match command {
        RulesCommand::PutRuleset { .. } => ("put_rules", Weight::Heavy),
        RulesCommand::RemoveRuleset { .. } => ("remove_rules", Weight::Heavy),
        RulesCommand::ChangeFacts { .. } => ("change_facts", Weight::Light),
    }
}

impl Desk {
    /// Runs a command to its outcome. When it is answered, whoever asks here finds it in effect.
    pub(super) async fn change(&self, command: RulesCommand) -> Result<Answered<RulesOutcome>, AvailabilityError> {
        let (name, weight) = handled(&command);
        self.traced(name, self.record(command, weight)).await
    }

    async fn record(&self, command: RulesCommand, weight: Weight) -> Result<Answered<RulesOutcome>, AvailabilityError> {
        for _ in 0..CONFLICTS_MAX {
            let command = command.clone();
            let decide = move |seen: Seen<'_>| Ok((decide(seen.base, &command), seen.base.rules_seq()));
            let seen = match self.look(weight, AtLeast::Committed, decide.clone()).await {
                // Rules that fail over new facts keep them from getting in. They are mended from before those.
                Err(AvailabilityError::Log { .. }) => self.look(Weight::Light, AtLeast::Now, decide).await?,
                seen => seen?,
            };
            let Answered { value: (decided, seq), cursor } = seen;
            let events = match decided {
                Ok(events) if events.is_empty() => return Ok(Answered { value: RulesOutcome::Unchanged, cursor }),
                Ok(events) => events,
                Err(refusal) => return Ok(Answered { value: RulesOutcome::Refused(refusal), cursor }),
            };
            let now = self.house.clock.now();
            let events = events.iter().flat_map(|event| encode(now, event)).collect();
            let transaction = Transaction::append(&rules_stream(), Expect::At(seq), events);
            let Some(committed) = self.commit(transaction).await? else {
                Counters::add(&self.house.counters.conflicts);
                continue;
            };
            let at_least = committed.cursor.map_or(AtLeast::Committed, AtLeast::Cursor);
            let Answered { cursor, .. } = self.look(Weight::Light, at_least, |_| Ok(())).await?;
            return Ok(Answered { value: RulesOutcome::Changed, cursor });
        }
        Err(Fault::Unavailable { reason: "others who change the rules are always quicker".into() }.into())
    }

    /// None when somebody was quicker.
    async fn commit(&self, transaction: Transaction) -> Result<Option<Committed>, AvailabilityError> {
        let lost = |_| Fault::Unknown { reason: "the store's writer ended".into() };
        match self.house.store.send(Commit(transaction)).await.map_err(lost)?? {
            CommitOutcome::Done(committed) | CommitOutcome::Already(committed) => Ok(Some(committed)),
            CommitOutcome::Conflict(_) => Ok(None),
            refused @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused) => {
                let reason = format!("the store does not take these rules: {refused:?}").into();
                Err(Fault::Unavailable { reason }.into())
            }
        }
    }
}
