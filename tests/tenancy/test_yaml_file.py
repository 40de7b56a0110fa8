"""Reading YAML into plain data. What it refuses, test_tenant.py has in its table."""

import os
from pathlib import Path

import pytest

from tenancy.errors import InvalidInput
from tenancy.yaml_file import read_mapping, shown


def write(folder: Path, text: str) -> Path:
    path = folder / "x.yaml"
    path.write_text(text)
    return path


def test_anchors_and_aliases_are_resolved(tmp_path: Path) -> None:
    data = read_mapping(write(tmp_path, "a: &x [1, 2]\nb: *x\n"))
    assert data == {"a": [1, 2], "b": [1, 2]}


def test_a_byte_order_mark_is_nothing(tmp_path: Path) -> None:
    assert read_mapping(write(tmp_path, "\ufeffa: 1\n")) == {"a": 1}


def test_all_duplicate_keys_are_told_with_both_lines(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_mapping(write(tmp_path, "a: 1\nb:\n  c: 1\n  c: 2\na: 2\n"))
    assert [problem.rule for problem in caught.value.problems] == [
        "line 5: duplicate key `a`, first on line 1",
        "line 4: duplicate key `c`, first on line 3",
    ]


def test_aliases_that_multiply_cost_nothing(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert len(read_mapping(write(tmp_path, "\n".join(lines)))) == 30


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a: 1\n")
    path.chmod(0)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_mapping(path)


def test_a_file_is_shown_with_its_folder() -> None:
    assert shown(Path("/somewhere/tenants/acme.yaml")) == "tenants/acme.yaml"
    assert shown(Path("acme.yaml")) == "acme.yaml"
