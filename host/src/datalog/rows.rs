//! Rows on standard output: as Souffle prints them, or as lines of JSON.

use core::fmt::Display;
use std::io::{Result, Write};

use boxoffice::datalog::{Column, Value};
use serde::Serialize;
use serde_json::json;

/// One line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    relation: &'a str,
    row: Vec<serde_json::Value>,
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

    /// The rows of one relation, in the order in which they come.
    pub(super) fn table(&mut self, name: &str, columns: &[Column], rows: &[Vec<Value>]) -> Result<()> {
        if self.json {
            return rows.iter().try_for_each(|row| self.line(name, row));
        }
        writeln!(self.out, "---------------\n{name}")?;
        if !columns.is_empty() {
            let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
            writeln!(self.out, "{}", names.join("\t"))?;
        }
        writeln!(self.out, "===============")?;
        for row in rows {
            let row: Vec<String> = row.iter().map(plain).collect();
            let row = if row.is_empty() { "()".to_owned() } else { row.join("\t") };
            writeln!(self.out, "{row}")?;
        }
        writeln!(self.out, "===============")
    }

    fn line(&mut self, relation: &str, row: &[Value]) -> Result<()> {
        let line = Line { relation, row: row.iter().map(in_json).collect() };
        writeln!(self.out, "{}", serde_json::to_string(&line)?)
    }

    /// How many rows a relation has. Of that JSON says nothing: there a line is a row.
    pub(super) fn size(&mut self, name: &str, rows: usize) -> Result<()> {
        if self.json { Ok(()) } else { writeln!(self.out, "{name}\t{rows}") }
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
            Some(text) => writeln!(self.out, "{text}"),
            None if holds => writeln!(self.out, "{fact} holds: see --why"),
            None => writeln!(self.out, "{fact} does not hold: see --why-not"),
        }
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.out.flush()
    }
}

/// As it stands in a facts file.
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
