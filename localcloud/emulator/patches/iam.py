"""IAM: the sizes that AWS limits and moto does not, and two calls that moto lacks."""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401

from __future__ import annotations

import json
from typing import Any, Final

from moto.core.responses import EmptyResult
from moto.iam.exceptions import LimitExceededException
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse

from localcloud.emulator.patches.wrapping import Function, added, around

# IAM User Guide, "IAM and STS character limits"; white space is not counted.
INLINE_TOTAL: Final = 10240


def _put_role_policy(
    original: Function, self: Any, role_name: str, policy_name: str, policy_json: str
) -> Any:
    others = [
        text for name, text in self.get_role(role_name).policies.items() if name != policy_name
    ]
    if sum(map(_size, [*others, policy_json])) > INLINE_TOTAL:
        raise LimitExceededException(
            f"Maximum policy size of {INLINE_TOTAL} bytes exceeded for role {role_name}"
        )
    return original(self, role_name, policy_name, policy_json)


def _size(document: str) -> int:
    try:
        return len(json.dumps(json.loads(document), separators=(",", ":")))
    except ValueError:
        return len(document)  # moto says what is wrong with it


def _add_client(self: Any) -> Any:
    clients = _clients(self)
    if (client := self._get_param("ClientID")) not in clients:
        clients.append(client)
    return EmptyResult()


def _remove_client(self: Any) -> Any:
    clients = _clients(self)
    if (client := self._get_param("ClientID")) in clients:
        clients.remove(client)
    return EmptyResult()


def _clients(self: Any) -> list[str]:
    arn = self._get_param("OpenIDConnectProviderArn")
    clients: list[str] = self.backend.get_open_id_connect_provider(arn).client_id_list
    return clients


def patch() -> None:
    """Change moto in this process."""
    added(IamResponse, "add_client_id_to_open_id_connect_provider", _add_client)
    added(IamResponse, "remove_client_id_from_open_id_connect_provider", _remove_client)
    around(IAMBackend, "put_role_policy")(_put_role_policy)
