use core::ops::ControlFlow;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::value::Cell;
use super::{Relation, State};

type Row = [i64; 3];

fn cells(row: Row) -> [Cell; 3] {
    row.map(i64::cast_unsigned)
}

/// A key and a span: now and then empty, reversed or at the end of what there is.
fn row(keys: i64) -> impl Strategy<Value = Row> {
    let edge = prop_oneof![8 => 0..60_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    (0..keys, edge.clone(), edge, 0..4_u8).prop_map(|(key, start, end, how)| match how {
        0 => [key, start, end],
        1 => [key, start, start],
        _ => [key, start, start.saturating_add(end.rem_euclid(9))],
    })
}

fn check(relation: &Relation, model: &BTreeSet<Row>, ids: (super::IndexId, super::SpanIndexId), asked: &[Row]) {
    assert_eq!(relation.len(), model.len());
    let shown = |id: super::RowId| -> Row { core::array::from_fn(|at| relation.row(id)[at].cast_signed()) };
    assert_eq!(relation.rows().map(shown).collect::<BTreeSet<_>>(), *model);
    for [key, start, end] in asked {
        let key_cells = [key.cast_unsigned()];
        let probed = relation.probe(ids.0, &key_cells);
        assert!(probed.is_sorted(), "rows come by their places");
        let of_key: BTreeSet<Row> = model.iter().filter(|row| row[0] == *key).copied().collect();
        assert_eq!(probed.iter().map(|id| shown(*id)).collect::<BTreeSet<_>>(), of_key);
        let found: Vec<Row> = relation.overlapping(ids.1, &key_cells, *start, *end).map(shown).collect();
        let wanted: Vec<Row> = of_key.iter().filter(|row| row[1] < *end && row[2] > *start).copied().collect();
        assert_eq!(found, wanted, "overlapping {start}..{end} of {key}");
    }
    let mut pairs = Vec::new();
    let _flow: ControlFlow<()> = relation.sweep(ids.1, &mut |one, two| {
        let (one, two) = (shown(one), shown(two));
        pairs.push(if one < two { (one, two) } else { (two, one) });
        ControlFlow::Continue(())
    });
    pairs.sort_unstable();
    let rows: Vec<Row> = model.iter().copied().collect();
    let mut wanted = Vec::new();
    for (at, one) in rows.iter().enumerate() {
        for two in &rows[at + 1..] {
            if one[0] == two[0] && one[1] < two[2] && two[1] < one[2] {
                wanted.push((*one, *two));
            }
        }
    }
    assert_eq!(pairs, wanted);
}

fn run(steps: &[(Row, bool)], asked: &[Row]) {
    let (mut relation, mut model) = (Relation::new(3), BTreeSet::new());
    let half = steps.len() / 2;
    let mut ids = None;
    for (at, (row, insert)) in steps.iter().enumerate() {
        if at == half {
            ids = Some((relation.index(&[0]), relation.span_index(&[0], 1, 2)));
        }
        if *insert {
            assert_eq!(relation.insert(&cells(*row)).is_ok(), model.insert(*row));
        } else if model.remove(row) {
            let id = relation.find(&cells(*row)).unwrap();
            relation.remove(id);
        } else {
            assert_eq!(relation.find(&cells(*row)), None);
        }
    }
    if let Some(ids) = ids {
        check(&relation, &model, ids, asked);
    }
}

proptest! {
    #[test]
    fn indexes_find_what_a_look_at_every_row_finds(
        steps in prop::collection::vec((row(4), prop::bool::weighted(0.7)), 1..120),
        asked in prop::collection::vec(row(5), 4),
    ) {
        run(&steps, &asked);
    }

    #[test]
    fn a_key_of_many_rows_is_cut_in_chunks_and_joined_again(
        steps in prop::collection::vec((row(1), prop::bool::weighted(0.8)), 600..1_200),
        asked in prop::collection::vec(row(1), 4),
        keep in 0..40_usize,
    ) {
        run(&steps, &asked);
        let mut all = steps.clone();
        all.extend(steps.iter().skip(keep).map(|(row, _)| (*row, false)));
        run(&all, &asked);
    }
}

#[test]
fn a_row_that_was_put_in_the_place_of_another_has_no_history() {
    let mut relation = Relation::new(1);
    relation.with_counts();
    let first = relation.insert(&[7]).unwrap();
    relation.add_count(first, 3);
    relation.set_state(first, State::Removed);
    assert!(relation.has_pending());
    relation.remove(first);
    let second = relation.insert(&[8]).unwrap();
    assert_eq!((second, relation.count(second), relation.state(second)), (first, 0, State::Stable));
    assert!(!relation.has_pending());
    assert_eq!(relation.append(&[9]).map(|id| id.0), Some(1));
    assert_eq!(relation.append(&[9]), None);
    assert_eq!(relation.insert(&[9]).map_err(|id| id.0), Err(1));
}

#[test]
fn a_proposition_has_one_row() {
    let mut relation = Relation::new(0);
    assert!(relation.insert(&[]).is_ok());
    assert!(relation.insert(&[]).is_err());
    assert_eq!((relation.len(), relation.rows().count()), (1, 1));
    let id = relation.find(&[]).unwrap();
    relation.remove(id);
    assert_eq!(relation.find(&[]), None);
}
