//! The rule engine of this project.

use std::sync::Arc;
use std::time::Instant;

use boxoffice::datalog::{Change, Engine, Fact, Functions, Limits, Source, Value, compile};
use boxoffice::time::Timestamp;

use super::world::World;
use super::{Times, line};
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

pub(super) fn run(world: &World, maintained: bool) -> Result<()> {
    let who = if maintained { "boxoffice, overlaps maintained" } else { "boxoffice, overlaps on demand" };
    let mut engine = engine(&RULES.replace("MAINTAIN", if maintained { "maintain" } else { "" }))?;
    let names = Names((0..10_000).map(|at| format!("attendee{at}").into()).collect());
    let mut facts = Vec::new();
    for (at, (start, end)) in world.occurrences.iter().enumerate() {
        let row = vec![Value::Number(i64::try_from(at)?), time(*start), time(*end)];
        facts.push(engine.program().fact_of("occ", row)?);
    }
    for booking in &world.bookings {
        facts.push(names.booking(&engine, *booking)?);
    }
    let start = Instant::now();
    engine.load(facts)?;
    line("load", who, format!("{:?}, {} MB", start.elapsed(), engine.bytes() >> 20));

    let busy_in = engine.prepare("busy_in", &["a", "qs", "qe"])?;
    let mut busy = 0_u32;
    let times = Times::of(&world.questions, |(attendee, from, to)| {
        let found = engine.has_answer(&busy_in, &[names.of(*attendee), time(*from), time(*to)]);
        busy += u32::from(found.unwrap_or(false));
    });
    line(&format!("busy in a window ({busy} are)"), who, times);

    let conflict = engine.prepare("conflict", &["a"])?;
    let mut pairs = 0;
    let times = Times::of(0..10_000, |attendee| {
        pairs += engine.count(&conflict, &[names.of(attendee)]).unwrap_or(0);
    });
    line(&format!("overlaps of one attendee ({pairs} in all)"), who, times);
    let all = engine.prepare("conflict", &[])?;
    let start = Instant::now();
    let pairs = engine.count(&all, &[])?;
    line(&format!("all {pairs} overlaps"), who, format!("{:?}", start.elapsed()));

    let slot = engine.prepare("slot", &["a", "from", "to", "d"])?;
    let from = world.occurrences.iter().map(|(start, _)| *start).min().unwrap_or(0);
    let month = from + 30 * 86_400_000;
    let mut slots = 0;
    let start = Instant::now();
    for host in 0..50 {
        slots += engine.count(&slot, &[names.of(host), time(from), time(month), Value::Number(1_800_000)])?;
    }
    line(&format!("{slots} slots of 50 hosts in 30 days"), who, format!("{:?}", start.elapsed()));

    for insert in [true, false] {
        let further = world.further.iter().map(|booking| names.booking(&engine, *booking));
        let changes = further.map(|fact| Ok(Change { fact: fact?, insert })).collect::<Result<Vec<_>>>()?;
        let times = Times::of(&changes, |change| {
            if let Err(error) = engine.apply(core::slice::from_ref(change)) {
                println!("{error}");
            }
        });
        line(if insert { "one booking more" } else { "one booking less" }, who, times);
    }
    Ok(())
}

/// The closure of a graph, from the bottom.
pub(super) fn closure() -> Result<()> {
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
    let took = start.elapsed();
    let path = engine.prepare("path", &[])?;
    line(&format!("closure of {} pairs", engine.count(&path, &[])?), "boxoffice", format!("{took:?}"));
    Ok(())
}
