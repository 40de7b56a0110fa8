"""Estates of many tenants, made from what the program makes for one of each tier.

A tenant is a copy of the resources of a tenant of its tier under another id, and of a hard one in
another account. What the platform's policies say of each tenant is said of each copy.
"""

import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from tests.estates import own_estate

Entry = dict[str, Any]
_SOFT, _MEDIUM, _HARD = "globex", "newcorp", "federal-dhs"
_TABLES = ("fema_disasters", "noaa_weather", "scd_type2")
_OTHERS = ("acme", "colorado-state")
_HARD_ACCOUNT = "210987654321"
_TIERS = (_SOFT,) * 14 + (_MEDIUM,) * 5 + (_HARD,)
"""Of twenty tenants fourteen are soft, five medium and one hard."""


class Generator:
    """Writes estates as exported states."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            states = own_estate(Path(folder))
        platform = [one for one in states["local"]["deployment"]["resources"] if _wanted(one)]
        hard = [
            one for one in states["local-federal-dhs"]["deployment"]["resources"] if _wanted(one)
        ]
        self._of: dict[str, list[str]] = defaultdict(list)
        self._shared: list[Entry] = []
        for entry in platform:
            owner = _owner(entry)
            if owner is None:
                self._shared.append(entry)
            else:
                self._of[owner].append(json.dumps(entry))
        self._of[_HARD] = [json.dumps(entry) for entry in hard]

    def write(self, file: Path, tenants: int, *, odd: bool = False) -> None:
        """A state of that many tenants; with ``odd`` the last soft one reads every table's name."""
        ids = {number: _id(number) for number in range(tenants)}
        tiers = {number: _TIERS[number % len(_TIERS)] for number in ids}
        with file.open("w", encoding="utf-8") as stream:
            stream.write('{"version": 3, "deployment": {"manifest": {}, "resources": [\n')
            stream.write(",\n".join(map(json.dumps, self._platform(ids, tiers))))
            bad = max((n for n, tier in tiers.items() if tier == _SOFT), default=0)
            for number, name in ids.items():
                self._copy(stream, tiers[number], name, number, bad=odd and number == bad)
            stream.write("\n]}}\n")

    def bad_tenant(self, tenants: int) -> str:
        """The tenant that is odd in an estate of that many."""
        return _id(max(n for n in range(tenants) if _TIERS[n % len(_TIERS)] == _SOFT))

    def _copy(self, stream: TextIO, tier: str, name: str, number: int, *, bad: bool) -> None:
        account = f"{500_000_000_000 + number}"
        for text in self._of[tier]:
            copy = text.replace(tier, name).replace(tier.replace("-", "_"), name.replace("-", "_"))
            if tier == _HARD:
                copy = copy.replace(_HARD_ACCOUNT, account)
            copy = _KEY_ID.sub(lambda found: f"{found[0][:24]}{number:012d}", copy)
            if bad and ("::" + name + "-iam-reader-grants" in copy or "-iam-boundary" in copy):
                copy = _wider(copy) if '"policy":' in copy else copy
            stream.write(",\n" + copy)

    def _platform(self, ids: dict[int, str], tiers: dict[int, str]) -> Iterator[Entry]:
        """The platform's resources; where they list tenants, all are listed."""
        names: dict[str, list[str]] = defaultdict(list)
        for number, name in ids.items():
            names[tiers[number]].append(name)
        names.pop(_HARD, None)
        for entry in self._shared:
            yield _listing(entry, names)


_KEY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def _id(number: int) -> str:
    """An id of the grammar that is no part of another."""
    return f"team-{number:05d}-x"


def _wanted(entry: Entry) -> bool:
    """One table template of four is enough; the bench's tenants replace the given ones."""
    name = entry["urn"].rpartition("::")[2]
    return not any(table in name for table in _TABLES)


def _owner(entry: Entry) -> str | None:
    text = entry["urn"].partition("::")[2]
    for name in (_SOFT, _MEDIUM, *_OTHERS):
        if f"::{name}" in text:
            return name
    tags = entry["inputs"].get("tags") or {}
    return tags.get("tenant") if tags.get("tenant") in (_SOFT, _MEDIUM, *_OTHERS) else None


def _listing(entry: Entry, names: dict[str, list[str]]) -> Entry:
    """The entry with every list element that names a given tenant told of each copy instead."""

    def told(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            return {key: told(one) for key, one in value.items()}
        if isinstance(value, list):
            found: list[Any] = []
            for one in value:
                text = one if isinstance(one, str) else ""
                tier = next((t for t in (_SOFT, _MEDIUM, *_OTHERS) if _mentions(text, t)), None)
                if tier is None:
                    found.append(told(one))
                elif tier in names:
                    found += [
                        text.replace(tier, name).replace(
                            tier.replace("-", "_"), name.replace("-", "_")
                        )
                        for name in names[tier]
                    ]
            return found
        if (
            isinstance(value, str)
            and value[:1] == "{"
            and any(_mentions(value, t) for t in (_SOFT, _MEDIUM, *_OTHERS))
        ):
            return json.dumps(told(json.loads(value)))
        return value

    return {
        key: told(value) if key in ("inputs", "outputs") else value for key, value in entry.items()
    }


def _mentions(text: str, name: str) -> bool:
    return name in text or name.replace("-", "_") in text


def _wider(copy: str) -> str:
    """The policy with a statement that allows every table of the account."""
    entry = json.loads(copy)
    for side in ("inputs", "outputs"):
        document = json.loads(entry[side]["policy"])
        document["Statement"].append(
            {"Sid": "Odd", "Effect": "Allow", "Action": "glue:GetTable", "Resource": "*"}
        )
        entry[side]["policy"] = json.dumps(document)
    return json.dumps(entry)
