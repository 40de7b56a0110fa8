"""A real S3 server that enforces the generated policies, and the proof, must agree on every call.

Every role of soft and medium tenants tries every operation on every tenant's objects and buckets
in MinIO. `s3_policies` tells how the program's own policies get there, and what is lost on the way.
Where MinIO asks for other permissions than S3 does, the operation is not compared: deleting one
version is `s3:DeleteObject` there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from isolation.estate import Estate
from isolation.explain import can
from isolation.targets import Values
from localcloud.servers.minio import MinioServer, minio_server
from onboarding.recorded import State, exported, graph_of
from tenancy.names import RoleKind
from tests.estates import run_on, write_estate
from tests.integration.s3_policies import Json, fence, grants, together

pytestmark = pytest.mark.xdist_group("minio")

ACCOUNT = "222222222222"
SOFT, MEDIUM = ("acme", "acme-evil"), ("globex", "globex-eu")
TENANTS = SOFT + MEDIUM
PARTS = ("lakehouse/data/events/", "restricted/data/events/", "elsewhere/")
DENIED = {"AccessDenied", "403"}  # an answer to HEAD has no body, hence no code but the status
FILES: dict[str, str | None] = {
    "tenants/initech.yaml": None,
    "tenants/acme-evil.yaml": "tenant: acme-evil\ncontact: a@b.example\nisolation: soft\n",
    "tenants/globex-eu.yaml": "tenant: globex-eu\ncontact: a@b.example\n",
}


@dataclass(frozen=True)
class Permission:
    """What a call needs; ``prefix`` is that of a listing, () for one that gives none."""

    action: str
    resource: str
    given: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Operation:
    name: str
    needs: tuple[Permission, ...]
    call: Callable[[Any], object]


class Policies:
    """The program's own policies of a recorded stack, by the resource that has them."""

    def __init__(self, state: State) -> None:
        self.documents: dict[str, Json] = {}
        self.buckets: dict[str, str] = {}
        for entry in state["deployment"]["resources"]:
            name = entry["urn"].rpartition("::")[2]
            if isinstance(entry["inputs"].get("policy"), str):
                self.documents[name] = json.loads(entry["inputs"]["policy"])
            if entry["type"] == "aws:s3/bucket:Bucket":
                self.buckets[name] = entry["inputs"]["bucket"]

    def bucket(self, tenant: str) -> str:
        shared = tenant in SOFT
        return self.buckets["platform-shared-bucket" if shared else f"{tenant}-storage-bucket"]

    def of_user(self, tenant: str) -> Json:
        """Boundary and fences: all that limits the tenant's roles."""
        fences = [
            fence(
                self.documents[name.removesuffix("bucket") + "policy"],
                ACCOUNT,
                [f"arn:aws:s3:::{other}" for other in self.buckets.values() if other != bucket],
            )
            for name, bucket in self.buckets.items()
            if bucket in map(self.bucket, TENANTS)
        ]
        return together(grants(self.documents[f"{tenant}-iam-boundary"], ACCOUNT), *fences)

    def of_role(self, tenant: str, kind: RoleKind) -> Json:
        return grants(self.documents[f"{tenant}-iam-{kind}-grants"], ACCOUNT)


@dataclass
class World:
    """A server with every tenant's objects and users, and the proof's estate of the same policies.

    Users are made anew for each state, objects are not.
    """

    server: MinioServer
    state: State
    policies: Policies = field(init=False)

    def __post_init__(self) -> None:
        self.policies = Policies(self.state)
        estate = Estate(graph_of({"prod": self.state}))
        self.root = s3(self.server, self.server.root.access_key, self.server.root.secret_key)

        @cache
        def allowed(role: str, needed: Permission) -> bool:
            context = {key: Values(values, or_missing=not values) for key, values in needed.given}
            (found,) = can(estate, role, needed.action, needed.resource, context)
            assert found.unknowns == ()
            return found.allowed

        self._allowed = allowed

    def proved(self, tenant: str, kind: RoleKind, operation: Operation) -> bool:
        """Whether the proof says that the role can do it."""
        role = f"lakehouse-prod--{tenant}--{kind}"
        return all(self._allowed(role, needed) for needed in operation.needs)

    def sessions(
        self, tenants: Sequence[str], kinds: Iterable[RoleKind]
    ) -> Iterator[tuple[str, RoleKind, Any]]:
        for tenant in tenants:
            keys = self.server.add_user(tenant, self.policies.of_user(tenant))
            sts: Any = boto3.client(
                "sts", **settings(self.server, keys.access_key, keys.secret_key)
            )
            for kind in kinds:
                session = sts.assume_role(
                    RoleArn="arn:aws:iam::222222222222:role/any",
                    RoleSessionName=f"{kind}",
                    Policy=json.dumps(self.policies.of_role(tenant, kind)),
                )["Credentials"]
                yield (
                    tenant,
                    kind,
                    s3(
                        self.server,
                        session["AccessKeyId"],
                        session["SecretAccessKey"],
                        session["SessionToken"],
                    ),
                )

    def operations(self, own: str, other: str) -> Iterator[Operation]:
        """All that a role of ``own`` can try on what is ``other``'s, its own included."""
        bucket = self.policies.bucket(other)
        for part in PARTS:
            yield from self._on_object(own, bucket, f"{other}/{part}")
        yield from _on_bucket(bucket, other)

    def _on_object(self, own: str, bucket: str, prefix: str) -> Iterator[Operation]:
        key = f"{prefix}kept"
        place = {"Bucket": bucket, "Key": key}
        mine = {"Bucket": self.policies.bucket(own), "Key": f"{own}/lakehouse/data/events/kept"}
        copy = {"Bucket": mine["Bucket"], "Key": f"{own}/lakehouse/data/events/copied"}
        written = {"Bucket": bucket, "Key": f"{prefix}written"}
        doomed = {"Bucket": bucket, "Key": f"{prefix}doomed"}
        version = self.root.head_object(**place)["VersionId"]

        def may(action: str, of: Mapping[str, str] = place) -> Permission:
            return Permission(f"s3:{action}", f"arn:aws:s3:::{of['Bucket']}/{of['Key']}")

        def upload(of: Mapping[str, str] = place) -> dict[str, str]:
            return {**of, "UploadId": self.root.create_multipart_upload(**of)["UploadId"]}

        def complete(s3: Any) -> None:
            begun = upload()
            part = self.root.upload_part(**begun, PartNumber=1, Body=b"part")
            parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
            s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts})

        read, write = (may("GetObject"),), (may("PutObject"),)
        plain = (("s3:x-amz-server-side-encryption", ("AES256",)),)
        tags = {"TagSet": [{"Key": "k", "Value": "v"}]}
        put = may("PutObject")
        yield Operation(f"get {key}", read, lambda s3: s3.get_object(**place))
        yield Operation(f"head {key}", read, lambda s3: s3.head_object(**place))
        yield Operation(
            f"get a version of {key}",
            (may("GetObjectVersion"),),
            lambda s3: s3.get_object(**place, VersionId=version),
        )
        yield Operation(f"put {key}", write, lambda s3: s3.put_object(**place, Body=b"new"))
        yield Operation(
            f"put {key} with another encryption",
            (Permission(put.action, put.resource, plain),),
            lambda s3: s3.put_object(**place, Body=b"new", ServerSideEncryption="AES256"),
        )
        yield Operation(
            f"delete {doomed['Key']}",
            (may("DeleteObject", doomed),),
            lambda s3: s3.delete_object(**doomed),
        )
        yield Operation(
            f"copy {key} to my own",
            (may("GetObject"), may("PutObject", copy)),
            lambda s3: s3.copy_object(**copy, CopySource=place),
        )
        yield Operation(
            f"copy my own to {written['Key']}",
            (may("GetObject", mine), may("PutObject", written)),
            lambda s3: s3.copy_object(**written, CopySource=mine),
        )
        yield Operation(
            f"begin an upload to {key}", write, lambda s3: s3.create_multipart_upload(**place)
        )
        yield Operation(
            f"upload a part of {key}",
            write,
            lambda s3: s3.upload_part(**upload(), PartNumber=1, Body=b"part"),
        )
        yield Operation(
            f"copy {key} as a part of my own",
            (may("GetObject"), may("PutObject", copy)),
            lambda s3: s3.upload_part_copy(**upload(copy), PartNumber=1, CopySource=place),
        )
        yield Operation(f"complete an upload to {key}", write, complete)
        yield Operation(
            f"list the parts of {key}",
            (may("ListMultipartUploadParts"),),
            lambda s3: s3.list_parts(**upload()),
        )
        yield Operation(
            f"abort an upload to {key}",
            (may("AbortMultipartUpload"),),
            lambda s3: s3.abort_multipart_upload(**upload()),
        )
        yield Operation(
            f"read the tags of {key}",
            (may("GetObjectTagging"),),
            lambda s3: s3.get_object_tagging(**place),
        )
        yield Operation(
            f"tag {key}",
            (may("PutObjectTagging"),),
            lambda s3: s3.put_object_tagging(**place, Tagging=tags),
        )


def _listed(name: str, s3: Any, **given: str) -> object:
    return getattr(s3, name)(**given)


def _on_bucket(bucket: str, tenant: str) -> Iterator[Operation]:
    arn = f"arn:aws:s3:::{bucket}"
    prefixes = (
        None,
        "",
        tenant[:3],
        tenant,
        f"{tenant}/",
        f"{tenant}/lake",
        f"{tenant}/lakehouse/",
        f"{tenant}/lakehouse/data/events/k",
        f"{tenant}/restricted/",
        f"{tenant}/elsewhere/",
    )
    for prefix in prefixes:
        given = {} if prefix is None else {"Prefix": prefix}
        values = (("s3:prefix", () if prefix is None else (prefix,)),)
        for name, action in (
            ("list_objects_v2", "ListBucket"),
            ("list_object_versions", "ListBucketVersions"),
        ):
            yield Operation(
                f"{name} of {bucket} with prefix {prefix!r}",
                (Permission(f"s3:{action}", arn, values),),
                partial(_listed, name, Bucket=bucket, **given),
            )
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    uploads = "ListBucketMultipartUploads"
    for action, call in (
        (uploads, lambda s3: s3.list_multipart_uploads(Bucket=bucket)),
        (uploads, lambda s3: s3.list_multipart_uploads(Bucket=bucket, Prefix=f"{tenant}/")),
        ("GetBucketLocation", lambda s3: s3.get_bucket_location(Bucket=bucket)),
        ("GetBucketPolicy", lambda s3: s3.get_bucket_policy(Bucket=bucket)),
        ("PutBucketPolicy", lambda s3: s3.put_bucket_policy(Bucket=bucket, Policy=policy)),
        ("DeleteBucketPolicy", lambda s3: s3.delete_bucket_policy(Bucket=bucket)),
        ("GetBucketVersioning", lambda s3: s3.get_bucket_versioning(Bucket=bucket)),
        (
            "PutBucketVersioning",
            lambda s3: s3.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
            ),
        ),
        ("DeleteBucket", lambda s3: s3.delete_bucket(Bucket=bucket)),
    ):
        yield Operation(f"{action} of {bucket}", (Permission(f"s3:{action}", arn),), call)


def settings(server: MinioServer, key: str, secret: str, token: str | None = None) -> Json:
    return {
        "endpoint_url": server.endpoint,
        "region_name": "us-east-1",
        "aws_access_key_id": key,
        "aws_secret_access_key": secret,
        "aws_session_token": token,
        "config": Config(retries={"total_max_attempts": 1}),
    }


def s3(server: MinioServer, key: str, secret: str, token: str | None = None) -> Any:
    return boto3.client("s3", **settings(server, key, secret, token))


def let(client: Any, operation: Operation) -> bool:
    """Whether the server does it. Every other failure than its refusal is one of the test."""
    try:
        operation.call(client)
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        return False
    return True


@dataclass
class Comparison:
    """Where server and proof differ, and what both allow and deny: `<kind> of <tenant>: <call>`."""

    differ: list[str] = field(default_factory=list)
    own: dict[bool, list[str]] = field(default_factory=lambda: {True: [], False: []})
    foreign: dict[bool, list[str]] = field(default_factory=lambda: {True: [], False: []})


def compared(
    world: World, tenants: Sequence[str] = TENANTS, kinds: Iterable[RoleKind] = RoleKind
) -> Comparison:
    found = Comparison()
    for own, kind, client in world.sessions(tenants, kinds):
        for other in TENANTS:
            for operation in world.operations(own, other):
                server, proof = let(client, operation), world.proved(own, kind, operation)
                told = f"{kind} of {own}: {operation.name}"
                (found.own if own == other else found.foreign)[server].append(told)
                if server != proof:
                    found.differ.append(f"{told}: server {server}, proof {proof}")
    return found


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> State:
    root = write_estate(tmp_path_factory.mktemp("estate"), FILES)
    return exported(run_on(root, "prod"), "prod")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, state: State) -> Iterator[MinioServer]:
    """With every tenant's bucket, versioned, and an object in each part of it."""
    policies = Policies(state)
    with minio_server(tmp_path_factory.mktemp("minio")) as running:
        root = s3(running, running.root.access_key, running.root.secret_key)
        for bucket in {policies.bucket(tenant) for tenant in TENANTS}:
            root.create_bucket(Bucket=bucket)
            root.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for tenant in TENANTS:
            for part in PARTS:
                for name in ("kept", "doomed"):
                    root.put_object(
                        Bucket=policies.bucket(tenant), Key=f"{tenant}/{part}{name}", Body=b"data"
                    )
        yield running


def test_every_role_does_on_the_server_exactly_what_the_proof_says(
    server: MinioServer, state: State
) -> None:
    world = World(server, state)
    found = compared(world)
    assert found.differ == []
    shared = world.policies.bucket("acme")
    assert set(found.foreign[True]) == {  # of the bucket that is their own, too
        f"{kind} of {tenant}: GetBucketLocation of {shared}" for tenant in SOFT for kind in RoleKind
    }
    assert min(len(found.own[True]), len(found.own[False]), len(found.foreign[False])) > 100


def planted(state: State, *resources: str) -> State:
    """The state with the pattern `.../acme*`, which matches acme-evil's too, in place of acme's
    own in its reader's grants; and, of the resources named, without what would mask it.
    """
    text = json.dumps(state)
    changed: State = json.loads(text)
    for entry in changed["deployment"]["resources"]:
        name = entry["urn"].rpartition("::")[2]
        if name == "acme-iam-reader-grants" or name in resources:
            for place in (entry["inputs"], entry["outputs"]):
                document = json.loads(place["policy"])
                document["Statement"] = [
                    _widened(each)
                    for each in document["Statement"]
                    if not each["Sid"].startswith("DenyForeign")
                ]
                place["policy"] = json.dumps(document)
    return changed


def _widened(statement: Json) -> Json:
    resources = [each.replace("/acme/lakehouse/*", "/acme*") for each in statement["Resource"]]
    return {**statement, "Resource": resources}


def test_an_over_wide_grant_is_allowed_by_both_once_nothing_masks_it(
    server: MinioServer, state: State
) -> None:
    world = World(server, planted(state, "acme-iam-boundary", "platform-shared-policy"))
    found = compared(world, ["acme"], [RoleKind.READER])
    assert found.differ == []
    assert "reader of acme: get acme-evil/elsewhere/kept" in found.foreign[True]


@pytest.mark.parametrize("widened", ["acme-iam-boundary", "platform-shared-policy"])
def test_boundary_and_fence_each_mask_an_over_wide_grant(
    server: MinioServer, state: State, widened: str
) -> None:
    found = compared(World(server, planted(state, widened)), ["acme"], [RoleKind.READER])
    assert found.differ == []
    assert all(" GetBucketLocation of " in call for call in found.foreign[True])
