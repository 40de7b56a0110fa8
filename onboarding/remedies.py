"""What a user does about an error of the engine or the cloud, told by words of its message."""

from __future__ import annotations

_AGAIN = "mend that and run this again: it goes on from where it stopped"

_REMEDIES = (
    (
        ("AccessDenied", "UnauthorizedOperation", "not authorized to perform"),
        "let the role that deploys do this, or run as one of the environment's deployers",
    ),
    (
        ("AlreadyExists", "AlreadyOwnedByYou", "already exists"),
        "it was made outside of the stack: remove it there, or take it over with `pulumi import`",
    ),
    (
        ("Throttl", "TooManyRequests", "Rate exceeded"),
        "run this again in a minute: it goes on from where it stopped",
    ),
    (
        ("LimitExceeded", "QuotaExceeded"),
        "have AWS raise the quota; `tenancy plan` shows how full each one is",
    ),
    (
        ("ExpiredToken", "InvalidClientTokenId", "no valid credential", "NoCredentialProviders"),
        "log in to AWS again, then run this again",
    ),
    (
        ("currently locked",),
        "wait for the run that holds it; if that one is dead, `pulumi cancel`",
    ),
    (
        ("onnection refused", "Could not connect to the endpoint"),
        "see that the cloud can be reached (`tenancy local status`), then run this again",
    ),
    (
        ("passphrase", "incorrect secrets provider"),
        "set PULUMI_CONFIG_PASSPHRASE to that of the stack",
    ),
    (
        ("is no state",),
        "put the state before it in its place, the file that ends in .bak, and run `tenancy drift`",
    ),
)


def remedy(message: str) -> str:
    """The remedy of the first kind of error that the message is of; else to mend it and go on."""
    for words, what in _REMEDIES:
        if any(word in message for word in words):
            return what
    return _AGAIN
