"""Policy documents where they stand in a graph, parsed when a question first needs them."""

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from isolation.errors import PolicyError
from isolation.graph import Resource
from isolation.inventory import as_text, is_hidden, values
from isolation.policy import Policy, parse_policy

# Documents of AWS's own policies (AWS Managed Policy Reference Guide); others are not known here.
_MANAGED: dict[str, list[tuple[str, ...]]] = {
    "AdministratorAccess": [("*",)],
    "AmazonS3FullAccess": [("s3:*", "s3-object-lambda:*")],
    "AmazonS3ReadOnlyAccess": [
        ("s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*")
    ],
    "service-role/AWSLambdaBasicExecutionRole": [
        ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
    ],
    "service-role/AmazonECSTaskExecutionRolePolicy": [
        (
            "ecr:GetAuthorizationToken",
            "ecr:BatchCheckLayerAvailability",
            "ecr:GetDownloadUrlForLayer",
            "ecr:BatchGetImage",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        )
    ],
}


class Document:
    """One policy document. ``name`` is the URN of its resource, ``#`` and the property.

    ``error`` says why it cannot be read; then it counts as allowing everything to everybody.
    """

    __slots__ = ("__dict__", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @cached_property
    def _parsed(self) -> tuple[Policy, str]:
        try:
            return parse_policy(self.text, self.name), ""
        except PolicyError as error:
            return _everything(self.name, error.rule), str(error)

    @property
    def policy(self) -> Policy:
        """The statements."""
        return self._parsed[0]

    @property
    def error(self) -> str:
        """What keeps it from being read; empty if nothing does."""
        return self._parsed[1]

    @cached_property
    def json(self) -> Any:  # noqa: ANN401 - whatever the state has
        """The document as JSON; None if it is none."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


class UnknownDocument(Document):
    """A policy that the graph does not hold: ``why`` names it."""

    __slots__ = ("why",)

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name, f"unknown: {why}")
        self.why = why

    @cached_property
    def _parsed(self) -> tuple[Policy, str]:
        return _everything(self.name, self.why), self.why


def _everything(name: str, why: str) -> Policy:
    """Fails closed: an Allow of everything, with an element that nobody knows."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*", why: True}
    return parse_policy({"Version": "2012-10-17", "Statement": [statement]}, name)


def managed(arn: str) -> Document:
    """A policy of AWS's own, or one that is not in the graph."""
    known = _MANAGED.get(arn.partition(":iam::aws:policy/")[2])
    if known is None:
        return UnknownDocument(arn, f"the policy {arn} is not in the state")
    statements = [
        {"Effect": "Allow", "Action": list(actions), "Resource": "*"} for actions in known
    ]
    return Document(arn, json.dumps({"Version": "2012-10-17", "Statement": statements}))


def document(resource: Resource, name: str) -> Document | None:
    """The policy in a property; None without one.

    Where the cloud has another than the program asks for, all that either allows counts, and what
    both deny.
    """
    found = [given for given in values(resource, name) if given not in ("", {})]
    where = f"{resource.urn}#{name}"
    if not found:
        return None
    if any(is_hidden(given) for given in found):
        readable = [given for given in found if not is_hidden(given)]
        if not readable or resource.outputs:
            return UnknownDocument(where, f"{name} of {resource.urn} is not known")
        found = readable
    return merged(where, [as_text(given) for given in found])


def merged(name: str, given: Iterable[str]) -> Document:
    """One document of several: all that any allows, and what all deny."""
    texts = list(given)
    if len(texts) == 1:
        return Document(name, texts[0])
    different = {normal(text): text for text in texts}
    if len(different) == 1:
        return Document(name, next(iter(different.values())))
    allows: dict[str, object] = {}
    denies: list[dict[str, object]] = []
    version = "2012-10-17"
    for text in different.values():
        try:
            loaded = json.loads(text)
            statements = loaded["Statement"]
        except (ValueError, RecursionError, KeyError, TypeError):
            return Document(name, text)
        own: dict[str, object] = {}
        for statement in statements if isinstance(statements, list) else [statements]:
            is_deny = isinstance(statement, Mapping) and statement.get("Effect") == "Deny"
            (own if is_deny else allows)[normal(statement)] = statement
        denies.append(own)
    common = [one for key, one in denies[0].items() if all(key in other for other in denies)]
    return Document(
        name, json.dumps({"Version": version, "Statement": [*allows.values(), *common]})
    )


def normal(given: object) -> str:
    """A document in one spelling: order and lists of one do not count."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return str(given)
    return json.dumps(_normal(given), sort_keys=True)


def _normal(given: object) -> object:
    if isinstance(given, Mapping):
        return {
            key: _normal(value) for key, value in given.items() if key != "Id" and value is not None
        }
    if isinstance(given, list):
        items = sorted(
            (_normal(item) for item in given), key=lambda one: json.dumps(one, sort_keys=True)
        )
        return items[0] if len(items) == 1 else items
    return given
