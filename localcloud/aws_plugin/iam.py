"""AWS Identity and Access Management. It is global: ``region`` means nothing here."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

import json
from typing import Any, ClassVar
from urllib.parse import unquote

from botocore.exceptions import ClientError

from localcloud.aws_plugin import documents
from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    ApiResource,
    Property,
    Tagging,
    declare,
    is_absent,
)
from localcloud.aws_plugin.values import Properties

NAME = Property(required=True, replace=True)


def document_text(document: Any) -> str:
    """A policy as IAM hands it out: botocore decodes it to a dictionary, or it is URL-encoded."""
    return json.dumps(document) if isinstance(document, dict) else unquote(document)


@register
class Role(ApiResource):
    token = "aws:iam/role:Role"
    service = "iam"
    id_format = "{name}"
    properties = declare(
        name=Property(required=True, replace=True, api="RoleName"),
        path=Property(default="/", replace=True),
        assumeRolePolicy=Property(
            required=True, document=documents.TRUST, api="AssumeRolePolicyDocument"
        ),
        description=Property(default=""),
        forceDetachPolicies=Property(default=False, by_hand=True, write_only=True),
        maxSessionDuration=Property(default=3600),
        permissionsBoundary=Property(),
        tags=TAGS,
    )
    outputs = ("arn", "createDate", "uniqueId")
    create_call = "create_role"
    read_call = "get_role"
    read_path = "Role"
    update_call = "update_role"
    delete_call = "delete_role"
    tagging = Tagging("tag_role", "untag_role", "list_role_tags", "RoleName", "name")

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        path = inputs.get("path") or "/"
        return {"arn": cloud.arn("iam", f"role{path}{inputs['name']}", account=cloud.account)}

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        boundary = found.get("PermissionsBoundary") or {}
        return {
            **super().live(client, found, known),
            "assumeRolePolicy": document_text(found["AssumeRolePolicyDocument"]),
            "permissionsBoundary": boundary.get("PermissionsBoundaryArn"),
            "uniqueId": found["RoleId"],
        }

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        iam = self.client(cloud, inputs)
        if "assumeRolePolicy" in what:
            iam.update_assume_role_policy(
                RoleName=identifier, PolicyDocument=inputs["assumeRolePolicy"]
            )
        if "permissionsBoundary" in what:
            if boundary := inputs.get("permissionsBoundary"):
                iam.put_role_permissions_boundary(RoleName=identifier, PermissionsBoundary=boundary)
            else:
                iam.delete_role_permissions_boundary(RoleName=identifier)
        if what & {"description", "maxSessionDuration"}:
            iam.update_role(
                RoleName=identifier,
                Description=inputs.get("description") or "",
                MaxSessionDuration=int(inputs.get("maxSessionDuration") or 3600),
            )
        super().change(cloud, identifier, state, inputs, what & {"tags"})

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        iam = self.client(cloud, state)
        try:
            if state.get("forceDetachPolicies"):
                for one in iam.list_attached_role_policies(RoleName=identifier)["AttachedPolicies"]:
                    iam.detach_role_policy(RoleName=identifier, PolicyArn=one["PolicyArn"])
                for name in iam.list_role_policies(RoleName=identifier)["PolicyNames"]:
                    iam.delete_role_policy(RoleName=identifier, PolicyName=name)
            iam.delete_role(RoleName=identifier)
        except ClientError as error:
            if not is_absent(error):
                raise


@register
class RolePolicy(ApiResource):
    token = "aws:iam/rolePolicy:RolePolicy"
    service = "iam"
    id_format = "{role}:{name}"
    properties = declare(
        name=Property(required=True, replace=True, api="PolicyName"),
        role=Property(required=True, replace=True, api="RoleName"),
        policy=Property(required=True, document=documents.INLINE, api="PolicyDocument"),
    )
    create_call = update_call = "put_role_policy"
    read_call = "get_role_policy"
    delete_call = "delete_role_policy"

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        return {
            **super().live(client, found, known),
            "policy": document_text(found["PolicyDocument"]),
        }


@register
class RolePolicyAttachment(ApiResource):
    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    service = "iam"
    id_format = "{role}/{policyArn}"
    properties = declare(
        role=Property(required=True, replace=True, api="RoleName"),
        policyArn=Property(required=True, replace=True),
    )
    create_call = "attach_role_policy"
    read_call = "list_attached_role_policies"
    read_path = "AttachedPolicies[?PolicyArn=='{policyArn}'] | [0]"
    delete_call = "detach_role_policy"


@register
class Policy(ApiResource):
    token = "aws:iam/policy:Policy"
    service = "iam"
    id_format = "{arn}"
    properties = declare(
        name=Property(required=True, replace=True, api="PolicyName"),
        path=Property(default="/", replace=True),
        policy=Property(required=True, document=documents.MANAGED, api="PolicyDocument"),
        description=Property(default="", replace=True),
        tags=TAGS,
    )
    outputs = ("arn", "policyId", "attachmentCount")
    renames: ClassVar = {"arn": "PolicyArn"}
    create_call = "create_policy"
    read_call = "get_policy"
    read_path = "Policy"
    delete_call = "delete_policy"
    tagging = Tagging("tag_policy", "untag_policy", "list_policy_tags", "PolicyArn")

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        if "name" not in inputs:
            return {}
        path = inputs.get("path") or "/"
        return {"arn": cloud.arn("iam", f"policy{path}{inputs['name']}", account=cloud.account)}

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        version = client.get_policy_version(
            PolicyArn=found["Arn"], VersionId=found["DefaultVersionId"]
        )["PolicyVersion"]
        return {
            **super().live(client, found, known),
            "arn": found["Arn"],
            "policy": document_text(version["Document"]),
        }

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        iam = self.client(cloud, inputs)
        if "policy" in what:
            self._drop_versions(iam, identifier, keep=4)  # IAM keeps at most 5
            iam.create_policy_version(
                PolicyArn=identifier, PolicyDocument=inputs["policy"], SetAsDefault=True
            )
        super().change(cloud, identifier, state, inputs, what & {"tags"})

    @staticmethod
    def _drop_versions(iam: Any, arn: str, keep: int) -> None:
        listed = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        old = [one for one in listed if not one["IsDefaultVersion"]]
        old.sort(key=lambda one: int(one["VersionId"][1:]))
        for one in old[: max(0, len(listed) - keep)]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=one["VersionId"])

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        try:
            self._drop_versions(self.client(cloud, state), identifier, keep=1)
            self.client(cloud, state).delete_policy(PolicyArn=identifier)
        except ClientError as error:
            if not is_absent(error):
                raise


def _host(url: Any) -> str:
    return str(url).removeprefix("https://").rstrip("/")


@register
class OpenIdConnectProvider(ApiResource):
    token = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    service = "iam"
    id_format = "{arn}"
    properties = declare(
        # IAM stores the address without its scheme.
        url=Property(required=True, replace=True, same=lambda a, b: _host(a) == _host(b)),
        clientIdLists=Property(required=True, unordered=True),
        thumbprintLists=Property(computed=True, unordered=True),
        tags=TAGS,
    )
    outputs = ("arn",)
    renames: ClassVar = {"arn": "OpenIDConnectProviderArn"}
    create_call = "create_open_id_connect_provider"
    read_call = "get_open_id_connect_provider"
    delete_call = "delete_open_id_connect_provider"
    tagging = Tagging(
        "tag_open_id_connect_provider",
        "untag_open_id_connect_provider",
        "list_open_id_connect_provider_tags",
        "OpenIDConnectProviderArn",
    )

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        if "url" not in inputs:
            return {}
        host = _host(inputs["url"])
        return {"arn": cloud.arn("iam", f"oidc-provider/{host}", account=cloud.account)}

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        # The API wants a list of thumbprints, even an empty one.
        return super().make(
            cloud, urn, {**inputs, "thumbprintLists": inputs.get("thumbprintLists") or []}
        )

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        iam = self.client(cloud, inputs)
        arn = {"OpenIDConnectProviderArn": identifier}
        if "clientIdLists" in what:
            old, new = set(state.get("clientIdLists") or []), set(inputs["clientIdLists"])
            for one in sorted(new - old):
                iam.add_client_id_to_open_id_connect_provider(**arn, ClientID=one)
            for one in sorted(old - new):
                iam.remove_client_id_from_open_id_connect_provider(**arn, ClientID=one)
        if "thumbprintLists" in what:
            iam.update_open_id_connect_provider_thumbprint(
                **arn, ThumbprintList=inputs.get("thumbprintLists") or []
            )
        super().change(cloud, identifier, state, inputs, what & {"tags"})
