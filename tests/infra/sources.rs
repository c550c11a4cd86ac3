//! The rules of sources, with a worker on a live stack.

use arthouse::local_settings;
use arthouse_tests::{Event, SOURCE, World, course, student};
use tokio_util::sync::CancellationToken;

/// Whom the embedded stack names as the sender of each message.
const SENDER: &str = "000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn a_source_acts_for_those_of_its_rule_and_by_its_senders_only() {
    let world = World::idle().await;
    let mut settings = local_settings();
    let rules =
        format!("{SOURCE}=admin@{SENDER} urn:school:site=student urn:school:payments=system@AROA");
    settings.sources = rules.parse().expect("rules");
    let worker = world.stack.command_worker(&settings).expect("settings");
    let stop = CancellationToken::new();
    let running = tokio::spawn(worker.run(stop.clone()));

    let create = Event::new("course.create", course("oils", 100, 3));
    world.apply(&create).await;
    let ada = student("ada", "oils");
    let site = |event: Event, id: &str| event.from_source("urn:school:site", id);
    world.apply(&site(ada.applies(), "1")).await;
    // A student's web site confirms no payments, whoever it says is paying.
    for (id, event) in [
        ("2", ada.pays("ref")),
        ("3", ada.pays("ref").by("admin", "office")),
    ] {
        let outcome = world.outcome(&site(event, id)).await;
        assert_eq!(outcome.as_deref(), Some("FORBIDDEN_SOURCE"));
    }
    let unknown = ada.pays("ref").from_source("urn:school:unknown", "5");
    let outcome = world.outcome(&unknown).await;
    assert_eq!(outcome.as_deref(), Some("FORBIDDEN_SOURCE"));
    // Nor does anybody else in the name of the payments.
    let forged = ada.pays("ref").from_source("urn:school:payments", "4711");
    world.post(&forged).await;
    let reason = world
        .dead_letters
        .wait("a dead letter", |letters| {
            let letter = letters.iter().find(|letter| letter.event["id"] == "4711");
            letter.map(|letter| letter.attributes["reason"].clone())
        })
        .await;
    assert_eq!(reason, "FORBIDDEN_SENDER");
    let source = "urn:school:payments".parse().expect("a source");
    let id = "4711".parse().expect("an id");
    let receipt = world.stack.store.receipt(&source, &id).await;
    assert_eq!(receipt.expect("an answer"), None, "the id is not used up");

    stop.cancel();
    running.await.expect("no panic").expect("a clean drain");
    world.stop().await;
}
