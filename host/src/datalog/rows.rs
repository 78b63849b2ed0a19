//! Rows on standard output: as Souffle prints them, or as lines of JSON.

use core::fmt::Display;
use std::io::{Result, Write};

use boxoffice::datalog::{Column, Value};
use serde::Serialize;
use serde_json::json;

use crate::output::{visible, visible_lines};

/// One line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    relation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<&'a [&'a str]>,
    row: Vec<serde_json::Value>,
}

/// Another.
#[derive(Serialize)]
struct Size<'a> {
    relation: &'a str,
    size: usize,
}

/// Lines above and below the rows of a relation, as Souffle draws them.
const BESIDE: &str = "---------------";
const EDGE: &str = "===============";

fn names(columns: &[Column]) -> Vec<&str> {
    columns.iter().map(|column| &*column.name).collect()
}

/// Where rows go, and in which form.
pub(super) struct Rows<W> {
    out: W,
    json: bool,
}

impl<W: Write> Rows<W> {
    pub(super) fn new(out: W, json: bool) -> Self {
        Self { out, json }
    }

    /// What stands above the rows of a relation, which follow in their order.
    pub(super) fn begin(&mut self, name: &str, columns: &[Column]) -> Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(self.out, "{BESIDE}\n{name}")?;
        if !columns.is_empty() {
            writeln!(self.out, "{}", names(columns).join("\t"))?;
        }
        writeln!(self.out, "{EDGE}")
    }

    pub(super) fn row(&mut self, name: &str, row: &[Value]) -> Result<()> {
        if self.json {
            return self.line(&Line { relation: name, columns: None, row: row.iter().map(in_json).collect() });
        }
        let row: Vec<String> = row.iter().map(plain).collect();
        let row = if row.is_empty() { "()".to_owned() } else { row.join("\t") };
        writeln!(self.out, "{row}")
    }

    pub(super) fn end(&mut self) -> Result<()> {
        if self.json { Ok(()) } else { writeln!(self.out, "{EDGE}") }
    }

    /// The answers to a query. Its columns are in each line of JSON, since nothing else names them.
    pub(super) fn answers(&mut self, columns: &[Column], rows: &[Vec<Value>]) -> Result<()> {
        if self.json {
            let columns = names(columns);
            return rows.iter().try_for_each(|row| {
                let row = row.iter().map(in_json).collect();
                self.line(&Line { relation: "query", columns: Some(&columns), row })
            });
        }
        self.begin("query", columns)?;
        rows.iter().try_for_each(|row| self.row("query", row))?;
        self.end()
    }

    fn line(&mut self, line: &impl Serialize) -> Result<()> {
        writeln!(self.out, "{}", serde_json::to_string(line)?)
    }

    /// How many rows a relation has.
    pub(super) fn size(&mut self, relation: &str, size: usize) -> Result<()> {
        if self.json { self.line(&Size { relation, size }) } else { writeln!(self.out, "{relation}\t{size}") }
    }

    /// Why a fact holds, or why it does not; none when the question was the other one.
    pub(super) fn explanation(
        &mut self,
        question: &str,
        fact: &str,
        holds: bool,
        text: Option<&impl Display>,
    ) -> Result<()> {
        let text = text.map(|text| text.to_string().trim_end().to_owned());
        if self.json {
            return writeln!(self.out, "{}", json!({ question: fact, "holds": holds, "because": text }));
        }
        match text {
            Some(text) => writeln!(self.out, "{}", visible_lines(&text)),
            None if holds => writeln!(self.out, "{} holds: see --why", visible(fact)),
            None => writeln!(self.out, "{} does not hold: see --why-not", visible(fact)),
        }
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.out.flush()
    }
}

/// As it stands in a facts file. A text with a tab or the end of a line cannot stand there, and is printed as it is.
fn plain(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Symbol(text) => text.to_string(),
        Value::Time(instant) => instant.to_string(),
        Value::Bool(truth) => truth.to_string(),
    }
}

fn in_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Number(number) => (*number).into(),
        Value::Symbol(text) => (&**text).into(),
        Value::Time(instant) => instant.to_string().into(),
        Value::Bool(truth) => (*truth).into(),
    }
}
