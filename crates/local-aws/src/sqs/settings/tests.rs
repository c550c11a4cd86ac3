use super::*;
use crate::sqs::moment::Moment;

fn attributes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn standard() -> Settings {
    Settings::defaults(false)
}

fn code(result: Result<Settings, Fault>) -> Option<Code> {
    result.err().map(|fault| fault.code)
}

#[test]
fn each_number_is_accepted_within_its_range_and_nowhere_else() {
    let ranges = [
        ("VisibilityTimeout", "0", "43200", "43201"),
        ("DelaySeconds", "0", "900", "901"),
        ("MessageRetentionPeriod", "60", "1209600", "1209601"),
        ("MaximumMessageSize", "1024", "1048576", "1048577"),
        ("ReceiveMessageWaitTimeSeconds", "0", "20", "21"),
        ("KmsDataKeyReusePeriodSeconds", "60", "86400", "86401"),
    ];
    for (name, least, most, over) in ranges {
        for good in [least, most] {
            assert_eq!(
                code(standard().with(&attributes(&[(name, good)]))),
                None,
                "{name}={good}"
            );
        }
        for bad in [over, "-1", "many", "1.5"] {
            let refused = code(standard().with(&attributes(&[(name, bad)])));
            assert_eq!(refused, Some(Code::InvalidAttributeValue), "{name}={bad}");
        }
    }
    for (name, too_little) in [
        ("MessageRetentionPeriod", "59"),
        ("MaximumMessageSize", "1023"),
    ] {
        let refused = code(standard().with(&attributes(&[(name, too_little)])));
        assert_eq!(refused, Some(Code::InvalidAttributeValue), "{name}");
    }
}

#[test]
fn a_standard_queue_has_no_fifo_attributes() {
    let pairs = [
        ("FifoQueue", "false"),
        ("FifoQueue", "true"),
        ("ContentBasedDeduplication", "true"),
        ("DeduplicationScope", "queue"),
        ("FifoThroughputLimit", "perQueue"),
        ("Colour", "blue"),
    ];
    for pair in pairs {
        assert_eq!(
            code(standard().with(&attributes(&[pair]))),
            Some(Code::InvalidAttributeName),
            "{pair:?}"
        );
    }
}

#[test]
fn the_type_of_a_queue_is_the_one_that_its_name_says() {
    let fifo = QueueName::parse("q.fifo").expect("a good name");
    let plain = QueueName::parse("q").expect("a good name");
    let yes = attributes(&[("FifoQueue", "true")]);
    assert!(Settings::for_new(&fifo, &yes).is_ok_and(|settings| settings.fifo.is_some()));
    assert!(
        Settings::for_new(&plain, &BTreeMap::new()).is_ok_and(|settings| settings.fifo.is_none())
    );
    assert_eq!(
        code(Settings::for_new(&fifo, &BTreeMap::new())),
        Some(Code::InvalidParameterValue)
    );
    assert_eq!(
        code(Settings::for_new(&plain, &yes)),
        Some(Code::InvalidParameterValue)
    );
    let changed = Settings::defaults(true).with(&attributes(&[("FifoQueue", "false")]));
    assert_eq!(code(changed), Some(Code::InvalidAttributeValue));
}

#[test]
fn a_redrive_policy_needs_a_queue_and_a_count_of_1_to_1000() {
    let policy = |arn: &str, count: &str| {
        let text = format!(r#"{{"deadLetterTargetArn":{arn},"maxReceiveCount":{count}}}"#);
        standard().with(&attributes(&[("RedrivePolicy", &text)]))
    };
    let arn = r#""arn:aws:sqs:us-east-1:000000000000:dlq""#;
    for good in ["1", "1000", r#""5""#] {
        assert_eq!(code(policy(arn, good)), None, "{good}");
    }
    for bad in ["0", "1001", "-1", "2.5", r#""five""#, "null", "[1]"] {
        assert_eq!(
            code(policy(arn, bad)),
            Some(Code::InvalidParameterValue),
            "{bad}"
        );
    }
    assert_eq!(
        code(policy(r#""dlq""#, "1")),
        Some(Code::InvalidParameterValue)
    );
    for bad in ["[]", "nonsense", "{}"] {
        let refused = code(standard().with(&attributes(&[("RedrivePolicy", bad)])));
        assert_eq!(refused, Some(Code::InvalidParameterValue), "{bad}");
    }
}

#[test]
fn an_empty_redrive_policy_takes_it_away() {
    let text =
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dlq","maxReceiveCount":3}"#;
    let with = standard()
        .with(&attributes(&[("RedrivePolicy", text)]))
        .expect("a good policy");
    assert!(with.redrive.is_some());
    let without = with
        .with(&attributes(&[("RedrivePolicy", "")]))
        .expect("an empty policy is fine");
    assert_eq!(without, standard());
}

#[test]
fn a_redrive_allow_policy_lists_queues_only_by_queue() {
    let permits = |text: &str| standard().with(&attributes(&[("RedriveAllowPolicy", text)]));
    let source = QueueName::parse("source").expect("a good name");
    let cases = [
        (r#"{"redrivePermission":"allowAll"}"#, Some(true)),
        (r#"{"redrivePermission":"denyAll"}"#, Some(false)),
        (
            r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:source"]}"#,
            Some(true),
        ),
        (
            r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:other"]}"#,
            Some(false),
        ),
        (r#"{"redrivePermission":"byQueue"}"#, None),
        (
            r#"{"redrivePermission":"byQueue","sourceQueueArns":[]}"#,
            None,
        ),
        (
            r#"{"redrivePermission":"allowAll","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:source"]}"#,
            None,
        ),
        (r#"{"redrivePermission":"sometimes"}"#, None),
        ("{}", None),
    ];
    for (text, expected) in cases {
        let permitted = permits(text)
            .ok()
            .and_then(|settings| settings.redrive_allow);
        assert_eq!(
            permitted.map(|allow| allow.permits(&source)),
            expected,
            "{text}"
        );
    }
}

#[test]
fn one_kind_of_encryption_puts_the_other_out() {
    let kms = standard()
        .with(&attributes(&[("KmsMasterKeyId", "key")]))
        .expect("a key is fine");
    assert!(!kms.managed_encryption);
    let managed = kms
        .with(&attributes(&[("SqsManagedSseEnabled", "true")]))
        .expect("a switch is fine");
    assert_eq!(managed, standard());
    let both = attributes(&[("KmsMasterKeyId", "key"), ("SqsManagedSseEnabled", "true")]);
    assert_eq!(
        code(standard().with(&both)),
        Some(Code::InvalidAttributeName)
    );
}

#[test]
fn the_first_attribute_that_differs_is_named() {
    let same = attributes(&[("DelaySeconds", "0"), ("VisibilityTimeout", "30")]);
    assert_eq!(standard().first_difference(&same), Ok(None));
    let other = attributes(&[("DelaySeconds", "0"), ("VisibilityTimeout", "31")]);
    assert_eq!(
        standard().first_difference(&other),
        Ok(Some("VisibilityTimeout"))
    );
}

#[test]
fn only_the_attributes_asked_for_are_shown() {
    let queue = QueueName::parse("q").expect("a good name");
    let times = (Moment::from_millis(1_500), Moment::from_millis(2_999));
    let counts = Counts {
        visible: 1,
        in_flight: 2,
        delayed: 3,
    };
    let show = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        standard().render(&names, &queue, times, counts)
    };
    assert_eq!(show(&[]), Ok(BTreeMap::new()));
    let expected = attributes(&[
        ("CreatedTimestamp", "1"),
        ("ApproximateNumberOfMessagesDelayed", "3"),
    ]);
    assert_eq!(
        show(&["CreatedTimestamp", "ApproximateNumberOfMessagesDelayed"]),
        Ok(expected)
    );
    let all = show(&["All"]).expect("all is a name");
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
            "CreatedTimestamp",
            "DelaySeconds",
            "LastModifiedTimestamp",
            "MaximumMessageSize",
            "MessageRetentionPeriod",
            "QueueArn",
            "ReceiveMessageWaitTimeSeconds",
            "SqsManagedSseEnabled",
            "VisibilityTimeout",
        ]
    );
    assert_eq!(
        show(&["Colour"]).map_err(|fault| fault.code),
        Err(Code::InvalidAttributeName)
    );
}
