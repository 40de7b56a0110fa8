"""What the platform's own services may not do, though they are trusted: read what they only start,
pass roles that they do not start, read or erase an audit that they only write.

Their credentials are in containers and functions that serve several tenants, so each is kept to its
purpose. Who only administers, by a trust that lets in people, is not a service.
"""

from collections.abc import Callable, Iterable, Iterator

from isolation.actors import Actor
from isolation.classes import Classes
from isolation.estate import Estate
from isolation.evaluation import Decision
from isolation.inventory import values
from isolation.targets import Target
from isolation.things import Thing

DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
_ROLE = "aws:iam/role:Role"
_DATA = ("s3", "kms", "glue", "secretsmanager")
_ERASING = ("s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObject", "s3:DeleteObjectVersion")

Ask = Callable[[Actor, Target], Decision]
Finding = tuple[str, Actor, str, str | None, Decision, Thing | None]
"""Rule, who, what it reaches, whose that is, the decision, and the thing if it is one."""


def workloads(
    estate: Estate, classes: Classes, others: Iterable[Actor], things: list[Thing], ask: Ask
) -> Iterator[Finding]:
    """What services of the platform do beyond their purpose."""
    definitions = _definitions(estate, things)
    audited = _audited(estate)
    roles = list(others)
    for actor in classes.actors:
        if actor.reason is None or not actor.services:
            continue
        yield from _launching(actor, definitions, roles, things, ask)
        yield from _appending(actor, audited, things, ask)


def _definitions(estate: Estate, things: Iterable[Thing]) -> list[tuple[Target, frozenset[str]]]:
    """Task definitions among things, as what may be run, and the ARNs of their roles."""
    found = []
    for arn in {thing.arn for thing in things}:
        resource = estate.inventory.find(DEFINITION, arn)
        if resource is None:
            continue
        roles = [
            meant
            for name in ("taskRoleArn", "executionRoleArn")
            for meant in estate.inventory.meant(resource, name, _ROLE)
        ]
        found.append(
            (
                Target((arn,), estate.inventory.account(resource), actions=("ecs:RunTask",)),
                frozenset(
                    one if isinstance(one, str) else estate.inventory.arn(one) for one in roles
                ),
            )
        )
    return found


def _launching(
    actor: Actor,
    definitions: list[tuple[Target, frozenset[str]]],
    roles: list[Actor],
    things: list[Thing],
    ask: Ask,
) -> Iterator[Finding]:
    """Who starts tasks passes the roles of those tasks only, and reads no tenant's data; who starts
    none passes none.
    """
    started = [own for target, own in definitions if ask(actor, target).allowed is not None]
    fixed: frozenset[str] = frozenset().union(*started)
    for role in roles:
        if role.arn in fixed or role.arn == actor.arn or role.session or not role.services:
            continue
        target = Target((role.arn,), role.account, actions=("iam:PassRole",))
        decision = ask(actor, target)
        if decision.allowed is not None:
            rule = "a service of the platform passes a role that no task has which it starts"
            yield rule, actor, role.arn, role.tenant, decision, None
    for thing in things if started else ():
        if thing.tenant is not None and thing.arn.split(":")[2] in _DATA:
            decision = ask(actor, thing.target)
            if decision.allowed is not None:
                rule = "a launcher of tasks reaches tenants' data itself"
                yield rule, actor, thing.arn, thing.tenant, decision, thing


def _audited(estate: Estate) -> set[str]:
    """The ARNs of the buckets that trails write to."""
    return {
        f"arn:{estate.inventory.partition(trail)}:s3:::{name}"
        for trail in estate.inventory.of("aws:cloudtrail/trail:Trail")
        for name in values(trail, "s3BucketName")
        if isinstance(name, str)
    }


def _appending(actor: Actor, audited: set[str], things: list[Thing], ask: Ask) -> Iterator[Finding]:
    """Services append to the audit, and neither read nor erase it."""
    for thing in things:
        bucket, slash, _ = thing.arn.partition("/")
        if not slash or bucket not in audited or thing.what:
            continue
        target = Target(
            thing.target.resources,
            thing.target.account,
            actions=_ERASING,
            policies=thing.target.policies,
        )
        decision = ask(actor, target)
        if decision.allowed is not None:
            rule = "a service of the platform reads or erases the audit"
            yield rule, actor, thing.arn, thing.tenant, decision, thing
