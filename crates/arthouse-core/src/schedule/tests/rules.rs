//! What RFC 5545 forbids in a rule, and what it means where others deviate.

use super::*;

#[track_caller]
fn check_rule(start: &str, rule: &str, expected: &[&str]) {
    let schedule = schedule(&format!("DTSTART:{start}T100000Z\nRRULE:{rule}"));
    let dates = schedule.occurrences(None).take(expected.len());
    let dates: Vec<_> = dates
        .map(|at| at.to_utc().format("%Y%m%d").to_string())
        .collect();
    assert_eq!(dates, expected, "{rule}");
}

/// Rules that section 3.3.10 forbids, or that recur more often than daily, each with the reason.
const FORBIDDEN: &[(&str, &str)] = &[
    ("COUNT=3", "FREQ is missing"),
    ("FREQ=DAILY;FREQ=DAILY", "FREQ is given twice"),
    ("FREQ=HOURLY", "FREQ: lessons recur daily at most"),
    ("FREQ=", "FREQ is not DAILY, WEEKLY, MONTHLY or YEARLY"),
    ("FREQ=DAILY;BYEASTER=1", "BYEASTER is not a part of a rule"),
    ("FREQ=DAILY;RSCALE=HEBREW", "RSCALE is not a part of a rule"),
    ("FREQ=DAILY;\u{1f3a8}=1", "a part of the rule is unknown"),
    ("FREQ=DAILY;COUNT", "a part is not NAME=VALUE"),
    ("FREQ=DAILY;COUNT=0", "COUNT is not a number from 1"),
    ("FREQ=DAILY;COUNT=+1", "COUNT is not a number from 1"),
    ("FREQ=DAILY;INTERVAL=-1", "INTERVAL is not a number from 1"),
    ("FREQ=DAILY;INTERVAL=", "INTERVAL is not a number from 1"),
    (
        "FREQ=DAILY;COUNT=1;UNTIL=20270101T000000Z",
        "COUNT and UNTIL exclude each other",
    ),
    (
        "FREQ=WEEKLY;BYDAY=1MO",
        "BYDAY with a number needs FREQ=MONTHLY or FREQ=YEARLY",
    ),
    (
        "FREQ=DAILY;BYDAY=-1FR",
        "BYDAY with a number needs FREQ=MONTHLY or FREQ=YEARLY",
    ),
    (
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO",
        "BYDAY with a number excludes BYWEEKNO",
    ),
    (
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "BYMONTHDAY excludes FREQ=WEEKLY",
    ),
    ("FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY needs FREQ=YEARLY"),
    ("FREQ=WEEKLY;BYYEARDAY=1", "BYYEARDAY needs FREQ=YEARLY"),
    ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY needs FREQ=YEARLY"),
    ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO needs FREQ=YEARLY"),
    ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS needs another BY part"),
    (
        "FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=0",
        "BYSETPOS is not of 1 to 366 or -366 to -1",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "BYMONTHDAY is not of 1 to 31 or -31 to -1",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=1,,2",
        "BYMONTHDAY is not of 1 to 31 or -31 to -1",
    ),
    (
        "FREQ=YEARLY;BYYEARDAY=367",
        "BYYEARDAY is not of 1 to 366 or -366 to -1",
    ),
    (
        "FREQ=YEARLY;BYWEEKNO=-54",
        "BYWEEKNO is not of 1 to 53 or -53 to -1",
    ),
    ("FREQ=YEARLY;BYMONTH=13", "BYMONTH is not of 1 to 12"),
    ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH is not of 1 to 12"),
    ("FREQ=DAILY;BYHOUR=24", "BYHOUR is not of 0 to 23"),
    ("FREQ=DAILY;BYMINUTE=60", "BYMINUTE is not of 0 to 59"),
    ("FREQ=DAILY;BYSECOND=61", "BYSECOND is not of 0 to 60"),
    (
        "FREQ=DAILY;WKST=1MO",
        "WKST is not MO, TU, WE, TH, FR, SA or SU",
    ),
];

#[test]
fn what_the_rfc_forbids_is_refused_by_the_name_of_the_part() {
    for (rule, expected) in FORBIDDEN {
        let text = format!("DTSTART:20261001T180000Z\nRRULE:{rule}");
        check_refused(&text, &ScheduleError::InvalidRule((*expected).to_owned()));
    }
    for days in ["1", "54MO", "0MO", "MOO", "M", "", "\u{e9}"] {
        let text = format!("DTSTART:20261001T180000Z\nRRULE:FREQ=MONTHLY;BYDAY={days}");
        let error = text.parse::<Schedule>().expect_err(days).to_string();
        assert!(
            error.contains(": BYDAY is not of MO, TU"),
            "{days}: {error}"
        );
    }
}

/// The domain: lessons recur daily at most.
#[test]
fn a_rule_has_one_time_of_day() {
    for part in ["BYHOUR", "BYMINUTE", "BYSECOND"] {
        let text = format!("DTSTART:20261001T180000Z\nRRULE:FREQ=DAILY;{part}=9,10");
        let expected = format!("{part}: lessons recur daily at most");
        check_refused(&text, &ScheduleError::InvalidRule(expected));
    }
    let at = |rule: &str, expected: &[&str]| {
        check(
            &format!("DTSTART:20261001T180000Z\nRRULE:FREQ=DAILY;{rule}"),
            1,
            expected,
        );
    };
    at("BYHOUR=19,19;BYMINUTE=30", &["2026-10-01T19:30:00Z"]);
    // Not before the start.
    at("BYHOUR=9;BYSECOND=60", &["2026-10-02T09:00:59Z"]);
    check(
        "DTSTART:20261001T180000Z\nRRULE:FREQ=DAILY;BYHOUR=9;COUNT=2",
        2,
        &["2026-10-02T09:00:00Z", "2026-10-03T09:00:00Z"],
    );
}

/// Section 3.3.10: "BYDAY specifies a COMMA-separated list of days of the week", each with a number or without. (dateutil asks for
/// a day that is in both kinds.)
#[test]
fn days_with_and_without_a_number_stand_beside_each_other() {
    check_rule(
        "20261001",
        "FREQ=MONTHLY;BYDAY=SU,1TU",
        &[
            "20261004", "20261006", "20261011", "20261018", "20261025", "20261101", "20261103",
        ],
    );
}

/// Section 3.3.10: "information, not contained in the rule, necessary to determine the various recurrence instance start time and dates
/// are derived from the Start Time". (dateutil takes the whole week.)
#[test]
fn a_week_without_a_day_has_the_weekday_of_the_start() {
    check_rule(
        "20260101",
        "FREQ=YEARLY;BYWEEKNO=20",
        &["20260514", "20270520", "20280518"],
    );
}

/// Section 3.8.5.3 has a third instance of a month in which the rule starts with the third. (dateutil counts in the first week from its start.)
#[test]
fn positions_count_in_the_whole_period() {
    check_rule(
        "20261001",
        "FREQ=WEEKLY;BYDAY=MO,TH,SA;BYSETPOS=1,3",
        &["20261003", "20261005", "20261010"],
    );
    check_rule(
        "19970904",
        "FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3",
        &["19970904", "19971007", "19971106"],
    );
}

/// Section 3.3.10: a week's year is that of four of its days, and BYWEEKNO also counts from its end. 2026 has 53 weeks, 2025 and 2027 have 52.
/// (dateutil does not see that the last days of 2025 are in the 53rd week from the end of 2026, nor that 2039-01-02 is in the 52nd of 2038.)
#[test]
fn the_last_days_of_a_year_can_be_in_the_next_years_first_week() {
    check_rule(
        "20251201",
        "FREQ=YEARLY;BYWEEKNO=-53;BYDAY=WE,TH",
        &["20251231", "20260101", "20311231", "20320101"],
    );
    check_rule(
        "20260101",
        "FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH,FR",
        &["20261231", "20270101", "20321230", "20321231"],
    );
}

#[test]
fn the_first_days_of_a_year_can_be_in_the_last_years_last_week() {
    check_rule(
        "19990915",
        "FREQ=YEARLY;INTERVAL=10;BYWEEKNO=52;BYMONTHDAY=2",
        &["20390102", "22590102"],
    );
}

#[test]
fn a_rule_of_no_day_has_no_date() {
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31;BYMONTH=4",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
        "FREQ=DAILY;BYDAY=MO;BYSETPOS=2",
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
        "FREQ=YEARLY;BYYEARDAY=1;BYMONTHDAY=2",
    ] {
        check_rule("20261001", rule, &[]);
        let text = format!("DTSTART:20261001T180000Z\nRRULE:{rule}");
        assert_eq!(schedule(&text).occurrences(None).next(), None, "{rule}");
    }
}

#[test]
fn the_largest_numbers_are_as_good_as_any() {
    let most = "99999999999999999999";
    check_rule(
        "20261001",
        &format!("FREQ=DAILY;COUNT={most}"),
        &["20261001", "20261002"],
    );
    check_rule(
        "20261001",
        &format!("FREQ=YEARLY;INTERVAL={most}"),
        &["20261001"],
    );
    let once = schedule(&format!(
        "DTSTART:20261001T180000Z\nRRULE:FREQ=WEEKLY;INTERVAL={most}"
    ));
    assert_eq!(once.occurrences(None).count(), 1);
}
