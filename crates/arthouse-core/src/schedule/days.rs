//! The days of a recurrence rule (RFC 5545, section 3.3.10). It knows the calendar, and neither clocks nor zones.
//!
//! A rule names the days of a block of the calendar: a week, a month or a year. Blocks of one shape (month, length, first weekday) have the
//! same days, so these are found once a shape. Every walk goes forward from the day asked for and ends with [`LAST_YEAR`], so no rule costs
//! more than the blocks between them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::{Datelike, NaiveDate, Weekday};

/// The first year in which a timetable may start: few zones had clocks in common before.
pub(super) const FIRST_YEAR: i32 = 1900;
/// The last year of which a rule has days.
pub(super) const LAST_YEAR: i32 = 2999;
/// More than the days from [`FIRST_YEAR`] to [`LAST_YEAR`]: longer intervals have one period.
pub(super) const MAX_INTERVAL: u32 = 500_000;

/// How often a rule recurs. Lessons recur daily at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// Numbers from 1 to 366, counted from the front or, negative, from the back.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ordinals {
    front: [u64; 6],
    back: [u64; 6],
}

impl Ordinals {
    pub(super) fn insert(&mut self, number: i16) {
        let bits = if number < 0 {
            &mut self.back
        } else {
            &mut self.front
        };
        let number = usize::from(number.unsigned_abs());
        bits[number / 64] |= 1 << (number % 64);
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn has(&self, from_front: u32, from_back: u32) -> bool {
        let has = |bits: &[u64; 6], n: u32| bits[n as usize / 64] & (1 << (n % 64)) != 0;
        has(&self.front, from_front) || has(&self.back, from_back)
    }

    /// Says whether a list allows a place; a list that is not given allows every one.
    fn allows(&self, from_front: u32, from_back: u32) -> bool {
        self.is_empty() || self.has(from_front, from_back)
    }
}

impl FromIterator<i16> for Ordinals {
    fn from_iter<I: IntoIterator<Item = i16>>(numbers: I) -> Self {
        let mut all = Self::default();
        numbers.into_iter().for_each(|number| all.insert(number));
        all
    }
}

/// The parts of a rule that say on which days it recurs. Each list is empty where the rule does not give it.
#[derive(Clone)]
pub(super) struct Days {
    pub(super) frequency: Frequency,
    pub(super) interval: i32,
    pub(super) week_start: Weekday,
    pub(super) months: Ordinals,
    pub(super) week_numbers: Ordinals,
    pub(super) year_days: Ordinals,
    pub(super) month_days: Ordinals,
    /// `BYDAY` without a number, from Monday.
    pub(super) weekdays: [bool; 7],
    /// `BYDAY` with a number, from Monday.
    pub(super) nth_weekdays: [Ordinals; 7],
    pub(super) positions: Ordinals,
}

/// A run of days in which a rule's days are found at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Week,
    Month,
    Year,
}

/// What the days of a block depend on: the month, the length (of a week in its first month), the first weekday, and for `BYWEEKNO` whether the
/// years before and after are leap years.
type Shape = (u32, u32, u32, bool, bool);

/// The days of a rule from its start on.
pub(super) struct Calendar<'a> {
    days: &'a Days,
    start: NaiveDate,
    /// No block after that of this day is looked at.
    last: NaiveDate,
    shapes: RefCell<BTreeMap<Shape, Rc<[u16]>>>,
}

impl Calendar<'_> {
    /// Returns the days from a day on, and none before the start.
    pub(super) fn from(self, from: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        let from = from.max(self.start);
        self.blocks_from(from)
            .map(move |index| self.block(index))
            .flat_map(|(first, days)| (0..days.len()).map(move |at| on(first, days[at])))
            .filter(move |day| *day >= from)
    }

    /// Counts the days from the start to the day before `end`.
    pub(super) fn count(&self, end: NaiveDate) -> usize {
        let end = end.max(self.start);
        self.blocks_from(self.start)
            .map(|index| self.block(index))
            .take_while(|(first, _)| *first < end)
            .map(|(first, days)| {
                let before = |end: NaiveDate| days.partition_point(|day| on(first, *day) < end);
                let is_whole = days.last().is_some_and(|last| on(first, *last) < end);
                let count = if is_whole { days.len() } else { before(end) };
                let is_after_start = first >= self.start;
                count
                    - if is_after_start {
                        0
                    } else {
                        before(self.start)
                    }
            })
            .sum()
    }

    /// Says whether a day from the start on is one of the rule's.
    pub(super) fn has(&self, day: NaiveDate) -> bool {
        let index = self.blocks_from(day).next();
        index.is_some_and(|index| {
            let (first, days) = self.block(index);
            days.iter().any(|offset| on(first, *offset) == day)
        })
    }

    /// Returns the numbers of the rule's blocks from that of a day on.
    fn blocks_from(&self, from: NaiveDate) -> impl Iterator<Item = i32> + use<> {
        let (block, step) = self.days.block();
        let index = |day| self.days.index(block, day);
        let first = index(self.start);
        let periods = (index(from) - first).max(0);
        let begin = first + (periods + step - 1) / step * step;
        (begin..=index(self.last)).step_by(step as usize)
    }

    /// Returns the first day of a block, and the rule's days as numbers from it.
    fn block(&self, index: i32) -> (NaiveDate, Rc<[u16]>) {
        count_step();
        let (block, step) = self.days.block();
        let first = self.days.first_day(block, index);
        let (shape, length) = self.days.shape(block, first);
        let mut shapes = self.shapes.borrow_mut();
        let days = shapes
            .entry(shape)
            .or_insert_with(|| self.days.of_block(first, length));
        if self.days.interval == step {
            return (first, Rc::clone(days));
        }
        let day = first.num_days_from_ce();
        let in_phase = |offset: &&u16| self.days.in_phase(self.start, day + i32::from(**offset));
        (first, days.iter().filter(in_phase).copied().collect())
    }
}

impl Days {
    /// Takes from the start what the rule leaves open: "information […] necessary to determine the various recurrence instance start
    /// time and dates are derived from the start time".
    pub(super) fn complete(&mut self, start: NaiveDate) {
        let no_weekday =
            self.weekdays == [false; 7] && self.nth_weekdays.iter().all(Ordinals::is_empty);
        let open = no_weekday && self.month_days.is_empty() && self.year_days.is_empty();
        let of_the_year = self.frequency == Frequency::Yearly;
        match self.frequency {
            Frequency::Weekly if no_weekday => self.weekdays[weekday(start)] = true,
            Frequency::Yearly if open && !self.week_numbers.is_empty() => {
                self.weekdays[weekday(start)] = true;
            }
            Frequency::Monthly | Frequency::Yearly if open => {
                self.month_days = [place(start.day())].into_iter().collect();
                if of_the_year && self.months.is_empty() {
                    self.months = [place(start.month())].into_iter().collect();
                }
            }
            Frequency::Daily | Frequency::Weekly | Frequency::Monthly | Frequency::Yearly => {}
        }
    }

    /// Opens the calendar from the rule's start to its end, if it has one.
    pub(super) fn calendar(&self, start: NaiveDate, end: Option<NaiveDate>) -> Calendar<'_> {
        let last = NaiveDate::from_ymd_opt(LAST_YEAR, 12, 31).expect("a date");
        Calendar {
            days: self,
            start,
            last: end.map_or(last, |end| end.min(last)),
            shapes: RefCell::default(),
        }
    }

    /// Returns the block, and how many of them a period is. The days and weeks of a rule without positions are found by the month.
    fn block(&self) -> (Block, i32) {
        match self.frequency {
            Frequency::Weekly if !self.positions.is_empty() => (Block::Week, self.interval),
            Frequency::Daily | Frequency::Weekly => (Block::Month, 1),
            Frequency::Monthly => (Block::Month, self.interval),
            Frequency::Yearly => (Block::Year, self.interval),
        }
    }

    fn index(&self, block: Block, day: NaiveDate) -> i32 {
        match block {
            Block::Week => self.week(day),
            Block::Month => day.year() * 12 + day.month0() as i32,
            Block::Year => day.year(),
        }
    }

    fn first_day(&self, block: Block, index: i32) -> NaiveDate {
        let (year, month) = match block {
            Block::Week => return ce(index * 7 + self.week_origin()),
            Block::Month => (index.div_euclid(12), index.rem_euclid(12) as u32 + 1),
            Block::Year => (index, 1),
        };
        NaiveDate::from_ymd_opt(year, month, 1).expect("the years are within bounds")
    }

    /// Returns the number of the week since the year 1.
    fn week(&self, day: NaiveDate) -> i32 {
        (day.num_days_from_ce() - self.week_origin()).div_euclid(7)
    }

    /// Returns a day on which a week starts; 0001-01-01 was a Monday.
    fn week_origin(&self) -> i32 {
        1 + self.week_start.num_days_from_monday() as i32
    }

    /// Returns what the days of a block depend on, and its length.
    fn shape(&self, block: Block, first: NaiveDate) -> (Shape, u32) {
        let (month, weekday) = (first.month(), first.weekday().num_days_from_monday());
        let by_week = !self.week_numbers.is_empty();
        let is_leap = |year| by_week && year_length(year) == 366;
        let neighbours = (is_leap(first.year() - 1), is_leap(first.year() + 1));
        match block {
            Block::Week => {
                let left_of_month = month_length(first) + 1 - first.day();
                ((month, left_of_month.min(7), weekday, false, false), 7)
            }
            Block::Month | Block::Year => {
                let length = if block == Block::Month {
                    month_length(first)
                } else {
                    year_length(first.year())
                };
                let shape = (month, length, weekday, neighbours.0, neighbours.1);
                (shape, length)
            }
        }
    }

    /// Says whether a day is of a period that the interval allows, where periods are not blocks.
    fn in_phase(&self, start: NaiveDate, day: i32) -> bool {
        let week = |day: i32| (day - self.week_origin()).div_euclid(7);
        let first = start.num_days_from_ce();
        let periods = match self.frequency {
            Frequency::Daily => day - first,
            Frequency::Weekly => week(day) - week(first),
            Frequency::Monthly | Frequency::Yearly => 0,
        };
        periods.rem_euclid(self.interval) == 0
    }

    /// Finds the days of a block, and of a period that is one the positions.
    fn of_block(&self, first: NaiveDate, length: u32) -> Rc<[u16]> {
        let offsets = 0..length as u16;
        let days: Vec<u16> = offsets
            .filter(|offset| {
                count_step();
                self.matches(on(first, *offset))
            })
            .collect();
        let count = days.len() as u32;
        let is_chosen = |at: u32| match self.frequency {
            Frequency::Daily => self.positions.allows(1, 1),
            Frequency::Weekly | Frequency::Monthly | Frequency::Yearly => {
                self.positions.allows(at, count + 1 - at)
            }
        };
        let chosen = (1..).zip(days).filter(|(at, _)| is_chosen(*at));
        chosen.map(|(_, day)| day).collect()
    }

    /// Says whether every list of the rule has the day. The numbers of weekdays count in the month, and in a year without `BYMONTH` in the year.
    fn matches(&self, day: NaiveDate) -> bool {
        let (of_month, of_year) = (day.day(), day.ordinal());
        let (month_length, year_length) = (month_length(day), year_length(day.year()));
        let in_year = self.frequency == Frequency::Yearly && self.months.is_empty();
        let (at, length) = if in_year {
            (of_year, year_length)
        } else {
            (of_month, month_length)
        };
        let any_weekday =
            self.weekdays == [false; 7] && self.nth_weekdays.iter().all(Ordinals::is_empty);
        let weekday = weekday(day);
        self.months.allows(day.month(), 13 - day.month())
            && self
                .month_days
                .allows(of_month, month_length + 1 - of_month)
            && self.year_days.allows(of_year, year_length + 1 - of_year)
            && (any_weekday
                || self.weekdays[weekday]
                || self.nth_weekdays[weekday].has((at - 1) / 7 + 1, (length - at) / 7 + 1))
            && (self.week_numbers.is_empty() || {
                let (number, weeks) = self.week_number(day);
                self.week_numbers.has(number, weeks + 1 - number)
            })
    }

    /// Returns the number of a day's week, and the number of weeks of its year: week 1 is the first with four days in the year.
    fn week_number(&self, day: NaiveDate) -> (u32, u32) {
        let fourth_day = |day| ce(self.week(day) * 7 + self.week_origin() + 3);
        let number = |day| fourth_day(day).ordinal0() / 7 + 1;
        let in_last_week = NaiveDate::from_ymd_opt(fourth_day(day).year(), 12, 28);
        (number(day), number(in_last_week.expect("a date")))
    }
}

fn on(first: NaiveDate, offset: u16) -> NaiveDate {
    first + chrono::Days::new(offset.into())
}

fn ce(day: i32) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(day).expect("the years are within bounds")
}

fn weekday(day: NaiveDate) -> usize {
    day.weekday().num_days_from_monday() as usize
}

fn place(number: u32) -> i16 {
    i16::try_from(number).expect("days and months are small")
}

fn year_length(year: i32) -> u32 {
    if NaiveDate::from_ymd_opt(year, 2, 29).is_some() {
        366
    } else {
        365
    }
}

fn month_length(day: NaiveDate) -> u32 {
    u32::from(day.num_days_in_month())
}

#[cfg(not(test))]
fn count_step() {}

#[cfg(test)]
use steps::count_step;

/// What a test asks about the cost: how many blocks and days were looked at in this thread.
#[cfg(test)]
pub(super) mod steps {
    use std::cell::Cell;

    thread_local! { static STEPS: Cell<u64> = const { Cell::new(0) } }

    pub(super) fn count_step() {
        STEPS.set(STEPS.get() + 1);
    }

    /// Counts the steps of an action.
    pub(crate) fn of<T>(action: impl FnOnce() -> T) -> (T, u64) {
        let before = STEPS.get();
        let result = action();
        (result, STEPS.get() - before)
    }
}
