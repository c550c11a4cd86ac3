//! What calendars write when an event is exported: taken as it comes, with CRLF, folded lines, their own zones and parameters.

use super::*;

#[track_caller]
fn check_export(text: &str, zone: &str, sessions: i64, expected: &[&str], unused: &[&str]) {
    assert!(text.contains("\r\n"), "exports end their lines with CRLF");
    check(text, sessions, expected);
    let schedule = schedule(text);
    assert_eq!(schedule.time_zone(), zone);
    assert_eq!(schedule.unused(), unused);
    assert_eq!(schedule.as_str(), text);
}

#[test]
fn an_export_of_google_is_a_timetable_with_its_moved_date() {
    check_export(
        include_str!("exports/google.ics"),
        "Europe/London",
        7,
        &[
            "2026-10-01T17:00:00Z",
            "2026-10-08T17:00:00Z",
            "2026-10-23T16:30:00Z",
            "2026-10-29T18:00:00Z",
            "2026-11-05T18:00:00Z",
            "2026-11-12T18:00:00Z",
            "2026-11-19T18:00:00Z",
        ],
        &[
            "CALSCALE",
            "CREATED",
            "DESCRIPTION",
            "DTEND",
            "DTSTAMP",
            "LAST-MODIFIED",
            "LOCATION",
            "METHOD",
            "PRODID",
            "SEQUENCE",
            "STATUS",
            "SUMMARY",
            "TRANSP",
            "UID",
            "VALARM",
            "VERSION",
            "VTIMEZONE",
            "X-WR-CALNAME",
            "X-WR-TIMEZONE",
        ],
    );
}

#[test]
fn an_export_of_outlook_is_a_timetable_in_the_zone_that_windows_means() {
    check_export(
        include_str!("exports/outlook.ics"),
        "Europe/Berlin",
        3,
        &[
            "2026-10-20T16:30:00Z",
            "2026-11-17T17:30:00Z",
            "2026-12-01T17:30:00Z",
        ],
        &[
            "CLASS",
            "CREATED",
            "DESCRIPTION",
            "DTEND",
            "DTSTAMP",
            "LAST-MODIFIED",
            "METHOD",
            "PRIORITY",
            "PRODID",
            "SEQUENCE",
            "SUMMARY",
            "TRANSP",
            "UID",
            "VALARM",
            "VERSION",
            "VTIMEZONE",
            "X-ALT-DESC",
            "X-MICROSOFT-CDO-BUSYSTATUS",
            "X-MICROSOFT-CDO-IMPORTANCE",
            "X-MS-OLK-FORCEINSPECTOROPEN",
        ],
    );
}

#[test]
fn an_export_of_apple_is_a_timetable() {
    check_export(
        include_str!("exports/apple.ics"),
        "America/New_York",
        3,
        &[
            "2026-10-27T14:00:00Z",
            "2026-11-24T15:00:00Z",
            "2026-12-29T15:00:00Z",
        ],
        &[
            "CALSCALE",
            "CREATED",
            "DTEND",
            "DTSTAMP",
            "LAST-MODIFIED",
            "PRODID",
            "SEQUENCE",
            "SUMMARY",
            "TRANSP",
            "UID",
            "VERSION",
            "VTIMEZONE",
            "X-APPLE-CALENDAR-COLOR",
            "X-APPLE-STRUCTURED-LOCATION",
        ],
    );
}

#[test]
fn an_export_of_evolution_is_a_timetable_in_the_zone_that_its_global_name_ends_with() {
    check_export(
        include_str!("exports/evolution.ics"),
        "Australia/Lord_Howe",
        3,
        &[
            "2026-10-03T07:30:00Z",
            "2026-10-04T07:00:00Z",
            "2026-10-05T07:00:00Z",
        ],
        &[
            "CALSCALE",
            "DTEND",
            "DTSTAMP",
            "PRODID",
            "SEQUENCE",
            "SUMMARY",
            "UID",
            "VERSION",
            "VTIMEZONE",
            "X-EVOLUTION-CALDAV-ETAG",
        ],
    );
}

#[test]
fn an_export_of_thunderbird_is_a_timetable_in_the_zone_that_it_says_its_own_is() {
    check_export(
        include_str!("exports/thunderbird.ics"),
        "Europe/Berlin",
        3,
        &[
            "2026-10-23T16:00:00Z",
            "2026-10-25T17:00:00Z",
            "2026-10-27T17:00:00Z",
        ],
        &[
            "CREATED",
            "DTSTAMP",
            "DURATION",
            "PRODID",
            "SUMMARY",
            "UID",
            "VERSION",
            "VTIMEZONE",
            "X-MOZ-GENERATION",
        ],
    );
}

/// RFC 5545, sections 3.2 and 3.8.8.2: what an application doesn't know it ignores.
#[test]
fn unknown_parameters_and_extensions_have_no_say() {
    let text = "X-NOTE:ours\nDTSTART;X-A=\"1;2:3\";TZID=\"Europe/London\";LANGUAGE=en;VALUE=DATE-TIME:20261001T180000\nRRULE;X-B=1:FREQ=DAILY";
    check(text, 1, &["2026-10-01T17:00:00Z"]);
    assert_eq!(schedule(text).unused(), ["X-NOTE"]);
    assert_eq!(schedule("DTSTART:20261001T180000Z").unused(), [""; 0]);
}

#[test]
fn other_habits_of_microsoft_are_known() {
    let text = "\u{feff}BEGIN:VEVENT\r\nDTSTART;TZID=\"tzone://Microsoft/Utc\":20261001T180000\r\nEND:VEVENT\r\n";
    check(text, 1, &["2026-10-01T18:00:00Z"]);
    check(
        "DTSTART;TZID=GMT Standard Time:20261001T180000",
        1,
        &["2026-10-01T17:00:00Z"],
    );
}

#[test]
fn two_dates_may_change_places() {
    let event = |lines: &str| format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT\n");
    let text = [
        event("DTSTART:20261001T100000Z\nRRULE:FREQ=DAILY;COUNT=3"),
        event("RECURRENCE-ID:20261001T100000Z\nDTSTART:20261002T100000Z"),
        event("RECURRENCE-ID:20261002T100000Z\nDTSTART:20261001T100000Z"),
    ]
    .concat();
    let dates = [
        "2026-10-01T10:00:00Z",
        "2026-10-02T10:00:00Z",
        "2026-10-03T10:00:00Z",
    ];
    check(&text, 3, &dates);
}

#[test]
fn what_would_change_the_dates_and_is_not_carried_out_is_refused() {
    use ScheduleError as E;
    let event =
        |lines: &str| format!("BEGIN:VEVENT\nDTSTART:20261001T180000Z\n{lines}\nEND:VEVENT\n");
    let plain = event("SUMMARY:Painting");
    for (text, expected) in [
        (event("EXRULE:FREQ=DAILY"), E::Unsupported("EXRULE")),
        (
            plain.clone() + &event("RECURRENCE-ID;RANGE=THISANDFUTURE:20261001T180000Z"),
            E::Unsupported("RANGE"),
        ),
        (
            format!("BEGIN:VCALENDAR\nCALSCALE:JULIAN\n{plain}END:VCALENDAR"),
            E::Unsupported("CALSCALE"),
        ),
        (plain.repeat(2), E::NotOneEvent),
        (event("RECURRENCE-ID:20261001T180000Z"), E::NotOneEvent),
        ("BEGIN:VTODO\nEND:VTODO".to_owned(), E::NotOne("DTSTART")),
        (plain.replace("END:VEVENT\n", ""), E::Unbalanced(3)),
        (plain.replace("BEGIN", "END"), E::Unbalanced(1)),
        (
            event("RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY"),
            E::NotOne("RRULE"),
        ),
        (
            event("RDATE;VALUE=PERIOD:20261001T180000Z"),
            E::InvalidTime("RDATE"),
        ),
        (
            event("EXDATE;VALUE=DATE:20261001"),
            E::InvalidTime("EXDATE"),
        ),
        (
            "DTSTART;TZID=/example.org/Mars/Olympus:20261001T180000".to_owned(),
            E::UnknownZone,
        ),
        (
            "DTSTART;TZID=Mars/London:20261001T180000".to_owned(),
            E::UnknownZone,
        ),
    ] {
        check_refused(&text, &expected);
    }
}

proptest! {
    /// Also what is stored is read, whatever it is.
    #[test]
    fn no_export_makes_the_parser_panic(words in prop::collection::vec(prop::sample::select(vec![
        "BEGIN:", "END:", "VEVENT", "VCALENDAR", "VTIMEZONE", "\n", "\n", "\r\n ", " ", ";", "=", "\"", ":", ",", "TZID", "Europe/London", "\u{e9}",
        "/", "DTSTART", "RRULE", "FREQ=", "DAILY", "BYDAY=", "-1", "MO", "RDATE", "RECURRENCE-ID", "STATUS:CANCELLED", "20261001T180000", "Z",
        "DTSTART:20261001T180000Z\n", "RRULE:FREQ=YEARLY", ";BYWEEKNO=", ";UNTIL=", "COUNT=3", "X-A", "X-LIC-LOCATION:Europe/London",
    ]), 0..40)) {
        let text = words.concat();
        let stored: Schedule = serde_json::from_value(text.clone().into()).expect("a text");
        prop_assert_eq!(stored.problem().cloned(), text.parse::<Schedule>().err());
        prop_assert_eq!(stored.occurrences(None).take(3).count() > 0, stored.first(1.try_into().expect("a duration")).is_some());
        stored.unused();
    }
}
