//! What a change of a series means to those who have booked: whom to tell, and which reminders look again.

use std::collections::BTreeMap;

use boxoffice_core::booking::occurrence_of;
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::notify::Happening;
use boxoffice_core::notify::flows::{
    ReminderInput, RosterInput, SeriesAsk, SeriesPage, Tell, Told, reminder_flow, reminder_prefix,
    reminder_second_flow, roster_flow,
};
use boxoffice_core::persist::{AsOf, Backend, Seq, StreamName};
use boxoffice_core::time::Timestamp;

use super::house::House;

/// Occurrences that are looked at for one outcome.
const PAGE: usize = 20;
/// Flows that are looked at at a time.
const FLOWS_PAGE: usize = 100;

impl House {
    /// Looks at the next occurrences of a series that somebody has booked.
    pub(super) async fn follow_up(&self, ask: SeriesAsk) -> Result<SeriesPage, String> {
        let as_of = |seq: u64| AsOf::Seq(Seq::new(seq));
        let before = self.series_as_of(&ask.series, as_of(ask.seq.saturating_sub(1))).await?;
        let after = self.series_as_of(&ask.series, as_of(ask.seq)).await?;
        let now = self.series(&ask.series).await?;
        let (booked, next) = self.booked(&ask).await?;
        let at = after.as_ref().map_or(Timestamp::EPOCH, boxoffice_core::schedule::Series::latest_at);
        let mut told = 0;
        for occurrence in &booked {
            let was = self.find(before.as_ref(), occurrence);
            let is = self.find(after.as_ref(), occurrence);
            let tell = change(was.as_ref(), is.as_ref(), ask.seq, at);
            let again = tell.as_ref().is_some_and(|tell| !matches!(tell, Tell::Cancelled { .. }));
            if let Some(tell) = tell.filter(|_| ask.tell) {
                let flow = roster_flow(occurrence, ask.seq).map_err(|error| error.to_string())?;
                let input = RosterInput { occurrence: occurrence.clone(), tell, after: None, told: Told::default() };
                self.start(&flow, &input).await?;
                told += 1;
            }
            let found = self.find(now.as_deref(), occurrence);
            if let Some(found) = found.filter(|found| found.window().end > self.now()) {
                self.arm_again(&found, ask.seq, again).await?;
            }
        }
        Ok(SeriesPage { next, told })
    }

    /// Occurrences that have a booking stream, and the last that was looked at, if there may be more.
    async fn booked(&self, ask: &SeriesAsk) -> Result<(Vec<OccurrenceId>, Option<OccurrenceId>), String> {
        let prefix = format!("booking:{}@", ask.series);
        let start = ask.after.as_ref().map_or_else(|| prefix.clone(), |after| format!("booking:{after}"));
        let start = StreamName::new(start).map_err(|error| error.to_string())?;
        let page = self.stored(|| self.store.streams(Some(&start), PAGE)).await?;
        let names = page.iter().take_while(|name| name.as_str().starts_with(&prefix));
        let mut booked: Vec<OccurrenceId> = names.filter_map(occurrence_of).collect();
        let next = booked.last().filter(|_| booked.len() == PAGE).cloned();
        // Another series may have an id that begins with this one and an @.
        booked.retain(|occurrence| *occurrence.series() == ask.series);
        Ok((booked, next))
    }

    /// Starts the reminders of an occurrence. Those that are there are not started twice.
    pub(super) async fn arm(&self, found: &Happening) -> Result<(), String> {
        let occurrence = found.occurrence();
        if self.is_armed(occurrence) || found.window().end <= self.now() {
            return Ok(());
        }
        for lead in found.leads(&self.options.leads) {
            let flow = reminder_flow(occurrence, lead).map_err(|error| error.to_string())?;
            let input = ReminderInput { occurrence: occurrence.clone(), lead, again: 0, telling: None };
            self.start(&flow, &input).await?;
        }
        self.set_armed(occurrence);
        Ok(())
    }

    /// After a change: reminders that wait look again, those that are new are started, and those that were sent for another time
    /// are started once more, if `again`.
    async fn arm_again(&self, found: &Happening, seq: u64, again: bool) -> Result<(), String> {
        let occurrence = found.occurrence();
        let open = self.wake_reminders(occurrence, seq).await?;
        if found.is_cancelled() {
            return Ok(());
        }
        for lead in found.leads(&self.options.leads) {
            let started = open.get(&lead.name()).copied();
            let (flow, again) = match started {
                None => (reminder_flow(occurrence, lead), 0),
                Some(false) if again => (reminder_second_flow(occurrence, lead, seq), seq),
                Some(_) => continue,
            };
            let flow = flow.map_err(|error| error.to_string())?;
            let input = ReminderInput { occurrence: occurrence.clone(), lead, again, telling: None };
            self.start(&flow, &input).await?;
        }
        Ok(())
    }

    /// Tells the reminders of an occurrence to look again. Gives the names of their leads, and whether one of each waits.
    async fn wake_reminders(&self, occurrence: &OccurrenceId, seq: u64) -> Result<BTreeMap<String, bool>, String> {
        let (flows, prefix, id) = (self.flows().await, reminder_prefix(occurrence), format!("series {seq}"));
        let (mut found, mut after) = (BTreeMap::new(), None);
        loop {
            let page = self.patiently(|| flows.search(&prefix, after.as_ref(), FLOWS_PAGE)).await?;
            let full = page.len() == FLOWS_PAGE;
            after = page.last().map(|(flow, _)| flow.clone());
            for (flow, status) in page {
                let open = !status.is_over() && self.look_again(&flow, &id).await?;
                let name = flow.as_str().strip_prefix(&prefix).unwrap_or_default();
                let name = name.split_once('~').map_or(name, |(name, _)| name);
                *found.entry(name.to_owned()).or_insert(false) |= open;
            }
            if !full {
                return Ok(found);
            }
        }
    }
}

/// What people are told of a change; nothing if it means nothing to them.
fn change(was: Option<&Happening>, is: Option<&Happening>, seq: u64, at: Timestamp) -> Option<Tell> {
    let stands = |found: Option<&Happening>| found.is_some_and(|found| !found.is_cancelled());
    let ahead = |found: Option<&Happening>| found.is_some_and(|found| found.window().end > at);
    match (stands(was), stands(is)) {
        (true, true) => {
            let place = |found: Option<&Happening>| {
                found.map(|found| (found.window(), found.facts().zone, found.facts().all_day))
            };
            let moved = place(was) != place(is) && (ahead(was) || ahead(is));
            moved.then_some(Tell::Rescheduled { seq, at })
        }
        (true, false) => ahead(was).then_some(Tell::Cancelled { seq, at }),
        (false, true) => (was.is_some() && ahead(is)).then_some(Tell::Reinstated { seq, at }),
        (false, false) => None,
    }
}
