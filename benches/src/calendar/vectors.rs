//! The vectors beside the project that are about cost: windows far away, and rules that never match.

use std::fs;
use std::path::PathBuf;

use jiff::civil::{Date, DateTime};
use serde_json::Value;

use super::cases::Stated;
use super::ours::Series;
use super::tables::number;
use super::timing::best;
use crate::Result;

fn civil(text: &str) -> Result<DateTime> {
    let text = text.trim_end_matches('Z');
    Ok(text.parse().or_else(|_| text.parse::<Date>().map(DateTime::from))?)
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_default()
}

fn texts<'a>(vector: &'a Value, name: &str) -> impl Iterator<Item = &'a str> {
    vector[name].as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn series(vector: &Value) -> Result<Series> {
    let rules = std::iter::once(text(vector, "rrule")).chain(texts(vector, "rrules"));
    let set = Stated {
        rules: rules.filter(|rule| !rule.is_empty()).map(ToOwned::to_owned).collect(),
        dates: texts(vector, "rdate").map(civil).collect::<Result<_>>()?,
        excluded: texts(vector, "exdate").map(civil).collect::<Result<_>>()?,
    };
    let (from, to) = (civil(text(vector, "window_start"))?, civil(text(vector, "window_end"))?);
    Series::stated(civil(text(vector, "dtstart"))?, text(vector, "tzid"), &set, from, to)
}

/// The slowest vector of each file.
pub(crate) fn slowest() -> Result<()> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    println!("\nall vectors of a file, ours: the slowest in microseconds\n");
    println!("| file | vectors | refused | wrong count | slowest us | goal us | which |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | --- |");
    for (name, goal) in [("far", 1_000), ("empty", 10_000)] {
        let Ok(vectors) = fs::read_to_string(folder.join(format!("{name}.json"))) else {
            println!("| {name} | not here: {} | | | | | |", folder.display());
            continue;
        };
        let vectors: Vec<Value> = serde_json::from_str(&vectors)?;
        let (mut refused, mut wrong, mut most) = (0, 0, (0.0, String::new()));
        for vector in &vectors {
            let Ok((ns, starts)) = series(vector).and_then(|series| best(|| series.expand())) else {
                refused += 1;
                continue;
            };
            wrong += u32::from(starts.len() != texts(vector, "expected").count());
            if ns > most.0 {
                most = (ns, format!("{} `{}`", text(vector, "name"), text(vector, "rrule")));
            }
        }
        let count = vectors.len();
        println!("| {name} | {count} | {refused} | {wrong} | {} | {goal} | {} |", number(most.0 / 1_000.0), most.1);
    }
    Ok(())
}
