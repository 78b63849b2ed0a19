//! From the tree to a checked program: what names mean, what types columns have, that every variable has a value and that
//! nothing rests on its own absence.

mod catalog;
mod compute;
mod endless;
mod lower;
mod names;
mod nearest;
mod query;
mod safety;
mod settle;
mod shapes;
mod strata;
mod sums;
mod types;
mod unfold;
mod warn;

use super::diagnostic::{Diagnostic, Report};
use super::functions::Functions;
use super::ir::{Program, Rule, Source, Span, TextFact, Var};
use super::syntax;
use catalog::Catalog;

/// A rule whose types are not known yet, and what only the checks need.
#[derive(Debug)]
struct Draft {
    rule: Rule,
    /// The head's own place.
    head: Span,
    /// Where each variable occurs first.
    sites: Vec<Span>,
    /// Negated atoms out of a negated group: a variable of their own would not mean what it seems to.
    closed: Vec<Span>,
    /// Variables of an aggregate's target with the name of another one outside it.
    shadows: Vec<Var>,
}

/// What the clauses come to, before types are known.
#[derive(Debug, Default)]
struct Drafts {
    rules: Vec<Draft>,
    facts: Vec<TextFact>,
}

/// Reads and checks a program.
///
/// Of several sources, each is a ruleset: it may use what the others declare, and add rules to a predicate of another
/// source if that one is declared `extensible`. With the program come warnings.
///
/// ```
/// use boxoffice_core::datalog::{Functions, Source, compile};
///
/// let text = ".decl edge(a: symbol, b: symbol) input  edge(\"a\", \"b\").  path(x, y) :- edge(x, y).";
/// let source = Source { name: "paths.dl".into(), text: text.into() };
/// let (program, warnings) = compile(&[source], &Functions::new()).unwrap();
/// assert_eq!(program.predicates().len(), 2);
/// assert!(warnings.is_empty());
/// ```
///
/// # Errors
/// All that is wrong, sorted by place, 100 at most; what only follows from something else is left out. Nothing is compiled
/// then.
pub fn compile(sources: &[Source], functions: &Functions) -> Result<(Program, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut report = Report::new(sources, 0);
    let program = checked(sources, functions, &mut report);
    let warnings = report.finish()?;
    program.map(|program| (program, warnings)).ok_or_else(Vec::new)
}

fn checked(sources: &[Source], functions: &Functions, report: &mut Report<'_>) -> Option<Program> {
    let mut items = Vec::new();
    let mut incomplete = false;
    for (number, source) in (0..).zip(sources) {
        let parsed = syntax::parse(source, number, report);
        incomplete |= parsed.incomplete;
        items.extend(parsed.items);
    }
    if incomplete {
        return None;
    }
    let mut catalog = Catalog::new(&items, functions, report)?;
    let mut drafts = lower::clauses(&items, &catalog, functions, report);
    drafts.rules.extend(catalog.equivalences());
    let strata = strata::strata(&catalog.predicates, &drafts.rules, report);
    let mut types = types::Types::new(&catalog.predicates, &drafts.rules);
    types.fix(&catalog.predicates, |at| catalog.origins.get(at).is_some_and(|origin| origin.declared), report);
    types.learn(&drafts, report);
    safety::check(&mut drafts.rules, &catalog.predicates, &mut types, report);
    types.settle(&mut catalog.predicates, &mut drafts.rules, report);
    if report.has_errors() {
        return None;
    }
    warn::check(&items, &catalog, functions, &drafts.rules, &strata, report);
    let mut rules: Vec<Rule> = drafts.rules.into_iter().map(|draft| draft.rule).collect();
    rules.sort_by_key(|rule| rule.span);
    Some(Program { predicates: catalog.finish(&rules), rules, facts: drafts.facts, strata, sources: sources.to_vec() })
}
