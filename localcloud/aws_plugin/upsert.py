"""Resources whose create call overwrites what is there, and those that are a map of attributes."""

# Property values are anything; `resource` documents the methods.
# ruff: noqa: ANN401, D102

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.resource import ApiResource
from localcloud.aws_plugin.values import Properties


class Upsert(ApiResource):
    """A resource whose create call says nothing of a twin: it is looked for first, so that a
    stranger's of the same name is refused rather than taken over.
    """

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        identifier = self.identifier({**self.predict(cloud, inputs), **inputs})
        if self.read(cloud, identifier, inputs) is None:
            return super().make(cloud, urn, inputs)
        self.adopt(cloud, identifier, inputs, untagged=False)
        return identifier


class Attributed(Upsert):
    """A resource that its API knows as a map of texts, as SNS and SQS do.

    ``attributes`` names them, property to attribute.
    """

    attributes: ClassVar[Mapping[str, str]]

    def texts(self, values: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
        """Those of the properties that are attributes, in the API's form; "" for an absent one."""
        return {
            self.attributes[name]: _text(values.get(name, self.table[name].default))
            for name in sorted(names)
            if name in self.attributes
        }

    def given(self, values: Mapping[str, Any]) -> dict[str, str]:
        """The attributes that the program gives."""
        return self.texts(values, [n for n, v in values.items() if v is not None])

    def from_texts(self, attributes: Mapping[str, str]) -> Properties:
        """The properties that the API's map holds."""
        result: Properties = {}
        for name, attribute in self.attributes.items():
            if text := attributes.get(attribute):
                declared = self.table[name]
                is_text = declared.json or declared.document is not None
                result[name] = text if is_text else _value(text)
        return result


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdecimal() else text
