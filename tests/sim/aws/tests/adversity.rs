use std::collections::BTreeSet;

use fastrand::Rng;

use super::traffic::Traffic;
use super::*;

/// Everything goes wrong now and then.
fn everything(rate: f64) -> Adversity {
    let all = Behaviour::ALL.into_iter();
    all.fold(Adversity::none(), |all, behaviour| {
        all.with(behaviour, rate)
    })
}

#[test]
fn a_swarm_is_about_half_of_what_loses_nothing() {
    let swarms: Vec<Adversity> = (0..200)
        .map(|seed| Adversity::swarm(&mut Rng::with_seed(seed), 0.5))
        .collect();
    for behaviour in Behaviour::ALL {
        let rates = swarms.iter().map(|swarm| swarm.rate(behaviour));
        assert!(rates.clone().all(|rate| rate < 0.5));
        let on = rates.filter(|rate| *rate > 0.0).count();
        let expected = if behaviour.loses() { 0..1 } else { 60..140 };
        assert!(expected.contains(&on), "{behaviour:?}: {on}");
    }
}

#[test]
fn a_behaviour_strikes_as_often_as_its_rate_says() {
    let bench = Bench::new(Adversity::none()).with_table();
    bench
        .aws
        .set_adversity(Adversity::none().with(Behaviour::WriteConflict, 0.2));
    let puts =
        (0..1_000).map(|number| bench.reply("DynamoDB_20120810.PutItem", put_request("a", number)));
    let refused = puts.filter(|reply| reply.status == 400).count();
    assert!((150..250).contains(&refused), "{refused}");
    assert_eq!(bench.struck(Behaviour::WriteConflict), refused as u64);
}

#[test]
fn every_behaviour_strikes_in_ordinary_traffic() {
    let mut struck = BTreeSet::new();
    for seed in 0..5 {
        // Some are decided when a stream is made.
        let bench =
            Bench::seeded(seed, everything(0.0).with(Behaviour::ChildrenFirst, 0.5)).with_table();
        let mut traffic = Traffic::new(&bench, seed);
        bench.aws.set_adversity(everything(0.2));
        traffic.run(1_500);
        struck.extend(bench.aws.struck().into_keys());
    }
    assert_eq!(struck, Behaviour::ALL.into());
}

#[test]
fn after_healing_nothing_strikes() {
    let bench = Bench::new(Adversity::none()).with_table();
    let mut traffic = Traffic::new(&bench, 1);
    bench.aws.set_adversity(everything(0.2));
    traffic.run(1_000);
    bench.aws.heal();
    let struck = bench.aws.struck();
    traffic.run(1_000);
    assert_eq!(bench.aws.struck(), struck);
}

#[test]
fn services_at_their_best_refuse_no_more_than_conditions_and_tokens() {
    let bench = Bench::new(Adversity::none()).with_table();
    let mut traffic = Traffic::new(&bench, 1);
    traffic.run(2_000);
    let refusals: BTreeSet<String> = traffic
        .calls
        .iter()
        .filter(|(_, _, reply)| reply.status != 200)
        .map(|(_, _, reply)| kind(reply))
        .collect();
    let expected = [
        "ConditionalCheckFailedException",
        "IdempotentParameterMismatchException",
    ];
    assert_eq!(refusals, expected.map(str::to_owned).into());
}

#[test]
fn the_same_seed_and_calls_give_the_same_bytes() {
    let run = |seed| {
        let bench = Bench::seeded(seed, Adversity::none()).with_table();
        let mut traffic = Traffic::new(&bench, 4);
        bench.aws.set_adversity(everything(0.1));
        traffic.run(2_000);
        format!("{:?}{:?}", traffic.calls, bench.aws.take_commits())
    };
    assert!(run(1) == run(1), "traces differ");
    assert!(run(1) != run(2), "traces don't depend on the seed");
}

#[test]
fn records_that_are_trimmed_by_chance_are_gone() {
    let bench = Bench::with(Behaviour::Trimmed, 1.0).with_table();
    let mut reader = super::reader::Reader::new(&bench);
    bench.put("a", 1);
    let shard = &reader.shards(&bench)[0]["ShardId"];
    let shard = shard.as_str().expect("a shard has an id");
    bench.aws.shard_begun(reader.arn(), shard);
    bench.pass(601);
    bench.put("b", 2);
    reader.sweep(&bench);
    assert_eq!(reader.values(), [("b".to_owned(), vec![2])].into());
    let trimmed = bench.aws.take_trimmed();
    let values = trimmed.iter().map(|it| &it.record["dynamodb"]["NewImage"]);
    assert_eq!(values.count(), 1);
}

#[test]
fn nothing_is_trimmed_by_chance_of_a_shard_that_nobody_has_begun() {
    let bench = Bench::with(Behaviour::Trimmed, 1.0).with_table();
    let mut reader = super::reader::Reader::new(&bench);
    bench.put("a", 1);
    bench.pass(601);
    bench.put("a", 2);
    reader.sweep(&bench);
    assert_eq!(reader.values(), [("a".to_owned(), vec![1, 2])].into());
}
