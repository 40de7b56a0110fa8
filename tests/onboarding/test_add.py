"""`tenancy add`: what it writes is valid, examples included, and nothing is overwritten."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onboarding.add import NewTenant, add, text_of
from onboarding.tenant_files import write_new
from tenancy.environment import load_environment
from tenancy.errors import InvalidInput
from tenancy.estate import load_estate
from tenancy.tenant import Tenant, load_tenant
from tenancy.tiers import Tier
from tenancy.yaml_file import read_mapping
from tests.estates import write_estate

ROOT = Path(__file__).parents[2]
ACCOUNT = "555555555555"
PLACE = {"account_id": ACCOUNT, "region": "us-east-1"}


def tenancy(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onboarding.cli", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def project(folder: Path) -> Path:
    (folder / "Pulumi.yaml").write_text("name: tenancy\n", "utf-8")
    return write_estate(folder)


@pytest.mark.parametrize("tier", Tier)
def test_a_written_file_is_accepted_and_so_are_its_examples(tier: Tier, tmp_path: Path) -> None:
    root = project(tmp_path)
    path = add(root, NewTenant("umbrella", tier, **(PLACE if tier is Tier.HARD else {})))
    assert "umbrella" in {id_ for plan in load_estate(root).stacks for id_ in plan.tenant_ids}
    tenant = load_tenant(path)
    assert tenant.isolation.tier is tier
    assert tenant.contact == "ops@example.com"
    examples = re.sub(r"^#  ", "", path.read_text("utf-8"), flags=re.MULTILINE)
    path.write_text(examples, "utf-8")
    told = load_tenant(path)
    assert told.audit.siem
    assert told.access.writer
    assert told.api_access
    assert told.data_restrictions.allowed_states == ("CO",)
    load_estate(root)


def test_only_a_hard_tenant_has_an_account_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="lives in its environment's account"):
        add(project(tmp_path), NewTenant("umbrella", Tier.SOFT, account_id=ACCOUNT))
    assert not (tmp_path / "tenants" / "umbrella.yaml").exists()


@pytest.mark.parametrize(
    ("id_", "words"),
    [
        ("admin", "is reserved"),
        ("um_brella", "write `um-brella`"),
        ("../acme", "characters that names cannot hold"),
        ("acme", "there already"),
    ],
)
def test_a_bad_id_or_one_that_is_taken_is_refused_and_nothing_changes(
    id_: str, words: str, tmp_path: Path
) -> None:
    root = project(tmp_path)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with pytest.raises(InvalidInput, match=words):
        add(root, NewTenant(id_, Tier.SOFT))
    assert before == {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_rule_between_files_is_asked_before_anything_is_written(tmp_path: Path) -> None:
    taken = NewTenant("umbrella", Tier.HARD, account_id="444444444444", region="us-west-2")
    with pytest.raises(InvalidInput, match="already that of tenant initech"):
        add(project(tmp_path), taken)
    assert not (tmp_path / "tenants" / "umbrella.yaml").exists()


def test_of_two_files_that_appear_at_once_neither_is_lost(tmp_path: Path) -> None:
    root = project(tmp_path)
    good = load_environment(root / "Pulumi.prod.yaml")
    assert good
    texts = {id_: text_of(NewTenant(id_, Tier.SOFT), good) for id_ in ("umbrella", "wayne")}
    theirs = root / "tenants" / "wayne.yaml"
    theirs.write_text("theirs\n", "utf-8")
    with pytest.raises(InvalidInput, match="there already"):
        write_new(root, texts)
    assert theirs.read_text("utf-8") == "theirs\n"
    assert sorted(path.name for path in theirs.parent.glob("*")) == [
        "acme.yaml",
        "globex.yaml",
        "initech.yaml",
        "wayne.yaml",
    ]


@example(name="@")
@example(name="a: b # c")
@example(name="'\u2028\"")
@given(name=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=40))
def test_any_name_of_an_organization_comes_back_as_it_was(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = ROOT / "Pulumi.prod.yaml"
    environment = load_environment(root)
    assert environment
    new = NewTenant("umbrella", Tier.SOFT, organization=name)
    path = tmp_path_factory.mktemp("one") / "umbrella.yaml"
    path.write_text(text_of(new, environment), "utf-8")
    tenant = Tenant.parse(read_mapping(path), "umbrella.yaml")
    assert tenant.organization == name


def test_the_command_writes_says_so_and_refuses_to_do_it_twice(tmp_path: Path) -> None:
    root = project(tmp_path)
    done = tenancy(root, "add", "umbrella", "--tier", "medium", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "tenant": "umbrella",
        "tier": "medium",
        "file": "tenants/umbrella.yaml",
    }
    again = tenancy(root, "add", "umbrella", "--tier", "medium")
    assert again.returncode == 2
    assert "remedy: " in again.stderr
    assert "Traceback" not in again.stderr


@pytest.mark.parametrize("arguments", [(), ("--tier", "mediun")])
def test_without_a_terminal_the_tier_must_be_given_and_known(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = tenancy(project(tmp_path), "add", "umbrella", *arguments)
    assert done.returncode == 2
    assert "medium" in done.stderr
    assert not (tmp_path / "tenants" / "umbrella.yaml").exists()
