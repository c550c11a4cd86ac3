"""Reads a student's calendar, from the command and from the feed, with a parser that is not ours."""

import json
import os
import sys
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

from icalendar import Calendar

WEB = os.environ["WEB"]


def get(path, **headers):
    request = urllib.request.Request(WEB + path, headers=headers)
    return urllib.request.urlopen(request, timeout=10)


def check(calendar):
    assert calendar["VERSION"] == "2.0" and calendar["PRODID"], calendar
    events = calendar.walk("VEVENT")
    assert events, "there is no event"
    for component in calendar.walk():
        assert not component.errors, component.errors
    uids = [str(event["UID"]) for event in events]
    assert len(set(uids)) == len(uids), uids
    for event in events:
        assert event.decoded("DTEND") - event.decoded("DTSTART") == timedelta(hours=1), event
        assert event.decoded("DTSTART").tzinfo is not None, event
        assert event["LAST-MODIFIED"] and event["DTSTAMP"], event
    return events


printed = Path(sys.argv[1]).read_bytes()
path = json.load(get("/api/me/calendar", Cookie="arthouse_role=student:phone"))["path"]
answer = get(path)
served, tag = answer.read(), answer.headers["ETag"]
assert served == printed, "the feed and the command differ"
events = check(Calendar.from_ical(served))
moved = [event for event in events if event["SEQUENCE"] > 0]
assert moved, "no moved session"
for event in events:
    alarms = event.walk("VALARM")
    assert len(alarms) == (event["STATUS"] == "CONFIRMED" and "scheduled" in event["DESCRIPTION"]), event
for alarm in (alarm for event in events for alarm in event.walk("VALARM")):
    assert alarm.decoded("TRIGGER") == timedelta(hours=-2), alarm
try:
    get(path, **{"If-None-Match": tag})
    raise AssertionError("the feed is sent again")
except urllib.error.HTTPError as error:
    assert error.code == 304, error
print(f"{len(events)} events are right, {len(moved)} of them changed")
