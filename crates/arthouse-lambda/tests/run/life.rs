//! The same life twice: on the daemons and on the functions. Nothing may tell the one from the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arthouse_store::Table;
use arthouse_tests::{Event, Inbox, World, course, eventually, student};
use serde_json::{Value, json};

use crate::TIMEOUT;
use crate::function::Function;
use crate::mapping::{QueueMapping, StreamMapping};

/// How often the two lives may miss each other: dates are those of the queue, to the second, so both queues must take each command
/// within one second.
const TRIES: usize = 5;

/// Everything that can be seen of a life.
#[derive(Debug, PartialEq)]
struct Seen {
    items: BTreeMap<String, Value>,
    outcomes: BTreeMap<String, Value>,
    notifications: BTreeMap<String, Value>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_on_the_functions_leaves_the_same_records_outcomes_and_notifications_as_on_the_daemons()
 {
    for _ in 0..TRIES {
        let mut daemons = World::idle().await;
        daemons.add_worker();
        let functions = World::idle().await;
        let commands = Arc::new(Function::start(&functions, TIMEOUT).await);
        let reactions = Arc::new(Function::start(&functions, TIMEOUT).await);
        let _commands = QueueMapping::new(&functions, &commands).run();
        let [users, sessions] = [Table::UsersCourses, Table::Sessions]
            .map(|table| StreamMapping::new(&functions, &reactions, table));
        let _streams = [users.run(), sessions.run()];

        let kept_time = live([&daemons, &functions]).await;

        for log in [commands.log(), reactions.log()] {
            assert!(
                log.contains("batch of") && log.contains("handled"),
                "it logs: {log}"
            );
            assert!(!log.contains("drain"), "a batch is no drain: {log}");
            assert!(
                !log.contains("contact.example") && !log.contains("7946 0999"),
                "{log}"
            );
        }
        if kept_time {
            assert_eq!(seen(&functions).await, seen(&daemons).await);
            assert!(functions.dead_letters.letters().is_empty());
            nothing_is_new_to_the_daemons(functions, &[users, sessions]).await;
            return;
        }
        daemons.stop().await;
    }
    panic!("two queues did not take a command within one second, {TRIES} times over");
}

/// Tells a whole life to both worlds at once; says whether it has the same dates in both.
async fn live(worlds: [&World; 2]) -> bool {
    let (ada, bob) = (student("ada", "w1"), student("bob", "w1"));
    let mut kept_time = true;
    let mut codes = Vec::new();
    let course = Event::new("course.create", course("w1", 100, 3));
    let applies = ada.applies();
    let first = [
        &course,
        &applies,
        &bob.applies(),
        &ada.applies(),
        &ada.pays("ref-1"),
    ];
    for event in first {
        codes.push(both(worlds, event, &mut kept_time).await);
    }
    for world in worlds {
        world.sessions("ada", "w1").await;
    }
    let date = worlds[0].records("ada", "w1").await.sessions[2]
        .session_date
        .to_string();
    let moved = format!("{}T09:00:00Z", &date[..10]);
    let rest = [
        ada.attends(1),
        ada.skips(2),
        ada.reschedules(3, &moved),
        ada.reschedules(3, &date),
        ada.attends(3),
        bob.attends(1),
        Event::new("course.update", json!({"course_id": "w1", "cost": 999})),
    ];
    for event in &rest {
        codes.push(both(worlds, event, &mut kept_time).await);
        // Different sessions have no order between them: of two charges under way, either may be made first, and tells its own balance.
        for world in worlds {
            assert_eq!(world.settled().await, []);
        }
    }
    let codes: Vec<_> = codes
        .iter()
        .map(|code| code.as_deref().unwrap_or("-"))
        .collect();
    let expected = [
        "-",
        "-",
        "-",
        "ALREADY_APPLIED",
        "-",
        "-",
        "-",
        "-",
        "NOT_RESCHEDULABLE",
        "-",
        "ENROLLMENT_NOT_FOUND",
        "-",
    ];
    assert_eq!(codes, expected);
    for world in worlds {
        assert_eq!(world.settled().await, []);
        // A duplicate gets its outcome again.
        world.post(&applies.again()).await;
        assert_eq!(world.outcomes.outcomes(applies.id(), 2).await, [None, None]);
        world
            .notifications
            .wait("all notifications", |letters| {
                (letters.len() >= 9).then_some(())
            })
            .await;
    }
    kept_time
}

/// Posts a command to both queues early in a second, and waits for both outcomes, which must be the same.
async fn both(worlds: [&World; 2], event: &Event, kept_time: &mut bool) -> Option<String> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let millis = now.subsec_millis();
    if millis > 300 {
        tokio::time::sleep(Duration::from_millis(u64::from(1_010 - millis))).await;
    }
    let [one, two] = worlds;
    tokio::join!(one.post(event), two.post(event));
    let mut told = Vec::new();
    for world in worlds {
        told.push(world.outcomes.outcomes(event.id(), 1).await.remove(0));
    }
    assert_eq!(told[0], told[1], "{}", event.body);
    let [one, two] =
        worlds.map(|world| outcomes_of(&world.outcomes, event.id())[0]["time"].clone());
    *kept_time &= one == two;
    told.remove(0)
}

fn outcomes_of(inbox: &Inbox, command_id: &str) -> Vec<Value> {
    let events = inbox.letters().into_iter().map(|letter| letter.event);
    events
        .filter(|event| event["data"]["command_id"] == command_id)
        .collect()
}

/// Looks at everything. When a processor wrote a student's sessions is its own clock's; the rest is the queue's.
async fn seen(world: &World) -> Seen {
    let mut items = BTreeMap::new();
    for table in Table::ALL {
        let scan = world.stack.clients.dynamodb.scan();
        let page = scan
            .table_name(world.stack.names.tables.name(table))
            .send()
            .await
            .unwrap();
        assert!(page.last_evaluated_key.is_none(), "one page is all");
        for item in page.items.unwrap_or_default() {
            let mut item: Value = serde_dynamo::aws_sdk_dynamodb_1::from_item(item).unwrap();
            if let Some(at) = item.get_mut("SessionsInitializedAt") {
                *at = json!("(set)");
            }
            let key = format!("{table:?} {} {}", item["PK"], item["SK"]);
            items.insert(key, item);
        }
    }
    let told = |inbox: &Inbox| {
        let events = inbox.letters().into_iter().map(|letter| letter.event);
        let events = events.map(|mut event| {
            if event["type"] == "com.digitalarthouse.sessions.scheduled.v1" {
                event["time"] = json!("(when they were written)");
                event["id"] = json!("(of that time)");
            }
            (event["id"].as_str().unwrap().to_owned(), event)
        });
        events.collect()
    };
    Seen {
        items,
        outcomes: told(&world.outcomes),
        notifications: told(&world.notifications),
    }
}

/// Runs the daemons over the very streams that the functions have reacted to: they must find everything done and notify of nothing new,
/// ids included, since the queue drops what it knows.
async fn nothing_is_new_to_the_daemons(mut world: World, mappings: &[StreamMapping]) {
    let (before, told) = (seen(&world).await, world.notifications.letters().len());
    assert!(mappings.iter().all(|mapping| mapping.handed() > 0));
    world.add_worker();
    let eve = student("eve", "w1");
    world.apply(&eve.applies()).await;
    let news = world
        .notifications
        .wait("a notification of the daemons' own", |letters| {
            let news = || {
                letters[told..]
                    .iter()
                    .map(|letter| letter.event["subject"].clone())
            };
            news()
                .any(|subject| subject == "eve/w1")
                .then(|| news().collect::<Vec<_>>())
        })
        .await;
    assert_eq!(news, [json!("eve/w1")]);
    eventually("checkpoints behind everything", || async {
        let leases = world.stack.names.tables.leases();
        let client = world.stack.clients.dynamodb.clone();
        let operations =
            dynamo_streams::Operations::new(client, &leases, arthouse_worker::APPLICATION);
        let status = operations.unwrap().status().await.unwrap();
        let idle =
            status.shards.len() == 2 && status.workers.iter().all(|w| w.figures.in_flight == 0);
        idle.then_some(())
    })
    .await;
    let mut after = seen(&world).await;
    after.items.retain(|key, _| before.items.contains_key(key));
    assert_eq!(after.items, before.items);
    world.stop().await;
}
