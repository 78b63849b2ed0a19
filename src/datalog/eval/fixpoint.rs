//! Bottom-up evaluation in rounds: each looks only at what the last one found (semi-naive).

use super::super::base::Local;
use super::super::plan::Plan;
use super::super::store::{Relation, RowId};
use super::super::value::Cell;
use super::closure::Classes;
use super::meter::{Held, Meter, Stop};
use super::rows::Gathering;
use super::{Exec, Yield, with_key};

/// A plan and the tables it goes from and to.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) plan: Plan,
    /// The local table whose new rows it starts from.
    pub(crate) seed: Option<usize>,
    /// The local table of its head.
    pub(crate) head: usize,
}

/// The plans of predicates that are worked out together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    /// Run once, at the start.
    pub(crate) once: Vec<Member>,
    /// Run in each round.
    pub(crate) rounds: Vec<Member>,
    /// Each way to a row counts. Only where nothing rests on itself.
    pub(crate) counting: bool,
    /// Local tables that are equivalences.
    pub(crate) closed: Vec<usize>,
}

/// Rows that are looked at before what they gave is put in its table.
const CHUNK: u32 = 4_096;

/// Rows after which the bytes are looked at.
pub(super) const LOOK: usize = 1_024;

/// Works out a group in its tables. What is in them already is taken for found before the first round.
pub(crate) fn evaluate(exec: Exec<'_>, locals: &mut Vec<Local>, group: &Group) -> Result<(), Stop> {
    let mut held = Held::new(exec.meter);
    for member in &group.once {
        once(exec, locals, member, group.counting, &mut held)?;
    }
    let mut classes: Vec<Classes> = group.closed.iter().map(|table| Classes::new(*table)).collect();
    close(locals, &mut classes, exec.meter, &mut held)?;
    let none = vec![0; locals.len()];
    rounds(exec, locals, group, &none, (&mut classes, &mut held))
}

/// Goes on with a group, of which nothing is an equivalence, and of which all that follows from some first rows of each
/// table is there already.
pub(crate) fn evaluate_more(exec: Exec<'_>, locals: &mut Vec<Local>, group: &Group, done: &[u32]) -> Result<(), Stop> {
    rounds(exec, locals, group, done, (&mut [], &mut Held::new(exec.meter)))
}

fn rounds(
    exec: Exec<'_>,
    locals: &mut Vec<Local>,
    group: &Group,
    done: &[u32],
    (classes, held): (&mut [Classes], &mut Held<'_>),
) -> Result<(), Stop> {
    if group.rounds.is_empty() {
        return Ok(());
    }
    let mut marks: Vec<(u32, u32)> =
        locals.iter().zip(done).map(|(local, done)| (*done, local.relation.end())).collect();
    while marks.iter().any(|(from, to)| from < to) {
        exec.meter.round()?;
        for member in &group.rounds {
            round(exec, locals, &marks, member, held)?;
        }
        close(locals, classes, exec.meter, held)?;
        for (mark, local) in marks.iter_mut().zip(locals.iter()) {
            *mark = (mark.1, local.relation.end());
        }
    }
    Ok(())
}

fn close(locals: &mut [Local], classes: &mut [Classes], meter: &Meter, held: &mut Held<'_>) -> Result<(), Stop> {
    for at in 0..classes.len() {
        let more = classes.iter().fold(bytes_of(locals), |sum, classes| sum.saturating_add(classes.bytes()));
        let Some(classes) = classes.get_mut(at) else { continue };
        let Some(Local { relation, .. }) = locals.get_mut(classes.table) else { continue };
        classes.close(relation, meter, (more.saturating_sub(relation.bytes()), held))?;
    }
    Ok(())
}

/// Bytes of all tables.
pub(crate) fn bytes_of(locals: &[Local]) -> u64 {
    locals.iter().fold(0, |sum, local| sum.saturating_add(local.relation.bytes()))
}

/// Runs a plan that looks at no table of the group: what it gives is put in its own at once.
fn once(
    exec: Exec<'_>,
    locals: &mut Vec<Local>,
    member: &Member,
    counting: bool,
    held: &mut Held<'_>,
) -> Result<(), Stop> {
    let Some(local) = locals.get_mut(member.head) else { return Ok(()) };
    let mut relation = core::mem::replace(&mut local.relation, Relation::new(0));
    let others = bytes_of(locals);
    let Plan { head, .. } = &member.plan;
    let mut sink = |frame: &[Cell]| {
        with_key(head, frame, |row| take_in(&mut relation, row, counting, exec.meter))?;
        if relation.len().is_multiple_of(LOOK) {
            held.set(others.saturating_add(relation.bytes()))?;
        }
        Ok(Yield::Some)
    };
    let done = Exec { locals, marks: &[], ..exec }.run(&member.plan, &[], &mut sink);
    if let Some(local) = locals.get_mut(member.head) {
        local.relation = relation;
    }
    done?;
    held.set(bytes_of(locals))
}

pub(super) fn take_in(relation: &mut Relation, row: &[Cell], counting: bool, meter: &Meter) -> Result<(), Stop> {
    let id = match relation.append(row) {
        Some(id) => {
            meter.row()?;
            Some(id)
        }
        None if counting => relation.find(row),
        None => None,
    };
    if counting && let Some(id) = id {
        relation.add_count(id, 1);
    }
    Ok(())
}

fn round(
    exec: Exec<'_>,
    locals: &mut Vec<Local>,
    marks: &[(u32, u32)],
    member: &Member,
    held: &mut Held<'_>,
) -> Result<(), Stop> {
    let Some(seed) = member.seed else { return Ok(()) };
    let (mut from, to) = marks.get(seed).copied().unwrap_or((0, 0));
    let Plan { head, .. } = &member.plan;
    let mut found = Gathering::to_be_kept(head.len(), exec.meter);
    let mut frame = member.plan.frame.clone();
    while from < to {
        let until = to.min(from.saturating_add(CHUNK));
        let now = Exec { locals, marks, ..exec };
        let known = |row: &[Cell]| locals.get(member.head).is_some_and(|local| local.relation.find(row).is_some());
        let mut sink = |frame: &[Cell]| {
            with_key(head, frame, |row| found.push_new(row, known))?;
            Ok(Yield::Some)
        };
        for id in from..until {
            exec.meter.step()?;
            let row = locals.get(seed).map_or(&[][..], |local| local.relation.row(RowId(id)));
            now.run_in(&member.plan, row, &mut frame, &mut sink)?;
        }
        flush(&mut found, locals, member.head, exec.meter, held)?;
        from = until;
    }
    Ok(())
}

fn flush(
    found: &mut Gathering<'_>,
    locals: &mut [Local],
    head: usize,
    meter: &Meter,
    held: &mut Held<'_>,
) -> Result<(), Stop> {
    if found.is_empty() {
        return Ok(());
    }
    let all = bytes_of(locals);
    let Some(Local { relation, .. }) = locals.get_mut(head) else { return Ok(()) };
    let others = all.saturating_sub(relation.bytes());
    found.drain(|row| {
        take_in(relation, row, false, meter)?;
        if relation.len().is_multiple_of(LOOK) { held.set(others.saturating_add(relation.bytes())) } else { Ok(()) }
    })?;
    held.set(bytes_of(locals))
}
