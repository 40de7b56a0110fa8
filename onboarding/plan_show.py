"""A plan for people: on a terminal, and as Markdown for a comment on a pull request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from rich.console import Console

from isolation.verdict import Answer, Verdict
from onboarding.planned import Change, Plan, StackChanges
from tenancy.names import PLATFORM
from tenancy.quotas import Usage

_MARKS = {"create": "+", "update": "~", "replace": "+-", "delete": "-"}
_STYLES = {"create": "green", "update": "yellow", "replace": "red", "delete": "red"}
_DIFF = {"create": "+", "update": "!", "replace": "-", "delete": "-"}
"""What colours a line in a block of the kind `diff`."""
_LISTED = 12
"""Resources of one owner that are listed one by one; more are counted by type."""
_FULLEST = 8
_ANSWERS = {
    Answer.PROVEN: "no tenant reaches another's part",
    Answer.VIOLATED: "a tenant reaches another's part",
    Answer.UNKNOWN: "not everything is understood",
}


def show(console: Console, plan: Plan) -> None:
    """Print a plan."""
    for text, style in _lines(plan):
        console.print(text, style=style, markup=False, highlight=False)


def _lines(plan: Plan) -> Iterator[tuple[str, str | None]]:
    for stack in plan.stacks:
        yield _headline(stack), "bold"
        for owner, changes in _by_owner(stack, plan.tenant):
            yield f"  {owner or PLATFORM}: {_counted(changes)}", None
            for text, op in _listed(changes):
                yield f"    {_MARKS[op]} {text}", _STYLES[op]
    if plan.verdict:
        yield "", None
        good = plan.verdict.answer is Answer.PROVEN
        yield f"isolation: {_verdict(plan.verdict)}", "green" if good else "red"
        yield f"policies: {_policies(plan)}", None
        for text in _costs_told(plan):
            yield text, None
        yield "quotas, the fullest:", None
        for usage in _fullest(plan.usages):
            yield f"  {usage.used:>7} of {usage.limit:<7} {usage.what}, {usage.place}", None
        yield "further tenants that fit:", None
        for text in _forecasts(plan):
            yield f"  {text}", None
    for note in plan.notes:
        yield f"note: {note}", None
    for refusal in plan.refusals:
        yield "", None
        yield f"refused: {refusal}", "red"


def markdown(plan: Plan) -> str:
    """The plan as a comment on a pull request."""
    parts = [_title(plan), _markdown_changes(plan)]
    if plan.verdict:
        parts.append(_markdown_verdict(plan.verdict, plan))
        parts += [_markdown_costs(plan), _markdown_quotas(plan)]
    parts.append(f"Note: {note}" for note in plan.notes)
    return "\n".join(line for part in parts for line in part) + "\n"


def _title(plan: Plan) -> Iterator[str]:
    yield f"## Plan: {_summary(plan)}"
    for refusal in plan.refusals:
        yield ""
        yield f"> **{refusal.code.label}** `{refusal.where}`"
        yield f"> {_inline(refusal.rule)}"
        yield f"> _{_inline(refusal.remedy)}_"
    yield ""


def _markdown_changes(plan: Plan) -> Iterator[str]:
    if plan.stacks:
        yield from ("| stack | whose | changes |", "| --- | --- | --- |")
    for stack in plan.stacks:
        if not stack.changes:
            yield f"| {stack.stack} | | none, {stack.unchanged} unchanged |"
        for owner, changes in _by_owner(stack, plan.tenant):
            yield f"| {stack.stack} | {owner or PLATFORM} | {_counted(changes)} |"
    for stack in plan.stacks:
        if stack.changes:
            yield from ("", f"<details><summary>{_headline(stack)}</summary>", "", "```diff")
            for owner, changes in _by_owner(stack, plan.tenant):
                yield f"  {owner or PLATFORM}"
                for text, op in _listed(changes):
                    yield f"{_DIFF[op]} {op} {text}"
            yield from ("```", "", "</details>")
    yield ""


def _markdown_verdict(verdict: Verdict, plan: Plan) -> Iterator[str]:
    yield from (f"**Isolation**: {_verdict(verdict)}", "", f"**Policies**: {_policies(plan)}", "")


def _markdown_costs(plan: Plan) -> Iterator[str]:
    if not plan.currency:
        return  # a note says why
    yield f"| {plan.currency} a month | today | planned | change |"
    yield "| --- | ---: | ---: | ---: |"
    for row in _costs(plan):
        yield f"| {' | '.join(row)} |"
    yield ""


def _markdown_quotas(plan: Plan) -> Iterator[str]:
    yield "| quota, the fullest | used | limit | where |"
    yield "| --- | ---: | ---: | --- |"
    for usage in _fullest(plan.usages):
        yield f"| {usage.what} | {usage.used} | {usage.limit} | {usage.place} |"
    yield from ("", "Further tenants that fit:")
    yield from (f"- {text}" for text in _forecasts(plan))


def _summary(plan: Plan) -> str:
    if plan.refusals:
        kinds = dict.fromkeys(refusal.code.label for refusal in plan.refusals)
        return f"refused ({', '.join(kinds)})"
    changes = [change for stack in plan.stacks for change in stack.changes]
    return _counted(changes) if changes else "no change"


def _inline(text: str) -> str:
    """Text of which Markdown makes nothing: it is on one line, and no tag or emphasis."""
    flat = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_<>|#[]~" else c for c in flat)


def _headline(stack: StackChanges) -> str:
    if not stack.changes:
        return f"stack {stack.stack}: no change, {stack.unchanged} unchanged"
    new = ", never deployed" if stack.new else ""
    return f"stack {stack.stack}{new}: {_counted(stack.changes)}, {stack.unchanged} unchanged"


def _by_owner(stack: StackChanges, only: str) -> Iterator[tuple[str, list[Change]]]:
    owners = sorted({change.tenant for change in stack.changes})
    for owner in owners:
        if not only or owner in ("", only):
            yield owner, [change for change in stack.changes if change.tenant == owner]
    left = [change for change in stack.changes if only and change.tenant not in ("", only)]
    if left:
        yield "other tenants", left


def _counted(changes: Iterable[Change]) -> str:
    counts = Counter(change.op for change in changes)
    return ", ".join(f"{counts[op]} to {op}" for op in _MARKS if counts[op])


def _listed(changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    """The changes one by one, or where they are many, new ones by type."""
    few = len(changes) <= _LISTED
    for change in changes:
        if few or change.op != "create":
            because = f" ({', '.join(change.properties)})" if change.properties else ""
            yield f"{change.type} {change.name}{because}", change.op
    if not few:
        types = Counter(change.type for change in changes if change.op == "create")
        for type_, count in sorted(types.items()):
            yield f"{count} {type_}", "create"


def _verdict(verdict: Verdict) -> str:
    counts = verdict.counts
    return (
        f"{verdict.answer.value}: {_ANSWERS[verdict.answer]}"
        f" ({counts['tenants']} tenants, {counts['principals']} principals,"
        f" {counts['decisions']} decisions)"
    )


def _policies(plan: Plan) -> str:
    if not plan.policies:
        return "all rules hold"
    rules = Counter(fault.rule for fault in plan.policies)
    return "violated: " + ", ".join(f"{rule} ({count})" for rule, count in rules.items())


def _costs_told(plan: Plan) -> Iterator[str]:
    if not plan.currency:
        return  # a note says why
    yield f"{plan.currency} a month, today, then, and the change:"
    for owner, today, planned, change in _costs(plan):
        yield f"  {owner:<22}{today:>10}{planned:>10}{change:>10}"


def _costs(plan: Plan) -> Iterator[tuple[str, str, str, str]]:
    zero = Decimal(0)
    for cost in plan.costs:
        if cost.today or cost.planned:
            yield (cost.owner, *_money(cost.today, cost.planned))
    today = sum((cost.today for cost in plan.costs), zero)
    planned = sum((cost.planned for cost in plan.costs), zero)
    yield ("all", *_money(today, planned))


def _money(today: Decimal, planned: Decimal) -> tuple[str, str, str]:
    change = planned - today
    return f"{today:.2f}", f"{planned:.2f}", f"{change:+.2f}" if change else "0.00"


def _fullest(usages: Iterable[Usage]) -> list[Usage]:
    """The fullest place of each quota, as many as anybody reads, and all that are exceeded."""
    first: dict[tuple[str, str], Usage] = {}
    for usage in usages:  # the fullest come first
        first.setdefault((usage.name, usage.account), usage)
    return [
        usage for index, usage in enumerate(first.values()) if index < _FULLEST or usage.exceeded
    ]


def _forecasts(plan: Plan) -> Iterator[str]:
    for each in plan.forecasts:
        if each.further is None:
            yield f"{each.tier}: no such tenant is there to measure by"
        else:
            yield f"{each.tier}: {each.further} more until {each.first} run out ({each.place})"
