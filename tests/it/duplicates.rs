//! The same message twice, and the same id for something else.

use arthouse_tests::{World, student};
use serde_json::json;

async fn paid(world: &World) {
    let ada = student("ada", "w1");
    world.offer("w1", 100, 3).await;
    world.enrol(&ada).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_sent_twice_is_carried_out_once_and_told_twice_alike() {
    let world = World::start().await;
    paid(&world).await;
    let attends = student("ada", "w1").attends(1);
    world.apply(&attends).await;
    world.post(&attends.again()).await;
    assert_eq!(world.outcomes.outcomes(attends.id(), 2).await, [None, None]);
    let told: Vec<_> = world.outcomes.letters();
    let told: Vec<_> = told
        .iter()
        .filter(|letter| letter.event["data"]["command_id"] == attends.id())
        .collect();
    assert_eq!(told[0].body, told[1].body);
    assert_eq!(world.settled().await, []);
    let enrollment = world.records("ada", "w1").await.enrollment.expect("paid");
    assert_eq!(
        (enrollment.charges.len(), i64::from(enrollment.balance)),
        (1, 66)
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_command_sent_again_later_is_rejected_again_although_it_would_pass_now() {
    let world = World::start().await;
    let ada = student("ada", "w1");
    let early = ada.applies();
    assert_eq!(
        world.outcome(&early).await.as_deref(),
        Some("COURSE_NOT_FOUND")
    );
    world.offer("w1", 100, 3).await;
    world.post(&early.again()).await;
    let told = world.outcomes.outcomes(early.id(), 2).await;
    assert_eq!(
        told,
        [
            Some("COURSE_NOT_FOUND".to_owned()),
            Some("COURSE_NOT_FOUND".to_owned())
        ]
    );
    assert_eq!(world.records("ada", "w1").await.application, None);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_used_for_other_data_is_a_dead_letter_and_changes_nothing() {
    let world = World::start().await;
    paid(&world).await;
    let attends = student("ada", "w1").attends(1);
    world.apply(&attends).await;
    let mut reused = attends.again();
    reused.body["data"]["session_id"] = json!("0002");
    world.post(&reused).await;
    let letter = world
        .dead_letters
        .wait("the dead letter", |letters| letters.first().cloned())
        .await;
    assert_eq!(letter.attributes["reason"], "COMMAND_ID_REUSED");
    assert_eq!(letter.body, reused.body.to_string());
    assert!(!letter.attributes["source_message_id"].is_empty());
    assert_eq!(world.settled().await, []);
    assert_eq!(world.outcomes.outcomes(attends.id(), 1).await, [None]);
    assert_eq!(
        world
            .records("ada", "w1")
            .await
            .enrollment
            .expect("paid")
            .charges
            .len(),
        1
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_payment_told_twice_is_a_success_and_another_one_is_not() {
    let world = World::start().await;
    paid(&world).await;
    let ada = student("ada", "w1");
    let before = world.records("ada", "w1").await;
    assert_eq!(world.outcome(&ada.pays("ref-1")).await, None);
    assert_eq!(
        world.outcome(&ada.pays("ref-2")).await.as_deref(),
        Some("ALREADY_PAID")
    );
    assert_eq!(world.records("ada", "w1").await, before);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_systems_may_use_one_id_and_one_system_may_not_use_it_twice() {
    let world = World::start().await;
    let ada = student("ada", "w1");
    world.offer("w1", 100, 3).await;
    let applies = ada.applies().from_source("urn:school:web", "1001");
    let pays = ada.pays("ref-1").from_source("urn:payments", "1001");
    world.post(&applies).await;
    world.post(&pays).await;
    assert_eq!(world.outcomes.outcomes("1001", 2).await, [None, None]);
    let reused = ada.pays("ref-2").from_source("urn:payments", "1001");
    world.post(&reused).await;
    let letter = world
        .dead_letters
        .wait("the dead letter", |letters| letters.first().cloned())
        .await;
    assert_eq!(letter.attributes["reason"], "COMMAND_ID_REUSED");
    assert_eq!(letter.body, reused.body.to_string());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_counts_its_attempts_sends_the_same_command() {
    let world = World::start().await;
    let ada = student("ada", "w1");
    world.offer("w1", 100, 3).await;
    world.apply(&ada.applies()).await;
    let mut pays = ada.pays("ref-1");
    for (attempt, delivery) in (1..).zip(["a", "b", "c"]) {
        pays.body["data"]["attempt"] = json!(attempt);
        pays.body["data"]["delivery"] = json!({"id": delivery});
        world.post(&pays).await;
        let told = world.outcomes.outcomes(pays.id(), attempt).await;
        assert_eq!(told, vec![None; attempt]);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_within_another_conversation_is_told_what_was_told() {
    let world = World::start().await;
    let ada = student("ada", "w1");
    world.offer("w1", 100, 3).await;
    let mut applies = ada.applies();
    world.apply(&applies).await;
    for (n, correlation) in (2..).zip(["visit-1", "visit-2"]) {
        applies.body["correlationid"] = json!(correlation);
        applies.body["traceparent"] =
            json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
        world.post(&applies).await;
        world.outcomes.outcomes(applies.id(), n).await;
    }
    let letters = world.outcomes.letters();
    let mut told = letters
        .iter()
        .filter(|letter| letter.event["data"]["command_id"] == applies.id());
    let first = told.next().expect("an outcome");
    assert_eq!(first.event["correlationid"], applies.id());
    assert!(told.all(|again| again.body == first.body), "{letters:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_reference_with_another_amount_is_another_payment() {
    let world = World::start().await;
    paid(&world).await;
    for (amount, currency, expected) in [
        (Some(100), Some("GBP"), None),
        (Some(99), None, Some("ALREADY_PAID")),
        (Some(100), Some("EUR"), Some("ALREADY_PAID")),
    ] {
        let mut pays = student("ada", "w1").pays("ref-1");
        pays.body["data"]["amount"] = json!(amount);
        pays.body["data"]["currency"] = json!(currency);
        assert_eq!(world.outcome(&pays).await.as_deref(), expected);
    }
    world.stop().await;
}
