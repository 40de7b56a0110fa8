"""A file holds references to secrets, and what is no reference is refused unseen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.errors import Refusal
from tenancy.references import check_config_ref, check_key_ref, check_secret_ref, config_name

CHECKS = (check_secret_ref, check_key_ref, check_config_ref)


@pytest.mark.parametrize(
    "reference", ["${COLORADO_FEMA_KEY}", "secretsmanager:acme/fema", "ssm:/acme/fema/api_key"]
)
def test_references_to_secrets_are_accepted(reference: str) -> None:
    assert check_secret_ref(reference) == reference
    assert check_key_ref(reference) == reference


@pytest.mark.parametrize("reference", ["alias/acme", "colorado_key_ref", "dhs-key-ref"])
def test_references_to_keys_are_accepted_for_keys_only(reference: str) -> None:
    assert check_key_ref(reference) == reference
    with pytest.raises(Refusal):
        check_secret_ref(reference)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "${}",
        "${A}b",
        "x${A}",
        "${A}\n",
        "$A",
        "ssm:acme",
        "ssm:/",
        "secretsmanager:",
        "hunter2",
    ],
)
def test_anything_else_is_refused(given: str) -> None:
    for check in CHECKS:
        with pytest.raises(Refusal):
            check(given)


def test_aws_managed_keys_are_nobodys_own() -> None:
    with pytest.raises(Refusal):
        check_key_ref("alias/aws/s3")


def test_an_external_id_is_named() -> None:
    assert config_name(check_config_ref("config:acme")) == "acme"


@given(st.text(alphabet="QZ#^&", min_size=4))
def test_no_refusal_repeats_what_was_given(secret: str) -> None:
    for check in CHECKS:
        with pytest.raises(Refusal) as caught:
            check(secret)
        assert secret not in f"{caught.value.rule}{caught.value.remedy}{caught.value!r}"
