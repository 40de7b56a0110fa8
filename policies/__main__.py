"""The pack that `pulumi preview --policy-pack policies` runs."""

from pulumi_policy import EnforcementLevel, PolicyPack

from policies.pack import policies

PolicyPack("tenancy", policies(), EnforcementLevel.MANDATORY)
