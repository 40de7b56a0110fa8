"""`tenancy import` on the old design's own example, and on what it must refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from onboarding.import_tenants import Refused, import_file
from tenancy.classification import Classification
from tenancy.errors import InvalidInput
from tenancy.estate import load_estate
from tenancy.tenant import load_tenant
from tenancy.tiers import Tier
from tests.estates import ENVIRONMENT, FILES, write_estate
from tests.onboarding.test_add import project, tenancy

SEED = Path(__file__).with_name("data") / "tenant_config.yaml"
ACCOUNT = '  federal_dhs:\n    account_id: "555555555555"\n'


def old_file(folder: Path, text: str) -> Path:
    path = folder / "tenant_config.yaml"
    path.write_text(text, "utf-8")
    return path


def placed(folder: Path) -> Path:
    """The example, with an account for its hard tenant."""
    return old_file(folder, SEED.read_text("utf-8").replace("  federal_dhs:\n", ACCOUNT))


def test_the_example_becomes_two_files_that_say_the_same_and_keep_its_comments(
    tmp_path: Path,
) -> None:
    root = write_estate(tmp_path)
    result = import_file(root, placed(tmp_path), "prod", "a@b.example")
    assert result.files == ("tenants/colorado-state.yaml", "tenants/federal-dhs.yaml")
    colorado = load_tenant(root / result.files[0])
    assert colorado.isolation.tier is Tier.MEDIUM
    assert colorado.classification is Classification.INTERNAL
    assert colorado.audit.retention_days == 2555
    assert colorado.audit.siem
    assert colorado.database
    assert colorado.database.user == "colorado_user"
    assert colorado.api_access
    assert colorado.api_access.credentials == {"fema_api_key": "${COLORADO_FEMA_KEY}"}
    federal = load_tenant(root / result.files[1])
    assert federal.isolation.tier is Tier.HARD
    assert (federal.account_id, federal.region) == ("555555555555", "us-east-1")
    assert (federal.audit.realtime, federal.audit.incident_response) == (True, True)
    text = (root / result.files[0]).read_text("utf-8")
    assert re.search(r"^  retention_days: 2555 +# 7 years$", text, re.MULTILINE)
    assert '  allowed_states: ["CO"]\n' in text
    assert "\n\n" not in text
    load_estate(root)


def test_all_that_was_changed_is_told(tmp_path: Path) -> None:
    result = import_file(write_estate(tmp_path), placed(tmp_path), "prod")
    told = [str(moved) for moved in result.moved]
    for words in (
        "tenants.colorado_state: the id becomes colorado-state",
        "tenants.colorado_state.classification_level: is `classification` now",
        "tenants.colorado_state.audit_requirements.siem_integration: is `audit.siem` now",
        "tenants.colorado_state.api_access.fema_api_key: stays a reference",
        "tenants.federal_dhs.security_enhancements.network_isolation: is what `isolation: hard`",
        "tenants.federal_dhs: contact, which is required, is ops@example.com",
        "tenants.federal_dhs: region is the environment's, us-east-1",
    ):
        assert any(line.startswith(words) for line in told), (words, told)


def test_a_second_import_changes_nothing_and_an_edited_file_is_not_overwritten(
    tmp_path: Path,
) -> None:
    root = write_estate(tmp_path)
    first = import_file(root, placed(tmp_path), "prod")
    again = import_file(root, placed(tmp_path), "prod")
    assert (again.files, again.unchanged) == ((), first.files)
    edited = root / first.files[0]
    edited.write_text(edited.read_text("utf-8") + "# mine\n", "utf-8")
    with pytest.raises(Refused, match="there already"):
        import_file(root, placed(tmp_path), "prod")
    assert edited.read_text("utf-8").endswith("# mine\n")


@pytest.mark.parametrize(
    ("before", "after", "field", "words"),
    [
        ('"${DHS_FEMA_KEY}"', '"hunter2"', "api_access.fema_api_key", "must be a reference"),
        ('user: "dhs_user"', "password: hunter2", "database.password", "must be a reference"),
        ('"RESTRICTED"\n', '"CLASSIFIED"\n', "classification", "not among"),
        ("  federal_dhs:", "  colorado-state:", "", "would both be tenant colorado-state"),
        ("  federal_dhs:", "  admin:", "tenant", "is reserved"),
        ("noaa_scope", "noaa_scopes", "api_access.noaa_scopes", "not a known key"),
        ("realtime_monitoring: true", "siem: 3", "audit.siem", "must be true or false"),
    ],
)
def test_what_cannot_be_is_refused_where_it_stands_and_no_file_is_written(
    before: str, after: str, field: str, words: str, tmp_path: Path
) -> None:
    root = write_estate(tmp_path)
    files = sorted(root.rglob("*"))
    text = placed(tmp_path).read_text("utf-8")
    cut = text.index("  federal_dhs")
    assert before in text[cut:]
    changed = old_file(tmp_path, text[:cut] + text[cut:].replace(before, after, 1))
    with pytest.raises(Refused) as refused:
        import_file(root, changed, "prod")
    assert any(
        problem.field.split(".", 2)[2:] == ([field] if field else []) and words in problem.rule
        for problem in refused.value.problems
    ), refused.value
    assert "hunter2" not in str(refused.value)
    assert sorted(root.rglob("*")) == sorted({*files, changed})


def test_a_classification_above_the_environments_is_refused(tmp_path: Path) -> None:
    low = (
        ENVIRONMENT.format(name="prod", account="222222222222")
        + "    max_classification: INTERNAL\n"
    )
    root = write_estate(tmp_path, {"Pulumi.prod.yaml": low})
    with pytest.raises(Refused, match="RESTRICTED is above what environment prod is authorised"):
        import_file(root, placed(tmp_path), "prod")
    assert not (root / "tenants" / "colorado-state.yaml").exists()


@pytest.mark.parametrize("text", ["tenants: []\n", "tenants: {}\n", "a: 1\n", "tenants: {a: }\n"])
def test_a_file_of_another_kind_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="must be a mapping"):
        import_file(write_estate(tmp_path), old_file(tmp_path, text), "prod")


def test_the_command_tells_both_what_moved_and_what_is_refused(tmp_path: Path) -> None:
    root = project(tmp_path)
    old = placed(tmp_path)
    done = tenancy(root, "import", old.name, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"][0] == "tenants/colorado-state.yaml"
    (root / "tenants" / "federal-dhs.yaml").write_text(FILES["tenants/acme.yaml"], "utf-8")
    refused = tenancy(root, "import", old.name)
    assert refused.returncode == 2
    assert "siem_integration: is `audit.siem` now" in refused.stdout
    assert "remedy: " in refused.stderr
    missing = tenancy(root, "import", "nothing.yaml")
    assert missing.returncode == 2
    assert "no such file" in missing.stderr
