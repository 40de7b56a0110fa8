"""The rules as the engine's policies, and the engine's resources as the rules'."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pulumi_policy import (
    Policy,
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.deserialize import serialize_properties
from pulumi_policy.proxy import (
    UNKNOWN_ARCHIVE_VALUE,
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_ASSET_VALUE,
    UNKNOWN_BOOLEAN_VALUE,
    UNKNOWN_NUMBER_VALUE,
    UNKNOWN_OBJECT_VALUE,
    UnknownValueError,
)

from isolation.graph import UNKNOWN, Graph, Resource
from isolation.state import resources_of
from policies.rule import EstateRule, Fault, NotKnownYetError, ResourceRule, Settings, message
from policies.rules import RULES

_CONFIG = PolicyConfigSchema(
    properties={name: {"type": "string"} for name in Settings.__dataclass_fields__}
)
# The engine tells an unknown value by its kind; to the rules it is unknown.
_UNKNOWN = frozenset(
    {
        UNKNOWN_ARCHIVE_VALUE,
        UNKNOWN_ARRAY_VALUE,
        UNKNOWN_ASSET_VALUE,
        UNKNOWN_BOOLEAN_VALUE,
        UNKNOWN_NUMBER_VALUE,
        UNKNOWN_OBJECT_VALUE,
    }
)


def policies() -> list[Policy]:
    """Every rule as a policy of the engine's."""
    return list(_policies())


def _policies() -> Iterator[Policy]:
    for rule in RULES:
        if isinstance(rule, ResourceRule):
            yield _of_resource(rule)
        elif isinstance(rule, EstateRule):
            yield _of_stack(rule)


def _of_resource(rule: ResourceRule) -> Policy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = _resource(args)
        try:
            for text in rule.find(resource, Settings(**args.get_config())):
                report(message(rule, Fault(resource, text)), None)
        except NotKnownYetError:
            # The engine then says that this rule waits for the update, for this resource.
            raise UnknownValueError(UNKNOWN, [resource.name]) from None

    return ResourceValidationPolicy(
        rule.name, rule.description, validate, config_schema=_CONFIG, remediation_steps=rule.remedy
    )


def _of_stack(rule: EstateRule) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for fault in rule.find(graph_of(args.resources), Settings(**args.get_config())):
            report(message(rule, fault), fault.resource.urn if fault.resource else None)

    return StackValidationPolicy(
        rule.name, rule.description, validate, config_schema=_CONFIG, remediation_steps=rule.remedy
    )


def graph_of(resources: Iterable[PolicyResource]) -> Graph:
    """The estate of one stack, as the engine has it at the end of a preview or update."""
    entries: dict[str, dict[str, Any]] = {}
    for resource in resources:
        provider = resource.provider
        if provider is not None and provider.urn not in entries:
            entries[provider.urn] = _entry(provider.urn, provider.resource_type, provider.props)
        entries[resource.urn] = _entry(resource.urn, resource.resource_type, resource.props) | {
            "parent": resource.parent.urn if resource.parent else "",
            "provider": f"{provider.urn}::id" if provider else "",
            "protect": resource.opts.protect,
            "propertyDependencies": {
                name: [one.urn for one in found]
                for name, found in resource.property_dependencies.items()
            },
        }
    return Graph.of(resources_of(entries.values(), "this program", whole=True))


def _resource(args: ResourceValidationArgs) -> Resource:
    entry = _entry(args.urn, args.resource_type, args.props) | {"protect": args.opts.protect}
    (found,) = resources_of([entry], "this program", whole=True)
    return found


def _entry(urn: str, type_: str, props: Mapping[str, Any]) -> dict[str, Any]:
    plain = _plain(serialize_properties(props))
    return {"urn": urn, "type": type_, "inputs": plain, "outputs": plain}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a property holds
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return UNKNOWN if isinstance(value, str) and value in _UNKNOWN else value
