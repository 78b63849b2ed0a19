//! A test kit: one flow on a stage, without a store and without a runtime.

use core::fmt::Debug;
use core::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ask::{Ask, What};
use super::event::FlowEvent;
use super::id::FlowId;
use super::journal::{FlowStatus, Journal};
use super::live::Live;
use super::program::{Program, Programs};
use super::rehearsal_error::RehearsalError;
use super::stuck::{Stuck, shortened};
use super::wire;
use crate::persist::{Cursor, Fault, NewEvent, Payload, RecordedEvent, Seq};
use crate::time::Timestamp;

/// One flow that is taken through a story by hand.
///
/// It plays the host: it answers the flow's asks, moves the clock, sends signals and cancels. After every step it
/// rebuilds the flow from its journal alone and compares; code that depends on more than its [`FlowCx`](super::FlowCx)
/// is found so before it is shipped. Time that grows with the square of the turns is the price.
///
/// ```
/// use boxoffice_core::flow::{FlowCx, FlowError, FlowStatus, Program, Rehearsal};
/// use core::time::Duration;
///
/// async fn remind(cx: FlowCx, who: String) -> Result<u32, FlowError> {
///     cx.sleep("wait", Duration::from_secs(3_600)).await?;
///     for n in 1..=2 {
///         if cx.request("mail", format!("send {n}"), &who).await? {
///             return Ok(n);
///         }
///         cx.sleep(format!("back off {n}"), Duration::from_secs(60)).await?;
///     }
///     Err(FlowError::failed("nobody answers"))
/// }
///
/// let mut flow = Rehearsal::new(Program::new("remind", 1, remind)?);
/// flow.start("ann")?;
/// assert_eq!(flow.pass(Duration::from_secs(3_599))?, 0);
/// assert_eq!(flow.pass(Duration::from_secs(1))?, 1);
/// flow.resolve("send 1", &false)?;
/// flow.pass(Duration::from_secs(60))?;
/// assert_eq!(flow.open(), ["send 2"]);
/// flow.resolve("send 2", &true)?;
/// assert_eq!(flow.output::<u32>()?, 2);
///
/// // The journal is a file to be kept with the tests: later code must still fit it.
/// let events = boxoffice_core::flow::events_of(&flow.journal_text()?)?;
/// let later = Rehearsal::of_journal(Program::new("remind", 2, remind)?, &events)?;
/// assert!(matches!(later.status(), FlowStatus::Completed(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Rehearsal {
    programs: Programs,
    live: Live,
    events: Vec<RecordedEvent>,
    now: Timestamp,
}

impl Rehearsal {
    /// A flow of this program, not started yet, with the key `rehearsal`. The clock stands at the epoch.
    pub fn new(program: Program) -> Self {
        let id = FlowId::stored(program.kind().clone(), "rehearsal");
        Self::of(program, Journal::new(id), Vec::new())
    }

    /// A flow of this program with this key, which its random numbers depend on.
    ///
    /// # Errors
    /// [`RehearsalError::Id`] when `key` is none.
    pub fn named(program: Program, key: &str) -> Result<Self, RehearsalError> {
        let id = FlowId::new(program.kind().clone(), key)?;
        Ok(Self::of(program, Journal::new(id), Vec::new()))
    }

    /// A flow that was recorded, perhaps with other code. One that was stuck is tried again.
    ///
    /// # Errors
    /// [`RehearsalError::Journal`] when there are no events or they are not readable. That the code does not fit is
    /// none: the flow is [`FlowStatus::Stuck`] then.
    pub fn of_journal(program: Program, events: &[RecordedEvent]) -> Result<Self, RehearsalError> {
        let id = events.first().and_then(|first| FlowId::of_stream(&first.stream));
        let id = id.ok_or_else(|| Fault::corrupt("the journal", "it does not begin with an event of a flow"))?;
        let mut flow = Self::of(program, read(&id, events)?, events.to_vec());
        if flow.live.journal.stuck().is_some() && !flow.live.journal.is_over() {
            flow.retry()?;
        }
        flow.check()?;
        Ok(flow)
    }

    fn of(program: Program, journal: Journal, events: Vec<RecordedEvent>) -> Self {
        let programs = Programs::new().with(program);
        let now = journal.latest_at().max(Timestamp::EPOCH);
        let (live, found) = Live::rebuild(journal, &programs, now);
        let mut flow = Self { programs, live, events, now };
        flow.keep(found);
        flow
    }

    /// The flow's name.
    pub fn id(&self) -> &FlowId {
        self.live.journal.id()
    }

    /// The instant at which it stands.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Starts the flow.
    ///
    /// # Errors
    /// [`RehearsalError`] when it was started before, and as after every step.
    pub fn start(&mut self, input: &(impl Serialize + ?Sized)) -> Result<(), RehearsalError> {
        if self.status() != FlowStatus::Unknown {
            return Err(self.not_now("it was started before"));
        }
        let input = Payload::new(input)?;
        self.record(FlowEvent::Started { version: self.version(), input, parent: None })
    }

    /// Answers a request, or tells of a child's end ([`ChildEnd`](super::ChildEnd)).
    ///
    /// # Errors
    /// [`RehearsalError::NotOpen`] when the flow does not wait for it, [`RehearsalError::NotByHand`] when it is a timer
    /// or a signal, and as after every step.
    pub fn resolve(&mut self, tag: &str, outcome: &(impl Serialize + ?Sized)) -> Result<(), RehearsalError> {
        let ask = self.ask(tag)?;
        match &ask.what {
            What::Request { .. } | What::Child { .. } => {}
            What::Timer { .. } | What::Signal { .. } => {
                return Err(RehearsalError::NotByHand { tag: tag.to_owned(), kind: ask.what.name() });
            }
        }
        let outcome = Payload::new(outcome)?;
        self.record(FlowEvent::Resolved { ask: ask.name(), version: self.version(), outcome })
    }

    /// The performer of a request failed in a way that is no outcome: the flow gets stuck.
    ///
    /// # Errors
    /// As [`Rehearsal::resolve`].
    pub fn break_down(&mut self, tag: &str, reason: &str) -> Result<(), RehearsalError> {
        let ask = self.ask(tag)?;
        let found =
            self.live.park(Stuck::Performer { tag: ask.tag, reason: shortened(reason) }, &self.programs, self.now);
        self.keep(found);
        self.check()
    }

    /// Lets time pass: timers run out at their instants, in their order, those of one instant in the order in which
    /// they were asked for, and those that are set meanwhile among them. Gives how many did.
    ///
    /// # Errors
    /// As after every step.
    pub fn pass(&mut self, span: Duration) -> Result<usize, RehearsalError> {
        let end = self.now + span;
        let mut fired = 0;
        while let Some((at, timer)) = self.next_timer(end) {
            self.now = self.now.max(at);
            self.fire(timer)?;
            fired += 1;
        }
        self.now = end;
        Ok(fired)
    }

    /// Sets the clock, also back. What is due runs out now, however late: so it is after a time in which nothing ran.
    /// Gives how many timers did.
    ///
    /// # Errors
    /// As after every step.
    pub fn set(&mut self, now: Timestamp) -> Result<usize, RehearsalError> {
        self.now = now;
        let mut fired = 0;
        while let Some((_, timer)) = self.next_timer(now) {
            self.fire(timer)?;
            fired += 1;
        }
        Ok(fired)
    }

    fn next_timer(&self, until: Timestamp) -> Option<(Timestamp, u32)> {
        let timers = self.asks().into_iter().filter_map(|ask| match &ask.what {
            What::Timer { at } => Some((*at, ask)),
            What::Request { .. } | What::Signal { .. } | What::Child { .. } => None,
        });
        let due = timers.filter(|(at, _)| *at <= until && self.status() == FlowStatus::Running);
        due.min_by_key(|(at, ask)| (*at, ask.ordinal)).map(|(at, ask)| (at, ask.ordinal))
    }

    fn fire(&mut self, timer: u32) -> Result<(), RehearsalError> {
        let Some(timer) = self.live.open(timer) else { return Ok(()) };
        let (ask, outcome) = (timer.name(), Payload::stored("null"));
        self.record(FlowEvent::Resolved { ask, version: self.version(), outcome })
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// [`RehearsalError::NotNow`] when the flow was not started or is over, and as after every step.
    pub fn signal(&mut self, name: &str, body: &(impl Serialize + ?Sized)) -> Result<(), RehearsalError> {
        self.needs_life()?;
        let body = Payload::new(body)?;
        self.record(FlowEvent::Signalled { name: name.into(), version: self.version(), id: None, body })
    }

    /// Asks for the flow's end. The second time makes no difference.
    ///
    /// # Errors
    /// As [`Rehearsal::signal`].
    pub fn cancel(&mut self) -> Result<(), RehearsalError> {
        self.needs_life()?;
        if self.live.journal.cancel_requested() {
            return Ok(());
        }
        self.record(FlowEvent::CancelRequested { version: self.version() })
    }

    /// Tries again what is stuck.
    ///
    /// # Errors
    /// [`RehearsalError::NotNow`] when it is not stuck, and as after every step.
    pub fn retry(&mut self) -> Result<(), RehearsalError> {
        if self.live.journal.stuck().is_none() {
            return Err(self.not_now("only what is stuck is tried again"));
        }
        self.record(FlowEvent::Retried { version: self.version() })
    }

    /// What the flow waits for, in the order in which it asked.
    pub fn asks(&self) -> Vec<Ask> {
        self.live.asks()
    }

    /// The tags of what it waits for, in the order in which it asked.
    pub fn open(&self) -> Vec<String> {
        self.asks().iter().map(|ask| ask.tag.as_ref().to_owned()).collect()
    }

    /// How it stands.
    pub fn status(&self) -> FlowStatus {
        self.live.status()
    }

    /// What it came to.
    ///
    /// # Errors
    /// [`RehearsalError::NotNow`] when it has not ended with a result, [`RehearsalError::Payload`] when that is no `T`.
    pub fn output<T: DeserializeOwned>(&self) -> Result<T, RehearsalError> {
        if let FlowStatus::Completed(output) = self.status() {
            return Ok(output.read()?);
        }
        Err(self.not_now(&format!("there is no result of {:?}", self.status())))
    }

    /// How far it says it is.
    pub fn shown(&self) -> Option<Payload> {
        self.live.shown()
    }

    /// Everything that was recorded.
    pub fn journal(&self) -> &[RecordedEvent] {
        &self.events
    }

    /// Everything that was recorded, one JSON object a line: to be kept in a file.
    ///
    /// # Errors
    /// [`RehearsalError::Payload`] never in practice: what was recorded has a JSON form.
    pub fn journal_text(&self) -> Result<String, RehearsalError> {
        let lines = self.events.iter().map(|event| Ok(format!("{}\n", Payload::new(event)?.json())));
        lines.collect()
    }

    fn version(&self) -> u32 {
        self.live.version(&self.programs)
    }

    fn ask(&self, tag: &str) -> Result<Ask, RehearsalError> {
        let (found, status) = (self.asks().into_iter().find(|ask| &*ask.tag == tag), self.status().name());
        found.ok_or_else(|| RehearsalError::NotOpen { tag: tag.to_owned(), status, open: self.open() })
    }

    fn not_now(&self, reason: &str) -> RehearsalError {
        RehearsalError::NotNow { status: self.status().name(), reason: reason.to_owned() }
    }

    fn needs_life(&self) -> Result<(), RehearsalError> {
        let status = self.status();
        let lives = status != FlowStatus::Unknown && !status.is_over();
        if lives { Ok(()) } else { Err(self.not_now("only what was started and is not over hears of it")) }
    }

    fn record(&mut self, event: FlowEvent) -> Result<(), RehearsalError> {
        let bytes = wire::size(self.id(), &wire::encode(self.now, event.clone()));
        if bytes > wire::EVENT_BYTES_MAX {
            return Err(RehearsalError::TooLarge { bytes });
        }
        let recorded = self.live.record(event, &self.programs, self.now);
        self.keep(recorded);
        self.check()
    }

    fn keep(&mut self, events: Vec<NewEvent>) {
        for NewEvent { event_type, at, data } in events {
            let seq = self.events.last().map_or(Seq::FIRST, |last| last.seq.next());
            let cursor = Cursor::from_position(seq.get());
            self.events.push(RecordedEvent { stream: self.id().stream(), seq, cursor, event_type, at, data });
        }
    }

    /// Rebuilds the flow from what was recorded, and compares.
    fn check(&self) -> Result<(), RehearsalError> {
        let (cold, found) = Live::rebuild(read(self.id(), &self.events)?, &self.programs, self.now);
        let names = |live: &Live| live.asks().iter().map(Ask::name).collect::<Vec<_>>();
        same("status", &self.live.status(), &cold.status())?;
        same("open asks", &names(&self.live), &names(&cold))?;
        same("progress", &self.live.shown(), &cold.shown())?;
        same("journal", &self.live.journal, &cold.journal)?;
        same("events", &Vec::new(), &found)
    }
}

fn read(id: &FlowId, events: &[RecordedEvent]) -> Result<Journal, Fault> {
    let mut journal = Journal::new(id.clone());
    events.iter().try_for_each(|event| journal.apply(event))?;
    Ok(journal)
}

fn same<T: PartialEq + Debug>(what: &'static str, live: &T, cold: &T) -> Result<(), RehearsalError> {
    if live == cold {
        return Ok(());
    }
    Err(RehearsalError::Diverged { what, live: format!("{live:?}"), cold: format!("{cold:?}") })
}

/// The events that [`Rehearsal::journal_text`] wrote.
///
/// # Errors
/// [`Fault::Corrupt`] when a line is no event; it names the line, from 1.
pub fn events_of(text: &str) -> Result<Vec<RecordedEvent>, Fault> {
    let read = |(line, text)| {
        serde_json::from_str(text).map_err(|error| Fault::corrupt(format!("line {line}"), error.to_string()))
    };
    (1..).zip(text.lines()).map(read).collect()
}
