"""Everything that an account of the embedded cloud holds, read with plain boto3.

Keys are told by their aliases, so that two clouds that hold the same compare equal. A key without
an alias, or two things where one belongs, makes them differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from tests.integration.checkout import Checkout, Json

# Made by the embedded cloud itself when it opens an account.
NOT_OURS = "OrganizationAccountAccessRole"


def account_of(checkout: Checkout, account: str | None = None) -> Json:
    def client(service: str) -> Any:
        return checkout.client(service, account)

    inventory = {
        "buckets": buckets(client("s3")),
        "keys": keys(client("kms")),
        **identities(client("iam")),
        **catalog(client("glue")),
        **lake(client("lakeformation")),
    }
    inventory["tagged"] = {
        f"{database}/{table}": _lf_tags(client("lakeformation"), database, table)
        for database, tables in inventory["databases"].items()
        for table in ("", *tables)
    }
    for key, alias in aliases(client("kms")).items():
        inventory = json.loads(json.dumps(inventory).replace(key, alias))
    return inventory


def aliases(kms: Any) -> dict[str, str]:
    listed = pages(kms, "list_aliases", "Aliases")
    return {a["TargetKeyId"]: a["AliasName"] for a in listed if "TargetKeyId" in a}


def keys(kms: Any) -> list[Json]:
    found = []
    for entry in pages(kms, "list_keys", "Keys"):
        key = entry["KeyId"]
        metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
        if metadata["KeyState"] == "PendingDeletion" or metadata["KeyManager"] == "AWS":
            continue
        found.append(
            {
                "key": key,
                "policy": json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]),
                "rotates": kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"],
                "tags": plain(kms.list_resource_tags(KeyId=key)["Tags"], "TagKey", "TagValue"),
            }
        )
    return sorted(found, key=lambda key: json.dumps(key["tags"]))


def buckets(s3: Any) -> Json:
    return {bucket["Name"]: _bucket(s3, bucket["Name"]) for bucket in s3.list_buckets()["Buckets"]}


def _bucket(s3: Any, name: str) -> Json:
    def get(method: str, member: str) -> Any:
        try:
            return getattr(s3, method)(Bucket=name)[member]
        except (ClientError, KeyError):
            return None

    return {
        "policy": json.loads(get("get_bucket_policy", "Policy") or "null"),
        "public": get("get_public_access_block", "PublicAccessBlockConfiguration"),
        "encryption": get("get_bucket_encryption", "ServerSideEncryptionConfiguration"),
        "ownership": get("get_bucket_ownership_controls", "OwnershipControls"),
        "versioning": get("get_bucket_versioning", "Status"),
        "lifecycle": get("get_bucket_lifecycle_configuration", "Rules"),
        "tags": plain(get("get_bucket_tagging", "TagSet") or []),
    }


def identities(iam: Any) -> Json:
    roles = {
        role["RoleName"]: _role(iam, role["RoleName"])
        for role in pages(iam, "list_roles", "Roles")
        if role["RoleName"] != NOT_OURS
    }
    policies = {
        policy["Arn"]: iam.get_policy_version(
            PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"]
        )["PolicyVersion"]["Document"]
        for policy in pages(iam, "list_policies", "Policies", Scope="Local")
    }
    providers = [
        provider["Arn"]
        for provider in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    ]
    return {"roles": roles, "policies": policies, "providers": sorted(providers)}


def _role(iam: Any, name: str) -> Json:
    role = iam.get_role(RoleName=name)["Role"]
    inline = {
        policy: document(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return {
        "arn": role["Arn"],
        "trust": document(role["AssumeRolePolicyDocument"]),
        "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "inline": inline,
        "attached": sorted(policy["PolicyArn"] for policy in attached),
        "tags": plain(role.get("Tags", [])),
    }


def catalog(glue: Any) -> Json:
    databases = sorted(db["Name"] for db in pages(glue, "get_databases", "DatabaseList"))
    return {
        "databases": {
            database: {
                table["Name"]: {
                    "columns": [column["Name"] for column in table["StorageDescriptor"]["Columns"]],
                    "location": table["StorageDescriptor"]["Location"],
                    "parameters": table.get("Parameters"),
                }
                for table in pages(glue, "get_tables", "TableList", DatabaseName=database)
            }
            for database in databases
        }
    }


def lake(lakeformation: Any) -> Json:
    settings = lakeformation.get_data_lake_settings()["DataLakeSettings"]
    settings.pop("Parameters", None)
    for value in settings.values():
        if isinstance(value, list):
            value.sort(key=json.dumps)
    grants = [
        {
            "principal": grant["Principal"]["DataLakePrincipalIdentifier"],
            "resource": grant["Resource"],
            "permissions": sorted(grant["Permissions"]),
            "grantable": sorted(grant.get("PermissionsWithGrantOption", [])),
        }
        for grant in _grants(lakeformation)
    ]
    tags = {
        tag["TagKey"]: sorted(tag["TagValues"]) for tag in lakeformation.list_lf_tags()["LFTags"]
    }
    ordered = sorted(grants, key=lambda grant: json.dumps(grant, sort_keys=True))
    return {"settings": settings, "grants": ordered, "lf_tags": tags}


def _lf_tags(lakeformation: Any, database: str, table: str) -> Any:
    of_database = {"Database": {"Name": database}}
    of_table = {"Table": {"DatabaseName": database, "Name": table}}
    found = lakeformation.get_resource_lf_tags(Resource=of_table if table else of_database)
    found.pop("ResponseMetadata")
    return found


def _grants(lakeformation: Any) -> Iterable[Json]:
    token: Json = {}
    while True:
        page = lakeformation.list_permissions(**token)
        yield from page["PrincipalResourcePermissions"]
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def pages(client: Any, method: str, member: str, **arguments: str) -> list[Json]:
    found: list[Json] = []
    for page in client.get_paginator(method).paginate(**arguments):
        found += page[member]
    return found


def plain(tags: list[Json], key: str = "Key", value: str = "Value") -> dict[str, str]:
    return {tag[key]: tag[value] for tag in sorted(tags, key=lambda tag: str(tag[key]))}


def document(policy: Any) -> Any:
    """A policy as data, whether the API gave it parsed, as text, or as text in URL encoding."""
    return policy if isinstance(policy, dict) else json.loads(unquote(policy))
