use super::*;
use crate::queue::QueueError;

const LINGER: Duration = Duration::from_millis(10);

fn settings() -> SenderSettings {
    SenderSettings {
        linger: LINGER,
        ..SenderSettings::default()
    }
}

fn outbox(fifo: bool) -> Outbox {
    Outbox::new(settings(), fifo, fastrand::Rng::with_seed(1))
}

fn message(group: Option<&str>, bytes: usize) -> Arc<OutgoingMessage> {
    Arc::new(OutgoingMessage {
        body: "x".repeat(bytes),
        group_id: group.map(str::to_owned),
        ..OutgoingMessage::default()
    })
}

fn numbers(batch: Option<Batch>) -> Vec<Number> {
    batch
        .into_iter()
        .flatten()
        .map(|(number, _)| number)
        .collect()
}

fn failure(kind: ErrorKind) -> BatchResult {
    Err(QueueError {
        kind,
        operation: "SendMessageBatch",
        source: None,
    })
}

fn refused(transient: bool) -> Result<(), EntryError> {
    Err(EntryError {
        code: "Some".to_owned(),
        transient,
    })
}

#[test]
fn ten_messages_go_at_once_and_fewer_when_the_oldest_has_waited() {
    let now = Instant::now();
    let mut outbox = outbox(false);
    for _ in 0..13 {
        outbox.put(message(None, 1), now).unwrap();
    }
    assert_eq!(numbers(outbox.take(now)), (0..10).collect::<Vec<_>>());
    assert!(outbox.take(now).is_none());
    assert_eq!(outbox.wake_at(), Some(now + LINGER));
    assert_eq!(numbers(outbox.take(now + LINGER)), [10, 11, 12]);
}

#[test]
fn a_batch_never_exceeds_the_size_limit() {
    let now = Instant::now();
    let mut outbox = outbox(false);
    for bytes in [600_000, 400_000, 100_000, 10] {
        outbox.put(message(None, bytes), now).unwrap();
    }
    assert_eq!(
        numbers(outbox.take(now)),
        [0, 1],
        "full, since the third does not fit"
    );
    assert!(outbox.take(now).is_none());
    assert_eq!(numbers(outbox.take(now + LINGER)), [2, 3]);
}

#[test]
fn a_message_beyond_the_limit_fails_at_once() {
    let error = outbox(false)
        .put(message(None, BYTES_AT_MOST + 1), Instant::now())
        .unwrap_err();
    assert_eq!(
        error,
        SendError::TooLarge {
            bytes: BYTES_AT_MOST + 1,
            limit: BYTES_AT_MOST
        }
    );
}

#[test]
fn a_fifo_group_has_one_message_under_way_and_its_order_survives_failures() {
    let now = Instant::now();
    let mut outbox = outbox(true);
    for group in ["a", "a", "b"] {
        outbox.put(message(Some(group), 1), now).unwrap();
    }
    let later = now + LINGER;
    let batch = outbox.take(later).unwrap();
    assert_eq!(
        batch.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [0, 2]
    );
    assert!(outbox.take(later).is_none(), "1 waits for 0");

    let decided = outbox.answered(batch, Ok(vec![refused(true), Ok(())]), later);

    assert_eq!(decided, [(2, Ok(()))]);
    assert!(outbox.take(later).is_none(), "1 waits while 0 pauses");
    let retry_at = outbox.wake_at().unwrap();
    assert_eq!(numbers(outbox.take(retry_at)), [0]);
}

#[test]
fn groups_of_a_standard_queue_share_requests_freely() {
    let now = Instant::now();
    let mut outbox = outbox(false);
    for _ in 0..3 {
        outbox.put(message(Some("tenant"), 1), now).unwrap();
    }
    assert_eq!(numbers(outbox.take(now + LINGER)), [0, 1, 2]);
}

#[test]
fn a_transient_failure_is_tried_again_up_to_the_limit() {
    let mut now = Instant::now();
    let mut outbox = outbox(false);
    outbox.put(message(None, 1), now).unwrap();
    now += LINGER;
    for _ in 1..settings().attempts_at_most {
        let batch = outbox.take(now).unwrap();
        assert_eq!(
            outbox.answered(batch, failure(ErrorKind::Throttled), now),
            []
        );
        assert!(outbox.take(now).is_none(), "it pauses");
        now = outbox.wake_at().unwrap();
    }
    let batch = outbox.take(now).unwrap();
    let decided = outbox.answered(batch, failure(ErrorKind::Throttled), now);
    assert_eq!(
        decided,
        [(
            0,
            Err(SendError::Failed {
                attempts: 8,
                kind: ErrorKind::Throttled
            })
        )]
    );
    assert!(outbox.is_empty());
}

#[test]
fn one_bad_message_does_not_take_its_batch_with_it() {
    let now = Instant::now();
    let mut outbox = outbox(false);
    for _ in 0..2 {
        outbox.put(message(None, 1), now).unwrap();
    }
    let batch = outbox.take(now + LINGER).unwrap();
    assert_eq!(outbox.answered(batch, failure(ErrorKind::Invalid), now), []);

    let first = outbox.take(now).unwrap();
    let second = outbox.take(now).unwrap();
    assert_eq!((first.len(), second.len()), (1, 1));

    let failed = outbox.answered(first, failure(ErrorKind::Invalid), now);
    assert_eq!(
        failed,
        [(
            0,
            Err(SendError::Failed {
                attempts: 1,
                kind: ErrorKind::Invalid
            })
        )]
    );
    assert_eq!(
        outbox.answered(second, Ok(vec![Ok(())]), now),
        [(1, Ok(()))]
    );
}

#[test]
fn a_refused_entry_fails_alone() {
    let now = Instant::now();
    let mut outbox = outbox(false);
    for _ in 0..2 {
        outbox.put(message(None, 1), now).unwrap();
    }
    let batch = outbox.take(now + LINGER).unwrap();
    let decided = outbox.answered(batch, Ok(vec![refused(false), Ok(())]), now);
    assert_eq!(
        decided,
        [
            (
                0,
                Err(SendError::Refused {
                    code: "Some".to_owned()
                })
            ),
            (1, Ok(()))
        ]
    );
}

#[test]
fn no_more_requests_are_under_way_than_allowed() {
    let now = Instant::now();
    let mut outbox = outbox(false);
    for _ in 0..60 {
        outbox.put(message(None, 1), now).unwrap();
    }
    let batches: Vec<_> = std::iter::from_fn(|| outbox.take(now)).collect();
    assert_eq!(batches.len(), settings().requests_in_flight);
    assert_eq!(outbox.wake_at(), None, "the next answer wakes it");
}
