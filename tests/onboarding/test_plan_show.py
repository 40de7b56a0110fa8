"""A plan as people read it: on a terminal, and in a comment on a pull request."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console

from isolation.verdict import Answer, Verdict
from onboarding.plan_show import markdown, show
from onboarding.planned import Change, Code, CostChange, Plan, PolicyFault, Refusal, StackChanges
from tenancy.quotas import Forecast, Usage

QUEUE = "aws:sqs/queue:Queue"


def change(tenant: str, op: str, name: str, *properties: str) -> Change:
    return Change(tenant, op, QUEUE, name, f"urn::{name}", properties)


def usage(name: str, used: int, limit: int, place: str = "1") -> Usage:
    return Usage(name, f"{name}s", place, place, "", used, limit, None, {})


PLAN = Plan(
    stacks=(
        StackChanges(
            "local",
            new=False,
            unchanged=3,
            changes=(
                change("acme", "update", "mine", "tags"),
                change("globex", "create", "theirs"),
                change("", "replace", "ours", "name"),
            ),
        ),
        StackChanges("local-hard", new=False, unchanged=9, changes=()),
    ),
    verdict=Verdict(Answer.PROVEN, counts={"tenants": 2, "principals": 3, "decisions": 4}),
    costs=(
        CostChange("platform", Decimal(10), Decimal(10)),
        CostChange("acme", Decimal(0), Decimal(0)),
        CostChange("globex", Decimal(5), Decimal("2.5")),
    ),
    currency="USD",
    usages=(usage("role", 9, 10), usage("key", 1, 10), usage("key", 1, 20)),
    forecasts=(Forecast("soft", 4, "roles", "1"), Forecast("hard", None, "", "")),
    notes=("the cloud is new",),
)
LOSS = Refusal(Code.DATA_LOSS, "urn::lake", "lake | *would* be lost\nat once", "put it back")


def shown(plan: Plan) -> str:
    stream = io.StringIO()
    show(Console(file=stream, width=300), plan)
    return stream.getvalue()


def test_a_plan_says_what_changes_whose_costs_quotas_and_room() -> None:
    told = shown(PLAN)
    for words in (
        "stack local: 1 to create, 1 to update, 1 to replace, 3 unchanged",
        "platform: 1 to replace",
        "+- aws:sqs/queue:Queue ours (name)",
        "~ aws:sqs/queue:Queue mine (tags)",
        "stack local-hard: no change, 9 unchanged",
        "isolation: proven",
        "policies: all rules hold",
        "9 of 10      roles, 1",
        "soft: 4 more until roles run out (1)",
        "hard: no such tenant is there to measure by",
        "note: the cloud is new",
    ):
        assert words in told, told
    assert ["globex", "5.00", "2.50", "-2.50"] in [line.split() for line in told.splitlines()]
    assert ["all", "15.00", "12.50", "-2.50"] in [line.split() for line in told.splitlines()]
    assert "acme   " not in told.partition("a month")[2]  # it costs nothing
    assert "\x1b" not in told


def test_of_one_quota_in_one_account_the_fullest_place_is_told() -> None:
    told = shown(PLAN)
    assert "1 of 10      keys" in told
    assert "of 20" not in told


def test_with_one_tenant_asked_for_the_others_are_counted_only() -> None:
    told = shown(replace(PLAN, tenant="acme"))
    assert "acme: 1 to update" in told
    assert "other tenants: 1 to create" in told
    assert "globex: " not in told


def test_refusals_come_last_with_rule_and_remedy() -> None:
    told = shown(replace(PLAN, refusals=(LOSS,)))
    assert told.rstrip().endswith("remedy: put it back")
    assert "refused: data loss: urn::lake: lake | *would* be lost" in told


def test_refused_files_are_told_without_anything_else() -> None:
    told = shown(Plan(refusals=(LOSS,)))
    assert told.strip().startswith("refused: data loss")
    assert "isolation" not in told
    assert markdown(Plan(refusals=(LOSS,))).startswith("## Plan: refused (data loss)")


def test_a_comment_has_tables_a_diff_and_escaped_refusals() -> None:
    told = markdown(replace(PLAN, refusals=(LOSS,)))
    for line in (
        "## Plan: refused (data loss)",
        r"> lake \| \*would\* be lost at once",
        "| local | acme | 1 to update |",
        "| local-hard | | none, 9 unchanged |",
        "! update aws:sqs/queue:Queue mine (tags)",
        "- replace aws:sqs/queue:Queue ours (name)",
        "| globex | 5.00 | 2.50 | -2.50 |",
        "| roles | 9 | 10 | 1 |",
        "- soft: 4 more until roles run out (1)",
    ):
        assert line in told.splitlines(), told
    assert markdown(PLAN).startswith("## Plan: 1 to create, 1 to update, 1 to replace\n")


@pytest.mark.parametrize("render", [shown, markdown])
def test_violated_rules_are_counted(render: object) -> None:
    fault = PolicyFault("local", "tls-only", "urn", "no TLS", "use it")
    assert callable(render)
    assert "violated: tls-only (2)" in render(replace(PLAN, policies=(fault, fault)))


def test_many_new_resources_are_counted_by_type_and_every_replaced_one_is_told() -> None:
    many = [change("acme", "create", f"q{n}") for n in range(40)]
    stack = StackChanges(
        "local", new=True, unchanged=0, changes=(*many, change("acme", "replace", "x"))
    )
    told = shown(Plan(stacks=(stack,)))
    assert "+ 40 aws:sqs/queue:Queue" in told
    assert "+- aws:sqs/queue:Queue x" in told
    assert "q17" not in told
    assert "never deployed" in told


def test_where_no_prices_are_known_there_is_a_note_and_no_table_of_costs() -> None:
    plan = replace(PLAN, costs=(), currency="", notes=("no cost is estimated",))
    for told in (shown(plan), markdown(plan)):
        assert "a month" not in told
        assert "no cost is estimated" in told
