"""Where a field stands in a file."""

from pathlib import Path

import pytest

from tenancy.yaml_lines import line_of

TEXT = """\
# a tenant
tenant: acme
access:
  reader:
    - aws: one
    - aws: two
      external_id: x
"""
ENVIRONMENT = """\
config:
  tenancy:environment:
    name: prod
    network: {platform: here}
"""


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("", 1),
        ("tenant", 2),
        ("access.reader", 4),
        ("access.reader[1]", 6),
        ("access.reader[1].external_id", 7),
        ("access.reader[9].aws", 4),
        ("access.writer", 3),
        ("nothing", 1),
    ],
)
def test_a_field_stands_where_its_key_does_or_what_it_would_be_in(
    tmp_path: Path, field: str, line: int
) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(TEXT, "utf-8")
    assert line_of(file, field) == line


def test_the_fields_of_an_environment_lie_below_its_settings(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(ENVIRONMENT, "utf-8")
    assert line_of(file, "") == 2
    assert line_of(file, "name") == 3
    assert line_of(file, "network.platform") == 4
    assert line_of(file, "config.tenancy:environment") == 2


def test_what_is_no_yaml_is_told_at_the_line_where_it_stops_being_so(tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text("tenant: acme\nb: [\nc: @\n", "utf-8")
    assert line_of(file, "tenant") == 3
    assert line_of(tmp_path / "missing.yaml", "tenant") == 1
    file.write_bytes(b"\xff\xfe\x00")
    assert line_of(file, "") == 1
