//! Letters that go nowhere: for tests.

use core::fmt;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use boxoffice_core::id::NoticeId;
use boxoffice_core::notify::{Letter, SendOutcome, Transport};
use tokio::sync::{Semaphore, watch};

/// What a [`MemoryTransport`] does at one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Play {
    /// Answers so. The letter is taken if the answer is [`SendOutcome::Ok`].
    Answer(SendOutcome),
    /// Takes the letter, and answers so in spite of it: how a lost answer looks.
    TakeAnd(SendOutcome),
    /// Panics; the letter is not taken.
    Panic,
    /// Takes the letter and panics.
    TakeAndPanic,
    /// Waits for [`MemoryTransport::release`], then takes the letter and answers Ok.
    Hang,
    /// Takes the letter, waits for [`MemoryTransport::release`], then answers Ok.
    TakeAndHang,
}

/// A transport for tests: keeps letters in memory, and does as a test told it. Clones are handles to the same one.
///
/// Unless something else was [set for the id](Self::play) or for [whatever comes next](Self::play_next), it takes every letter.
///
/// ```
/// use boxoffice::notify::{SendOutcome, Transport};
/// use boxoffice::transport::{MemoryTransport, Play};
/// # use boxoffice::{id::NoticeId, notify::Letter, persist::Payload};
/// # let letter = Letter {
/// #     id: NoticeId::new("reminder-1")?, kind: "reminder".into(), to: "ann@club.example".into(), subject: "Chess".into(),
/// #     text: "At eight.".into(), html: None, calendar: None, unsubscribe: None, data: Payload::new(&())?,
/// # };
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let transport = MemoryTransport::new();
/// let lost = SendOutcome::Uncertain { reason: "the answer was lost".into() };
/// transport.play(&letter.id, [Play::TakeAnd(lost.clone())]);
/// assert_eq!(transport.send(&letter).await, lost);
/// assert_eq!((transport.sends(), transport.times_taken(&letter.id)), (1, 1));
/// # });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemoryTransport {
    dedupes: bool,
    timeout: Duration,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// One permit for each hanging attempt that may go on.
    gate: Semaphore,
    flight: watch::Sender<Flight>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Flight {
    now: usize,
    most: usize,
}

impl fmt::Debug for MemoryTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTransport").field("dedupes", &self.dedupes).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    scripts: HashMap<NoticeId, VecDeque<Play>>,
    next: VecDeque<Play>,
    sent: Vec<NoticeId>,
    taken: Vec<Letter>,
    /// How often each was taken.
    times: HashMap<NoticeId, usize>,
}

impl Default for MemoryTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryTransport {
    /// One that takes whatever comes, twice if it comes twice, and whose attempts may take 30 seconds.
    pub fn new() -> Self {
        let shared =
            Shared { state: Mutex::default(), gate: Semaphore::new(0), flight: watch::Sender::new(Flight::default()) };
        Self { dedupes: false, timeout: Duration::from_secs(30), shared: Arc::new(shared) }
    }

    /// Whether it knows a letter again by its id: what was taken once is answered Ok after that, and not taken again.
    #[must_use]
    pub fn deduping(self, dedupes: bool) -> Self {
        Self { dedupes, ..self }
    }

    /// How long an attempt may take.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// What to do at the next attempts for this letter, one each. Comes before what was set by [`Self::play_next`].
    pub fn play(&self, id: &NoticeId, plays: impl IntoIterator<Item = Play>) {
        self.state().scripts.entry(id.clone()).or_default().extend(plays);
    }

    /// What to do at the next attempts for whatever letter comes, one each.
    pub fn play_next(&self, plays: impl IntoIterator<Item = Play>) {
        self.state().next.extend(plays);
    }

    /// Lets so many hanging attempts go on: those that hang now, or the next to hang.
    pub fn release(&self, count: usize) {
        self.shared.gate.add_permits(count);
    }

    /// Attempts so far.
    pub fn sends(&self) -> usize {
        self.state().sent.len()
    }

    /// The ids of all attempts, in their order.
    pub fn sent(&self) -> Vec<NoticeId> {
        self.state().sent.clone()
    }

    /// Every letter that was taken, in order: the effects.
    pub fn taken(&self) -> Vec<Letter> {
        self.state().taken.clone()
    }

    /// How many letters were taken.
    pub fn effects(&self) -> usize {
        self.state().taken.len()
    }

    /// How often this letter was taken.
    pub fn times_taken(&self, id: &NoticeId) -> usize {
        self.state().times.get(id).copied().unwrap_or(0)
    }

    /// Attempts under way.
    pub fn in_flight(&self) -> usize {
        self.shared.flight.borrow().now
    }

    /// The most attempts that were ever under way at once.
    pub fn most_in_flight(&self) -> usize {
        self.shared.flight.borrow().most
    }

    /// Waits until at least `count` attempts are under way.
    pub async fn in_flight_reached(&self, count: usize) {
        let mut flight = self.shared.flight.subscribe();
        // Cannot fail: the sender lives as long as this handle.
        let _reached = flight.wait_for(|flight| flight.now >= count).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an attempt, takes the letter where the play says so, and says what is left to do.
    fn begin(&self, letter: &Letter) -> Rest {
        let state = &mut *self.state();
        state.sent.push(letter.id.clone());
        let scripted = state.scripts.get_mut(&letter.id).and_then(VecDeque::pop_front);
        let Some(play) = scripted.or_else(|| state.next.pop_front()) else {
            let taken = state.take(letter, self.dedupes);
            return Rest::Answer(taken);
        };
        match play {
            Play::Answer(SendOutcome::Ok { info }) => {
                let _taken = state.take(letter, self.dedupes);
                Rest::Answer(SendOutcome::Ok { info })
            }
            Play::Answer(outcome) => Rest::Answer(outcome),
            Play::TakeAnd(outcome) => {
                let _taken = state.take(letter, self.dedupes);
                Rest::Answer(outcome)
            }
            Play::Panic => Rest::Panic,
            Play::TakeAndPanic => {
                let _taken = state.take(letter, self.dedupes);
                Rest::Panic
            }
            Play::Hang => Rest::HangThenTake,
            Play::TakeAndHang => Rest::Hang(state.take(letter, self.dedupes)),
        }
    }
}

/// What is left of an attempt once the lock is given back.
enum Rest {
    Answer(SendOutcome),
    Panic,
    HangThenTake,
    Hang(SendOutcome),
}

impl State {
    fn take(&mut self, letter: &Letter, dedupes: bool) -> SendOutcome {
        let times = self.times.entry(letter.id.clone()).or_default();
        if *times > 0 && dedupes {
            return SendOutcome::Ok { info: "taken before".to_owned() };
        }
        *times += 1;
        self.taken.push(letter.clone());
        SendOutcome::Ok { info: "taken".to_owned() }
    }
}

/// Counts an attempt for as long as it lives, also when it is dropped half way.
struct InFlight<'a>(&'a watch::Sender<Flight>);

impl<'a> InFlight<'a> {
    fn new(flight: &'a watch::Sender<Flight>) -> Self {
        flight.send_modify(|flight| {
            flight.now += 1;
            flight.most = flight.most.max(flight.now);
        });
        Self(flight)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|flight| flight.now = flight.now.saturating_sub(1));
    }
}

#[async_trait]
impl Transport for MemoryTransport {
    fn dedupes(&self) -> bool {
        self.dedupes
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    #[expect(clippy::panic, reason = "a test asked for it")]
    async fn send(&self, letter: &Letter) -> SendOutcome {
        let _in_flight = InFlight::new(&self.shared.flight);
        let rest = self.begin(letter);
        if let Rest::Hang(_) | Rest::HangThenTake = rest {
            // Cannot fail: the gate is never closed.
            if let Ok(permit) = self.shared.gate.acquire().await {
                permit.forget();
            }
        }
        match rest {
            Rest::Answer(outcome) | Rest::Hang(outcome) => outcome,
            Rest::HangThenTake => self.state().take(letter, self.dedupes),
            Rest::Panic => panic!("the test asked for it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use boxoffice_core::notify::Blame;
    use boxoffice_core::persist::Payload;

    use super::super::send_within;
    use super::*;

    fn letter(id: &str) -> Letter {
        Letter {
            id: NoticeId::new(id).unwrap(),
            kind: "reminder".to_owned(),
            to: "ann@club.example".to_owned(),
            subject: "Chess".to_owned(),
            text: "At eight.".to_owned(),
            html: None,
            calendar: None,
            unsubscribe: None,
            data: Payload::new(&()).unwrap(),
        }
    }

    fn busy() -> SendOutcome {
        SendOutcome::Retry { reason: "busy".to_owned(), after: None, blame: Blame::Channel }
    }

    #[tokio::test]
    async fn plays_for_an_id_come_before_plays_for_whatever_comes() {
        let transport = MemoryTransport::new();
        transport.play_next([Play::Answer(busy())]);
        transport.play(&letter("b").id, [Play::TakeAnd(busy())]);
        assert_eq!(transport.send(&letter("b")).await.name(), "retry");
        assert_eq!(transport.send(&letter("a")).await.name(), "retry");
        assert_eq!(transport.send(&letter("a")).await.name(), "ok");
        assert_eq!(transport.taken(), [letter("b"), letter("a")]);
        assert_eq!(transport.sent(), ["b", "a", "a"].map(|id| letter(id).id));
    }

    #[tokio::test]
    async fn what_was_taken_once_is_taken_again_unless_it_dedupes() {
        for (dedupes, effects) in [(false, 2), (true, 1)] {
            let transport = MemoryTransport::new().deduping(dedupes);
            for _ in 0..2 {
                assert_eq!(transport.send(&letter("a")).await.name(), "ok");
            }
            assert_eq!((transport.times_taken(&letter("a").id), transport.effects()), (effects, effects));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_hangs_or_panics_is_uncertain_or_a_retry_where_letters_are_known_again() {
        let plays = [Play::Hang, Play::TakeAndHang, Play::Panic, Play::TakeAndPanic];
        for (dedupes, outcome) in [(false, "uncertain"), (true, "retry")] {
            for (play, effects) in plays.iter().zip([0, 1, 0, 1]) {
                let transport = MemoryTransport::new().deduping(dedupes).with_timeout(Duration::from_secs(5));
                transport.play_next([play.clone()]);
                assert_eq!(send_within(&transport, &letter("a")).await.name(), outcome, "{play:?}");
                assert_eq!((transport.effects(), transport.in_flight()), (effects, 0), "{play:?}");
            }
        }
    }

    #[tokio::test]
    async fn attempts_under_way_are_counted_and_hang_until_released() {
        let transport = MemoryTransport::new();
        transport.play_next(vec![Play::Hang; 3]);
        let running = [0, 1, 2].map(|n| {
            let transport = transport.clone();
            tokio::spawn(async move { transport.send(&letter(&n.to_string())).await })
        });
        transport.in_flight_reached(3).await;
        assert_eq!(transport.effects(), 0);
        transport.release(3);
        for attempt in running {
            assert_eq!(attempt.await.unwrap().name(), "ok");
        }
        assert_eq!((transport.in_flight(), transport.most_in_flight(), transport.effects()), (0, 3, 3));
    }
}
