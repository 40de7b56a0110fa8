"""What the models share: strict frozen records, and pydantic's findings told in our words."""

import re
import typing
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from types import MappingProxyType, UnionType
from typing import Annotated, Any, ClassVar, Protocol, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from tenancy.errors import InvalidInput, Problem, Refusal, suggestion

Location = tuple[str | int, ...]


class Model(BaseModel):
    """A record that is read from a file: frozen, and an unknown key is an error.

    Rules that join several fields stand on the last of them and look at ``info.data``: so they
    are checked even where other fields are wrong, and one reading reports everything.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )

    GROUPS: ClassVar[frozenset[str]] = frozenset()
    """Aliases of fields that gather free keys: the file has the keys themselves instead."""

    @classmethod
    def known_keys(cls, given: str) -> list[str]:  # noqa: ARG003 - ApiAccess needs it
        """The keys that may stand here; ``given`` is the unknown one, to suggest another for."""
        keys = [field.alias or name for name, field in cls.model_fields.items()]
        return [key for key in keys if key not in cls.GROUPS]

    @classmethod
    def parse(cls, data: Mapping[str, Any], where: str, file: str | None = None) -> Self:
        """The record that ``data``, read from the file ``where``, describes.

        ``file`` is the file's name, where the record must be called like it.

        Raises:
            InvalidInput: with all that is wrong with it.
        """
        try:
            return cls.model_validate(data, context={"file": file})
        except ValidationError as error:
            found = _telling(error.errors(include_url=False))
            raise InvalidInput(_problem(details, cls, where) for details in found) from None


def check_file_name(name: str, info: ValidationInfo, form: str) -> str:
    """``name``, if the file that is read (``Model.parse``) is called like it.

    ``form`` is how such files are called, ``{}.yaml``.

    Raises:
        Refusal: the file is called otherwise.
    """
    file = (info.context or {}).get("file")
    proper = form.format(name)
    if file not in (None, proper):
        before, _, after = form.partition("{}")
        called = str(file).removeprefix(before).removesuffix(after)
        raise Refusal(
            f"the name is `{name}` and the file is called {file}",
            f"call the file {proper}, or write `{called}` here",
        )
    return name


class Labelled(Protocol):
    """A member of an enumeration, with the word that files use for it."""

    @property
    def label(self) -> str:
        """The word."""


def one_of(members: typing.Iterable[Labelled], what: str) -> Callable[[object], object]:
    """A validator: the member whose label is given, or a refusal that names the nearest."""
    by_label = {member.label: member for member in members}

    def member(given: object) -> object:
        if not isinstance(given, str):
            return given
        if given not in by_label:
            raise Refusal(f"`{safe(given)}` is not {what}", suggestion(given, by_label))
        return by_label[given]

    return member


def safe(given: str) -> str:
    """``given`` for a message, if it is short and plain; never use it on what may be a secret."""
    return given if re.fullmatch(r"[\w.@:/*${}?+=, -]{0,80}", given) else "..."


def refuse_non_text(hint: str) -> BeforeValidator:
    """Refuses a number where digits are meant as text, with ``hint`` as the remedy."""

    def check(given: object) -> object:
        if isinstance(given, (bool, int, float)):
            raise Refusal(
                "must be text, but YAML reads it as a number (with a leading 0 even as octal)",
                hint,
            )
        return given

    return BeforeValidator(check)


StrictBool = Annotated[bool, Field(strict=True)]
"""``true`` or ``false``; not a text or number that looks like it."""

StrictInt = Annotated[int, Field(strict=True)]
"""A whole number; not a text that looks like it."""

_EXPECTED = MappingProxyType(
    {
        "string_type": ("text", "put the value in quotes"),
        "int_type": ("a whole number", "write it in digits, without quotes or a fraction"),
        "int_from_float": ("a whole number", "write it without a fraction"),
        "bool_type": ("true or false", "write true or false, without quotes"),
        "tuple_type": ("a list", "write `[a, b]`, or one `- item` a line"),
        "dict_type": ("a mapping", "write one `key: value` a line, indented below"),
        "mapping_type": ("a mapping", "write one `key: value` a line, indented below"),
        "model_type": ("a mapping", "write one `key: value` a line, indented below"),
        "is_instance_of": ("one word", "write one of the words of the schema"),
        "enum": ("one word", "write one of the words of the schema"),
    }
)


def _telling(found: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without "too short" for a list whose items are wrong: pydantic counts the good ones only."""

    def has_bad_items(at: Location) -> bool:
        return any(each["loc"][: len(at)] == at and each["loc"] != at for each in found)

    return [each for each in found if each["type"] != "too_short" or not has_bad_items(each["loc"])]


def _problem(details: ErrorDetails, root: type[Model], where: str) -> Problem:
    """What pydantic found, without the value: a field may hold what must not be printed."""
    location: Location = details["loc"]
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, Refusal):
        location += cause.field
    rule, remedy = _words(details, root, location)
    return Problem(where, _path(root, location), rule, remedy)


def _words(  # noqa: PLR0911 - a table of kinds, each with its own words
    details: ErrorDetails, root: type[Model], location: Location
) -> tuple[str, str]:
    kind, context, given = details["type"], details.get("ctx", {}), details["input"]
    cause = context.get("error")
    if isinstance(cause, Refusal):
        return cause.rule, cause.remedy
    if kind == "missing":
        return "is required and missing", _add(root, location)
    if kind == "extra_forbidden":
        key = str(location[-1])
        homes = _models_at(root, location[:-1])
        known = {word for home in homes for word in home.known_keys(key)}
        return "is not a known key here", suggestion(key, known)
    if given is None:
        return "the key is there without a value", "write a value, or remove the key"
    if kind == "literal_error":
        words = re.findall(r"'([^']*)'", str(context["expected"]))
        return "must be one of the known words", suggestion(str(given), words)
    if kind in _EXPECTED:
        expected, remedy = _EXPECTED[kind]
        return f"must be {expected}, but is {_kind(given)}", remedy
    if "ge" in context or "le" in context:
        bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
        return f"must be {bound}", "choose a number in the range"
    if "min_length" in context or "max_length" in context:
        few = "min_length" in context
        bound = f"at least {context['min_length']}" if few else f"at most {context['max_length']}"
        return f"must have {bound} items or characters", "make it longer" if few else "shorten it"
    return "is not valid here", "see what tenancy/tenant.schema.json says about it"


def _add(root: type[Model], location: Location) -> str:
    key = str(location[-1])
    meanings = (
        field.description
        for home in _models_at(root, location[:-1])
        for name, field in home.model_fields.items()
        if key in (name, field.alias) and field.description
    )
    meaning = next(meanings, None)
    return f"add `{key}: ...`" + (f" ({meaning})" if meaning else "")


def _kind(given: object) -> str:
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false to YAML"),
        ((int, float), "a number to YAML"),
        (date, "a date to YAML"),
        (str, "text"),
        (Mapping, "a mapping"),
        ((list, tuple), "a list"),
    )
    return next((words for kind, words in kinds if isinstance(given, kind)), "something else")


def _path(root: type[Model], location: Location) -> str:
    parts = []
    for place, step in enumerate(location):
        groups = {name for home in _models_at(root, location[:place]) for name in home.GROUPS}
        if step == "[key]" or step in groups:
            continue
        if isinstance(step, int):
            parts.append(f"[{step}]")
        else:
            name = step if re.fullmatch(r"[\w-]{1,64}", step) else repr(step[:64])
            parts.append(f".{name}" if parts else name)
    return "".join(parts)


def _models_at(root: type[Model], location: Location) -> list[type[Model]]:
    """The models that the schema allows at ``location``: several where it has a union."""
    here: list[object] = [root]
    for step in location:
        here = [part for declared in here for part in _parts(_below(declared, step))]
    return [part for part in here if isinstance(part, type) and issubclass(part, Model)]


def _below(declared: object, step: str | int) -> object:
    if isinstance(declared, type) and issubclass(declared, Model):
        fields = declared.model_fields.items()
        return next((f.annotation for name, f in fields if step in (name, f.alias)), None)
    arguments = typing.get_args(declared)  # of tuple[X, ...] or Mapping[str, X]
    position = 0 if typing.get_origin(declared) is tuple else 1
    return arguments[position] if len(arguments) > position else None


def _parts(declared: object) -> Iterator[object]:
    """The members of a union, without ``Annotated``; anything else is its own only part."""
    origin = typing.get_origin(declared)
    if origin is Annotated:
        yield from _parts(typing.get_args(declared)[0])
    elif origin in (UnionType, typing.Union):
        for member in typing.get_args(declared):
            yield from _parts(member)
    else:
        yield declared
