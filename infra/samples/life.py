"""Plays a course's life with boto3 alone, and checks what comes of it.

Needs `pip install boto3` and AWS_ENDPOINT_URL (or a deployment's own region and credentials). It may be run again and again: what was done
before is answered with the same outcome.
"""

import json
import os
import sys
import time
import uuid

import boto3

PREFIX = os.environ.get("ARTHOUSE_PREFIX", "")
COURSE, STUDENT = "printmaking", "boto"

sqs = boto3.client("sqs")
dynamodb = boto3.resource("dynamodb")
run = uuid.uuid4().hex


def queue(name):
    return sqs.get_queue_url(QueueName=f"{PREFIX}{name}")["QueueUrl"]


def table(name):
    return dynamodb.Table(f"{PREFIX}{name}")


def command(kind, data, actor=("admin", "office"), command_id=None):
    command_id = command_id or f"life-{kind}-{data.get('session_id', run)}"
    event = {
        "specversion": "1.0",
        "id": command_id,
        "source": "urn:school:boto3",
        "type": f"com.digitalarthouse.{kind}.v1",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "data": {**data, "actor": {"type": actor[0], "id": actor[1]}},
    }
    sqs.send_message(
        QueueUrl=queue("arthouse-commands.fifo"),
        MessageBody=json.dumps(event),
        MessageGroupId=data.get("user_id", data["course_id"]),
    )
    return f"COMMAND#urn:school:boto3#{command_id}"


def outcome(key):
    for _ in range(300):
        receipt = table("Commands").get_item(Key={"PK": key}, ConsistentRead=True).get("Item")
        if receipt:
            print(f"  {receipt['Type']}: {receipt['Outcome']} {receipt.get('Rejection', '')}")
            return receipt.get("Rejection", "Applied")
        time.sleep(0.1)
    sys.exit(f"no outcome of {key}")


def enrollment():
    key = {"PK": f"USER#{STUDENT}", "SK": f"COURSE#{COURSE}#PAID"}
    return table("UsersCourses").get_item(Key=key, ConsistentRead=True).get("Item", {})


def wait(what, condition):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    sys.exit(f"waited in vain for {what}")


def expect(what, found, *allowed):
    if found not in allowed:
        sys.exit(f"{what}: found {found}, expected {' or '.join(map(str, allowed))}")


def main():
    mine = {"user_id": STUDENT, "course_id": COURSE}
    created = outcome(command("course.create", {
        "course_id": COURSE, "title": "Printmaking", "description": "Lino, ink, press.", "cost": 10000,
        "currency": "GBP", "duration": 3, "payment_method": "card",
        "schedule": "DTSTART;TZID=Europe/London:20260106T190000\nRRULE:FREQ=WEEKLY",
    }))
    expect("course.create", created, "Applied", "COURSE_EXISTS")
    contact = {"name": "Boto Three", "email": "boto@example.com"}
    applied = outcome(command("course.apply", {**mine, "contact_info": contact}, ("student", STUDENT)))
    expect("course.apply", applied, "Applied", "ALREADY_ENROLLED")
    paid = outcome(command("payment.confirm", {**mine, "amount": 10000, "reference": "card-1"}, ("system", "card")))
    expect("payment.confirm", paid, "Applied")
    wait("sessions", lambda: "SessionsInitializedAt" in enrollment())
    session = {**mine, "session_id": "0001"}
    expect("session.attend", outcome(command("session.attend", session, command_id="life-attend")), "Applied")
    session = {**mine, "session_id": "0002"}
    expect("session.skip", outcome(command("session.skip", session, command_id="life-skip")), "Applied")
    session = {**mine, "session_id": "0003", "new_session_date": "2031-03-04T19:00:00Z"}
    moved = outcome(command("session.reschedule", session, ("student", STUDENT), command_id="life-move"))
    expect("session.reschedule", moved, "Applied")
    wait("two charges", lambda: len(enrollment()["Charges"]) == 2)
    item = enrollment()
    expect("balance", int(item["Balance"]), 3333)
    expect("sessions remaining", int(item["SessionsRemaining"]), 2)
    key = {"PK": f"COURSE#{COURSE}", "SK": f"SESSION#0003#USER#{STUDENT}"}
    third = table("Sessions").get_item(Key=key, ConsistentRead=True)["Item"]
    expect("the moved session", third["SessionDate"], "2031-03-04T19:00:00Z")
    expect("its reschedule date", third["RescheduleDate"], third["SessionDate"])
    print(f"balance {item['Balance']} {item['Currency']} of {item['Cost']}, as it should be")


if __name__ == "__main__":
    main()
