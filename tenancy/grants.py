"""Policy documents as data: typed statements, and the one place that renders them to JSON."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Literal

Conditions = Mapping[str, Mapping[str, str | tuple[str, ...]]]
"""Operator -> condition key -> value or values, as IAM writes them."""

Principals = Literal["*"] | Mapping[str, tuple[str, ...]]
"""Everybody, or principal type (``AWS``, ``Service``, ``Federated``) -> principals."""


class PolicyKind(Enum):
    """A kind of policy and its size limit in characters, white space not counted.

    Sources: IAM User Guide, "IAM and AWS STS quotas" (inline: the sum of a role's inline policies);
    SQS Developer Guide, "Policy quotas" (8,192 bytes); SNS refuses a topic policy over 30,720;
    S3 User Guide, "Bucket policies" (20 KB); KMS Developer Guide, "Resource quotas" (32 KB);
    Amazon VPC User Guide, "Amazon VPC quotas" (endpoint policies); AWS Organizations User Guide,
    "Quotas" (service control policies).
    """

    # With their names: members of equal value would be one.
    TRUST = ("trust", 2_048)
    INLINE = ("inline", 10_240)
    MANAGED = ("managed", 6_144)
    BUCKET = ("bucket", 20_480)
    KEY = ("key", 32_768)
    QUEUE = ("queue", 8_192)
    TOPIC = ("topic", 30_720)
    ENDPOINT = ("endpoint", 20_480)
    CONTROL = ("service control", 5_120)

    @property
    def limit(self) -> int:
        """Characters."""
        return self.value[1]


class PolicyTooLargeError(ValueError):
    """A rendered policy is over the limit of its kind."""


@dataclass(frozen=True)
class Statement:
    """One statement; either ``actions`` or ``not_actions``, ``resources`` or ``not_resources``."""

    sid: str
    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    conditions: Conditions = field(default_factory=dict)
    principals: Principals | None = None
    not_actions: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The statement as IAM's grammar has it; absent elements are left out."""
        elements: dict[str, object] = {
            "Sid": self.sid,
            "Effect": self.effect,
            "Principal": self._principals(),
            "Action": list(self.actions),
            "NotAction": list(self.not_actions),
            "Resource": list(self.resources),
            "NotResource": list(self.not_resources),
            "Condition": {
                operator: {key: _plain(value) for key, value in keys.items()}
                for operator, keys in self.conditions.items()
            },
        }
        return {name: value for name, value in elements.items() if value}

    def _principals(self) -> object:
        if self.principals is None or self.principals == "*":
            return self.principals
        return {kind: list(names) for kind, names in self.principals.items()}


def _plain(value: str | tuple[str, ...]) -> str | list[str]:
    return value if isinstance(value, str) else list(value)


def merged(*conditions: Conditions) -> Conditions:
    """All of ``conditions`` together: IAM joins operators and keys with AND."""
    result: dict[str, dict[str, str | tuple[str, ...]]] = {}
    for block in conditions:
        for operator, keys in block.items():
            result.setdefault(operator, {}).update(keys)
    return result


def paged(statement: Statement, kind: PolicyKind) -> tuple[Statement, ...]:
    """``statement`` cut by its resources into as few as fit a policy of ``kind`` each, in order."""
    pages: list[Statement] = []
    room = 0
    empty = len(_document([replace(statement, resources=())])) + len('"Resource":[],')
    for resource in statement.resources:
        size = len(f'"{resource}",')
        if size > room:
            pages.append(replace(statement, resources=()))
            room = kind.limit - empty
        pages[-1] = replace(pages[-1], resources=(*pages[-1].resources, resource))
        room -= size
    return tuple(pages)


def render(statements: Iterable[Statement], kind: PolicyKind, limit: int | None = None) -> str:
    """The policy document as JSON text. ``limit``: characters, where AWS has raised the quota.

    Raises ``PolicyTooLargeError`` when AWS would refuse it for its size.
    """
    text = _document(statements)
    allowed = kind.limit if limit is None else limit
    if len(text) > allowed:
        msg = (
            f"the {kind.name.lower()} policy has {len(text)} characters and AWS allows"
            f" {allowed}; name fewer principals or tables in it"
        )
        raise PolicyTooLargeError(msg)
    return text


def size(statements: Iterable[Statement]) -> int:
    """The characters of the policy document."""
    return len(_document(statements))


def _document(statements: Iterable[Statement]) -> str:
    document = {"Version": "2012-10-17", "Statement": [s.to_json() for s in statements]}
    return json.dumps(document, separators=(",", ":"))
