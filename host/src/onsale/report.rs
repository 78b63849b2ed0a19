//! What came of the sale, for people and for programs.

use serde_json::{Map, Value, json};

use super::crash::Compared;
use super::sale::Sold;
use crate::audit::Audit;
use crate::output::visible;

#[derive(Debug)]
pub(super) struct Report {
    pub(super) occurrences: usize,
    pub(super) sold: Sold,
    pub(super) found: Audit,
    /// Acknowledged, and not in the store.
    pub(super) lost: Vec<String>,
    pub(super) crash: Option<Compared>,
}

/// Outcomes that refuse, in the order in which they are shown.
const REFUSALS: [&str; 6] = ["full", "already", "not_held", "not_booked", "already_confirmed", "not_on_sale"];

impl Report {
    /// Whether nothing was oversold, lost or out of rule.
    pub(super) fn is_clean(&self) -> bool {
        let crash = self.crash.as_ref().is_none_or(|crash| crash.lost.is_empty() && crash.breaches.is_empty());
        crash && self.found.oversold == 0 && self.found.breaches.is_empty() && self.lost.is_empty()
    }

    fn count(&self, outcome: &str) -> u64 {
        self.sold.outcomes.get(outcome).copied().unwrap_or_default()
    }

    fn requests(&self) -> u64 {
        self.sold.latencies_us.len() as u64
    }

    /// Requests a second.
    fn rate(&self) -> u64 {
        let micros = self.sold.elapsed.as_micros().max(1);
        u64::try_from(u128::from(self.requests()) * 1_000_000 / micros).unwrap_or(u64::MAX)
    }

    /// The latency that `per_mille` of a thousand requests did not exceed, in microseconds.
    fn quantile(&self, per_mille: usize) -> u32 {
        let latencies = &self.sold.latencies_us;
        let place = (latencies.len() * per_mille).div_ceil(1_000).saturating_sub(1);
        latencies.get(place).copied().unwrap_or_default()
    }

    pub(super) fn json(&self) -> String {
        let refused: Map<String, Value> =
            REFUSALS.iter().map(|name| ((*name).to_owned(), json!(self.count(name)))).collect();
        let mut line = json!({
            "occurrences": self.occurrences,
            "requests": self.requests(),
            "sold": self.found.confirmed,
            "held": self.found.held,
            "capacity": self.found.capacity,
            "refused": refused,
            "busy": self.sold.busy,
            "p50_us": self.quantile(500), "p99_us": self.quantile(990), "p999_us": self.quantile(999),
            "rate_per_s": self.rate(),
            "fsyncs": self.sold.stats.store.syncs,
            "events": self.found.events,
            "oversold": self.found.oversold,
            "lost": self.lost.len(),
            "breaches": self.found.breaches,
        });
        if let (Some(crash), Some(object)) = (&self.crash, line.as_object_mut()) {
            let crash = json!({
                "killed": crash.killed,
                "acknowledged": crash.acknowledged,
                "lost": crash.lost.len(),
                "breaches": crash.breaches,
                "reopened_in_ms": u64::try_from(crash.reopened_in.as_millis()).unwrap_or(u64::MAX),
            });
            object.insert("crash".to_owned(), crash);
        }
        format!("{line}\n")
    }

    pub(super) fn table(&self) -> String {
        let mut lines = Vec::new();
        let mut row = |name: &str, value: String| lines.push(format!("{name:<22} {value:>12}\n"));
        if let Some(crash) = &self.crash {
            let killed = if crash.killed { "SIGKILL" } else { "over before" };
            row("selling process", killed.to_owned());
            row("  acknowledged", crash.acknowledged.to_string());
            row("  lost", crash.lost.len().to_string());
            row("  reopened in", format!("{} ms", crash.reopened_in.as_millis()));
        }
        row("occurrences", self.occurrences.to_string());
        row("seats", self.found.capacity.to_string());
        row("requests", self.requests().to_string());
        row("sold", self.found.confirmed.to_string());
        row("held", self.found.held.to_string());
        for name in REFUSALS.iter().filter(|name| self.count(name) > 0) {
            row(&format!("refused: {name}"), self.count(name).to_string());
        }
        row("p50", format!("{} us", self.quantile(500)));
        row("p99", format!("{} us", self.quantile(990)));
        row("p99.9", format!("{} us", self.quantile(999)));
        row("rate", format!("{}/s", self.rate()));
        row("fsyncs", self.sold.stats.store.syncs.to_string());
        row("events audited", self.found.events.to_string());
        row("oversold", self.found.oversold.to_string());
        row("lost", self.lost.len().to_string());
        let crash = self.crash.iter().flat_map(|crash| crash.lost.iter().chain(&crash.breaches));
        let wrong = self.lost.iter().chain(&self.found.breaches).chain(crash).take(20);
        lines.extend(wrong.map(|wrong| visible(&format!("WRONG  {wrong}")) + "\n"));
        lines.concat()
    }
}
