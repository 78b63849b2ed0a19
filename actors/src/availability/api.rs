//! What the handle offers for availability.

use core::time::Duration;
use std::sync::Arc;

use boxoffice_core::availability::{Delta, HostFact, RulesCommand, Table, WhyBusy};
use boxoffice_core::booking::booking_stream;
use boxoffice_core::datalog::Diagnostic;
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::persist::{Cursor, Fault, Seq};
use boxoffice_core::time::{Timestamp, Window};

use super::{Answered, AtLeast, AvailabilityError, Questions, RelationWatch, RulesOutcome};
use crate::office::BoxOffice;

impl BoxOffice {
    /// Questions about who is free, for which [`Questions::at_least`] says how much the answers are to take into account.
    /// The methods below ask for everything that is committed.
    pub fn availability(&self) -> Questions {
        Questions { desk: self.inner.desk.clone(), at_least: AtLeast::default() }
    }

    /// [`Questions::is_free`].
    ///
    /// # Errors
    /// [`AvailabilityError`] when the question could not be answered.
    pub async fn is_free(&self, attendee: &AttendeeId, window: Window) -> Result<Answered<bool>, AvailabilityError> {
        self.availability().is_free(attendee, window).await
    }

    /// [`Questions::next_free`].
    ///
    /// # Errors
    /// As [`BoxOffice::is_free`].
    pub async fn next_free(
        &self,
        attendee: &AttendeeId,
        within: Window,
        length: Duration,
    ) -> Result<Answered<Option<Timestamp>>, AvailabilityError> {
        self.availability().next_free(attendee, within, length).await
    }

    /// [`Questions::free_slots`].
    ///
    /// # Errors
    /// As [`BoxOffice::is_free`].
    pub async fn free_slots(
        &self,
        attendees: &[AttendeeId],
        within: Window,
        length: Duration,
        at_most: usize,
    ) -> Result<Answered<Vec<Window>>, AvailabilityError> {
        self.availability().free_slots(attendees, within, length, at_most).await
    }

    /// [`Questions::busy`].
    ///
    /// # Errors
    /// As [`BoxOffice::is_free`].
    pub async fn busy(
        &self,
        attendee: &AttendeeId,
        window: Window,
    ) -> Result<Answered<Vec<(OccurrenceId, Window)>>, AvailabilityError> {
        self.availability().busy(attendee, window).await
    }

    /// [`Questions::overlaps`].
    ///
    /// # Errors
    /// As [`BoxOffice::is_free`].
    pub async fn overlaps(
        &self,
        attendee: &AttendeeId,
    ) -> Result<Answered<Vec<(OccurrenceId, OccurrenceId)>>, AvailabilityError> {
        self.availability().overlaps(attendee).await
    }

    /// [`Questions::seats_left`].
    ///
    /// # Errors
    /// As [`BoxOffice::is_free`].
    pub async fn seats_left(&self, occurrence: &OccurrenceId) -> Result<Answered<Option<i64>>, AvailabilityError> {
        self.availability().seats_left(occurrence).await
    }

    /// [`Questions::may_book`].
    ///
    /// # Errors
    /// As [`BoxOffice::is_free`].
    pub async fn may_book(
        &self,
        attendee: &AttendeeId,
        occurrence: &OccurrenceId,
    ) -> Result<Answered<Vec<String>>, AvailabilityError> {
        self.availability().may_book(attendee, occurrence).await
    }

    /// [`Questions::why_not_free`].
    ///
    /// # Errors
    /// As [`BoxOffice::is_free`].
    pub async fn why_not_free(
        &self,
        attendee: &AttendeeId,
        window: Window,
    ) -> Result<Answered<Option<WhyBusy>>, AvailabilityError> {
        self.availability().why_not_free(attendee, window).await
    }

    /// [`Questions::ask_rules`].
    ///
    /// # Errors
    /// As [`BoxOffice::is_free`].
    pub async fn ask_rules(&self, text: &str) -> Result<Answered<Table>, AvailabilityError> {
        self.availability().ask_rules(text).await
    }

    /// Puts rules of the host under a name, in place of those that were there. Recorded as an event; when it is answered they
    /// are in effect here, and everywhere for answers from the cursor of this one on.
    ///
    /// Rules that cannot be taken are refused with the places of what is wrong, and nothing changes.
    ///
    /// # Errors
    /// [`AvailabilityError`] when the rules could not be looked at or not be recorded. After
    /// [`Fault::Unknown`](boxoffice_core::persist::Fault::Unknown), [`BoxOffice::rules`] tells.
    pub async fn put_rules(&self, name: &str, text: &str) -> Result<Answered<RulesOutcome>, AvailabilityError> {
        self.inner.desk.change(RulesCommand::PutRuleset { name: name.into(), text: text.into() }).await
    }

    /// Takes the host's rules of this name away.
    ///
    /// # Errors
    /// As [`BoxOffice::put_rules`].
    pub async fn remove_rules(&self, name: &str) -> Result<Answered<RulesOutcome>, AvailabilityError> {
        self.inner.desk.change(RulesCommand::RemoveRuleset { name: name.into() }).await
    }

    /// The host's rules, by name: names and texts.
    ///
    /// # Errors
    /// As [`BoxOffice::is_free`].
    pub async fn rules(&self) -> Result<Answered<Vec<(String, String)>>, AvailabilityError> {
        self.inner.desk.ask("rules", AtLeast::Committed, |base| Ok(base.rulesets())).await
    }

    /// What [`BoxOffice::put_rules`] would say: warnings where it would take the rules, and else what is wrong.
    ///
    /// # Errors
    /// As [`BoxOffice::is_free`].
    pub async fn check_rules(
        &self,
        name: &str,
        text: &str,
    ) -> Result<Answered<Result<Vec<Diagnostic>, Vec<Diagnostic>>>, AvailabilityError> {
        let (name, text) = (name.to_owned(), text.to_owned());
        self.inner.desk.ask("check_rules", AtLeast::Committed, move |base| Ok(base.check_rules(&name, &text))).await
    }

    /// Which rows the rules would add and take away if these were put, or if they were removed when there is no text. Of
    /// relations that have a list of rows; worked out where it holds up only other heavy questions.
    ///
    /// # Errors
    /// As [`BoxOffice::is_free`]; [`AvailabilityError::Ask`] with the places when the rules are wrong.
    pub async fn diff_rules(&self, name: &str, text: Option<&str>) -> Result<Answered<Delta>, AvailabilityError> {
        self.availability().diff_rules(name, text).await
    }

    /// Puts facts of relations that the host fills, such as `members_only` or `open`. All or none; those that are there
    /// already are passed over.
    ///
    /// # Errors
    /// As [`BoxOffice::put_rules`].
    pub async fn put_facts(&self, facts: Vec<HostFact>) -> Result<Answered<RulesOutcome>, AvailabilityError> {
        self.inner.desk.change(RulesCommand::ChangeFacts { added: facts, removed: Vec::new() }).await
    }

    /// Takes facts of the host away. All or none; those that are not there are passed over.
    ///
    /// # Errors
    /// As [`BoxOffice::put_rules`].
    pub async fn remove_facts(&self, facts: Vec<HostFact>) -> Result<Answered<RulesOutcome>, AvailabilityError> {
        self.inner.desk.change(RulesCommand::ChangeFacts { added: Vec::new(), removed: facts }).await
    }

    /// The place in the commit order of the event that a booking was answered with, for
    /// [`AtLeast::Cursor`] anywhere: in another box office on the same store, too. None when there is no such event.
    ///
    /// # Errors
    /// [`Fault`] when storage failed.
    pub async fn booking_cursor(&self, occurrence: &OccurrenceId, seq: Seq) -> Result<Option<Cursor>, Fault> {
        let (backend, stream) = (Arc::clone(&self.inner.desk.house.backend), booking_stream(occurrence));
        let read = async move { backend.read(&stream, seq, 1).await };
        let found = self.inner.desk.house.reader.run(read).await?;
        Ok(found.first().filter(|event| event.seq == seq).map(|event| event.cursor))
    }

    /// All rows of a relation that is kept up to date, and then each change of it.
    ///
    /// # Errors
    /// As [`BoxOffice::is_free`]; [`AvailabilityError::NotKept`] when the rules have no such relation.
    pub async fn watch_relation(&self, name: &str) -> Result<RelationWatch, AvailabilityError> {
        RelationWatch::new(self.inner.desk.clone(), name.to_owned()).await
    }
}
