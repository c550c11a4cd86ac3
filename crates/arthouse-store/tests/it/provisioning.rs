use arthouse_store::{Backups, StoreError, Table, protect, provision};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType, TableDescription,
    TimeToLiveStatus,
};

use crate::commands::create;
use crate::school::{School, names};

async fn describe(school: &School, table: Table) -> TableDescription {
    let request = school
        .client
        .describe_table()
        .table_name(names().name(table));
    let output = request.send().await.expect("it is described");
    output.table.expect("a description")
}

#[tokio::test]
async fn the_tables_have_these_keys_streams_indexes_and_this_expiry() {
    let school = School::open().await;
    for (table, names, streamed, index) in [
        (Table::Courses, &["PK", "SK"][..], false, None),
        (
            Table::UsersCourses,
            &["PK", "SK"],
            true,
            Some(key(&["PendingPayment", "AppliedDate"])),
        ),
        (Table::Sessions, &["PK", "SK"], true, None),
        (Table::Commands, &["PK"], false, None),
    ] {
        let found = describe(&school, table).await;
        assert_eq!(found.key_schema(), key(names), "{table:?}");
        let view = found
            .stream_specification()
            .and_then(|stream| stream.stream_view_type());
        assert_eq!(
            view,
            streamed.then_some(&StreamViewType::NewAndOldImages),
            "{table:?}"
        );
        let indexes: Vec<_> = found
            .global_secondary_indexes()
            .iter()
            .map(|index| index.key_schema().to_vec())
            .collect();
        assert_eq!(indexes, Vec::from_iter(index), "{table:?}");
    }
    let expiry = school
        .client
        .describe_time_to_live()
        .table_name(names().name(Table::Commands));
    let expiry = expiry
        .send()
        .await
        .expect("it is described")
        .time_to_live_description;
    let expiry = expiry.expect("a description");
    assert_eq!(expiry.attribute_name(), Some("ExpiresAt"));
    assert_eq!(
        expiry.time_to_live_status(),
        Some(&TimeToLiveStatus::Enabled)
    );
}

#[tokio::test]
async fn a_second_time_it_changes_nothing() {
    let school = School::with_course(3).await;
    provision(&school.client, &names())
        .await
        .expect("all is there");
    let state = school.state(&create("again", "oils", 3)).await;
    assert!(state.course.is_some(), "the tables are as they were");
}

#[tokio::test]
async fn several_may_make_the_tables_at_the_same_time() {
    let school = School::bare().await;
    let names = names();
    let make = || provision(&school.client, &names);
    let (a, b, c, d) = tokio::join!(make(), make(), make(), make());
    for made in [a, b, c, d] {
        made.expect("the tables are made");
    }
}

/// A table that is in the way; its index is named by its sort key.
struct Other {
    table: Table,
    sort_key: Option<ScalarAttributeType>,
    view: Option<StreamViewType>,
    index: Option<(&'static str, ProjectionType)>,
}

fn key(names: &[&str]) -> Vec<KeySchemaElement> {
    let kinds = [KeyType::Hash, KeyType::Range];
    let element = |(name, kind): (&&str, KeyType)| {
        let element = KeySchemaElement::builder().attribute_name(*name);
        element
            .key_type(kind)
            .build()
            .expect("name and type are set")
    };
    names.iter().zip(kinds).map(element).collect()
}

fn definition(name: &str, of: ScalarAttributeType) -> AttributeDefinition {
    let definition = AttributeDefinition::builder().attribute_name(name);
    definition
        .attribute_type(of)
        .build()
        .expect("name and type are set")
}

async fn make(school: &School, other: &Other) {
    let sort_key = other.sort_key.as_ref().map(|_| "SK");
    let mut request = school
        .client
        .create_table()
        .table_name(names().name(other.table))
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(key(&[&["PK"][..], sort_key.as_slice()].concat())))
        .attribute_definitions(definition("PK", ScalarAttributeType::S));
    if let Some(of) = &other.sort_key {
        request = request.attribute_definitions(definition("SK", of.clone()));
    }
    if let Some(view) = &other.view {
        let stream = StreamSpecification::builder().stream_enabled(true);
        let stream = stream.stream_view_type(view.clone()).build();
        request = request.stream_specification(stream.expect("enabled is set"));
    }
    if let Some((sort_key, projection)) = &other.index {
        let index = GlobalSecondaryIndex::builder()
            .index_name("PendingPayment-AppliedDate")
            .set_key_schema(Some(key(&["PendingPayment", sort_key])))
            .projection(
                Projection::builder()
                    .projection_type(projection.clone())
                    .build(),
            );
        request = request
            .attribute_definitions(definition("PendingPayment", ScalarAttributeType::S))
            .attribute_definitions(definition(sort_key, ScalarAttributeType::S))
            .global_secondary_indexes(index.build().expect("name and key are set"));
    }
    request.send().await.expect("the other table is made");
}

/// Makes the tables where another one is in the way, and returns what is said of it.
async fn problem_with(other: Other) -> Option<&'static str> {
    let school = School::bare().await;
    make(&school, &other).await;
    match provision(&school.client, &names()).await {
        Ok(()) => None,
        Err(StoreError::TableDiffers { table, problem }) if table == names().name(other.table) => {
            Some(problem)
        }
        Err(error) => panic!("{error}"),
    }
}

fn right() -> Other {
    Other {
        table: Table::UsersCourses,
        sort_key: Some(ScalarAttributeType::S),
        view: Some(StreamViewType::NewAndOldImages),
        index: Some(("AppliedDate", ProjectionType::All)),
    }
}

#[tokio::test]
async fn a_table_that_is_right_is_left_as_it_is() {
    assert_eq!(problem_with(right()).await, None);
}

#[tokio::test]
async fn a_table_with_another_key_is_refused() {
    let sort_key = |of| Other {
        sort_key: of,
        ..right()
    };
    let too_much = Other {
        table: Table::Commands,
        index: None,
        ..right()
    };
    for other in [
        sort_key(None),
        sort_key(Some(ScalarAttributeType::N)),
        too_much,
    ] {
        let found = problem_with(other).await;
        assert_eq!(found, Some("its key is another"));
    }
}

#[tokio::test]
async fn a_table_without_a_stream_of_both_images_is_refused() {
    for view in [None, Some(StreamViewType::NewImage)] {
        let found = problem_with(Other { view, ..right() }).await;
        assert_eq!(found, Some("it has no stream of new and old images"));
    }
}

#[tokio::test]
async fn a_table_without_the_index_is_refused() {
    for index in [
        None,
        Some(("PaidDate", ProjectionType::All)),
        Some(("AppliedDate", ProjectionType::KeysOnly)),
    ] {
        let found = problem_with(Other { index, ..right() }).await;
        assert_eq!(found, Some("its index is missing"));
    }
}

#[tokio::test]
async fn a_protected_table_is_not_deleted() {
    let school = School::with_course(3).await;
    let courses = names().name(Table::Courses);
    for _ in 0..2 {
        let backups = protect(&school.client, &courses, &[("Application", "test")]).await;
        // The emulator has no backups, which is told and not passed over.
        assert_eq!(backups.expect("it is protected"), Backups::NotOffered);
    }
    let deleted = school.client.delete_table().table_name(&courses).send();
    let refused = deleted.await.expect_err("it is protected");
    assert_eq!(refused.code(), Some("ValidationException"), "{refused:?}");
    let state = school.state(&create("again", "oils", 3)).await;
    assert!(state.course.is_some(), "the course is still there");
}
