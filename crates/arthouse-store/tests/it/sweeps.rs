use arthouse_store::{Segment, Sweep, SweepCause, SweepCounts, SweepState};

use crate::commands::now;
use crate::school::{School, names};

async fn school() -> School {
    let school = School::with_course(1).await;
    dynamo_streams_table(&school).await;
    school
}

/// The table of leases belongs to the streams consumer; a sweep only needs its two keys.
async fn dynamo_streams_table(school: &School) {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    };
    let mut request = school
        .client
        .create_table()
        .table_name(names().leases())
        .billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("PK", KeyType::Hash), ("SK", KeyType::Range)] {
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind);
        request = request
            .attribute_definitions(attribute.build().expect("set"))
            .key_schema(key.build().expect("set"));
    }
    request.send().await.expect("the table is made");
    let described = school.client.describe_table().table_name(names().leases());
    described.send().await.expect("it is active");
}

fn sweep(owner: &str) -> Sweep {
    Sweep {
        owner: owner.to_owned(),
        state: SweepState::Running,
        cause: SweepCause::Gap,
        since: Some(now()),
        gaps: vec!["one".to_owned(), "two".to_owned()],
        cursor: None,
        counts: SweepCounts::default(),
        started_at: now(),
        saved_at: now(),
        revision: 0,
    }
}

#[tokio::test]
async fn a_sweep_is_found_again_where_it_was() {
    let school = school().await;
    assert!(school.store.sweep().await.expect("it reads").is_none());
    for user in ["ada", "bea", "cleo"] {
        school.pay(user).await;
    }
    let page = |start| school.store.scan_enrolling(Segment::WHOLE, 2, start);
    let first = page(None).await.expect("it scans");
    let rest = page(first.next.clone()).await.expect("it scans").items;

    let mut sweep = sweep("one");
    sweep.cursor = first.next;
    sweep.counts.charged = 7;
    assert!(school.store.save_sweep(&mut sweep).await.expect("it saves"));
    let found = school
        .store
        .sweep()
        .await
        .expect("it reads")
        .expect("there");
    assert_eq!((found.owner.as_str(), found.revision), ("one", 1));
    assert_eq!((found.state, found.cause), (sweep.state, sweep.cause));
    assert_eq!((found.since, found.counts), (sweep.since, sweep.counts));
    assert_eq!(found.gaps, sweep.gaps);
    assert_eq!(page(found.cursor).await.expect("it scans").items, rest);
    assert_eq!(rest.len(), 1);
}

#[tokio::test]
async fn of_two_who_save_over_the_same_sweep_one_is_refused() {
    let school = school().await;
    let (mut one, mut two) = (sweep("one"), sweep("two"));
    assert!(school.store.save_sweep(&mut one).await.expect("it saves"));
    assert!(!school.store.save_sweep(&mut two).await.expect("it answers"));
    let mut taken = school
        .store
        .sweep()
        .await
        .expect("it reads")
        .expect("there");
    taken.owner = "two".to_owned();
    assert!(school.store.save_sweep(&mut taken).await.expect("it saves"));
    one.counts.students = 100;
    assert!(!school.store.save_sweep(&mut one).await.expect("it answers"));
    let found = school
        .store
        .sweep()
        .await
        .expect("it reads")
        .expect("there");
    assert_eq!((found.owner.as_str(), found.revision), ("two", 2));
}

#[tokio::test]
async fn a_save_whose_answer_was_lost_counts_as_saved() {
    let school = school().await;
    let before = sweep("one");
    let mut saved = before.clone();
    assert!(school.store.save_sweep(&mut saved).await.expect("it saves"));
    let mut again = before;
    assert!(school.store.save_sweep(&mut again).await.expect("it saves"));
    assert_eq!(again.revision, 1);
}
