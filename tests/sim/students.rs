//! Students at random.

use fastrand::Rng;

use crate::school::Command;

/// Students who do as they like, in courses of their own choice.
pub(crate) struct Students {
    courses: u32,
    students: u32,
    sent: Vec<Command>,
    /// Commands that must come first: without them there is little to get wrong.
    first: Vec<Command>,
    count: u32,
}

impl Students {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let (courses, students) = (rng.u32(1..=2), rng.u32(1..=3));
        let mut first = Vec::new();
        for course in 0..courses {
            let (cost, duration) = (rng.i64(1..=10_000), rng.u32(1..=4));
            first.push(Command::course(
                &format!("course-{course}"),
                &name('c', course),
                cost,
                duration,
            ));
        }
        let (user, course) = (name('u', 0), name('c', 0));
        first.push(Command::apply("apply-0", &user, &course));
        first.push(Command::pay("pay-0", &user, &course, "r"));
        first.reverse();
        Self {
            courses,
            students,
            sent: Vec::new(),
            first,
            count: 0,
        }
    }

    /// Two commands about one session at the same time, in groups of their own.
    pub(crate) fn fight(&mut self, rng: &mut Rng) -> (Command, Command) {
        self.count += 1;
        let (one, other) = (
            format!("one-{}", self.count),
            format!("other-{}", self.count),
        );
        let user = name('u', rng.u32(0..self.students));
        let (course, session) = (name('c', rng.u32(0..self.courses)), rng.u32(1..=4));
        let to = format!("2026-04-{:02}T10:00:00Z", rng.u32(1..=28));
        let attends = Command::attend(&one, &user, &course, session).in_group(&one);
        let moves = Command::reschedule(&other, &user, &course, session, &to).in_group(&other);
        (attends, moves)
    }

    /// What nobody can carry out.
    pub(crate) fn mistake(&mut self, rng: &mut Rng) -> Command {
        self.count += 1;
        Command::malformed(&format!("m-{}", self.count), rng.u32(..))
    }

    /// Now and then, another command in the name of one that has its outcome.
    pub(crate) fn impostor(
        &mut self,
        rng: &mut Rng,
        known: impl Fn(&str) -> bool,
    ) -> Option<Command> {
        if rng.u32(0..12) > 0 || self.sent.is_empty() {
            return None;
        }
        self.count += 1;
        let command = &self.sent[rng.usize(0..self.sent.len())];
        known(&command.id).then(|| command.in_its_name(self.count))
    }

    /// What someone does next, if anything.
    pub(crate) fn next(&mut self, rng: &mut Rng) -> Option<Command> {
        self.count += 1;
        let id = format!("k-{}", self.count);
        let user = name('u', rng.u32(0..self.students));
        let course = name('c', rng.u32(0..self.courses));
        let session = rng.u32(1..=4);
        let command = match self.first.pop() {
            Some(first) => first,
            None => match rng.u32(0..14) {
                0 | 1 => Command::apply(&id, &user, &course),
                2 | 3 => Command::pay(&id, &user, &course, "r"),
                4 => Command::pay(&id, &user, &course, &id),
                5..=7 => Command::attend(&id, &user, &course, session),
                8 => Command::skip(&id, &user, &course, session),
                9 | 10 => {
                    let to = format!("2026-03-{:02}T10:00:00Z", rng.u32(1..=28));
                    Command::reschedule(&id, &user, &course, session, &to)
                }
                11 => Command::retitle(&id, &course, &id),
                _ => self
                    .sent
                    .get(rng.usize(0..self.sent.len().max(1)))?
                    .again(self.count),
            },
        };
        self.sent.push(command.clone());
        // Some senders don't know of groups: then nothing but the tables keeps the order.
        if rng.u32(0..8) == 0 {
            return Some(command.in_group(&id));
        }
        Some(command)
    }
}

fn name(kind: char, number: u32) -> String {
    format!("{kind}{number}")
}
