"""Templates, overrides, and the split of restricted columns."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.errors import InvalidInput
from tenancy.governance import AccessLevel, Column, TableTemplate, govern, load_templates
from tenancy.tenant import load_tenant

ROOT = Path(__file__).parents[2]
TEMPLATES = load_templates(ROOT / "table-templates")
EVENTS: dict[str, Any] = {
    "name": "events",
    "description": "events",
    "key": "id",
    "columns": [
        {"name": "kind", "type": "string"},
        {"name": "id", "type": "uuid"},
        {"name": "day", "type": "date"},
        {"name": "phone", "type": "string", "access_level": "restricted"},
    ],
    "partition_by": [{"column": "day", "transform": "month"}],
}


def names(overrides: dict[str, dict[str, AccessLevel]]) -> dict[str, list[str]]:
    template = TableTemplate.parse(EVENTS, "table-templates/events.yaml")
    tables = govern({"events": template}, overrides, "tenants/acme.yaml")
    return {table.name: [column.name for column in table.columns] for table in tables}


def test_restricted_columns_get_a_table_of_their_own_joined_by_the_key() -> None:
    assert names({}) == {"events": ["id", "kind", "day"], "events__restricted": ["id", "phone"]}


def test_an_override_restricts_a_column() -> None:
    split = names({"events": {"kind": "restricted"}})
    assert split == {"events": ["id", "day"], "events__restricted": ["id", "kind", "phone"]}


def test_an_override_opens_a_column_and_an_empty_part_is_not_made() -> None:
    assert names({"events": {"phone": "public"}}) == {"events": ["id", "kind", "day", "phone"]}


def test_acme_considers_phone_personal_and_others_do_not() -> None:
    def restricted(tenant: str) -> set[str]:
        overrides = load_tenant(ROOT / f"tenants/{tenant}.yaml").access_overrides
        tables = govern(TEMPLATES, overrides, "")
        return {c.name for t in tables if t.name == "event_stream__restricted" for c in t.columns}

    assert restricted("acme") - restricted("globex") == {"phone"}


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"name": "a__b"}, "name", "single underscores"),
        ({"name": "a" * 41}, "name", "at most 40"),
        ({"key": "idd"}, "key", "no column `idd`"),
        ({"key": "phone"}, "key", "must be public"),
        ({"partition_by": [{"column": "phone"}]}, "partition_by[0].column", "names of files"),
        ({"partition_by": [{"column": "dya"}]}, "partition_by[0].column", "no column"),
        ({"partition_by": [{"column": "day", "transform": "weekly"}]},
         "partition_by[0].transform", "not a partition transform"),
        ({"columns": []}, "columns", "at least 1"),
        ({"columns": [*EVENTS["columns"], {"name": "id", "type": "int"}]},
         "columns[4].name", "second column"),
        ({"columns": [*EVENTS["columns"], {"name": "x", "type": "strng"}]},
         "columns[4].type", "not an Iceberg type"),
        ({"columns": [*EVENTS["columns"], {"name": "x", "type": "decimal(40,2)"}]},
         "columns[4].type", "at most 38"),
        ({"columns": [*EVENTS["columns"], {"name": "x", "type": "int", "access_level": "pii"}]},
         "columns[4].access_level", "known words"),
    ],
)  # fmt: skip
def test_a_bad_template_is_refused(change: dict[str, Any], field: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        TableTemplate.parse(EVENTS | change, "table-templates/events.yaml")
    (problem,) = caught.value.problems
    assert problem.field == field
    assert rule in problem.rule


@pytest.mark.parametrize(
    ("overrides", "field", "remedy"),
    [
        ({"evnts": {"kind": "restricted"}}, "access_overrides.evnts", "`events`?"),
        ({"events": {"knd": "public"}}, "access_overrides.events.knd", "`kind`?"),
        ({"events": {"id": "restricted"}}, "access_overrides.events.id", "public"),
        ({"events": {"day": "restricted"}}, "access_overrides.events.day", "public"),
    ],
)
def test_a_bad_override_is_refused(
    overrides: dict[str, dict[str, AccessLevel]], field: str, remedy: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        names(overrides)
    (problem,) = caught.value.problems
    assert (problem.where, problem.field) == ("tenants/acme.yaml", field)
    assert remedy in problem.remedy


def test_all_bad_templates_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "name: b\ndescription: d\nkey: k\ncolumns: [{name: k, type: int}]"
    )
    (tmp_path / "c.yaml").write_text("")
    with pytest.raises(InvalidInput) as caught:
        load_templates(tmp_path)
    assert [problem.rule for problem in caught.value.problems] == [
        "the name is `b` and the file is called a.yaml",
        "is empty",
    ]


@pytest.mark.parametrize(
    ("iceberg", "glue"),
    [("long", "bigint"), ("timestamptz", "timestamp"), ("uuid", "string"),
     ("decimal(18, 2)", "decimal(18,2)"), ("binary", "binary")],
)  # fmt: skip
def test_types_are_registered_in_glue_as_iceberg_does(iceberg: str, glue: str) -> None:
    assert Column.model_validate({"name": "x", "type": iceberg}).glue_type == glue


@given(st.data())
def test_every_column_is_in_exactly_one_part_and_the_key_in_both(data: st.DataObject) -> None:
    overrides: dict[str, dict[str, AccessLevel]] = {}
    for template in TEMPLATES.values():
        fixed = {template.key, *(partition.column for partition in template.partition_by)}
        free = [column.name for column in template.columns if column.name not in fixed]
        levels: st.SearchStrategy[AccessLevel] = st.sampled_from(("public", "restricted"))
        overrides[template.name] = data.draw(st.dictionaries(st.sampled_from(free), levels))
    tables = govern(TEMPLATES, overrides, "tenants/acme.yaml")
    for template in TEMPLATES.values():
        parts = [table for table in tables if table.template == template.name]
        for part in parts:
            assert part.columns[0].name == template.key
            for column in part.columns[1:]:
                level = overrides[template.name].get(column.name)
                assert level in (None, "restricted" if part.restricted else "public")
        rest = [column.name for part in parts for column in part.columns[1:]]
        assert sorted([*rest, template.key]) == sorted(c.name for c in template.columns)
