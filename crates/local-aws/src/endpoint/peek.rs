//! Looking at a queue without receiving: `GET /_aws/sqs/messages?QueueUrl=<url>` or `GET /_aws/sqs/messages/<region>/<account>/<queue>`.

use axum::http::Uri;

use crate::place::Place;

const PATH: &str = "/_aws/sqs/messages";

/// Returns the queue that is to be looked at, by its URL or name, and its account and region if they are named.
pub(super) fn wanted(uri: &Uri) -> Option<(Option<Place>, String)> {
    let rest = uri.path().strip_prefix(PATH)?;
    if let Some(rest) = rest.strip_prefix('/') {
        let mut parts = rest.split('/').map(str::to_owned);
        let (region, account, queue) = (parts.next()?, parts.next()?, parts.next()?);
        let place = Place { account, region };
        return place.is_plausible().then_some((Some(place), queue));
    }
    let mut fields = uri
        .query()?
        .split('&')
        .filter_map(|field| field.split_once('='));
    let (_, url) = fields.find(|(name, _)| *name == "QueueUrl")?;
    // The last part of a URL is the queue's name, which has no characters to escape but the slash before it.
    let queue = url.rsplit("%2F").next().unwrap_or(url);
    Some((None, queue.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_named_by_its_url_or_by_its_place() {
        let place = Place {
            account: "000000000000".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        for (uri, expected) in [
            (
                "/_aws/sqs/messages?QueueUrl=http://127.0.0.1:4566/000000000000/q.fifo",
                Some((None, "http://127.0.0.1:4566/000000000000/q.fifo")),
            ),
            (
                "/_aws/sqs/messages?x=1&QueueUrl=http%3A%2F%2Flocalhost%2F000000000000%2FFq",
                Some((None, "Fq")),
            ),
            ("/_aws/sqs/messages?QueueUrl=q", Some((None, "q"))),
            (
                "/_aws/sqs/messages/eu-west-1/000000000000/q",
                Some((Some(place), "q")),
            ),
            ("/_aws/sqs/messages/../etc/q", None),
            ("/_aws/sqs/messages", None),
            ("/", None),
        ] {
            let wanted = wanted(&uri.parse().expect("a URI"));
            let expected = expected.map(|(place, queue)| (place, queue.to_owned()));
            assert_eq!(wanted, expected, "{uri}");
        }
    }
}
