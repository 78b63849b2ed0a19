//! What the handle offers for series and agendas.

use std::sync::Arc;

use boxoffice_core::booking::SeatState;
use boxoffice_core::calendar::{CalendarEvent, Range};
use boxoffice_core::id::{AttendeeId, OccurrenceId, SeriesId};
use boxoffice_core::persist::Fault;
use boxoffice_core::schedule::{
    Agenda, AgendaEntry, AgendaOptions, AsOf, Incomplete, Orphan, Series, SeriesCommand, agenda, load_series, orphans,
    recorded_seat,
};
use boxoffice_core::time::Window;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{ScheduleReply, Shelf};
use crate::error::BoxOfficeError;
use crate::office::BoxOffice;

/// Occurrences that one agenda of an attendee looks at, at most.
const LOOKED_AT_MAX: usize = 100_000;
/// Bookings looked up at a time, so that others get their turn at the store.
const CHUNK: usize = 64;

/// What an attendee has a seat in, ascending by start and id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttendeeAgenda {
    /// What takes place, and the state of the seat.
    pub entries: Vec<(AgendaEntry, SeatState)>,
    /// Where it is not complete; empty when it is.
    pub truncated: Vec<Incomplete>,
}

impl BoxOffice {
    /// Runs any command on a series. The methods below are shorthands for it.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when the rules could not be asked: busy, shut down, or the store failed. If it failed after the
    /// change was written, while the orphaned bookings were looked for, [`BoxOffice::orphans`] lists those.
    pub async fn change_series(
        &self,
        series: &SeriesId,
        command: SeriesCommand,
    ) -> Result<ScheduleReply, BoxOfficeError> {
        self.inner.planner.run(series, command).await
    }

    /// Puts a new series into the calendar.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use boxoffice::calendar::{CalendarEvent, Frame, Length};
    /// use boxoffice::id::{AttendeeId, SeriesId};
    /// use boxoffice::schedule::{AgendaOptions, SeriesOutcome};
    /// use boxoffice::time::Window;
    /// use boxoffice::{BoxOffice, booking::Seats, persist::MemoryBackend};
    /// use jiff::{ToSpan, civil::date, tz::TimeZone};
    ///
    /// let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
    /// let monday = date(2026, 1, 5).at(19, 0, 0, 0);
    /// let berlin = Frame::zoned("Europe/Berlin")?;
    /// let chess = CalendarEvent::new(SeriesId::new("chess")?, "Chess", monday, berlin, Length::exact(2.hours())?)
    ///     .repeating("FREQ=WEEKLY".parse()?)
    ///     .with_capacity(20);
    /// assert_eq!(office.schedule(chess).await?.outcome, SeriesOutcome::Scheduled);
    ///
    /// let week = Window::new("2026-03-02T00:00Z".parse()?, "2026-03-09T00:00Z".parse()?);
    /// let found = office.agenda(week, &TimeZone::UTC, AgendaOptions::default()).await?;
    /// let evening = &found.entries[0];
    /// assert_eq!(evening.occurrence.id().to_string(), "chess@20260302T190000");
    /// let ann = AttendeeId::new("ann")?;
    /// office.open(&evening.occurrence.id(), Seats::new(evening.capacity.unwrap_or(0))).await?;
    /// assert!(office.book(&evening.occurrence.id(), &ann).await?.outcome.is_accepted());
    ///
    /// let cancelled = office.cancel_series(evening.occurrence.series()).await?;
    /// assert_eq!(cancelled.orphaned[0].seats[0].attendee, ann);
    /// office.shutdown().await;
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn schedule(&self, event: CalendarEvent) -> Result<ScheduleReply, BoxOfficeError> {
        let series = event.series.clone();
        self.change_series(&series, SeriesCommand::schedule(event)).await
    }

    /// Gives a series a whole new definition.
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn redefine(&self, event: CalendarEvent) -> Result<ScheduleReply, BoxOfficeError> {
        let series = event.series.clone();
        self.change_series(&series, SeriesCommand::redefine(event)).await
    }

    /// Lets an occurrence, or it and all later ones, start at another time of the series' own frame. Bookings follow.
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn reschedule(
        &self,
        occurrence: &OccurrenceId,
        range: Range,
        start: DateTime,
    ) -> Result<ScheduleReply, BoxOfficeError> {
        let recurrence = *occurrence.recurrence();
        let command = SeriesCommand::Move { recurrence, range, start, length: None, summary: None };
        self.change_series(occurrence.series(), command).await
    }

    /// Lets an occurrence and all later ones follow another definition.
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn split_series(
        &self,
        occurrence: &OccurrenceId,
        event: CalendarEvent,
    ) -> Result<ScheduleReply, BoxOfficeError> {
        let command = SeriesCommand::split(*occurrence.recurrence(), event);
        self.change_series(occurrence.series(), command).await
    }

    /// Cancels an occurrence, or it and all later ones. Its seats stay as they are, and are listed in the answer.
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn cancel_occurrence(
        &self,
        occurrence: &OccurrenceId,
        range: Range,
    ) -> Result<ScheduleReply, BoxOfficeError> {
        let command = SeriesCommand::Cancel { recurrence: *occurrence.recurrence(), range };
        self.change_series(occurrence.series(), command).await
    }

    /// Lets a cancelled occurrence take place after all.
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn reinstate(&self, occurrence: &OccurrenceId) -> Result<ScheduleReply, BoxOfficeError> {
        let command = SeriesCommand::Reinstate { recurrence: *occurrence.recurrence() };
        self.change_series(occurrence.series(), command).await
    }

    /// Cancels a whole series.
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn cancel_series(&self, series: &SeriesId) -> Result<ScheduleReply, BoxOfficeError> {
        self.change_series(series, SeriesCommand::CancelAll).await
    }

    /// A series as it is recorded now; none if it was never scheduled.
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn series(&self, series: &SeriesId) -> Result<Option<Arc<Series>>, BoxOfficeError> {
        let wanted = series.clone();
        let found = self.inner.planner.look(move |shelf| shelf.get(&wanted).cloned()).await?;
        Ok(found.transpose()?)
    }

    /// All series as they are recorded now, by their ids. Those that cannot be read are left out: see
    /// [`BoxOffice::series`].
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn all_series(&self) -> Result<Vec<Arc<Series>>, BoxOfficeError> {
        let all = |shelf: &Shelf| shelf.values().filter_map(|series| series.as_ref().ok()).cloned().collect();
        self.inner.planner.look(all).await
    }

    /// What was recorded of a series as of a past event or instant; none if it was not scheduled then.
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn series_as_of(&self, series: &SeriesId, as_of: AsOf) -> Result<Option<Series>, BoxOfficeError> {
        let (backend, series) = (Arc::clone(&self.inner.planner.house.backend), series.clone());
        let read =
            self.inner.planner.house.reader.run(async move { load_series(&*backend, &series, as_of).await }).await?;
        Ok(Some(read).filter(Series::exists))
    }

    /// What takes place in `window` at least in part, of all series. Dates and floating times are those of `viewer`.
    /// Worked out on a thread of its own.
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn agenda(
        &self,
        window: Window,
        viewer: &TimeZone,
        options: AgendaOptions,
    ) -> Result<Agenda, BoxOfficeError> {
        let shelf = self.inner.planner.look(Shelf::clone).await?;
        let viewer = viewer.clone();
        let work = move || {
            let readable = shelf.values().filter_map(|series| series.as_deref().ok());
            let mut found = agenda(readable, window, &viewer, &options);
            let unreadable = shelf.into_iter().filter_map(|(series, read)| Some((series, read.err()?)));
            let unreadable =
                unreadable.map(|(series, fault)| Incomplete::Unreadable { series, reason: fault.to_string() });
            found.truncated.extend(unreadable);
            found
        };
        self.inner.planner.work(work).await
    }

    /// What of it `attendee` has a seat in, held or confirmed, as the booking streams say. An occurrence that was never
    /// put on sale costs one look at the store; 100,000 occurrences are looked at, at most.
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn agenda_for(
        &self,
        attendee: &AttendeeId,
        window: Window,
        viewer: &TimeZone,
        options: AgendaOptions,
    ) -> Result<AttendeeAgenda, BoxOfficeError> {
        let all = AgendaOptions { limit: LOOKED_AT_MAX, ..options };
        let Agenda { entries, mut truncated } = self.agenda(window, viewer, all).await?;
        let mut mine: Vec<(AgendaEntry, SeatState)> = Vec::new();
        let mut left = entries.into_iter().peekable();
        while left.peek().is_some() {
            let chunk: Vec<AgendaEntry> = left.by_ref().take(CHUNK).collect();
            mine.extend(self.seats_among(attendee, chunk).await?);
            if let Some((first, _)) = mine.get(options.limit) {
                truncated.push(Incomplete::Limit { from: first.window.start });
                mine.truncate(options.limit);
                break;
            }
        }
        Ok(AttendeeAgenda { entries: mine, truncated })
    }

    async fn seats_among(
        &self,
        attendee: &AttendeeId,
        chunk: Vec<AgendaEntry>,
    ) -> Result<Vec<(AgendaEntry, SeatState)>, Fault> {
        let house = &self.inner.planner.house;
        let (backend, attendee, now) = (Arc::clone(&house.backend), attendee.clone(), house.clock.now());
        let read = async move {
            let mut mine = Vec::new();
            for entry in chunk {
                let seat = recorded_seat(&*backend, &entry.occurrence.id(), &attendee, now).await?;
                mine.extend(seat.map(|seat| (entry, seat)));
            }
            Ok(mine)
        };
        house.reader.run(read).await
    }

    /// Seats taken of occurrences of a series that do not take place, because they are cancelled or the series no longer
    /// has them. None for a series that was never scheduled.
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn orphans(&self, series: &SeriesId) -> Result<Vec<Orphan>, BoxOfficeError> {
        let Some(series) = self.series(series).await? else { return Ok(Vec::new()) };
        let house = &self.inner.planner.house;
        let (backend, now) = (Arc::clone(&house.backend), house.clock.now());
        Ok(house.reader.run(async move { orphans(&*backend, &series, now).await }).await?)
    }
}
