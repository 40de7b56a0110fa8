"""AWS Organizations: units, policies and accounts. It is global: ``region`` means nothing here."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from localcloud.aws_plugin import documents
from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    ApiResource,
    Property,
    ResourceError,
    Tagging,
    declare,
)
from localcloud.aws_plugin.values import Properties

CONTROL: Final = documents.Kind(
    "service control policy", 5120, compact=True, principal=False, resource=True
)
_PATIENCE: Final = 120.0  # seconds that an account may take to be made


class OfOrganization(ApiResource):
    """A thing whose id AWS chooses: what an interrupted run made is found by its name."""

    service = "organizations"
    id_format = "{id}"
    outputs: ClassVar[tuple[str, ...]] = ("arn",)
    tagging = Tagging(
        "tag_resource", "untag_resource", "list_tags_for_resource", "ResourceId", "id"
    )
    named: ClassVar[str]
    """The parameter that its calls take the id by."""

    @property
    def renames(self) -> dict[str, str]:  # type: ignore[override]
        return {"id": self.named}

    def twins(self, cloud: Cloud, inputs: Properties) -> Iterator[str]:
        """The ids of what is there already in the place that the inputs would take."""
        raise NotImplementedError

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        for found in self.twins(cloud, inputs):
            self.adopt(cloud, found, inputs, untagged=False)
            return found
        return super().make(cloud, urn, inputs)


@register
class OrganizationalUnit(OfOrganization):
    token = "aws:organizations/organizationalUnit:OrganizationalUnit"
    named = "OrganizationalUnitId"
    properties = declare(
        name=Property(required=True), parentId=Property(required=True, replace=True), tags=TAGS
    )
    create_call = "create_organizational_unit"
    create_path = "OrganizationalUnit.{id: Id}"
    read_call = "describe_organizational_unit"
    read_path = "OrganizationalUnit"
    update_call = "update_organizational_unit"
    delete_call = "delete_organizational_unit"

    def twins(self, cloud: Cloud, inputs: Properties) -> Iterator[str]:
        pages = (
            self.client(cloud, inputs)
            .get_paginator("list_organizational_units_for_parent")
            .paginate(ParentId=inputs["parentId"])
        )
        for page in pages:
            for unit in page["OrganizationalUnits"]:
                if unit["Name"] == inputs["name"]:
                    yield unit["Id"]

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        parent = _parent(client, found["Id"])
        return {**super().live(client, found, known), "id": found["Id"], "parentId": parent}


@register
class Policy(OfOrganization):
    token = "aws:organizations/policy:Policy"
    named = "PolicyId"
    properties = declare(
        name=Property(required=True),
        content=Property(required=True, document=CONTROL),
        description=Property(default=""),
        type=Property(default="SERVICE_CONTROL_POLICY", replace=True),
        skipDestroy=Property(default=False, by_hand=True, write_only=True),
        tags=TAGS,
    )
    create_call = "create_policy"
    create_path = "Policy.PolicySummary.{id: Id}"
    read_call = "describe_policy"
    read_path = "Policy.{Id: PolicySummary.Id, Arn: PolicySummary.Arn, Name: PolicySummary.Name,"
    read_path += " Description: PolicySummary.Description, Type: PolicySummary.Type,"
    read_path += " Content: Content}"
    update_call = "update_policy"
    delete_call = "delete_policy"

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        kind = inputs.get("type") or "SERVICE_CONTROL_POLICY"
        if kind != "SERVICE_CONTROL_POLICY":
            return [("type", f"the embedded cloud takes service control policies, not {kind}")]
        return []

    def complete(self, cloud: Cloud, inputs: Properties) -> Properties:
        # Both are required by the API, which takes an empty description.
        return {"type": "SERVICE_CONTROL_POLICY", "description": "", **inputs}

    def twins(self, cloud: Cloud, inputs: Properties) -> Iterator[str]:
        pages = (
            self.client(cloud, inputs)
            .get_paginator("list_policies")
            .paginate(Filter=inputs["type"])
        )
        for page in pages:
            for policy in page["Policies"]:
                if policy["Name"] == inputs["name"]:
                    yield policy["Id"]

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        return {**super().live(client, found, known), "id": found["Id"]}


@register
class PolicyAttachment(ApiResource):
    token = "aws:organizations/policyAttachment:PolicyAttachment"
    service = "organizations"
    id_format = "{targetId}:{policyId}"
    properties = declare(
        policyId=Property(required=True, replace=True),
        targetId=Property(required=True, replace=True),
        skipDestroy=Property(default=False, by_hand=True, write_only=True),
    )
    create_call = "attach_policy"
    read_call = "list_policies_for_target"
    delete_call = "detach_policy"

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        identifier = self.identifier(inputs)
        if self.read(cloud, identifier, inputs) is None:
            return super().make(cloud, urn, inputs)
        return identifier

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        key = self.from_identifier(identifier)
        client = self.client(cloud, known)
        try:
            pages = client.get_paginator("list_policies_for_target").paginate(
                TargetId=key["targetId"], Filter="SERVICE_CONTROL_POLICY"
            )
            attached = [policy["Id"] for page in pages for policy in page["Policies"]]
        except (
            client.exceptions.TargetNotFoundException,
            client.exceptions.ClientError,
        ) as error:
            if "NotFound" not in type(error).__name__ + str(error):
                raise
            return None
        return dict(key) if key["policyId"] in attached else None


@register
class Account(OfOrganization):
    """An account that the organization made. There is never a second one of an e-mail address, nor
    of a name: what an interrupted run made is adopted, and a stranger's is refused.
    """

    token = "aws:organizations/account:Account"
    named = "AccountId"
    properties = declare(
        name=Property(required=True, replace=True, api="AccountName"),
        email=Property(required=True, replace=True),
        parentId=Property(computed=True, by_hand=True),
        roleName=Property(replace=True, write_only=True),
        iamUserAccessToBilling=Property(replace=True, write_only=True),
        closeOnDeletion=Property(default=False, by_hand=True, write_only=True),
        tags=TAGS,
    )
    outputs = ("arn", "joinedMethod", "status")
    create_call = "create_account"
    read_call = "describe_account"
    read_path = "Account"
    delete_call = "remove_account_from_organization"

    def twins(self, cloud: Cloud, inputs: Properties) -> Iterator[str]:
        pages = self.client(cloud, inputs).get_paginator("list_accounts").paginate()
        for account in [one for page in pages for one in page["Accounts"]]:
            same = account["Email"].lower() == inputs["email"].lower()
            if same and account["Status"] != "ACTIVE":
                raise ResourceError(
                    f"{self.token}: account {account['Id']} has the e-mail address"
                    f" {account['Email']} and is {account['Status']}: AWS takes no other with it"
                )
            if same:
                yield account["Id"]
            elif account["Name"] == inputs["name"]:
                raise ResourceError(
                    f"{self.token}: account {account['Id']} is called {account['Name']} already,"
                    f" with the e-mail address {account['Email']} and not {inputs['email']}."
                    " Nothing was made: a tenant has one account. Put the address back, or take the"
                    " account over with `pulumi import`"
                )

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        for found in self.twins(cloud, inputs):
            self.adopt(cloud, found, inputs, untagged=False)
            return found
        client = self.client(cloud, inputs)
        status = self.call(cloud, "create_account", inputs)["CreateAccountStatus"]
        deadline = time.monotonic() + _PATIENCE
        while status["State"] == "IN_PROGRESS" and time.monotonic() < deadline:
            time.sleep(1)
            asked = client.describe_create_account_status(CreateAccountRequestId=status["Id"])
            status = asked["CreateAccountStatus"]
        if status["State"] != "SUCCEEDED":
            reason = status.get("FailureReason", status["State"])
            raise ResourceError(f"{self.token} {inputs['email']}: not made: {reason}")
        made = str(status["AccountId"])
        self._move(client, made, inputs)
        return made

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        return {
            **super().live(client, found, known),
            "id": found["Id"],
            "name": found["Name"],
            "parentId": _parent(client, found["Id"]),
        }

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        if "parentId" in what:
            self._move(self.client(cloud, inputs), identifier, inputs)
        rest = what - {"parentId", "closeOnDeletion"}
        super().change(cloud, identifier, {**state, "id": identifier}, inputs, rest)

    @staticmethod
    def _move(client: Any, account: str, inputs: Properties) -> None:
        there = _parent(client, account)
        wanted = inputs.get("parentId")
        if wanted and wanted != there:
            client.move_account(AccountId=account, SourceParentId=there, DestinationParentId=wanted)

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        live = self.read(cloud, identifier, state)
        if live is None or live.get("status") != "ACTIVE":
            return
        if state.get("closeOnDeletion"):
            self.client(cloud, state).close_account(AccountId=identifier)
        else:
            super().remove(cloud, identifier, state)


def _parent(client: Any, child: str) -> str:
    return str(client.list_parents(ChildId=child)["Parents"][0]["Id"])
