"""The estate: which stack holds whom, and the rules that no file can break on its own."""

from pathlib import Path

import pytest

from tenancy.errors import InvalidInput
from tenancy.estate import load_estate
from tests.estates import ENVIRONMENT, FILES, write_estate
from tests.partitions import GOVCLOUD

ACME, GLOBEX, INITECH = (FILES[f"tenants/{t}.yaml"] for t in ("acme", "globex", "initech"))
PROD = FILES["Pulumi.prod.yaml"]
ROLE = "arn:aws:iam::222222222222:role/analysts"
GOVERNMENT = GOVCLOUD.moved(PROD)


def test_a_hard_tenant_has_a_stack_in_its_own_account_and_region(tmp_path: Path) -> None:
    estate = load_estate(write_estate(tmp_path))
    assert [(s.name, s.tenant_ids, s.account_id, s.region) for s in estate.stacks] == [
        ("prod", ("acme", "globex"), "222222222222", "us-east-1"),
        ("prod-initech", ("initech",), "444444444444", "us-west-2"),
    ]


def test_the_program_assumes_the_deploy_role_of_a_hard_tenants_account(tmp_path: Path) -> None:
    estate = load_estate(write_estate(tmp_path))
    role = "arn:aws:iam::444444444444:role/OrganizationAccountAccessRole"
    assert estate.stack("prod-initech").deployers == (role,)
    assert estate.stack("prod").deployers == ("arn:aws:iam::222222222222:role/deployer",)


def test_the_embedded_stack_takes_the_tenants_of_every_environment(tmp_path: Path) -> None:
    local = ENVIRONMENT.format(name="local", account="123456789012")
    local += "    embedded: true\n    takes_all_tenants: true\n"
    estate = load_estate(write_estate(tmp_path, {"Pulumi.local.yaml": local}))
    assert estate.stack("local").tenant_ids == ("acme", "globex")
    assert estate.stack("local-initech").tenant_ids == ("initech",)


NAMELESS = INITECH.replace('account_id: "444444444444"\n', "")
ORGANIZED = PROD + "    organization: {parent: r-root, email: 'aws+{tenant}@example.com'}\n"
VENDING: dict[str, str | None] = {"Pulumi.prod.yaml": ORGANIZED, "tenants/initech.yaml": NAMELESS}


def test_an_account_that_is_not_vended_yet_can_be_looked_at_and_not_deployed_to(
    tmp_path: Path,
) -> None:
    estate = load_estate(write_estate(tmp_path, VENDING))
    (organization,) = estate.organizations
    assert (organization.name, organization.members) == ("prod-org", ("initech",))
    assert estate.plan("prod-org") is organization
    assert estate.plans[0] is organization
    planned = estate.planned("prod-initech")
    assert planned.account_id.startswith("0000")
    with pytest.raises(InvalidInput, match="deploy the stack prod-org"):
        estate.plan("prod-initech")


def test_a_vended_account_is_read_from_the_stacks_file(tmp_path: Path) -> None:
    told = "encryptionsalt: v1:abc\nconfig:\n  tenancy:account_id: '555555555555'\n"
    estate = load_estate(write_estate(tmp_path, VENDING | {"Pulumi.prod-initech.yaml": told}))
    assert estate.plan("prod-initech").account_id == "555555555555"
    (organization,) = estate.organizations
    assert organization.members == ("initech",), "it stays a member once it is vended"


def test_who_names_an_account_is_vended_none(tmp_path: Path) -> None:
    assert load_estate(write_estate(tmp_path, {"Pulumi.prod.yaml": ORGANIZED})).organizations == ()


def test_the_organizations_stack_file_is_no_orphan(tmp_path: Path) -> None:
    load_estate(write_estate(tmp_path, {"Pulumi.prod-org.yaml": "encryptionsalt: v1:abc\n"}))


def test_an_unknown_stack_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no stack staging; they describe prod, prod-initech"):
        load_estate(write_estate(tmp_path)).stack("staging")


def test_an_oidc_provider_is_trusted_for_the_audiences_that_tenants_expect(tmp_path: Path) -> None:
    access = "access: {reader: [{oidc: {subject: 'repo:a/b:ref:x', audience: lake}}]}\n"
    estate = load_estate(write_estate(tmp_path, {"tenants/acme.yaml": ACME + access}))
    audiences = {"token.actions.githubusercontent.com": ("lake", "sts.amazonaws.com")}
    assert estate.stack("prod").oidc_audiences == audiences


def test_the_problems_of_all_files_are_told_together(tmp_path: Path) -> None:
    broken = {"tenants/acme.yaml": "tenant: acme\n", "tenants/globex.yaml": "- a list\n"}
    with pytest.raises(InvalidInput) as error:
        load_estate(write_estate(tmp_path, broken))
    assert {problem.where for problem in error.value.problems} == {
        "tenants/acme.yaml",
        "tenants/globex.yaml",
    }


RULES: dict[str, tuple[dict[str, str | None], tuple[str, str, str]]] = {
    "one principal in the access of two tenants": (
        {
            "tenants/acme.yaml": f"{ACME}access: {{reader: [{{aws: '{ROLE}'}}]}}\n",
            "tenants/globex.yaml": f"{GLOBEX}access: {{admin: [{{aws: '{ROLE}'}}]}}\n",
        },
        ("tenants/globex.yaml", "access.admin[0]", "the same principal is in the access of"),
    ),
    "one OIDC subject in the access of two tenants": (
        {
            "tenants/acme.yaml": ACME + "access: {reader: [{oidc: {subject: s}}]}\n",
            "tenants/globex.yaml": GLOBEX + "access: {writer: [{oidc: {subject: s}}]}\n",
        },
        ("tenants/globex.yaml", "access.writer[0]", "it would reach two tenants"),
    ),
    "two hard tenants in one account": (
        {
            "tenants/zeta.yaml": INITECH.replace("initech", "zeta"),
        },
        ("tenants/zeta.yaml", "account_id", "alone in its account"),
    ),
    "a hard tenant in the platform's account": (
        {"tenants/initech.yaml": INITECH.replace("444444444444", "222222222222")},
        ("tenants/initech.yaml", "account_id", "already that of environment prod"),
    ),
    "a hard tenant without account where no organization vends one": (
        {"tenants/initech.yaml": NAMELESS},
        ("tenants/initech.yaml", "account_id", "no organization that would vend one"),
    ),
    "a vended account that is another tenant's": (
        VENDING
        | {
            "tenants/zeta.yaml": INITECH.replace("initech", "zeta"),
            "Pulumi.prod-initech.yaml": "config: {'tenancy:account_id': '444444444444'}\n",
        },
        ("Pulumi.prod-initech.yaml", "config.tenancy:account_id", "already that of tenants/zeta"),
    ),
    "a vended account that is the platform's": (
        VENDING | {"Pulumi.prod-initech.yaml": "config: {'tenancy:account_id': '222222222222'}\n"},
        ("Pulumi.prod-initech.yaml", "config.tenancy:account_id", "already that of Pulumi.prod"),
    ),
    "a vended account of ten digits": (
        VENDING | {"Pulumi.prod-initech.yaml": "config: {'tenancy:account_id': '2222222222'}\n"},
        ("Pulumi.prod-initech.yaml", "config.tenancy:account_id", "exactly 12 digits"),
    ),
    "a root address without the tenant": (
        {"Pulumi.prod.yaml": ORGANIZED.replace("+{tenant}", "")},
        ("Pulumi.prod.yaml", "organization.email", "where the tenant's id"),
    ),
    "a root address that is too long": (
        {"Pulumi.prod.yaml": ORGANIZED.replace("aws+", "a" * 36 + "+")},
        ("Pulumi.prod.yaml", "organization.email", "more than 64"),
    ),
    "a database schema of another tenant": (
        {"tenants/acme.yaml": ACME + "database: {schema: tenant_globex}\n"},
        ("tenants/acme.yaml", "database.schema", "is the schema of tenant globex"),
    ),
    "an unknown environment": (
        {"tenants/acme.yaml": ACME + "environment: prodd\n"},
        ("tenants/acme.yaml", "environment", "no Pulumi.prodd.yaml"),
    ),
    "two environments in one account and region": (
        {"Pulumi.dev.yaml": ENVIRONMENT.format(name="dev", account="222222222222")},
        ("Pulumi.prod.yaml", "tenancy:environment.account_id", "one set of settings"),
    ),
    "a classification above the environment's": (
        {
            "Pulumi.prod.yaml": PROD + "    max_classification: INTERNAL\n",
            "tenants/acme.yaml": ACME + "classification: RESTRICTED\n",
        },
        ("tenants/acme.yaml", "classification", "above what environment prod is authorised for"),
    ),
    "a region of another partition": (
        {"tenants/initech.yaml": INITECH.replace("us-west-2", "us-gov-west-1")},
        ("tenants/initech.yaml", "region", "different partitions of AWS"),
    ),
    "an administrator of another partition": (
        {
            "tenants/initech.yaml": None,
            "Pulumi.prod.yaml": GOVERNMENT.replace(
                "aws-us-gov:iam::222222222222:role/e", "aws:iam::222222222222:role/e"
            ),
        },
        (
            "Pulumi.prod.yaml",
            "tenancy:environment.platform_admins[0]",
            "engineers is in the partition aws of AWS, and environment prod in aws-us-gov",
        ),
    ),
    "a tenant's principal of another partition": (
        {
            "tenants/initech.yaml": None,
            "Pulumi.prod.yaml": GOVERNMENT,
            "tenants/acme.yaml": ACME + f"access: {{reader: [{{aws: '{ROLE}'}}]}}\n",
        },
        ("tenants/acme.yaml", "access.reader[0].aws", "in the partition aws of AWS"),
    ),
    "accounts to be vended in GovCloud": (
        {
            "tenants/initech.yaml": None,
            "Pulumi.prod.yaml": GOVERNMENT
            + "    organization: {parent: r-root, email: 'aws+{tenant}@example.com'}\n",
        },
        ("Pulumi.prod.yaml", "tenancy:environment.organization", "CreateGovCloudAccount"),
    ),
    "an external id that the environment does not have": (
        {
            "tenants/acme.yaml": ACME
            + f"access: {{reader: [{{aws: '{ROLE}', external_id: 'config:typo'}}]}}\n"
        },
        ("tenants/acme.yaml", "access.reader[0].external_id", "has no external id typo"),
    ),
    "a foreign principal without an external id": (
        {
            "tenants/acme.yaml": ACME
            + "access: {reader: [{aws: 'arn:aws:iam::999999999999:role/partner'}]}\n"
        },
        ("tenants/acme.yaml", "access.reader[0].external_id", "foreign account needs"),
    ),
    "an OIDC provider that the environment does not have": (
        {
            "tenants/acme.yaml": ACME
            + "access: {reader: [{oidc: {provider: idp.example.com, subject: s}}]}\n"
        },
        ("tenants/acme.yaml", "access.reader[0].oidc.provider", "has no OIDC provider"),
    ),
    "the stack of a hard tenant that is no longer described": (
        {"Pulumi.prod-gone.yaml": "encryptionsalt: v1:x\n"},
        ("Pulumi.prod-gone.yaml", "", "would strand its data"),
    ),
    "the stack of a hard tenant that became medium": (
        {
            "Pulumi.prod-initech.yaml": "encryptionsalt: v1:x\n",
            "tenants/initech.yaml": "tenant: initech\ncontact: a@b.example\n",
        },
        ("Pulumi.prod-initech.yaml", "", "no hard tenant initech"),
    ),
    "a tenant file whose name is not read": (
        {"tenants/zeta.yml": "tenant: zeta\ncontact: a@b.example\n"},
        ("tenants/zeta.yml", "", "only files that end in .yaml are read"),
    ),
    "no templates": (
        {"table-templates/events.yaml": None},
        ("table-templates/", "", "the folder is missing"),
    ),
    "an override of an unknown table": (
        {"tenants/acme.yaml": ACME + "access_overrides: {evnts: {phone: restricted}}\n"},
        ("tenants/acme.yaml", "access_overrides.evnts", "no table template"),
    ),
}


@pytest.mark.parametrize("case", RULES)
def test_a_broken_rule_between_files_names_file_field_and_rule(case: str, tmp_path: Path) -> None:
    changed, (where, field, rule) = RULES[case]
    with pytest.raises(InvalidInput) as error:
        load_estate(write_estate(tmp_path, changed))
    (problem,) = error.value.problems
    assert (problem.where, problem.field) == (where, field)
    assert rule in problem.rule
    assert problem.remedy
