use arthouse_store::{StoreError, Table};
use futures::future::join_all;

use crate::commands::attend;
use crate::counter::requests;
use crate::school::{School, names, session_key};

/// Loads sessions of Ada's at the same time and returns which of them were found.
async fn load(
    school: &School,
    ordinals: impl Iterator<Item = u16>,
) -> Vec<Result<Option<u16>, StoreError>> {
    let loads = ordinals.map(|n| async move {
        let command = attend("see", "ada", &format!("{n:04}"));
        let loaded = school.store.load(command.action.subject()).await?;
        Ok(loaded
            .state
            .session
            .and_then(|session| session.session_id.ordinal()))
    });
    join_all(loads).await
}

async fn found(school: &School, ordinals: impl Iterator<Item = u16>) -> Vec<Option<u16>> {
    let loaded = load(school, ordinals).await;
    loaded
        .into_iter()
        .map(|answer| answer.expect("it loads"))
        .collect()
}

#[tokio::test]
async fn ten_loads_at_the_same_time_share_one_request() {
    let school = School::with_ada(10).await;
    school.counter.take();
    let expected: Vec<_> = (1..=10).map(Some).collect();
    assert_eq!(found(&school, 1..=10).await, expected);
    assert_eq!(
        school.counter.take().requests,
        requests([("BatchGetItem", 1)])
    );
}

#[tokio::test]
async fn all_who_ask_for_the_same_session_get_it() {
    let school = School::with_ada(3).await;
    school.counter.take();
    let wanted = [2, 1, 2, 2, 3, 1];
    assert_eq!(found(&school, wanted.into_iter()).await, wanted.map(Some));
    assert_eq!(
        school.counter.take().requests,
        requests([("BatchGetItem", 1)])
    );
}

#[tokio::test]
async fn more_than_a_hundred_take_a_request_a_hundred() {
    let school = School::with_ada(250).await;
    school.counter.take();
    let expected: Vec<_> = (1..=250).map(Some).collect();
    assert_eq!(found(&school, 1..=250).await, expected);
    assert_eq!(
        school.counter.take().requests,
        requests([("BatchGetItem", 3)])
    );
}

#[tokio::test]
async fn those_who_ask_one_after_the_other_get_what_is_there_then() {
    let school = School::with_ada(3).await;
    assert_eq!(found(&school, 1..=1).await, [Some(1)]);
    school
        .delete(Table::Sessions, session_key("ada", "0001").attributes())
        .await;
    assert_eq!(found(&school, 1..=2).await, [None, Some(2)]);
}

#[tokio::test]
async fn a_session_that_can_t_be_read_fails_those_alone_who_ask_for_it() {
    let school = School::with_ada(3).await;
    school
        .rewrite(&session_key("ada", "0002"), |item| {
            drop(item.remove("Status"))
        })
        .await;
    let loaded = load(&school, 1..=3).await;
    assert!(
        matches!(
            loaded.as_slice(),
            [Ok(Some(1)), Err(StoreError::Decode(_)), Ok(Some(3))]
        ),
        "{loaded:?}"
    );
}

#[tokio::test]
async fn a_request_that_fails_fails_all_who_wait_for_it_and_nobody_later() {
    let school = School::with_ada(3).await;
    let name = names().name(Table::Sessions);
    school
        .client
        .delete_table()
        .table_name(&name)
        .send()
        .await
        .expect("it is deleted");
    for answer in load(&school, 1..=3).await {
        assert!(
            matches!(
                answer,
                Err(StoreError::Request {
                    operation: "BatchGetItem",
                    ..
                })
            ),
            "{answer:?}"
        );
    }
    arthouse_store::provision(&school.client, &names())
        .await
        .expect("it is made anew");
    assert_eq!(found(&school, 1..=3).await, [None, None, None]);
}
