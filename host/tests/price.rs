//! What tickets cost, as whoever writes a list of prices asks it.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic too")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

struct Home(tempfile::TempDir);

impl Home {
    /// A folder with the list that is shipped.
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/prices/theatre.json");
        fs::copy(shipped, home.0.path().join("theatre.json")).unwrap();
        home
    }

    /// The list, changed.
    fn write(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let text = fs::read_to_string(self.0.path().join("theatre.json")).unwrap();
        let mut list: Value = serde_json::from_str(&text).unwrap();
        change(&mut list);
        fs::write(self.0.path().join(name), list.to_string()).unwrap();
    }

    /// Words are divided by bars.
    fn run(&self, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boxoffice"));
        command.arg("price").args(line.split('|')).current_dir(&self.0).output().unwrap()
    }

    #[track_caller]
    fn well(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The exit code and what was complained of.
    fn badly(&self, line: &str) -> (Option<i32>, String) {
        let output = self.run(line);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
fn a_quote_is_a_table_and_says_who_gave_what() {
    let home = Home::new();
    let bought = "theatre.json|--buy|adult=2|--buy|child=2|--at|2026-12-01T19:00:00Z";
    let table = "       count       list      price\n\
                 adult      2  48.00 EUR  36.00 EUR\n\
                 child      2  24.00 EUR  18.00 EUR\n\
                 total         72.00 EUR  54.00 EUR\n";
    assert_eq!(home.well(&format!("{bought}|--buyer|member")), table);
    let explained = home.well(&format!("{bought}|--buyer|member|--code|SPRING|--explain"));
    let why = "\n\
               family: 12.00 EUR off\n  8.00 EUR of 2 adult\n  4.00 EUR of 2 child\n\
               members: 6.00 EUR off\n  4.00 EUR of 2 adult\n  2.00 EUR of 2 child\n\
               spring: nothing, members counts instead\n";
    assert_eq!(explained, format!("{table}{why}"));
    let explained = home.well("theatre.json|--buy|child=1|--at|2026-12-01T19:00:00Z|--code|COURIER|--explain");
    let why = "\n\
               family: nothing, there is nothing to take from\n\
               members: nothing, the buyer is no member\n\
               spring: nothing, less than 20.00 EUR is bought\n";
    assert!(explained.ends_with(why), "{explained}");
    let with_voucher = home.well(&format!("{bought}|--code|COURIER"));
    assert!(with_voucher.ends_with("72.00 EUR  55.00 EUR\none use of voucher COURIER\n"), "{with_voucher}");
    let line: Value = serde_json::from_str(&home.well(&format!("{bought}|--code|COURIER|--json"))).unwrap();
    assert_eq!(line["quote"]["vouchers"], json!(["COURIER"]));
    assert_eq!(line["quote"]["quote"]["total"], json!({ "minor": 5_500, "currency": "EUR" }));
}

#[test]
fn sets_of_promotions_are_found_by_the_total_and_an_early_end_is_said() {
    let home = Home::new();
    let bought = "theatre.json|--buy|adult=2|--buy|child=2|--at|2026-12-01T19:00:00Z|--which-promotions";
    assert_eq!(home.well(&format!("{bought}|55.00 EUR")), "family + spring\n");
    assert_eq!(home.well(&format!("{bought}|72.00 EUR")), "no promotion\n");
    let line: Value = serde_json::from_str(&home.well(&format!("{bought}|55.00 EUR|--json"))).unwrap();
    assert_eq!(line, json!({ "sets": [["family", "spring"]], "complete": true, "quotes": 7 }));
    for (total, budget, expected) in [
        ("55.00 EUR", 3, "boxoffice: the budget ended after 3 sets: there may be more, see --budget\n"),
        ("1.00 EUR", 99, "boxoffice: no set of promotions gives this total\n"),
    ] {
        let (code, complaint) = home.badly(&format!("{bought}|{total}|--budget|{budget}"));
        assert_eq!((code, complaint.as_str()), (Some(0), expected));
    }
}

#[test]
fn what_is_not_sold_is_said_in_one_line() {
    let home = Home::new();
    for (line, expected) in [
        ("--buy|hat=1", "there is no ticket hat"),
        ("--buy|adult=7", "one buyer may have 6 of adult"),
        ("--buy|adult=4|--buy|adult=3", "one buyer may have 6 of adult"),
        ("--buy|adult=0", "nothing is bought of a kind"),
        ("--buy|friends of the house=1", "friends of the house needs its code"),
        ("--buy|adult=1|--code|\u{1b}[2J", r"nothing goes by the code \u{1b}[2J"),
        ("--buy|adult=1|--code|COURIER", "the voucher COURIER is not taken before 2026-03-01T00:00:00Z"),
    ] {
        let (code, complaint) = home.badly(&format!("theatre.json|{line}|--at|2026-02-01T00:00:00Z"));
        assert_eq!((code, complaint), (Some(1), format!("boxoffice: not sold: {expected}\n")));
    }
    let (code, complaint) = home.badly("theatre.json|--buy|early bird=1|--at|2026-10-31T23:00:00Z");
    assert_eq!(code, Some(1));
    assert!(complaint.contains("early bird was on sale until 2026-10-31T23:00:00Z"), "{complaint}");
    let output = home.run("theatre.json|--buy|hat=1|--json");
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line, json!({ "refused": { "unknown_ticket": { "ticket": "hat" } } }));
}

#[test]
fn a_file_that_makes_no_sense_is_refused_by_its_place() {
    let home = Home::new();
    home.write("twice.json", |list| list["tickets"][1]["ticket"] = json!("adult"));
    home.write("negative.json", |list| list["tickets"][0]["price"] = json!("-1.00 EUR"));
    home.write("price.json", |list| list["tickets"][0]["price"] = json!("1 EUR"));
    home.write("pool.json", |list| list["vouchers"][1]["pools"] = json!(["none"]));
    home.write("share.json", |list| list["promotions"][1]["effect"]["share"]["per_10_000"] = json!(10_001));
    home.write("bundle.json", |list| list["promotions"][0]["effect"]["bundle"]["items"] = json!({}));
    home.write("member.json", |list| list["extra"] = json!(1));
    home.write("steer.json", |list| list["promotions"][0]["name"] = json!("\u{1b}[2J"));
    for (line, expected) in [
        ("twice.json|--buy|adult=1", "twice.json: ticket adult stands there twice"),
        ("negative.json|--buy|adult=1", "negative.json: ticket adult: an amount is below zero"),
        ("price.json|--buy|adult=1", "price.json: \"1 EUR\" is no amount"),
        ("pool.json|--buy|adult=1", "pool.json: voucher COURIER: there is no voucher pool none"),
        ("share.json|--buy|adult=1", "share.json: promotion members: its share is more than all there is, 10000 ten"),
        ("bundle.json|--buy|adult=1", "bundle.json: promotion family: its bundle has no items"),
        ("member.json|--buy|adult=1", "member.json: unknown field `extra`"),
        ("none.json|--buy|adult=1", "cannot read none.json"),
        ("theatre.json", "--buy"),
        ("theatre.json|--buy|adult", "it is written as adult=2"),
        ("--buy|adult=1", "FILE.json"),
        ("--store|s|--list|season|--buy|adult=1", "s"),
        ("theatre.json|--buy|adult=9999999999", "is no number of tickets"),
    ] {
        let (code, complaint) = home.badly(line);
        assert_eq!(code, Some(2), "{line}: {complaint}");
        assert!(complaint.starts_with("boxoffice: ") && complaint.contains(expected), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
    let output = home.run("set|bundle.json|--store|s|--list|season");
    let text = String::from_utf8(output.stdout).unwrap();
    let refused = "refused    promotion family: its bundle has no items\n";
    assert_eq!((output.status.code(), text.as_str()), (Some(1), refused));
    let shown = home.well("steer.json|--buy|adult=1|--explain");
    assert!(shown.contains(r"\u{1b}[2J: nothing") && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn a_list_in_a_store_is_made_what_the_file_says() {
    let home = Home::new();
    let set = home.well("set|theatre.json|--store|s|--list|season");
    assert_eq!(set.lines().count(), 11, "{set}");
    assert!(set.starts_with("started    the list\n") && set.contains("set        voucher SPRING\n"), "{set}");
    assert_eq!(home.well("set|theatre.json|--store|s|--list|season"), "");
    let bought = "--buy|child=2|--at|2026-12-01T19:00:00Z";
    let of_file = home.well(&format!("theatre.json|{bought}"));
    assert_eq!(home.well(&format!("--store|s|--list|season|{bought}")), of_file);
    // Another promotion takes the place of one, and a voucher and a ticket go.
    home.write("next.json", |list| {
        list["promotions"][2] = json!({ "name": "autumn", "rank": 1, "needs": { "code": "autumn voucher" },
            "effect": { "fixed": { "off": "1.00 EUR" } } });
        list["vouchers"] = json!([{ "code": "SPRING", "promotion": "autumn" }]);
        list["tickets"].as_array_mut().unwrap().truncate(2);
    });
    let changed = "removed    voucher COURIER\n\
                   set        promotion autumn\n\
                   set        voucher SPRING\n\
                   removed    ticket early bird\n\
                   removed    ticket friends of the house\n\
                   removed    promotion spring\n";
    assert_eq!(home.well("set|next.json|--store|s|--list|season"), changed);
    let with_voucher = home.well(&format!("--store|s|--list|season|{bought}|--code|SPRING"));
    assert!(with_voucher.ends_with("24.00 EUR  23.00 EUR\none use of voucher SPRING\n"), "{with_voucher}");
    home.write("dollars.json", |list| *list = json!({ "currency": "USD" }));
    let output = home.run("set|dollars.json|--store|s|--list|season");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), text.as_str()), (Some(1), "refused    the list: it is in EUR and stays so\n"));
    // Of what would be refused in part, nothing is changed.
    assert_eq!(home.well("set|next.json|--store|s|--list|season"), "");
    let (code, complaint) = home.badly(&format!("--store|s|--list|other|{bought}"));
    assert_eq!((code, complaint.as_str()), (Some(2), "boxoffice: the store has no list other\n"));
}
