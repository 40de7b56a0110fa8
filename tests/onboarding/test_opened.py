"""What the embedded cloud is opened for."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from localcloud.errors import LocalCloudError
from localcloud.paths import Layout
from onboarding.opened import Opened
from onboarding.scope import scope_of
from tenancy.estate import load_estate
from tests.estates import FILES, write_estate
from tests.partitions import GOVCLOUD


def test_the_embedded_cloud_is_not_started_for_a_region_that_it_does_not_have(
    tmp_path: Path,
) -> None:
    prod = GOVCLOUD.moved(FILES["Pulumi.prod.yaml"] or "") + "    embedded: true\n"
    root = write_estate(tmp_path, {"Pulumi.prod.yaml": prod, "tenants/initech.yaml": None})
    scope = scope_of(load_estate(root), "prod")
    found = Opened(root, scope, Mock(), Layout(root), Mock())
    with pytest.raises(LocalCloudError, match="us-gov-west-1 is in aws-us-gov"):
        found.start_cloud()
    assert not (root / ".local").exists()
