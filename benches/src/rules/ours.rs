//! The rule engine of this project.

use std::sync::Arc;
use std::time::Instant;

use boxoffice::datalog::{Change, Engine, Fact, Functions, Limits, Prepared, Source, Value, compile};
use boxoffice::time::Timestamp;

use super::sheet::{Figure, Sheet, Times, What, Who};
use super::world::{ATTENDEES, HOSTS, SLOT, World};
use crate::Result;

const RULES: &str = "
    .decl occ(o: number, s: time, e: time) .input
    .decl book(a: symbol, o: number) .input
    .decl busy(a: symbol, o: number, s: time, e: time) maintain
    busy(a, o, s, e) :- book(a, o), occ(o, s, e).
    .decl conflict(a: symbol, o1: number, o2: number) MAINTAIN
    conflict(a, o1, o2) :- busy(a, o1, s1, e1), busy(a, o2, s2, e2), o1 < o2, overlaps(s1, e1, s2, e2).
    .decl busy_in(a: symbol, qs: +time, qe: +time)
    busy_in(a, qs, qe) :- busy(a, _, s, e), overlaps(s, e, qs, qe).
    .decl free(a: +symbol, qs: +time, qe: +time)
    free(a, qs, qe) :- !busy_in(a, qs, qe).
    .decl busy_until(a: +symbol, from: +time, to: +time, t: time)
    busy_until(a, from, to, e) :- busy(a, _, s, e), overlaps(s, e, from, to), e < to.
    .decl slot(a: +symbol, from: +time, to: +time, d: +number, t: time)
    slot(a, from, to, d, from) :- from + d <= to, free(a, from, from + d).
    slot(a, from, to, d, t) :- busy_until(a, from, to, t), from < t, t + d <= to, free(a, t, t + d).
";

fn engine(text: &str) -> Result<Engine> {
    let source = Source { name: "bench".into(), text: text.into() };
    let (program, _) = compile(&[source], &Functions::new())
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    Ok(Engine::new(program, Limits { steps: u64::MAX, rows: u64::MAX, ..Limits::default() })?)
}

fn time(millis: i64) -> Value {
    Value::Time(Timestamp::from_millis(millis))
}

struct Names(Vec<Arc<str>>);

impl Names {
    fn of(&self, attendee: u32) -> Value {
        Value::Symbol(self.0.get(attendee as usize).map_or_else(|| "".into(), Arc::clone))
    }

    fn booking(&self, engine: &Engine, (attendee, occurrence): (u32, u32)) -> Result<Fact> {
        Ok(engine.program().fact_of("book", vec![self.of(attendee), Value::Number(occurrence.into())])?)
    }
}

/// What is asked, prepared: that makes the indexes, so it belongs to the load.
struct Questions {
    busy_in: Prepared,
    slot: Prepared,
    overlaps_of_one: Prepared,
    all_overlaps: Prepared,
}

impl Questions {
    fn new(engine: &mut Engine) -> Result<Self> {
        Ok(Self {
            busy_in: engine.prepare("busy_in", &["a", "qs", "qe"])?,
            slot: engine.prepare("slot", &["a", "from", "to", "d"])?,
            overlaps_of_one: engine.prepare("conflict", &["a"])?,
            all_overlaps: engine.prepare("conflict", &[])?,
        })
    }
}

pub(super) fn run(sheet: &mut Sheet, world: &World, kept: bool) -> Result<()> {
    let mut engine = engine(&RULES.replace("MAINTAIN", if kept { "maintain" } else { "" }))?;
    let names = Names((0..ATTENDEES).map(|at| format!("attendee{at}").into()).collect());
    let facts = facts(world, &engine, &names)?;
    let start = Instant::now();
    let loaded = engine.load(facts)? - world.occurrences.len();
    let questions = Questions::new(&mut engine)?;
    let took = Figure::from(start.elapsed());
    let (load, memory) = if kept { (What::LoadKept, What::MemoryKept) } else { (What::Load, What::Memory) };
    sheet.put(load, Who::Ours, if kept { took } else { took.counting(loaded as u64) })?;
    sheet.put(memory, Who::Ours, Figure::bytes(engine.bytes()))?;
    if !kept {
        ask(sheet, world, &engine, &names, &questions)?;
    }
    overlaps(sheet, &engine, &names, &questions, kept)?;
    change(sheet, world, &mut engine, &names, &questions, kept)
}

fn facts(world: &World, engine: &Engine, names: &Names) -> Result<Vec<Fact>> {
    let occurrences = (0..).zip(&world.occurrences).map(|(at, (start, end))| {
        let row = vec![Value::Number(at), time(*start), time(*end)];
        Ok(engine.program().fact_of("occ", row)?)
    });
    occurrences.chain(world.bookings.iter().map(|booking| names.booking(engine, *booking))).collect()
}

fn ask(sheet: &mut Sheet, world: &World, engine: &Engine, names: &Names, questions: &Questions) -> Result<()> {
    let mut busy = 0;
    let times = Times::of(&world.questions, |(attendee, from, to)| {
        let given = [names.of(*attendee), time(*from), time(*to)];
        busy += u64::from(engine.has_answer(&questions.busy_in, &given)?);
        Ok(())
    })?;
    sheet.put(What::Busy, Who::Ours, Figure::from(times).counting(busy))?;

    let (from, to) = world.month();
    let mut slots = 0;
    let start = Instant::now();
    for host in 0..HOSTS {
        slots += engine.count(&questions.slot, &[names.of(host), time(from), time(to), Value::Number(SLOT)])? as u64;
    }
    sheet.put(What::Slots, Who::Ours, Figure::from(start.elapsed()).counting(slots))
}

fn overlaps(sheet: &mut Sheet, engine: &Engine, names: &Names, questions: &Questions, kept: bool) -> Result<()> {
    let (one, all) = if kept { (What::OneKept, What::AllKept) } else { (What::One, What::All) };
    let mut pairs = 0;
    let times = Times::of(0..ATTENDEES, |attendee| {
        pairs += engine.count(&questions.overlaps_of_one, &[names.of(attendee)])? as u64;
        Ok(())
    })?;
    sheet.put(one, Who::Ours, Figure::from(times).counting(pairs))?;
    let start = Instant::now();
    let pairs = engine.count(&questions.all_overlaps, &[])? as u64;
    sheet.put(all, Who::Ours, Figure::from(start.elapsed()).counting(pairs))
}

fn change(
    sheet: &mut Sheet,
    world: &World,
    engine: &mut Engine,
    names: &Names,
    questions: &Questions,
    kept: bool,
) -> Result<()> {
    let (more, less) = if kept { (What::MoreKept, What::LessKept) } else { (What::More, What::Less) };
    for (what, insert) in [(more, true), (less, false)] {
        let further = world.further.iter().map(|booking| names.booking(engine, *booking));
        let changes = further.map(|fact| Ok(Change { fact: fact?, insert })).collect::<Result<Vec<_>>>()?;
        let times = Times::of(&changes, |change| Ok(engine.apply(core::slice::from_ref(change)).map(drop)?))?;
        let pairs = engine.count(&questions.all_overlaps, &[])? as u64;
        sheet.put(what, Who::Ours, Figure::from(times).counting(pairs))?;
    }
    Ok(())
}

/// The closure of a graph, from the bottom.
pub(super) fn closure(sheet: &mut Sheet) -> Result<()> {
    let mut engine = engine(
        ".decl edge(x: number, y: number) .input
         .decl path(x: number, y: number)
         path(x, y) :- edge(x, y).  path(x, z) :- path(x, y), edge(y, z).",
    )?;
    let fact = |(one, two): &(i64, i64)| engine.program().fact_of("edge", vec![(*one).into(), (*two).into()]);
    let facts = World::edges().iter().map(fact).collect::<core::result::Result<Vec<_>, _>>()?;
    engine.load(facts)?;
    let start = Instant::now();
    engine.evaluate()?;
    let took = Figure::from(start.elapsed());
    let path = engine.prepare("path", &[])?;
    let pairs = engine.count(&path, &[])? as u64;
    sheet.put(What::Closure, Who::Ours, took.counting(pairs))
}
