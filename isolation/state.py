"""Reads what ``pulumi stack export`` prints, resource by resource, in bounded memory and time.

Sources: Pulumi, ``sdk/go/common/apitype/core.go`` (``UntypedDeployment``, ``DeploymentV3``,
``ResourceV3``) and ``pkg/resource/stack/deployment.go`` (versions).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from isolation.errors import StateError
from isolation.graph import Graph, Resource

_CHUNK = 1 << 22
_LARGEST_VALUE = 1 << 25
"""Characters of one resource, 32 million: no real one comes near."""
_VERSIONS = (1, 2, 3, 4)
_SPACE = " \t\r\n"
_PROVIDER = "pulumi:providers:"


_STACK = "pulumi:pulumi:Stack"
"""What every state has one of; it holds nothing."""

# Properties of AWS resources that say who may do what, and what things are called: no others are
# kept, so that an estate of thousands of tenants fits into memory.
READ = frozenset(
    """
    accessControlPolicy accessPolicies accessPolicy accountId acl action admins
    allowedAccountIds arn assumeRolePolicy authorizationType bucket cidrIpv4 cidrIpv6
    cloudWatchLogsGroupArn configuration containerDefinitions createDatabaseDefaultPermissions
    createTableDefaultPermissions dataLocation database databaseName destination destinationArn
    destinationConfig endpoint eventSourceArn executionRole executionRoleArn
    extendedS3Configuration family function functionName granteePrincipal grants group groups
    httpEndpointConfiguration id identifier ingress inlinePolicies instanceConfiguration
    jobRoleArn keyId lambdaFunctions lfTag lfTagPolicy lfTags loadBalancers logDestination
    logGroup loggings managedPolicyArns name networkConfiguration nodeRoleArn operations path
    permissions permissionsBoundary policy policyArn policyDocument prefixListId principal
    principalOrgId queueUrl queues referencedSecurityGroupId region replicationConfiguration
    repository resourceArn resourcePolicy role roleArn roles rules s3Bucket s3BucketName
    s3Configuration secretArn securityGroupId serviceRole serviceRoleArn sharedAccounts source
    sourceAccount sourceArn stages storageClassAnalysis table tableArn tableWithColumns tags
    tagsAll target targetBucket targetKeyId targets taskDefinition taskRoleArn topic topics url
    user users
    """.split()  # noqa: SIM905 - reads better than sixty quoted words
)


def read_states(files: Iterable[Path]) -> Graph:
    """One graph from the exported states of an estate's stacks.

    Raises ``StateError`` for a file that cannot be read or is no exported state, saying where, and
    for one that has a resource which another file has too.
    """
    given = list(files)
    for number, file in enumerate(given):
        if file.resolve() in [other.resolve() for other in given[:number]]:
            raise StateError(str(file), "", "is given twice")
    found = [resource for file in given for resource in _read(file)]
    if len(given) > 1:
        _refuse_twice(found)
    return Graph.of(found)


def _refuse_twice(resources: Iterable[Resource]) -> None:
    """One file twice, or two exports of one stack, would make two of each thing."""
    known: dict[str, str] = {}
    for resource in resources:
        file = resource.place.rpartition(": ")[0]
        first = known.setdefault(resource.urn, file)
        if first != file and resource.type != _STACK:
            raise StateError(file, "", f"has {resource.urn}, as {first} does")


def _read(file: Path) -> Iterator[Resource]:
    try:
        with file.open(encoding="utf-8-sig") as stream:
            yield from resources_of(_Reader(stream, str(file)).resources(), str(file))
    except UnicodeDecodeError as error:
        raise StateError(str(file), "", f"is not UTF-8 text: {error.reason}") from None
    except OSError as error:
        raise StateError(str(file), "", error.strerror or str(error)) from None


def resources_of(
    entries: Iterable[object], file: str, *, whole: bool = False
) -> Iterator[Resource]:
    """Resources from the entries of ``deployment.resources``; ``file`` is used in messages.

    ``whole``: with every property, not only with what the proof reads.

    Raises ``StateError`` for an entry that is no resource.
    """
    providers: dict[str, tuple[str, str]] = {}
    for index, entry in enumerate(entries):
        place = f"deployment.resources[{index}]"
        if not isinstance(entry, Mapping):
            raise StateError(file, place, "must be an object")
        for name in ("urn", "type"):
            if not isinstance(entry.get(name), str) or not entry[name]:
                raise StateError(file, f"{place}.{name}", "must be a text")
        if entry["urn"].count("::") < 3:  # noqa: PLR2004 - a URN's four parts
            raise StateError(file, f"{place}.urn", "is no URN")
        inputs, outputs, references = (
            _object(entry, name, file, place)
            for name in ("inputs", "outputs", "propertyDependencies")
        )
        for name in ("parent", "provider"):
            if not isinstance(entry.get(name) or "", str):
                raise StateError(file, f"{place}.{name}", "must be a text")
        if entry["type"].startswith(_PROVIDER):
            providers[entry["urn"]] = _of_provider({**inputs, **outputs})
        if entry["type"].startswith("aws:") and not whole:
            outputs = _read_of(outputs)
            # Mostly they are equal: then they are held once.
            inputs = {
                name: outputs[name] if outputs.get(name) == value else value
                for name, value in _read_of(inputs).items()
            }
            references = {name: references[name] for name in references if name in READ}
        provider = (entry.get("provider") or "").rpartition("::")[0]
        account, region = providers.get(provider, ("", ""))
        yield Resource(
            urn=entry["urn"],
            type=entry["type"],
            inputs=inputs,
            outputs=outputs,
            parent=entry.get("parent") or "",
            account=account,
            region=region,
            provider=provider,
            references={
                name: tuple(urn for urn in urns if isinstance(urn, str))
                for name, urns in references.items()
                if isinstance(urns, list)
            },
            place=f"{file}: {place}",
            protected=entry.get("protect") is True,
        )


def _read_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Those properties that are read; of how a table is stored only where."""
    found = {name: value for name, value in properties.items() if name in READ}
    storage = properties.get("storageDescriptor")
    if isinstance(storage, dict) and "location" in storage:
        found["storageDescriptor"] = {"location": storage["location"]}
    return found


def _object(entry: Mapping[str, Any], name: str, file: str, place: str) -> Mapping[str, Any]:
    found = entry.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise StateError(file, f"{place}.{name}", "must be an object")
    return found


def _of_provider(settings: Mapping[str, Any]) -> tuple[str, str]:
    """The account and region that a provider is bound to; empty where it is to none, or several.

    A provider's settings are texts, lists among them as JSON.
    """
    region, accounts = settings.get("region"), settings.get("allowedAccountIds")
    if isinstance(accounts, str):
        try:
            accounts = json.loads(accounts)
        except (ValueError, RecursionError):
            accounts = None
    only = accounts[0] if isinstance(accounts, list) and len(accounts) == 1 else ""
    return (only if isinstance(only, str) else "", region if isinstance(region, str) else "")


class _Reader:
    """Reads one file from front to back, a value at a time."""

    def __init__(self, stream: TextIO, file: str) -> None:
        self._stream = stream
        self._file = file
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._ended = False
        self._decoder = json.JSONDecoder()

    def resources(self) -> Iterator[object]:
        """The entries of ``deployment.resources``.

        Raises ``StateError`` for what is no exported state.
        """
        seen = False
        for name in self._members(""):
            if name == "deployment":
                seen = True
                yield from self._deployment()
            else:
                value = self._value(name)
                if name == "version" and value not in _VERSIONS:
                    raise self._error(name, f"must be one of {', '.join(map(str, _VERSIONS))}")
        if not seen:
            raise self._error(
                "", "has no `deployment`: it is not what `pulumi stack export` prints"
            )
        if self._peek():
            raise self._error("", "goes on after its end")

    def _deployment(self) -> Iterator[object]:
        for name in self._members("deployment"):
            place = f"deployment.{name}"
            if name == "resources":
                yield from self._entries(place)
                continue
            value = self._value(place)
            if name == "pending_operations" and value:
                raise self._error(
                    place,
                    "holds operations that were cut short, so the state does not say what the"
                    " cloud has: run `pulumi refresh`, then export again",
                )

    def _members(self, place: str) -> Iterator[str]:
        """The keys of an object; the caller reads each value."""
        self._expect("{", place)
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            name = self._value(place)
            if not isinstance(name, str):
                raise self._error(place, "must be an object with texts for keys")
            self._expect(":", name)
            yield name
            if self._peek() != ",":
                self._expect("}", place)
                return
            self._at += 1

    def _entries(self, place: str) -> Iterator[object]:
        if self._peek() == "n" and self._value(place) is None:
            return
        self._expect("[", place)
        if self._peek() == "]":
            self._at += 1
            return
        for index in range(1 << 62):
            yield self._value(f"{place}[{index}]")
            if self._peek() != ",":
                self._expect("]", place)
                return
            self._at += 1

    def _peek(self) -> str:
        """The next character that is no space; nothing at the end."""
        while True:
            while self._at < len(self._buffer):
                character = self._buffer[self._at]
                if character not in _SPACE:
                    return character
                self._at += 1
            if not self._more():
                return ""

    def _expect(self, character: str, place: str) -> None:
        found = self._peek()
        if not found:
            raise self._error(place, "ends too early: it is empty or was cut off")
        if found != character:
            raise self._error(place, f"is no JSON of this shape: expected `{character}`")
        self._at += 1

    def _value(self, place: str) -> object:
        if not self._peek():
            raise self._error(place, "ends too early: it is empty or was cut off")
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except RecursionError:
                raise self._error(place, "is nested too deep") from None
            except json.JSONDecodeError as error:
                left, place_of_error = len(self._buffer) - error.pos, error.pos - self._at
                if self._more():
                    continue
                if not left or "Unterminated" in error.msg:
                    raise self._error(place, "ends too early: it was cut off") from None
                self._at += place_of_error
                raise self._error(place, f"is no JSON: {error.msg}") from None
            except ValueError as error:  # a number of thousands of digits
                raise self._error(place, f"is no JSON: {error}") from None
            if end < len(self._buffer) or not self._more():
                self._at = end
                return value

    def _more(self) -> bool:
        """Read on; doubles what is held, so that a long value is decoded few times only."""
        if self._ended:
            return False
        held = len(self._buffer) - self._at
        if held > _LARGEST_VALUE:
            raise self._error("", f"has a value of more than {_LARGEST_VALUE} characters")
        read = self._stream.read(max(_CHUNK, held))
        self._ended = not read
        self._line += self._buffer.count("\n", 0, self._at)
        self._buffer = self._buffer[self._at :] + read
        self._at = 0
        return bool(read)

    def _error(self, place: str, rule: str) -> StateError:
        line = self._line + self._buffer.count("\n", 0, self._at)
        return StateError(self._file, f"line {line}{f', {place}' if place else ''}", rule)
