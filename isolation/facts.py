"""What is known of a request's context before it is made: keys of the caller and the resource."""

import re
from collections.abc import Iterable, Mapping
from typing import Self

Given = Mapping[str, str | tuple[str, ...]]
"""Condition key -> its value or values; ``()`` for a key known to be absent. A key that ends in
``/*`` stands for all others of its family: ``{"aws:PrincipalTag/*": ()}`` says that the caller has
no other tags."""

# Set by AWS from the caller or the resource, so a caller cannot choose them (IAM User Guide, "AWS
# global condition context keys"; Service Authorization Reference of S3, KMS and others).
_FIXED = re.compile(
    r"aws:(?:principal|resource|userid|username|federatedprovider|assumedroot|tokenissuetime)"
    r"|[a-z0-9-]+:(?:resourcetag/|resourceaccount|resourcealiases|calleraccount"
    r"|existingobjecttag/|buckettag/)"
)
# Chosen with the request itself, though AWS names them among the global keys.
_REQUESTED = re.compile(r"aws:(?:requesttag/|tagkeys)")
# Tells where, when or through what a call is made.
_SURROUNDING = re.compile(r"aws:|[a-z0-9-]+:via")


class Facts:
    """Known values of condition keys, whose names are not case-sensitive.

    ``free`` are keys (or families, ``aws:PrincipalTag/*``) that AWS sets but the caller can choose,
    such as the tags of a session whose role lets it choose them; a key that is known goes before a
    family that is free. ``unsure`` are keys of which AWS does not say whether a request has them.
    """

    __slots__ = ("_free", "_known", "_unsure")

    def __init__(self, known: Given, free: Iterable[str] = (), unsure: Iterable[str] = ()) -> None:
        self._known = {
            key.lower(): (value,) if isinstance(value, str) else value
            for key, value in known.items()
        }
        self._free = frozenset(key.lower() for key in free)
        self._unsure = frozenset(key.lower() for key in unsure)

    def __or__(self, other: Self) -> "Facts":
        unsure = self._unsure | other._unsure
        return Facts(self._known | other._known, self._free | other._free, unsure)

    def values(self, key: str) -> tuple[str, ...] | None:
        """The values of a key in lower case, empty where it is absent; None if not known."""
        if key in self._free:
            return None
        found = self._known.get(key)
        if found is not None or _family(key) in self._free:
            return found
        return self._known.get(_family(key))

    def may_be_missing(self, key: str) -> bool:
        """Whether a key in lower case, whose value is known, may be missing all the same."""
        return key in self._unsure

    def chosen_by_caller(self, key: str) -> bool:
        """Whether a caller may give a key that is not known any value, or leave it out."""
        if key in self._free or _family(key) in self._free:
            return True
        return not _FIXED.match(key)


def surrounding(key: str) -> bool:
    """Whether a key tells of the call's surroundings, which the proof assumes to be as one likes.

    Network, time, MFA, the service called through: whoever holds a role may hold them.
    """
    return bool(_SURROUNDING.match(key)) and not _REQUESTED.match(key)


def _family(key: str) -> str:
    return key.partition("/")[0] + "/*"
