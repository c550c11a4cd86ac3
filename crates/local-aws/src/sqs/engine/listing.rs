use super::Engine;
use crate::sqs::fault::Fault;
use crate::sqs::name::QueueName;
use crate::sqs::request::{Page, Reply};

const MAX_PAGE: usize = 1_000;

impl Engine {
    pub(super) fn list_queues(&self, prefix: &str, page: &Page) -> Reply {
        let names = self
            .names
            .keys()
            .filter(|name| name.as_str().starts_with(prefix));
        let (names, next) = cut(names, page);
        Reply::Queues { names, next }
    }

    /// The queues that name this one as their dead-letter queue.
    pub(super) fn list_dead_letter_sources(
        &self,
        target: &QueueName,
        page: &Page,
    ) -> Result<Reply, Fault> {
        self.queue(target)?;
        let (names, next) = cut(self.dead_letter_sources(target), page);
        Ok(Reply::DeadLetterSources { names, next })
    }

    pub(super) fn dead_letter_sources<'a>(
        &'a self,
        target: &'a QueueName,
    ) -> impl Iterator<Item = &'a QueueName> {
        self.names.iter().filter_map(move |(name, id)| {
            let redrive = self.queues.get(id)?.settings.redrive.as_ref()?;
            (redrive.target == *target).then_some(name)
        })
    }
}

/// Returns one page of names in order, and the last name on it if there are more and the request is paginated.
fn cut<'a>(
    names: impl Iterator<Item = &'a QueueName>,
    page: &Page,
) -> (Vec<QueueName>, Option<QueueName>) {
    let limit = page.limit.unwrap_or(MAX_PAGE);
    let mut rest = names.filter(|name| page.after.as_ref().is_none_or(|after| *name > after));
    let shown: Vec<QueueName> = rest.by_ref().take(limit).cloned().collect();
    let more = page.limit.is_some() && rest.next().is_some();
    let next = if more { shown.last().cloned() } else { None };
    (shown, next)
}
