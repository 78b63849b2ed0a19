//! Ten thousand series as one sorted list of a month.

use std::path::Path;
use std::time::Duration;

use super::cases::{self, Case};
use super::ours::{self, Series};
use super::peers::Peer;
use super::tables::number;
use super::timing::{Answer, best, hash};
use crate::Result;

/// Who is not done by then is stopped, and the rest reckoned from what it did.
const BUDGET: Duration = Duration::from_secs(8);

fn understood(rule: &str) -> bool {
    let case = cases::far().into_iter().find(|case| case.rule == rule);
    case.is_some_and(|case| Series::new(&case).is_ok_and(|series| series.expand().is_ok()))
}

fn ours(cases: &[Case]) -> Result<Answer> {
    let every = cases.iter().map(Series::new).collect::<Result<Vec<_>>>()?;
    let (ns, found) = best(|| ours::merge(&every))?;
    Ok(Answer { count: found.len(), hash: hash(found.iter().map(|(start, _)| *start)), ns })
}

pub(crate) fn table(folder: &Path, peers: &[Peer]) -> Result<()> {
    let cases = cases::merged(understood)?;
    let rules = cases::RULES.iter().filter(|(_, rule)| understood(rule)).count();
    println!(
        "\n{} series of {rules} kinds in five zones, March 2026, merged and sorted: {}\n",
        cases.len(),
        ours::ENGINE
    );
    println!("| | series done | starts | ms for all | of ours |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let own = ours(&cases)?;
    println!("| ours | {} | {} | {} | 1 |", cases.len(), own.count, number(own.ns / 1e6));
    let mut notes = Vec::new();
    for peer in peers {
        let (done, answer) = peer.merge(folder, &cases, BUDGET)?;
        let wanted = if done == cases.len() { own } else { ours(&cases[..done])? };
        let all = answer.ns * cases.len() as f64 / done.max(1) as f64;
        let about = if done == cases.len() { "" } else { "about " };
        let (name, ms, times) = (peer.title(), number(all / 1e6), number(all / own.ns));
        println!("| {name} | {done} | {} | {about}{ms} | x{times} |", answer.count);
        if answer.count != wanted.count {
            notes.push(format!("* {name}: {} starts where we find {}.", answer.count, wanted.count));
        } else if answer.hash != wanted.hash && answer.hash != 0 {
            notes.push(format!("* {name}: other instants than ours."));
        }
    }
    println!();
    notes.iter().for_each(|note| println!("{note}"));
    Ok(())
}
