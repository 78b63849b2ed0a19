//! Laws of expansion: what holds for every rule, start and window.

use proptest::prelude::*;

use super::*;

fn any_rule() -> impl Strategy<Value = String> {
    let part = |name: &'static str, values: &'static [&'static str]| {
        prop::option::weighted(0.4, prop::sample::select(values))
            .prop_map(move |value| value.map_or(String::new(), |value| format!(";{name}={value}")))
    };
    let frequency = prop::sample::select(&["DAILY", "WEEKLY", "MONTHLY", "YEARLY"][..]);
    let end = prop::sample::select(&["", ";COUNT=7", ";COUNT=100", ";UNTIL=20270301T000000"][..]);
    let parts = (
        part("BYMONTH", &["1,6", "2", "3,4,5"]),
        part("BYDAY", &["MO", "MO,WE,FR", "SU"]),
        part("BYMONTHDAY", &["1", "-1", "13,31", "29"]),
        part("INTERVAL", &["1", "2", "3", "5"]),
        part("WKST", &["SU", "WE"]),
        part("BYHOUR", &["9,17", "0"]),
    );
    (frequency, end, parts).prop_map(|(frequency, end, (month, day, monthday, interval, wkst, hour))| {
        let monthday = if frequency == "WEEKLY" { String::new() } else { monthday };
        format!("FREQ={frequency}{end}{month}{day}{monthday}{interval}{wkst}{hour}")
    })
}

fn any_instant() -> impl Strategy<Value = DateTime> {
    (0..2_000_i32, 0..24_i8)
        .prop_map(|(days, hour)| date(2025, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap().at(hour, 0, 0, 0))
}

proptest! {
    #[test]
    fn windows_that_meet_give_together_what_one_window_gives(
        rule in any_rule(), start in any_instant(), mut cuts in prop::array::uniform3(any_instant()),
    ) {
        cuts.sort();
        let event = event(&start.to_string(), Frame::zoned("Europe/London").unwrap(), &rule);
        let between = |from: DateTime, to: DateTime| all(&event, from, to);
        let halves = [between(cuts[0], cuts[1]), between(cuts[1], cuts[2])].concat();
        let whole = between(cuts[0], cuts[2]);
        prop_assert!(whole.is_sorted_by(|a, b| a.start < b.start), "{:?}", rule);
        prop_assert_eq!(halves, whole);
    }

    #[test]
    fn a_count_does_not_depend_on_the_window(rule in any_rule(), start in any_instant(), from in any_instant()) {
        let event = event(&start.to_string(), Frame::Floating, &rule);
        let to = date(2032, 1, 1).at(0, 0, 0, 0);
        let whole = all(&event, start, to);
        let later = all(&event, from, to);
        let expected: Vec<_> = whole.into_iter().filter(|occurrence| occurrence.start >= from).collect();
        prop_assert_eq!(later, expected);
    }

    #[test]
    fn a_rule_reads_back_as_it_was_written(rule in any_rule()) {
        let rule: RecurrenceRule = rule.parse().unwrap();
        prop_assert_eq!(rule.to_string().parse::<RecurrenceRule>().unwrap(), rule);
    }
}
