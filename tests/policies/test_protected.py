import pytest

from policies.protected import RULE
from tests.policies.things import found, thing


@pytest.mark.parametrize(
    "kind",
    [
        "aws:s3/bucket:Bucket",
        "aws:rds/instance:Instance",
        "aws:kms/key:Key",
        "aws:secretsmanager/secret:Secret",
    ],
)
def test_what_holds_data_and_can_be_deleted_is_told(kind: str) -> None:
    assert [name for name, _ in found(RULE, thing(kind))] == ["thing"]
    assert found(RULE, thing(kind, protect=True)) == []


def test_what_holds_none_passes() -> None:
    assert found(RULE, thing("aws:iam/role:Role")) == []
