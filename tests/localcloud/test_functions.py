"""Functions that really run: as whom, with what, how they fail, and what ends them."""

from __future__ import annotations

import base64
import io
import json
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError

from localcloud.emulator import lifecycle
from localcloud.emulator.lifecycle import Record
from localcloud.paths import Layout
from localcloud.processes import wait_until
from localcloud.shell import ACCESS_KEY_ID, SECRET_ACCESS_KEY

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("functions")]

ACCOUNT, REGION = "123456789012", "us-east-1"
PATIENCE = 30  # seconds


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


class Cloud:
    """A running emulator with a role that functions may have, told apart by their names."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.endpoint = lifecycle.ensure(lambda _: None, layout).endpoint
        self.trust = policy(Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
        iam = self.client("iam")
        iam.create_role(RoleName="worker", Path="/a/", AssumeRolePolicyDocument=self.trust)
        grants = policy(Action=["logs:*", "sqs:*", "sns:*"], Resource="*")
        iam.put_role_policy(RoleName="worker", PolicyName="grants", PolicyDocument=grants)
        self.functions = self.client("lambda")

    def client(self, service: str) -> Any:
        session: Any = boto3.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint)

    def make(self, name: str, code: str, **more: Any) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("inner/code.py", code)
        wanted = {
            "Role": f"arn:aws:iam::{ACCOUNT}:role/a/worker",
            "Runtime": "python3.13",
            "Handler": "inner.code.handle",
            "Timeout": 20,
            **more,
        }
        self.functions.create_function(
            FunctionName=name, Code={"ZipFile": packed.getvalue()}, **wanted
        )

    def call(self, name: str, event: Any = None, **how: Any) -> tuple[Any, Any]:
        answer = self.functions.invoke(FunctionName=name, Payload=json.dumps(event), **how)
        text = answer["Payload"].read()
        return answer, json.loads(text) if text else None

    def queue(self, name: str) -> str:
        return str(self.client("sqs").create_queue(QueueName=name)["QueueUrl"])

    def message(self, queue: str, seconds: int = PATIENCE) -> Any:
        """The next message of the queue; None when none comes."""
        sqs, ends = self.client("sqs"), time.monotonic() + seconds
        while time.monotonic() < ends:
            found = sqs.receive_message(
                QueueUrl=queue, MessageAttributeNames=["All"], WaitTimeSeconds=1
            ).get("Messages")
            if found:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=found[0]["ReceiptHandle"])
                return found[0]
        return None

    def log(self, group: str) -> list[str]:
        try:
            events = self.client("logs").filter_log_events(logGroupName=group)["events"]
        except ClientError:  # no group yet
            return []
        return [event["message"] for event in events]

    @property
    def children(self) -> list[psutil.Process]:
        record = Record.read(self.layout.cloud)
        assert record
        return psutil.Process(record.process.pid).children(recursive=True)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    layout = Layout(tmp_path_factory.mktemp("functions"))
    yield Cloud(layout)
    lifecycle.stop(layout)


@pytest.fixture
def another(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One that the test may end."""
    layout = Layout(tmp_path_factory.mktemp("another"))
    yield Cloud(layout)
    lifecycle.stop(layout)


def test_a_function_acts_as_its_role_with_what_lambda_gives_it(cloud: Cloud) -> None:
    cloud.make(
        "who",
        "import os, boto3\n"
        "def handle(event, context):\n"
        "    print('was called')\n"
        "    return {'who': boto3.client('sts').get_caller_identity()['Arn'],\n"
        "            'keys': [os.environ[name] for name in ('AWS_ACCESS_KEY_ID',\n"
        "                     'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN')],\n"
        "            'event': event, 'colour': os.environ['COLOUR'],\n"
        "            'function': context.invoked_function_arn,\n"
        "            'left': 0 < context.get_remaining_time_in_millis() <= 20000,\n"
        "            'foreign': sorted(n for n in os.environ if n.startswith('PULUMI'))}\n",
        Environment={"Variables": {"COLOUR": "red"}},
        LoggingConfig={"LogGroup": "/lake/who"},
    )
    answer, result = cloud.call("who", {"a": [1]}, LogType="Tail")
    assert "FunctionError" not in answer, result
    keys = result.pop("keys")
    assert result == {
        "who": f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/who",
        "event": {"a": [1]},
        "colour": "red",
        "function": arn("lambda", "function:who"),
        "left": True,
        "foreign": [],
    }
    assert "was called" in cloud.log("/lake/who")
    assert "was called" in base64.b64decode(answer["LogResult"]).decode()
    # They end with the invocation.
    session: Any = boto3.Session(keys[0], keys[1], keys[2], region_name=REGION)
    after = session.client("sts", endpoint_url=cloud.endpoint).get_caller_identity()["Arn"]
    assert "worker" not in after


def test_only_the_sdk_and_the_functions_own_files_can_be_imported(cloud: Cloud) -> None:
    cloud.make("imports", "import pulumi\ndef handle(event, context):\n    return 1\n")
    answer, result = cloud.call("imports")
    assert answer["FunctionError"] == "Unhandled"
    assert result["errorType"] == "Runtime.ImportModuleError"
    assert "pulumi" in result["errorMessage"]


def test_errors_exits_and_timeouts_are_told_apart(cloud: Cloud) -> None:
    cloud.make(
        "fails",
        "import os, time\n"
        "def handle(event, context):\n"
        "    if event == 'exit': os._exit(3)\n"
        "    if event == 'sleep': time.sleep(60)\n"
        "    raise ValueError('the reason')\n",
        Timeout=2,
    )
    answer, raised = cloud.call("fails", "raise")
    assert answer["FunctionError"] == "Unhandled"
    assert (raised["errorType"], raised["errorMessage"]) == ("ValueError", "the reason")
    assert "exit status 3" in cloud.call("fails", "exit")[1]["errorMessage"]
    assert "timed out after 2.00 seconds" in cloud.call("fails", "sleep")[1]["errorMessage"]
    assert cloud.children == []
    assert any("ValueError: the reason" in line for line in cloud.log("/aws/lambda/fails"))


@pytest.mark.parametrize("retries", [0, 1])
def test_a_failing_event_is_tried_again_as_configured_and_then_a_dead_letter(
    cloud: Cloud, retries: int
) -> None:
    name = f"dead-{retries}"
    queue = cloud.queue(name)
    cloud.make(
        name,
        "def handle(event, context):\n    raise ValueError('the reason')\n",
        DeadLetterConfig={"TargetArn": arn("sqs", name)},
    )
    cloud.functions.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=retries
    )
    answer, _ = cloud.call(name, {"n": 7}, InvocationType="Event")
    assert answer["StatusCode"] == 202
    letter = cloud.message(queue)
    assert json.loads(letter["Body"]) == {"n": 7}
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert told["ErrorMessage"] == "the reason"
    starts = [line for line in cloud.log(f"/aws/lambda/{name}") if line.startswith("START")]
    assert len(starts) == 1 + retries
    # Each attempt is of the one request.
    assert {line.split()[2] for line in starts} == {told["RequestID"]}


def test_a_slow_function_holds_nobody_up(cloud: Cloud) -> None:
    cloud.make("slow", "import time\ndef handle(event, context):\n    time.sleep(5)\n")
    cloud.call("slow", InvocationType="Event")
    assert wait_until(lambda: bool(cloud.children), PATIENCE)
    began = time.monotonic()
    cloud.client("iam").list_roles()
    assert time.monotonic() - began < 2
    assert cloud.children


def test_a_log_group_delivers_only_to_a_function_that_permits_it(cloud: Cloud) -> None:
    logs, queue = cloud.client("logs"), cloud.queue("delivered")
    logs.create_log_group(logGroupName="/lake/trail")
    logs.create_log_stream(logGroupName="/lake/trail", logStreamName="one")
    cloud.make(
        "router",
        "import base64, gzip, json, boto3\n"
        "def handle(event, context):\n"
        "    text = gzip.decompress(base64.b64decode(event['awslogs']['data'])).decode()\n"
        f"    boto3.client('sqs').send_message(QueueUrl={queue!r}, MessageBody=text)\n",
    )
    place: dict[str, Any] = {"logGroupName": "/lake/trail", "filterName": "router"}
    wanted = {**place, "filterPattern": "", "destinationArn": arn("lambda", "function:router")}
    permission: dict[str, Any] = {
        "FunctionName": "router",
        "StatementId": "logs",
        "Action": "lambda:InvokeFunction",
        "Principal": "logs.amazonaws.com",
        "SourceAccount": ACCOUNT,
    }

    def put(text: str) -> None:
        event = {"timestamp": int(time.time() * 1000), "message": text}
        logs.put_log_events(logGroupName="/lake/trail", logStreamName="one", logEvents=[event])

    refuse = "Make sure you have given CloudWatch Logs permission"
    with pytest.raises(ClientError, match=refuse):
        logs.put_subscription_filter(**wanted)
    cloud.functions.add_permission(
        **permission, SourceArn=f"{arn('logs', 'log-group:/lake/other')}:*"
    )
    with pytest.raises(ClientError, match=refuse):
        logs.put_subscription_filter(**wanted)
    cloud.functions.remove_permission(FunctionName="router", StatementId="logs")
    cloud.functions.add_permission(
        **permission, SourceArn=f"{arn('logs', 'log-group:/lake/trail')}:*"
    )
    logs.put_subscription_filter(**wanted)
    put("first")
    seen = json.loads(cloud.message(queue)["Body"])
    assert [event["message"] for event in seen.pop("logEvents")] == ["first"]
    assert seen == {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": "/lake/trail",
        "logStream": "one",
        "subscriptionFilters": ["router"],
    }
    cloud.functions.remove_permission(FunctionName="router", StatementId="logs")
    put("second")
    assert cloud.message(queue, seconds=4) is None


def test_what_cannot_work_is_refused(cloud: Cloud) -> None:
    code = "def handle(event, context):\n    return 1\n"

    def refused(match: str, **more: Any) -> None:
        with pytest.raises(ClientError, match=match):
            cloud.make("refused", code, **more)

    refused("functions in Python only, not nodejs22.x", Runtime="nodejs22.x")
    refused("without layers", Layers=[arn("lambda", "layer:a:1")])
    refused("as Text only", LoggingConfig={"LogFormat": "JSON"})
    network = {"SubnetIds": ["subnet-1"]}
    refused("must coexist", VpcConfig=network)
    network["SecurityGroupIds"] = ["sg-1"]
    refused("permissions to call CreateNetworkInterface", VpcConfig=network)
    wide = policy(Action="ec2:*", Resource="*")
    iam = cloud.client("iam")
    iam.put_role_policy(RoleName="worker", PolicyName="network", PolicyDocument=wide)
    refused("The subnet ID 'subnet-1' does not exist", VpcConfig=network)
    network["SubnetIds"] = [cloud.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]]
    refused("The security group 'sg-1' does not exist", VpcConfig=network)
    refused("target ARN .* is invalid", DeadLetterConfig={"TargetArn": arn("events", "a")})
    for name, service in (("stranger", "ecs-tasks"), ("poor", "lambda")):
        trust = policy(Action="sts:AssumeRole", Principal={"Service": f"{service}.amazonaws.com"})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    refused("cannot be assumed by Lambda", Role=f"arn:aws:iam::{ACCOUNT}:role/stranger")
    refused(
        "permissions to call SendMessage on SQS",
        Role=f"arn:aws:iam::{ACCOUNT}:role/poor",
        DeadLetterConfig={"TargetArn": arn("sqs", "a")},
    )
    with pytest.raises(ClientError, match="Function not found"):
        cloud.functions.get_function(FunctionName="refused")


def test_a_refused_update_changes_nothing(cloud: Cloud) -> None:
    cloud.make("kept", "def handle(event, context):\n    return 'old'\n")
    with pytest.raises(ClientError, match="Could not unzip"):
        cloud.functions.update_function_code(FunctionName="kept", ZipFile=b"no zip")
    with pytest.raises(ClientError, match="Python only"):
        cloud.functions.update_function_configuration(
            FunctionName="kept", Runtime="ruby3.3", Description="new"
        )
    kept = cloud.functions.get_function_configuration(FunctionName="kept")
    assert (kept["Runtime"], kept["Description"]) == ("python3.13", "")
    assert cloud.call("kept")[1] == "old"


def test_a_role_that_may_not_log_leaves_no_log(cloud: Cloud) -> None:
    cloud.client("iam").create_role(RoleName="silent", AssumeRolePolicyDocument=cloud.trust)
    cloud.make(
        "silent",
        "def handle(event, context):\n    print('unheard')\n",
        Role=f"arn:aws:iam::{ACCOUNT}:role/silent",
    )
    assert "FunctionError" not in cloud.call("silent")[0]
    assert cloud.log("/aws/lambda/silent") == []


@pytest.mark.parametrize(
    "end",
    [
        lambda cloud: lifecycle.stop(cloud.layout),
        lambda cloud: cloud.children[0].parent().send_signal(signal.SIGKILL),
    ],
    ids=["stopped", "killed"],
)
def test_what_runs_ends_with_the_cloud(another: Cloud, end: Callable[[Cloud], Any]) -> None:
    another.make(
        "sleeps", "import time\ndef handle(event, context):\n    time.sleep(60)\n", Timeout=90
    )
    for _ in range(2):
        another.call("sleeps", InvocationType="Event")
    assert wait_until(lambda: len(another.children) == 2, PATIENCE)
    running = another.children
    began = time.monotonic()
    end(another)
    gone = wait_until(
        lambda: all(
            not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in running
        ),
        PATIENCE,
    )
    assert gone
    assert time.monotonic() - began < 4  # before anybody's patience ended
