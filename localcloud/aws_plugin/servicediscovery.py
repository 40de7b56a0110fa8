"""AWS Cloud Map: where services find each other by name.

The emulator starts no tasks, so no service has instances and no name an address.
"""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    ApiResource,
    Property,
    ResourceError,
    Tagging,
    declare,
    is_absent,
    plain,
)
from localcloud.aws_plugin.values import Properties

TAGGING: Final = Tagging("tag_resource", "untag_resource", "list_tags_for_resource", "ResourceARN")


class Named(ApiResource):
    """What has an id of Cloud Map's, and a name that its place holds once."""

    service = "servicediscovery"
    id_format = "{id}"
    list_call: str
    place: str
    tagging = TAGGING

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        client = self.client(cloud, inputs)
        pages = client.get_paginator(self.list_call).paginate()
        listed = pages.build_full_result()[self.place]
        for identifier in [one["Id"] for one in listed if one["Name"] == inputs["name"]]:
            there = self.read(cloud, identifier, inputs)
            if there is not None and self.same_place(there, inputs):
                self.adopt(cloud, identifier, inputs, untagged=False)
                return str(identifier)
        return super().make(cloud, urn, inputs)

    def same_place(self, there: Properties, inputs: Properties) -> bool:
        """Whether two of a name are one and the same."""
        raise NotImplementedError


def done(client: Any, answer: Any) -> dict[str, str]:
    """What an operation made, by kind. The emulator does it at once.

    Raises ResourceError when it failed.
    """
    operation = client.get_operation(OperationId=answer["OperationId"])["Operation"]
    if operation["Status"] != "SUCCESS":
        raise ResourceError(f"Cloud Map: {operation.get('ErrorMessage', operation['Status'])}")
    targets: dict[str, str] = operation["Targets"]
    return targets


@register
class PrivateDnsNamespace(Named):
    """Names that are known within one VPC: a private zone of Route 53, which Cloud Map keeps."""

    token = "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace"
    properties = declare(
        name=Property(required=True, replace=True),
        description=Property(),
        vpc=Property(required=True, replace=True),
        tags=TAGS,
    )
    outputs = ("arn", "hostedZone")
    create_call = "create_private_dns_namespace"
    read_call = "get_namespace"
    read_path = "Namespace"
    create_path = "@"
    delete_call = "delete_namespace"
    list_call, place = "list_namespaces", "Namespaces"

    def same_place(self, there: Properties, inputs: Properties) -> bool:
        return bool(there.get("vpc") == inputs["vpc"])

    def call(self, cloud: Cloud, call: str, values: Any, **fixed: Any) -> Any:
        answer = super().call(cloud, call, values, **fixed)
        if call == self.create_call:
            return {"id": done(self.client(cloud, values), answer)["NAMESPACE"]}
        return answer

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        live = super().read(cloud, identifier, known)
        if live is None:
            return None
        try:
            zone = cloud.client("route53").get_hosted_zone(Id=live["hostedZone"])
        except ClientError as error:
            if not is_absent(error):
                raise
            return live  # without its VPC: that is drift
        # Cloud Map does not tell; its zone does.
        live["vpc"] = next((vpc["VPCId"] for vpc in zone.get("VPCs", ())), None)
        return live

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        return {
            **super().live(client, found, known),
            "hostedZone": found["Properties"]["DnsProperties"]["HostedZoneId"],
        }

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        super().change(cloud, identifier, state, inputs, what & {"tags"})
        if "description" in what:
            client = self.client(cloud, inputs)
            change = {"Description": inputs.get("description") or ""}
            done(client, client.update_private_dns_namespace(Id=identifier, Namespace=change))


def _same_dns(one: Any, other: Any) -> bool:
    def normal(config: Any) -> Any:
        # Cloud Map API Reference, DnsConfig: what it is when it is left out.
        return plain({"routingPolicy": "MULTIVALUE", **config} if config else {}, unordered=True)

    return bool(normal(one) == normal(other))


@register
class Service(Named):
    token = "aws:servicediscovery/service:Service"
    properties = declare(
        name=Property(required=True, replace=True),
        description=Property(),
        dnsConfig=Property(same=_same_dns),
        healthCheckCustomConfig=Property(replace=True),
        namespaceId=Property(computed=True, replace=True),
        type=Property(computed=True, replace=True),
        tags=TAGS,
    )
    outputs = ("arn",)
    create_call = "create_service"
    create_path = "Service"
    read_call = "get_service"
    read_path = "Service"
    delete_call = "delete_service"
    list_call, place = "list_services", "Services"

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        given = {inputs.get("namespaceId"), _dns(inputs).get("namespaceId")} - {None}
        return [] if len(given) == 1 else [("namespaceId", "one is needed, in dnsConfig or here")]

    def same_place(self, there: Properties, inputs: Properties) -> bool:
        wanted = inputs.get("namespaceId") or _dns(inputs)["namespaceId"]
        return bool(there["namespaceId"] == wanted)

    def differences(self, state: Properties, wanted: Properties, before: Properties) -> set[str]:
        """Only the records can be changed in place."""
        changed = super().differences(state, wanted, before)
        if "dnsConfig" in changed:
            old, new = _dns(state), _dns(wanted)
            fixed = ("namespaceId", "routingPolicy")
            if {**old, **new} and any(new.get(one, old.get(one)) != old.get(one) for one in fixed):
                changed.add("namespaceId")
        return changed

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        super().change(cloud, identifier, state, inputs, what & {"tags"})
        if not what - {"tags"}:
            return
        client = self.client(cloud, inputs)
        values = {name: inputs.get(name) for name in ("dnsConfig", "region")}
        given = self.parameters(client, self.create_call, values)
        change = {"Description": inputs.get("description") or ""}
        if "DnsConfig" in given:  # what is left out is deleted
            change["DnsConfig"] = {"DnsRecords": given["DnsConfig"]["DnsRecords"]}
        done(client, client.update_service(Id=identifier, Service=change))


def _dns(values: Properties) -> Properties:
    config = values.get("dnsConfig")
    return config if isinstance(config, dict) else {}
