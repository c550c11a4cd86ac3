"""Stacks in whatever CloudFormation AWS_ENDPOINT_URL names, or another."""

import re
import sys
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

ROOT = Path(__file__).parent.parent
PREFIX = "school-"


def template(name):
    return (ROOT / "infra/cloudformation" / f"{name}.yaml").read_text()


def deploy(name, prefix=PREFIX, endpoint=None, body=None, **parameters):
    """Creates or updates a stack, waits for it, and returns its outputs."""
    cloudformation = boto3.client("cloudformation", endpoint_url=endpoint)
    stack, body = f"{prefix or PREFIX}{name}", body or template(name)
    stored = re.findall(r"^  (\w+):\n    Type: AWS::SSM::Parameter::Value<", body, re.MULTILINE)
    # Two stacks belong to an account and a network, not to a deployment.
    own = {} if prefix is None else {"Prefix": prefix}
    parameters = {**own, **{name: f"/{prefix}arthouse/{name}" for name in stored}, **parameters}
    request = {
        "StackName": stack,
        "TemplateBody": body,
        "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM"],
    }
    try:
        cloudformation.describe_stacks(StackName=stack)
        kind, call = "update", cloudformation.update_stack
    except ClientError:
        kind, call = "create", cloudformation.create_stack
    call(**request)
    try:
        waiter = cloudformation.get_waiter(f"stack_{kind}_complete")
        waiter.wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    except Exception as error:
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        reasons = [f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}" for e in events if e.get("ResourceStatusReason")]
        sys.exit(f"{stack}: {error}\n" + "\n".join(reasons))
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    made = cloudformation.list_stack_resources(StackName=stack)["StackResourceSummaries"]
    print(f"{kind}d {stack}: {len(made)} resources")
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def delete(name, prefix, endpoint=None):
    """Deletes a stack and waits until it is gone."""
    cloudformation = boto3.client("cloudformation", endpoint_url=endpoint)
    cloudformation.delete_stack(StackName=f"{prefix}{name}")
    waiter = cloudformation.get_waiter("stack_delete_complete")
    waiter.wait(StackName=f"{prefix}{name}", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    print(f"deleted {prefix}{name}")
