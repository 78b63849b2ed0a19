//! Questions, and how much their answers must take into account.

use core::time::Duration;

use boxoffice_core::availability::{Availability, Delta, Table, WhyBusy};
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::time::{Timestamp, Window};

use super::door::{Desk, Weight};
use super::{Answered, AtLeast, AvailabilityError};

/// Questions to the actor that knows who is free. Each answer says which events it rests on.
///
/// A question costs at most [`AvailabilityOptions::light`](super::AvailabilityOptions::light) while others wait; what is
/// beyond that is worked out where it holds up only other heavy questions.
#[derive(Clone, Debug)]
pub struct Questions {
    pub(super) desk: Desk,
    pub(super) at_least: AtLeast,
}

impl Questions {
    /// Questions whose answers take this much into account.
    #[must_use]
    pub fn at_least(mut self, at_least: AtLeast) -> Self {
        self.at_least = at_least;
        self
    }

    /// Whether nothing keeps the attendee from being free in all of `window`.
    ///
    /// # Errors
    /// [`AvailabilityError`] when the question could not be answered.
    pub async fn is_free(&self, attendee: &AttendeeId, window: Window) -> Result<Answered<bool>, AvailabilityError> {
        let attendee = attendee.clone();
        self.desk.ask("is_free", self.at_least, move |base| base.is_free(&attendee, window)).await
    }

    /// The first instant in `within` from which on the attendee is free for `length`, all of it in `within`.
    ///
    /// # Errors
    /// As [`Questions::is_free`].
    pub async fn next_free(
        &self,
        attendee: &AttendeeId,
        within: Window,
        length: Duration,
    ) -> Result<Answered<Option<Timestamp>>, AvailabilityError> {
        let attendee = attendee.clone();
        self.desk.ask("next_free", self.at_least, move |base| base.next_free(&attendee, within, length)).await
    }

    /// The longest spans in `within`, of at least `length`, in which all of these are free: the first `at_most`, ascending.
    ///
    /// # Errors
    /// As [`Questions::is_free`].
    pub async fn free_slots(
        &self,
        attendees: &[AttendeeId],
        within: Window,
        length: Duration,
        at_most: usize,
    ) -> Result<Answered<Vec<Window>>, AvailabilityError> {
        let attendees = attendees.to_vec();
        let question = move |base: &mut Availability| base.free_slots(&attendees, within, length, at_most);
        self.desk.ask("free_slots", self.at_least, question).await
    }

    /// What the attendee has a seat in and takes place in `window` at least in part.
    ///
    /// # Errors
    /// As [`Questions::is_free`].
    pub async fn busy(
        &self,
        attendee: &AttendeeId,
        window: Window,
    ) -> Result<Answered<Vec<(OccurrenceId, Window)>>, AvailabilityError> {
        let attendee = attendee.clone();
        self.desk.ask("busy", self.at_least, move |base| base.busy(&attendee, window)).await
    }

    /// Pairs of occurrences that overlap and in both of which the attendee has a seat; the lesser id first.
    ///
    /// # Errors
    /// As [`Questions::is_free`].
    pub async fn overlaps(
        &self,
        attendee: &AttendeeId,
    ) -> Result<Answered<Vec<(OccurrenceId, OccurrenceId)>>, AvailabilityError> {
        let attendee = attendee.clone();
        self.desk.ask("overlaps", self.at_least, move |base| base.overlaps(&attendee)).await
    }

    /// Seats that nobody has; none before the sale was opened. For shop windows: whether there is a seat is decided when
    /// it is booked, and nowhere else.
    ///
    /// # Errors
    /// As [`Questions::is_free`].
    pub async fn seats_left(&self, occurrence: &OccurrenceId) -> Result<Answered<Option<i64>>, AvailabilityError> {
        let occurrence = occurrence.clone();
        self.desk.ask("seats_left", self.at_least, move |base| base.seats_left(&occurrence)).await
    }

    /// Why the rules would not let the attendee book the occurrence now; empty when they would.
    ///
    /// # Errors
    /// As [`Questions::is_free`].
    pub async fn may_book(
        &self,
        attendee: &AttendeeId,
        occurrence: &OccurrenceId,
    ) -> Result<Answered<Vec<String>>, AvailabilityError> {
        let (attendee, occurrence, now) = (attendee.clone(), occurrence.clone(), self.desk.house.clock.now());
        self.desk.ask("may_book", self.at_least, move |base| base.may_book(&attendee, &occurrence, now)).await
    }

    /// What keeps the attendee from being free in `window`; none when nothing does.
    ///
    /// # Errors
    /// As [`Questions::is_free`].
    pub async fn why_not_free(
        &self,
        attendee: &AttendeeId,
        window: Window,
    ) -> Result<Answered<Option<WhyBusy>>, AvailabilityError> {
        let attendee = attendee.clone();
        self.desk.ask("why_not_free", self.at_least, move |base| base.why_not_free(&attendee, window)).await
    }

    /// The answers to a conjunction such as `busy("ann", o, s, e), full(o)`.
    ///
    /// # Errors
    /// As [`Questions::is_free`]; [`AvailabilityError::Ask`] with line and column when the text is wrong.
    pub async fn ask_rules(&self, text: &str) -> Result<Answered<Table>, AvailabilityError> {
        let text = text.to_owned();
        self.desk.ask("ask_rules", self.at_least, move |base| base.ask(&text)).await
    }

    /// The same, with the occurrences of all series that overlap `window`, also of those that nobody has touched.
    ///
    /// # Errors
    /// As [`Questions::ask_rules`].
    pub async fn ask_rules_within(&self, window: Window, text: &str) -> Result<Answered<Table>, AvailabilityError> {
        let text = text.to_owned();
        self.desk.ask("ask_rules_within", self.at_least, move |base| base.ask_within(window, &text)).await
    }

    /// What rules would change: see [`BoxOffice::diff_rules`](crate::BoxOffice::diff_rules).
    ///
    /// # Errors
    /// As [`Questions::is_free`].
    pub async fn diff_rules(&self, name: &str, text: Option<&str>) -> Result<Answered<Delta>, AvailabilityError> {
        let (name, text) = (name.to_owned(), text.map(str::to_owned));
        self.desk.ask_heavy("diff_rules", self.at_least, move |base| base.diff(&name, text.as_deref())).await
    }

    /// Looks at facts and rules, in the actor's own thread: be quick. A panic in it is answered
    /// [`AvailabilityError::Panicked`], and all is built anew.
    ///
    /// # Errors
    /// As [`Questions::is_free`].
    pub async fn inspect<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Availability) -> R + Send + Clone + 'static,
    ) -> Result<Answered<R>, AvailabilityError> {
        let answer = self.desk.look(Weight::Light, self.at_least, move |seen| Ok(look(seen.base)));
        self.desk.traced("inspect", answer).await
    }
}
