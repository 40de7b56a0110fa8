"""What the gateway says no with: a status, a reason for the log, a message without their words."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

# Iceberg REST specification, "ErrorModel": the types that clients know.
_TYPES = {
    HTTPStatus.UNAUTHORIZED: "NotAuthorizedException",
    HTTPStatus.FORBIDDEN: "ForbiddenException",
    HTTPStatus.NOT_FOUND: "NotFoundException",
    HTTPStatus.SERVICE_UNAVAILABLE: "ServiceUnavailableException",
}


class Refused(Exception):
    """The call is not passed on, or its answer is not.

    ``reason`` is a word for the audit log. The message is ours alone: it repeats nothing that the
    caller or Nessie said.
    """

    def __init__(self, status: HTTPStatus, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


def malformed(message: str) -> Refused:
    """The call is not of the form that it must have."""
    return Refused(HTTPStatus.BAD_REQUEST, "malformed", message)


def forbidden(reason: str, message: str) -> Refused:
    """The call is understood, and not this caller's to make."""
    return Refused(HTTPStatus.FORBIDDEN, reason, message)


def error_body(status: int, message: str, kind: str = "") -> dict[str, Any]:
    """As the Iceberg REST specification has errors; ``kind`` is empty for the status's own."""
    if not kind:
        given = HTTPStatus(status)
        fallback = "BadRequestException" if status < HTTPStatus.INTERNAL_SERVER_ERROR else ""
        kind = _TYPES.get(given, fallback or "InternalServerError")
    return {"error": {"message": message, "type": kind, "code": status}}
