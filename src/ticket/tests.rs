use proptest::prelude::*;

use super::*;

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::new("EUR").unwrap())
}

#[test]
fn amounts_are_written_with_the_places_of_their_currency_and_read_back() {
    for (text, minor) in [
        ("12.50 EUR", 1_250),
        ("0.05 EUR", 5),
        ("-0.05 EUR", -5),
        ("-12.00 USD", -1_200),
        ("500 JPY", 500),
        ("0 KRW", 0),
        ("1.250 KWD", 1_250),
        ("1.2500 CLF", 12_500),
        ("92233720368547758.07 EUR", i64::MAX),
        ("-92233720368547758.08 EUR", i64::MIN),
    ] {
        let money: Money = text.parse().unwrap();
        assert_eq!((money.minor(), money.to_string().as_str()), (minor, text));
    }
}

#[test]
fn what_is_no_amount_is_refused_by_name() {
    let shape = |text: &str| Err(MoneyError::Shape { text: text.to_owned() });
    for text in [
        "",
        "12.50",
        "12.5 EUR",
        "12 EUR",
        "12.500 EUR",
        "1.0 JPY",
        ".50 EUR",
        "+1.00 EUR",
        "--1.00 EUR",
        "1e2.00 EUR",
        "1,00 EUR",
    ] {
        assert_eq!(text.parse::<Money>(), shape(text), "{text}");
    }
    let unknown = |code: &str| Err(MoneyError::Currency { code: code.to_owned() });
    for code in ["eur", "EU", "EURO", "XXX", "XAU", "", " EUR", "EUR USD"] {
        assert_eq!(format!("1.00 {code}").parse::<Money>(), unknown(code), "{code}");
        assert_eq!(Currency::new(code), code.parse(), "{code}");
    }
    assert_eq!("92233720368547758.08 EUR".parse::<Money>(), Err(MoneyError::Overflow));
}

#[test]
fn an_amount_is_recorded_as_it_says_and_nothing_else_is_read() {
    let json = r#"{"minor":1250,"currency":"EUR"}"#;
    assert_eq!(serde_json::to_string(&eur(1_250)).unwrap(), json);
    assert_eq!(serde_json::from_str::<Money>(json).unwrap(), eur(1_250));
    for wrong in [
        r#"{"minor":12.5,"currency":"EUR"}"#,
        r#"{"minor":1,"currency":"XXX"}"#,
        r#"{"minor":1,"currency":"EUR","x":1}"#,
    ] {
        assert!(serde_json::from_str::<Money>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn sums_keep_to_one_currency_and_never_wrap() {
    let dollar: Money = "1.00 USD".parse().unwrap();
    let two = MoneyError::Currencies { left: eur(1).currency(), right: dollar.currency() };
    assert_eq!(eur(1).plus(dollar), Err(two.clone()));
    assert_eq!(eur(1).minus(dollar), Err(two));
    assert_eq!(eur(i64::MAX).plus(eur(1)), Err(MoneyError::Overflow));
    assert_eq!(eur(0).minus(eur(i64::MIN)), Err(MoneyError::Overflow));
    assert_eq!(eur(i64::MAX).times(2), Err(MoneyError::Overflow));
    assert_eq!(Money::sum(&[]), Ok(None));
    assert_eq!(Money::sum(&[eur(1), eur(2), eur(-4)]), Ok(Some(eur(-1))));
}

#[test]
fn the_largest_remainders_get_the_units_that_are_left() {
    for (whole, weights, parts) in [
        (100, &[1, 1, 1][..], &[34, 33, 33][..]),
        (-100, &[1, 1, 1], &[-34, -33, -33]),
        (5, &[3, 7], &[2, 3]),
        (5, &[7, 3], &[4, 1]),
        (1, &[0, 0, 9], &[0, 0, 1]),
        (0, &[1, 2], &[0, 0]),
        (i64::MIN, &[u64::MAX, u64::MAX], &[i64::MIN / 2, i64::MIN / 2]),
    ] {
        let dealt: Vec<i64> = eur(whole).allocate(weights).unwrap().iter().map(Money::minor).collect();
        assert_eq!(dealt, parts, "{whole} by {weights:?}");
    }
    assert_eq!(eur(1).allocate(&[]), Err(MoneyError::NoWeights));
    assert_eq!(eur(1).allocate(&[0, 0]), Err(MoneyError::NoWeights));
}

proptest! {
    #[test]
    fn parts_add_up_to_the_whole_and_are_within_one_unit_of_their_share(
        whole: i64,
        weights in prop::collection::vec(0..=u64::MAX >> 8, 1..12),
    ) {
        let all: u128 = weights.iter().copied().map(u128::from).sum();
        prop_assume!(all > 0);
        let parts = eur(whole).allocate(&weights).unwrap();
        prop_assert_eq!(Money::sum(&parts).unwrap(), Some(eur(whole)));
        for (part, weight) in parts.iter().zip(&weights) {
            let exact = u128::from(whole.unsigned_abs()) * u128::from(*weight);
            let part_times_all = u128::from(part.minor().unsigned_abs()) * all;
            prop_assert!(part_times_all.abs_diff(exact) < all);
            prop_assert!(part.minor() == 0 || (part.minor() < 0) == (whole < 0));
        }
    }

    #[test]
    fn every_amount_is_read_back_as_it_was_written(minor: i64, code in prop::sample::select(vec!["EUR", "JPY", "KWD", "CLF"])) {
        let money = Money::new(minor, Currency::new(code).unwrap());
        prop_assert_eq!(money.to_string().parse(), Ok(money));
    }
}
