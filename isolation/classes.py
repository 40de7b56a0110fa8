"""Which tenants need asking about: those that differ from others in more than their name.

Tenants whose policies and names are the same but for the tenant's id form a class. An estate stays
what it is when two tenants of a class change names, so what holds for two of them holds for all
pairs. This rests on names being whole words: an id stands between delimiters that no id has in
it, so no pattern of one tenant matches another's by being a part of it. Where a text is not so, or
speaks of other tenants by name, those that it could tell apart are asked about themselves.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from isolation.actors import Actor
from isolation.documents import Document
from isolation.estate import Estate
from isolation.things import Thing
from isolation.verdict import Counterexample, Place

_OF_A_CLASS = 2
"""Two of each class are asked about: also a question between two of the same class is asked."""

_HOLE = "\0"
_WORD = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
# Before and after an id: no letter or digit, and no single hyphen or underscore.
_CUT = re.compile(r"[a-z0-9*?]\0|[a-z0-9](?<![-_])[-_]\0|\0[a-z0-9*?]|\0[-_](?![-_])")
_BESIDE_A_WILDCARD = re.compile(r"([a-z0-9]*(?:[-_][a-z0-9]+)*[-_]?)[*?]|[*?]([a-z0-9][a-z0-9_-]*)")
_LONGEST_ID_IN_PARTS = 8
# What keeps names apart that are otherwise alike: a hash of the id, or what Pulumi adds.
_SUFFIX = re.compile(r"(?<![a-z0-9])(?=[a-f]*[0-9])[0-9a-f]{7,10}(?![a-z0-9])")


class Classes:
    """The classes of an estate's tenants, and who and what stands for all."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._ids = frozenset(estate.tenants)
        self._words: dict[str, tuple[tuple[str, ...], bool]] = {}
        self._of_account = _exclusive(estate)
        self._actors_at: dict[str | None, list[Actor]] = defaultdict(list)
        for actor in estate.roles:
            home = actor.tenant or self._of_account.get(actor.account)
            self._actors_at[home].append(actor)
        self._things_at: dict[str | None, list[Thing]] = defaultdict(list)
        for thing in estate.things:
            home = thing.tenant or self._of_account.get(thing.account)
            self._things_at[home].append(thing)
        self._shared_documents = self._documents_of_several()
        self._apart: dict[str, None] = {}
        self.latent: list[Counterexample] = []
        groups: dict[object, list[str]] = defaultdict(list)
        self._suffixes = self._unique_suffixes()
        self._marks = self._marked()
        self._unique = self._unique_values()
        for name in estate.tenants:
            groups[self._fingerprint(name)].append(name)
        self.members = [tuple(members) for members in groups.values()]
        for members in self.members:
            self._look_apart(members)
        self._join()
        asked = dict.fromkeys(name for members in self.members for name in members[:_OF_A_CLASS])
        self.asked = tuple(asked | self._apart)

    @cached_property
    def actors(self) -> list[Actor]:
        """Roles and users of nobody and of the platform that stand for all."""
        return [
            actor
            for home in (None, *self.asked)
            for actor in self._actors_at[home]
            if actor.tenant is None
        ]

    @cached_property
    def things(self) -> list[Thing]:
        """What the platform owns, that stands for all."""
        return [
            thing
            for home in (None, *self.asked)
            for thing in self._things_at[home]
            if thing.tenant is None and not thing.restricted
        ]

    def questions(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """A tenant whose principals are asked for, and those whose resources they are asked about.

        The first of each class asks for all of it: about the second of its own and the first of
        each other. Whoever is apart asks about everybody who is asked about.
        """
        firsts = {members[0] for members in self.members}
        for name in self.asked:
            if name in self._apart:
                yield name, tuple(other for other in self.asked if other != name)
            elif name in firsts:
                own = next(members for members in self.members if members[0] == name)
                yield (
                    name,
                    tuple(
                        other
                        for other in self.asked
                        if other != name
                        and (other in firsts or other in self._apart or other in own)
                    ),
                )

    def everybody(self) -> Iterator[Actor]:
        """The roles and users of those who are asked about, and those of nobody."""
        for home in (None, *self.asked):
            yield from self._actors_at[home]

    def everything(self) -> Iterator[Thing]:
        """What those own who are asked about, and what the platform does."""
        for home in (None, *self.asked):
            yield from self._things_at[home]

    def expanded(self, names: Iterable[str]) -> tuple[str, ...]:
        """The tenants that some stand for: a class whose every member that is asked is there."""
        given = set(names)
        asked = set(self.asked)
        found: dict[str, None] = {}
        for members in self.members:
            present = [name for name in members if name in asked]
            if len(present) > 1 and given.issuperset(present):
                found |= dict.fromkeys(members)
            else:
                found |= dict.fromkeys(name for name in present if name in given)
        return tuple(found)

    # --- texts

    def _documents_of_several(self) -> dict[int, tuple[str, Document]]:
        """Documents that more than one tenant's questions are made of, with who holds them."""
        first: dict[int, str | None] = {}
        found: dict[int, tuple[str, Document]] = {}
        for home, holder, document in self._documents():
            if home is None or first.setdefault(id(document), home) != home:
                found[id(document)] = (holder, document)
        return found

    def _documents(self) -> Iterator[tuple[str | None, str, Document]]:
        for home, actors in self._actors_at.items():
            for actor in actors:
                for document in actor.documents:
                    yield home, actor.arn, document
        for home, things in self._things_at.items():
            for thing in things:
                for document in thing.documents:
                    yield home, document.name, document

    def _texts(self, name: str) -> list[str]:
        """All that the questions about one tenant are made of, each document once."""
        found: list[str] = []
        seen: dict[int, int] = {}

        def text(document: Document) -> str:
            if id(document) in self._shared_documents:
                return f"#{id(document)}"
            if id(document) in seen:
                return f"={seen[id(document)]}"
            seen[id(document)] = len(seen)
            return document.text

        for actor in self._actors_at[name]:
            own = [actor.arn, actor.kind.value, str(actor.tenant == name), str(actor.reason)]
            own += [f"{key}={value}" for key, value in sorted(actor.facts.items())]
            own += [text(one) for one in actor.documents]
            found.append("\n".join([*own, "bounded" if actor.boundary else ""]))
        for thing in self._things_at[name]:
            own = [str(thing.tenant == name), thing.what, str(thing.restricted), *thing.texts]
            own += [text(one) for one in thing.documents]
            found.append("\n".join(own))
        return found

    def _names(self, name: str) -> list[tuple[str, str]]:
        """What is of this tenant only, with what stands for it: the longest first."""
        names = {name: _HOLE, name.replace("-", "_"): f"{_HOLE}"}
        for account, owner in self._accounts_of[name]:
            names[account] = "\1" if owner else account
        for thing in self._things_at[name]:
            if ":key/" in thing.arn:
                names[thing.arn.rpartition("/")[2]] = "\2"
        for value in self._unique.get(name, ()):
            names[value] = "\3"
        return sorted(names.items(), key=lambda pair: -len(pair[0]))

    @cached_property
    def _accounts_of(self) -> Mapping[str, list[tuple[str, bool]]]:
        found: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        for account, name in self._of_account.items():
            found[name].append((account, True))
        return found

    def _template(self, name: str) -> str:
        text = "\n\n".join(self._texts(name))
        for own, hole in self._names(name):
            text = text.replace(own, hole)
        if name in self._suffixed:
            text = _SUFFIX.sub(
                lambda found: "\4" if self._suffixes.get(found[0]) == name else found[0], text
            )
        return "\n\n".join(sorted(text.split("\n\n")))

    def _fingerprint(self, name: str) -> object:
        template = self._template(name)
        marks = tuple(sorted(self._marks.get(name, ())))
        return hashlib.sha256(f"{template}\n{marks}".encode()).digest()

    def _unique_values(self) -> Mapping[str, set[str]]:
        """Values in trust policies that one tenant alone has: outsiders, external ids, subjects."""
        owners: dict[str, str | None] = {}
        for name in self._ids:
            for actor in self._actors_at[name]:
                for value in _quoted(actor.trust.text) if actor.trust is not None else ():
                    if owners.setdefault(value, name) != name:
                        owners[value] = None
        shared = {
            value
            for _, document in self._shared_documents.values()
            for value in _quoted(document.text)
        }
        found: dict[str, set[str]] = defaultdict(set)
        for value, owner in owners.items():
            if owner is not None and value not in shared and not self._estate.roles_named(value):
                found[owner].add(value)
        return found

    def _unique_suffixes(self) -> Mapping[str, str]:
        """Suffixes in the names of things, with the one tenant whose names have it."""
        owners: dict[str, str | None] = {}
        for home, things in self._things_at.items():
            for thing in things:
                for suffix in () if ":key/" in thing.arn else _SUFFIX.findall(thing.arn):
                    if owners.setdefault(suffix, home) != home:
                        owners[suffix] = None
        return {one: owner for one, owner in owners.items() if owner and owner in self._ids}

    @cached_property
    def _suffixed(self) -> frozenset[str]:
        return frozenset(self._suffixes.values())

    # --- what shared texts say of tenants

    def _marked(self) -> dict[str, list[str]]:
        """For each tenant the places in shared texts that name it as they may name others."""
        marks: dict[str, list[str]] = defaultdict(list)
        for holder, document in self._shared_documents.values():
            loaded = document.json
            statements = loaded.get("Statement") if isinstance(loaded, Mapping) else None
            for statement in statements if isinstance(statements, list) else [statements]:
                leaves = list(_leaves(statement, ""))
                mentions = [(path, text, *self._mentions(text)) for path, text in leaves]
                if not any(named for _, _, named, _ in mentions):
                    continue
                skeleton = json.dumps(
                    sorted((path, text) for path, text, named, _ in mentions if not named)
                )
                for path, text, named, clean in mentions:
                    if len(named) > 1 or not clean:
                        self._apart |= dict.fromkeys(named)
                    for name in named:
                        template = text.replace(name, _HOLE).replace(name.replace("-", "_"), _HOLE)
                        marks[name].append(f"{holder} {path} {template} {skeleton}")
        for actor in self._estate.roles:
            if actor.tenant is None:
                for name in self._mentions(actor.arn)[0]:
                    self._apart[name] = None
        return marks

    def _word(self, word: str) -> tuple[tuple[str, ...], bool]:
        """The same of one word; texts of many tenants have most of their words in common."""
        if (known := self._words.get(word)) is not None:
            return known
        plain = word.replace("_", "-")
        named, clean = dict.fromkeys((plain,) if plain in self._ids else ()), True
        parts = plain.split("-") if not named else []
        for first in range(len(parts)):
            for last in range(first + 1, min(len(parts), first + _LONGEST_ID_IN_PARTS) + 1):
                inner = "-".join(parts[first:last])
                if inner in self._ids:
                    named[inner] = None
                    clean = False
        self._words[word] = tuple(named), clean
        return self._words[word]

    def _mentions(self, text: str) -> tuple[tuple[str, ...], bool]:
        """The tenants that a text names, and whether as whole words only."""
        named: dict[str, None] = {}
        clean = True
        for word in _WORD.findall(text):
            found, whole = self._word(word)
            named |= dict.fromkeys(found)
            clean = clean and whole
        for suffix in _SUFFIX.findall(text):
            if owner := self._suffixes.get(suffix):
                named[owner] = None
                clean = False
        return tuple(named), clean

    # --- tenants that a class's texts could tell apart

    def _look_apart(self, members: tuple[str, ...]) -> None:
        """Find whom the texts of a class name, or match by a part of a name."""
        name = members[0]
        template = self._template(name)
        for text in set(re.findall(r"[^\s\"]+", template)):
            others = [self._suffixes.get(suffix) for suffix in _SUFFIX.findall(text)]
            if _HOLE not in text:
                others += self._mentions(text)[0]
            for other in filter(None, others):
                self._apart |= {other: None, name: None}
                self._apart |= dict.fromkeys(members[:_OF_A_CLASS])
            for found in _BESIDE_A_WILDCARD.finditer(text):
                before, after = found[1], found[2]
                self._resembling(name, before or "", after or "")

    def _resembling(self, name: str, before: str, after: str) -> None:
        """Tenants whose ids start as a text before a wildcard ends, or end as one after starts."""
        for text, fits in ((before, str.startswith), (after, str.endswith)):
            word = (
                re.split(r"--|__", text)[-1 if text is before else 0].replace("_", "-").strip("-")
            )
            whole = text is before and text.endswith(("-", "_")) and text[-2:] in ("--", "__")
            for other in self._ids if word and not whole else ():
                if other != name and fits(other, word):
                    self._apart |= {other: None, name: None}
            part = re.split(r"[-_]", text)[-1 if text is before else 0]
            for suffix, owner in self._suffixes.items():
                if part and owner != name and fits(suffix, part):
                    self._apart |= {owner: None, name: None}

    def _join(self) -> None:
        """Names in which an id is not a whole word: who could be taken for whom."""
        by_prefix: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        irregular: set[str] = set()
        for members in self.members:
            template = self._template(members[0])
            for text in {one for one in re.findall(r"[^\s\"]+", template) if _HOLE in one}:
                prefix, _, rest = text.partition(_HOLE)
                head = re.split(r"[*?\0\1\2\3\4]", rest, maxsplit=1)[0]
                wild = "*" in prefix or "?" in prefix
                cut = _CUT.search(text)
                if cut:
                    irregular.add(prefix)
                    if cut[0] in (f"{_HOLE}*", f"{_HOLE}?"):
                        self._tell_latent(members, text)
                    if wild:
                        self._apart |= dict.fromkeys(members[:_OF_A_CLASS])
                for name in members:
                    by_prefix[prefix][head].append(name)
        for prefix in irregular:
            self._confusable(
                sorted(
                    (f"{name}{head}", name)
                    for head, names in by_prefix[prefix].items()
                    for name in names
                )
            )

    def _confusable(self, ordered: list[tuple[str, str]]) -> None:
        """Set apart those of whose names one starts with another's."""
        open_: list[tuple[str, str]] = []
        for text, name in ordered:
            while open_ and not text.startswith(open_[-1][0]):
                open_.pop()
            for _, other in open_:
                if other != name:
                    self._apart |= {other: None, name: None}
            open_.append((text, name))

    def _tell_latent(self, members: tuple[str, ...], text: str) -> None:
        name = members[0]
        example = f"{name}-x"
        pattern = text.replace(_HOLE, name).replace("\1", "*")
        self.latent.append(
            Counterexample(
                rule="a pattern goes on after a tenant's name without a delimiter",
                principal=f"the policies of {name}"
                + (f" and {len(members) - 1} like it" if len(members) > 1 else ""),
                tenant=name,
                action="would match",
                resource=pattern.replace("*", "-x", 1),
                owner=example,
                because=(Place(pattern),),
                remedy="end the name with a delimiter that no tenant's id has, such as `/` or `--`",
            )
        )


def _exclusive(estate: Estate) -> dict[str, str]:
    """Account -> the one tenant that has anything in it."""
    owners: dict[str, set[str]] = defaultdict(set)
    for actor in estate.roles:
        if actor.tenant is not None:
            owners[actor.account].add(actor.tenant)
    for thing in estate.things:
        if thing.tenant is not None:
            owners[thing.account].add(thing.tenant)
    counts = Counter(name for names in owners.values() for name in names)
    return {
        account: next(iter(names))
        for account, names in owners.items()
        if len(names) == 1 and account and counts
    }


_QUOTED = re.compile(r'"([^"\\*?$]{6,})"')


@lru_cache(maxsize=1 << 12)
def _quoted(text: str) -> frozenset[str]:
    """The values in a document, without patterns, variables and what is too short to be one."""
    return frozenset(_QUOTED.findall(text))


def _leaves(given: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    if isinstance(given, str):
        yield path, given
    elif isinstance(given, Mapping):
        for key, value in given.items():
            yield from _leaves(value, f"{path}.{key}")
    elif isinstance(given, Iterable):
        for value in given:
            yield from _leaves(value, path)
