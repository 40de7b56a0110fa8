"""Task definitions compare as ECS means them; services and clusters as AWS guards them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.ecs import same_containers
from localcloud.aws_plugin.registry import handler
from tests.localcloud.aws_plugin.service_examples import cluster, containers, service, task
from tests.localcloud.aws_plugin.test_life import make, ready, urn
from tests.localcloud.aws_plugin.test_patches import refused


def changed(**more: Any) -> str:
    return json.dumps([{**containers[0], **more}])


def test_defaults_and_order_make_no_other_containers() -> None:
    text = json.dumps(containers)
    full = [
        {"containerPort": 19120, "hostPort": 19120, "protocol": "tcp"},
    ]
    environment = [{"value": "1", "name": "A"}, {"value": "2", "name": "B"}]
    assert same_containers(
        text, changed(mountPoints=[], volumesFrom=[], portMappings=full, environment=environment)
    )
    left_out = {name: value for name, value in containers[0].items() if name != "cpu"}
    assert same_containers(text, json.dumps([{**left_out, "essential": None}]))
    for more in (
        {"image": "nessie:1"},
        {"essential": False},
        {"cpu": 256},
        {"environment": [{"name": "A", "value": "2"}]},
        {"portMappings": [{"containerPort": 19120, "protocol": "udp"}]},
        {"readonlyRootFilesystem": False},
    ):
        assert not same_containers(text, changed(**more))
    assert not same_containers(text, "[]")


def test_a_change_makes_a_revision_beside_the_old_one(cloud: Cloud) -> None:
    resource = handler(task.token)
    first, state = make(cloud, task)
    wanted = {**task.inputs, "containerDefinitions": changed(image="nessie:1")}
    assert resource.differences(state, wanted, task.inputs) == {"containerDefinitions"}
    assert not resource.delete_before_replace
    second, after = resource.create(cloud, urn(task.token), wanted)
    assert after["revision"] == state["revision"] + 1
    assert after["arnWithoutRevision"] == first.rsplit(":", 1)[0]
    resource.remove(cloud, first, state)
    assert resource.read(cloud, first, state) is None
    assert resource.read(cloud, second, after) is not None
    there = cloud.client("ecs").describe_task_definition(taskDefinition=first)["taskDefinition"]
    assert there["status"] == "INACTIVE"


def test_a_definition_that_skips_destruction_stays_active(cloud: Cloud) -> None:
    arn, state = make(cloud, replace(task, inputs={**task.inputs, "skipDestroy": True}))
    handler(task.token).remove(cloud, arn, state)
    assert handler(task.token).read(cloud, arn, state) is not None


@pytest.mark.parametrize("missing", ["cpu", "memory", "networkMode"])
def test_fargate_needs_what_it_needs(missing: str) -> None:
    inputs = {name: value for name, value in task.inputs.items() if name != missing}
    assert [name for name, _ in handler(task.token).check(inputs)] == [missing]


@pytest.mark.parametrize("given", ["[]", changed(essential=False)])
def test_a_task_needs_an_essential_container(given: str) -> None:
    inputs = {**task.inputs, "containerDefinitions": given}
    assert [name for name, _ in handler(task.token).check(inputs)] == ["containerDefinitions"]


def test_a_service_needs_a_load_balancer_behind_its_target_group(cloud: Cloud) -> None:
    without_rule = replace(service, needs=service.needs[:-1])  # no listener forwards to it
    alone = ready(cloud, without_rule)
    refused(
        lambda: handler(service.token).create(cloud, urn(service.token), alone.inputs),
        "InvalidParameterException",
    )


def test_a_service_needs_a_registry_that_exists(cloud: Cloud) -> None:
    inputs = ready(cloud, service).inputs
    arn = inputs["serviceRegistries"]["registryArn"]
    cloud.client("servicediscovery").delete_service(Id=arn.rsplit("/", 1)[-1])
    refused(
        lambda: handler(service.token).create(cloud, urn(service.token), inputs),
        "InvalidParameterException",
    )


def test_a_cluster_with_services_stays(cloud: Cloud) -> None:
    arn, state = make(cloud, service)
    place = state["cluster"]
    refused(cloud.client("ecs").delete_cluster, "ClusterContainsServicesException", cluster=place)
    handler(service.token).remove(cloud, arn, state)
    handler(cluster.token).remove(cloud, place, {})
    assert handler(cluster.token).read(cloud, place, {}) is None


def test_a_hand_changed_service_is_drift(cloud: Cloud) -> None:
    arn, state = make(cloud, service)
    cloud.client("ecs").update_service(
        cluster=state["cluster"], service=state["name"], enableExecuteCommand=True
    )
    resource = handler(service.token)
    now = resource.settle(cloud, resource.read(cloud, arn, state) or {}, state)
    assert {name for name in now if now[name] != state.get(name)} == {"enableExecuteCommand"}
