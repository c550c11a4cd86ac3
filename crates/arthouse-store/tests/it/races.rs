use std::sync::Arc;

use arthouse_core::{Charge, ChargeId, ChargeKind, Command, Outcome, SessionId, SessionStatus};
use arthouse_store::{Commit, WriteResult};
use futures::future::join_all;

use crate::commands::{apply, attend, confirm, create, id, skip};
use crate::school::{Decision, School};

/// Decides all commands on the same state, then commits them at the same time, each in a task of its own.
async fn race(school: &Arc<School>, commands: Vec<Command>) -> Vec<(Decision, Commit)> {
    let decisions = join_all(commands.iter().map(|command| school.decide(command))).await;
    let tasks = decisions.into_iter().map(|decision| {
        let school = Arc::clone(school);
        tokio::spawn(async move {
            let commit = school.commit(&decision).await;
            (decision, commit)
        })
    });
    let ended = join_all(tasks).await;
    ended
        .into_iter()
        .map(|task| task.expect("no panic"))
        .collect()
}

/// Checks that one won, that the others saw it move, and that only the winner's receipt is kept.
async fn check_one_winner(school: &School, raced: Vec<(Decision, Commit)>) -> Decision {
    let all = raced.len();
    let (won, lost): (Vec<_>, Vec<_>) = raced
        .into_iter()
        .partition(|(_, commit)| *commit == Commit::Committed);
    assert_eq!((won.len(), lost.len()), (1, all - 1));
    for (decision, commit) in lost {
        assert_eq!(commit, Commit::Moved);
        assert_eq!(
            school
                .receipt_of(decision.receipt.command_id.as_str())
                .await,
            None
        );
    }
    let (winner, _) = won.into_iter().next().expect("there is one");
    let kept = school.receipt_of(winner.receipt.command_id.as_str()).await;
    assert_eq!(kept.as_ref(), Some(&winner.receipt));
    winner
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_who_create_a_course_one_does() {
    let school = Arc::new(School::open().await);
    let commands = (1..=16)
        .map(|n| create(&format!("cmd-{n}"), "oils", n))
        .collect();
    let raced = race(&school, commands).await;
    let winner = check_one_winner(&school, raced).await;
    let found = school
        .store
        .course(&id("oils"))
        .await
        .expect("it reads")
        .expect("it is there");
    assert_eq!(
        winner.transition,
        arthouse_core::Transition::CreateCourse(found)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_who_write_the_same_decision_write_it_once() {
    let school = Arc::new(School::with_course(3).await);
    let repeated = (0..16).map(|_| apply("cmd", "ada")).collect();
    let raced = race(&school, repeated).await;
    for (decision, commit) in raced {
        // The same decision is the same request: each is told of its success.
        assert_eq!(commit, Commit::Committed);
        assert_eq!(school.receipt_of("cmd").await, Some(decision.receipt));
    }
    let application = school.state(&apply("see", "ada")).await.application;
    assert_eq!(application.expect("it is there").version, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_attend_and_skip_a_session_one_does() {
    let school = Arc::new(School::with_ada(3).await);
    let commands = (0..8).flat_map(|n| {
        [
            attend(&format!("attend-{n}"), "ada", "0001"),
            skip(&format!("skip-{n}"), "ada", "0001"),
        ]
    });
    let raced = race(&school, commands.collect()).await;
    let winner = check_one_winner(&school, raced).await;
    let attended = winner.receipt.command_type.ends_with("session.attend.v1");
    let session = school
        .state(&attend("see", "ada", "0001"))
        .await
        .session
        .expect("it is there");
    let expected = if attended {
        SessionStatus::Attended
    } else {
        SessionStatus::Skipped
    };
    assert_eq!((session.status, session.version), (expected, 2));
}

/// Confirms one application from many sides while readers watch; at no moment are there both records, or neither.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_moves_the_application_at_one_moment() {
    let school = Arc::new(School::with_course(3).await);
    school.carry_out(&apply("apply", "ada")).await;
    let paid = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let watchers = (0..4).map(|_| {
        let (school, paid) = (Arc::clone(&school), Arc::clone(&paid));
        tokio::spawn(async move {
            let mut seen = Vec::new();
            loop {
                let last = paid.load(std::sync::atomic::Ordering::SeqCst);
                let state = school.state(&confirm("see", "ada", "pay")).await;
                seen.push((state.application.is_some(), state.enrollment.is_some()));
                if last {
                    return seen;
                }
            }
        })
    });
    let watchers: Vec<_> = watchers.collect();
    let commands = (0..8)
        .map(|n| confirm(&format!("pay-{n}"), "ada", &format!("reference-{n}")))
        .collect();
    let raced = race(&school, commands).await;
    paid.store(true, std::sync::atomic::Ordering::SeqCst);
    check_one_winner(&school, raced).await;
    for watcher in watchers {
        let seen = watcher.await.expect("no panic");
        let (both, neither) = ((true, true), (false, false));
        assert!(
            !seen.contains(&both) && !seen.contains(&neither),
            "{seen:?}"
        );
        assert_eq!(seen.last(), Some(&(false, true)));
    }
}

/// Some students apply again while their payment is confirmed.
#[tokio::test(flavor = "multi_thread")]
async fn applying_again_and_paying_never_leave_both_records() {
    let school = Arc::new(School::with_course(3).await);
    for round in 0..6 {
        let user_id = format!("u{round}");
        let again = school
            .decide(&apply(&format!("again-{round}"), &user_id))
            .await;
        school
            .carry_out(&apply(&format!("apply-{round}"), &user_id))
            .await;
        let paid = school
            .decide(&confirm(&format!("pay-{round}"), &user_id, "pay"))
            .await;
        let (again, paid) = tokio::join!(school.commit(&again), school.commit(&paid));
        assert_eq!((again, paid), (Commit::Moved, Commit::Committed));
        let records = school
            .store
            .student(&id(&user_id), &id("oils"))
            .await
            .expect("they read");
        assert!(records.application.is_none() && records.enrollment.is_some());
        assert_eq!(
            school.rejection(&apply("see", &user_id)).await,
            "ALREADY_ENROLLED"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_thirty_two_who_make_a_charge_one_does() {
    let school = Arc::new(School::with_ada(3).await);
    let attended = school.carry_out(&attend("attend", "ada", "0001")).await;
    assert_eq!(attended.receipt.outcome, Outcome::Applied);
    let charge = Charge {
        amount: 3_334.try_into().expect("in range"),
        kind: ChargeKind::Attended,
        at: id("2026-10-01T18:30:00Z"),
    };
    let tasks = (0..32).map(|_| {
        let school = Arc::clone(&school);
        tokio::spawn(async move {
            let charge_id = ChargeId::of_session(SessionId::from_ordinal(1));
            let made = school
                .store
                .charge(&id("ada"), &id("oils"), &charge_id, &charge)
                .await;
            made.expect("an answer")
        })
    });
    let results = join_all(tasks.collect::<Vec<_>>()).await;
    let made = |result: WriteResult| {
        results
            .iter()
            .filter(|task| task.as_ref().expect("no panic") == &result)
            .count()
    };
    assert_eq!(
        (made(WriteResult::Made), made(WriteResult::MadeBefore)),
        (1, 31)
    );
    let enrollment = school.enrollment("ada").await;
    assert_eq!(
        (i64::from(enrollment.balance), enrollment.sessions_remaining),
        (6_666, 2)
    );
    assert_eq!((enrollment.charges.len(), enrollment.version), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_of_different_sessions_at_the_same_time_are_all_made() {
    let school = Arc::new(School::with_ada(10).await);
    let tasks = (1..=10_u16).map(|n| {
        let school = Arc::clone(&school);
        tokio::spawn(async move {
            let charge_id = ChargeId::of_session(SessionId::from_ordinal(n));
            let kind = if n % 2 == 0 {
                ChargeKind::Skipped
            } else {
                ChargeKind::Attended
            };
            let charge = Charge {
                amount: 1_000.try_into().expect("in range"),
                kind,
                at: id("2026-10-01T18:30:00Z"),
            };
            let made = school
                .store
                .charge(&id("ada"), &id("oils"), &charge_id, &charge)
                .await;
            made.expect("an answer")
        })
    });
    for result in join_all(tasks.collect::<Vec<_>>()).await {
        assert_eq!(result.expect("no panic"), WriteResult::Made);
    }
    let enrollment = school.enrollment("ada").await;
    assert_eq!(
        (i64::from(enrollment.balance), enrollment.sessions_remaining),
        (0, 5)
    );
    assert!(enrollment.is_complete());
}
