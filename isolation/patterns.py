"""Strings as AWS matches them: wildcards, escapes, policy variables, ARN components.

Sources, all IAM User Guide: "IAM JSON policy elements: Resource", "... Condition operators",
"IAM policy elements: Variables and tags".
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from isolation.facts import Facts

_COLON = ":"
_ARN_COLONS = 5
_CACHED = 1 << 16


@dataclass(frozen=True, slots=True)
class AnyChar:
    """One character that is not in ``exclude``."""

    exclude: str = ""


@dataclass(frozen=True, slots=True)
class Star:
    """Any number of characters that are not in ``exclude``."""

    exclude: str = ""


Token = str | AnyChar | Star
"""A string is one character, any of the string's."""
Tokens = tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A set of strings: ``head`` literally, then ``tail``.

    Without a tail it is one string; with a tail of one unrestricted star it is a prefix: these two
    shapes are decided without an automaton.
    """

    head: str
    tail: tuple[Token, ...] = ()

    @property
    def simple(self) -> bool:
        """Whether it is one string or a prefix."""
        return not self.tail or self.tail == _REST

    def tokens(self) -> Iterator[Token]:
        """All tokens, the head's characters first."""
        yield from self.head
        yield from self.tail

    def matches(self, text: str) -> bool:
        """Whether ``text`` is in the set. Linear in the text, whatever the pattern."""
        if not self.tail:
            return text == self.head
        if not text.startswith(self.head):
            return False
        if self.tail == _REST:
            return True
        return _matches(self.tail, text[len(self.head) :])


_REST = (Star(),)
EVERYTHING = Pattern("", _REST)


def _matches(tail: tuple[Token, ...], text: str) -> bool:
    """Follow all positions in the tail that the text so far can have led to."""
    places = _skip_stars(tail, {0})
    for character in text:
        reached = set()
        for place in places:
            if place == len(tail):
                continue
            token = tail[place]
            if isinstance(token, str):
                if character in token:
                    reached.add(place + 1)
            elif character not in token.exclude:
                reached.add(place if isinstance(token, Star) else place + 1)
        places = _skip_stars(tail, reached)
    return len(tail) in places


def _skip_stars(tail: tuple[Token, ...], places: set[int]) -> set[int]:
    closed = set(places)
    for place in places:
        at = place
        while at < len(tail) and isinstance(tail[at], Star):
            at += 1
            closed.add(at)
    return closed


def of_tokens(tokens: Iterable[Token]) -> Pattern:
    """A pattern from tokens; neighbouring equal stars become one."""
    merged: list[Token] = []
    for token in tokens:
        if not (isinstance(token, Star) and merged and merged[-1] == token):
            merged.append(token)
    head = 0
    while head < len(merged):
        token = merged[head]
        if not isinstance(token, str) or len(token) != 1:
            break
        head += 1
    return Pattern("".join(map(str, merged[:head])), tuple(merged[head:]))


@dataclass(frozen=True, slots=True)
class Variable:
    """A policy variable, ``${name}`` or ``${name, 'default'}``; the name in lower case."""

    name: str
    default: str | None = None


Part = str | AnyChar | Star | Variable
"""What a policy's text is made of; here a string is literal text of any length."""

_ESCAPES = {"${*}": "*", "${?}": "?", "${$}": "$"}
_VARIABLE = re.compile(r"\$\{\s*([^,{}]*?)\s*(?:,\s*'([^'}]*)'\s*)?\}")


@lru_cache(maxsize=_CACHED)
def parse(text: str, *, wildcards: bool, variables: bool) -> tuple[Part, ...]:
    """The parts of a policy's text.

    Variables and escapes exist only in policies of Version 2012-10-17; before that, ``${`` is
    text. A variable that cannot be read gets the name of its own text, which nobody knows.
    """
    parts: list[Part] = []
    at = start = 0
    while at < len(text):
        part: Part | None = None
        width = 1
        if wildcards and text[at] in "*?":
            part = Star() if text[at] == "*" else AnyChar()
        elif variables and text.startswith("${", at):
            part, width = _variable(text, at)
        if part is None:
            at += 1
            continue
        if start < at:
            parts.append(text[start:at])
        parts.append(part)
        at = start = at + width
    if start < len(text):
        parts.append(text[start:])
    return tuple(parts)


def _variable(text: str, at: int) -> tuple[Part, int]:
    escape = _ESCAPES.get(text[at : at + 4])
    if escape is not None:
        return escape, 4
    found = _VARIABLE.match(text, at)
    if found is None:
        return Variable(text[at:]), len(text) - at
    return Variable(found[1].lower(), found[2]), found.end() - at


class Unresolved(Enum):
    """Why a text with variables became no pattern."""

    ABSENT = "absent"
    UNKNOWN = "unknown"


Text = tuple[str | AnyChar | Star, ...]
"""A policy's text with the values of its variables; strings are literal, of any length."""


def resolve(parts: tuple[Part, ...], facts: Facts, *, widen: bool) -> Text | Unresolved:
    """The parts with their variables' values, which are literal.

    A variable whose value is not known stands for anything where ``widen``; otherwise the text
    is left out. One that is known to be absent matches nothing, unless it has a default.
    """
    found: list[str | AnyChar | Star] = []
    for part in parts:
        if not isinstance(part, Variable):
            found.append(part)
            continue
        value = _value(part, facts)
        if isinstance(value, str):
            found.append(value)
        elif value is Unresolved.UNKNOWN and widen:
            found.append(Star())
        else:
            return value
    return tuple(found)


def _value(variable: Variable, facts: Facts) -> str | Unresolved:
    values = facts.values(variable.name)
    if values is None or len(values) > 1 or facts.may_be_missing(variable.name):
        return Unresolved.UNKNOWN
    if values:
        return values[0]
    return Unresolved.ABSENT if variable.default is None else variable.default


def _tokens(text: Text) -> Tokens:
    return tuple(token for part in text for token in (part if isinstance(part, str) else (part,)))


@lru_cache(maxsize=_CACHED)
def plain(text: Text) -> Pattern:
    """A text whose wildcards cross everything."""
    return of_tokens(_tokens(text))


@lru_cache(maxsize=_CACHED)
def resource(text: Text, *, narrow: bool = False) -> Pattern:
    """A pattern of ``Resource`` or ``NotResource``.

    Documented is that a ``*`` at the end of an ARN's component may cross colons and that others
    should not be relied on to. So a wildcard crosses everything, or where ``narrow`` it stays
    within its component unless it ends it: the reading is the one that allows more.
    """
    tokens = _tokens(text)
    return of_tokens(_within_components(tokens, final_crosses=True) if narrow else tokens)


@lru_cache(maxsize=_CACHED)
def arn_like(text: Text) -> Pattern | None:
    """A value of an ARN condition operator: each of six components is compared on its own.

    None for a text that has not six components: what AWS makes of it is not documented.
    """
    tokens = _tokens(text)
    if sum(token == _COLON for token in tokens) < _ARN_COLONS:
        return None
    return of_tokens(_within_components(tokens, final_crosses=False))


@lru_cache(maxsize=_CACHED)
def ignoring_case(text: Text) -> Pattern:
    """A value compared without regard to case."""
    return of_tokens(
        "".join(sorted({token, token.lower(), token.upper()}))
        if isinstance(token, str) and len(token.lower()) == len(token.upper()) == 1
        else token
        for token in _tokens(text)
    )


def _within_components(tokens: Tokens, *, final_crosses: bool) -> Iterator[Token]:
    colons = 0
    for place, token in enumerate(tokens):
        if token == _COLON:
            colons += 1
        if isinstance(token, str) or colons >= _ARN_COLONS:
            yield token
            continue
        final = place + 1 == len(tokens) or tokens[place + 1] == _COLON
        if isinstance(token, Star):
            yield token if final and final_crosses else Star(":")
        else:
            yield AnyChar(":")


@lru_cache(maxsize=1 << 14)
def glob(text: str) -> Pattern:
    """A pattern with wildcards, without variables; ``${*}`` and ``${?}`` are literal."""
    resolved = resolve(parse(text, wildcards=True, variables=True), Facts({}), widen=True)
    return plain(() if isinstance(resolved, Unresolved) else resolved)
