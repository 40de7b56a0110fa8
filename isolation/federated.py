"""Identities of an OpenID Connect provider: who they are is what their token says.

A provider has any number of identities, and policies tell them apart by the token's subject. So
those subjects are asked about that some policy tells from others, and one that none names.

Source: IAM User Guide, "Available keys for AWS OIDC federation".
"""

import re
from collections.abc import Iterable, Iterator

from isolation.actors import Actor
from isolation.automata import atoms
from isolation.errors import Undecided
from isolation.patterns import Pattern, glob
from isolation.policy import Policy
from isolation.principals import Kind
from isolation.targets import escaped

_SAML = ":saml-provider/"
_SOMEBODY = {
    "token.actions.githubusercontent.com": re.compile(r"repo:[^/*?]+/"),
    "gitlab.com": re.compile(r"project_path:[^/*?]+/"),
}
"""What the subject of one customer's identity starts with, where a provider serves the public."""


def identities(provider: str, policies: Iterable[Policy]) -> Iterator[Actor]:
    """Those of a provider, given the policies that name it.

    One of SAML has no subject that policies commonly tell: it stands for all of its identities.
    """
    if _SAML in provider:
        yield Actor(provider, Kind.FEDERATED, "")
        return
    name = provider.rpartition(":oidc-provider/")[2]
    key = f"{name}:sub"
    patterns = tuple(dict.fromkeys(_subjects(provider, key.lower(), policies)))
    meant = _SOMEBODY.get(name, re.compile("."))
    # A pattern that starts as nobody's subject in particular lets in whoever comes.
    named = sum(1 << place for place, one in enumerate(patterns) if meant.match(one.head))
    try:
        found = atoms(patterns)
    except Undecided:
        yield Actor(provider, Kind.FEDERATED, "", stranger=True)
        return
    for atom in found:
        yield Actor(
            provider,
            Kind.FEDERATED,
            "",
            facts={key: atom.witness},
            session=f"as {atom.witness}" if atom.mask & named else "as anybody who comes",
            stranger=not atom.mask & named,
        )


def _subjects(provider: str, key: str, policies: Iterable[Policy]) -> Iterator[Pattern]:
    for policy in policies:
        for statement in policy.statements:
            if ("Federated", provider) not in (statement.principals or ()):
                continue
            for condition in statement.conditions:
                if condition.key == key:
                    wild = "like" in condition.operator.lower()
                    yield from (glob(t if wild else escaped(t)) for t in condition.values)
