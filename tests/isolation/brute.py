"""An evaluator of one concrete request, straight from the JSON: slow, plain, and on its own.

It shares no code with the provers, so that it can be their judge. Where the documentation leaves
room, it reads as the project's rules say: in the caller's favour.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]
Context = Mapping[str, tuple[str, ...]]
"""Key in lower case -> values; a key that is not there is absent."""

ACCOUNT = "111111111111"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/acme"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/acme/me"


@dataclass(frozen=True)
class Case:
    """A role of ``ACCOUNT`` and all that decides about its requests."""

    target_account: str = ACCOUNT
    identity: tuple[Document, ...] = ()
    boundary: Document | None = None
    session: tuple[Document, ...] = ()
    guardrails: tuple[tuple[Document, ...], ...] = ()
    resource: tuple[Document, ...] = ()
    must_allow: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    action: str
    resource: str
    context: Context


def allowed(case: Case, request: Request) -> bool:
    """What AWS would decide."""
    context = {
        "aws:principalarn": (ROLE,),
        "aws:principalaccount": (ACCOUNT,),
        "s3:resourceaccount": (case.target_account,),
        **{f"aws:principaltag/{tag}": (value,) for tag, value in case.tags.items()},
        **request.context,
    }

    def some(documents: Iterator[Document] | tuple[Document, ...], effect: str) -> bool:
        return any(
            _applies(statement, document, request, context)
            for document in documents
            for statement in document["Statement"]
            if statement["Effect"] == effect
        )

    limits = ([(case.boundary,)] if case.boundary else []) + (
        [case.session] if case.session else []
    )
    everything = [case.identity, *limits, *case.guardrails]
    if any(some(documents, "Deny") for documents in everything):
        return False
    if _by_name(case, request, context, "Deny"):
        return False
    if not all(some(level, "Allow") for level in case.guardrails):
        return False
    limited = all(some(documents, "Allow") for documents in limits)
    own = limited and some(case.identity, "Allow")
    named = _by_name(case, request, context, "Allow")
    if case.target_account != ACCOUNT:
        return own and bool(named)
    if "direct" in named or ("role" in named and limited):
        return True
    return own and (bool(named) or not case.must_allow)


def _by_name(case: Case, request: Request, context: Context, effect: str) -> set[str]:
    """How the statements of the resource's policies that apply name the role."""
    found = set()
    for document in case.resource:
        for statement in document["Statement"]:
            if statement["Effect"] == effect and _applies(statement, document, request, context):
                found |= _naming(statement)
    return found


def _naming(statement: Document) -> set[str]:
    ways = {
        "*": "direct",
        SESSION: "direct",
        ROLE: "role",
        ACCOUNT: "account",
        f"arn:aws:iam::{ACCOUNT}:root": "account",
    }
    allow = statement["Effect"] == "Allow"
    if "NotPrincipal" in statement:
        listed = _names(statement["NotPrincipal"])
        return {"direct"} if allow or not listed & ways.keys() else set()
    if not allow:
        del ways[SESSION]  # another session name avoids it
    return {ways[name] for name in _names(statement["Principal"]) if name in ways}


def _names(principal: Any) -> set[str]:
    return {"*"} if principal == "*" else set(_listed(principal["AWS"]))


def _listed(given: Any) -> list[str]:
    return given if isinstance(given, list) else [given]


def _applies(  # noqa: C901 - one rule after the other
    statement: Document, document: Document, request: Request, context: Context
) -> bool:
    variables = document.get("Version") == "2012-10-17"
    allow = statement["Effect"] == "Allow"

    def expressions(texts: list[str], *, wild: bool) -> list[str | None]:
        return [_expression(text, context, wild=wild, variables=variables) for text in texts]

    def element(name: str, value: str, *, wild_variables: bool) -> bool | None:
        negated = f"Not{name}" in statement
        texts = _listed(statement.get(f"Not{name}", statement.get(name, "*")))
        found = [
            _expression(text, context, wild=True, variables=variables and wild_variables)
            for text in texts
        ]
        if negated and not allow and None in found:
            return None
        matched = any(one is not None and re.fullmatch(one, value, re.DOTALL) for one in found)
        return matched != negated

    lowered = dict(statement)
    for name in ("Action", "NotAction"):
        if name in statement:
            lowered[name] = [text.lower() for text in _listed(statement[name])]
    statement = lowered
    if not element("Action", request.action.lower(), wild_variables=False):
        return False
    if not element("Resource", request.resource, wild_variables=True):
        return False
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            found = expressions(_listed(values), wild="Like" in operator or "Arn" in operator)
            if not allow and "Not" in operator and None in found:
                return False
            if not _holds(operator, context.get(key.lower(), ()), _listed(values), found):
                return False
    return True


def _holds(
    operator: str, given: tuple[str, ...], values: list[str], expressions: list[str | None]
) -> bool:
    if operator == "Null":
        return (not given) == (values == ["true"])
    quantifier, _, base = operator.rpartition(":")
    negated = "Not" in base
    flags = re.DOTALL | (re.IGNORECASE if "IgnoreCase" in base or base.startswith("Bool") else 0)
    if not given:
        if quantifier == "ForAllValues":
            return True
        return quantifier == "" and (base.endswith("IfExists") or negated)
    results = [
        any(one is not None and re.fullmatch(one, value, flags) for one in expressions) != negated
        for value in given
    ]
    return all(results) if quantifier == "ForAllValues" else any(results)


def _expression(text: str, context: Context, *, wild: bool, variables: bool) -> str | None:
    """A regular expression; None where a variable has no value."""
    found = ""
    for part in re.findall(r"\$\{[^}]*\}|.", text, re.DOTALL):
        if variables and part.startswith("${"):
            name, _, default = part[2:-1].partition(",")
            if name in "*?$":
                found += re.escape(name)
                continue
            value = context.get(name.strip().lower(), ()) or (
                (default.strip()[1:-1],) if default else ()
            )
            if len(value) != 1:
                return None
            found += re.escape(value[0])
        elif len(part) > 1:
            found += "".join(_wild(letter, wild=wild) for letter in part)
        else:
            found += _wild(part, wild=wild)
    return found


def _wild(letter: str, *, wild: bool) -> str:
    return {"*": ".*", "?": "."}.get(letter, re.escape(letter)) if wild else re.escape(letter)
