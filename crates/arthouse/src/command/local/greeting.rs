use std::env;
use std::path::Path;

use arthouse_store::Table;
use arthouse_worker::Queue;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::Stack;
use arthouse_worker::{LOCAL_CREDENTIALS, LOCAL_REGION};

/// Says where everything is and what to try, for people.
pub(super) fn text(endpoint: &str, web: &str, data: &Path, stack: &Stack, prefix: &str) -> String {
    let mut lines = vec![
        format!(
            "arthouse runs on {endpoint}, its data is in {}",
            data.display()
        ),
        format!("pages for student, teacher and office are on {web}, the API is under {web}/api"),
        String::new(),
    ];
    for queue in Queue::ALL {
        lines.push(format!("  {}", stack.queues.url(queue)));
    }
    let program = program();
    let prefix = if prefix.is_empty() {
        String::new()
    } else {
        format!(" --prefix {prefix}")
    };
    let send = format!("AWS_ENDPOINT_URL={endpoint} {program}{prefix} send");
    let aws = format!(
        "AWS_ENDPOINT_URL={endpoint} AWS_DEFAULT_REGION={LOCAL_REGION} AWS_ACCESS_KEY_ID={LOCAL_CREDENTIALS} \
         AWS_SECRET_ACCESS_KEY={LOCAL_CREDENTIALS} aws"
    );
    lines.extend([
        String::new(),
        "Try, in another terminal:".to_owned(),
        String::new(),
        format!(
            "  {send} course.create --course oils --title 'Oil painting' --description 'Ten evenings at the easel.' \\\n    \
             --cost 120.00 --currency GBP --duration 10 --payment-method card \\\n    \
             --schedule '{}' --wait",
            schedule()
        ),
        format!(
            "  {send} course.apply --user ada --course oils --name 'Ada' --email ada@example.com --wait"
        ),
        format!("  AWS_ENDPOINT_URL={endpoint} {program}{prefix} progress --user ada --course oils"),
        format!("  {aws} dynamodb scan --table-name {}", stack.names.tables.name(Table::Courses)),
        String::new(),
        "Ctrl-C stops it, a second Ctrl-C at once.".to_owned(),
    ]);
    lines.join("\n")
}

/// Says where everything is, for programs.
pub(super) fn json(endpoint: &str, web: &str, data: &Path, stack: &Stack) -> Value {
    let queues = &stack.queues;
    json!({
        "endpoint_url": endpoint,
        "web_url": web,
        "region": LOCAL_REGION,
        "data": data,
        "queues": {
            "commands": queues.commands,
            "commands_dlq": queues.commands_dlq,
            "outcomes": queues.outcomes,
            "notifications": queues.notifications,
            "stream_dlq": queues.stream_dlq,
        },
        "tables": Table::ALL.map(|table| stack.names.tables.name(table)),
    })
}

/// Weekly evenings from next week on.
fn schedule() -> String {
    let first = (Utc::now() + TimeDelta::days(7)).format("%Y%m%d");
    format!(r"DTSTART;TZID=Europe/London:{first}T180000\nRRULE:FREQ=WEEKLY")
}

/// Returns how this program is called: by its name if it was found by its name, else by its path.
fn program() -> String {
    let called = env::args().next().unwrap_or_default();
    match env::current_exe() {
        Ok(path) if called.contains(std::path::MAIN_SEPARATOR) => {
            quoted(&path.display().to_string())
        }
        Ok(_) | Err(_) => "arthouse".to_owned(),
    }
}

/// Quotes a word for a POSIX shell, if it needs it.
fn quoted(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_space_is_quoted() {
        assert_eq!(quoted("/usr/bin/arthouse"), "/usr/bin/arthouse");
        assert_eq!(quoted("/My Files/art's"), r"'/My Files/art'\''s'");
    }
}
