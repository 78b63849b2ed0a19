//! One table for each measure: ours first, then each peer with its ratio to ours. Below it, who answers otherwise.

use std::collections::BTreeMap;
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

impl Row {
    /// Without the measure.
    fn name(&self) -> &str {
        self.case.id.split_once('/').map_or("", |(_, name)| name)
    }
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
    // What runs in this process is quick: once more, some seconds later, for a neighbour may have been busy.
    for row in &mut rows {
        faster(&mut row.said[0], &ours(&row.case));
    }
    for (place, peer) in peers.iter().enumerate().filter(|(_, peer)| peer.is_crate()) {
        let answers = peer.answers(folder, name, cases)?;
        for row in &mut rows {
            answers.get(&row.case.id).into_iter().for_each(|again| faster(&mut row.said[place + 1], again));
        }
    }
    Ok(rows)
}

/// Keeps the better time.
fn faster(said: &mut Said, again: &Said) {
    if let (Ok(said), Ok(again)) = (said, again) {
        said.ns = said.ns.min(again.ns);
    }
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

/// The answer that most give; ours, if as many give another.
fn agreed(said: &[Said]) -> Option<Answer> {
    let votes = |answer: &Answer| said.iter().flatten().filter(|other| other.agrees(answer)).count();
    // The last of the greatest is taken, and ours is the first.
    said.iter().flatten().rev().max_by_key(|answer| votes(answer)).copied()
}

fn print(first: &str, rows: &[Row], peers: &[&Peer], unit: impl Fn(&Answer) -> f64) {
    head(first, peers);
    for row in rows {
        let ours = &row.said[0];
        let own = ours.as_ref().map_or_else(|_| "refused".to_owned(), |ours| number(unit(ours)));
        let others: Vec<String> = row.said[1..].iter().map(|said| cell(said, ours, &unit)).collect();
        let (name, starts) = (row.name(), agreed(&row.said).map_or(0, |answer| answer.count));
        println!("| {name} | {starts} | {own} | {} |", others.join(" | "));
    }
    println!();
    notes(rows, peers);
}

/// Who differs from what most say, and in which cases.
fn notes(rows: &[Row], peers: &[&Peer]) {
    let mut notes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let names = std::iter::once("ours").chain(peers.iter().map(|peer| peer.name));
    for (place, name) in names.enumerate() {
        for row in rows {
            let Some(agreed) = agreed(&row.said) else { continue };
            let note = match &row.said[place] {
                Ok(answer) if answer.agrees(&agreed) => continue,
                Ok(answer) if answer.count == agreed.count => "wrong instants".to_owned(),
                Ok(answer) => format!("{} starts, not {}", answer.count, agreed.count),
                Err(error) => error.clone(),
            };
            notes.entry(format!("{name}: {note}")).or_default().push(row.name());
        }
    }
    for (note, cases) in notes {
        println!("* {note}: {}.", cases.join("; "));
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
    let peers: Vec<&Peer> = peers.iter().collect();
    println!("\nmicroseconds for one month of FREQ=DAILY, so many years after the first start\n");
    let mut rows = ask(folder, "curve", &cases::curve(), &peers)?;
    for row in &mut rows {
        row.case.id = row.case.id.replacen("curve", "curve/", 1).replace("/DAILY/", " y, ");
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
    for (row, id) in
        rows.iter_mut().zip(["count/DAILY;COUNT=100000, last month", "count/SECONDLY;COUNT=1000000000, one day on"])
    {
        row.case.id = id.to_owned();
    }
    print("rule", &rows, &peers, micros);
    let own = ours(&twenty_years).map_or_else(|error| error, |ours| number(micros(&ours)) + " us");
    let walks = rows[1].said[1..].iter().zip(&peers).filter_map(|(said, peer)| {
        said.as_ref().ok().map(|said| format!("{} {} s", peer.name, number(said.ns * DAYS / 1e9)))
    });
    println!("* SECONDLY, 20 years on: ours {own}. 7,305 times one day: {}.", walks.collect::<Vec<_>>().join(", "));
    Ok(())
}
