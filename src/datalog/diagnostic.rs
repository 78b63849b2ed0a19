//! What is wrong, or doubtful, with a text, and where.

use core::fmt;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::ir::{Source, Span};

/// Errors, and as many warnings, that are reported at most.
pub(super) const REPORTED_MAX: usize = 100;

/// Characters of a clause that a diagnostic shows.
const SHOWN_MAX: usize = 160;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The program is refused.
    Error,
    /// The program is taken.
    Warning,
}

/// One thing that is wrong with a text.
///
/// Printed over one to three lines:
///
/// ```
/// use boxoffice_core::datalog::{Functions, Source, compile};
///
/// let source = Source { name: "house.dl".into(), text: "open(x) :- !shut(\"a\"), x < 3.".into() };
/// let found = compile(&[source], &Functions::new()).unwrap_err();
/// assert!(found[0].to_string().starts_with("house.dl:1:6: error E-unbound: `x` has no value"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the program is refused.
    pub severity: Severity,
    /// Stays the same from release to release, such as `E-unbound`.
    pub code: &'static str,
    /// The place.
    pub span: Span,
    /// The name of the source that the place is in.
    pub source: Arc<str>,
    /// The clause that the place is in, on one line, shortened.
    pub rule: Option<String>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What would help.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let Self { code, span, source, message, .. } = self;
        write!(f, "{source}:{}:{}: {severity} {code}: {message}", span.line, span.column)?;
        if let Some(rule) = &self.rule {
            write!(f, "\n  in: {rule}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// A diagnostic in the making.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) code: &'static str,
    pub(super) span: Span,
    pub(super) clause: Option<Span>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Finding {
    pub(super) fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, span, clause: None, message: message.into(), hint: None }
    }

    pub(super) fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    pub(super) fn within(mut self, clause: Span) -> Self {
        self.clause = Some(clause);
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Collects what is found; each thing once.
#[derive(Debug)]
pub(super) struct Report<'s> {
    sources: &'s [Source],
    /// Sources with a smaller number belong to someone else: a query is checked beside its program.
    first: u32,
    found: BTreeSet<(Span, &'static str)>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl<'s> Report<'s> {
    pub(super) fn new(sources: &'s [Source], first: u32) -> Self {
        Self { sources, first, found: BTreeSet::new(), errors: Vec::new(), warnings: Vec::new() }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        let list = match finding.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if list.len() >= REPORTED_MAX || !self.found.insert((finding.span, finding.code)) {
            return;
        }
        let Finding { severity, code, span, clause, message, hint } = finding;
        let source = span.source.checked_sub(self.first).and_then(|at| self.sources.get(at as usize));
        list.push(Diagnostic {
            severity,
            code,
            span,
            source: source.map_or_else(|| Arc::from(""), |source| Arc::clone(&source.name)),
            rule: source.zip(clause).and_then(|(source, clause)| shown(source, clause)),
            message,
            hint,
        });
    }

    /// Whether this was already found there.
    pub(super) fn warned(&self, span: Span, code: &'static str) -> bool {
        self.found.contains(&(span, code))
    }

    /// Whether further errors would not be reported.
    pub(super) fn is_full(&self) -> bool {
        self.errors.len() >= REPORTED_MAX
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The warnings if there is no error, else the errors; sorted by place.
    pub(super) fn finish(self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let sorted = |mut list: Vec<Diagnostic>| {
            list.sort_by_key(|one| (one.span, one.code));
            list
        };
        if self.errors.is_empty() { Ok(sorted(self.warnings)) } else { Err(sorted(self.errors)) }
    }
}

/// The text of a clause on one line.
fn shown(source: &Source, clause: Span) -> Option<String> {
    let text = source.text.get(clause.start as usize..clause.end as usize)?;
    let mut line = String::new();
    // The characters beyond what is shown are not looked at: a hostile clause may be long.
    let head: String = text.chars().take(4 * SHOWN_MAX).collect();
    for word in head.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.chars().count() > SHOWN_MAX || head.len() < text.len() {
        line = line.chars().take(SHOWN_MAX).collect();
        line.push_str(" ...");
    }
    Some(line)
}
