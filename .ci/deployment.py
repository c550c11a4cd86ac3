"""Deploys the templates into an emulator of CloudFormation and lives a course's life on what they made.

Called by `.ci/infra` with the built programs and the emulator's endpoint in AWS_ENDPOINT_URL.
"""

import io
import json
import os
import platform
import re
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import boto3

from move import move
from programs import arthouse, daemon, live
from stacks import PREFIX, deploy, template

FUNCTION = Path(sys.argv[2])
OTHER, FUNCTIONS = "other-", "functions-"

# What this emulator's CloudFormation does not make of a template, though its DynamoDB has it; tests/infra compares these.
NOT_MADE_BY_THE_EMULATOR = {"encryption", "expiry", "backups"}
# What differs from queue to queue or from moment to moment.
CHANGING = {"QueueArn", "CreatedTimestamp", "LastModifiedTimestamp"}

dynamodb = boto3.client("dynamodb")
sqs = boto3.client("sqs")


def ours(tags):
    """Leaves out the tags that CloudFormation puts on by itself."""
    return {key: value for key, value in tags if not key.startswith("aws:cloudformation:")}


def tables(prefix):
    """Says what each table is like, by its name without the prefix."""
    found = {}
    for name in dynamodb.list_tables()["TableNames"]:
        if not name.startswith(prefix):
            continue
        table = dynamodb.describe_table(TableName=name)["Table"]
        expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        indexes = table.get("GlobalSecondaryIndexes") or []
        found[name.removeprefix(prefix)] = {
            "attributes": sorted((a["AttributeName"], a["AttributeType"]) for a in table["AttributeDefinitions"]),
            "backups": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
            "billing": table["BillingModeSummary"]["BillingMode"],
            # The emulator keeps a parameter's text where DynamoDB has a flag.
            "deletion protection": str(table["DeletionProtectionEnabled"]).lower() == "true",
            "encryption": table.get("SSEDescription", {}).get("Status"),
            "expiry": expiry.get("AttributeName"),
            "indexes": [(i["IndexName"], i["KeySchema"], i["Projection"]) for i in indexes],
            "key": table["KeySchema"],
            "stream": table.get("StreamSpecification", {}).get("StreamViewType"),
            "tags": ours((tag["Key"], tag["Value"]) for tag in dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]),
        }
    return found


def queues(prefix):
    """Says what each queue is like, by its name without the prefix."""
    found = {}
    for url in sqs.list_queues(QueueNamePrefix=prefix).get("QueueUrls", []):
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        facts = {
            name: json.loads(value.replace(prefix, "")) if value.startswith("{") else value
            for name, value in attributes.items()
            if name not in CHANGING and not name.startswith("ApproximateNumber")
        }
        facts["tags"] = ours(sqs.list_queue_tags(QueueUrl=url).get("Tags", {}).items())
        found[url.rsplit("/", 1)[-1].removeprefix(prefix)] = facts
    return found


def compare(kind, of_stack, of_command, excused):
    """Compares attribute by attribute; what is excused must differ, or the excuse is out of date."""
    if of_stack.keys() != of_command.keys():
        sys.exit(f"{kind}: the stack made {sorted(of_stack)}, `arthouse provision` {sorted(of_command)}")
    different, compared = set(), 0
    for name, facts in of_stack.items():
        for attribute in sorted(facts.keys() | of_command[name].keys()):
            mine, theirs = facts.get(attribute), of_command[name].get(attribute)
            compared += 1
            if mine != theirs:
                different.add(attribute)
                if attribute not in excused:
                    sys.exit(f"{kind} {name}: {attribute} is {mine} by the stack, {theirs} by `arthouse provision`")
    if different != excused:
        sys.exit(f"{kind}: the emulator makes {sorted(excused - different)} after all: compare it")
    print(f"{kind}: {len(of_stack)} compared with those of `arthouse provision`, {compared} attributes; not made by the emulator: {sorted(excused)}")


def serves_metrics(log):
    """The agent beside a stream processor finds the metrics that alarms need, under the names that it is told."""
    address = re.search(r"127\.0\.0\.1:\d+", log.read_text()).group()
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    for name in ["dynamo_streams_trim_headroom_seconds", "dynamo_streams_leases_taken_total"]:
        if not re.search(rf"^{name}(\{{.*\}})? ", text, re.MULTILINE):
            sys.exit(f"{name} is not among the metrics\n{text}")
    print(f"{address}/metrics has what alarms need")


def package():
    """Packs the functions' program as the README has it and puts it into a bucket; returns the bucket and the key."""
    bucket, key, bootstrap, code = f"{FUNCTIONS}code", "release-1.zip", Path(os.environ["WORK"]) / "bootstrap", io.BytesIO()
    subprocess.run(["strip", "-o", bootstrap, FUNCTION], check=True)
    with zipfile.ZipFile(code, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(bootstrap, "bootstrap")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    s3.put_object(Bucket=bucket, Key=key, Body=code.getvalue())
    print(f"the functions' package: {code.tell() / 1e6:.1f} MB")
    return bucket, key


def run_schedules():
    """Runs what the scheduler would start, once."""
    scheduler, functions = boto3.client("scheduler"), boto3.client("lambda")
    for summary in scheduler.list_schedules(NamePrefix=FUNCTIONS)["Schedules"]:
        target = scheduler.get_schedule(Name=summary["Name"])["Target"]
        answer = functions.invoke(FunctionName=target["Arn"], Payload=target["Input"])
        said = answer["Payload"].read().decode()
        if "FunctionError" in answer:
            sys.exit(f"{summary['Name']}: {said}")
        print(f"{target['Input']}: {said}")


def attached(stack, role):
    """The managed policies that a stack's role has."""
    resources = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=role)
    name = resources["StackResourceDetail"]["PhysicalResourceId"]
    return {it["PolicyArn"] for it in boto3.client("iam").list_attached_role_policies(RoleName=name)["AttachedPolicies"]}


def replace_a_policy(settings):
    """An upgrade that replaces a policy which roles of another stack have: its description can't be changed in place."""
    before = attached(f"{FUNCTIONS}compute-lambda", "ReactionsRole")
    described = "Description: Digital Art House - react to changes"
    body = template("roles").replace(described, f"{described}, as of the next release")
    deploy("roles", FUNCTIONS, body=body)
    if attached(f"{FUNCTIONS}compute-lambda", "ReactionsRole") != before:
        sys.exit("the role has lost a policy before its own stack was updated")
    deploy("compute-lambda", FUNCTIONS, **settings)
    after = attached(f"{FUNCTIONS}compute-lambda", "ReactionsRole")
    if len(before - after) != 1 or len(after - before) != 1:
        sys.exit(f"after the upgrade the role has {sorted(after)}, before it had {sorted(before)}")
    print(f"an upgrade has replaced {before - after} with {after - before}")


def released():
    """The version of the function that the mapping from the queue calls, and the code that it has."""
    functions = boto3.client("lambda")
    name = f"{FUNCTIONS}arthouse-commands"
    (mapping,) = functions.list_event_source_mappings(FunctionName=f"{name}:live")["EventSourceMappings"]
    assert mapping["FunctionArn"].endswith(f"{name}:live"), mapping
    version = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    return version, functions.get_function(FunctionName=name, Qualifier=version)["Configuration"]["Description"]


def release_again(settings):
    """A release under a new key: the alias goes on to a version of its own."""
    before = released()
    s3 = boto3.client("s3")
    source, key = {"Bucket": settings["CodeBucket"], "Key": settings["CodeKey"]}, "release-2.zip"
    s3.copy_object(Bucket=settings["CodeBucket"], Key=key, CopySource=source)
    deploy("compute-lambda", FUNCTIONS, **{**settings, "CodeKey": key})
    after = released()
    if (before[1], after[1]) != (settings["CodeKey"], key) or before[0] == after[0]:
        sys.exit(f"after the release the alias is at {after}, before it was at {before}")
    print(f"a release has moved the alias from {before} to {after}")


def surroundings():
    """The stacks around containers: repositories for images, and endpoints in a network."""
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{n}.0/24")["Subnet"]["SubnetId"] for n in range(2)]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    deploy("images", prefix=None)
    deploy("endpoints", prefix=None, VpcId=vpc, VpcCidr="10.1.0.0/16", SubnetIds=",".join(subnets), RouteTableIds=table)
    services = {it["ServiceName"].rsplit(f"{ec2.meta.region_name}.")[-1] for it in ec2.describe_vpc_endpoints()["VpcEndpoints"]}
    if services != {"dynamodb", "dynamodb-streams", "ecr.api", "ecr.dkr", "logs", "s3", "sqs"}:
        sys.exit(f"there are endpoints of {services}")


def restore():
    """Restores the tables under another prefix as the manual has it, and expects the same records of them."""
    again = "again-"
    names = ["Courses", "UsersCourses", "Sessions", "Commands"]
    for name in names:
        dynamodb.restore_table_to_point_in_time(SourceTableName=PREFIX + name, TargetTableName=again + name, UseLatestRestorableTime=True)
    for name in ["UsersCourses", "Sessions"]:
        dynamodb.get_waiter("table_exists").wait(TableName=again + name)
        dynamodb.update_table(TableName=again + name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    for command in ["provision", "reconcile", "audit"]:
        said = arthouse("--prefix", again, command)
    count = lambda prefix: [dynamodb.scan(TableName=prefix + name, Select="COUNT")["Count"] for name in names]  # noqa: E731
    if count(again) != count(PREFIX):
        sys.exit(f"there are {count(again)} records after the restoration, {count(PREFIX)} before")
    print(f"restored: {said.strip()}")


def live_by_functions():
    """The same life once more, on stacks of its own where only functions work: called by the emulator, from queue and streams."""
    outputs = deploy("data", FUNCTIONS)
    outputs |= deploy("messaging", FUNCTIONS)
    deploy("roles", FUNCTIONS)
    bucket, key = package()
    architecture = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
    # The emulator has no CodeDeploy.
    settings = {"CodeBucket": bucket, "CodeKey": key, "Architecture": architecture, "Deployment": "AllAtOnce"}
    deploy("compute-lambda", FUNCTIONS, **settings)
    environment = dict(pair.split("=", 1) for pair in outputs["Environment"].split())
    live(environment)
    run_schedules()
    replace_a_policy(settings)
    release_again(settings)
    live(environment)
    return settings


def main():
    arthouse("--prefix", OTHER, "provision")
    outputs = deploy("data")
    outputs |= deploy("messaging")
    environment = dict(pair.split("=", 1) for pair in outputs["Environment"].split())
    compare("tables", tables(PREFIX), tables(OTHER), NOT_MADE_BY_THE_EMULATOR)
    compare("queues", queues(PREFIX), queues(OTHER), set())
    with daemon("worker", environment), daemon("streams", environment) as streams:
        live(environment)
        serves_metrics(streams)
        # The stack is updated while it is in use.
        site = "arn:aws:iam::000000000000:role/site"
        deploy("messaging", ProducerArns=site)
        asked = {"QueueUrl": outputs["CommandsQueueUrl"], "AttributeNames": ["Policy"]}
        policy = sqs.get_queue_attributes(**asked)["Attributes"]["Policy"]
        if site not in policy:
            sys.exit(f"after the update, the queue's policy is {policy}")
        live(environment)
    restore()
    surroundings()
    move(live_by_functions())


main()
