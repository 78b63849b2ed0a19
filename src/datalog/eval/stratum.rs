//! Plans predicates that are worked out together, from the bottom.

use super::super::base::{Catalog, Local};
use super::super::ir::{PredId, Rule, Stratum};
use super::super::limits::EvalError;
use super::super::plan::{Builder, Seeding, View};
use super::super::store::Relation;
use super::closure::{is_closing, is_equivalence};
use super::fixpoint::{Group, Member};

/// The predicates of a stratum that its rules make equivalences.
pub(super) fn equivalences(catalog: &Catalog<'_>, stratum: &Stratum) -> Vec<PredId> {
    let closed = |pred: &PredId| is_equivalence(catalog.rules_of(&[*pred]));
    stratum.preds.iter().copied().filter(|pred| stratum.recursive && closed(pred)).collect()
}

/// The plans of a stratum, and empty tables with the indexes that they use. `counting`: each way to a row counts.
pub(crate) fn plan_stratum(
    catalog: &mut Catalog<'_>,
    stratum: &Stratum,
    counting: bool,
) -> Result<(Vec<Local>, Group), EvalError> {
    let program = catalog.program;
    let arity = |pred: PredId| program.predicate(pred).map_or(0, |predicate| predicate.columns.len());
    let table = |pred: &PredId| {
        let mut relation = Relation::new(arity(*pred));
        if counting {
            relation.with_counts();
        }
        Local { pred: *pred, relation }
    };
    let mut tables: Vec<Local> = stratum.preds.iter().map(table).collect();
    let place = |pred: PredId| stratum.preds.iter().position(|own| *own == pred);
    let equivalences = equivalences(catalog, stratum);
    let closed = equivalences.iter().filter_map(|pred| place(*pred)).collect();
    let mut group = Group { counting, closed, ..Group::default() };
    let rules: Vec<&Rule> = catalog.rules_of(&stratum.preds).collect();
    let mut inner = Catalog { locals: &mut tables, ..catalog.again() };
    for rule in rules.into_iter().filter(|rule| !is_closing(rule, &equivalences)) {
        let head = place(rule.head).unwrap_or(0);
        let own = |at: usize| place(rule.body.get(at)?.kind.as_atom()?.pred);
        let seeds: Vec<(usize, usize)> = (0..rule.body.len()).filter_map(|at| own(at).map(|seed| (at, seed))).collect();
        if seeds.is_empty() {
            let plan = Builder::new(&mut inner, rule, &|_| View::New, &|_| None).build(Seeding::Nothing, counting)?;
            group.once.push(Member { plan, seed: None, head });
        }
        for (at, seed) in seeds {
            let views = |other: usize| match own(other) {
                None => View::New,
                Some(_) if other < at => View::BeforeThis,
                Some(_) => View::BeforeLast,
            };
            let plan = Builder::new(&mut inner, rule, &views, &|_| None).build(Seeding::Literal(at), counting)?;
            group.rounds.push(Member { plan, seed: Some(seed), head });
        }
    }
    Ok((tables, group))
}
