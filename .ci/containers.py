"""Deploys the templates for containers, and does with podman what ECS and its scheduler would then do.

Called by `.ci/container` with the program and the image's tag, in a network namespace of its own. Moto has ECS and all that belongs to it;
ministack has the tables and queues, since moto is not made for callers that work at the same time. Each task is what its definition
says: image, command, user, read-only root, memory, processors, health check, time to stop; its credentials come from the address
where ECS has them, for the role of the task. Not played: scaling (moto has its alarms and policies, and never acts) and the agent
beside the stream processor.
"""

import concurrent.futures
import http.server
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
import warnings
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

import resources
from stacks import PREFIX, ROOT, deploy

PROGRAM, IMAGE = sys.argv[1:]
WORK = Path(os.environ["WORK"])
GATEWAY = "10.88.0.1"  # podman's bridge
CREDENTIALS = "169.254.170.2"  # where ECS has the credentials of tasks
CLUSTER = f"{PREFIX}arthouse"
SERVICES = [f"{PREFIX}arthouse-worker", f"{PREFIX}arthouse-streams"]
# Which types moto does not make; ministack makes them in `.ci/infra`.
NOT_MADE = {"AWS::SQS::QueuePolicy"}
STUDENTS = 40


def podman(*arguments, check=True):
    ended = subprocess.run(["podman", *arguments], text=True, capture_output=True)
    if check and ended.returncode:
        sys.exit(f"podman {' '.join(arguments)}: {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended


def until(what, holds, seconds=60):
    """Waits until something holds."""
    for _ in range(seconds * 5):
        if holds():
            return
        time.sleep(0.2)
    sys.exit(f"{what}: not within {seconds} seconds")


class Credentials(http.server.BaseHTTPRequestHandler):
    """What a task finds at the address of its credentials: those of its role, for an hour."""

    def do_GET(self):
        found = boto3.client("sts").assume_role(RoleArn=self.path.removeprefix("/"), RoleSessionName="task")["Credentials"]
        body = json.dumps({
            "AccessKeyId": found["AccessKeyId"],
            "SecretAccessKey": found["SecretAccessKey"],
            "Token": found["SessionToken"],
            "Expiration": found["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Task:
    """A running task, as far as the container `arthouse` goes."""

    running = []
    count = 0

    def __init__(self, definition, command=None):
        Task.count += 1
        self.name = f"{definition['family']}-{definition['revision']}-{Task.count}"
        self.definition = definition
        self.container = container = definition["containerDefinitions"][0]
        if container["name"] != "arthouse":
            sys.exit(f"{definition['family']}: the first container is {container['name']}")
        environment = {pair["name"]: pair["value"] for pair in container["environment"]}
        environment["AWS_ENDPOINT_URL"] = DATA.replace("127.0.0.1", GATEWAY)
        # What ECS sets in every task: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-environment-variables.html
        environment["AWS_EXECUTION_ENV"] = "AWS_ECS_FARGATE"
        environment["AWS_REGION"] = environment["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"]
        environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = f"/{definition['taskRoleArn']}"
        podman(
            "run", "--detach", "--name", self.name, "--pull", "never", "--no-hosts",
            *("--cpus", str(int(definition["cpu"]) / 1024), "--memory", f"{definition['memory']}m"),
            *("--user", container["user"], f"--read-only={str(container['readonlyRootFilesystem']).lower()}", "--read-only-tmpfs=false"),
            *(f"--env={name}={value}" for name, value in environment.items()),
            container["image"], *(command or container["command"]),
        )  # fmt: skip
        Task.running.append(self)

    def logs(self):
        ended = podman("logs", self.name)
        return ended.stdout + ended.stderr

    def state(self):
        return json.loads(podman("inspect", "--format", "{{json .State}}", self.name).stdout)

    def is_healthy(self):
        """Runs the health check of the definition in the container."""
        if self.state()["Status"] != "running":
            sys.exit(f"{self.name} does not run\n{self.logs()}")
        kind, *command = self.container["healthCheck"]["command"]
        assert kind == "CMD", kind
        return podman("exec", self.name, *command, check=False).returncode == 0

    def end(self):
        """Waits until a task has ended by itself, and returns what it said."""
        until(f"{self.name} ends", lambda: self.state()["Status"] == "exited", 120)
        return self.ended()

    def stop(self):
        """SIGTERM, and SIGKILL when the definition's time is over."""
        podman("stop", "--time", str(self.container["stopTimeout"]), self.name)
        return self.ended()

    def ended(self):
        code, logs = self.state()["ExitCode"], self.logs()
        Task.running.remove(self)
        podman("rm", self.name)
        if code:
            sys.exit(f"{self.name} ended with {code}\n{logs}")
        return logs


def definition(arn):
    return boto3.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]


def start_services():
    """Starts as many tasks of each service as it or its scaling wants, by its present definition, and waits until their health checks pass."""
    described = boto3.client("ecs").describe_services(cluster=CLUSTER, services=SERVICES)["services"]
    targets = boto3.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    least = {target["ResourceId"].rsplit("/", 1)[1]: target["MinCapacity"] for target in targets}
    tasks = []
    for service in described:
        mine = [Task(definition(service["taskDefinition"])) for _ in range(least.get(service["serviceName"], service["desiredCount"]))]
        tasks += mine
        print(f"{service['serviceName']}: {len(mine)} tasks of {mine[0].container['image']}")
    for task in tasks:
        until(f"{task.name} is healthy", task.is_healthy)
    return tasks


def run_schedules():
    """Runs what the scheduler would start, once."""
    scheduler = boto3.client("scheduler")
    said = {}
    for summary in scheduler.list_schedules()["Schedules"]:
        schedule = scheduler.get_schedule(Name=summary["Name"])
        target = schedule["Target"]
        assert target["Arn"].endswith(f"cluster/{CLUSTER}"), target
        (override,) = json.loads(target["Input"])["containerOverrides"]
        assert override["name"] == "arthouse", override
        log = Task(definition(target["EcsParameters"]["TaskDefinitionArn"]), override["command"]).end()
        said[schedule["Description"]] = log
    return said


def check_scaling():
    """The scaling is there, and what starts it names what it is to start."""
    scaling, cloudwatch = boto3.client("application-autoscaling"), boto3.client("cloudwatch")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert target["ResourceId"] == f"service/{CLUSTER}/{PREFIX}arthouse-worker", target
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 20), target
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    metrics = {it["Id"]: it for it in tracking["CustomizedMetricSpecification"]["Metrics"]}
    names = lambda id: {it["Value"] for it in metrics[id]["MetricStat"]["Metric"]["Dimensions"]}  # noqa: E731
    assert names("waiting") == {f"{PREFIX}arthouse-commands.fifo"}, metrics
    assert names("tasks") == {CLUSTER, f"{PREFIX}arthouse-worker"}, metrics
    assert [id for id, it in metrics.items() if it["ReturnData"]] == ["backlog"], metrics
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    assert any(alarm["MetricName"] == "ApproximateAgeOfOldestMessage" for alarm in alarms), alarms
    print(f"scaling: {tracking['TargetValue']} waiting commands a worker; {len(alarms)} alarms")


def check_metrics(task):
    """What the agent beside a stream processor is told to read is there, under the names that it is told to take."""
    agent = task.definition["containerDefinitions"][1]
    told = {pair["name"]: pair["value"] for pair in agent["environment"]}
    port = re.search(r'targets: \["127\.0\.0\.1:(\d+)"\]', told["PROMETHEUS_CONFIG_CONTENT"]).group(1)
    (declared,) = json.loads(told["CW_CONFIG_CONTENT"])["logs"]["metrics_collected"]["prometheus"]["emf_processor"]["metric_declaration"]
    address = podman("inspect", "--format", "{{.NetworkSettings.IPAddress}}", task.name).stdout.strip()
    with urllib.request.urlopen(f"http://{address}:{port}/metrics", timeout=10) as answer:
        names = set(re.findall(r"^(\w+)[ {]", answer.read().decode(), re.MULTILINE))
    for selector in declared["metric_selectors"]:
        wanted = re.fullmatch(r"\^(\w+)\((.*)\)\$", selector)
        wanted = {wanted.group(1) + name for name in wanted.group(2).split("|")}
        assert wanted <= names, (wanted, names)
        print(f"metrics for the agent: {sorted(wanted)}")


def live():
    """A course's life by a client that is not ours."""
    subprocess.run([sys.executable, ROOT / "infra/samples/life.py"], env={**os.environ, "AWS_ENDPOINT_URL": DATA, "ARTHOUSE_PREFIX": PREFIX}, check=True, timeout=120)


def send(file):
    """Posts the commands of a file and waits for their outcomes, in a process of its own."""
    command = [PROGRAM, "send", "--prefix", PREFIX, "--file", file, "--wait", "--timeout", "180s"]
    return subprocess.Popen(command, env={**os.environ, "AWS_ENDPOINT_URL": DATA}, stdout=subprocess.PIPE, text=True)


def sent(sender):
    """Expects that all that was posted was applied."""
    said, _ = sender.communicate(timeout=200)
    if sender.returncode:
        sys.exit(f"the sender ended with {sender.returncode}\n{said}")
    print(said.splitlines()[-1])


def start_load():
    """Posts what `ada.ndjson` holds for each of many students."""
    samples = ROOT / "infra/samples"
    sent(send(samples / "catalogue.ndjson"))
    life = (samples / "ada.ndjson").read_text()
    load = WORK / "load.ndjson"
    load.write_text("".join(re.sub(r"\bada\b", f"student-{n}", life) for n in range(STUDENTS)))
    return send(load)


def release(number):
    """Puts the image of a release, which differs by a label, where tasks look for it; returns its digest."""
    sts = boto3.client("sts")
    repository = f"{sts.get_caller_identity()['Account']}.dkr.ecr.{sts.meta.region_name}.amazonaws.com/arthouse"
    context = WORK / f"release-{number}"
    context.mkdir()
    (context / "Containerfile").write_text(f"FROM {IMAGE}\n")
    name = f"{repository}:{number}"
    podman("build", "--quiet", "--format", "docker", "--label", f"release={number}", "--tag", name, str(context))
    return podman("image", "inspect", "--format", "{{.Digest}}", name).stdout.strip()


def upgrade(old, settings):
    """A release, as ECS deploys it: new tasks first; then the old ones get SIGTERM, here while both have commands in hand."""
    digest = release(2)
    deploy("compute-containers", ImageDigest=digest, **settings)
    new = start_services()
    assert all(task.container["image"].endswith(f"/arthouse@{digest}") for task in new), new
    table = boto3.resource("dynamodb", endpoint_url=DATA).Table(f"{PREFIX}Commands")
    receipts = lambda: table.scan(Select="COUNT")["Count"]  # noqa: E731
    sender = start_load()
    before = receipts()
    until("the first commands are carried out", lambda: receipts() > before + 10)
    print(f"{receipts() - before} commands are carried out when the old tasks are told to stop")
    with concurrent.futures.ThreadPoolExecutor() as threads:
        drained = list(threads.map(Task.stop, old))
    assert all("has ended" in log for log in drained), drained
    sent(sender)
    return new


def start_ministack():
    """Starts the emulator of tables and queues, and returns its endpoint and its process."""
    log = WORK / "ministack.log"
    settings = {"BIND_HOST": "0.0.0.0", "GATEWAY_PORT": "0", "IOT_MTLS_ENABLED": "0"}
    with log.open("w") as out:
        process = subprocess.Popen([sys.executable, "-m", "ministack"], env={**os.environ, **settings}, stdout=out, stderr=out)
    found = lambda: re.search(r"Running on http://[\d.]+:(\d+)", log.read_text())  # noqa: E731
    until("ministack is up", found)
    return f"http://127.0.0.1:{found().group(1)}", process


def start_moto():
    """Starts the emulator of all else, and the address where tasks find their credentials."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    logging.getLogger("moto").setLevel(logging.ERROR)
    port = server.get_host_and_port()[1]
    subprocess.run(["ip", "address", "add", f"{CREDENTIALS}/32", "dev", "lo"], check=True)
    credentials = http.server.ThreadingHTTPServer((CREDENTIALS, 80), Credentials)
    threading.Thread(target=credentials.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{port}"


def main():
    unsupported = set()
    warnings.showwarning = lambda message, *_, **__: unsupported.update(re.findall(r"Tried to parse (\S+)", str(message)))
    warnings.simplefilter("always")
    types = resources.learn()
    os.environ["AWS_ENDPOINT_URL"] = start_moto()
    ec2 = boto3.client("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
    settings = {"VpcId": ec2.describe_vpcs()["Vpcs"][0]["VpcId"], "SubnetIds": ",".join(subnets[:2])}
    settings["AgentDigest"] = f"sha256:{64 * '0'}"  # it is not run
    built_for = podman("image", "inspect", "--format", "{{.Architecture}}", IMAGE).stdout.strip()
    settings["CpuArchitecture"] = {"amd64": "X86_64", "arm64": "ARM64"}[built_for]
    for name in ["data", "messaging", "roles"]:
        deploy(name)
    deploy("compute-containers", ImageDigest=release(1), **settings)
    deploy("observability", Compute="containers")
    if unsupported != NOT_MADE:
        sys.exit(f"moto has not made {unsupported}, where {NOT_MADE} is expected")
    print(f"{len(types)} types of resources made by calls of their services")
    check_scaling()
    try:
        for name in ["data", "messaging"]:
            deploy(name, endpoint=DATA)
        tasks = start_services()
        live()
        check_metrics(next(task for task in tasks if "streams" in task.name))
        tasks = upgrade(tasks, settings)
        for what, log in run_schedules().items():
            print(f"{what}: {log.splitlines()[-1]}")
        for task in list(Task.running):
            task.stop()
        print("all tasks have drained")
    finally:
        for task in list(Task.running):
            podman("rm", "--force", task.name, check=False)
        ministack.kill()
        ministack.wait()


DATA, ministack = start_ministack()
main()
