"""The registry on this machine: whole entries of the tenants that there are, and no others."""

import json
from pathlib import Path

from onboarding import local_registry
from tenancy.estate import load_estate
from tests.estates import write_estate


def test_entries_are_those_of_the_tenants_and_change_with_them(tmp_path: Path) -> None:
    tenants = load_estate(write_estate(tmp_path / "estate")).stack("prod").served
    folder = tmp_path / "registry"
    assert local_registry.write(folder, tenants)
    acme = json.loads((folder / "acme.json").read_text())
    assert acme.keys() == {"audit", "catalog", "runs"}
    before = {file.name: file.stat() for file in folder.iterdir()}
    assert before.keys() == {f"{each.id}.json" for each in tenants}
    assert not local_registry.write(folder, tenants)
    assert {file.name: file.stat() for file in folder.iterdir()} == before
    (folder / "acme.json").write_text("{")
    assert local_registry.write(folder, [each for each in tenants if each.id == "acme"])
    (left,) = folder.iterdir()
    assert json.loads(left.read_text()) == acme
    assert local_registry.write(folder, [])
    assert not [*folder.iterdir()]
