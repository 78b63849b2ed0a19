//! What is allowed and yet doubtful.

use std::collections::BTreeMap;

use super::Draft;
use super::catalog::Catalog;
use super::endless;
use super::names::{Visit, visit_condition, visit_expr};
use super::nearest::meant;
use crate::datalog::diagnostic::{Finding, REPORTED_MAX, Report};
use crate::datalog::functions::Functions;
use crate::datalog::ir::{Span, Stratum};
use crate::datalog::syntax::{Ident, Item};
use crate::datalog::value::Type;

/// What is asked like a predicate and is none.
const CONDITIONS: [&str; 3] = ["contains", "overlaps", "within"];

pub(super) fn check(
    items: &[Item<'_>],
    catalog: &Catalog<'_>,
    functions: &Functions,
    rules: &[Draft],
    strata: &[Stratum],
    report: &mut Report<'_>,
) {
    undefined(catalog, functions, report);
    for item in items {
        if let Item::Clause(clause) = item {
            let mut count = Count::default();
            clause.heads.iter().flat_map(|head| &head.args).for_each(|arg| visit_expr(arg, &mut count));
            if let Some(body) = &clause.body {
                visit_condition(body, &mut count);
            }
            count.report(clause.span, report);
        }
    }
    unprintable(catalog, report);
    for draft in rules {
        shadows(draft, report);
    }
    endless::check(rules, &catalog.predicates, strata, report);
}

/// What is to be printed, and has no list of rows.
fn unprintable(catalog: &Catalog<'_>, report: &mut Report<'_>) {
    for predicate in catalog.predicates.iter().filter(|one| one.is_parametric() && (one.output || one.printsize)) {
        let message = format!("`{}` has `+` columns, so it has no list of rows to be printed", predicate.name);
        let finding = Finding::warning("W-ignored", predicate.span, message);
        report.add(finding.hint("ask for it with the `+` columns given, or print a rule that does"));
    }
}

/// An aggregate's target that is called like something outside it.
fn shadows(draft: &Draft, report: &mut Report<'_>) {
    for var in &draft.shadows {
        let name = draft.rule.vars.get(var.index()).map(|var| &*var.name).unwrap_or_default();
        let site = draft.sites.get(var.index()).copied().unwrap_or(draft.head);
        let message = format!("`{name}` is the aggregate's own variable here, not the `{name}` outside it");
        let finding = Finding::warning("W-aggregate-local", site, message).within(draft.rule.span);
        report.add(finding.hint("give it a name of its own, so that this is plain"));
    }
}

fn undefined(catalog: &Catalog<'_>, functions: &Functions, report: &mut Report<'_>) {
    let origins = catalog.predicates.iter().zip(&catalog.origins);
    let undefined = origins.filter(|(predicate, origin)| !origin.declared && !origin.defined && !predicate.input);
    // A hint takes some work, and no more warnings than these are told.
    for (predicate, _) in undefined.take(REPORTED_MAX) {
        let message = format!("`{}` is declared nowhere and has neither facts nor rules: it is empty", predicate.name);
        let hosts = functions.iter().filter(|host| host.gives == Type::Bool).map(|host| &*host.name);
        let hint = match meant(&predicate.name, CONDITIONS.into_iter().chain(hosts).chain(catalog.known_names())) {
            Some(meant) => format!("{meant} If not, declare it with `.decl`"),
            None => "declare it with `.decl` if its facts come from outside".to_owned(),
        };
        report.add(Finding::warning("W-undefined", predicate.span, message).hint(hint));
    }
}

/// How often each variable of a clause occurs.
#[derive(Default)]
struct Count<'s> {
    seen: BTreeMap<&'s str, (u32, Span)>,
}

impl<'s> Visit<'s> for Count<'s> {
    fn variable(&mut self, name: Ident<'s>) {
        let entry = self.seen.entry(name.text).or_insert((0, name.span));
        entry.0 += 1;
    }
}

impl Count<'_> {
    fn report(self, clause: Span, report: &mut Report<'_>) {
        for (name, (count, span)) in self.seen {
            if count == 1 && !name.starts_with('_') && !report.warned(span, "W-negation-local") {
                let message = format!("`{name}` occurs only once");
                let finding = Finding::warning("W-singleton", span, message).within(clause);
                report.add(finding.hint(format!("write `_` or `_{name}` if that is meant")));
            }
        }
    }
}
