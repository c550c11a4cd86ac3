mod cost;
mod expansion;
mod exports;
mod rules;

use proptest::prelude::*;

use super::*;

fn schedule(text: &str) -> Schedule {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[track_caller]
fn check(text: &str, sessions: i64, expected: &[&str]) {
    let sessions = Duration::try_from(sessions).expect("a duration");
    let dates = schedule(text).first(sessions).expect("enough dates");
    let dates: Vec<_> = dates.iter().map(|date| date.at.to_string()).collect();
    assert_eq!(dates, expected);
}

#[track_caller]
fn check_refused(text: &str, expected: &ScheduleError) {
    assert_eq!(&text.parse::<Schedule>().expect_err(text), expected);
}

#[test]
fn a_weekly_lesson_keeps_its_wall_time_when_the_clocks_change() {
    check(
        "DTSTART;TZID=Europe/London:20261015T180000\nRRULE:FREQ=WEEKLY;BYDAY=TH",
        4,
        &[
            "2026-10-15T17:00:00Z",
            "2026-10-22T17:00:00Z",
            "2026-10-29T18:00:00Z",
            "2026-11-05T18:00:00Z",
        ],
    );
}

#[test]
fn a_wall_time_that_daylight_saving_skips_is_left_out_and_not_counted() {
    check(
        "DTSTART;TZID=America/New_York:20270312T023000\nRRULE:FREQ=DAILY;COUNT=3",
        3,
        &[
            "2027-03-12T07:30:00Z",
            "2027-03-13T07:30:00Z",
            "2027-03-15T06:30:00Z",
        ],
    );
}

#[test]
fn an_ambiguous_wall_time_is_its_first_instant() {
    check(
        "DTSTART;TZID=Europe/London:20261025T013000\nRRULE:FREQ=DAILY",
        2,
        &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
    );
}

#[test]
fn dates_are_added_and_taken_out() {
    check(
        "DTSTART;TZID=Europe/London:20261001T180000\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\n\
         EXDATE;TZID=Europe/London:20261008T180000\r\nRDATE;TZID=Europe/London:20261003T100000,20261015T180000",
        3,
        &[
            "2026-10-01T17:00:00Z",
            "2026-10-03T09:00:00Z",
            "2026-10-15T17:00:00Z",
        ],
    );
}

#[test]
fn dates_may_be_given_in_utc_or_in_another_zone() {
    check(
        "DTSTART;TZID=Europe/London:20261001T180000\nRRULE:FREQ=WEEKLY\nEXDATE:20261008T170000Z\n\
         RDATE;TZID=Europe/Berlin:20261002T190000",
        3,
        &[
            "2026-10-01T17:00:00Z",
            "2026-10-02T17:00:00Z",
            "2026-10-15T17:00:00Z",
        ],
    );
}

#[test]
fn until_is_inclusive_on_the_clock_on_the_wall_and_by_the_day() {
    for until in ["20261008T170000Z", "20261008T180000", "20261008"] {
        let text =
            format!("DTSTART;TZID=Europe/London:20261001T180000\nRRULE:FREQ=WEEKLY;UNTIL={until}");
        check(&text, 2, &["2026-10-01T17:00:00Z", "2026-10-08T17:00:00Z"]);
        assert_eq!(
            schedule(&text).first(3.try_into().expect("a duration")),
            None
        );
    }
}

#[test]
fn a_single_start_is_a_timetable_of_one_date() {
    check("DTSTART:20261001T180000Z", 1, &["2026-10-01T18:00:00Z"]);
}

#[test]
fn folded_lines_are_joined() {
    check(
        "DTSTART:20261001T\r\n 180000Z",
        1,
        &["2026-10-01T18:00:00Z"],
    );
}

#[test]
fn only_dates_strictly_after_the_instant_count() {
    let weekly = schedule("DTSTART:20261001T180000Z\nRRULE:FREQ=WEEKLY;COUNT=3");
    let after = |instant: &str, sessions: i64| {
        let instant = instant.parse().expect("an instant");
        weekly
            .first_after(instant, sessions.try_into().expect("a duration"))
            .map(|dates| dates[0].at.to_string())
    };
    assert_eq!(
        after("2026-10-01T17:59:59Z", 3).as_deref(),
        Some("2026-10-01T18:00:00Z")
    );
    assert_eq!(
        after("2026-10-01T18:00:00Z", 2).as_deref(),
        Some("2026-10-08T18:00:00Z")
    );
    assert_eq!(after("2026-10-01T18:00:00Z", 3), None);
}

#[test]
fn a_time_in_utc_is_an_instant_also_in_the_repeated_hour() {
    let start = "DTSTART;TZID=Europe/London:20321001T013000";
    check(
        &format!("{start}\nRDATE:20321031T013000Z"),
        2,
        &["2032-10-01T00:30:00Z", "2032-10-31T01:30:00Z"],
    );
    check(
        &format!("{start}\nRDATE:20321031T003000Z,20321031T013000Z"),
        3,
        &[
            "2032-10-01T00:30:00Z",
            "2032-10-31T00:30:00Z",
            "2032-10-31T01:30:00Z",
        ],
    );
    // The rule has the first 01:30, and the second is taken out.
    check(
        &format!("{start}\nRRULE:FREQ=DAILY;INTERVAL=30\nEXDATE:20321031T013000Z"),
        2,
        &["2032-10-01T00:30:00Z", "2032-10-31T00:30:00Z"],
    );
    check(
        &format!("{start}\nRRULE:FREQ=DAILY;INTERVAL=30\nEXDATE:20321031T003000Z"),
        2,
        &["2032-10-01T00:30:00Z", "2032-11-30T01:30:00Z"],
    );
    check(
        "DTSTART;TZID=Europe/London:20321031T013000Z",
        1,
        &["2032-10-31T01:30:00Z"],
    );
}

#[test]
fn a_rule_that_began_long_ago_goes_on() {
    let daily = schedule("DTSTART;TZID=Europe/Berlin:19700101T104500\nRRULE:FREQ=DAILY");
    let after = "2026-11-27T12:00:00Z".parse().expect("an instant");
    let dates = daily.first_after(after, 500.try_into().expect("a duration"));
    let dates = dates.expect("endless");
    assert_eq!(dates[0].at.to_string(), "2026-11-28T09:45:00Z");
    assert_eq!(dates[499].at.to_string(), "2028-04-10T08:45:00Z");
}

/// 20 Marches of Berlin have had 02:30 skipped since 1980, and the rule is paid for 17,105 lessons.
#[test]
fn a_count_is_of_the_dates_that_clocks_show_from_the_start() {
    let until =
        schedule("DTSTART;TZID=Europe/Berlin:19800101T023000\nRRULE:FREQ=DAILY;UNTIL=20261201");
    let all = until.occurrences(None).count();
    let last: Timestamp = "2026-12-01T01:30:00Z".parse().expect("an instant");
    for (count, left) in [(all, 1), (all - 1, 0), (all + 1, 2)] {
        let text =
            format!("DTSTART;TZID=Europe/Berlin:19800101T023000\nRRULE:FREQ=DAILY;COUNT={count}");
        let before = Some(last.minus(chrono::TimeDelta::seconds(1)));
        assert_eq!(schedule(&text).occurrences(before).count(), left, "{count}");
        assert_eq!(schedule(&text).occurrences(None).count(), count);
    }
}

/// Samoa had no 2011-12-30.
#[test]
fn a_day_that_a_zone_leaves_out_is_no_date() {
    let text = "DTSTART;TZID=Pacific/Apia:20111228T180000\nRRULE:FREQ=DAILY;COUNT=3";
    let dates = [
        "2011-12-29T04:00:00Z",
        "2011-12-30T04:00:00Z",
        "2011-12-31T04:00:00Z",
    ];
    check(text, 3, &dates);
    let after = dates[1].parse().expect("an instant");
    assert!(schedule(text).has_at_least(1.try_into().expect("a duration"), after));
    assert!(!schedule(text).has_at_least(2.try_into().expect("a duration"), after));
}

/// Places that changed their rules in 2025 and 2026, and one that did not.
#[test]
fn zones_are_those_of_today() {
    for (zone, expected) in [
        ("America/Vancouver", "2030-12-06T01:00:00Z"),
        ("America/Edmonton", "2030-12-06T00:00:00Z"),
        ("America/Inuvik", "2030-12-06T00:00:00Z"),
        ("Europe/London", "2030-12-05T18:00:00Z"),
    ] {
        let text = format!("DTSTART;TZID={zone}:20301205T180000\nRRULE:FREQ=WEEKLY");
        check(&text, 1, &[expected]);
    }
}

#[test]
fn a_stored_text_that_would_be_refused_today_is_readable_and_has_no_dates() {
    let text = "DTSTART;TZID=Europe/London:20300107T180000\nRRULE:FREQ=WEEKLY;BYDAY=1MO";
    let stored: Schedule = serde_json::from_value(text.into()).expect("a text");
    assert_eq!(stored.as_str(), text);
    assert_eq!(stored.time_zone(), "Europe/London");
    assert_eq!(stored.problem(), text.parse::<Schedule>().err().as_ref());
    assert!(stored.problem().is_some());
    assert_eq!(stored.first(1.try_into().expect("a duration")), None);
    assert_eq!(serde_json::to_value(&stored).expect("a text"), text);
    let kept: Schedule = serde_json::from_value("DTSTART:20300107T180000Z".into()).expect("a text");
    assert_eq!(kept.problem(), None);
}

#[test]
fn a_rule_that_never_yields_ends_all_the_same() {
    let never = schedule("DTSTART:20260101T100000Z\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30");
    assert_eq!(never.first(1.try_into().expect("a duration")), None);
}

#[test]
fn the_wall_shows_the_local_time_with_its_offset() {
    let london = schedule("DTSTART;TZID=Europe/London:20261001T180000");
    let date = london.localise("2026-10-01T17:00:00Z".parse().expect("an instant"));
    assert_eq!(date.local.to_rfc3339(), "2026-10-01T18:00:00+01:00");
    assert_eq!(london.time_zone(), "Europe/London");
}

#[test]
fn what_is_no_timetable_is_refused_with_the_reason() {
    use ScheduleError as E;
    for (text, expected) in [
        ("", E::NotOne("DTSTART")),
        ("every Thursday", E::UnknownLine(1)),
        (
            "DTSTART:20261001T180000Z\nSUMMARY:Painting",
            E::UnknownLine(2),
        ),
        ("DTSTART:20261001T180000", E::Floating("DTSTART")),
        ("DTSTART;TZID=Mars/Olympus:20261001T180000", E::UnknownZone),
        ("DTSTART:2026-10-01T18:00:00Z", E::InvalidTime("DTSTART")),
        ("DTSTART;VALUE=DATE:20261001", E::InvalidTime("DTSTART")),
        ("DTSTART:18991231T180000Z", E::TooEarly),
        ("DTSTART:20261001T180000ZZ", E::InvalidTime("DTSTART")),
        (
            "DTSTART:20261001T180000Z\nDTSTART:20261002T180000Z",
            E::NotOne("DTSTART"),
        ),
        (
            "DTSTART:20261001T180000Z\nRRULE:FREQ=WEEKLY\nRRULE:FREQ=DAILY",
            E::NotOne("RRULE"),
        ),
        (
            "DTSTART:20261001T180000Z\nEXDATE:20261001T180000",
            E::Floating("EXDATE"),
        ),
        (
            "DTSTART:20261001T180000Z\nRRULE:FREQ=WEEKLY;UNTIL=soon",
            E::InvalidTime("UNTIL"),
        ),
    ] {
        check_refused(text, &expected);
    }
    check_refused(&"x".repeat(8_001), &E::TooLong);
}

#[test]
fn a_rule_that_breaks_the_rfc_is_refused() {
    for rule in [
        "FREQ=SOMETIMES",
        "BYDAY=MO",
        "FREQ=HOURLY",
        "FREQ=WEEKLY;INTERVAL=0",
        "FREQ=WEEKLY;COUNT=many",
        "FREQ=WEEKLY;COUNT=1;UNTIL=20270101T000000Z",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "WEEKLY",
    ] {
        let text = format!("DTSTART:20261001T180000Z\nRRULE:{rule}");
        let error = text.parse::<Schedule>().expect_err(rule);
        assert!(
            matches!(error, ScheduleError::InvalidRule(_)),
            "{rule}: {error}"
        );
    }
}

proptest! {
    #[test]
    fn dates_grow_and_show_the_same_wall_time(
        day in 1_u32..=28, month in 1_u32..=12, hour in 0_u32..24, sessions in 1_i64..=60,
        zone in prop::sample::select(vec!["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    ) {
        let text = format!("DTSTART;TZID={zone}:2026{month:02}{day:02}T{hour:02}3000\nRRULE:FREQ=DAILY");
        let dates = schedule(&text).first(sessions.try_into().expect("a duration")).expect("endless");
        prop_assert!(dates.is_sorted_by(|a, b| a.at < b.at));
        for date in dates {
            prop_assert_eq!(date.local.format("%H%M%S").to_string(), format!("{hour:02}3000"));
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "(DTSTART|RRULE|EXDATE|[;:=A-Z0-9\n ]){0,40}") {
        let _ = text.parse::<Schedule>();
    }
}

#[test]
fn a_day_has_its_length_on_the_clock_of_its_zone() {
    for (zone, date, first, next) in [
        (
            "Europe/London",
            "2026-07-01",
            "2026-06-30T23:00:00Z",
            "2026-07-01T23:00:00Z",
        ),
        (
            "Europe/London",
            "2026-10-25",
            "2026-10-24T23:00:00Z",
            "2026-10-26T00:00:00Z",
        ),
        // Midnight does not exist on that day.
        (
            "America/Asuncion",
            "2020-10-04",
            "2020-10-04T04:00:00Z",
            "2020-10-05T03:00:00Z",
        ),
    ] {
        let zone = Zone::named(zone).expect("a zone");
        let (from, until) = zone.day(date.parse().expect("a date"));
        assert_eq!(
            (from.to_string(), until.to_string()),
            (first.to_owned(), next.to_owned())
        );
    }
}
