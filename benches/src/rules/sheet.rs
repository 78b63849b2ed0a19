//! What was measured of whom, and the tables of it: ours first, then each peer with its ratio to ours.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Result;
use crate::calendar::number;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Ours,
    Hand,
    Sqlite,
    Postgres,
    Ascent,
}

impl Who {
    const ALL: [Self; 5] = [Self::Ours, Self::Hand, Self::Sqlite, Self::Postgres, Self::Ascent];

    fn name(self) -> &'static str {
        match self {
            Self::Ours => "boxoffice",
            Self::Hand => "by hand",
            Self::Sqlite => "SQLite in memory",
            Self::Postgres => "PostgreSQL, GiST",
            Self::Ascent => "ascent, compiled",
        }
    }
}

/// What is measured. `Kept` is with the overlaps kept up to date, without it they are found on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Load,
    LoadKept,
    Memory,
    MemoryKept,
    Busy,
    One,
    OneKept,
    All,
    AllKept,
    Slots,
    More,
    MoreKept,
    Less,
    LessKept,
    Closure,
}

impl What {
    fn label(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::LoadKept => "load, overlaps kept",
            Self::Memory => "memory",
            Self::MemoryKept => "memory, overlaps kept",
            Self::Busy => "busy in a window",
            Self::One => "overlaps of one attendee",
            Self::OneKept => "overlaps of one attendee, kept",
            Self::All => "all overlaps",
            Self::AllKept => "all overlaps, kept",
            Self::Slots => "slots of 50 hosts in 30 days",
            Self::More => "one booking more",
            Self::MoreKept => "one booking more, overlaps kept",
            Self::Less => "one booking less",
            Self::LessKept => "one booking less, overlaps kept",
            Self::Closure => "closure of a graph",
        }
    }

    fn is_bytes(self) -> bool {
        matches!(self, Self::Memory | Self::MemoryKept)
    }

    /// Measures with the same one here must come to the same count.
    fn question(self) -> Self {
        match self {
            Self::LoadKept | Self::One | Self::OneKept | Self::AllKept | Self::Less | Self::LessKept => Self::All,
            Self::MoreKept => Self::More,
            Self::MemoryKept => Self::Memory,
            Self::Load | Self::Memory | Self::Busy | Self::All | Self::Slots | Self::More | Self::Closure => self,
        }
    }
}

/// Times of one thing done again and again, ascending.
pub(super) struct Times(Vec<Duration>);

impl Times {
    /// Does it for each of `inputs` and notes how long each took.
    pub(super) fn of<T>(inputs: impl IntoIterator<Item = T>, mut f: impl FnMut(T) -> Result<()>) -> Result<Self> {
        let mut times = Vec::new();
        for input in inputs {
            let start = std::time::Instant::now();
            f(input)?;
            times.push(start.elapsed());
        }
        times.sort_unstable();
        Ok(Self(times))
    }

    pub(super) fn share(&self, percent: usize) -> Duration {
        self.0.get(self.0.len() * percent / 100).copied().unwrap_or_default()
    }
}

/// Nanoseconds or bytes; of many times the median.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figure {
    amount: f64,
    p99: Option<f64>,
    count: Option<u64>,
}

impl From<Duration> for Figure {
    fn from(time: Duration) -> Self {
        Self { amount: time.as_nanos() as f64, p99: None, count: None }
    }
}

impl From<Times> for Figure {
    fn from(times: Times) -> Self {
        Self { p99: Some(times.share(99).as_nanos() as f64), ..times.share(50).into() }
    }
}

impl Figure {
    pub(super) fn bytes(bytes: u64) -> Self {
        Self { amount: bytes as f64, p99: None, count: None }
    }

    /// What the answers came to, to be compared.
    pub(super) fn counting(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }

    fn text(&self, what: What) -> String {
        let text = if what.is_bytes() { format!("{} MB", number(self.amount / 1e6)) } else { time(self.amount) };
        self.p99.map_or(text.clone(), |p99| format!("{text}, p99 {}", time(p99)))
    }
}

fn time(nanos: f64) -> String {
    match nanos {
        nanos if nanos < 1e3 => format!("{nanos:.0} ns"),
        nanos if nanos < 1e6 => format!("{} us", number(nanos / 1e3)),
        nanos if nanos < 1e9 => format!("{} ms", number(nanos / 1e6)),
        nanos => format!("{} s", number(nanos / 1e9)),
    }
}

/// All figures over one number of bookings.
pub(super) struct Sheet {
    bookings: usize,
    cells: BTreeMap<(What, Who), Figure>,
    answers: BTreeMap<What, u64>,
    notes: Vec<String>,
}

impl Sheet {
    pub(super) fn new(bookings: usize) -> Self {
        Self { bookings, cells: BTreeMap::new(), answers: BTreeMap::new(), notes: Vec::new() }
    }

    /// Writes a figure down. An answer unlike the one before it ends the run.
    pub(super) fn put(&mut self, what: What, who: Who, figure: impl Into<Figure>) -> Result<()> {
        let figure = figure.into();
        if let Some(count) = figure.count {
            let first = *self.answers.entry(what.question()).or_insert(count);
            if first != count {
                return Err(format!("{what:?}: {} has {count}, others have {first}", who.name()).into());
            }
        }
        self.cells.insert((what, who), figure);
        Ok(())
    }

    pub(super) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    fn get(&self, what: What, who: Who) -> Option<&Figure> {
        self.cells.get(&(what, who))
    }

    pub(super) fn print(&self) {
        let peers = Who::ALL.into_iter().skip(1);
        let names = peers.clone().map(|who| format!(" {} | x |", who.name())).collect::<String>();
        println!("\n| {} bookings | {} |{names}", self.bookings, Who::Ours.name());
        println!("| --- | ---: |{}", " ---: | ---: |".repeat(peers.clone().count()));
        let mut whats: Vec<What> = self.cells.keys().map(|(what, _)| *what).collect();
        whats.dedup();
        for what in whats {
            let count = self.cells.iter().find_map(|((of, _), figure)| figure.count.filter(|_| *of == what));
            let count = count.map_or(String::new(), |count| format!(" ({count})"));
            let ours = self.get(what, Who::Ours);
            let cells = peers.clone().map(|who| {
                let Some(figure) = self.get(what, who) else { return " | |".to_owned() };
                let ratio = ours.map_or(String::new(), |ours| number(figure.amount / ours.amount.max(1.0)));
                format!(" {} | {ratio} |", figure.text(what))
            });
            let cells = cells.collect::<String>();
            println!("| {}{count} | {} |{cells}", what.label(), ours.map_or(String::new(), |ours| ours.text(what)));
        }
        println!();
        self.notes.iter().for_each(|note| println!("* {note}"));
    }
}

/// The figures that must not grow with the bookings, or not much faster, at each number of them.
pub(super) fn curve(sheets: &[Sheet]) {
    let (Some(least), Some(most)) = (sheets.first(), sheets.last()) else { return };
    let heads = sheets.iter().map(|sheet| format!(" {} bookings |", sheet.bookings)).collect::<String>();
    println!("\nas the bookings grow\n\n| what | by |{heads} last / first |");
    println!("| --- | --- |{} ---: |", " ---: |".repeat(sheets.len()));
    for what in [What::Load, What::Memory, What::Busy, What::More, What::LoadKept, What::MemoryKept, What::MoreKept] {
        for who in Who::ALL {
            let (Some(first), Some(last)) = (least.get(what, who), most.get(what, who)) else { continue };
            let cells = sheets
                .iter()
                .map(|sheet| format!(" {} |", sheet.get(what, who).map_or(String::new(), |figure| figure.text(what))));
            let cells = cells.collect::<String>();
            println!("| {} | {} |{cells} {} |", what.label(), who.name(), number(last.amount / first.amount.max(1.0)));
        }
    }
}
