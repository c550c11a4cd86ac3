"""Moves a deployment from containers to functions and back while commands are in flight.

Ministack has tables, queues and functions, and runs the functions by the mappings of their stack. Moto has the stack of containers, whose
types ministack does not know; what its services say is run here, as ECS would run it. Called by `.ci/infra`.
"""

import contextlib
import logging
import os
import re
import subprocess
import time
import warnings
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

import resources
from programs import PROGRAM, daemon, live
from stacks import ROOT, delete, deploy

MOVING = "moving-"
STUDENTS = 60
# They are not run: the tasks are processes.
IMAGES = {"ImageDigest": f"sha256:{64 * '0'}", "AgentDigest": f"sha256:{64 * '1'}"}


class Containers:
    """The stack of containers, and the tasks that it wants."""

    def __init__(self, environment):
        self.types = resources.learn()
        warnings.simplefilter("error")  # moto only warns of types that it does not know
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        self.moto = "http://{}:{}".format(*server.get_host_and_port())
        self.environment = environment
        for name in ["data", "roles"]:
            self.deploy(name)
        ec2 = boto3.client("ec2", endpoint_url=self.moto)
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        self.settings = {"VpcId": ec2.describe_vpcs()["Vpcs"][0]["VpcId"], "SubnetIds": ",".join(subnets[:2])}

    def deploy(self, name, **parameters):
        # Resources that moto makes by calls of its services find it by the environment.
        elsewhere, os.environ["AWS_ENDPOINT_URL"] = os.environ["AWS_ENDPOINT_URL"], self.moto
        try:
            deploy(name, MOVING, **parameters)
        finally:
            os.environ["AWS_ENDPOINT_URL"] = elsewhere

    @contextlib.contextmanager
    def running(self):
        """Has the stack and its tasks until the end of the block; then the tasks drain and the stack is gone."""
        self.deploy("compute-containers", **IMAGES, **self.settings)
        self.deploy("observability", Compute="containers")
        ecs, scaling = (boto3.client(name, endpoint_url=self.moto) for name in ["ecs", "application-autoscaling"])
        cluster = f"{MOVING}arthouse"
        services = [f"{cluster}-worker", f"{cluster}-streams"]
        targets = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
        least = {target["ResourceId"].rsplit("/", 1)[1]: target["MinCapacity"] for target in targets}
        with contextlib.ExitStack() as tasks:
            for service in ecs.describe_services(cluster=cluster, services=services)["services"]:
                definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
                container = definition["containerDefinitions"][0]
                environment = {it["name"]: it["value"] for it in container["environment"]} | self.environment
                (command,) = container["command"]
                wanted = least.get(service["serviceName"], service["desiredCount"])
                for number in range(wanted):
                    tasks.enter_context(daemon(command, environment, number))
                print(f"{service['serviceName']}: {wanted} tasks")
            yield
        delete("compute-containers", MOVING, self.moto)


class Load:
    """The commands of many students, posted by a process of its own that waits for their outcomes."""

    def __init__(self, name, environment):
        self.environment = {**os.environ, **environment}
        life = (ROOT / "infra/samples/ada.ndjson").read_text()
        file = Path(os.environ["WORK"]) / f"{name}.ndjson"
        file.write_text("".join(re.sub(r"\bada\b", f"{name}-{n}", life) for n in range(STUDENTS)))
        self.count = len(file.read_text().splitlines())
        self.sender = subprocess.Popen(self.command(file), env=self.environment, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def command(file):
        return [PROGRAM, "send", "--file", file, "--wait", "--timeout", "120s"]

    def is_in_flight(self):
        return self.sender.poll() is None

    def end(self):
        said, _ = self.sender.communicate(timeout=200)
        if self.sender.returncode:
            raise SystemExit(f"not all commands were applied\n{said}")
        print(said.splitlines()[-1])


def receipts():
    table = boto3.resource("dynamodb").Table(f"{MOVING}Commands")
    return table.scan(Select="COUNT")["Count"]


def some_more():
    """Waits until some commands were carried out from now on."""
    before = receipts()
    for _ in range(300):
        if receipts() > before + STUDENTS // 2:
            return
        time.sleep(0.1)
    raise SystemExit("no commands are carried out")


def overlap(load):
    """Expects that commands are carried out now, and that others are left when this ends."""
    some_more()
    if not load.is_in_flight():
        raise SystemExit("all commands were carried out before the move was over: raise STUDENTS")
    print(f"{receipts()} commands have their outcome, others are in flight")


def move(functions):
    """Moves there and back; `functions` are the settings of the stack of functions."""
    outputs = deploy("data", MOVING) | deploy("messaging", MOVING)
    deploy("roles", MOVING)
    environment = dict(pair.split("=", 1) for pair in outputs["Environment"].split())
    containers = Containers(environment)
    with containers.running():
        catalogue = Load.command(ROOT / "infra/samples/catalogue.ndjson")
        subprocess.run(catalogue, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)
        load = Load("there", environment)
        overlap(load)
        # Both forms work side by side for a while.
        deploy("compute-lambda", MOVING, **functions)
        containers.deploy("observability", Compute="lambda")
        overlap(load)
    load.end()
    load = Load("alone", environment)
    load.end()
    print("the functions alone have carried commands out")
    load = Load("back", environment)
    with containers.running():
        overlap(load)
        delete("compute-lambda", MOVING)
        overlap(load)
        load.end()
        live(environment)
