"""The grammar of tenant ids is what keeps names of two tenants apart."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.errors import Refusal
from tenancy.ids import FORBIDDEN_PARTS, LONGEST, RESERVED, SHORTEST, TENANT_ID, check_tenant_id

IDS = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,5}){0,3}", fullmatch=True).filter(
    lambda i: (
        SHORTEST <= len(i) <= LONGEST
        and i not in RESERVED
        and not i.startswith("goog")
        and not any(part in i for part in FORBIDDEN_PARTS)
    )
)


@pytest.mark.parametrize("tenant", ["acme", "colorado-state", "federal-dhs", "a1b", "a" * LONGEST])
def test_ids_of_the_grammar_are_accepted(tenant: str) -> None:
    assert check_tenant_id(tenant) == tenant


@pytest.mark.parametrize(
    ("tenant", "rule", "remedy"),
    [
        ("", "is empty", "choose an id"),
        ("Acme", "upper-case", "write `acme`"),
        ("colorado_state", "underscore", "write `colorado-state`"),
        ("a--b", "two hyphens", "write `a-b`"),
        ("1acme", "starts with a digit", "choose an id"),
        ("-acme", "starts or ends with a hyphen", "write `acme`"),
        ("acme-", "starts or ends with a hyphen", "write `acme`"),
        ("ab", "2 characters long", "choose an id"),
        ("a" * 21, "21 characters long", "choose an id"),
        ("acme*", "wildcard", "choose an id"),
        ("?cme", "wildcard", "choose an id"),
        ("${aws:username}", "policy variable", "choose an id"),
        ("platform", "reserved", "choose an id"),
        ("s3alias", "reserved", "choose an id"),
        ("acme/x", "characters", "write `acme-x`"),
        ("acme\n", "characters", "write `acme`"),
        ("аcme", "characters", "choose an id"),  # noqa: RUF001 - a Cyrillic letter, on purpose
        ("my-google", "reserves", "choose an id"),
    ],
)
def test_other_ids_are_refused_with_the_nearest_good_one(
    tenant: str, rule: str, remedy: str
) -> None:
    with pytest.raises(Refusal) as caught:
        check_tenant_id(tenant)
    assert rule in str(caught.value)
    assert remedy in caught.value.remedy


@given(IDS)
def test_every_id_of_the_grammar_is_accepted(tenant: str) -> None:
    assert check_tenant_id(tenant) == tenant


@given(st.text(max_size=30))
def test_what_is_accepted_has_no_delimiter_and_no_pattern(text: str) -> None:
    try:
        tenant = check_tenant_id(text)
    except ValueError:
        return
    assert tenant == text
    assert re.fullmatch(r"[a-z0-9-]{3,20}", tenant)
    assert "--" not in tenant


@given(st.text(max_size=30))
def test_a_proposed_id_is_itself_good(text: str) -> None:
    try:
        check_tenant_id(text)
    except Refusal as refusal:
        proposed = re.fullmatch(r"write `(.*)`", refusal.remedy)
        if proposed:
            assert check_tenant_id(proposed[1])


def test_words_that_are_reserved_are_of_the_grammar_or_need_not_be_listed() -> None:
    for word in RESERVED:
        assert TENANT_ID.fullmatch(word), word
