//! The query protocol: forms as requests, XML as responses. Here, only `sts:GetCallerIdentity` is served; the rest is refused by name.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};

use crate::place::Place;
use crate::reply::Reply;

const XML: HeaderValue = HeaderValue::from_static("text/xml");

/// Returns the action and the version that a form names; `None` if it is none of this protocol.
pub(super) fn action(form: &str) -> Option<(String, String)> {
    let value = |wanted: &str| {
        let mut fields = form.split('&').filter_map(|field| field.split_once('='));
        fields
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| plain(value))
    };
    Some((value("Action")?, value("Version").unwrap_or_default()))
}

/// Names and dates have no escapes; anything that can't stand in XML is left out.
fn plain(value: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    value.chars().filter(is_plain).take(128).collect()
}

/// Answers an action.
pub(super) fn answer(action: &str, version: &str, place: &Place) -> Reply {
    const STS: &str = "2011-06-15";
    if action == "GetCallerIdentity" {
        return caller_identity(place);
    }
    if version == STS {
        return refuse(
            "InvalidAction",
            &format!("local-aws does not serve the operation sts:{action}."),
        );
    }
    refuse(
        "AWS.SimpleQueueService.UnsupportedOperation",
        &format!(
            "{action} came in the query protocol, which Amazon SQS spoke before AWS JSON 1.0, and local-aws does not serve it. \
             Update the SDK or tool: boto3 1.28.82, AWS CLI 1.29.82 or 2.13.34, SDK for Java 1.12.585 or 2.21.19, JavaScript 3.447, \
             Go v2 sqs 1.28, PHP 3.285.2, Ruby 1.67 or later."
        ),
    )
}

fn caller_identity(place: &Place) -> Reply {
    let account = &place.account;
    xml(
        StatusCode::OK,
        &format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::{account}:root</Arn><UserId>{account}</UserId><Account>{account}</Account>\
             </GetCallerIdentityResult><ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></GetCallerIdentityResponse>",
            uuid::Uuid::new_v4()
        ),
    )
}

fn refuse(code: &str, message: &str) -> Reply {
    xml(
        StatusCode::BAD_REQUEST,
        &format!(
            "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message><Detail/></Error><RequestId>{}</RequestId></ErrorResponse>",
            uuid::Uuid::new_v4()
        ),
    )
}

fn xml(status: StatusCode, body: &str) -> Reply {
    let mut reply = Reply::json(status, body.to_owned());
    reply.headers.insert(CONTENT_TYPE, XML);
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(form: &str) -> (u16, String) {
        let (action, version) = action(form).expect("it names an action");
        let reply = answer(&action, &version, &Place::default());
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        (reply.status.as_u16(), body)
    }

    #[test]
    fn the_caller_is_told_who_it_is() {
        let (status, body) = answered("Action=GetCallerIdentity&Version=2011-06-15");
        assert_eq!(status, 200);
        assert!(body.contains("<Account>000000000000</Account>"), "{body}");
    }

    #[test]
    fn the_old_protocol_of_queues_is_refused_with_what_to_do() {
        let (status, body) = answered("Action=SendMessage&MessageBody=x&Version=2012-11-05");
        assert_eq!(status, 400);
        assert!(
            body.contains("SendMessage") && body.contains("Update the SDK"),
            "{body}"
        );
        let (_, body) = answered("Action=AssumeRole&Version=2011-06-15");
        assert!(body.contains("sts:AssumeRole"), "{body}");
    }

    #[test]
    fn a_name_cannot_carry_markup() {
        let (_, body) = answered("Action=<b>%3Cx&Version=");
        assert!(!body.contains("<b>"), "{body}");
        assert_eq!(action("{\"Action\":1}"), None);
    }
}
