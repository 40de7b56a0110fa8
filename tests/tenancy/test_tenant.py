"""A tenant file is read whole, and what is wrong with it is said in one reading."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tenancy.classification import Classification
from tenancy.errors import InvalidInput, Problem
from tenancy.governance import govern, load_templates
from tenancy.tenant import AwsPrincipal, OidcSubject, Tenant, load_tenant
from tenancy.tiers import Layer, Tier

ROOT = Path(__file__).parents[2]
GOOD = "tenant: acme\ncontact: ops@acme.example\n"
SECRET = "hunter2-S3cr3t"
ARN = "arn:aws:iam::123456789012:role/analysts"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def to_file(text: str | bytes, name: str = "acme.yaml") -> Path:
        folder = tmp_path / "tenants"
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return to_file


def problems_of(path: Path) -> Sequence[Problem]:
    """What the reading of one tenant file, with its overrides, refuses."""
    templates = load_templates(ROOT / "table-templates")

    def read() -> None:
        govern(templates, load_tenant(path).access_overrides, "tenants/acme.yaml")

    with pytest.raises(InvalidInput) as caught:
        read()
    return caught.value.problems


class Bad(NamedTuple):
    """A bad file: where the one problem is, and words that its rule and remedy must hold."""

    kind: str
    text: str | bytes
    field: str
    rule: str
    remedy: str


BAD = [
    # --- not YAML, or not a mapping
    Bad("syntax error", GOOD + "audit: {siem: true\n", "", "line 4", "bracket"),
    Bad("two colons in a line", GOOD + "organization: Acme: the firm\n", "", "line 3", "quotes"),
    Bad("a key without colon", GOOD + "organization\n", "", "line 4", "key: value"),
    Bad("tab", GOOD + "audit:\n\tsiem: true\n", "", "line 4", "never tabs"),
    Bad("duplicate key", GOOD + "tenant: acme\n", "", "line 3: duplicate key `tenant`", "keep one"),
    Bad(
        "nested duplicate key", GOOD + "audit:\n  siem: true\n  siem: false\n", "", "line 5", "one"
    ),
    Bad("key read as true", GOOD + "on: 1\n", "", "line 3: a key must be text", "quotes"),
    Bad("merge key", GOOD + "audit: &a {}\ndatabase: {<<: *a}\n", "", "merge keys", "write the"),
    Bad("alias without anchor", GOOD + f"organization: *{SECRET}\n", "", "line 3", "quotes"),
    Bad("python tag", GOOD + "organization: !!python/name:os.system\n", "", "line 3", "plain"),
    Bad("impossible date", GOOD + "organization: 2024-13-45\n", "", "line 3", "quotes"),
    Bad("two documents", GOOD + "---\n" + GOOD, "", "second document", "one document"),
    Bad("not a mapping", "- acme\n- globex\n", "", "must be a mapping", "tenant: <id>"),
    Bad("only text", "acme\n", "", "must be a mapping", "tenant: <id>"),
    Bad("empty file", "", "", "is empty", "required keys"),
    Bad("only a comment", "# later\n", "", "is empty", "required keys"),
    Bad("not UTF-8", GOOD.encode() + b"organization: Soci\xe9t\xe9\n", "", "line 3", "as UTF-8"),
    Bad("control character", GOOD + "organization: a\x07b\n", "", "line 3", "remove it"),
    Bad("deep nesting", "tenant: " + "[" * 5000, "", "nested too deeply", "schema"),
    Bad("too large", "#" * 300_000, "", "larger than 256 KiB", "shorten"),
    Bad("escape past Unicode", 'tenant: "\\UFFFFFFFF"\n', "", "escape", "mend"),
    # --- keys
    Bad("unknown key", GOOD + "isolaton: soft\n", "isolaton", "not a known key", "`isolation`?"),
    Bad(
        "key of the old configuration",
        GOOD + "classification_level: PUBLIC\n",
        "classification_level",
        "not a known key",
        "did you mean `classification`?",
    ),
    Bad(
        "unknown key like no other",
        GOOD + "zzz: 1\n",
        "zzz",
        "not a known key",
        "known here: access, access_overrides, account_id",
    ),
    Bad(
        "unknown nested key",
        GOOD + "audit: {retention_day: 5}\n",
        "audit.retention_day",
        "not a known key",
        "did you mean `retention_days`?",
    ),
    Bad(
        "unknown key in a list",
        GOOD + f"access: {{reader: [{{aws: '{ARN}', externalid: x}}]}}\n",
        "access.reader[0].externalid",
        "not a known key",
        "did you mean `external_id`?",
    ),
    Bad(
        "unknown key below a union",
        GOOD + "access: {reader: [{oidc: {subject: s, audiance: x}}]}\n",
        "access.reader[0].oidc.audiance",
        "not a known key",
        "did you mean `audience`?",
    ),
    Bad("missing tenant", "contact: ops@acme.example\n", "tenant", "is required", "add `tenant: "),
    Bad("missing contact", "tenant: acme\n", "contact", "is required", "e-mail address"),
    Bad("key without value", GOOD + "isolation:\n", "isolation", "without a value", "remove"),
    # --- ids
    Bad("upper case id", "tenant: Acme\ncontact: a@b.co\n", "tenant", "upper-case", "`acme`"),
    Bad("id not the file's", "tenant: globex\ncontact: a@b.co\n", "tenant", "acme.yaml", "acme"),
    Bad("id is a number", "tenant: 12345\ncontact: a@b.co\n", "tenant", "must be text", "quotes"),
    # --- simple values
    Bad("contact", "tenant: acme\ncontact: nobody\n", "contact", "e-mail", "ops@example.com"),
    Bad("environment", GOOD + "environment: Prod\n", "environment", "2 to 12", "`prod`"),
    Bad("gcp", GOOD + "cloud: gcp\n", "cloud", "no components for gcp yet", "`cloud: aws`"),
    Bad("cloud", GOOD + "cloud: azure\n", "cloud", "known words", "aws, gcp"),
    Bad("text for a list", GOOD + "access: {reader: me}\n", "access.reader", "a list", "- item"),
    Bad("list for text", GOOD + "organization: [A]\n", "organization", "is a list", "quotes"),
    Bad("list for a mapping", GOOD + "audit: [1]\n", "audit", "must be a mapping", "key: value"),
    Bad("date for text", GOOD + "organization: 2024-01-01\n", "organization", "a date", "quotes"),
    Bad("yes for text", GOOD + "organization: no\n", "organization", "true or false", "quotes"),
    Bad(
        "text for a switch", GOOD + 'audit: {siem: "on"}\n', "audit.siem", "true", "without quotes"
    ),
    Bad(
        "retention too long",
        GOOD + "audit: {retention_days: 36501}\n",
        "audit.retention_days",
        "at most 36500",
        "range",
    ),
    Bad(
        "retention too short",
        GOOD + "audit: {retention_days: 0}\n",
        "audit.retention_days",
        "at least 1",
        "range",
    ),
    Bad(
        "retention in words",
        GOOD + "audit: {retention_days: seven years}\n",
        "audit.retention_days",
        "must be a whole number, but is text",
        "digits",
    ),
    # --- isolation
    Bad("tier misspelt", GOOD + "isolation: meduim\n", "isolation.tier", "not a tier", "`medium`?"),
    Bad(
        "weaker layer",
        GOOD + "isolation: {tier: medium, storage: soft}\n",
        "isolation.storage",
        "weaker than the tier, medium",
        "isolation.tier",
    ),
    Bad(
        "hard layer in medium",
        GOOD + "isolation: {tier: medium, storage: hard}\n",
        "isolation.storage",
        "account of the tenant's own",
        "tier: hard",
    ),
    Bad(
        "own Nessie without own host",
        GOOD + "isolation: {tier: soft, catalog: medium}\n",
        "isolation.network",
        "the network is soft and the catalog medium",
        "same strength",
    ),
    Bad(
        "hard without region",
        GOOD + 'isolation: hard\naccount_id: "012345678901"\n',
        "region",
        "account and region of its own",
        "us-east-1",
    ),
    Bad(
        "soft with account",
        GOOD + 'isolation: soft\naccount_id: "012345678901"\n',
        "account_id",
        "soft tenant lives in its environment's account",
        "isolation: hard",
    ),
    Bad(
        "unquoted account (octal to YAML)",
        GOOD + "isolation: hard\nregion: us-east-1\naccount_id: 012345670123\n",
        "account_id",
        "octal",
        'account_id: "',
    ),
    Bad(
        "account too short",
        GOOD + 'isolation: hard\nregion: us-east-1\naccount_id: "1234"\n',
        "account_id",
        "12 digits",
        "quotes",
    ),
    Bad(
        "no region",
        GOOD + 'isolation: hard\nregion: moon\naccount_id: "012345678901"\n',
        "region",
        "AWS region",
        "us-east-1",
    ),
    # --- access
    Bad(
        "wildcard principal",
        GOOD + "access: {reader: [{aws: 'arn:aws:iam::123456789012:role/*'}]}\n",
        "access.reader[0].aws",
        "wildcard",
        "full ARN",
    ),
    Bad(
        "anybody",
        GOOD + "access: {reader: [{aws: '*'}]}\n",
        "access.reader[0].aws",
        "wildcard",
        "full ARN",
    ),
    Bad(
        "account root principal",
        GOOD + "access: {admin: [{aws: 'arn:aws:iam::123456789012:root'}]}\n",
        "access.admin[0].aws",
        "account as a principal",
        "name the role",
    ),
    Bad(
        "session principal",
        GOOD + "access: {admin: [{aws: 'arn:aws:sts::123456789012:assumed-role/a/b'}]}\n",
        "access.admin[0].aws",
        "session",
        "name the role",
    ),
    Bad(
        "neither aws nor oidc",
        GOOD + "access: {admin: [{gcp: x}]}\n",
        "access.admin[0]",
        "exactly one of `aws` and `oidc`",
        "- aws:",
    ),
    Bad(
        "text for a principal",
        GOOD + f"access: {{admin: ['{ARN}']}}\n",
        "access.admin[0]",
        "must be a mapping with exactly one",
        "- aws:",
    ),
    Bad(
        "wildcard subject",
        GOOD + "access: {writer: [{oidc: {subject: 'repo:acme/*'}}]}\n",
        "access.writer[0].oidc.subject",
        "must be exact",
        "whole subject",
    ),
    Bad(
        "external id itself",
        GOOD + f"access: {{reader: [{{aws: '{ARN}', external_id: {SECRET}}}]}}\n",
        "access.reader[0].external_id",
        "must be a reference",
        "config:<name>",
    ),
    # --- secrets
    Bad(
        "plain secret",
        GOOD + f"api_access: {{fema_api_key: {SECRET}}}\n",
        "api_access.fema_api_key",
        "a secret must be a reference",
        "secretsmanager:<name>",
    ),
    Bad(
        "key material",
        GOOD + f"database: {{encryption_key: {SECRET}}}\n",
        "database.encryption_key",
        "an encryption key must be a reference",
        "alias/<name>",
    ),
    Bad(
        "secret in a list",
        GOOD + f"api_access: {{fema_api_key: [{SECRET}]}}\n",
        "api_access.fema_api_key",
        "must be text, but is a list",
        "quotes",
    ),
    Bad(
        "misspelt key of a secret",
        GOOD + f"api_access: {{fema_apikey: {SECRET}}}\n",
        "api_access.fema_apikey",
        "not a known key",
        "did you mean `fema_api_key`?",
    ),
    Bad(
        "our own grouping",
        GOOD + f"api_access: {{credentials: {{fema: {SECRET}}}}}\n",
        "api_access.credentials",
        "not a known key",
        "rate_limits",
    ),
    Bad(
        "secret in an unclosed quote",
        GOOD + f'api_access: {{fema_api_key: "{SECRET}}}\n',
        "",
        "ends inside a quoted text",
        "close",
    ),
    Bad(
        "rate",
        GOOD + "api_access: {rate_limits: {fema: fast}}\n",
        "api_access.rate_limits.fema",
        "calls per time",
        "1000/hour",
    ),
    # --- classification and data
    Bad(
        "classification not allowed",
        GOOD + "classification: RESTRICTED\n"
        "data_restrictions: {allowed_classifications: [PUBLIC, INTERNAL]}\n",
        "classification",
        "RESTRICTED is not among",
        "add RESTRICTED",
    ),
    Bad(
        "classification misspelt",
        GOOD + "classification: secrt\n",
        "classification",
        "not a",
        "known",
    ),
    Bad(
        "classification in small letters",
        GOOD + "classification: internal\n",
        "classification",
        "`internal` is not a classification",
        "did you mean `INTERNAL`?",
    ),
    Bad(
        "state",
        GOOD + "data_restrictions: {allowed_states: [CO, Utah]}\n",
        "data_restrictions.allowed_states[1]",
        "capital letters",
        '["CO"]',
    ),
    Bad(
        "all states and one",
        GOOD + "data_restrictions: {allowed_states: [CO, ALL]}\n",
        "data_restrictions.allowed_states",
        "beside single states",
        "states alone",
    ),
    # --- overrides
    Bad(
        "unknown template",
        GOOD + "access_overrides: {event_steam: {phone: restricted}}\n",
        "access_overrides.event_steam",
        "no table template",
        "did you mean `event_stream`?",
    ),
    Bad(
        "unknown column",
        GOOD + "access_overrides: {event_stream: {fone: restricted}}\n",
        "access_overrides.event_stream.fone",
        "no column `fone`",
        "did you mean `phone`?",
    ),
    Bad(
        "unknown access level",
        GOOD + "access_overrides: {event_stream: {phone: hidden}}\n",
        "access_overrides.event_stream.phone",
        "known words",
        "public, restricted",
    ),
    Bad(
        "restricted key",
        GOOD + "access_overrides: {event_stream: {event_id: restricted}}\n",
        "access_overrides.event_stream.event_id",
        "key stays public",
        "public",
    ),
]


@pytest.mark.parametrize("bad", BAD, ids=[bad.kind for bad in BAD])
def test_a_bad_file_gives_one_problem_with_file_field_rule_and_remedy(
    bad: Bad, write: Callable[..., Path]
) -> None:
    problems = problems_of(write(bad.text))
    assert [problem.field for problem in problems] == [bad.field]
    (problem,) = problems
    assert problem.where == "tenants/acme.yaml"
    assert bad.rule in problem.rule
    assert bad.remedy in problem.remedy
    text = str(InvalidInput(problem))
    assert SECRET not in text
    assert "Input should" not in text
    assert "pydantic" not in text.lower()
    assert "\\U" not in text


def test_all_problems_of_a_file_are_told_at_once(write: Callable[..., Path]) -> None:
    problems = problems_of(
        write(
            "tenant: Big_Corp\n"
            "contact: nobody\n"
            "isolation: hard\n"
            "isolaton: soft\n"
            "audit: {retention_days: 0, siem: maybe}\n"
            f"api_access: {{a_secret: {SECRET}, b_scope: CO, rate_limits: {{x: 1}}}}\n"
        )
    )
    assert {problem.field for problem in problems} == {
        "tenant",
        "contact",
        "region",
        "isolaton",
        "audit.retention_days",
        "audit.siem",
        "api_access.a_secret",
        "api_access.b_scope",
        "api_access.rate_limits.x",
    }


def test_a_missing_file_and_a_folder_are_refused_in_words(tmp_path: Path) -> None:
    assert "no such file" in problems_of(tmp_path / "acme.yaml")[0].rule
    assert "cannot be read" in problems_of(tmp_path)[0].rule


def test_only_tenant_and_contact_are_required(write: Callable[..., Path]) -> None:
    tenant = load_tenant(write(GOOD))
    assert tenant.environment == "prod"
    assert tenant.isolation.tier is Tier.MEDIUM
    assert tenant.classification is Classification.INTERNAL
    assert tenant.audit.retention_days == 365
    assert (tenant.account_id, tenant.region) == (None, None)
    assert tenant.access.reader == ()


def test_newcorp_is_the_guides_file_below_the_schema_line() -> None:
    lines = (ROOT / "tenants/newcorp.yaml").read_text().splitlines()
    assert lines[1:] == [
        "# tenants/newcorp.yaml",
        "tenant: newcorp",
        "environment: prod",
        "contact: ops@newcorp.com",
        "access_overrides: {}",
    ]
    assert load_tenant(ROOT / "tenants/newcorp.yaml").isolation.tier is Tier.MEDIUM


def test_a_layer_may_be_stronger_than_the_tier(write: Callable[..., Path]) -> None:
    isolation = load_tenant(write(GOOD + "isolation: {tier: soft, storage: medium}\n")).isolation
    assert isolation.layer(Layer.STORAGE) is Tier.MEDIUM
    assert isolation.layer(Layer.CATALOG) is Tier.SOFT


def test_principals_are_read_as_what_they_are() -> None:
    access = load_tenant(ROOT / "tenants/acme.yaml").access
    assert isinstance(access.reader[0], AwsPrincipal)
    assert access.reader[0].external_id == "config:acme"
    assert isinstance(access.writer[0], OidcSubject)
    assert access.writer[0].oidc.audience == "sts.amazonaws.com"


def test_free_keys_of_api_access_are_gathered_under_their_full_names() -> None:
    api = load_tenant(ROOT / "tenants/colorado-state.yaml").api_access
    assert api is not None
    assert api.credentials == {"fema_api_key": "${COLORADO_FEMA_KEY}"}
    assert api.scopes == {"noaa_scope": ("CO",)}
    assert api.rate_limits == {"fema": "1000/hour", "noaa": "5000/hour"}


def test_a_tenant_cannot_be_changed() -> None:
    tenant = load_tenant(ROOT / "tenants/acme.yaml")
    with pytest.raises(ValueError, match="frozen"):
        tenant.tenant = "globex"


def outcome_of(read: Callable[[], Tenant]) -> Tenant | InvalidInput:
    """The tenant or the refusal; any other exception fails the test."""
    try:
        return read()
    except InvalidInput as invalid:
        return invalid


FRAGMENTS = (
    "tenant: acme|contact: a@b.co|isolation: soft|isolation: {tier: hard}|account_id: 0123|\t|  |-"
    "|: |{|}|[|]|&a |*a|<<: |!!binary |'|\"|---|? |#|access:|reader:|aws:|null|2024-99-99|.inf|\\u"
    "|api_access: {x_secret: y}|access_overrides: {a: {b: public}}|%|@|\x00|1:60|0b_|=|\n"
)
WORDS = st.sampled_from(FRAGMENTS.split("|"))


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.one_of(st.text(), st.lists(WORDS).map("".join)))
@example("a: &x [*x]\ntenant: acme\ncontact: a@b.co\naccess: &y {reader: [*y]}")
@example("tenant: acme\ncontact: a@b.co\naccess_overrides: &a {t: *a}")
@example("? [a]\n: b")
@example("- !!int x")
@example("a: !!timestamp x")
@example('a: "\\uD800"')
@example("a: " + "9" * 5000)
def test_any_text_is_a_tenant_or_invalid_input(tmp_path: Path, text: str) -> None:
    path = tmp_path / "acme.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    outcome = outcome_of(lambda: load_tenant(path))
    if isinstance(outcome, InvalidInput):
        assert outcome.problems
        assert all(problem.rule and problem.remedy for problem in outcome.problems)
        str(outcome).encode()


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        st.sampled_from([*sorted(Tenant.model_fields), "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
def test_any_data_is_a_tenant_or_invalid_input(data: dict[str, object]) -> None:
    outcome = outcome_of(lambda: Tenant.parse(data, "tenants/acme.yaml"))
    if isinstance(outcome, InvalidInput):
        assert all(problem.rule != "is not valid here" for problem in outcome.problems)
