"""Sends one command and waits for its outcome.

    python producer.py ID TYPE DATA

Needs `pip install boto3`. Ends with 0 if the command was applied, with 3 if it was rejected, with 4 if nothing was heard of it.
"""

import json
import os
import sys
import time
import uuid
from datetime import datetime, timezone

import boto3

SOURCE = "urn:school:python"
PREFIX = os.environ.get("ARTHOUSE_PREFIX", "")
ATTEMPTS, PATIENCE = 4, 5
# How often a payment is sent that overtakes its application, and how long it waits each time; real payments may wait for hours.
PAYMENTS, PAUSE = 8, 2

sqs = boto3.client("sqs")


def queue(name):
    return sqs.get_queue_url(QueueName=f"{PREFIX}arthouse-{name}.fifo")["QueueUrl"]


def command(command_id, kind, data):
    """One CloudEvent. What is repeated must be the same, its id and its data: the time may differ."""
    return {
        "specversion": "1.0",
        "id": command_id,
        "source": SOURCE,
        "type": f"com.digitalarthouse.{kind}.v1",
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "correlationid": command_id,
        "data": data,
    }


def send(event, attempt):
    # SQS drops repeats of a body for five minutes; one that is to be answered again must get past that.
    past = {"MessageDeduplicationId": str(uuid.uuid4())} if attempt > 1 else {}
    sqs.send_message(
        QueueUrl=queue("commands"),
        MessageBody=json.dumps(event),
        # Commands of one student are carried out in their order.
        MessageGroupId=event["data"].get("user_id", event["data"]["course_id"]),
        **past,
    )


def outcome(event):
    """Waits for the outcome with our correlation; what is for others is left to them."""
    outcomes, until = queue("outcomes"), time.monotonic() + PATIENCE
    while (left := until - time.monotonic()) > 0:
        received = sqs.receive_message(
            QueueUrl=outcomes, MaxNumberOfMessages=10, WaitTimeSeconds=round(left)
        )
        found = None
        for message in received.get("Messages", []):
            told, receipt = json.loads(message["Body"]), message["ReceiptHandle"]
            if told["correlationid"] == event["correlationid"] and told["data"]["command_source"] == SOURCE:
                sqs.delete_message(QueueUrl=outcomes, ReceiptHandle=receipt)
                found = told
            else:
                sqs.change_message_visibility(QueueUrl=outcomes, ReceiptHandle=receipt, VisibilityTimeout=1)
        if found:
            return found
    return None


def carry_out(event):
    """Sends a command until its outcome is heard; all attempts have one id, so that it is carried out once."""
    for attempt in range(1, ATTEMPTS + 1):
        send(event, attempt)
        if told := outcome(event):
            return told
    return None


def main(command_id, kind, data):
    told = carry_out(command(command_id, kind, json.loads(data)))
    for payment in range(2, PAYMENTS + 1):
        if not told or told["data"].get("code") != "APPLICATION_NOT_FOUND":
            break
        # The payment overtook its application. A rejection is for good, so it needs a new id; its reference stays.
        time.sleep(PAUSE)
        told = carry_out(command(f"{command_id}-{payment}", kind, json.loads(data)))
    if not told:
        return 4
    print(json.dumps(told["data"]))
    return 0 if told["type"] == "com.digitalarthouse.command.applied.v1" else 3


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
