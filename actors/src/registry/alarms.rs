//! Which occurrences have to be looked at, and when, though nobody asks.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use boxoffice_core::booking::alarms;
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::time::Timestamp;

use super::RegistryActor;

/// How often they are read, beside others.
const READ_EVERY: Duration = Duration::from_secs(30);
/// Alarms that are read from the store at a time.
const ALARMS_AT_ONCE: usize = 4_096;

/// Alarms of owners that rest: at most one for each occurrence, the earliest.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    by_time: BTreeSet<(Timestamp, OccurrenceId)>,
    /// INVARIANT: the same alarms, by occurrence.
    of: BTreeMap<OccurrenceId, Timestamp>,
    /// Those that went off, and whose owners wait for their turn to be started.
    due: VecDeque<(OccurrenceId, Timestamp)>,
}

impl Alarms {
    /// Sets the alarm of an occurrence, unless it has an earlier one.
    pub(super) fn set(&mut self, occurrence: OccurrenceId, at: Timestamp) {
        match self.of.get(&occurrence) {
            Some(before) if *before <= at => return,
            Some(before) => _ = self.by_time.remove(&(*before, occurrence.clone())),
            None => {}
        }
        self.by_time.insert((at, occurrence.clone()));
        self.of.insert(occurrence, at);
    }

    /// Takes the alarm of an occurrence, whose owner is started.
    pub(super) fn take(&mut self, occurrence: &OccurrenceId) -> Option<Timestamp> {
        let at = self.of.remove(occurrence)?;
        self.by_time.remove(&(at, occurrence.clone()));
        Some(at)
    }

    /// When the next one goes off.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Lets all go off that are due at `now`.
    pub(super) fn ring(&mut self, now: Timestamp) {
        while let Some((at, occurrence)) = self.by_time.pop_first() {
            if at > now {
                self.by_time.insert((at, occurrence));
                return;
            }
            self.of.remove(&occurrence);
            self.due.push_back((occurrence, at));
        }
    }

    /// The next that went off.
    pub(super) fn pop_due(&mut self) -> Option<(OccurrenceId, Timestamp)> {
        self.due.pop_front()
    }
}

impl RegistryActor {
    /// Reads the alarms that the store has: those of the time before the start, and of others.
    pub(super) fn read_alarms(&mut self, after: Option<OccurrenceId>, ctx: &mut Context<Self>) {
        let backend = self.house.backend.clone();
        let page = self.house.reader.run(async move { alarms(&*backend, after.as_ref(), ALARMS_AT_ONCE).await });
        ctx.spawn(page.into_actor(self).map(|page, act, ctx| match page {
            Ok(page) => {
                let last =
                    page.last().filter(|_| page.len() == ALARMS_AT_ONCE).map(|(occurrence, _)| occurrence.clone());
                for (occurrence, at) in page {
                    act.set_alarm(occurrence, at, ctx);
                }
                if last.is_some() {
                    act.read_alarms(last, ctx);
                } else if act.house.settings.beside_others {
                    act.read_again(ctx);
                }
            }
            // Holds still lapse when somebody asks.
            Err(fault) => {
                tracing::error!(%fault, "alarms cannot be read");
                act.read_again(ctx);
            }
        }));
    }

    /// Reads the alarms once more after a while: other offices leave some behind when they end, and a store that failed may be
    /// well again.
    fn read_again(&mut self, ctx: &mut Context<Self>) {
        let wait = self.house.clock.sleep_until(self.house.clock.now() + READ_EVERY);
        ctx.spawn(wait.into_actor(self).map(|(), act, ctx| act.read_alarms(None, ctx)));
    }

    /// Sets an alarm, if the occurrence has no owner that sees to it.
    pub(super) fn set_alarm(&mut self, occurrence: OccurrenceId, at: Timestamp, ctx: &mut Context<Self>) {
        if self.draining.is_some() || self.starting.contains_key(&occurrence) {
            return;
        }
        if self.house.directory.find(&occurrence).is_none() {
            self.alarms.set(occurrence, at);
            self.arm(ctx);
        }
    }

    /// Sets the one timer to the next alarm.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        let Some(due) = self.alarms.next() else { return };
        if self.timer.as_ref().is_some_and(|(at, _)| *at <= due) {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        let wait = self.house.clock.sleep_until(due);
        let timer = ctx.spawn(wait.into_actor(self).map(|(), act, ctx| {
            act.timer = None;
            act.alarms.ring(act.house.clock.now());
            act.next_turns(ctx);
            act.arm(ctx);
        }));
        self.timer = Some((due, timer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evening(name: &str) -> OccurrenceId {
        format!("{name}@20260105T190000").parse().unwrap()
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_earliest_alarm_of_an_occurrence_counts_and_goes_off_once() {
        let mut alarms = Alarms::default();
        for (name, millis) in [("chess", 30), ("choir", 20), ("chess", 10), ("chess", 40), ("dance", 50)] {
            alarms.set(evening(name), at(millis));
        }
        assert_eq!(alarms.next(), Some(at(10)));
        assert_eq!(alarms.take(&evening("dance")), Some(at(50)));
        assert_eq!(alarms.take(&evening("dance")), None);
        alarms.ring(at(20));
        let rung: Vec<_> = core::iter::from_fn(|| alarms.pop_due()).collect();
        assert_eq!(rung, [(evening("chess"), at(10)), (evening("choir"), at(20))]);
        assert_eq!(alarms.next(), None);
        alarms.ring(at(99));
        assert_eq!(alarms.pop_due(), None);
    }
}
