//! Crashes and restarts: nothing is lost, nothing is done twice.

use arthouse_tests::{Event, World, course, student};

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_workers_commands_and_reactions_are_taken_over() {
    let mut world = World::start().await;
    let users: Vec<_> = (0..20).map(|n| format!("u{n}")).collect();
    world
        .apply(&Event::new("course.create", course("w1", 100, 2)))
        .await;
    let mut last = Vec::new();
    for user in &users {
        let student = student(user, "w1");
        let attends = student.attends(1);
        for event in [student.applies(), student.pays("ref"), attends.clone()] {
            world.post(&event).await;
        }
        last.push(attends);
    }
    world.outcomes.outcomes(last[0].id(), 1).await;
    world.crash_worker().await;
    world.add_worker();
    for event in &last {
        assert_eq!(world.outcomes.outcomes(event.id(), 1).await[0], None);
    }
    assert_eq!(world.settled().await, []);
    for user in &users {
        let enrollment = world.records(user, "w1").await.enrollment.expect("paid");
        assert_eq!(
            (enrollment.charges.len(), i64::from(enrollment.balance)),
            (1, 50),
            "{user}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedded_stack_finds_its_data_again_and_goes_on() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut world = World::at(data.path()).await;
    world.add_worker();
    let ada = student("ada", "w1");
    world
        .apply(&Event::new("course.create", course("w1", 100, 2)))
        .await;
    world.apply(&ada.applies()).await;
    let pays = ada.pays("ref");
    world.apply(&pays).await;
    world.stop().await;

    let mut world = World::at(data.path()).await;
    world.post(&pays.again()).await;
    world.add_worker();
    assert_eq!(world.outcomes.outcomes(pays.id(), 1).await, [None]);
    world.sessions("ada", "w1").await;
    world.apply(&ada.attends(1)).await;
    assert_eq!(world.settled().await, []);
    world.stop().await;
}
