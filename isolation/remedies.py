"""What would have to change for a counterexample to be gone."""

from isolation.actors import Actor
from isolation.evaluation import Decision
from isolation.principals import SOURCE_OWNER
from isolation.things import Thing


def remedy(actor: Actor, thing: Thing | None, decision: Decision) -> str:
    """A sentence for the report: which statement to narrow, or what to declare."""
    witness = decision.allowed
    if witness is None:
        return ""
    where = "; ".join(
        dict.fromkeys(
            f"{s.label} of {s.policy.partition('#')[0].rpartition('::')[2]}"
            for _, s in witness.statements
        )
    )
    if actor.tenant is None and actor.reason is None and actor.kind.value == "AssumedRole":
        return (
            f"narrow {where}, or declare the principal in the `claims` of the component that makes"
            " it, with the reason why it reaches several tenants"
        )
    if any(one.key == SOURCE_OWNER.lower() for _, s in witness.statements for one in s.conditions):
        return (
            f"give the topic a policy in place of {where}: one that names its principals, and for"
            f" services aws:SourceArn; {SOURCE_OWNER} lets in all of the account"
        )
    what = "so that it names only what the principal's own tenant owns"
    if thing is None:
        what = "so that it names only who may become this role"
    return f"narrow {where} {what}" if where else f"narrow what lets {actor.label} reach it"
