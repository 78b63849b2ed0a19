//! Bottom-up evaluation in rounds: each looks only at what the last one found (semi-naive).

use super::super::base::Local;
use super::super::plan::Plan;
use super::Exec;
use super::buffer::Buffer;
use super::meter::Stop;

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
    /// Each way to a row counts.
    pub(crate) counting: bool,
}

/// Rows that are looked at before what they gave is put in its table.
const CHUNK: u32 = 4_096;

/// Works out a group in its tables. What is in them already is taken for found before the first round.
pub(crate) fn evaluate(exec: Exec<'_>, locals: &mut Vec<Local>, group: &Group) -> Result<(), Stop> {
    for member in &group.once {
        let mut buffer = buffer_for(locals, member, group.counting);
        let now = Exec { locals, marks: &[], ..exec };
        emit(&now, member, &[], &mut member.plan.frame.clone(), &mut buffer)?;
        flush(&mut buffer, locals, member.head, group.counting, exec)?;
    }
    let none = vec![0; locals.len()];
    evaluate_more(exec, locals, group, &none)
}

/// Goes on with a group of which all that follows from some first rows of each table is there already.
pub(crate) fn evaluate_more(exec: Exec<'_>, locals: &mut Vec<Local>, group: &Group, done: &[u32]) -> Result<(), Stop> {
    if group.rounds.is_empty() {
        return Ok(());
    }
    let mut marks: Vec<(u32, u32)> =
        locals.iter().zip(done).map(|(local, done)| (*done, local.relation.end())).collect();
    while marks.iter().any(|(from, to)| from < to) {
        exec.meter.round()?;
        for member in &group.rounds {
            round(exec, locals, &marks, member, group.counting)?;
        }
        for (mark, local) in marks.iter_mut().zip(locals.iter()) {
            *mark = (mark.1, local.relation.end());
        }
    }
    Ok(())
}

fn buffer_for(locals: &[Local], member: &Member, counting: bool) -> Buffer {
    Buffer::new(locals.get(member.head).map_or(0, |local| local.relation.arity()), counting)
}

fn emit(exec: &Exec<'_>, member: &Member, seed: &[u64], frame: &mut [u64], buffer: &mut Buffer) -> Result<(), Stop> {
    let Plan { head, .. } = &member.plan;
    let mut sink = |frame: &[u64]| {
        buffer.push(head.iter().map(|reg| frame.get(usize::from(*reg)).copied().unwrap_or(0)), exec.meter)?;
        Ok(super::Yield::Some)
    };
    exec.run_in(&member.plan, seed, frame, &mut sink).map(|_| ())
}

fn round(
    exec: Exec<'_>,
    locals: &mut Vec<Local>,
    marks: &[(u32, u32)],
    member: &Member,
    counting: bool,
) -> Result<(), Stop> {
    let Some(seed) = member.seed else { return Ok(()) };
    let (mut from, to) = marks.get(seed).copied().unwrap_or((0, 0));
    let mut buffer = buffer_for(locals, member, counting);
    let mut frame = member.plan.frame.clone();
    while from < to {
        let until = to.min(from.saturating_add(CHUNK));
        let now = Exec { locals, marks, ..exec };
        for id in from..until {
            exec.meter.step()?;
            let row = locals.get(seed).map_or(&[][..], |local| local.relation.row(super::RowId(id)));
            emit(&now, member, row, &mut frame, &mut buffer)?;
        }
        flush(&mut buffer, locals, member.head, counting, exec)?;
        from = until;
    }
    Ok(())
}

fn flush(buffer: &mut Buffer, locals: &mut [Local], head: usize, counting: bool, exec: Exec<'_>) -> Result<(), Stop> {
    if buffer.is_empty() {
        return Ok(());
    }
    let Some(Local { relation, .. }) = locals.get_mut(head) else { return Ok(()) };
    buffer.drain(|row| {
        let id = match relation.append(row) {
            Some(id) => {
                exec.meter.row()?;
                Some(id)
            }
            None if counting => relation.find(row),
            None => None,
        };
        if counting && let Some(id) = id {
            relation.add_count(id, 1);
        }
        Ok(())
    })?;
    let held = locals.iter().fold(0_u64, |sum, local| sum.saturating_add(local.relation.bytes()));
    exec.meter.bytes(held)
}
