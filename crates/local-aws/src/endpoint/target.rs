//! The `X-Amz-Target` header: `<service and version>.<operation>`.

/// The service of a request, with its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    Sqs(&'a str),
    DynamoDb(&'a str),
    Streams(&'a str),
}

impl<'a> Target<'a> {
    /// Parses the header's value; `None` for an unknown service.
    pub(super) fn parse(header: &'a str) -> Option<Self> {
        let (service, operation) = header.split_once('.')?;
        match service {
            "AmazonSQS" => Some(Self::Sqs(operation)),
            "DynamoDB_20120810" => Some(Self::DynamoDb(operation)),
            "DynamoDBStreams_20120810" => Some(Self::Streams(operation)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_target_names_its_service_and_operation() {
        for (header, expected) in [
            ("AmazonSQS.SendMessage", Some(Target::Sqs("SendMessage"))),
            (
                "DynamoDB_20120810.PutItem",
                Some(Target::DynamoDb("PutItem")),
            ),
            (
                "DynamoDBStreams_20120810.GetRecords",
                Some(Target::Streams("GetRecords")),
            ),
            ("DynamoDB_20111205.PutItem", None),
            ("AmazonSQS", None),
            ("", None),
        ] {
            assert_eq!(Target::parse(header), expected, "{header}");
        }
    }
}
