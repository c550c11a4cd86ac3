//! The expansion of rules beside that of python-dateutil, which shares no code with ours (`.ci/rules.py` writes the file, with the seed 1).
//!
//! Where dateutil deviates from RFC 5545, the script says so and goes round it; the tests in `rules` go by the RFC's words.

use super::*;

/// Another file of rules to check, such as `.ci/rules` writes anew each time.
fn file() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "only this test reads it, and no rule of the school"
    )]
    let path = std::env::var("RULES_FILE");
    match path {
        Ok(path) => std::fs::read_to_string(path).expect("the file can be read"),
        Err(_) => include_str!("rules.txt").to_owned(),
    }
}

/// How many dates of a rule the file has at most, and for how many years it follows one.
const DATES: usize = 8;
const YEARS: i32 = 30;

#[test]
fn rules_have_the_dates_that_an_independent_expander_finds() {
    let file = file();
    let mut wrong = Vec::new();
    for (number, line) in file.lines().enumerate() {
        let mut words = line.split(' ');
        let (start, rule) = (
            words.next().expect("a start"),
            words.next().expect("a rule"),
        );
        let expected: Vec<_> = words.collect();
        let year: i32 = start[..4].parse().expect("a year");
        let end = format!("{}{}", year + YEARS, &start[4..]);
        let is_endless = !rule.contains("COUNT") && !rule.contains("UNTIL");
        // What is beyond `end` is left out below; a day of that year itself may not exist (29 February).
        let until = if is_endless {
            format!(";UNTIL={}0101T000000", year + YEARS + 1)
        } else {
            String::new()
        };
        let rule = schedule(&format!("DTSTART:{start}Z\nRRULE:{rule}{until}"));
        let found = |after, most: usize| -> Vec<String> {
            let dates = rule.occurrences(after).take(most);
            let dates = dates.map(|at| at.to_utc().format("%Y%m%dT%H%M%S").to_string());
            dates.take_while(|date| *date <= end).collect()
        };
        // From the start, and after one of the dates.
        let at = number % expected.len().max(1);
        let after = rule.occurrences(None).nth(at);
        let all = found(None, DATES);
        let rest_agrees = expected.is_empty() || found(after, DATES - 1 - at) == expected[at + 1..];
        if all != expected || !rest_agrees {
            wrong.push(format!("{line}\n  {all:?}"));
        }
    }
    let lines = file.lines().count();
    println!("{lines} rules, {} with other dates", wrong.len());
    assert!(lines >= 100, "{lines} rules");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
