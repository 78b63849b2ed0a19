//! The performers of the flows of notices: what flows ask for, looked up and started.

use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_core::booking::{Seat, SeatLedger, SeatState};
use boxoffice_core::flow::shard::{Performance, Performed};
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::notify::flows::{
    Collect, DigestAsk, DigestNext, DigestPart, FanOut, FanOutPage, HoldAsk, HoldLook, Look, LookAsk, SeriesAsk, Tell,
    Told, digest_stream,
};
use boxoffice_core::notify::{
    DigestEntry, DigestFacts, Happening, HoldLapsingFacts, Invite, NoticeKind, Reader, ReminderFacts, RescheduledFacts,
    Thread,
};
use boxoffice_core::persist::{AsOf, Backend, Payload, Seq};
use boxoffice_core::time::Timestamp;

use super::house::House;
use super::tell::{Word, cancellation, confirmation, id_of, performed, seats_of, with_calendar};
use crate::flows::{FlowsBuilder, Performer};

/// People on a page of a roster. Their digest entries and the outcome are one transaction.
const PAGE: usize = 200;
/// People who are told at the same time.
pub(super) const AT_ONCE: usize = 32;
/// Bytes of entries of one letter of a digest.
const ENTRIES_BYTES: usize = 2_000;

/// What can be asked for.
#[derive(Clone, Copy, Debug)]
enum Task {
    Look,
    Hold,
    Lapsing,
    FanOut,
    SeriesChange,
    DigestTimes,
    Collect,
}

struct Desk {
    house: Arc<House>,
    task: Task,
}

/// Adds the performers.
pub(super) fn with_performers(flows: FlowsBuilder, house: &Arc<House>) -> FlowsBuilder {
    let tasks = [
        ("occurrence", Task::Look),
        ("hold", Task::Hold),
        ("lapsing", Task::Lapsing),
        ("fan-out", Task::FanOut),
        ("series-change", Task::SeriesChange),
        ("digest-times", Task::DigestTimes),
        ("collect", Task::Collect),
    ];
    let add = |flows: FlowsBuilder, (name, task): (&str, Task)| {
        flows.performer(name, Desk { house: Arc::clone(house), task })
    };
    tasks.into_iter().fold(flows, add)
}

fn read<T: serde::de::DeserializeOwned>(body: &Payload) -> Result<T, String> {
    body.read().map_err(|error| error.to_string())
}

#[async_trait]
impl Performer for Desk {
    async fn perform(&self, request: Performance) -> Result<Performed, String> {
        let (house, body) = (&self.house, &request.body);
        match self.task {
            Task::Look => performed(&house.look(read(body)?).await?, Vec::new()),
            Task::Hold => performed(&house.look_at_hold(&read(body)?).await?, Vec::new()),
            Task::Lapsing => performed(&house.lapsing(&read(body)?).await?, Vec::new()),
            Task::FanOut => house.fan_out(read(body)?).await,
            Task::SeriesChange => performed(&house.follow_up(read::<SeriesAsk>(body)?).await?, Vec::new()),
            Task::DigestTimes => performed(&house.digest_times(&read(body)?).await?, Vec::new()),
            Task::Collect => performed(&house.collect(&read(body)?).await?, Vec::new()),
        }
    }
}

impl House {
    async fn look(&self, ask: LookAsk) -> Result<Look, String> {
        let found = self.happening(&ask.occurrence).await?;
        Ok(Look::of(found.as_ref(), ask.lead, &self.options.leads))
    }

    async fn held(&self, ask: &HoldAsk) -> Result<Option<(Seat, Timestamp)>, String> {
        let seat = self.seat(&ask.occurrence, &ask.attendee).await?;
        let seat = seat.filter(|seat| seat.granted == Seq::new(ask.granted));
        Ok(seat.and_then(|seat| match seat.state {
            SeatState::Held { until } => Some((seat, until)),
            SeatState::Confirmed => None,
        }))
    }

    async fn look_at_hold(&self, ask: &HoldAsk) -> Result<HoldLook, String> {
        let held = self.held(ask).await?;
        let since = held.as_ref().map_or(Timestamp::EPOCH, |(seat, _)| seat.since);
        Ok(HoldLook { since, until: held.map(|(_, until)| until) })
    }

    async fn lapsing(&self, ask: &HoldAsk) -> Result<Told, String> {
        let (held, found) = (self.held(ask).await?, self.happening(&ask.occurrence).await?);
        let (Some((seat, deadline)), Some(found)) = (held, found) else { return Ok(Told::default()) };
        let (seats, places) = seats_of(&seat.party);
        let facts = HoldLapsingFacts { reader: Reader::default(), event: found.facts(), seats, places, deadline };
        let word = Word {
            kind: NoticeKind::HoldLapsing,
            id: id_of("hold_lapsing", &ask.occurrence, &ask.granted.to_string(), &ask.attendee)?,
            to: ask.attendee.clone(),
            facts: Payload::new(&facts).map_err(|error| error.to_string())?,
            until: Some(deadline),
            thread: Thread::of(&ask.occurrence, self.now()).passing(),
            entry: None,
        };
        Ok(self.tell_all(vec![word]).await?.0)
    }

    /// Tells the next page of a roster, as it is now.
    async fn fan_out(&self, ask: FanOut) -> Result<Performed, String> {
        let FanOut { occurrence, tell, after } = ask;
        let Some(words) = self.words(&occurrence, &tell).await? else {
            return performed(&FanOutPage { next: None, told: Told::default() }, Vec::new());
        };
        let seats = self.roster_page(&occurrence, &tell, after).await?;
        let next = seats.last().filter(|_| seats.len() == PAGE).map(|seat| seat.attendee.clone());
        let words = seats.iter().map(words).collect::<Result<Vec<_>, _>>()?;
        let (told, appends) = self.tell_all(words).await?;
        performed(&FanOutPage { next, told }, appends)
    }

    async fn roster_page(
        &self,
        occurrence: &OccurrenceId,
        tell: &Tell,
        after: Option<AttendeeId>,
    ) -> Result<Vec<Seat>, String> {
        let (since_max, confirmed) = (tell.since_max(), matches!(tell, Tell::Reminder { .. }));
        let page = move |ledger: &SeatLedger| {
            let wanted = |seat: &&Seat| {
                let behind = after.as_ref().is_none_or(|after| seat.attendee > *after);
                behind && seat.since <= since_max && (!confirmed || seat.state == SeatState::Confirmed)
            };
            let mut seats: Vec<&Seat> = ledger.roster().filter(wanted).collect();
            seats.sort_unstable_by(|a, b| a.attendee.cmp(&b.attendee));
            seats.into_iter().take(PAGE).cloned().collect::<Vec<Seat>>()
        };
        self.patiently(|| self.office.inspect(occurrence, page.clone())).await
    }

    /// What each on the roster is told; nothing if there is nothing to say any more.
    async fn words(&self, occurrence: &OccurrenceId, tell: &Tell) -> Result<Option<Words>, String> {
        let as_of = async |seq: u64| {
            let series = self.series_as_of(occurrence.series(), AsOf::Seq(Seq::new(seq))).await?;
            Ok::<_, String>(self.find(series.as_ref(), occurrence))
        };
        Ok(match tell {
            Tell::Reminder { lead, again, due } => {
                let (lead, due) = (*lead, *due);
                let moment = if *again > 0 { format!("{}~{again}", lead.name()) } else { lead.name() };
                let found = self.happening(occurrence).await?.filter(|found| !found.is_cancelled());
                found.map(|found| -> Words {
                    {
                        let until = Look::of(Some(&found), lead, &[]).too_late(due);
                        Box::new(move |seat| reminder(&found, (&moment, due, until), seat))
                    }
                })
            }
            Tell::Rescheduled { seq, at } => {
                let (before, now) = (as_of(seq.saturating_sub(1)).await?, as_of(*seq).await?);
                let (moment, at) = (seq.to_string(), *at);
                before.zip(now).map(|(before, now)| -> Words {
                    Box::new(move |seat| rescheduled(&before, &now, (&moment, at), seat))
                })
            }
            Tell::Cancelled { seq, at } => {
                let (now, before) = (as_of(*seq).await?, as_of(seq.saturating_sub(1)).await?);
                let revision = now.as_ref().or(before.as_ref()).map_or(0, Happening::revision);
                let revision = self.revision_as_of(occurrence, *seq).await?.unwrap_or(revision);
                let (moment, at) = (format!("r{revision}"), *at);
                now.or(before).map(|found| -> Words {
                    Box::new(move |seat| cancellation(&found, (&moment, at), &seat.attendee, false))
                })
            }
            Tell::Reinstated { seq, at } => {
                let (moment, at) = (format!("s{seq}"), *at);
                as_of(*seq).await?.map(|found| -> Words {
                    Box::new(move |seat| confirmation(&found, (&moment, at), &seat.attendee, &seat.party))
                })
            }
        })
    }

    async fn revision_as_of(&self, occurrence: &OccurrenceId, seq: u64) -> Result<Option<u32>, String> {
        let series = self.series_as_of(occurrence.series(), AsOf::Seq(Seq::new(seq))).await?;
        Ok(series.map(|series| series.revision()))
    }

    async fn digest_times(&self, ask: &DigestAsk) -> Result<DigestNext, String> {
        let profile = self.profile(&ask.recipient).await?.map(|(profile, _)| profile);
        let at = profile.and_then(|profile| profile.digest?.next(ask.after, &profile.time_zone()));
        Ok(DigestNext { at })
    }

    /// The next letter of a window: as many entries as fit.
    async fn collect(&self, ask: &Collect) -> Result<DigestPart, String> {
        let profile = self.profile(&ask.recipient).await?.map(|(profile, _)| profile);
        let (stream, from) = (digest_stream(&ask.recipient), Seq::new(ask.through).next());
        let limit = self.options.digest_entries_max;
        let recorded = self.stored(|| self.store.read(&stream, from, limit)).await?;
        let (mut entries, mut bytes, mut through) = (Vec::new(), 0, ask.through);
        for event in recorded.iter().take_while(|event| event.at < ask.until) {
            bytes += event.data.json().len();
            if bytes > ENTRIES_BYTES && !entries.is_empty() {
                break;
            }
            entries.push(read::<DigestEntry>(&event.data)?);
            through = event.seq.get();
        }
        let channels = profile.as_ref().map(|profile| self.channels(profile, &NoticeKind::Digest)).unwrap_or_default();
        let zone = profile.map_or_else(|| "UTC".to_owned(), |profile| profile.zone);
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let (reader, to) = (Reader::default(), ask.until);
        let facts = DigestFacts { reader, from: ask.from, to, zone, entries, left_out: 0 };
        let facts = Payload::new(&facts).map_err(|error| error.to_string())?;
        Ok(DigestPart { through, entries: count, channels, facts })
    }
}

/// What is said to whoever has these seats.
type Words = Box<dyn Fn(&Seat) -> Result<Word, String> + Send + Sync>;

fn reminder(
    found: &Happening,
    (moment, due, until): (&str, Timestamp, Timestamp),
    seat: &Seat,
) -> Result<Word, String> {
    let (seats, places) = seats_of(&seat.party);
    let note = Some(if seats == 1 { "1 seat".to_owned() } else { format!("{seats} seats") });
    let entry = Some(DigestEntry { event: found.facts(), note });
    let facts = ReminderFacts { reader: Reader::default(), event: found.facts(), seats, places };
    Ok(Word {
        kind: NoticeKind::Reminder,
        id: id_of("reminder", found.occurrence(), moment, &seat.attendee)?,
        to: seat.attendee.clone(),
        facts: Payload::new(&facts).map_err(|error| error.to_string())?,
        until: Some(until),
        thread: Thread::of(found.occurrence(), due).passing(),
        entry,
    })
}

fn rescheduled(
    before: &Happening,
    now: &Happening,
    (moment, at): (&str, Timestamp),
    seat: &Seat,
) -> Result<Word, String> {
    let (was, (seats, places)) = (before.facts(), seats_of(&seat.party));
    let facts = RescheduledFacts {
        reader: Reader::default(),
        event: now.facts(),
        was_starts: was.starts,
        was_zone: was.zone,
        was_all_day: was.all_day,
        seats,
        places,
    };
    Ok(Word {
        kind: NoticeKind::Rescheduled,
        id: id_of("rescheduled", now.occurrence(), moment, &seat.attendee)?,
        to: seat.attendee.clone(),
        facts: with_calendar(&facts, Invite::Request, now.occurrence())?,
        until: None,
        thread: Thread::of(now.occurrence(), at),
        entry: None,
    })
}
