use arthouse_core::{Progress, SessionProgress, Stage, Zone};

use super::{plain, table, time, time_with_zone};

/// Writes a student's progress for people, with times in the zone of the course.
pub(crate) fn progress(progress: &Progress, zone: Zone) -> String {
    let mut parts = vec![summary(progress, zone)];
    if !progress.sessions.is_empty() {
        parts.push(sessions(progress, zone));
    }
    if !progress.statement.is_empty() {
        parts.push(format!("Statement\n{}", statement(progress, zone)));
    }
    parts.join("\n")
}

fn summary(progress: &Progress, zone: Zone) -> String {
    let money = |amount| progress.currency.format(amount);
    let stage = match progress.status {
        Stage::Applied => "applied, waiting for the payment",
        Stage::Paid => "paid",
        Stage::Completed => "completed",
    };
    let mut lines = vec![format!(
        "{} in {} ({}): {stage}, {} %",
        progress.user_id,
        plain(&progress.title),
        progress.course_id,
        progress.percent_complete
    )];
    let mut line = |name: &str, value: String| lines.push(format!("  {name:<13} {value}"));
    line("applied", time_with_zone(progress.applied_date, zone));
    if let Some(paid) = progress.paid_date {
        line("paid", time_with_zone(paid, zone));
    }
    line("price", money(progress.cost));
    if let Some(balance) = progress.balance {
        line("balance", money(balance));
    }
    if let Some(remaining) = progress.sessions_remaining {
        let Progress {
            duration,
            scheduled,
            attended,
            skipped,
            ..
        } = progress;
        line(
            "sessions",
            format!(
                "{remaining} of {duration} remaining; {scheduled} scheduled, {attended} attended, {skipped} skipped"
            ),
        );
    } else {
        line("sessions", progress.duration.to_string());
    }
    if let Some(next) = &progress.next_session {
        line(
            "next session",
            format!(
                "{} on {}",
                next.session_id,
                time_with_zone(next.session_date, zone)
            ),
        );
    }
    lines.join("\n")
}

fn sessions(progress: &Progress, zone: Zone) -> String {
    let starts = format!("Starts ({zone})");
    let mut table = table(&["Session", "Status", &starts, "Cost", "Can be moved"]);
    for session in &progress.sessions {
        table.add_row([
            session.session_id.to_string(),
            session.status.as_str().to_owned(),
            time(session.session_date, zone),
            progress.currency.format(session.cost),
            movable(session, zone),
        ]);
    }
    table.to_string()
}

fn movable(session: &SessionProgress, zone: Zone) -> String {
    match (session.reschedule_until, session.original_session_date) {
        (Some(until), _) if session.can_reschedule => format!("before {}", time(until, zone)),
        (Some(_), _) => "no, too late".to_owned(),
        (None, Some(original)) => format!("no, moved from {}", time(original, zone)),
        (None, None) => "no".to_owned(),
    }
}

fn statement(progress: &Progress, zone: Zone) -> String {
    let at = format!("At ({zone})");
    let mut table = table(&["Session", "For", "Amount", &at]);
    for line in &progress.statement {
        let amount = progress.currency.format(line.amount);
        table.add_row([
            line.session_id.to_string(),
            line.kind.as_str().to_owned(),
            amount,
            time(line.at, zone),
        ]);
    }
    table.to_string()
}
