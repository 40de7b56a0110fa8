"""What every resource type has in common, so that a type of its own is a few lines.

A type is a class with a table of its properties and the names of its API calls::

    @register
    class LogGroup(ApiResource):
        token = "aws:cloudwatch/logGroup:LogGroup"
        service = "logs"
        id_format = "{name}"
        properties = declare(
            name=Property(required=True, replace=True, api="logGroupName"),
            kmsKeyId=Property(replace=True),
            tags=TAGS,
        )
        outputs = ("arn",)
        create_call = "create_log_group"
        read_call = "describe_log_groups"
        read_path = "logGroups[?logGroupName=='{name}'] | [0]"
        delete_call = "delete_log_group"
        tagging = Tagging("tag_resource", "untag_resource", "list_tags_for_resource", "resourceArn")

Property and parameter names are matched by `mapping`; ``api`` names the exceptions. A call gets
those properties that its input shape has a place for. What does not fit this form overrides
`make`, `read`, `change` or `remove`, marks the properties that it carries itself ``by_hand``, and
still gets checking, comparing, adoption, tags, secrets and previews from here.
"""

# Property values are anything; `ApiResource` does what `Resource` documents.
# ruff: noqa: ANN401, D102, PLR2004, S101

from __future__ import annotations

import hashlib
import json
import re
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, Final

import jmespath  # type: ignore[import-untyped]
from botocore.exceptions import ClientError
from botocore.model import StructureShape

from localcloud.aws_plugin import documents
from localcloud.aws_plugin.archives import ARCHIVE, Bundle
from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.mapping import MappingError, camel, from_api, member_name, to_api
from localcloud.aws_plugin.values import UNKNOWN, Properties, canonical, has_bundle, has_unknown

IDENTITY_TAGS: Final = ("managed-by", "tenant")
URN_TAG: Final = "pulumi-urn"
_ABSENT: Final = re.compile(r"NotFound|NoSuch|DoesNotExist|NonExistent|^404$")
_TWIN: Final = re.compile(r"AlreadyExists|AlreadyOwnedByYou|ResourceInUse|ResourceConflict")


class ResourceError(Exception):
    """The resource cannot be as it was asked for; the text says which and why."""


class NotKept(ResourceError):
    """The resource exists, yet something that was asked for does not read back."""

    def __init__(self, text: str, identifier: str, state: Properties) -> None:
        super().__init__(text)
        self.identifier, self.state = identifier, state


def code(error: ClientError) -> str:
    """The API's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_absent(error: ClientError) -> bool:
    """Whether the error says that a thing is not there."""
    return bool(_ABSENT.search(code(error)))


def is_twin(error: ClientError) -> bool:
    """Whether the error says that a thing of this name is there already."""
    return bool(_TWIN.search(code(error)))


@dataclass(frozen=True)
class Property:
    """One input property of a type.

    required: the program must give it. replace: changing it makes a new resource. default: what
    the cloud takes when it is left out. computed: the cloud chooses when it is left out. api: the
    parameter's name where matching does not find it. unordered: a list that is a set. document:
    a JSON policy of this kind. json: JSON text of any other form. archive: an archive of files,
    compared by its hash. by_hand: the handler carries it
    itself. write_only: the cloud does not show it, so state keeps what was given. choices: the
    only values taken. names: exceptions in nested names, property name to API name.
    same: a comparison of its own, called with old and new.
    """

    required: bool = False
    replace: bool = False
    default: Any = None
    computed: bool = False
    api: str | None = None
    unordered: bool = False
    document: documents.Kind | None = None
    json: bool = False
    archive: bool = False
    by_hand: bool = False
    write_only: bool = False
    choices: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    same: Callable[[Any, Any], bool] | None = None

    def equal(self, old: Any, new: Any) -> bool:
        """Whether two values mean the same to the cloud; an unknown equals nothing."""
        if has_unknown(old) or has_unknown(new):
            return False
        old = self.default if _empty(old) else old
        new = self.default if _empty(new) else new
        if self.same is not None:
            return bool(self.same(old, new))
        if self.archive and None not in (old, new):
            return bool(old.hash == new.hash)
        if self.document is not None or self.json:
            return documents.same(old, new)
        return bool(plain(old, unordered=self.unordered) == plain(new, unordered=self.unordered))


def declare(**properties: Property) -> Mapping[str, Property]:
    """A type's table of properties, in Pulumi's names."""
    return MappingProxyType(properties)


REGION: Final = Property(replace=True, computed=True, by_hand=True)
TAGS: Final = Property(default={})


def _empty(value: Any) -> bool:
    return value is None or value in ({}, [], "")


def plain(value: Any, *, unordered: bool = False) -> Any:
    """The value without empty members (the API fills those in), numbers and booleans as text."""
    if isinstance(value, Mapping):
        items = {key: plain(item, unordered=unordered) for key, item in value.items()}
        return {key: item for key, item in items.items() if item not in (None, "", {}, [], "false")}
    if isinstance(value, list | tuple):
        listed = [plain(item, unordered=unordered) for item in value]
        return sorted(listed, key=canonical) if unordered else listed
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


@dataclass(frozen=True)
class Tagging:
    """The three calls on tags. ``target`` is their parameter for the resource, ``of`` the property
    or output that fills it.
    """

    add: str
    remove: str
    read: str
    target: str
    of: str = "arn"


class Resource:
    """The life of one resource type. Methods get plain properties in Pulumi's names."""

    token: ClassVar[str]
    service: ClassVar[str]
    properties: ClassVar[Mapping[str, Property]]
    outputs: ClassVar[tuple[str, ...]] = ()
    secret_outputs: ClassVar[frozenset[str]] = frozenset()
    # Names are given by the program, so a successor would collide with its predecessor.
    delete_before_replace: ClassVar[bool] = True
    id_format: ClassVar[str]

    # -- what a type gives ------------------------------------------------------------------

    def validate(self, inputs: Properties) -> Iterable[tuple[str, str]]:
        """(property, what is wrong) for rules between properties or beyond the table."""
        return ()

    def complete(self, cloud: Cloud, inputs: Properties) -> Properties:
        """The inputs with what follows from the account, such as a catalog id."""
        return inputs

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        """Outputs that follow from the inputs, so that a preview can show them."""
        return {}

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        """Create, or adopt what an interrupted run left. Returns the id."""
        raise NotImplementedError

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        """What is there now: properties and outputs; None when it is gone. ``known`` is what
        state holds (empty for an import); live values decide, it only helps with naming.
        """
        raise NotImplementedError

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        """Bring the properties in ``what`` to what ``inputs`` say."""
        raise NotImplementedError

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        """Delete; nothing there is success."""
        raise NotImplementedError

    # -- what follows from it ---------------------------------------------------------------

    @property
    def table(self) -> Mapping[str, Property]:
        """All input properties; every type also takes a ``region`` of its own."""
        return {"region": REGION, **self.properties}

    def client(self, cloud: Cloud, values: Mapping[str, Any]) -> Any:
        """The service's client in the resource's region."""
        return cloud.client(self.service, values.get("region"))

    def identifier(self, values: Mapping[str, Any]) -> str:
        """The id that follows from the properties."""
        return self.id_format.format(**values)

    def from_identifier(self, identifier: str) -> Properties:
        """The properties that an id holds: `identifier` backwards."""
        pattern = "".join(
            re.escape(text) + (f"(?P<{name}>.+?)" if name else "")
            for text, name, _, _ in string.Formatter().parse(self.id_format)
        )
        match = re.fullmatch(pattern, identifier)
        if match is None:
            raise ResourceError(f"{self.token}: an id looks like {self.id_format}: {identifier!r}")
        return dict(match.groupdict())

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        """All that is wrong with the inputs, as (property, reason)."""
        table = self.table
        wrong: list[tuple[str, str]] = []
        for name, value in inputs.items():
            if name.startswith("__") or value is None:
                continue
            declared = table.get(name)
            if declared is None:
                told = (
                    f"{self.token} has no property {name!r} in the embedded cloud; it knows "
                    f"{', '.join(sorted(table))}. Add it to the handler's table in "
                    f"{type(self).__module__.replace('.', '/')}.py"
                )
                wrong.append((name, told))
            elif not has_unknown(value) and (reason := self._value_problem(declared, value)):
                wrong.append((name, reason))
        for name, declared in table.items():
            if declared.required and inputs.get(name) in (None, ""):
                wrong.append(
                    (name, f"{self.token} needs {name!r}: nothing is named or guessed for you")
                )
        if not wrong:
            wrong.extend(self.validate(inputs))
        return wrong

    @staticmethod
    def _value_problem(declared: Property, value: Any) -> str | None:
        if declared.archive:
            given = isinstance(value, Bundle) and value.signature == ARCHIVE
            return None if given else "an archive is needed"
        if has_bundle(value):
            return "the embedded cloud takes plain values here: give the content as a string"
        if declared.document is not None:
            return documents.problem(value, declared.document)
        if declared.json:
            try:
                json.loads(value)
            except (TypeError, ValueError) as error:
                return f"not JSON: {error}"
        if declared.choices and value not in declared.choices:
            return f"{value!r} is not one of {', '.join(declared.choices)}"
        return None

    def differences(self, state: Properties, wanted: Properties, before: Properties) -> set[str]:
        """The properties in which what is wanted differs from what is there.

        ``before`` are the inputs of the last run: a property that was given then and is no more
        goes back to its default, where one that was never given stays as the cloud chose it.
        """
        changed = set()
        for name, declared in self.table.items():
            new, old = wanted.get(name), state.get(name)
            if new is None and declared.computed and name not in before:
                continue
            if new is None and declared.computed and old is None:
                continue
            if not declared.equal(old, new):
                changed.add(name)
        return changed

    def settle(self, cloud: Cloud, live: Properties, known: Properties) -> Properties:
        """The live values, each in the form that ``known`` has when both mean the same."""
        state: Properties = {}
        for name, declared in self.table.items():
            value, old = live.get(name), known.get(name)
            if declared.write_only or (old is not None and declared.equal(value, old)):
                value = old
            if value is None:
                value = declared.default
            if not _empty(value) or (name in known and value is not None):
                state[name] = value
        state["region"] = known.get("region") or cloud.region
        state.update({name: live[name] for name in self.outputs if live.get(name) is not None})
        if "tags" in self.table:
            state["tagsAll"] = state.get("tags", {})
        return state

    def preview(self, cloud: Cloud, inputs: Properties) -> Properties:
        """What the resource would look like: inputs, defaults, outputs known or unknown."""
        full = self.complete(cloud, dict(inputs))
        state: Properties = dict.fromkeys(self.outputs, UNKNOWN)
        for name, declared in self.table.items():
            value = full.get(name, declared.default)
            if value is None and declared.computed and name != "region":
                value = UNKNOWN
            if not _empty(value) or name in full:
                state[name] = value
        predicted = self.predict(cloud, full) if not has_unknown(full) else {}
        state.update(predicted or self._predict_partly(cloud, full))
        if "tags" in self.table:
            state["tagsAll"] = state.get("tags", {})
        state.setdefault("region", cloud.region)
        return state

    def _predict_partly(self, cloud: Cloud, full: Properties) -> Properties:
        """What follows from the inputs even where some of them are unknown."""
        known = {name: value for name, value in full.items() if not has_unknown(value)}
        try:
            return self.predict(cloud, known)
        except KeyError:  # it needs one of the unknown ones
            return {}

    def create(self, cloud: Cloud, urn: str, inputs: Properties) -> tuple[str, Properties]:
        """Create and read back. Raises NotKept (with the state) when something did not stick."""
        full = self.complete(cloud, dict(inputs))
        identifier = self.make(cloud, urn, full)
        return identifier, self.proven(cloud, identifier, full)

    def update(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, old: Properties
    ) -> Properties:
        """Change what differs and read back. Raises NotKept as `create` does."""
        full = self.complete(cloud, dict(inputs))
        what = self.differences(state, full, old)
        if what:
            self.change(cloud, identifier, state, full, what)
        return self.proven(cloud, identifier, full)

    def proven(self, cloud: Cloud, identifier: str, wanted: Properties) -> Properties:
        """The live state, when it is what was wanted. An emulator may accept a setting and lose
        it: that must not look like success.
        """
        live = self.read(cloud, identifier, wanted)
        if live is None:
            raise ResourceError(f"{self.token} {identifier}: accepted, but it is not there")
        state = self.settle(cloud, live, wanted)
        given = {name: value for name, value in wanted.items() if value is not None}
        if lost := sorted(self.differences(state, given, given) & set(given)):
            shown = "; ".join(
                first_difference(given[name], live.get(name), name) or name for name in lost
            )
            text = f"{self.token} {identifier}: the cloud did not keep {shown}"
            raise NotKept(text, identifier, state)
        return state

    def adopt(self, cloud: Cloud, identifier: str, inputs: Properties, *, untagged: bool) -> None:
        """Take over what an interrupted run made and never recorded.

        It must carry the identity tags of the inputs; with ``untagged`` none at all will do (it
        was interrupted before the tags were set). Anything else belongs to someone else.
        Raises ResourceError then, or when it cannot become what is wanted.
        """
        live = self.read(cloud, identifier, inputs) or {}
        state = self.settle(cloud, live, inputs)
        what = self.differences(state, inputs, {})
        if "tags" in self.table:
            there, wanted = live.get("tags") or {}, inputs.get("tags") or {}
            ours = bool(wanted.get(IDENTITY_TAGS[0])) and all(
                there.get(tag) == wanted.get(tag) for tag in IDENTITY_TAGS
            )
            if not ours and not (untagged and not there):
                raise ResourceError(
                    f"{self.token} {identifier} already exists and is not of this stack: its tags "
                    f"{_short({t: there.get(t) for t in IDENTITY_TAGS})} differ from the wanted "
                    f"{_short({t: wanted.get(t) for t in IDENTITY_TAGS})}. Remove it, name this "
                    f"one otherwise, or take it over with `pulumi import`."
                )
            what_stays = sorted(name for name in what if self.table[name].replace)
        else:
            what_stays = sorted(what)  # without tags, only being just the same says that it is ours
        if what_stays:
            raise ResourceError(
                f"{self.token} {identifier} already exists with another {', '.join(what_stays)}"
            )
        if what:
            self.change(cloud, identifier, state, inputs, what)


def first_difference(wanted: Any, there: Any, path: str) -> str | None:
    """Where two values first differ, as ``path: wanted x, there is y``; None when they do not."""
    if isinstance(wanted, Mapping) and isinstance(there, Mapping):
        pairs = [(f"{path}.{k}", wanted.get(k), there.get(k)) for k in {**wanted, **there}]
    elif isinstance(wanted, list) and isinstance(there, list) and len(wanted) == len(there):
        pairs = [(f"{path}[{i}]", *pair) for i, pair in enumerate(zip(wanted, there, strict=True))]
    elif plain({"": wanted}) == plain({"": there}):
        return None
    else:
        return f"{path}: wanted {_short(wanted)}, there is {_short(there)}"
    found = (first_difference(old, new, place) for place, old, new in pairs)
    return next(filter(None, found), None)


def _short(value: Any) -> str:
    text = canonical(value)
    return text if len(text) <= 200 else text[:200] + "..."


class ApiResource(Resource):
    """A resource that one call makes, one shows, one changes and one deletes."""

    create_call: ClassVar[str]
    create_path: ClassVar[str] = ""  # where the answer holds what id_format needs beyond inputs
    read_call: ClassVar[str]
    read_path: ClassVar[str] = "@"  # where the answer holds the resource; may use {id fields}
    update_call: ClassVar[str | None] = None
    delete_call: ClassVar[str]
    tagging: ClassVar[Tagging | None] = None
    inside: ClassVar[str] = ""  # the parameter that holds the properties, such as TableInput
    renames: ClassVar[Mapping[str, str]] = {}

    @cached_property
    def names(self) -> dict[str, str]:
        """Every exception in names: the table's and the class's own."""
        names = dict(self.renames)
        for name, declared in self.table.items():
            if declared.api:
                names[name] = declared.api
            names.update(declared.names)
        return names

    def parameters(self, client: Any, call: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Those values that the call has a place for, in the API's form."""
        result: dict[str, Any] = {}
        inner: dict[str, Any] = {}
        top = self.input_shape(client, call)
        places = [(top, result)]
        if isinstance(nested := top.members.get(self.inside), StructureShape):
            places.append((nested, inner))  # a name may be wanted in both places
        for name, value in values.items():
            declared = self.table.get(name)
            if value is None or name == "region" or (declared is not None and declared.by_hand):
                continue
            for shape, target in places:
                if (member := member_name(name, shape, self.names)) in (None, self.inside):
                    continue
                try:
                    target[member] = to_api(value, shape.members[member], self.names, name)
                except MappingError as error:
                    raise ResourceError(f"{self.token}: {error}") from None
        if inner:
            result[self.inside] = inner
        return result

    @staticmethod
    def input_shape(client: Any, call: str) -> StructureShape:
        """What botocore knows of a call's parameters."""
        model = client.meta.service_model
        shape = model.operation_model(client.meta.method_to_api_mapping[call]).input_shape
        assert isinstance(shape, StructureShape)
        return shape

    def call(self, cloud: Cloud, call: str, values: Mapping[str, Any], **fixed: Any) -> Any:
        """Do a call with the values that it has a place for, and ``fixed`` API parameters."""
        client = self.client(cloud, values)
        parameters = {**self.parameters(client, call, values), **fixed}
        if client.can_paginate(call):
            return client.get_paginator(call).paginate(**parameters).build_full_result()
        return getattr(client, call)(**parameters)

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        try:
            answer = self.call(cloud, self.create_call, inputs)
        except ClientError as error:
            if not is_twin(error):
                raise
            identifier = self.identifier({**inputs, **self.predict(cloud, inputs)})
            self.adopt(cloud, identifier, inputs, untagged=False)
            return identifier
        made = jmespath.search(self.create_path, answer) if self.create_path else {}
        made = {camel(name): value for name, value in (made or {}).items()}
        return self.identifier({**self.predict(cloud, inputs), **made, **inputs})

    def key(self, identifier: str, known: Mapping[str, Any]) -> Properties:
        """What names the resource in a call."""
        return {**self.from_identifier(identifier), "region": known.get("region")}

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        key = self.key(identifier, known)
        client = self.client(cloud, known)
        try:
            answer = self.call(cloud, self.read_call, key)
            fields = {name: str(value) for name, value in key.items()}
            path = re.sub(r"\{(\w+)\}", lambda m: fields[m[1]], self.read_path)
            found = jmespath.search(path, answer)
            if not found:
                return None
            live = self.live(client, found, known)
            live = {**self.predict(cloud, {**known, **key, **live}), **key, **live}
            if self.tagging is not None:
                live["tags"] = self.read_tags(client, live)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        return live

    def live(self, client: Any, found: Mapping[str, Any], known: Mapping[str, Any]) -> Properties:
        """The API's answer as properties and outputs, guided by the input shapes."""
        result: Properties = {}
        shapes = []
        for call in filter(None, (self.create_call, self.update_call)):
            shape = self.input_shape(client, call)
            if isinstance(nested := shape.members.get(self.inside), StructureShape):
                shapes.append(nested)
            shapes.append(shape)
        by_name = {name.lower(): value for name, value in found.items()}
        for name in self.table:
            for shape in shapes:
                member = member_name(name, shape, self.names)
                if member is not None and member.lower() in by_name:
                    value = by_name[member.lower()]
                    result[name] = from_api(
                        value, shape.members[member], self.names, known.get(name)
                    )
                    break
        for api_name, value in found.items():
            name = camel(api_name)
            if name in self.outputs and name not in result:
                result[name] = from_api(value, _NO_SHAPE, {})
        return result

    def read_tags(self, client: Any, live: Mapping[str, Any]) -> Properties:
        """The tags that are there now."""
        assert self.tagging is not None
        target = {self.tagging.target: live[self.tagging.of]}
        answer = getattr(client, self.tagging.read)(**target)
        listed = next((answer[name] for name in answer if "tag" in name.lower()), None) or []
        return tag_map(listed)

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        if self.tagging is not None and "tags" in what:
            self.change_tags(cloud, {**inputs, **state}, inputs)
            what = what - {"tags"}
        if not what:
            return
        if self.update_call is None:
            raise ResourceError(f"{self.token}: {', '.join(sorted(what))} cannot be changed")
        key = self.key(identifier, inputs)
        self.call(cloud, self.update_call, {**inputs, **key})

    def change_tags(self, cloud: Cloud, live: Properties, inputs: Properties) -> None:
        """Bring the tags from those in ``live`` to those in ``inputs``."""
        assert self.tagging is not None
        client = self.client(cloud, inputs)
        target = {self.tagging.target: live[self.tagging.of]}
        old, new = live.get("tags") or {}, inputs.get("tags") or {}
        if gone := sorted(set(old) - set(new)):
            shape = self.input_shape(client, self.tagging.remove)
            member = next(name for name in shape.members if "tag" in name.lower())
            getattr(client, self.tagging.remove)(**target, **{member: gone})
        if new:
            shape = self.input_shape(client, self.tagging.add)
            member = next(name for name in shape.members if "tag" in name.lower())
            tags = to_api(new, shape.members[member], {}, "tags")
            getattr(client, self.tagging.add)(**target, **{member: tags})

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        try:
            self.call(cloud, self.delete_call, self.key(identifier, state))
        except ClientError as error:
            if not is_absent(error):
                raise


class _AnyShape:
    """Stands for "take the value as it is"."""


_NO_SHAPE: Any = _AnyShape()


def tag_map(listed: Any) -> dict[str, str]:
    """Tags as a map, from any of the forms that AWS answers; ours for finding twins are hidden."""
    if isinstance(listed, Mapping):
        tags = {str(key): str(value) for key, value in listed.items()}
    else:
        tags = {}
        for item in listed:
            lower = {name.lower(): value for name, value in item.items()}
            key = lower.get("key", lower.get("tagkey"))
            tags[str(key)] = str(lower.get("value", lower.get("tagvalue", "")))
    return {key: value for key, value in tags.items() if key != URN_TAG}


def urn_tag(urn: str) -> str:
    """A URN as a tag's value: at most 256 characters, without the dollar that tags refuse."""
    value = urn.replace("$", "/")
    if len(value) <= 256:
        return value
    return value[:190] + "/" + hashlib.sha256(urn.encode()).hexdigest()


def find_by_urn(cloud: Cloud, kind: str, urn: str, inputs: Properties) -> list[str]:
    """ARNs of what an earlier, interrupted create of this very resource made.

    For types whose id the cloud generates: their create call sets the tag together with the
    resource, so nothing can lie between. ``kind`` is as the tagging API writes it: ``kms:key``.
    """
    pages = (
        cloud.client("resourcegroupstaggingapi", inputs.get("region"))
        .get_paginator("get_resources")
        .paginate(
            TagFilters=[{"Key": URN_TAG, "Values": [urn_tag(urn)]}],
            ResourceTypeFilters=[kind.split(":", maxsplit=1)[0]],
        )
    )
    found = [item["ResourceARN"] for page in pages for item in page["ResourceTagMappingList"]]
    return [arn for arn in found if f":{kind.split(':')[1]}/" in arn]
