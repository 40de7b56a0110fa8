"""SQS: attributes that stay when others are set.

moto forgets a queue's policy when anything else is set, never shows the redrive allow policy, and
says that SQS's own key encrypts a queue that has a KMS key.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.sqs.models import Queue

from localcloud.emulator.patches.wrapping import Function, around


def _set_attributes(
    original: Function, self: Any, attributes: dict[str, Any], now: float | None = None
) -> None:
    kept = {"Policy": getattr(self, "policy", None), **attributes}
    if attributes.get("KmsMasterKeyId"):
        kept["SqsManagedSseEnabled"] = "false"
    original(self, kept, now)


def _attributes(self: Any) -> dict[str, Any]:
    shown: dict[str, Any] = _SHOWN(self)
    if allowed := getattr(self, "redrive_allow_policy", None):
        shown["RedriveAllowPolicy"] = allowed
    return shown


_SHOWN: Any = vars(Queue)["attributes"].fget


def patch() -> None:
    """Change moto in this process."""
    around(Queue, "_set_attributes")(_set_attributes)
    Queue.attributes = property(_attributes)  # type: ignore[assignment,method-assign]
