//! Orders from a list of prices to a reconciliation, as whoever runs a small theatre does it.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic too")]

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

const EVENING: &str = "faust@20270105T190000";
/// Long enough for a machine that is busy to open a session, short enough to be waited for.
const SHORT: &str = "--session|5s|--grace|0";

struct Home(tempfile::TempDir);

impl Home {
    /// A theatre with ten seats, four of which are cheap, and a voucher for one.
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let list = json!({
            "currency": "EUR",
            "tickets": [
                { "ticket": "adult", "price": "24.00 EUR", "per_person": 4 },
                { "ticket": "child", "price": "12.00 EUR", "pools": ["stalls"] },
                { "ticket": "friend", "price": "15.00 EUR", "code": "FRIENDS" }
            ],
            "promotions": [
                { "name": "spring", "rank": 1, "needs": { "code": "spring voucher" }, "effect": { "fixed": { "off": "5.00 EUR" } } }
            ],
            "vouchers": [{ "code": "SPRING", "promotion": "spring", "uses": 1 }]
        });
        fs::write(home.0.path().join("list.json"), list.to_string()).unwrap();
        let set = home.words(&["price", "set", "list.json", "--store", "sled:s", "--list", "season"]);
        assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
        let sold = home.well(&format!("sell|sled:s|{EVENING}|--list|season|--seats|10|--pool|stalls=4"));
        let on_sale =
            "faust@20270105T190000 is on sale: 10 of 10 seats; adult 24.00 EUR, child 12.00 EUR, friend 15.00 EUR\n";
        assert_eq!(sold, on_sale);
        home
    }

    fn words(&self, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_boxoffice")).args(words).current_dir(&self.0).output().unwrap()
    }

    /// Words are divided by bars.
    fn run(&self, line: &str) -> Output {
        self.words(&["order"].into_iter().chain(line.split('|')).collect::<Vec<_>>())
    }

    #[track_caller]
    fn well(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn json(&self, line: &str) -> Value {
        let text = self.well(&format!("{line}|--json"));
        serde_json::from_str(text.lines().next().unwrap()).unwrap()
    }

    /// What was complained of.
    #[track_caller]
    fn badly(&self, line: &str, code: i32) -> String {
        let output = self.run(line);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}: {complaint}");
        // One line that says it, and none to say that something was said.
        assert_eq!(complaint.lines().count(), 1, "{line}: {complaint}");
        complaint
    }

    #[track_caller]
    fn place(&self, id: &str, buyer: &str, seats: &str, more: &str) -> Value {
        self.json(&placing(id, buyer, seats, more))
    }

    #[track_caller]
    fn show(&self, id: &str) -> Value {
        self.json(&format!("show|sled:s|{id}"))
    }

    /// Its state, what was paid, and what was given back, in cents.
    #[track_caller]
    fn stands(&self, id: &str) -> (String, i64, i64) {
        let order = self.show(id);
        let minor = |of: &str| order.pointer(of).and_then(Value::as_i64).unwrap();
        let state = order.get("state").and_then(Value::as_str).unwrap();
        (state.to_owned(), minor("/paid/minor"), minor("/given_back/minor"))
    }

    #[track_caller]
    fn agrees(&self) {
        let books = self.well("reconcile|sled:s");
        assert!(books.ends_with(", money and seats agree\n"), "{books}");
    }
}

fn placing(id: &str, buyer: &str, seats: &str, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!("|{more}") };
    format!("place|sled:s|--list|season|--id|{id}|--buyer|{buyer}|--buy|{EVENING}={seats}{more}")
}

fn stood(state: &str, paid: i64, back: i64) -> (String, i64, i64) {
    (state.to_owned(), paid, back)
}

#[test]
fn seats_are_ordered_paid_given_up_in_part_and_the_books_agree() {
    let home = Home::new();
    let placed = home.well(&placing("o-1", "ann", "adult:2", "--title|Faust"));
    for line in [
        "order       o-1\n",
        "buyer       ann\n",
        "title       Faust\n",
        "state       to be paid\n",
        "pay at      https://sandbox.invalid/o-1.1\n",
        "line        0  2 adult  faust@20270105T190000  for ann: held until ",
        "total       48.00 EUR\n",
    ] {
        assert!(placed.contains(line), "{line}: {placed}");
    }
    // To place it again is to look at it.
    assert_eq!(home.well(&placing("o-1", "ann", "adult:2", "--title|Faust")), placed);
    assert_eq!(home.stands("o-1"), stood("to_be_paid", 0, 0));
    let paid = home.well("pay|sled:s|o-1");
    assert!(paid.starts_with("told        all of it\norder       o-1\n"), "{paid}");
    assert_eq!(home.stands("o-1"), stood("fulfilled", 4_800, 0));
    assert!(home.badly("pay|sled:s|o-1", 1).contains("a session of order o-1 is paid: --twice pays once more"));
    home.agrees();

    let cut = home.well("cancel|sled:s|o-1|--line|0|--seats|1|--keep|2.00 EUR|--reason|ill");
    assert!(
        cut.contains("line        0  1 of 2 adult  faust@20270105T190000  for ann: confirmed  48.00 EUR\n"),
        "{cut}"
    );
    assert!(cut.contains("given back  22.00 EUR\ncosts now   26.00 EUR\nkept        2.00 EUR\n"), "{cut}");
    home.well("refund|sled:s|o-1|6.00 EUR|--reason|no heating");
    assert_eq!(home.stands("o-1"), stood("fulfilled", 4_800, 2_800));
    assert!(home.badly("refund|sled:s|o-1|20.01 EUR|--reason|x", 1).contains("from nothing to 20.00 EUR"));
    assert!(home.badly("cancel|sled:s|o-1|--line|0|--seats|2|--reason|x", 1).contains("not so many seats"));
    home.agrees();

    home.well("cancel|sled:s|o-1|--reason|over");
    assert_eq!(home.show("o-1")["state"], "cancelled");
    home.agrees();
    let shown = home.well("show|sled:s|o-1");
    let story = [
        "placed: 1 lines, 48.00 EUR, to be paid at sandbox",
        "line 0: held until ",
        "session o-1.1 open until ",
        "as long as it can be paid",
        "told: session o-1.1 paid: the session; 48.00 EUR taken by charge.o-1.1: all of it",
        "line 0: confirmed",
        "ended: fulfilled",
        "to be given up: 1 of line 0, 2.00 EUR kept: ill",
        "given up: 1 of line 0",
        "asked for: 22.00 EUR of charge.o-1.1",
        "22.00 EUR given back by refund.o-1.1.1, succeeded: as asked",
        "6.00 EUR to go back: no heating",
        "to be given up: 1 of line 0: over",
        "ended: cancelled",
    ];
    let mut rest = shown.as_str();
    for line in story {
        let at = rest.find(line).unwrap_or_else(|| panic!("{line} is not where it should be: {shown}"));
        rest = &rest[at + line.len()..];
    }
    let events = home.well("show|sled:s|o-1|--json");
    let second: Value = serde_json::from_str(events.lines().nth(1).unwrap()).unwrap();
    assert_eq!(second["event"]["placed"]["order"]["id"], "o-1");
}

#[test]
fn what_is_not_paid_in_time_is_free_and_a_late_payment_has_it_again_or_goes_back() {
    let home = Home::new();
    assert_eq!(home.place("o-1", "ann", "adult:2", SHORT)["state"], "to_be_paid");
    assert_eq!(home.well("list|sled:s|--open").lines().count(), 1);
    assert_eq!(home.well("run|sled:s"), "o-1: not paid in time\nnothing is left to do\n");
    assert_eq!(home.stands("o-1"), stood("unpaid", 0, 0));
    assert_eq!(home.well("list|sled:s|--open"), "");
    home.agrees();
    let late = home.well("pay|sled:s|o-1");
    assert!(late.starts_with("told        late\n"), "{late}");
    assert_eq!(home.stands("o-1"), stood("fulfilled", 4_800, 0));
    assert_eq!(home.show("o-1")["lines"][0]["state"], "confirmed");
    home.agrees();

    // Of the children's four seats somebody else has them all by the time the money comes.
    home.place("o-2", "bob", "child:4", SHORT);
    assert_eq!(home.well("run|sled:s"), "o-2: not paid in time\nnothing is left to do\n");
    home.place("o-3", "cyd", "child:4", "");
    home.well("pay|sled:s|o-2");
    assert_eq!(home.stands("o-2"), stood("too_late", 4_800, 4_800));
    assert_eq!(home.stands("o-3"), stood("to_be_paid", 0, 0));
    home.agrees();
}

#[test]
fn what_is_paid_twice_or_too_much_goes_back_and_what_is_missing_is_waited_for() {
    let home = Home::new();
    home.place("o-1", "ann", "adult:2", "");
    let twice = home.well("pay|sled:s|o-1|--twice");
    assert!(twice.starts_with("told        all of it\ntold        48.00 EUR too much\n"), "{twice}");
    assert_eq!(home.stands("o-1"), stood("fulfilled", 9_600, 4_800));
    home.well("pay|sled:s|o-1|--twice|--amount|50.00 EUR");
    assert_eq!(home.stands("o-1"), stood("fulfilled", 9_600 + 5_000, 4_800 + 5_000));
    home.agrees();
    home.place("o-2", "bob", "adult:1", "");
    let paid = home.well("pay|sled:s|o-2|--amount|30.00 EUR");
    assert!(paid.starts_with("told        6.00 EUR too much\n"), "{paid}");
    assert_eq!(home.stands("o-2"), stood("fulfilled", 3_000, 600));
    home.place("o-3", "cyd", "adult:1", "");
    let paid = home.well("pay|sled:s|o-3|--amount|20.00 USD");
    assert!(paid.starts_with("told        in another currency\n"), "{paid}");
    let money = |back: &str, cost: &str| {
        let other = format!("other       20.00 USD paid, {back} USD given back\n");
        format!("paid        0.00 EUR\ngiven back  0.00 EUR\n{other}costs now   {cost} EUR\n")
    };
    assert!(paid.contains(&money("0.00", "24.00")), "{paid}");
    // It goes back when there is nothing more to wait for.
    let cancelled = home.well("cancel|sled:s|o-3|--reason|not in euros");
    assert!(cancelled.contains(&money("20.00", "0.00")), "{cancelled}");
    let dollars = json!({ "minor": 2_000, "currency": "USD" });
    let expected = json!([{ "currency": "USD", "paid": dollars, "given_back": dollars }]);
    assert_eq!(home.show("o-3")["other_money"], expected);
    assert_eq!(home.show("o-2")["other_money"], json!([]));
    home.agrees();
    assert!(home.badly("pay|sled:s|o-3|--amount|0.00 EUR", 2).contains("nobody pays nothing"));
}

#[test]
fn a_sum_that_cannot_be_told_is_not_shown_as_another() {
    let home = Home::new();
    home.place("o-1", "ann", "adult:1", "");
    let most = "92233720368547758.07";
    home.well(&format!("pay|sled:s|o-1|--twice|--amount|{most} USD"));
    let cancelled = home.well("cancel|sled:s|o-1|--reason|too much");
    let line = "other       more USD than can be told paid, more USD than can be told given back\n";
    assert!(cancelled.contains(line), "{cancelled}");
    let nothing = json!([{ "currency": "USD", "paid": null, "given_back": null }]);
    assert_eq!(home.show("o-1")["other_money"], nothing);
    home.place("o-2", "bob", "adult:1", "");
    let paid = home.well(&format!("pay|sled:s|o-2|--twice|--amount|{most} EUR"));
    assert!(paid.contains("paid        more EUR than can be told\n"), "{paid}");
    assert!(paid.contains("costs now   24.00 EUR\n"), "{paid}");
    assert_eq!(home.show("o-2")["paid"], json!(null));
}

#[test]
fn what_is_on_sale_is_sold_again_with_more_or_fewer_seats_or_says_that_it_stays() {
    let home = Home::new();
    let sell = |seats: u32| format!("sell|sled:s|{EVENING}|--list|season|--seats|{seats}|--pool|stalls=4");
    assert!(home.well(&sell(12)).contains(" is on sale: 12 of 12 seats; "));
    home.place("o-1", "ann", "adult:4", "");
    assert!(home.well(&sell(6)).contains(" is on sale: 2 of 6 seats; "));
    let said = home.badly(&sell(3), 1);
    let expected = format!("boxoffice: {EVENING} has 6 seats and stays as it is: 4 are taken or not for sale\n");
    assert_eq!(said, expected);
    assert!(home.well(&sell(6)).contains(" is on sale: 2 of 6 seats; "));
    home.place("o-2", "bob", "child:2", "");
    let said = home.badly(&sell(7).replace("stalls=4", "stalls=1"), 1);
    assert_eq!(said, "boxoffice: pool stalls: 2 of its seats are taken: it stays as it is\n");
}

#[test]
fn a_payment_of_which_nothing_was_told_is_a_difference_until_the_orders_are_looked_after() {
    let home = Home::new();
    home.place("o-1", "ann", "adult:2", "");
    let lost = home.well("pay|sled:s|o-1|--lost");
    assert!(lost.starts_with("lost        nobody is told\n"), "{lost}");
    assert_eq!(home.stands("o-1"), stood("to_be_paid", 0, 0));
    let output = home.run("reconcile|sled:s");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let (charge, told) = said.strip_prefix("o-1: the gateway has 48.00 EUR by ").unwrap().split_once(", ").unwrap();
    assert_eq!(told, "the order was told 0.00 EUR\n");
    let output = home.run("reconcile|sled:s|--json");
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    let differs = json!({ "order": "o-1", "charge": charge, "currency": "EUR", "ours": 0, "theirs": 4_800 });
    assert_eq!(line, json!({ "gateway_differs": differs }));
    // Of sessions that were opened before, nothing is asked.
    home.well("reconcile|sled:s|--to|2026-01-01T00:00:00Z");
    assert_eq!(home.well("run|sled:s"), "o-1: fulfilled\nnothing is left to do\n");
    assert_eq!(home.stands("o-1"), stood("fulfilled", 4_800, 0));
    home.agrees();
    home.place("o-2", "bob", "adult:1", "");
    assert_eq!(home.well("run|sled:s|--for|0"), "open orders: 1\n");
}

#[test]
fn a_voucher_is_used_so_often_and_given_back_with_the_seats() {
    let home = Home::new();
    let order = home.place("o-1", "ann", "adult:1", "--code|SPRING");
    assert_eq!((&order["total"]["minor"], &order["lines"][1]["voucher"]), (&json!(1_900), &json!(true)));
    let refused = home.badly(&placing("o-2", "bob", "adult:1", "--code|SPRING"), 1);
    assert!(refused.contains("order o-2 ended: refused, seats could not be had; line 1: refused, full"), "{refused}");
    assert_eq!(home.stands("o-2"), stood("refused", 0, 0));
    home.well("pay|sled:s|o-1");
    assert_eq!(home.stands("o-1"), stood("fulfilled", 1_900, 0));
    home.agrees();
    // Uses of vouchers are no seats.
    let verified: Value = serde_json::from_slice(&home.words(&["verify", "--store", "s", "--json"]).stdout).unwrap();
    let of = |name: &str| verified[name].clone();
    let counts = [of("capacity"), of("confirmed"), of("held"), of("voucher_uses"), of("oversold")];
    assert_eq!(counts, [10, 1, 0, 1, 0].map(Value::from), "{verified}");
    let verified = String::from_utf8(home.words(&["verify", "--store", "s"]).stdout).unwrap();
    assert!(verified.contains("\nvouchers            1  (uses)\n"), "{verified}");
    home.well("cancel|sled:s|o-1|--reason|ill");
    assert!(home.well("show|sled:s|o-1").contains("line        1  voucher SPRING: given up\n"));
    assert_eq!(home.place("o-3", "bob", "adult:1", "--code|SPRING")["total"]["minor"], 1_900);
    home.agrees();
}

#[test]
fn what_is_not_sold_is_named_and_leaves_nothing_behind() {
    let home = Home::new();
    home.place("o-1", "ann", "adult:3", "");
    let two = format!("adult:1|--buy|{EVENING}=child:1");
    for (id, buyer, seats, more, what) in [
        ("o-1", "ann", "adult:2", "", "another order has this id"),
        ("o-2", "ann", "adult:2:bob", "", "line 0: one buyer may have 4 of them, those of other orders counted"),
        ("o-2", "ann", "adult:1", "", "the holder of line 0 has seats there by order o-1"),
        ("o-2", "bob", "adult:5", "", "one buyer may have 4 of adult"),
        ("o-2", "bob", "hat:1", "", "there is no ticket hat"),
        ("o-2", "bob", "friend:1", "", "friend needs its code"),
        ("o-2", "bob", "adult:1", "--code|NO", "nothing goes by the code NO"),
        (
            "o-2",
            "bob",
            two.as_str(),
            "",
            "bob stands there twice for faust@20270105T190000: name a holder for each kind",
        ),
        ("o-2", "bob", "adult:1", "--session|31d", "length"),
        ("o-2", "bob", "adult:1", "--session|745h", "30 days to pay and 7 of grace are the most"),
    ] {
        let code = if what == "length" { 2 } else { 1 };
        let complaint = home.badly(&placing(id, buyer, seats, more), code);
        assert!(complaint.contains(what), "{what}: {complaint}");
    }
    assert_eq!(home.well("list|sled:s").lines().count(), 1);
    // Whether there are seats is for the owner of the occurrence to say.
    home.place("o-2", "bob", "child:3", "");
    let refused = home.badly(&placing("o-3", "cyd", "child:2", ""), 1);
    assert!(refused.contains("order o-3 ended: refused, seats could not be had; line 0: refused, full"), "{refused}");
    assert!(home.badly("pay|sled:s|o-3", 1).contains("order o-3 has no session: there is nothing to pay"));
    home.agrees();
}

#[test]
fn what_is_not_there_or_open_elsewhere_is_a_usage_error() {
    let home = Home::new();
    let place = "--buyer|ann|--buy|faust@20270105T190000=adult:1";
    for (line, what) in [
        ("show|sled:s|o-9".to_owned(), "the store has no order o-9"),
        ("pay|sled:s|o-9".to_owned(), "the store has no order o-9"),
        ("cancel|sled:s|o-9|--reason|x".to_owned(), "the store has no order o-9"),
        ("reopen|sled:s|o-9".to_owned(), "the store has no order o-9"),
        (format!("place|sled:s|--list|other|{place}"), "the store has no list other"),
        (format!("place|sled:none|--list|season|{place}"), "no store at"),
        (format!("place|unix:door|--list|season|{place}"), "not over a socket"),
        ("run|unix:door".to_owned(), "not over a socket"),
        ("sell|sled:s|faust@20270105T190000|--list|other|--seats|1".to_owned(), "the store has no list other"),
        ("place|sled:s|--list|season|--buyer|ann|--buy|adult=2".to_owned(), "it is written as"),
        ("cancel|sled:s|o-9|--seats|1|--reason|x".to_owned(), "--line"),
    ] {
        let complaint = home.badly(&line, 2);
        assert!(complaint.contains(what), "{line}: {complaint}");
    }
    assert!(!home.0.path().join("none").exists());
}

#[test]
fn what_would_steer_a_terminal_is_shown_as_an_escape() {
    let home = Home::new();
    let (buyer, title) = ("\u{202e}ann", "\u{1b}[2JFaust\n");
    let placed = home.well(&placing("o-1", buyer, "adult:1", &format!("--title|{title}")));
    home.well("pay|sled:s|o-1");
    let cancelled = home.well("cancel|sled:s|o-1|--reason|\u{1b}]0;x\u{7}");
    let shown = home.well("show|sled:s|o-1");
    for text in [&placed, &cancelled, &shown] {
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{text}");
        assert!(text.contains("buyer       \\u{202e}ann\n"), "{text}");
        assert!(text.contains("title       \\u{1b}[2JFaust\\u{a}\n"), "{text}");
    }
    assert!(shown.contains(r"to be given up: 1 of line 0: \u{1b}]0;x\u{7}"), "{shown}");
    assert_eq!(home.show("o-1")["title"], title);
}

#[test]
fn who_did_not_pay_in_time_may_order_again_at_once() {
    let home = Home::new();
    home.place("o-1", "ann", "adult:2", SHORT);
    let taken = home.badly(&placing("o-2", "ann", "adult:2", ""), 1);
    assert!(taken.contains("has seats there by order o-1"), "{taken}");
    // Nobody looks after this house while the time of another one's order goes by.
    let elsewhere = Home::new();
    elsewhere.place("o-1", "ann", "adult:2", SHORT);
    elsewhere.well("run|sled:s");
    home.place("o-3", "ann", "adult:2", "");
    assert_eq!(home.stands("o-1"), stood("unpaid", 0, 0));
    home.agrees();
}

#[test]
fn uses_of_vouchers_are_not_put_on_sale_as_seats() {
    let home = Home::new();
    let refused = home.badly("sell|sled:s|vouchers:season@19700101|--list|season|--seats|5", 2);
    assert!(refused.contains("stands for uses of the vouchers of season"), "{refused}");
}
