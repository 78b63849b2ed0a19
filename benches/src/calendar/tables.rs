//! One table for each measure: ours first, then each peer with its ratio to ours. Below it, who answers otherwise.

use std::collections::HashMap;
use std::path::Path;

use super::cases::{self, Case};
use super::ours::Series;
use super::peers::Peer;
use super::timing::{Answer, measure};
use crate::Result;

/// What one program says to one case.
type Said = std::result::Result<Answer, String>;

/// All that was said to one case, ours first.
struct Row {
    case: Case,
    said: Vec<Said>,
}

fn ours(case: &Case) -> Said {
    Series::new(case).and_then(|series| measure(|| series.expand())).map_err(|error| error.to_string())
}

fn ask(folder: &Path, name: &str, cases: &[Case], peers: &[&Peer]) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = cases.iter().map(|case| Row { case: case.clone(), said: vec![ours(case)] }).collect();
    for peer in peers {
        let mut answers = peer.answers(folder, name, cases)?;
        for row in &mut rows {
            row.said.push(answers.remove(&row.case.id).unwrap_or_else(|| Err("it said nothing".to_owned())));
        }
    }
    Ok(rows)
}

pub(crate) fn number(value: f64) -> String {
    match value {
        value if value < 9.95 => format!("{value:.2}"),
        value if value < 99.5 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

fn head(first: &str, peers: &[&Peer]) {
    let names: Vec<&str> = peers.iter().map(|peer| peer.name).collect();
    println!("| {first} | starts | ours | {} |", names.join(" | "));
    println!("| --- | ---: | ---: |{}", " ---: |".repeat(names.len()));
}

/// A cell is the figure, and how many times ours it is.
fn cell(said: &Said, ours: &Said, unit: impl Fn(&Answer) -> f64) -> String {
    match (said, ours) {
        (Ok(said), Ok(ours)) => format!("{} (x{})", number(unit(said)), number(said.ns / ours.ns)),
        (Ok(said), Err(_)) => number(unit(said)),
        (Err(_), _) => "-".to_owned(),
    }
}

/// The answer that most give.
fn agreed(said: &[Said]) -> Option<Answer> {
    let mut votes: HashMap<(usize, u32), (usize, Answer)> = HashMap::new();
    for answer in said.iter().flatten() {
        votes.entry((answer.count, answer.hash)).or_insert((0, *answer)).0 += 1;
    }
    votes.into_values().max_by_key(|(votes, _)| *votes).map(|(_, answer)| answer)
}

fn print(first: &str, rows: &[Row], peers: &[&Peer], unit: impl Fn(&Answer) -> f64) {
    head(first, peers);
    for row in rows {
        let ours = &row.said[0];
        let own = ours.as_ref().map_or_else(|_| "refused".to_owned(), |ours| number(unit(ours)));
        let others: Vec<String> = row.said[1..].iter().map(|said| cell(said, ours, &unit)).collect();
        let (id, starts) = (row.case.id.split_once('/').map_or("", |(_, id)| id), agreed(&row.said));
        let starts = starts.map_or(0, |answer| answer.count);
        println!("| {id} | {starts} | {own} | {} |", others.join(" | "));
    }
    println!();
    notes(rows, peers);
}

/// Who differs from what most say.
fn notes(rows: &[Row], peers: &[&Peer]) {
    let names = std::iter::once("ours").chain(peers.iter().map(|peer| peer.name));
    for (place, name) in names.enumerate() {
        for row in rows {
            let Some(agreed) = agreed(&row.said) else { continue };
            match &row.said[place] {
                Ok(answer) if answer.agrees(&agreed) => {}
                Ok(answer) if answer.count == agreed.count => {
                    println!("* {name}, {}: other instants than most.", row.case.id);
                }
                Ok(answer) => println!("* {name}, {}: {} starts, not {}.", row.case.id, answer.count, agreed.count),
                Err(error) => println!("* {name}, {}: {error}.", row.case.id),
            }
        }
    }
}

fn micros(answer: &Answer) -> f64 {
    answer.ns / 1_000.0
}

pub(crate) fn far(folder: &Path, peers: &[Peer]) -> Result<()> {
    let peers: Vec<&Peer> = peers.iter().collect();
    println!("\nmicroseconds for one month in 2050 (YEARLY: nine months), first start in 2000\n");
    print("rule", &ask(folder, "far", &cases::far(), &peers)?, &peers, micros);
    Ok(())
}

pub(crate) fn ten_years(folder: &Path, peers: &[Peer]) -> Result<()> {
    // Nothing lies before the window: set_start has nothing to do.
    let peers: Vec<&Peer> = peers.iter().filter(|peer| peer.name != "libical, set_start").collect();
    println!("\nnanoseconds for each start, the first ten years\n");
    let rows = ask(folder, "ten", &cases::ten_years(), &peers)?;
    print("rule", &rows, &peers, |answer| answer.ns / answer.count.max(1) as f64);
    Ok(())
}

pub(crate) fn curve(folder: &Path, peers: &[Peer]) -> Result<()> {
    let peers: Vec<&Peer> = peers.iter().filter(|peer| peer.is_fast()).collect();
    println!("\nmicroseconds for one month of FREQ=DAILY, so many years after the first start\n");
    let mut rows = ask(folder, "curve", &cases::curve(), &peers)?;
    for row in &mut rows {
        row.case.id = row.case.id.replacen("curve", "curve/", 1).replace("/DAILY/", " years, ");
    }
    print("distance", &rows, &peers, micros);
    for zone in cases::ZONES {
        let figures = rows.iter().filter(|row| row.case.zone == zone).filter_map(|row| row.said[0].as_ref().ok());
        let figures: Vec<f64> = figures.map(|answer| answer.ns).collect();
        let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
        let most = figures.iter().copied().fold(0.0, f64::max);
        println!("* ours, {zone}: the slowest distance takes {:.2} times the fastest.", most / least);
    }
    Ok(())
}

/// Twenty years of seconds take minutes to walk. Who walks is asked for one day, and the rest is reckoned from that.
pub(crate) fn count(folder: &Path, peers: &[Peer]) -> Result<()> {
    const DAYS: f64 = 7_305.0;
    let peers: Vec<&Peer> = peers.iter().collect();
    let [days, one_day, twenty_years] = cases::count();
    println!("\nmicroseconds with COUNT: the last month of 100,000 days; a minute of a billion seconds\n");
    let mut rows = ask(folder, "count", &[days, one_day], &peers)?;
    let reckoned = |said: &Said| said.clone().map(|said| Answer { ns: said.ns * DAYS, ..said });
    let mut said: Vec<Said> = rows[1].said.iter().map(reckoned).collect();
    said[0] = ours(&twenty_years);
    for (row, id) in rows.iter_mut().zip(["count/DAILY;COUNT=100000, last month", "count/SECONDLY, one day on"]) {
        row.case.id = id.to_owned();
    }
    print("rule", &rows, &peers, micros);
    let cells: Vec<String> = said[1..].iter().map(|peer| cell(peer, &said[0], micros)).collect();
    let own = said[0].as_ref().map_or_else(ToString::to_string, |ours| number(micros(ours)));
    println!("\nSECONDLY, 20 years on: ours {own}; the others, 7,305 times their one day: {}", cells.join(" | "));
    Ok(())
}
