"""Route 53: private zones of VPCs that exist, once a name each, and records that exist once."""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401, PLR0913, PLR0917

from __future__ import annotations

from typing import Any

from moto.ec2.models import ec2_backends
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import Route53Backend

from localcloud.emulator.patches.wrapping import Function, around


def _create_hosted_zone(
    original: Function,
    self: Any,
    name: str,
    private_zone: bool,  # noqa: FBT001 moto's own signature
    caller_reference: str | None = None,
    vpcid: str | None = None,
    vpcregion: str | None = None,
    *args: Any,
    **kwargs: Any,
) -> Any:
    if any(zone.caller_reference == caller_reference for zone in self.zones.values()):
        raise Route53ClientError(
            "HostedZoneAlreadyExists", f"A hosted zone has the reference {caller_reference}"
        )
    if private_zone:
        _check_vpc(self, name, vpcid, vpcregion)
    return original(self, name, private_zone, caller_reference, vpcid, vpcregion, *args, **kwargs)


def _associate_vpc(original: Function, self: Any, zone_id: str, vpcid: str, vpcregion: str) -> Any:
    _check_vpc(self, self.get_hosted_zone(zone_id).name, vpcid, vpcregion)
    return original(self, zone_id, vpcid, vpcregion)


def _check_vpc(self: Any, name: str, vpc_id: str | None, region: str | None) -> None:
    """Route 53 API Reference, CreateHostedZone: InvalidVPCId; ConflictingDomainExists, for a VPC
    sees one private zone of a name. A VPC of another account must be authorized first, which moto
    cannot: it is not found.
    """
    if vpc_id not in ec2_backends[self.account_id][region or "us-east-1"].vpcs:
        raise Route53ClientError("InvalidVPCId", f"The VPC: {vpc_id} in {region} was not found")
    for zone in self.zones.values():
        if zone.name == name and vpc_id in [vpc["vpc_id"] for vpc in zone.vpcs]:
            raise Route53ClientError(
                "ConflictingDomainExists",
                f"The VPC {vpc_id} is already associated with the zone {zone.id} of {name}",
            )


def _change_records(
    original: Function, self: Any, zoneid: str, change_list: list[dict[str, Any]]
) -> None:
    """Moto looks for the same change rather than for the record, and so makes two of one name."""
    zone = self.get_hosted_zone(zoneid)
    there = {(_key(one.name, one.type, one.set_identifier)) for one in zone.rrsets}
    for change in change_list:
        record = change["ResourceRecordSet"]
        key = _key(record["Name"], record["Type"], record.get("SetIdentifier"))
        if change["Action"] == "CREATE" and key in there:
            raise Route53ClientError(
                "InvalidChangeBatch",
                f"[Tried to create resource record set [name='{record['Name']}', "
                f"type='{record['Type']}'] but it already exists]",
            )
    original(self, zoneid, change_list)


def _key(name: str, kind: str, identifier: str | None) -> tuple[str, str, str]:
    return name.lower().rstrip("."), kind, identifier or ""


def patch() -> None:
    """Change moto in this process."""
    around(Route53Backend, "create_hosted_zone")(_create_hosted_zone)
    around(Route53Backend, "associate_vpc_with_hosted_zone")(_associate_vpc)
    around(Route53Backend, "change_resource_record_sets")(_change_records)
