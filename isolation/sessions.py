"""Sessions with tags: what a role's trust lets a caller be when it opens one.

A role that several tenants share is scoped by a tag of its sessions. Then a session with the tag of
a tenant acts for that tenant, and who may open it is asked with that very tag; where the trust
leaves the tag to the caller, one session stands for all tags at once.

Source: IAM User Guide, "Passing session tags in AWS STS": the trust policy must allow
``sts:TagSession``; ``aws:RequestTag`` limits the values, ``aws:TagKeys`` the keys; a session's tag
goes before the role's own of the same key.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice, product

from isolation.actors import Actor
from isolation.ownership import Ownership
from isolation.policy import Condition, Policy, Statement
from isolation.targets import Values, escaped
from isolation.verdict import Counterexample, Place

_REQUEST, _PRINCIPAL = "aws:requesttag/", "aws:PrincipalTag/"
_KEYS = "aws:tagkeys"
_MOST_SESSIONS = 1000
"""Of one statement: beyond, one session stands for any tags."""
_MOST_TOLD = 50
_TAG = "sts:tagsession"
_OPENING = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")


def sessions(actor: Actor, ownership: Ownership, tenants: Iterable[str]) -> Iterator[Actor]:
    """The actor, and its sessions with given tags.

    ``tenants`` are those whose tag is tried where the trust compares it with a tag of the caller.
    """
    yield actor
    if actor.trust is None:
        return
    names = tuple(tenants)
    for statement in actor.trust.policy.allows:
        if _allows(statement, _TAG):
            yield from _sessions(actor, statement, ownership, names)


def _sessions(
    actor: Actor, statement: Statement, ownership: Ownership, tenants: tuple[str, ...]
) -> Iterator[Actor]:
    assert actor.trust is not None  # noqa: S101 - its statement is given
    tag = (actor.session_tag or ownership.tag).lower()
    pins = pinned(statement)
    if tag not in pins and _by_the_callers(statement, tag):
        pins = {**pins, tag: tenants}
    free = _free(statement, pins)
    whole = free & {f"{_PRINCIPAL}*"}
    facts = {k: v for k, v in actor.facts.items() if not (whole and k.startswith(_PRINCIPAL))}
    denies = [one for one in actor.trust.policy.denies if _of_tags(one) == one]
    common = replace(
        actor, tagging=Policy(actor.trust.name, (_of_tags(statement), *denies)), free=free
    )
    combinations = list(islice(product(*pins.values()), _MOST_SESSIONS + 1))
    if not pins or len(combinations) > _MOST_SESSIONS:
        yield replace(common, facts=facts, session="with tags that its caller chooses")
        return
    for combination in combinations:
        given = dict(zip(pins, combination, strict=True))
        named = given.get(tag)
        tenant = actor.tenant
        if tenant is None and named is not None:
            tenant = ownership.tenant_of_tags({ownership.tag: named})
        told = " and ".join(f"{key}={value}" for key, value in given.items())
        yield replace(
            common,
            facts={**_without(facts, given), **{f"{_PRINCIPAL}{k}": v for k, v in given.items()}},
            asks={f"{_REQUEST}{k}": Values((escaped(v),)) for k, v in given.items()},
            tenant=tenant,
            reason=None if tenant else actor.reason,
            session=f"with the tag {told}",
        )


def _of_tags(statement: Statement) -> Statement:
    """The statement with what it asks of tags and callers. Whether ``sts:TagSession`` has what else
    opening a session has, such as an external id, is not documented: so that counts as given.
    """
    return replace(
        statement,
        conditions=tuple(one for one in statement.conditions if one.key.startswith("aws:")),
    )


def _without(
    facts: Mapping[str, str | tuple[str, ...]], given: Mapping[str, str]
) -> dict[str, str | tuple[str, ...]]:
    """The facts without the role's own tags that the session's go before."""
    gone = {f"{_PRINCIPAL}{key}".lower() for key in given}
    return {key: value for key, value in facts.items() if key.lower() not in gone}


def pinned(statement: Statement) -> dict[str, tuple[str, ...]]:
    """Tag (in lower case) -> the values that a statement lets a session have for it, as listed."""
    return {
        condition.key.removeprefix(_REQUEST): condition.values
        for condition in statement.conditions
        if condition.key.startswith(_REQUEST)
        and condition.operator.lower() == "stringequals"
        and not any("$" in text for text in condition.values)
    }


def _by_the_callers(statement: Statement, tag: str) -> bool:
    """Whether the tag that is asked for must be one that the caller has itself."""
    return statement.variables and any(
        condition.key == f"{_REQUEST}{tag}"
        and condition.operator.lower() == "stringequals"
        and all(_is_variable(text) for text in condition.values)
        for condition in statement.conditions
    )


def _is_variable(text: str) -> bool:
    name = text.removeprefix("${").removesuffix("}")
    return text == f"${{{name}}}" and name.lower().startswith(_PRINCIPAL.lower())


def _free(statement: Statement, pins: Mapping[str, object]) -> frozenset[str]:
    """The tags of a session that its caller may choose: all that are not pinned, unless closed."""
    keys = closed(statement)
    if keys is None:
        return frozenset({f"{_PRINCIPAL}*"})
    return frozenset(f"{_PRINCIPAL}{key}" for key in keys if key.lower() not in pins)


def closed(statement: Statement) -> tuple[str, ...] | None:
    """The keys of the only tags that a session may be given; None where any may be."""
    for condition in statement.conditions:
        if condition.key == _KEYS and _lists_all(condition):
            return condition.values
    return None


def _lists_all(condition: Condition) -> bool:
    return condition.operator.lower() == "forallvalues:stringequals" and not any(
        "$" in text for text in condition.values
    )


def opens(statement: Statement) -> bool:
    """Whether a statement of a trust policy lets somebody in, and not only have tags."""
    return any(_allows(statement, action) for action in _OPENING)


def _allows(statement: Statement, action: str) -> bool:
    covered = any(_matches(pattern, action) for pattern in statement.actions)
    return covered != statement.excludes_actions


def _matches(pattern: str, action: str) -> bool:
    head, star, _ = pattern.partition("*")
    return action.startswith(head) if star else pattern == action


def unbound(actors: Iterable[Actor], tenants: tuple[str, ...]) -> Iterator[Counterexample]:
    """Roles that are claimed to act for the tenant of a tag, and whose trust does not see to it."""
    for actor in actors:
        if not actor.session_tag or actor.trust is None or actor.session:
            continue
        tag = actor.session_tag.lower()
        sharing = sharers(actor) or tenants
        for statement in actor.trust.policy.allows:
            if not opens(statement) and not _allows(statement, _TAG):
                continue
            pins = pinned(statement)
            if tag not in pins and not _by_the_callers(statement, tag):
                yield from _told(actor, statement, sharing, f"aws:RequestTag/{actor.session_tag}")
            elif {key.lower() for key in closed(statement) or ("*",)} - pins.keys() - {tag}:
                yield from _told(actor, statement, pins.get(tag, sharing), "aws:TagKeys")


def sharers(actor: Actor) -> tuple[str, ...]:
    """The tenants whose tag a shared role's trust lets somebody have."""
    found: dict[str, None] = {}
    for statement in actor.trust.policy.allows if actor.trust is not None else ():
        found |= dict.fromkeys(pinned(statement).get(actor.session_tag.lower(), ()))
    return tuple(found)


def _told(
    actor: Actor, statement: Statement, owners: Iterable[str], key: str
) -> Iterator[Counterexample]:
    for owner in islice(owners, _MOST_TOLD):
        yield Counterexample(
            rule="a shared role's trust does not bind its sessions to one tenant's tag",
            principal=actor.arn,
            tenant=None,
            action="sts:TagSession",
            resource=actor.arn,
            owner=owner,
            because=(Place(f"{statement.label} (assumeRolePolicy)", actor.urn, actor.place),),
            remedy=f"pin {key} in each statement: the tag to the one tenant that the identity is"
            " of, and the keys to that tag",
        )
