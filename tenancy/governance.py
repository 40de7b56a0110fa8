"""Table templates, and which of their columns are restricted for a tenant.

Whoever may read a data file reads every column in it, so restricted columns live in a table and
files of their own, joined to the public ones by the template's key.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from tenancy.errors import InvalidInput, Problem, Refusal, suggestion
from tenancy.model import Model, check_file_name, safe
from tenancy.yaml_file import read_mapping, shown

AccessLevel = Literal["public", "restricted"]
Overrides = Mapping[str, Mapping[str, AccessLevel]]
"""Template -> column -> access level."""

RESTRICTED_SUFFIX = "__restricted"
"""What the name of a restricted part ends with; ``__`` is in no template name."""

# Iceberg specification, "Primitive types" -> Hive types, as Iceberg's Glue catalog registers them
# (org.apache.iceberg.aws.glue.IcebergToGlueConverter).
_GLUE_TYPES: Mapping[str, str] = {
    "boolean": "boolean",
    "int": "int",
    "long": "bigint",
    "float": "float",
    "double": "double",
    "date": "date",
    "time": "string",
    "timestamp": "timestamp",
    "timestamptz": "timestamp",
    "string": "string",
    "uuid": "string",
    "binary": "binary",
}
_DECIMAL = re.compile(r"decimal\(([1-9][0-9]?),\s*([0-9][0-9]?)\)")
_DECIMAL_DIGITS = 38
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_TEMPLATE_NAME_LIMIT = 40
_COLUMN_NAME_LIMIT = 255  # AWS Glue API, Column: a name has at most 255 characters
# Iceberg specification, "Partition transforms".
_TRANSFORM = re.compile(r"identity|year|month|day|hour|(?:bucket|truncate)\[[1-9][0-9]{0,5}\]")


def _template_name(given: str) -> str:
    if _NAME.fullmatch(given) and len(given) <= _TEMPLATE_NAME_LIMIT:
        return given
    raise Refusal(
        f"`{safe(given)}` is not a template name: at most {_TEMPLATE_NAME_LIMIT} lower-case "
        "letters, digits and single underscores, starting with a letter",
        "write e.g. `event_stream`",
    )


def _column_name(given: str) -> str:
    if _NAME.fullmatch(given) and len(given) <= _COLUMN_NAME_LIMIT:
        return given
    raise Refusal(
        f"`{safe(given)}` is not a column name: lower-case letters, digits and single "
        "underscores, starting with a letter",
        "write e.g. `event_id`",
    )


def _type(given: str) -> str:
    decimal = _DECIMAL.fullmatch(given)
    if decimal is None and given not in _GLUE_TYPES:
        known = [*_GLUE_TYPES, "decimal(10,2)"]
        raise Refusal(f"`{safe(given)}` is not an Iceberg type", suggestion(given, known))
    if decimal and not int(decimal[2]) <= int(decimal[1]) <= _DECIMAL_DIGITS:
        raise Refusal(
            f"a decimal(p,s) has p at most {_DECIMAL_DIGITS} digits, s of them after the point",
            "write e.g. `decimal(18,2)`",
        )
    return given.replace(" ", "")


def _transform(given: str) -> str:
    if _TRANSFORM.fullmatch(given):
        return given
    known = ["identity", "year", "month", "day", "hour", "bucket[16]", "truncate[4]"]
    raise Refusal(f"`{safe(given)}` is not a partition transform", suggestion(given, known))


class Column(Model):
    """A column of a template."""

    name: Annotated[str, AfterValidator(_column_name)] = Field(description="name of the column")
    type: Annotated[str, AfterValidator(_type)] = Field(description="Iceberg primitive type")
    access_level: AccessLevel = Field(
        default="public", description="who may read it, unless overridden"
    )
    description: str = Field(default="", max_length=255, description="what it holds, with its unit")

    @property
    def glue_type(self) -> str:
        """The column's type as Glue (Hive) names it."""
        return _GLUE_TYPES.get(self.type, self.type)


class Partition(Model):
    """How rows are laid out in files."""

    column: str = Field(description="name of a public column")
    transform: Annotated[str, AfterValidator(_transform)] = Field(
        default="identity", description="identity, year, month, day, hour, bucket[n] or truncate[n]"
    )


class TableTemplate(Model):
    """A table that every tenant gets, as ``table-templates/<name>.yaml`` describes it."""

    name: Annotated[str, AfterValidator(_template_name)] = Field(description="name of the table")
    description: str = Field(min_length=1, max_length=1000, description="what a row is")
    columns: tuple[Column, ...] = Field(min_length=1, description="its columns")
    key: str = Field(description="the public column that identifies a row")
    partition_by: tuple[Partition, ...] = Field(default=(), description="layout of the files")

    @field_validator("name")
    @classmethod
    def _is_the_files(cls, name: str, info: ValidationInfo) -> str:
        return check_file_name(name, info, "{}.yaml")

    @field_validator("columns")
    @classmethod
    def _distinct(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        seen: set[str] = set()
        for place, column in enumerate(columns):
            if column.name in seen:
                raise Refusal(
                    f"a second column is called `{column.name}`",
                    "rename or remove one",
                    field=(place, "name"),
                )
            seen.add(column.name)
        return columns

    @field_validator("key")
    @classmethod
    def _identifies(cls, key: str, info: ValidationInfo) -> str:
        columns: tuple[Column, ...] | None = info.data.get("columns")
        if columns is not None:
            _require_public(key, columns, "the key joins the public and the restricted part")
        return key

    @field_validator("partition_by")
    @classmethod
    def _in_paths(
        cls, partitions: tuple[Partition, ...], info: ValidationInfo
    ) -> tuple[Partition, ...]:
        columns: tuple[Column, ...] | None = info.data.get("columns")
        for place, partition in enumerate(partitions if columns else ()):
            reason = "its values stand in the names of files, which readers list"
            _require_public(partition.column, columns or (), reason, (place, "column"))
        return partitions


def _require_public(
    name: str, columns: tuple[Column, ...], reason: str, field: tuple[str | int, ...] = ()
) -> None:
    levels = {column.name: column.access_level for column in columns}
    if name not in levels:
        raise Refusal(f"there is no column `{safe(name)}`", suggestion(name, levels), field=field)
    if levels[name] == "restricted":
        raise Refusal(
            f"`{name}` is restricted, and must be public: {reason}",
            "choose a public column, or a surrogate that tells nothing",
            field=field,
        )


@dataclass(frozen=True)
class GovernedTable:
    """A table of one tenant: the public part of a template, or its restricted part.

    ``name`` is the template's, with ``__restricted`` for the restricted part.
    """

    template: str
    name: str
    columns: tuple[Column, ...]
    restricted: bool
    description: str
    partition_by: tuple[Partition, ...]


def load_templates(folder: Path) -> dict[str, TableTemplate]:
    """The templates of ``folder``, by name.

    Raises:
        InvalidInput: with all that is wrong with any of the files.
    """
    templates: dict[str, TableTemplate] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yaml")):
        where = shown(path)
        try:
            data = read_mapping(path, where)
            template = TableTemplate.parse({"name": path.stem, **data}, where, path.name)
        except InvalidInput as invalid:
            problems += invalid.problems
        else:
            templates[template.name] = template
    if problems:
        raise InvalidInput(problems)
    return templates


def govern(
    templates: Mapping[str, TableTemplate], overrides: Overrides, where: str
) -> tuple[GovernedTable, ...]:
    """The tables of a tenant: every template with the tenant's overrides, split in two parts.

    ``where`` is the tenant's file, for messages.

    Raises:
        InvalidInput: an override names no template or column, or restricts a key or a
            partition column.
    """
    problems = list(_override_problems(templates, overrides, where))
    if problems:
        raise InvalidInput(problems)
    return tuple(
        table
        for template in templates.values()
        for table in _split(template, overrides.get(template.name, {}))
    )


def _override_problems(
    templates: Mapping[str, TableTemplate], overrides: Overrides, where: str
) -> Iterator[Problem]:
    for table, levels in overrides.items():
        field = f"access_overrides.{safe(table)}"
        if table not in templates:
            rule = f"there is no table template `{safe(table)}`"
            yield Problem(where, field, rule, suggestion(table, templates))
            continue
        template = templates[table]
        columns = [column.name for column in template.columns]
        partitions = {partition.column for partition in template.partition_by}
        for column, level in levels.items():
            rule, remedy = "", f"leave `{safe(column)}` public, or change the template"
            if column not in columns:
                rule = f"template `{table}` has no column `{safe(column)}`"
                remedy = suggestion(column, columns)
            elif level == "restricted" and column == template.key:
                rule = "the key stays public: it joins the public and the restricted part"
            elif level == "restricted" and column in partitions:
                rule = "a partition column stays public: its values stand in the names of files"
            if rule:
                yield Problem(where, f"{field}.{safe(column)}", rule, remedy)


def _split(template: TableTemplate, levels: Mapping[str, AccessLevel]) -> Iterator[GovernedTable]:
    columns = [
        column.model_copy(update={"access_level": levels.get(column.name, column.access_level)})
        for column in template.columns
    ]
    key = [column for column in columns if column.name == template.key]
    hidden = [column for column in columns if column.access_level == "restricted"]
    open_ = [column for column in columns if column not in hidden and column not in key]
    yield GovernedTable(
        template=template.name,
        name=template.name,
        columns=(*key, *open_),
        restricted=False,
        description=template.description,
        partition_by=template.partition_by,
    )
    if hidden:
        yield GovernedTable(
            template=template.name,
            name=template.name + RESTRICTED_SUFFIX,
            columns=(*key, *hidden),
            restricted=True,
            description=f"Restricted columns of {template.name}, joined by {template.key}",
            # Only the key of the partition columns is here.
            partition_by=tuple(p for p in template.partition_by if p.column == template.key),
        )
