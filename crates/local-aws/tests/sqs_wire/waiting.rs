use std::time::{Duration, Instant};

use crate::local::{Local, create};

/// As many calls can wait as there are connections, and others are answered meanwhile.
#[tokio::test]
async fn many_wait_at_once_and_each_gets_a_message_as_soon_as_there_is_one() {
    const WAITING: usize = 60;
    let local = Local::start().await;
    let url = create(&local.client, "q", &[]).await;
    let polls: Vec<_> = (0..WAITING)
        .map(|_| {
            let receive = local
                .client
                .receive_message()
                .queue_url(&url)
                .wait_time_seconds(20);
            tokio::spawn(async move { receive.send().await.unwrap().messages().len() })
        })
        .collect();
    let start = Instant::now();
    for number in 0..WAITING {
        let send = local
            .client
            .send_message()
            .queue_url(&url)
            .message_body(number.to_string());
        send.send().await.unwrap();
    }
    for poll in polls {
        assert_eq!(poll.await.unwrap(), 1);
    }
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn shutting_down_ends_the_calls_that_wait() {
    let local = Local::start().await;
    let url = create(&local.client, "q", &[]).await;
    let receive = local
        .client
        .receive_message()
        .queue_url(&url)
        .wait_time_seconds(20);
    let poll = tokio::spawn(async move { receive.send().await });
    // The call that is answered was made after the one that waits, most likely: both ways it must end soon.
    local.client.list_queues().send().await.unwrap();
    let start = Instant::now();
    local.aws.shutdown().await.unwrap();
    let ended = poll.await.unwrap();
    assert!(ended.is_err() || ended.unwrap().messages().is_empty());
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}
