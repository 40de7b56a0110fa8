"""The ways out of a private network: endpoints of AWS services, and who may use them for what.

There is neither an internet gateway nor NAT, so what has no endpoint here cannot be reached. An
endpoint policy is a perimeter, it says who and whose: what a role may do there is for its grants.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tenancy.fences import TENANT_TAG
from tenancy.grants import Conditions, Statement, merged
from tenancy.names import PLATFORM, Names

_PULL = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)


@dataclass(frozen=True)
class Endpoint:
    """``service`` as in ``com.amazonaws.<region>.<service>``; ``purpose``: what needs it."""

    service: str
    purpose: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Perimeter:
    """Who may use a network's endpoints, and whose resources they reach.

    ``owner`` is ``PLATFORM`` or the tenant alone in the account. ``registries``: the accounts that
    images are pulled from.
    """

    names: Names
    owner: str
    registries: Sequence[str]

    @property
    def s3(self) -> Endpoint:
        """The gateway endpoint, which costs nothing."""
        names = self.names
        buckets = (
            (f"{names.prefix}--*",)
            if self.owner == PLATFORM
            else (names.bucket(self.owner), names.registry_bucket(self.owner))
        )
        own = {"StringEquals": {"aws:ResourceAccount": names.account_id}}
        return Endpoint(
            "s3",
            "data files, the registry, and the layers of images",
            (
                self._allow(
                    "Buckets",
                    ("s3:*",),
                    tuple(arn for bucket in buckets for arn in self._and_objects(bucket)),
                    own,
                ),
                # Layers are fetched by URLs that ECR signs: the caller is AWS's, not ours (Amazon
                # ECR User Guide, "Minimum Amazon S3 bucket permissions for Amazon ECR").
                _allow("ImageLayers", ("s3:GetObject",), (names.image_layers_arn,), {}),
            ),
        )

    @property
    def interfaces(self) -> tuple[Endpoint, ...]:
        """The interface endpoints; each costs by the hour in every zone, so none is a spare.

        Not here, since nothing calls them from within: kms (S3 and Secrets Manager decrypt on
        their side), sts (tasks get credentials from the ECS agent), lakeformation, sns, sqs and
        monitoring (alarms read what AWS itself measures).
        """
        names = self.names
        own = names.any_secret_arn if self.owner == PLATFORM else names.secrets_arn(self.owner)
        return (
            Endpoint("ecr.api", "tasks pull their image", self._images()),
            Endpoint("ecr.dkr", "tasks pull their image", self._images()),
            Endpoint(
                "logs",
                "tasks write their log",
                (self._allow("Logs", ("logs:*",), (names.any_log_arn,)),),
            ),
            Endpoint(
                "secretsmanager",
                "tasks start with their secrets, database users are rotated",
                (self._allow("Secrets", ("secretsmanager:*",), (own, names.master_secrets_arn)),),
            ),
            Endpoint(
                "glue",
                "runs register what they committed",
                (self._allow("Catalog", ("glue:*",), (names.glue_arn("*"),)),),
            ),
            Endpoint(
                "ecs",
                "a Dagster daemon starts and watches runs",
                # Some actions have no resource (ecs:DescribeTaskDefinition), none reaches another
                # account (Service Authorization Reference): the caller's account bounds them.
                (self._allow("Tasks", ("ecs:*",), ("*",)),),
            ),
        )

    def _images(self) -> tuple[Statement, ...]:
        """Both endpoints of ECR, with the same policy (Amazon ECR User Guide, "VPC endpoints").

        Roles are told by ARN: a registry token, with which the second one is called, is made for
        a principal, and nothing says that it carries the tags of a role.
        """
        names = self.names
        caller: Conditions = {"StringEquals": {"aws:PrincipalAccount": names.account_id}}
        if self.owner != PLATFORM:
            starters = (
                names.service_role_arn(self.owner, "*"),
                names.run_execution_role_arn(self.owner),
            )
            caller = merged(caller, {"ArnLike": {"aws:PrincipalArn": starters}})
        repositories = tuple(names.repositories_arn(account) for account in self.registries)
        return (
            # This action has no resource: a token is for what its principal may pull.
            _allow("Token", ("ecr:GetAuthorizationToken",), ("*",), caller),
            _allow("Pull", _PULL, repositories, caller),
        )

    def _and_objects(self, bucket: str) -> tuple[str, ...]:
        arn = self.names.bucket_arn(bucket)
        # A pattern that ends with `*` holds the objects too, since `*` crosses `/`.
        return (arn,) if arn.endswith("*") else (arn, f"{arn}/*")

    def _allow(
        self,
        sid: str,
        actions: tuple[str, ...],
        resources: tuple[str, ...],
        conditions: Conditions | None = None,
    ) -> Statement:
        """``actions`` for the callers that the network is for."""
        caller: Conditions = {"StringEquals": {"aws:PrincipalAccount": self.names.account_id}}
        if self.owner != PLATFORM:
            caller = merged(caller, {"StringEquals": {TENANT_TAG: self.owner}})
        return _allow(sid, actions, resources, merged(caller, conditions or {}))


def _allow(
    sid: str, actions: tuple[str, ...], resources: tuple[str, ...], conditions: Conditions
) -> Statement:
    return Statement(sid, "Allow", actions, resources, conditions, principals="*")
