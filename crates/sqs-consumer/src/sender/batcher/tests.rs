use super::*;
use crate::queue::{MAX_MESSAGE_BYTES, QueueError};

const LINGER: Duration = Duration::from_millis(10);

fn settings() -> SenderSettings {
    SenderSettings {
        linger: LINGER,
        ..SenderSettings::default()
    }
}

fn batcher(fifo: bool) -> Batcher {
    Batcher::new(settings(), fifo, fastrand::Rng::with_seed(1))
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
    let mut batcher = batcher(false);
    for _ in 0..13 {
        batcher.put(message(None, 1), now).unwrap();
    }
    let full = batcher.take(now).unwrap();
    assert_eq!(
        full.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        (0..10).collect::<Vec<_>>()
    );
    batcher.answered(full, Ok(vec![Ok(()); 10]), now);
    assert!(batcher.take(now).is_none());
    assert_eq!(batcher.wake_at(), Some(now + LINGER));
    assert_eq!(numbers(batcher.take(now + LINGER)), [10, 11, 12]);
}

#[test]
fn behind_a_request_in_flight_messages_gather_until_its_answer_or_a_batch_is_full() {
    let now = Instant::now();
    let mut batcher = batcher(false);
    batcher.put(message(None, 1), now).unwrap();
    let first = batcher.take(now + LINGER).unwrap();
    batcher.put(message(None, 1), now).unwrap();
    assert!(
        batcher.take(now + LINGER).is_none(),
        "the first is in flight"
    );
    let overdue = now + LINGER + MAX_GATHERING;
    assert_eq!(batcher.wake_at(), Some(overdue));
    for _ in 0..9 {
        batcher.put(message(None, 1), now).unwrap();
    }
    assert_eq!(batcher.take(now).map(|batch| batch.len()), Some(10));
    batcher.put(message(None, 1), now).unwrap();
    assert_eq!(
        numbers(batcher.take(overdue)),
        [11],
        "a slow request delays no others"
    );
    batcher.put(message(None, 1), now).unwrap();
    batcher.answered(first, Ok(vec![Ok(())]), now);
    assert!(
        batcher.take(now + LINGER).is_none(),
        "two are still in flight"
    );
}

#[test]
fn a_batch_never_exceeds_the_size_limit() {
    let now = Instant::now();
    let mut batcher = batcher(false);
    for bytes in [600_000, 400_000, 100_000, 10] {
        batcher.put(message(None, bytes), now).unwrap();
    }
    assert_eq!(
        numbers(batcher.take(now)),
        [0, 1],
        "full, since the third does not fit"
    );
    assert!(batcher.take(now).is_none());
    assert_eq!(numbers(batcher.take(now + LINGER + MAX_GATHERING)), [2, 3]);
}

#[test]
fn a_message_beyond_the_limit_fails_at_once() {
    let error = batcher(false)
        .put(message(None, MAX_MESSAGE_BYTES + 1), Instant::now())
        .unwrap_err();
    assert_eq!(
        error,
        SendError::TooLarge {
            bytes: MAX_MESSAGE_BYTES + 1,
            limit: MAX_MESSAGE_BYTES
        }
    );
}

#[test]
fn a_fifo_group_has_one_message_under_way_and_its_order_survives_failures() {
    let now = Instant::now();
    let mut batcher = batcher(true);
    for group in ["a", "a", "b"] {
        batcher.put(message(Some(group), 1), now).unwrap();
    }
    let later = now + LINGER;
    let batch = batcher.take(later).unwrap();
    assert_eq!(
        batch.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [0, 2]
    );
    assert!(batcher.take(later).is_none(), "1 waits for 0");

    let decided = batcher.answered(batch, Ok(vec![refused(true), Ok(())]), later);

    assert_eq!(decided, [(2, Ok(()))]);
    assert!(batcher.take(later).is_none(), "1 waits while 0 pauses");
    let retry_at = batcher.wake_at().unwrap();
    assert_eq!(numbers(batcher.take(retry_at)), [0]);
}

#[test]
fn groups_of_a_standard_queue_share_requests_freely() {
    let now = Instant::now();
    let mut batcher = batcher(false);
    for _ in 0..3 {
        batcher.put(message(Some("tenant"), 1), now).unwrap();
    }
    assert_eq!(numbers(batcher.take(now + LINGER)), [0, 1, 2]);
}

#[test]
fn a_transient_failure_is_tried_again_up_to_the_limit() {
    let mut now = Instant::now();
    let mut batcher = batcher(false);
    batcher.put(message(None, 1), now).unwrap();
    now += LINGER;
    for _ in 1..settings().max_attempts {
        let batch = batcher.take(now).unwrap();
        assert_eq!(
            batcher.answered(batch, failure(ErrorKind::Throttled), now),
            []
        );
        assert!(batcher.take(now).is_none(), "it pauses");
        now = batcher.wake_at().unwrap();
    }
    let batch = batcher.take(now).unwrap();
    let decided = batcher.answered(batch, failure(ErrorKind::Throttled), now);
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
    assert!(batcher.is_empty());
}

#[test]
fn one_bad_message_does_not_take_its_batch_with_it() {
    let now = Instant::now();
    let mut batcher = batcher(false);
    for _ in 0..2 {
        batcher.put(message(None, 1), now).unwrap();
    }
    let batch = batcher.take(now + LINGER).unwrap();
    assert_eq!(
        batcher.answered(batch, failure(ErrorKind::Invalid), now),
        []
    );

    let first = batcher.take(now).unwrap();
    let second = batcher.take(now).unwrap();
    assert_eq!((first.len(), second.len()), (1, 1));

    let failed = batcher.answered(first, failure(ErrorKind::Invalid), now);
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
        batcher.answered(second, Ok(vec![Ok(())]), now),
        [(1, Ok(()))]
    );
}

#[test]
fn a_refused_entry_fails_alone() {
    let now = Instant::now();
    let mut batcher = batcher(false);
    for _ in 0..2 {
        batcher.put(message(None, 1), now).unwrap();
    }
    let batch = batcher.take(now + LINGER).unwrap();
    let decided = batcher.answered(batch, Ok(vec![refused(false), Ok(())]), now);
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
    let mut batcher = batcher(false);
    for _ in 0..60 {
        batcher.put(message(None, 1), now).unwrap();
    }
    let batches: Vec<_> = std::iter::from_fn(|| batcher.take(now)).collect();
    assert_eq!(batches.len(), settings().max_concurrent_requests);
    assert_eq!(batcher.wake_at(), None, "the next answer wakes it");
}
