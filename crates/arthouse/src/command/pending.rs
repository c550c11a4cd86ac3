use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use anyhow::{Context, Result};
use arthouse_core::{
    Amount, Application, ContactInfo, CourseId, Currency, Text, Timestamp, UserId, Zone,
};
use arthouse_worker::Limits;
use clap::Args;
use serde::Serialize;

use super::positive;
use crate::Exit;
use crate::deployment::Deployment;
use crate::output::{self, Format, plain};

/// The most applications that one request reads.
const PAGE: usize = 100;

/// How many, and with what.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The most applications to list
    #[arg(long, default_value = "1000", value_parser = positive::<NonZeroUsize>)]
    limit: NonZeroUsize,
    /// List the contact details of the students, too
    #[arg(long)]
    contacts: bool,
    #[command(flatten)]
    format: Format,
}

/// An application as programs read it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    user_id: &'a UserId,
    course_id: &'a CourseId,
    title: &'a Text,
    applied_date: Timestamp,
    cost: Amount,
    currency: Currency,
    payment_method: &'a Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_info: Option<&'a ContactInfo>,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let store = deployment.store(Limits::Operator).await?;
    let most = options.limit.get();
    let (mut applications, mut start) = (Vec::new(), None);
    let more = loop {
        let wanted = most - applications.len();
        if wanted == 0 {
            break true;
        }
        let limit = i32::try_from(wanted.min(PAGE))?;
        let page = store
            .pending(limit, start)
            .await
            .context("can't read the applications")?;
        applications.extend(page.items);
        match page.next {
            Some(next) => start = Some(next),
            None => break false,
        }
    };
    if options.format.json {
        let lines = applications
            .iter()
            .map(|application| line(application, options.contacts));
        output::print_json(&lines.collect::<Vec<_>>())?;
    } else {
        let mut zones = BTreeMap::new();
        for course_id in applications
            .iter()
            .map(|application| &application.course_id)
        {
            if !zones.contains_key(course_id) {
                zones.insert(course_id, output::zone_of(&store, course_id).await?);
            }
        }
        output::print(table(&applications, &zones, options.contacts))?;
    }
    if more {
        output::note(format!(
            "only the first {most} are shown: --limit sets how many"
        ));
    }
    Ok(Exit::Success)
}

fn line(application: &Application, contacts: bool) -> Line<'_> {
    let quote = &application.quote;
    Line {
        user_id: &application.user_id,
        course_id: &application.course_id,
        title: &quote.title,
        applied_date: application.applied_date,
        cost: quote.cost,
        currency: quote.currency,
        payment_method: &quote.payment_method,
        contact_info: contacts.then_some(&application.contact_info),
    }
}

fn table(
    applications: &[Application],
    zones: &BTreeMap<&CourseId, Zone>,
    contacts: bool,
) -> String {
    if applications.is_empty() {
        return "no application waits for its payment".to_owned();
    }
    let header = [
        "Applied", "Student", "Course", "Price", "Pay by", "Name", "Email", "Phone",
    ];
    let columns = if contacts { header.len() } else { 5 };
    let mut table = output::table(&header[..columns]);
    for application in applications {
        let (quote, contact) = (&application.quote, &application.contact_info);
        let row = [
            output::time_with_zone(application.applied_date, zones[&application.course_id]),
            application.user_id.to_string(),
            application.course_id.to_string(),
            quote.currency.format(quote.cost),
            plain(&quote.payment_method),
            plain(&contact.name),
            plain(&contact.email),
            plain(contact.phone.as_deref().unwrap_or_default()),
        ];
        table.add_row(row.into_iter().take(columns));
    }
    table.to_string()
}
