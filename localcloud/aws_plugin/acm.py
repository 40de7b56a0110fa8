"""AWS Certificate Manager: public certificates, validated by DNS."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    URN_TAG,
    ApiResource,
    Property,
    Resource,
    ResourceError,
    declare,
    find_by_urn,
    is_absent,
    tag_map,
    urn_tag,
)
from localcloud.aws_plugin.values import Properties

_PENDING: Final = "PENDING_VALIDATION"
_ISSUED: Final = "ISSUED"


def _described(client: Any, arn: str) -> Any:
    try:
        return client.describe_certificate(CertificateArn=arn)["Certificate"]
    except ClientError as error:
        if is_absent(error):
            return None
        raise


@register
class Certificate(ApiResource):
    token = "aws:acm/certificate:Certificate"
    service = "acm"
    id_format = "{certificateArn}"
    properties = declare(
        domainName=Property(required=True, replace=True),
        validationMethod=Property(required=True, replace=True, choices=("DNS",), by_hand=True),
        subjectAlternativeNames=Property(computed=True, replace=True, unordered=True),
        keyAlgorithm=Property(default="RSA_2048", replace=True),
        tags=TAGS,
    )
    outputs = (
        "arn",
        "domainValidationOptions",
        "notAfter",
        "notBefore",
        "pendingRenewal",
        "renewalEligibility",
        "status",
        "type",
        "validationEmails",
    )
    create_call = "request_certificate"
    delete_call = "delete_certificate"

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        for arn in find_by_urn(cloud, "acm:certificate", urn, inputs):
            self.adopt(cloud, arn, inputs, untagged=True)
            return arn
        tags = {**(inputs.get("tags") or {}), URN_TAG: urn_tag(urn)}
        method = {"ValidationMethod": inputs["validationMethod"]}
        made = self.call(cloud, self.create_call, {**inputs, "tags": tags}, **method)
        return str(made["CertificateArn"])

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        client = self.client(cloud, known)
        found = _described(client, identifier)
        if found is None:
            return None
        tags = client.list_tags_for_certificate(CertificateArn=identifier)["Tags"]
        return {**self.live(client, found, known), "tags": tag_map(tags)}

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        live = super().live(client, found, known)
        options = found.get("DomainValidationOptions", [])
        live["arn"] = found["CertificateArn"]
        live["validationMethod"] = next((one["ValidationMethod"] for one in options), None)
        # ACM lists the certificate's own name among the others, where a program need not.
        given = known.get("subjectAlternativeNames") or []
        live["subjectAlternativeNames"] = sorted(
            name
            for name in found["SubjectAlternativeNames"]
            if name != found["DomainName"] or name in given
        )
        live["domainValidationOptions"] = [
            {
                "domainName": one["DomainName"],
                "resourceRecordName": one["ResourceRecord"]["Name"],
                "resourceRecordType": one["ResourceRecord"]["Type"],
                "resourceRecordValue": one["ResourceRecord"]["Value"],
            }
            for one in sorted(options, key=lambda option: str(option["DomainName"]))
        ]
        live["pendingRenewal"], live["validationEmails"] = False, []
        return live

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        client, new = self.client(cloud, inputs), inputs.get("tags") or {}
        if gone := sorted(set(state.get("tags") or {}) - set(new)):
            client.remove_tags_from_certificate(
                CertificateArn=identifier, Tags=[{"Key": key} for key in gone]
            )
        if new:
            tags = [{"Key": key, "Value": value} for key, value in new.items()]
            client.add_tags_to_certificate(CertificateArn=identifier, Tags=tags)


@register
class CertificateValidation(Resource):
    """Waits until a certificate is issued; there is nothing to delete."""

    token = "aws:acm/certificateValidation:CertificateValidation"
    service = "acm"
    id_format = "{certificateArn}"
    properties = declare(
        certificateArn=Property(required=True, replace=True),
        validationRecordFqdns=Property(replace=True, write_only=True, unordered=True),
    )
    patience = 300.0
    """Seconds to wait. The emulator issues at once; this ends what never would be issued."""

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        client, arn = self.client(cloud, inputs), str(inputs["certificateArn"])
        end = time.monotonic() + self.patience
        while (found := _described(client, arn)) is not None:
            if missing := sorted(self._missing(found, inputs)):
                raise ResourceError(
                    f"validationRecordFqdns lack what {arn} is validated by: {', '.join(missing)}"
                )
            if found["Status"] == _ISSUED:
                return arn
            if found["Status"] != _PENDING or time.monotonic() > end:
                raise ResourceError(f"the certificate {arn} is not issued but {found['Status']}")
            time.sleep(1)
        raise ResourceError(f"the certificate {arn} does not exist")

    @staticmethod
    def _missing(found: Any, inputs: Properties) -> Iterator[str]:
        given = inputs.get("validationRecordFqdns")
        names = {str(name).rstrip(".") for name in given or ()}
        for option in found.get("DomainValidationOptions", []) if given is not None else ():
            if (name := str(option["ResourceRecord"]["Name"]).rstrip(".")) not in names:
                yield name

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        found = _described(self.client(cloud, known), identifier)
        if found is None or found["Status"] != _ISSUED:
            return None
        return {"certificateArn": identifier}

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        """Nothing: the certificate is a resource of its own."""
