"""`tenancy import`: an old `tenant_config.yaml` of many tenants becomes one file for each.

What it says is kept, with its comments, quotes and order; what has another name or place here is
moved. Values that may be secrets are never repeated.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from onboarding import tenant_files
from tenancy.environment import Environment, load_environment
from tenancy.errors import InvalidInput, Problem, Refusal
from tenancy.model import safe
from tenancy.references import check_secret_ref
from tenancy.tenant import Tenant
from tenancy.tiers import Tier
from tenancy.yaml_file import read_mapping

_SCHEMA = "# yaml-language-server: $schema=../tenancy/tenant.schema.json\n"
_WIDTH = 4096  # characters: no line of the old file is broken

_ORDER = tuple(Tenant.model_fields)
"""The keys of a tenant's file, in the order in which they are written."""

_RENAMED = {"classification_level": "classification", "audit_requirements": "audit"}
_RENAMED_IN_AUDIT = {"siem_integration": "siem", "realtime_monitoring": "realtime"}
_ENHANCEMENTS = {
    "network_isolation": Tier.HARD,
    "dedicated_processing": Tier.HARD,
    "additional_encryption": Tier.MEDIUM,
}
"""What the old file asked for -> the weakest tier that has it."""

_SECRET = re.compile("password|passwd|secret|token|api_key|private_key|credential", re.IGNORECASE)

Report = Callable[[str, str], None]
"""Told of each change: the field in the old file, and what became of it."""


@dataclass(frozen=True)
class Moved:
    """Something that the importer changed, or that its user should know: of which tenant."""

    tenant: str
    field: str
    what: str

    def __str__(self) -> str:
        return f"{self.field}: {self.what}"


@dataclass(frozen=True)
class Imported:
    """What was written, and what is different from the old file.

    Attributes:
        files: relative to the project's folder.
        unchanged: files that were there already, exactly as they would be written.
    """

    files: tuple[str, ...]
    unchanged: tuple[str, ...]
    moved: tuple[Moved, ...]

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return asdict(self)


class Refused(InvalidInput):
    """Nothing was written; ``moved`` is what would have been changed."""

    def __init__(self, problems: list[Problem], moved: tuple[Moved, ...]) -> None:
        super().__init__(problems)
        self.moved = moved


@dataclass
class _Tenants:
    """The old file's tenants, as they would be written; ``given`` has their old ids."""

    given: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    moved: list[Moved] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def import_file(root: Path, file: Path, environment: str, contact: str | None = None) -> Imported:
    """Write `tenants/<id>.yaml` for every tenant of the file, or none.

    Args:
        root: the project's folder.
        file: YAML with a mapping `tenants`, id -> what the tenant is.
        environment: of tenants that name none.
        contact: of tenants that name none; without it, the environment's operators.

    Raises:
        InvalidInput: the file cannot be read.
        Refused: with everything that speaks against one of the tenants.
    """
    read_mapping(file, str(file))  # what is no plain data is refused here, in our words
    old = _yaml().load(file.read_text(encoding="utf-8")).get("tenants")
    if not isinstance(old, CommentedMap) or not old:
        raise InvalidInput(
            Problem(
                str(file),
                "tenants",
                "must be a mapping, one tenant's id and what it is after the other",
                "give the old tenant_config.yaml",
            )
        )
    place = load_environment(root / f"Pulumi.{environment}.yaml")
    if place is None:
        raise InvalidInput(
            Problem(f"Pulumi.{environment}.yaml", "", "describes no environment", "name another")
        )
    found = _converted(old, str(file), place, contact)
    moved = tuple(found.moved)
    unchanged = [
        name
        for name, text in found.texts.items()
        if (path := root / "tenants" / f"{name}.yaml").exists() and path.read_text("utf-8") == text
    ]
    new = {name: text for name, text in found.texts.items() if name not in unchanged}
    found.problems += _faults(root, new)
    if found.problems:
        raise Refused([_placed(each, str(file), found.given) for each in found.problems], moved)
    tenant_files.write_new(root, new)
    return Imported(tuple(map(_file, new)), tuple(map(_file, unchanged)), moved)


def _faults(root: Path, texts: Mapping[str, str]) -> list[Problem]:
    """What the estate refuses of these files: of each alone first, so that none hides another's."""
    try:
        tenant_files.check(root, texts)
    except InvalidInput as together:
        found: dict[Problem, None] = {}
        for tenant, text in texts.items():
            try:
                tenant_files.check(root, {tenant: text})
            except InvalidInput as alone:
                found |= dict.fromkeys(alone.problems)
        return list(found or dict.fromkeys(together.problems))
    return []


def _placed(problem: Problem, file: str, given: Mapping[str, str]) -> Problem:
    """The problem where the user can mend it: in the old file, unless the new one is there."""
    old = next((old for new, old in given.items() if problem.where == _file(new)), None)
    if old is None or not problem.field:
        return problem
    return replace(problem, where=file, field=f"tenants.{old}.{problem.field}")


def _file(tenant: str) -> str:
    return f"tenants/{tenant}.yaml"


def _converted(
    old: CommentedMap, file: str, environment: Environment, contact: str | None
) -> _Tenants:
    found = _Tenants()
    taken = found.given
    for given, settings in old.items():
        name = given.replace("_", "-")
        where = f"tenants.{given}"
        if name in taken:
            found.problems.append(
                Problem(
                    file,
                    where,
                    f"`{safe(given)}` and `{safe(taken[name])}` would both be tenant {safe(name)}:"
                    " ids have hyphens only",
                    "rename one of them; both may have data under their old name",
                )
            )
            continue
        taken[name] = given
        if not isinstance(settings, CommentedMap):
            found.problems.append(
                Problem(file, where, "must be a mapping", "write what the tenant is, indented")
            )
            continue

        def report(place: str, what: str, name: str = name, where: str = where) -> None:
            found.moved.append(Moved(name, f"{where}{place}", what))

        found.problems += _secrets(settings, file, where)
        if name != given:
            report("", f"the id becomes {name}: underscores to hyphens")
        new = _tenant(name, settings, report)
        if "environment" not in new:
            new["environment"] = environment.name
        if "contact" not in new:
            new["contact"] = contact or environment.alert_email
            whose = "as told" if contact else "the environment's operators, until one is named"
            report("", f"contact, which is required, is {new['contact']}: {whose}")
        if new.get("isolation") == Tier.HARD.label and "region" not in new:
            new["region"] = environment.region
            report("", f"region is the environment's, {environment.region}")
        found.texts[name] = _text(new)
    return found


def _secrets(value: object, file: str, place: str) -> Iterator[Problem]:
    """Secrets where none is expected; those of `api_access` the model refuses itself."""
    if not isinstance(value, Mapping):
        return
    for key, each in value.items():
        if key == "api_access":
            continue
        yield from _secrets(each, file, f"{place}.{key}")
        if isinstance(each, str) and _SECRET.search(key):
            try:
                check_secret_ref(each)
            except Refusal as refusal:
                yield Problem(file, f"{place}.{key}", refusal.rule, refusal.remedy)


def _tenant(name: str, old: CommentedMap, report: Report) -> CommentedMap:
    """The tenant with today's keys; a key that is not known stays, and the model refuses it."""
    new = CommentedMap()
    new["tenant"] = name
    for key, value in old.items():
        if key == "security_enhancements" and isinstance(value, Mapping):
            tier = _tier(value, report)
            if tier is not None:
                new["isolation"] = tier.label
            continue
        today = _RENAMED.get(key, key)
        if today in new:  # both its old and its new name: the model cannot see that
            report(f".{key}", f"left out: the tenant has `{today}` as well")
            continue
        if today != key:
            report(f".{key}", f"is `{today}` now")
        new[today] = _audit(value, key, report) if today == "audit" else value
        if key in old.ca.items:
            new.ca.items[today] = old.ca.items[key]
    for place in _variables(old):
        report(f".{place}", "stays a reference to a variable of the run's environment")
    return new


def _audit(old: object, key: str, report: Report) -> object:
    if not isinstance(old, CommentedMap):
        return old
    new = CommentedMap()
    for name, value in old.items():
        today = _RENAMED_IN_AUDIT.get(name, name)
        if today != name:
            report(f".{key}.{name}", f"is `audit.{today}` now")
        new[today] = value
        if name in old.ca.items:
            new.ca.items[today] = old.ca.items[name]
    return new


def _tier(wanted: Mapping[str, Any], report: Report) -> Tier | None:
    tier = None
    for name, value in wanted.items():
        place = f".security_enhancements.{name}"
        least = _ENHANCEMENTS.get(name)
        if least is None:
            report(place, "left out: nothing here has that name; see docs/tenant.md, `isolation`")
        elif value is True:
            tier = max(tier or least, least)
            report(place, f"is what `isolation: {least.label}` gives")
        else:
            report(place, "left out: it was not asked for")
    return tier


def _variables(value: object, place: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _variables(each, f"{place}.{key}" if place else str(key))
    elif isinstance(value, str) and value.startswith("${") and value.endswith("}"):
        yield place


def _text(new: CommentedMap) -> str:
    ordered = CommentedMap()
    rank = {key: index for index, key in enumerate(_ORDER)}
    for key in sorted(new, key=lambda key: rank.get(key, len(rank))):
        ordered[key] = new[key]
        if key in new.ca.items:
            ordered.ca.items[key] = new.ca.items[key]
    stream = io.StringIO()
    _yaml().dump(ordered, stream)
    lines = (line.rstrip() for line in stream.getvalue().splitlines())
    # Blank lines stood between the tenants of the old file, and nowhere in it.
    return _SCHEMA + "".join(f"{line}\n" for line in lines if line)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
