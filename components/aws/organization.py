"""The organization's part for hard tenants: a unit, what its accounts may not do, the accounts."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from tenancy.grants import PolicyKind, render
from tenancy.organization import OrganizationPlan, account_statements


@dataclass(frozen=True)
class OrganizationArgs:
    """``plan``: the stack that vends an environment's accounts."""

    plan: OrganizationPlan


class Organization(pulumi.ComponentResource):
    """The unit of an environment's vended accounts, and the policy that limits them.

    ``unit_id`` is known once the policy is attached: an account is limited from its first moment
    in the unit.
    """

    unit_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: OrganizationArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:Organization", name, None, opts)
        child = ResourceOptions(parent=self)
        plan, names = args.plan, args.plan.names
        unit = aws.organizations.OrganizationalUnit(
            f"{name}-unit",
            name=names.organizational_unit,
            parent_id=plan.organization.parent,
            opts=child,
        )
        statements = account_statements(names, plan.environment.deploy_role)
        policy = aws.organizations.Policy(
            f"{name}-policy",
            name=names.organizational_unit,
            description=f"What nobody may do in the account of a tenant of {names.prefix}",
            type="SERVICE_CONTROL_POLICY",
            content=render(statements, PolicyKind.CONTROL),
            opts=child,
        )
        attached = aws.organizations.PolicyAttachment(
            f"{name}-policy-attachment", policy_id=policy.id, target_id=unit.id, opts=child
        )
        self.unit_id = pulumi.Output.all(unit.id, attached.id).apply(lambda ids: str(ids[0]))
        self.register_outputs({})


@dataclass(frozen=True)
class VendedAccountArgs:
    """``unit_id``: the organizational unit that the tenant's account is in."""

    plan: OrganizationPlan
    tenant: str
    unit_id: pulumi.Output[str]


class VendedAccount(pulumi.ComponentResource):
    """The account of a hard tenant; ``number`` is its 12 digits.

    It is protected, kept when it leaves the program, and never closed by it.
    """

    number: pulumi.Output[str]

    def __init__(
        self, name: str, args: VendedAccountArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:VendedAccount", name, None, opts)
        plan = args.plan
        account = aws.organizations.Account(
            f"{name}-account",
            name=plan.names.account_name(args.tenant),
            email=plan.organization.email_of(args.tenant),
            parent_id=args.unit_id,
            role_name=plan.environment.deploy_role,
            close_on_deletion=False,
            opts=ResourceOptions(
                parent=self,
                protect=args.tenant not in plan.left,
                retain_on_delete=True,
                # AWS does not tell it again, so an account that was imported would seem to differ.
                ignore_changes=["roleName"],
            ),
        )
        self.number = account.id
        self.register_outputs({"tenant": args.tenant, "account_id": account.id})
