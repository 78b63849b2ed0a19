//! Programs that every textbook has. Rows are worked out by hand, or by brute force beside the program.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::datalog::{Engine, Functions, Limits, Source, Value, compile};

fn engine(text: &str) -> Engine {
    let source = Source { name: "textbook.dl".into(), text: text.into() };
    let (program, _) = compile(&[source], &Functions::new()).unwrap_or_else(|found| panic!("{found:?}"));
    Engine::new(program, Limits::default()).unwrap()
}

/// All rows of a relation, each as a program writes it.
#[track_caller]
fn rows(text: &str, relation: &str) -> Vec<String> {
    let mut engine = engine(text);
    engine.evaluate().unwrap();
    let pred = engine.program().find(relation).unwrap();
    engine.rows(pred).unwrap().iter().map(|row| written(row)).collect()
}

fn written(row: &[Value]) -> String {
    row.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// `name(1, 2).` for each pair.
fn facts<const N: usize>(name: &str, rows: impl IntoIterator<Item = [i64; N]>) -> String {
    let mut text = String::new();
    for row in rows {
        writeln!(text, "{name}({}).", row.map(|value| value.to_string()).join(", ")).unwrap();
    }
    text
}

/// A graph of twelve nodes with circles, a dead end and a node that none leads to.
fn edges() -> Vec<[i64; 2]> {
    let drawn = (0..11).flat_map(|n| [[n, (n * n + 1) % 12], [n, (n * 5 + 3) % 12]]);
    drawn.filter(|[_, to]| *to != 6).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Which nodes can be reached over one edge and more.
fn reached(edges: &[[i64; 2]]) -> BTreeSet<[i64; 2]> {
    let mut pairs: BTreeSet<[i64; 2]> = edges.iter().copied().collect();
    loop {
        let more = pairs
            .iter()
            .flat_map(|&[x, y]| edges.iter().filter(move |edge| edge[0] == y).map(move |edge| [x, edge[1]]));
        let all: BTreeSet<[i64; 2]> = pairs.iter().copied().chain(more).collect();
        if all.len() == pairs.len() {
            return pairs;
        }
        pairs = all;
    }
}

fn pairs(rows: impl IntoIterator<Item = [i64; 2]>) -> Vec<String> {
    rows.into_iter().map(|[x, y]| format!("{x} {y}")).collect()
}

const CLOSURES: [(&str, &str); 4] = [
    ("right-linear", "path(x, y) :- edge(x, y). path(x, z) :- edge(x, y), path(y, z)."),
    ("left-linear", "path(x, y) :- edge(x, y). path(x, z) :- path(x, y), edge(y, z)."),
    ("non-linear", "path(x, y) :- edge(x, y). path(x, z) :- path(x, y), path(y, z)."),
    (
        "mutual",
        "path(x, y) :- odd(x, y) ; even(x, y). odd(x, y) :- edge(x, y). odd(x, z) :- even(x, y), edge(y, z).
         even(x, z) :- odd(x, y), edge(y, z).",
    ),
];

#[test]
fn a_transitive_closure_is_the_same_however_it_is_written() {
    let edges = edges();
    let expected = pairs(reached(&edges));
    assert!(expected.len() > 50 && expected.len() < 132);
    for (name, rules) in CLOSURES {
        assert_eq!(rows(&(facts("edge", edges.clone()) + rules), "path"), expected, "{name}");
    }
}

#[test]
fn the_complement_of_reachability() {
    let (edges, nodes) = (edges(), 0..12);
    let all = reached(&edges);
    let text = facts("edge", edges) + &facts("node", nodes.clone().map(|n| [n])) + CLOSURES[0].1;
    let rule = "apart(x, y) :- node(x), node(y), !path(x, y).";
    let missing = nodes.clone().flat_map(|x| nodes.clone().map(move |y| [x, y])).filter(|pair| !all.contains(pair));
    assert_eq!(rows(&(text + rule), "apart"), pairs(missing));
}

#[test]
fn ancestors() {
    let text = r#"
        parent("ada", "bob"). parent("bob", "cid"). parent("bob", "dan"). parent("eve", "dan").
        ancestor(x, y) :- parent(x, y).
        ancestor(x, y) :- parent(x, z), ancestor(z, y).
        elder(x) :- ancestor(x, _), !parent(_, x).
        heirs(x, n) :- elder(x), n = count : { ancestor(x, _) }.
    "#;
    let cases = [
        ("ancestor", vec!["ada bob", "ada cid", "ada dan", "bob cid", "bob dan", "eve dan"]),
        ("elder", vec!["ada", "eve"]),
        ("heirs", vec!["ada 3", "eve 1"]),
    ];
    for (relation, expected) in cases {
        let found: Vec<String> = rows(text, relation).iter().map(|row| row.replace('"', "")).collect();
        assert_eq!(found, expected, "{relation}");
    }
}

/// A tree in which node n has the children 3n-1, 3n and 3n+1, as far as 25.
fn parents() -> Vec<[i64; 2]> {
    (2..=25).map(|child| [child, (child + 1) / 3]).collect()
}

const GENERATIONS: [(&str, &str); 2] = [
    ("linear", "same(x, y) :- parent(x, p), parent(y, p). same(x, y) :- parent(x, p), same(p, q), parent(y, q)."),
    (
        "non-linear",
        "same(x, x) :- parent(x, _). same(x, y) :- parent(x, p), parent(y, p).
         same(x, y) :- parent(x, p), same(p, q), same(q, r), parent(y, r).",
    ),
];

fn depth(node: i64) -> u32 {
    if node == 1 { 0 } else { depth((node + 1) / 3) + 1 }
}

#[test]
fn who_is_of_one_generation() {
    let people = (2..=25).flat_map(|x| (2..=25).map(move |y| [x, y]));
    let expected = pairs(people.filter(|[x, y]| depth(*x) == depth(*y)));
    for (name, rules) in GENERATIONS {
        assert_eq!(rows(&(facts("parent", parents()) + rules), "same"), expected, "{name}");
    }
}

/// Whoever takes the last of a heap wins; one or two may be taken. Worked out as far as two moves ahead.
#[test]
fn a_game_is_won_by_who_can_move_to_a_lost_place() {
    let moves = (1..=7).flat_map(|n| [[n, n - 1], [n, n - 2]]).filter(|[_, to]| *to >= 0);
    let text = facts("place", (0..=7).map(|n| [n])) + &facts("move", moves);
    let rules = "
        stuck(x) :- place(x), !move(x, _).
        win1(x) :- move(x, y), stuck(y).
        open1(x) :- move(x, y), !win1(y).
        lose1(x) :- move(x, _), !open1(x).
        win2(x) :- move(x, y), lose1(y).
        open2(x) :- move(x, y), !win1(y), !win2(y).
        lose2(x) :- move(x, _), !open2(x), !lose1(x).
    ";
    let cases = [("stuck", "0"), ("win1", "1 2"), ("lose1", "3"), ("win2", "4 5"), ("lose2", "6")];
    for (relation, expected) in cases {
        assert_eq!(rows(&(text.clone() + rules), relation).join(" "), expected, "{relation}");
    }
}

#[test]
fn what_rests_on_its_own_negation_or_aggregate_is_rejected() {
    let cases = [
        "move(1, 2). win(x) :- move(x, y), !win(y).",
        "a(1). p(x) :- a(x), !q(x). q(x) :- a(x), r(x). r(x) :- p(x).",
        "e(1, 2, 3). d(1, 0). d(y, n) :- e(_, y, _), n = min a + w : { d(x, a), e(x, y, w) }.",
        "a(1). n(k) :- a(_), k = count : { n(_) }.",
    ];
    for text in cases {
        let source = Source { name: "textbook.dl".into(), text: text.into() };
        assert!(compile(&[source], &Functions::new()).is_err(), "{text}");
    }
}

#[test]
fn what_a_pointer_points_to() {
    // a = new 1; b = new 2; c = a; *c = b; d = *a; a = d
    let text = r#"
        new("a", 1). new("b", 2). copy("c", "a"). store("c", "b"). load("d", "a"). copy("a", "d").
        points(v, o) :- new(v, o).
        points(v, o) :- copy(v, w), points(w, o).
        points(v, o) :- load(v, p), points(p, h), holds(h, o).
        holds(h, o) :- store(p, v), points(p, h), points(v, o).
        alias(v, w) :- points(v, o), points(w, o), v < w.
    "#;
    let cases =
        [("points", "a 1, a 2, b 2, c 1, c 2, d 2"), ("holds", "1 2, 2 2"), ("alias", "a b, a c, a d, b c, b d, c d")];
    for (relation, expected) in cases {
        assert_eq!(rows(text, relation).join(", ").replace('"', ""), expected, "{relation}");
    }
}

#[test]
fn shortest_ways_are_the_least_of_all_bounded_walks() {
    let roads: Vec<[i64; 3]> = edges().into_iter().map(|[x, y]| [x, y, 1 + (x * 7 + y * 3) % 5]).collect();
    let mut least = vec![vec![i64::MAX; 12]; 12];
    let index = |n: i64| usize::try_from(n).unwrap();
    for &[x, y, length] in &roads {
        least[index(x)][index(y)] = length;
    }
    for via in 0..12 {
        for x in 0..12 {
            for y in 0..12 {
                least[x][y] = least[x][y].min(least[x][via].saturating_add(least[via][y]));
            }
        }
    }
    let all = (0..12).flat_map(|x| (0..12).map(move |y| (x, y)));
    let near = all.filter(|&(x, y)| least[x][y] <= 30).map(|(x, y)| format!("{x} {y} {}", least[x][y]));
    let rules = "
        walk(x, y, n) :- road(x, y, n).
        walk(x, z, n) :- walk(x, y, a), road(y, z, b), n = a + b, n <= 30.
        way(x, y, n) :- walk(x, y, _), n = min a : { walk(x, y, a) }.
    ";
    assert_eq!(rows(&(facts("road", roads) + rules), "way"), near.collect::<Vec<_>>());
}

#[test]
fn the_price_of_a_bill_of_materials_counts_equal_prices_apart() {
    // A tyre and a hub both come to 15.
    let text = r#"
        part("bike", "wheel", 2). part("bike", "frame", 1).
        part("wheel", "spoke", 32). part("wheel", "rim", 1). part("wheel", "tyre", 1). part("wheel", "hub", 1).
        part("frame", "tube", 3). part("frame", "bell", 0).
        price("spoke", 1). price("rim", 20). price("tyre", 15). price("hub", 15). price("tube", 10). price("bell", 4).
        module(m) :- part(m, x, _), price(x, _).
        costs(m, n) :- module(m), n = sum k * c : { part(m, x, k), price(x, c) }.
        total(t, n) :- part(t, m, _), module(m), n = sum k * c : { part(t, m2, k), costs(m2, c) }.
        inside(x, y) :- part(x, y, _).
        inside(x, z) :- inside(x, y), part(y, z, _).
        kinds(x, n) :- part(x, _, _), n = count : { inside(x, y), price(y, _) }.
        dearest(m, c) :- module(m), c = max p : { part(m, x, _), price(x, p) }.
    "#;
    let cases = [
        ("costs", "frame 30, wheel 82"),
        ("total", "bike 194"),
        ("kinds", "bike 6, frame 2, wheel 4"),
        ("dearest", "frame 10, wheel 20"),
    ];
    for (relation, expected) in cases {
        assert_eq!(rows(text, relation).join(", ").replace('"', ""), expected, "{relation}");
    }
}

#[test]
fn a_circle_of_odd_length_cannot_be_painted_with_two_colours() {
    let rules = "
        edge(x, y) :- line(x, y).
        edge(y, x) :- line(x, y).
        odd(x, y) :- edge(x, y).
        odd(x, z) :- even(x, y), edge(y, z).
        even(x, z) :- odd(x, y), edge(y, z).
        clash() :- odd(x, x).
    ";
    for length in 2..=9 {
        let circle = (0..length).map(|n| [n, (n + 1) % length]);
        let beside = [[100, 101], [101, 102], [102, 103]];
        let found = rows(&(facts("line", circle.chain(beside)) + rules), "clash");
        assert_eq!(found.len(), usize::from(length % 2 == 1), "{length}");
    }
}

/// Asked with one value given, each of these programs is where goal-directed evaluation has been measured; whatever it looks
/// at, the answers are those of the whole relation.
#[test]
fn a_question_with_a_value_given_has_the_answers_of_the_whole_relation() {
    let closures = CLOSURES.map(|(name, rules)| (name, facts("edge", edges()) + rules, "path"));
    let generations = GENERATIONS.map(|(name, rules)| (name, facts("parent", parents()) + rules, "same"));
    for (name, text, relation) in closures.into_iter().chain(generations) {
        let mut whole = engine(&text);
        whole.evaluate().unwrap();
        let all = whole.rows(whole.program().find(relation).unwrap()).unwrap();
        let mut asked = engine(&text);
        for given in 0..=12 {
            for (question, at) in [(format!("{relation}({given}, x)"), 0), (format!("{relation}(x, {given})"), 1)] {
                let query =
                    asked.program().query(&question, &Functions::new()).unwrap_or_else(|found| panic!("{found:?}"));
                let with = all.iter().filter(|row| row[at] == Value::from(given));
                let expected: Vec<Vec<Value>> = with.map(|row| vec![row[1 - at].clone()]).collect();
                assert_eq!(asked.ask(&query).unwrap(), expected, "{name}: {question}");
            }
        }
    }
}
