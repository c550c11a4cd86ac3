#!/usr/bin/env python3
"""Recurrence rules with their dates by python-dateutil, which shares no code with the project's expander.

    rules.py SEED COUNT        prints COUNT lines "START RULE [DATE...]", the first dates within 30 years of the start

The rules keep to what RFC 5545 allows and the school takes: lessons recur daily at most. Where dateutil is known not to follow
section 3.3.10, the rule is given to it in other words that mean the same, or the start is chosen so that it makes no difference:

- BYWEEKNO without a day means the weekday of DTSTART ("information, not contained in the rule, […] derived from DTSTART");
  dateutil takes the whole week. It is given that weekday.
- BYSETPOS counts in the whole period, also before DTSTART (the example "third instance into the month of one of Tuesday, Wednesday, or
  Thursday" of section 3.8.5.3 starts on the third); dateutil counts in the first week from DTSTART. Weekly rules with BYSETPOS start on WKST.
- BYDAY is a list of days with and without numbers, and each stands for itself; dateutil wants a day to be in both kinds. The two kinds are
  not mixed here; a test of the project mixes them.
- A week belongs to the year that has four days of it, and -1 is that year's last week (ISO 8601). dateutil counts the weeks of the year before
  by the length of the year itself, so that 2039-01-02 is not in week 52, and does not count from the back in the days of the next year's first
  week. BYWEEKNO keeps to -51 to 51 here; tests of the project have the rest.
"""
import random
import sys
import warnings
from datetime import datetime, timedelta

from dateutil.rrule import rrulestr

WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
DATES = 8
YEARS = 30


def some(rng, values, most=4):
    values = list(values)
    return rng.sample(values, rng.randint(1, min(most, len(values))))


def signed(rng, top, most=4):
    return [n * rng.choice((1, 1, -1)) for n in some(rng, range(1, top + 1), most)]


def text(name, values):
    return [f"{name}={','.join(map(str, values))}"]


def rule(rng):
    """Returns a start, a rule, and the same rule in dateutil's words."""
    start = datetime(rng.randint(1990, 2040), 1, 1) + timedelta(days=rng.randint(0, 365), seconds=rng.randint(0, 86399))
    frequency = rng.choice(["DAILY", "WEEKLY", "MONTHLY", "MONTHLY", "YEARLY", "YEARLY"])
    parts, other = [], []
    chance = lambda p: rng.random() < p
    if chance(0.5):
        parts += text("INTERVAL", [rng.choice([2, 3, 4, 5, 7, 10, 13, 24, 53])])
    week_start = 0
    if chance(0.4):
        week_start = rng.randrange(7)
        parts += text("WKST", [WEEKDAYS[week_start]])
    if chance(0.35):
        parts += text("BYMONTH", some(rng, range(1, 13)))
    week_numbers = frequency == "YEARLY" and chance(0.3)
    if week_numbers:
        parts += text("BYWEEKNO", [n for n in signed(rng, 53) if abs(n) <= 51] or [1])
    days = False
    if frequency == "YEARLY" and chance(0.25):
        days = True
        parts += text("BYYEARDAY", signed(rng, 366, 12))
    if frequency != "WEEKLY" and chance(0.35):
        days = True
        parts += text("BYMONTHDAY", signed(rng, 31, 8))
    if chance(0.5):
        days = True
        names = some(rng, WEEKDAYS)
        if frequency in ("MONTHLY", "YEARLY") and not week_numbers and chance(0.6):
            top = 5 if frequency == "MONTHLY" or any(p.startswith("BYMONTH=") for p in parts) else 53
            names = [f"{rng.choice(['', '+', '-'])}{rng.randint(1, top)}{name}" for name in names]
        parts += text("BYDAY", names)
    if week_numbers and not days:
        other += text("BYDAY", [WEEKDAYS[start.weekday()]])
    for name, top in (("BYHOUR", 23), ("BYMINUTE", 59), ("BYSECOND", 59)):
        if chance(0.07):
            parts += text(name, [rng.randint(0, top)])
    if any(p.startswith("BY") for p in parts) and chance(0.3):
        top = {"DAILY": 1, "WEEKLY": 3, "MONTHLY": 8, "YEARLY": 30}[frequency]
        parts += text("BYSETPOS", signed(rng, top, 3))
        if frequency == "WEEKLY":
            start -= timedelta(days=(start.weekday() - week_start) % 7)
    end = rng.random()
    if end < 0.2:
        parts += text("COUNT", [rng.randint(1, 9)])
    elif end < 0.4:
        until = start + timedelta(days=rng.randint(0, 3000))
        parts += text("UNTIL", [until.strftime("%Y%m%dT%H%M%SZ")])
    parts.insert(rng.randrange(len(parts) + 1), f"FREQ={frequency}")
    return start, ";".join(parts), ";".join(parts + other).replace("Z", "")


def written(date):
    return date.strftime("%Y%m%dT%H%M%S")


def dates(start, theirs):
    end = f"{start.year + YEARS}{written(start)[4:]}"
    found = []
    for date in rrulestr(theirs, dtstart=start):
        if written(date) > end or len(found) == DATES:
            break
        found.append(written(date))
    return found


def main(seed, count):
    warnings.simplefilter("ignore")
    rng = random.Random(seed)
    for _ in range(count):
        start, ours, theirs = rule(rng)
        # A rule without dates is followed to its end only.
        if "UNTIL" not in theirs and "COUNT" not in theirs:
            theirs += f";UNTIL={start.year + YEARS + 1}0101T000000"
        print(written(start), ours, *dates(start, theirs))


main(int(sys.argv[1]), int(sys.argv[2]))
