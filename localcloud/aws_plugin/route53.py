"""Amazon Route 53: hosted zones and records."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D102, S105

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    Property,
    Resource,
    ResourceError,
    declare,
    is_absent,
    tag_map,
)
from localcloud.aws_plugin.values import Properties, has_unknown

_OWN_RECORDS: Final = ("NS", "SOA")  # that a zone is born with, at its name


def _bare(name: Any) -> str:
    r"""A domain name without what Route 53 adds: the final dot, and ``\052`` for a wildcard."""
    return str(name).removesuffix(".").lower().replace("\\052", "*")


def _same_name(old: Any, new: Any) -> bool:
    return _bare(old) == _bare(new)


def _zone_id(identifier: str) -> str:
    return identifier.removeprefix("/hostedzone/")


@register
class Zone(Resource):
    """A hosted zone: private when it has VPCs, which then are the only ones that see it."""

    token = "aws:route53/zone:Zone"
    service = "route53"
    properties = declare(
        name=Property(required=True, replace=True, same=_same_name),
        comment=Property(default="Managed by Pulumi"),
        vpcs=Property(unordered=True),
        forceDestroy=Property(default=False, write_only=True),
        tags=TAGS,
    )
    outputs = ("arn", "nameServers", "primaryNameServer", "zoneId")

    def differences(self, state: Properties, wanted: Properties, before: Properties) -> set[str]:
        """A VPC that is named without its region is in the zone's own."""
        region = state.get("region")
        known = {**wanted, "vpcs": _in_region(wanted.get("vpcs"), region)}
        return super().differences(
            {**state, "vpcs": _in_region(state.get("vpcs"), region)}, known, before
        )

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        client = self.client(cloud, inputs)
        # Tags come with a call of their own; the reference is of the creating call.
        reference = hashlib.sha256(urn.encode()).hexdigest()
        name = _bare(inputs["name"])
        for found in client.list_hosted_zones_by_name(DNSName=name)["HostedZones"]:
            if _bare(found["Name"]) == name and found["CallerReference"].startswith(reference):
                identifier = _zone_id(found["Id"])
                self.adopt(cloud, identifier, inputs, untagged=True)
                return identifier
        vpcs = [_vpc(vpc) for vpc in _in_region(inputs.get("vpcs"), client.meta.region_name) or []]
        made = client.create_hosted_zone(
            Name=name,
            CallerReference=f"{reference}/{uuid.uuid4().hex}",  # one is good for one zone only
            HostedZoneConfig={
                "Comment": inputs.get("comment") or self.properties["comment"].default,
                "PrivateZone": bool(vpcs),
            },
            **({"VPC": vpcs[0]} if vpcs else {}),
        )
        identifier = _zone_id(made["HostedZone"]["Id"])
        if inputs.get("tags"):
            self._tag(client, identifier, {}, inputs["tags"])
        for vpc in vpcs[1:]:
            client.associate_vpc_with_hosted_zone(HostedZoneId=identifier, VPC=vpc)
        return identifier

    @staticmethod
    def _tag(client: Any, identifier: str, old: Properties, new: Properties) -> None:
        added = {"AddTags": [{"Key": key, "Value": value} for key, value in new.items()]}
        gone = {"RemoveTagKeys": sorted(set(old) - set(new))}
        request = {name: value for name, value in {**added, **gone}.items() if value}
        client.change_tags_for_resource(ResourceType="hostedzone", ResourceId=identifier, **request)

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        client = self.client(cloud, known)
        try:
            answer = client.get_hosted_zone(Id=identifier)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        zone = answer["HostedZone"]
        own = client.list_resource_record_sets(
            HostedZoneId=identifier,
            StartRecordName=zone["Name"],
            StartRecordType="NS",
            MaxItems="1",
        )["ResourceRecordSets"]
        servers = [_bare(one["Value"]) for one in own[0]["ResourceRecords"]]
        tags = client.list_tags_for_resource(ResourceType="hostedzone", ResourceId=identifier)
        return {
            "arn": cloud.arn("route53", f"hostedzone/{identifier}"),
            "zoneId": identifier,
            "name": _bare(zone["Name"]),
            "comment": zone["Config"].get("Comment", ""),
            "vpcs": [
                {"vpcId": vpc["VPCId"], "vpcRegion": vpc["VPCRegion"]}
                for vpc in answer.get("VPCs", [])
            ],
            "nameServers": servers,
            "primaryNameServer": servers[0],
            "tags": tag_map(tags["ResourceTagSet"]["Tags"]),
        }

    def settle(self, cloud: Cloud, live: Properties, known: Properties) -> Properties:
        region = known.get("region") or cloud.region
        given = known.get("vpcs")
        same = self.properties["vpcs"].equal(live.get("vpcs"), _in_region(given, region))
        return super().settle(cloud, {**live, "vpcs": given} if same else live, known)

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        client = self.client(cloud, inputs)
        if "tags" in what:
            self._tag(client, identifier, state.get("tags") or {}, inputs.get("tags") or {})
        if "comment" in what:
            comment = inputs.get("comment") or self.properties["comment"].default
            client.update_hosted_zone_comment(Id=identifier, Comment=comment)
        if "vpcs" in what:
            self._move(client, identifier, state, inputs)

    @staticmethod
    def _move(client: Any, identifier: str, state: Properties, inputs: Properties) -> None:
        region = client.meta.region_name
        old = [_vpc(vpc) for vpc in _in_region(state.get("vpcs"), region) or []]
        new = [_vpc(vpc) for vpc in _in_region(inputs.get("vpcs"), region) or []]
        if bool(old) != bool(new):
            raise ResourceError(
                f"the zone {identifier} cannot become {'private' if new else 'public'}: "
                "make another one"
            )
        for vpc in new:  # a private zone is never without a VPC: first the new ones
            if vpc not in old:
                client.associate_vpc_with_hosted_zone(HostedZoneId=identifier, VPC=vpc)
        for vpc in old:
            if vpc not in new:
                client.disassociate_vpc_from_hosted_zone(HostedZoneId=identifier, VPC=vpc)

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        client = self.client(cloud, state)
        try:
            if state.get("forceDestroy"):
                _empty(client, identifier)
            client.delete_hosted_zone(Id=identifier)
        except ClientError as error:
            if not is_absent(error):
                raise


def _in_region(vpcs: Any, region: str | None) -> Any:
    """The VPCs of a zone, each with its region."""
    if not vpcs or has_unknown(vpcs):
        return vpcs
    return [{"vpcRegion": region, **vpc} for vpc in vpcs]


def _vpc(vpc: Properties) -> dict[str, str]:
    return {"VPCId": vpc["vpcId"], "VPCRegion": vpc["vpcRegion"]}


def _empty(client: Any, zone: str) -> None:
    pages = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    records = [record for page in pages for record in page["ResourceRecordSets"]]
    changes = [
        {"Action": "DELETE", "ResourceRecordSet": record}
        for record in records
        if record["Type"] not in _OWN_RECORDS
    ]
    if changes:
        client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def _same_aliases(old: Any, new: Any) -> bool:
    def of(given: Any) -> list[tuple[str, str, bool]]:
        listed = [given] if isinstance(given, dict) else given or []
        return [
            (_bare(one["name"]), str(one["zoneId"]), bool(one["evaluateTargetHealth"]))
            for one in listed
        ]

    return of(old) == of(new)


@register
class Record(Resource):
    """A record set. A name is written in full, or without the zone's name."""

    token = "aws:route53/record:Record"
    service = "route53"
    id_format = "{zoneId}_{name}_{type}"
    properties = declare(
        zoneId=Property(required=True, replace=True),
        name=Property(required=True, replace=True, same=_same_name),
        type=Property(required=True, replace=True),
        aliases=Property(same=_same_aliases),
        records=Property(unordered=True),
        ttl=Property(),
        allowOverwrite=Property(default=False, write_only=True),
    )
    outputs = ("fqdn",)

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        if bool(inputs.get("aliases")) is bool(inputs.get("records")):
            yield "", "a record needs either records or an alias"
        if bool(inputs.get("records")) is not (inputs.get("ttl") is not None):
            yield "ttl", "records need a ttl, and an alias has none"

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        client = self.client(cloud, inputs)
        full = self._full(client, inputs["zoneId"], inputs["name"])
        identifier = self.identifier({**inputs, "name": full})
        overwrite = bool(inputs.get("allowOverwrite"))
        if not overwrite and self._there(client, inputs["zoneId"], full, inputs["type"]):
            self.adopt(cloud, identifier, inputs, untagged=False)
        else:
            self._write(client, "UPSERT" if overwrite else "CREATE", full, inputs)
        return identifier

    @staticmethod
    def _full(client: Any, zone: str, name: str) -> str:
        of = _bare(client.get_hosted_zone(Id=zone)["HostedZone"]["Name"])
        name = _bare(name)
        return name if name == of or name.endswith(f".{of}") else f"{name}.{of}"

    @staticmethod
    def _there(client: Any, zone: str, full: str, kind: str) -> Any:
        found = client.list_resource_record_sets(
            HostedZoneId=zone, StartRecordName=full, StartRecordType=kind, MaxItems="1"
        )["ResourceRecordSets"]
        ours = (one for one in found if _bare(one["Name"]) == full and one["Type"] == kind)
        return next(ours, None)

    @staticmethod
    def _write(client: Any, action: str, full: str, inputs: Properties) -> None:
        record: dict[str, Any] = {"Name": full, "Type": inputs["type"]}
        if inputs.get("aliases"):
            aliases = inputs["aliases"]
            (alias,) = aliases if isinstance(aliases, list) else [aliases]
            record["AliasTarget"] = {
                "DNSName": alias["name"],
                "HostedZoneId": alias["zoneId"],
                "EvaluateTargetHealth": alias["evaluateTargetHealth"],
            }
        else:
            record["TTL"] = int(inputs["ttl"])
            record["ResourceRecords"] = [{"Value": value} for value in inputs["records"]]
        changes = [{"Action": action, "ResourceRecordSet": record}]
        client.change_resource_record_sets(
            HostedZoneId=inputs["zoneId"], ChangeBatch={"Changes": changes}
        )

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        client, key = self.client(cloud, known), self.from_identifier(identifier)
        try:
            found = self._there(client, key["zoneId"], key["name"], key["type"])
            name = known.get("name")
            as_given = name and self._full(client, key["zoneId"], name) == key["name"]
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        if found is None:
            return None
        live = {**key, "fqdn": key["name"], "name": name if as_given else key["name"]}
        if target := found.get("AliasTarget"):
            alias = {"name": _bare(target["DNSName"]), "zoneId": target["HostedZoneId"]}
            alias["evaluateTargetHealth"] = target["EvaluateTargetHealth"]
            return {**live, "aliases": [alias]}
        values = [one["Value"] for one in found["ResourceRecords"]]
        return {**live, "records": values, "ttl": found["TTL"]}

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        full = self.from_identifier(identifier)["name"]
        self._write(self.client(cloud, inputs), "UPSERT", full, inputs)

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        client, key = self.client(cloud, state), self.from_identifier(identifier)
        try:
            found = self._there(client, key["zoneId"], key["name"], key["type"])
            if found is not None:  # it is deleted by its very content
                changes = [{"Action": "DELETE", "ResourceRecordSet": found}]
                client.change_resource_record_sets(
                    HostedZoneId=key["zoneId"], ChangeBatch={"Changes": changes}
                )
        except ClientError as error:
            if not is_absent(error):
                raise
