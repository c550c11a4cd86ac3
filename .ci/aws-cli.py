"""The commands that `.ci/aws-cli` runs, one after another in one process: each with what it must end with."""

import contextlib
import io
import json
import os
import sys

from awscli.clidriver import create_clidriver

URL = os.environ["AWS_ENDPOINT_URL"]
failed = 0


def aws(*words):
    """Runs a command and returns its exit code and what it wrote."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = create_clidriver().main(["--endpoint-url", URL, "--output", "json", *words])
        except SystemExit as end:
            code = end.code
    return code, out.getvalue(), err.getvalue()


def check(good, words, told):
    global failed
    failed += not good
    print(("ok      " if good else "FAILED  ") + " ".join(words)[:150] + ("" if good else "\n    " + told))


def does(service, command, *words):
    """A command that is answered."""
    code, out, err = aws(service, command, *words)
    check(code == 0, (service, command, *words), err)
    return json.loads(out) if out.strip() else {}


def refused(named, service, command, *words):
    """A command that is refused, with this in the error."""
    code, _, err = aws(service, command, *words)
    check(code != 0 and named in err and "Traceback" not in err, (service, command, *words), err)


def unserved(command, *words):
    """A command of DynamoDB that is refused by its name."""
    operation = "".join(part.capitalize() for part in command.split("-"))
    refused("does not serve the operation " + operation, "dynamodb", command, *words)


# SQS
url = does("sqs", "create-queue", "--queue-name", "q", "--attributes", "VisibilityTimeout=30", "--tags", "team=a")["QueueUrl"]
dead = does("sqs", "create-queue", "--queue-name", "dead")["QueueUrl"]
fifo = does("sqs", "create-queue", "--queue-name", "q.fifo", "--attributes", "FifoQueue=true,ContentBasedDeduplication=true")["QueueUrl"]
does("sqs", "get-queue-url", "--queue-name", "q")
assert does("sqs", "list-queues")["QueueUrls"] == sorted([dead, url, fifo])
does("sqs", "list-queues", "--queue-name-prefix", "q", "--max-results", "1")
arn = does("sqs", "get-queue-attributes", "--queue-url", dead, "--attribute-names", "QueueArn")["Attributes"]["QueueArn"]
policy = json.dumps({"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})})
does("sqs", "set-queue-attributes", "--queue-url", url, "--attributes", policy)
does("sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "All")
does("sqs", "list-dead-letter-source-queues", "--queue-url", dead)
does("sqs", "tag-queue", "--queue-url", url, "--tags", "a=b")
does("sqs", "list-queue-tags", "--queue-url", url)
does("sqs", "untag-queue", "--queue-url", url, "--tag-keys", "a")
does("sqs", "send-message", "--queue-url", url, "--message-body", "one")
does("sqs", "send-message", "--queue-url", fifo, "--message-body", "one", "--message-group-id", "g")
does("sqs", "send-message-batch", "--queue-url", url, "--entries", "Id=a,MessageBody=two", "Id=b,MessageBody=three")
got = does("sqs", "receive-message", "--queue-url", url, "--max-number-of-messages", "10", "--attribute-names", "All", "--wait-time-seconds", "1")["Messages"]
handles = [message["ReceiptHandle"] for message in got]
assert len(handles) == 3, got
does("sqs", "change-message-visibility", "--queue-url", url, "--receipt-handle", handles[0], "--visibility-timeout", "0")
does("sqs", "change-message-visibility-batch", "--queue-url", url, "--entries", f"Id=a,ReceiptHandle={handles[1]},VisibilityTimeout=0")
does("sqs", "receive-message", "--queue-url", url, "--max-number-of-messages", "10")
does("sqs", "delete-message", "--queue-url", url, "--receipt-handle", handles[2])
does("sqs", "delete-message-batch", "--queue-url", url, "--entries", f"Id=a,ReceiptHandle={handles[2]}")
does("sqs", "start-message-move-task", "--source-arn", arn)
does("sqs", "list-message-move-tasks", "--source-arn", arn)
refused("InvalidParameterValue", "sqs", "cancel-message-move-task", "--task-handle", "none")
does("sqs", "add-permission", "--queue-url", url, "--label", "l", "--aws-account-ids", "111122223333", "--actions", "SendMessage")
does("sqs", "remove-permission", "--queue-url", url, "--label", "l")
does("sqs", "purge-queue", "--queue-url", url)
does("sqs", "delete-queue", "--queue-url", fifo)
refused("QueueDeletedRecently", "sqs", "create-queue", "--queue-name", "q.fifo", "--attributes", "FifoQueue=true")
refused("NonExistentQueue", "sqs", "get-queue-url", "--queue-name", "none")

# DynamoDB
KEY = '{"pk": {"S": "a"}}'
does("dynamodb", "create-table", "--table-name", "Tab", "--billing-mode", "PAY_PER_REQUEST", "--key-schema", "AttributeName=pk,KeyType=HASH",
     "--attribute-definitions", "AttributeName=pk,AttributeType=S", "--stream-specification", "StreamEnabled=true,StreamViewType=NEW_IMAGE")
does("dynamodb", "wait", "table-exists", "--table-name", "Tab")
table = does("dynamodb", "describe-table", "--table-name", "Tab")["Table"]
assert does("dynamodb", "list-tables")["TableNames"] == ["Tab"]
does("dynamodb", "put-item", "--table-name", "Tab", "--item", '{"pk": {"S": "a"}, "n": {"N": "1"}}')
does("dynamodb", "get-item", "--table-name", "Tab", "--key", KEY, "--consistent-read")
does("dynamodb", "update-item", "--table-name", "Tab", "--key", KEY, "--update-expression", "SET n = n + :one",
     "--expression-attribute-values", '{":one": {"N": "1"}}', "--return-values", "ALL_NEW")
refused("ConditionalCheckFailed", "dynamodb", "put-item", "--table-name", "Tab", "--item", KEY, "--condition-expression", "attribute_not_exists(pk)")
does("dynamodb", "query", "--table-name", "Tab", "--key-condition-expression", "pk = :p", "--expression-attribute-values", '{":p": {"S": "a"}}')
does("dynamodb", "scan", "--table-name", "Tab", "--select", "COUNT")
does("dynamodb", "batch-write-item", "--request-items", json.dumps({"Tab": [{"PutRequest": {"Item": {"pk": {"S": "b"}}}}]}))
does("dynamodb", "batch-get-item", "--request-items", json.dumps({"Tab": {"Keys": [json.loads(KEY)]}}))
does("dynamodb", "transact-write-items", "--transact-items", json.dumps([{"Put": {"TableName": "Tab", "Item": {"pk": {"S": "c"}}}}]))
does("dynamodb", "transact-get-items", "--transact-items", json.dumps([{"Get": {"TableName": "Tab", "Key": json.loads(KEY)}}]))
does("dynamodb", "execute-statement", "--statement", "SELECT * FROM Tab WHERE pk = 'a'")
does("dynamodb", "batch-execute-statement", "--statements", json.dumps([{"Statement": "SELECT * FROM Tab WHERE pk = 'a'"}]))
does("dynamodb", "execute-transaction", "--transact-statements", json.dumps([{"Statement": "DELETE FROM Tab WHERE pk = 'c'"}]))
does("dynamodb", "update-time-to-live", "--table-name", "Tab", "--time-to-live-specification", "Enabled=true,AttributeName=e")
does("dynamodb", "describe-time-to-live", "--table-name", "Tab")
does("dynamodb", "tag-resource", "--resource-arn", table["TableArn"], "--tags", "Key=a,Value=b")
does("dynamodb", "list-tags-of-resource", "--resource-arn", table["TableArn"])
does("dynamodb", "untag-resource", "--resource-arn", table["TableArn"], "--tag-keys", "a")
does("dynamodb", "update-table", "--table-name", "Tab", "--billing-mode", "PROVISIONED", "--provisioned-throughput", "ReadCapacityUnits=1,WriteCapacityUnits=1")
does("dynamodb", "describe-limits")
does("dynamodb", "describe-endpoints")
does("dynamodb", "describe-continuous-backups", "--table-name", "Tab")
unserved("update-continuous-backups", "--table-name", "Tab", "--point-in-time-recovery-specification", "PointInTimeRecoveryEnabled=true")
unserved("create-backup", "--table-name", "Tab", "--backup-name", "backup")
unserved("list-backups")
unserved("restore-table-from-backup", "--target-table-name", "Other", "--backup-arn", "arn:aws:dynamodb:us-east-2:000000000000:table/Tab/backup/01489602797149-73d8d5bc")
unserved("list-global-tables")
unserved("describe-table-replica-auto-scaling", "--table-name", "Tab")
unserved("describe-kinesis-streaming-destination", "--table-name", "Tab")
unserved("export-table-to-point-in-time", "--table-arn", table["TableArn"], "--s3-bucket", "b")
unserved("list-exports")
unserved("list-imports")
unserved("list-contributor-insights")
unserved("get-resource-policy", "--resource-arn", table["TableArn"])

# DynamoDB Streams
stream = does("dynamodbstreams", "list-streams", "--table-name", "Tab")["Streams"][0]["StreamArn"]
assert stream == table["LatestStreamArn"], (stream, table)
shard = does("dynamodbstreams", "describe-stream", "--stream-arn", stream)["StreamDescription"]["Shards"][0]["ShardId"]
iterator = does("dynamodbstreams", "get-shard-iterator", "--stream-arn", stream, "--shard-id", shard, "--shard-iterator-type", "TRIM_HORIZON")["ShardIterator"]
records = does("dynamodbstreams", "get-records", "--shard-iterator", iterator)["Records"]
assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "INSERT", "INSERT", "REMOVE"], records
assert all(record["awsRegion"] == "us-east-2" for record in records), records

does("dynamodb", "delete-item", "--table-name", "Tab", "--key", KEY, "--return-values", "ALL_OLD")
does("dynamodb", "delete-table", "--table-name", "Tab")
refused("ResourceNotFoundException", "dynamodb", "describe-table", "--table-name", "Tab")

# STS
assert does("sts", "get-caller-identity")["Account"] == "000000000000"
refused("sts:GetSessionToken", "sts", "get-session-token")

sys.exit(f"{failed} of these failed" if failed else 0)
