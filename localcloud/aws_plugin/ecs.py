"""Amazon ECS. The emulator starts no containers: a service's tasks stay pending."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    URN_TAG,
    ApiResource,
    Property,
    Tagging,
    code,
    declare,
    is_absent,
    plain,
    tag_map,
    urn_tag,
)
from localcloud.aws_plugin.upsert import Upsert
from localcloud.aws_plugin.values import Properties

TAGGING: Final = Tagging("tag_resource", "untag_resource", "list_tags_for_resource", "resourceArn")


def last(name: Any) -> str:
    """The name in an ARN, or the name itself."""
    return str(name).rsplit("/", 1)[-1]


def same_name(one: Any, other: Any) -> bool:
    """Whether two are the same thing, by name or by ARN."""
    return last(one) == last(other)


@register
class Cluster(Upsert):
    token = "aws:ecs/cluster:Cluster"
    service = "ecs"
    id_format = "{arn}"
    properties = declare(
        # By hand: a setting has a name too, and is another parameter.
        name=Property(required=True, replace=True, by_hand=True),
        configuration=Property(),
        serviceConnectDefaults=Property(),
        settings=Property(computed=True, unordered=True),
        tags=TAGS,
    )
    outputs = ("arn",)
    create_call = "create_cluster"
    update_call = "update_cluster"
    read_call = "describe_clusters"
    read_path = "clusters[?status!='INACTIVE'] | [0]"
    delete_call = "delete_cluster"
    tagging = TAGGING

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        if "name" not in inputs:
            return {}
        region, path = inputs.get("region") or cloud.region, f"cluster/{inputs['name']}"
        return {"arn": cloud.arn("ecs", path, region=region, account=cloud.account)}

    def call(self, cloud: Cloud, call: str, values: Any, **fixed: Any) -> Any:
        if call == self.create_call:
            fixed["clusterName"] = values["name"]
        elif call == self.read_call:
            fixed["clusters"] = [values["arn"]]
        else:
            fixed["cluster"] = values["arn"]
        return super().call(cloud, call, values, **fixed)

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        return {
            **super().live(client, found, known),
            "arn": found["clusterArn"],
            "name": found["clusterName"],
        }


_BY_NAME: Final = ("environment", "secrets")


def _normal_containers(text: Any) -> Any:
    containers = []
    for given in json.loads(text or "[]"):
        container = {key: value for key, value in given.items() if value not in (None, [], {})}
        for key in _BY_NAME:
            if key in container:
                container[key] = sorted(container[key], key=lambda item: str(item.get("name")))
        for port in container.get("portMappings", ()):
            if port.get("protocol") == "tcp":
                del port["protocol"]
            # In a task's own network the two are one (awsvpc, which Fargate needs).
            if port.get("hostPort") in (0, port.get("containerPort")):
                del port["hostPort"]
        # ECS API Reference, ContainerDefinition: what these are when they are left out.
        defaults = {"cpu": given.get("cpu") or 0, "essential": _essential(given)}
        containers.append({**plain(container), **defaults})
    return sorted(containers, key=lambda container: str(container.get("name")))


def _essential(container: Any) -> bool:
    return container.get("essential") is not False


def same_containers(one: Any, other: Any) -> bool:
    """Whether two texts define the same containers, once ECS's defaults are filled in."""
    try:
        return bool(_normal_containers(one) == _normal_containers(other))
    except (AttributeError, TypeError, ValueError):
        return bool(one == other)


@register
class TaskDefinition(ApiResource):
    """One revision of a family: every change but of tags makes another one."""

    token = "aws:ecs/taskDefinition:TaskDefinition"
    service = "ecs"
    id_format = "{arn}"
    delete_before_replace = False  # services run the old revision until they are told the new one
    properties = declare(
        family=Property(required=True, replace=True),
        containerDefinitions=Property(
            required=True, replace=True, json=True, by_hand=True, same=same_containers
        ),
        cpu=Property(replace=True),
        ephemeralStorage=Property(replace=True, names={"sizeInGib": "sizeInGiB"}),
        executionRoleArn=Property(replace=True),
        ipcMode=Property(replace=True),
        memory=Property(replace=True),
        networkMode=Property(replace=True, computed=True),
        pidMode=Property(replace=True),
        requiresCompatibilities=Property(replace=True, unordered=True),
        runtimePlatform=Property(replace=True),
        skipDestroy=Property(default=False, by_hand=True, write_only=True),
        taskRoleArn=Property(replace=True),
        volumes=Property(replace=True, unordered=True),
        tags=TAGS,
    )
    outputs = ("arn", "arnWithoutRevision", "revision")
    create_call = "register_task_definition"
    read_call = "describe_task_definition"
    read_path = "taskDefinition.status=='ACTIVE' && taskDefinition || `null`"
    tagging = TAGGING

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        wrong = self._container_problems(inputs["containerDefinitions"])
        if "FARGATE" not in (inputs.get("requiresCompatibilities") or ()):
            return wrong
        wrong += [
            (name, "Fargate needs it for the task as a whole")
            for name in ("cpu", "memory")
            if inputs.get(name) is None
        ]
        if inputs.get("networkMode") != "awsvpc":
            wrong.append(("networkMode", "Fargate knows awsvpc only"))
        return wrong

    @staticmethod
    def _container_problems(text: Any) -> list[tuple[str, str]]:
        containers = json.loads(text) if isinstance(text, str) else [{}]
        if any(map(_essential, containers)):
            return []
        # ECS API Reference, ContainerDefinition: "All tasks must have at least one essential
        # container."
        return [("containerDefinitions", "at least one container must be essential")]

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        if "family" not in inputs:
            return {}
        region, path = inputs.get("region") or cloud.region, f"task-definition/{inputs['family']}"
        arn = cloud.arn("ecs", path, region=region, account=cloud.account)
        return {"arnWithoutRevision": arn}

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        ecs, mark = self.client(cloud, inputs), urn_tag(urn)
        pages = ecs.get_paginator("list_task_definitions").paginate(
            familyPrefix=inputs["family"], status="ACTIVE"
        )
        for arn in [arn for page in pages for arn in page["taskDefinitionArns"]]:
            raw = ecs.list_tags_for_resource(resourceArn=arn)["tags"]
            if {"key": URN_TAG, "value": mark} not in raw:
                continue
            # The predecessor of a replacement carries the mark too, and is not what is wanted.
            state = self.settle(cloud, self.read(cloud, arn, inputs) or {}, inputs)
            if not self.differences(state, inputs, {}) - {"tags"}:
                self.adopt(cloud, arn, inputs, untagged=True)
                return str(arn)
        answer = self.call(
            cloud,
            self.create_call,
            {**inputs, "tags": {**(inputs.get("tags") or {}), URN_TAG: mark}},
            containerDefinitions=json.loads(inputs["containerDefinitions"]),
        )
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def adopt(self, cloud: Cloud, identifier: str, inputs: Properties, *, untagged: bool) -> None:
        """Its mark says whose it is; only the tags can differ by now."""
        live = self.read(cloud, identifier, inputs) or {}
        self.change_tags(cloud, live, inputs)

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        try:
            return super().read(cloud, identifier, known)
        except ClientError as error:
            # ECS has no error of its own for an absent revision.
            if code(error) == "ClientException" and "Unable to describe" in str(error):
                return None
            raise

    def call(self, cloud: Cloud, call: str, values: Any, **fixed: Any) -> Any:
        if call == self.read_call:
            fixed["taskDefinition"] = values["arn"]
        return super().call(cloud, call, values, **fixed)

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        arn = found["taskDefinitionArn"]
        return {
            **super().live(client, found, known),
            "arn": arn,
            "arnWithoutRevision": arn.rsplit(":", 1)[0],
            "revision": found["revision"],
            "containerDefinitions": json.dumps(found["containerDefinitions"], sort_keys=True),
        }

    def read_tags(self, client: Any, live: Any) -> Properties:
        return tag_map(client.list_tags_for_resource(resourceArn=live["arn"])["tags"])

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        if state.get("skipDestroy") or self.read(cloud, identifier, state) is None:
            return
        self.client(cloud, state).deregister_task_definition(taskDefinition=identifier)


_NETWORK: Final = ("subnets", "securityGroups")


@register
class Service(Upsert):
    token = "aws:ecs/service:Service"
    service = "ecs"
    id_format = "{arn}"
    properties = declare(
        name=Property(required=True, replace=True, api="serviceName"),
        cluster=Property(required=True, replace=True, same=same_name),
        availabilityZoneRebalancing=Property(computed=True),
        deploymentCircuitBreaker=Property(by_hand=True),
        deploymentController=Property(default={"type": "ECS"}, replace=True),
        deploymentMaximumPercent=Property(default=200, by_hand=True),
        deploymentMinimumHealthyPercent=Property(default=100, by_hand=True),
        desiredCount=Property(default=0),
        enableEcsManagedTags=Property(default=False),
        enableExecuteCommand=Property(default=False),
        forceDelete=Property(default=False, by_hand=True, write_only=True),
        healthCheckGracePeriodSeconds=Property(default=0),
        launchType=Property(computed=True, replace=True),
        loadBalancers=Property(unordered=True),
        networkConfiguration=Property(by_hand=True, unordered=True),
        platformVersion=Property(computed=True),
        propagateTags=Property(default="NONE"),
        schedulingStrategy=Property(default="REPLICA", replace=True),
        serviceRegistries=Property(),
        taskDefinition=Property(required=True),
        tags=TAGS,
    )
    outputs = ("arn",)
    create_call = "create_service"
    update_call = "update_service"
    read_call = "describe_services"
    read_path = "services[?status!='INACTIVE'] | [0]"
    tagging = TAGGING
    renames: ClassVar = {"elbName": "loadBalancerName"}

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        wrong = []
        network = inputs.get("networkConfiguration")
        if inputs.get("launchType") == "FARGATE" and not network:
            wrong.append(("networkConfiguration", "Fargate needs it"))
        if isinstance(network, dict):
            wrong += [
                (f"networkConfiguration.{name}", "unknown here")
                for name in sorted(set(network) - {*_NETWORK, "assignPublicIp"})
            ]
        if inputs.get("healthCheckGracePeriodSeconds") and not inputs.get("loadBalancers"):
            wrong.append(("healthCheckGracePeriodSeconds", "only with loadBalancers"))
        return wrong

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        if "name" not in inputs or "cluster" not in inputs:
            return {}
        region, path = inputs.get("region") or cloud.region, last(inputs["cluster"])
        arn = cloud.arn(
            "ecs", f"service/{path}/{inputs['name']}", region=region, account=cloud.account
        )
        return {"arn": arn}

    def call(self, cloud: Cloud, call: str, values: Any, **fixed: Any) -> Any:
        if call == self.create_call:
            return super().call(cloud, call, values, **self._nested(values), **fixed)
        cluster, name = values["arn"].rsplit("/", 2)[-2:]
        if call == self.read_call:
            place = {"cluster": cluster, "services": [name]}
        else:
            place = {"cluster": cluster, "service": name, **self._nested(values)}
        without = {key: value for key, value in values.items() if key != "cluster"}
        return super().call(cloud, call, without, **place, **fixed)

    def _nested(self, values: Any) -> dict[str, Any]:
        """The two structures that Pulumi writes flat."""
        breaker = values.get("deploymentCircuitBreaker") or {}
        result: dict[str, Any] = {
            "deploymentConfiguration": {
                "maximumPercent": int(values.get("deploymentMaximumPercent") or 200),
                "minimumHealthyPercent": int(
                    100
                    if values.get("deploymentMinimumHealthyPercent") is None
                    else values["deploymentMinimumHealthyPercent"]
                ),
                "deploymentCircuitBreaker": {
                    "enable": bool(breaker.get("enable")),
                    "rollback": bool(breaker.get("rollback")),
                },
            }
        }
        if network := values.get("networkConfiguration"):
            result["networkConfiguration"] = {
                "awsvpcConfiguration": {
                    **{name: network[name] for name in _NETWORK if network.get(name)},
                    "assignPublicIp": "ENABLED" if network.get("assignPublicIp") else "DISABLED",
                }
            }
        return result

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        deployment = found.get("deploymentConfiguration") or {}
        network = (found.get("networkConfiguration") or {}).get("awsvpcConfiguration")
        live = {
            **super().live(client, found, known),
            "arn": found["serviceArn"],
            "cluster": found["clusterArn"],
            "deploymentMaximumPercent": deployment.get("maximumPercent"),
            "deploymentMinimumHealthyPercent": deployment.get("minimumHealthyPercent"),
            "deploymentCircuitBreaker": deployment.get("deploymentCircuitBreaker"),
        }
        if network:
            public = network.get("assignPublicIp") == "ENABLED"
            live["networkConfiguration"] = {**network, "assignPublicIp": public}
        return live

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        ecs = self.client(cloud, state)
        cluster, name = identifier.rsplit("/", 2)[-2:]
        if self.read(cloud, identifier, state) is None:
            return
        try:
            ecs.update_service(cluster=cluster, service=name, desiredCount=0)
            ecs.delete_service(cluster=cluster, service=name, force=bool(state.get("forceDelete")))
        except ClientError as error:
            if not is_absent(error):
                raise
