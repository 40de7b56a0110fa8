"""Effective permissions, one test a rule, and the cases that every version must get right.

Sources: IAM User Guide, "Policy evaluation logic" and the pages named in each test.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from isolation import second
from isolation.errors import Undecided
from isolation.evaluation import Decision, decide
from isolation.policy import Policy, parse_policy
from isolation.principals import Kind, Principal
from isolation.problem import pose
from isolation.targets import ANY_RESOURCE, Target, Values, key, listing, trust

ACCOUNT, OTHER = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/acme"
LAKE = "arn:aws:s3:::lake"
OBJECTS = Target((f"{LAKE}/globex/*",), ACCOUNT)
Given = Mapping[str, Any]


def _policy(name: str, *statements: Given, version: str = "2012-10-17") -> Policy:
    return parse_policy({"Version": version, "Statement": list(statements)}, name)


def _allow(action: Any = "s3:*", resource: Any = "*", **elements: Any) -> Given:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **elements}


def _deny(action: Any = "s3:*", resource: Any = "*", **elements: Any) -> Given:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **elements}


def _role(*statements: Given, **policies: Any) -> Principal:
    identity = (_policy("identity", *statements),) if statements else ()
    return Principal(ROLE, Kind.ROLE, identity=identity, **policies)


def _objects(*statements: Given, **elements: Any) -> Target:
    account = elements.pop("account", ACCOUNT)
    return Target(
        OBJECTS.resources, account, policies=(_policy("bucket", *statements),), **elements
    )


def _decided(principal: Principal, target: Target) -> Decision:
    """What both provers say, once they agree."""
    decision = decide(principal, target)
    assert decision.undecided is None
    assert second.reaches(pose(principal, target)) is (decision.allowed is not None)
    return decision


def _reaches(principal: Principal, target: Target) -> bool:
    return not _decided(principal, target).isolated


EVERYTHING = _role(_allow())
NOTHING = _role()
TO_ROLE = {"Principal": {"AWS": ROLE}}
TO_ACCOUNT = {"Principal": {"AWS": ACCOUNT}}
TO_ALL = {"Principal": "*"}
GET = "s3:GetObject"
SILENT = _policy("boundary", _allow(resource=f"{LAKE}/acme/*"))


class TestOneAccount:
    def test_what_nothing_allows_is_denied(self) -> None:
        decision = _decided(NOTHING, OBJECTS)
        assert decision.isolated
        assert decision.silent == ("the identity policies",)

    def test_an_identity_policy_allows(self) -> None:
        witness = _decided(_role(_allow(GET)), OBJECTS).allowed
        assert witness is not None
        assert witness.actions == (GET,)
        assert OBJECTS.patterns[0].matches(witness.resource)
        assert [str(statement) for _, statement in witness.statements] == [
            "statement 1 of identity"
        ]

    @pytest.mark.parametrize(
        "policies",
        [
            {"boundary": _policy("p", _allow(), _deny(GET))},
            {"session": (_policy("p", _allow(), _deny(GET)),)},
            {"guardrails": ((_policy("p", _allow(), _deny(GET)),),)},
        ],
    )
    def test_a_deny_anywhere_denies(self, policies: dict[str, Any]) -> None:
        decision = _decided(_role(_allow(GET), **policies), OBJECTS)
        assert decision.isolated
        assert [str(statement) for statement in decision.denied_by] == ["statement 2 of p"]
        assert _reaches(_role(_allow("s3:PutObject"), **policies), OBJECTS)

    def test_a_deny_of_the_resource_or_its_guardrail_denies(self) -> None:
        assert not _reaches(EVERYTHING, _objects(_deny(**TO_ALL)))
        level = (_policy("rcp", _allow(**TO_ALL), _deny(**TO_ALL)),)
        assert not _reaches(EVERYTHING, Target(OBJECTS.resources, ACCOUNT, guardrails=(level,)))

    def test_boundary_session_and_guardrails_must_allow_too(self) -> None:
        for limits in (
            {"boundary": SILENT},
            {"session": (SILENT,)},
            {"guardrails": ((_policy("a", _allow()),), (SILENT,))},
        ):
            decision = _decided(_role(_allow(), **limits), OBJECTS)
            assert decision.isolated
            assert len(decision.silent) == 1
        assert _reaches(_role(_allow(), boundary=_policy("b", _allow(GET))), OBJECTS)

    def test_layers_must_allow_the_same_request(self) -> None:
        limited = _role(_allow(GET), boundary=_policy("b", _allow("s3:PutObject")))
        decision = _decided(limited, OBJECTS)
        assert decision.isolated

    def test_any_policy_of_a_guardrail_may_allow(self) -> None:
        level = (_policy("a", _allow("kms:*")), _policy("b", _allow()))
        assert _reaches(_role(_allow(), guardrails=(level,)), OBJECTS)

    def test_a_guardrail_may_speak_of_other_principals(self) -> None:
        """VPC User Guide, "Control access to VPC endpoints using endpoint policies"."""
        other = {"Principal": {"AWS": f"{ROLE}-etl"}}
        for endpoint, reached in (
            ((_allow(**TO_ALL), _deny(**other)), True),
            ((_allow(**TO_ALL), _deny(**TO_ROLE)), False),
            ((_allow(**other),), False),
        ):
            level = (_policy("endpoint", *endpoint),)
            assert _reaches(_role(_allow(), guardrails=(level,)), OBJECTS) is reached

    def test_a_resource_policy_that_names_the_role_needs_no_identity_policy(self) -> None:
        """ "Evaluating policies for requests within a single account": within the boundary."""
        assert _reaches(NOTHING, _objects(_allow(**TO_ROLE)))
        assert not _reaches(_role(boundary=SILENT), _objects(_allow(**TO_ROLE)))
        assert not _reaches(_role(session=(SILENT,)), _objects(_allow(**TO_ROLE)))

    @pytest.mark.parametrize(
        "principal", ["*", {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/acme/s"}]
    )
    def test_one_that_names_the_session_or_everybody_passes_the_boundary(
        self, principal: Any
    ) -> None:
        limited = _role(boundary=SILENT, session=(SILENT,))
        assert _reaches(limited, _objects(_allow(Principal=principal)))
        denying = _role(boundary=_policy("b", _deny()))
        assert not _reaches(denying, _objects(_allow(Principal=principal)))

    def test_one_that_names_the_user_passes_the_boundary(self) -> None:
        user = Principal(f"arn:aws:iam::{ACCOUNT}:user/ann", Kind.USER, boundary=SILENT)
        assert _reaches(user, _objects(_allow(Principal={"AWS": user.arn})))
        assert not _reaches(user, _objects(_allow(**TO_ROLE)))

    def test_one_that_names_the_account_only_delegates(self) -> None:
        assert not _reaches(NOTHING, _objects(_allow(**TO_ACCOUNT)))

    def test_the_root_user_is_allowed_all_within_guardrails(self) -> None:
        root = Principal(f"arn:aws:iam::{ACCOUNT}:root", Kind.ROOT)
        assert _reaches(root, OBJECTS)
        guarded = Principal(root.arn, Kind.ROOT, guardrails=((SILENT,),))
        assert not _reaches(guarded, OBJECTS)

    def test_guardrails_of_resources_hold_for_some_services_only(self) -> None:
        """Organizations User Guide, "Resource control policies": not for Glue."""
        level = (_policy("rcp", _deny("*", **TO_ALL)),)
        table = f"arn:aws:glue:eu-west-1:{ACCOUNT}:table/globex/t"
        reader = _role(_allow("glue:*"))
        assert _reaches(reader, Target((table,), ACCOUNT, guardrails=(level,)))


class TestOtherAccounts:
    """Source: "Cross-account policy evaluation logic"."""

    def test_both_sides_must_allow(self) -> None:
        assert not _reaches(EVERYTHING, _objects(_deny("kms:*", **TO_ALL), account=OTHER))
        for named in (TO_ROLE, TO_ACCOUNT, TO_ALL):
            assert _reaches(EVERYTHING, _objects(_allow(**named), account=OTHER))
            assert not _reaches(NOTHING, _objects(_allow(**named), account=OTHER))
            limited = _role(_allow(), boundary=SILENT)
            assert not _reaches(limited, _objects(_allow(**named), account=OTHER))

    def test_unknown_policies_of_a_foreign_account_count_as_allowing(self) -> None:
        foreign = Principal(f"arn:aws:iam::{OTHER}:root", Kind.ROOT, identity=None)
        target = _objects(_allow(Principal={"AWS": OTHER}))
        decision = _decided(foreign, target)
        assert not decision.isolated
        assert decision.assumptions
        assert not _reaches(foreign, _objects(_allow(**TO_ACCOUNT)))

    def test_a_role_is_never_passed_to_another_account(self) -> None:
        passing = _role(_allow("iam:PassRole"))
        for account, passed in ((ACCOUNT, True), (OTHER, False)):
            arn = f"arn:aws:iam::{account}:role/globex"
            policy = _policy("p", _allow("iam:PassRole", **TO_ALL))
            assert _reaches(passing, Target((arn,), account, policies=(policy,))) is passed


class TestOtherPrincipals:
    def test_only_a_resource_policy_lets_in_a_service_or_a_stranger(self) -> None:
        service = Principal("x.amazonaws.com", Kind.SERVICE)
        stranger = Principal("*", Kind.ANONYMOUS)
        own = _objects(_allow(Principal={"Service": "x.amazonaws.com"}))
        assert _reaches(service, own)
        assert not _reaches(stranger, own)
        assert _reaches(stranger, _objects(_allow(**TO_ALL)))
        assert not _reaches(service, OBJECTS)

    def test_a_service_bound_to_a_source_is_nobody_elses_deputy(self) -> None:
        """Source: "The confused deputy problem"."""
        bound = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        target = _objects(_allow(Principal={"Service": "x.amazonaws.com"}, Condition=bound))
        facts = {"aws:SourceAccount": OTHER}
        assert not _reaches(Principal("x.amazonaws.com", Kind.SERVICE, facts=facts), target)
        loose = _objects(_allow(Principal={"Service": "x.amazonaws.com"}))
        assert _reaches(Principal("x.amazonaws.com", Kind.SERVICE, facts=facts), loose)


class TestElements:
    @pytest.mark.parametrize(
        ("statements", "reached"),
        [
            ([_allow(resource=f"{LAKE}/acme/*")], False),
            ([_allow(resource=f"{LAKE}/g*")], True),
            ([_allow(resource=f"{LAKE}/?lobex/*")], True),
            ([_allow(resource=f"{LAKE}/*/x")], True),
            ([_allow(resource=LAKE)], False),
            ([_allow("S3:getobject")], True),
            ([_allow("s3:Get?bject")], True),
            ([_allow("kms:*")], False),
            ([_allow("s3:ListBucket", f"{LAKE}/*")], False),
            ([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], False),
            ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], True),
            ([{"Effect": "Allow", "Action": "s3:*", "NotResource": f"{LAKE}/acme/*"}], True),
            ([{"Effect": "Allow", "Action": "s3:*", "NotResource": f"{LAKE}/*"}], False),
            ([_allow(), _deny(resource=f"{LAKE}/globex/*")], False),
            ([_allow(), _deny(resource=f"{LAKE}/globex/a*")], True),
            ([_allow(), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}], True),
            ([_allow(), {"Effect": "Deny", "NotAction": "kms:*", "Resource": "*"}], False),
            (
                [_allow(), {"Effect": "Deny", "Action": "*", "NotResource": f"{LAKE}/acme/*"}],
                False,
            ),
            ([_allow(), _deny(Mystery=1)], True),
            ([_allow(Mystery=1)], True),
        ],
    )
    def test_who_reaches_objects_of_globex(self, statements: list[Given], reached: bool) -> None:
        assert _reaches(_role(*statements), OBJECTS) is reached

    def test_an_action_that_no_documentation_has_is_allowed_by_a_wildcard(self) -> None:
        documented = [
            action.name for mask, _ in OBJECTS.by_template for action in OBJECTS.universe.of(mask)
        ]
        witness = _decided(_role(_allow(), _deny(documented)), OBJECTS).allowed
        assert witness is not None
        assert not witness.documented
        assert not OBJECTS.universe.knows(witness.actions[0])
        assert not _reaches(_role(_allow(documented), _deny(documented)), OBJECTS)
        assert not _reaches(_role(_allow(GET), _deny("s3:Get*")), OBJECTS)

    def test_its_example_is_not_documented_though_the_pattern_starts_so(self) -> None:
        documented = [a.name for a in OBJECTS.universe.actions if a.name.startswith(GET)]
        witness = _decided(_role(_allow(f"{GET}*"), _deny(documented)), OBJECTS).allowed
        assert witness is not None
        assert witness.actions == ("s3:getobjectx",)

    @pytest.mark.parametrize(
        ("facts", "free", "mine", "others"),
        [
            ({"aws:PrincipalTag/tenant": "acme"}, (), True, False),
            ({"aws:PrincipalTag/*": ()}, (), False, False),
            ({"aws:PrincipalTag/tenant": "acme"}, ("aws:PrincipalTag/tenant",), True, True),
            ({"aws:PrincipalTag/tenant": "acme"}, ("aws:PrincipalTag/*",), True, False),
            ({}, ("aws:PrincipalTag/*",), True, True),
            ({}, (), True, True),
        ],
    )
    def test_a_tag_in_a_resource(
        self, facts: dict[str, Any], free: tuple[str, ...], mine: bool, others: bool
    ) -> None:
        statement = _allow(resource=f"{LAKE}/${{aws:PrincipalTag/tenant}}/*")
        role = _role(statement, facts=facts, free=frozenset(free))
        own = Target((f"{LAKE}/acme/*",), ACCOUNT)
        assert (_reaches(role, own), _reaches(role, OBJECTS)) == (mine, others)
        old = Principal(
            ROLE, Kind.ROLE, (_policy("old", statement, version="2008-10-17"),), facts=facts
        )
        assert not _reaches(old, own)

    def test_resource_facts_decide_conditions_and_variables(self) -> None:
        same = {"StringEquals": {"aws:ResourceTag/t": "${aws:PrincipalTag/t}"}}
        role = _role(_allow(Condition=same), facts={"aws:PrincipalTag/t": "acme"})
        for tag, reached in (("acme", True), ("globex", False)):
            target = Target(OBJECTS.resources, ACCOUNT, facts={"aws:ResourceTag/t": tag})
            assert _reaches(role, target) is reached
        decision = _decided(role, OBJECTS)
        assert not decision.isolated
        assert "aws:resourcetag/t" in decision.unknowns[0]

    def test_a_bucket_of_the_same_name_elsewhere_is_another(self) -> None:
        bound = {"StringEquals": {"s3:ResourceAccount": ACCOUNT}}
        role = _role(_allow(Condition=bound))
        assert _reaches(role, OBJECTS)
        assert not _reaches(role, _objects(_allow(**TO_ALL), account=OTHER))

    def test_assumptions_about_surroundings_are_listed(self) -> None:
        secure = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
        network = {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
        role = _role(_allow(Condition=secure), _deny(Condition=network))
        decision = _decided(role, OBJECTS)
        assert decision.allowed is not None
        assert decision.allowed.context == {"aws:multifactorauthpresent": ("true",)}
        assert {
            "multifactor" in one or "NotIpAddress" in one or "sourceip" in one
            for one in decision.assumptions
        } == {True}

    def test_a_key_that_the_caller_chooses_is_one_value_for_all_statements(self) -> None:
        wants = {"StringEquals": {"aws:RequestTag/t": "a"}}
        avoids = {"StringNotEquals": {"aws:RequestTag/t": "b"}}
        assert not _reaches(_role(_allow(Condition=wants), _deny(Condition=avoids)), OBJECTS)
        either = {"StringEquals": {"aws:RequestTag/t": ["a", "b"]}}
        witness = _decided(
            _role(_allow(Condition=either), _deny(Condition=avoids)), OBJECTS
        ).allowed
        assert witness is not None
        assert witness.context == {"aws:requesttag/t": ("b",)}

    def test_several_values_can_meet_several_conditions(self) -> None:
        has = {"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}
        others = {"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}
        witness = _decided(_role(_allow(Condition=has), _deny(Condition=others)), OBJECTS).allowed
        assert witness is not None
        assert len(witness.context["aws:tagkeys"]) == 2

    def test_what_is_past_the_bound_is_undecided_not_isolated(self) -> None:
        hard = [f"{LAKE}/*{letter}??????????????" for letter in "abcdefgh"]
        decision = decide(_role(_allow(resource=hard)), OBJECTS)
        assert decision.undecided is not None
        assert not decision.isolated


class TestListing:
    @pytest.mark.parametrize(
        ("condition", "reached"),
        [
            ({}, True),
            ({"StringLike": {"s3:prefix": "acme/*"}}, False),
            ({"StringLike": {"s3:prefix": ["acme/*", ""]}}, True),
            ({"StringLike": {"s3:prefix": "g*"}}, True),
            ({"StringEquals": {"s3:prefix": "glob"}}, True),
            ({"StringLikeIfExists": {"s3:prefix": "acme/*"}}, True),
            ({"StringNotLike": {"s3:prefix": "globex/*"}}, True),
            ({"ForAllValues:StringLike": {"s3:prefix": "acme/*"}}, True),
        ],
    )
    def test_of_a_shared_bucket(self, condition: Given, reached: bool) -> None:
        role = _role(_allow("s3:List*", LAKE, Condition=condition))
        assert _reaches(role, listing(LAKE, ACCOUNT, "globex/")) is reached

    def test_of_uploads_has_no_prefix(self) -> None:
        """Service Authorization Reference, Amazon S3."""
        only_own = {"StringLike": {"s3:prefix": "acme/*"}}
        uploads = "s3:ListBucketMultipartUploads"
        target = listing(LAKE, ACCOUNT, "globex/")
        assert not _reaches(_role(_allow(uploads, LAKE, Condition=only_own)), target)
        assert _reaches(_role(_allow(uploads, LAKE)), target)
        foreign_prefix = {"StringLike": {"s3:prefix": "g*"}}
        assert not _reaches(_role(_allow(uploads, LAKE, Condition=foreign_prefix)), target)
        foreign = {"StringNotLike": {"s3:prefix": "acme/*"}}
        assert not _reaches(_role(_allow(uploads, LAKE), _deny(Condition=foreign)), target)


KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234"
ROOT_ONLY = _policy("key", _allow("kms:*", **TO_ACCOUNT))
CONTEXT = "kms:EncryptionContext:aws:s3:arn"


def _key(policy: Policy, context: Mapping[str, Values] | None = None) -> Target:
    return key(KEY, policy, {"kms:ResourceAliases": ("alias/globex",)}, context or {})


class TestKeys:
    """Source: KMS Developer Guide, "Key policies", "Using condition keys"."""

    def test_without_its_key_policy_nobody_uses_a_key(self) -> None:
        silent = _policy("key", _allow("kms:*", Principal={"AWS": OTHER}))
        assert not _reaches(_role(_allow("kms:*")), _key(silent))

    def test_a_key_policy_may_let_the_account_decide(self) -> None:
        assert _reaches(_role(_allow("kms:Decrypt")), _key(ROOT_ONLY))
        assert not _reaches(NOTHING, _key(ROOT_ONLY))
        assert _reaches(NOTHING, _key(_policy("key", _allow("kms:*", **TO_ROLE))))

    @pytest.mark.parametrize(("alias", "reached"), [("alias/acme", False), ("alias/gl*", True)])
    def test_a_grant_by_alias_is_for_that_key(self, alias: str, reached: bool) -> None:
        condition = {"ForAnyValue:StringLike": {"kms:ResourceAliases": alias}}
        role = _role(_allow("kms:Decrypt", Condition=condition))
        assert _reaches(role, _key(ROOT_ONLY)) is reached

    @pytest.mark.parametrize(("context", "reached"), [(f"{LAKE}/globex/*", False), (LAKE, True)])
    def test_the_encryption_context_separates_without_bucket_keys_only(
        self, context: str, reached: bool
    ) -> None:
        """S3 User Guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys"."""
        condition = {"StringLike": {CONTEXT: [f"{LAKE}/acme/*", LAKE]}}
        role = _role(_allow("kms:Decrypt", Condition=condition))
        assert _reaches(role, _key(ROOT_ONLY, {CONTEXT: Values((context,))})) is reached

    def test_the_service_called_through_separates_nothing(self) -> None:
        condition = {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
        role = _role(_allow("kms:Decrypt", Condition=condition))
        decision = _decided(role, _key(ROOT_ONLY, {CONTEXT: Values((f"{LAKE}/globex/*",))}))
        assert not decision.isolated
        assert "kms:viaservice" in decision.assumptions[0]


class TestTrust:
    """Source: "Evaluating policies for requests within a single account": role trust policies."""

    TARGET = f"arn:aws:iam::{ACCOUNT}:role/globex"

    def _trust(self, **elements: Any) -> Target:
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", **elements}
        return trust(self.TARGET, _policy("trust", statement))

    def test_it_must_itself_allow(self) -> None:
        assert not _reaches(_role(_allow("sts:*")), self._trust(Principal={"AWS": f"{ROLE}-etl"}))

    def test_naming_the_account_needs_an_identity_policy(self) -> None:
        assert _reaches(_role(_allow("sts:AssumeRole")), self._trust(**TO_ACCOUNT))
        assert not _reaches(NOTHING, self._trust(**TO_ACCOUNT))

    def test_naming_the_role_needs_none(self) -> None:
        assert _reaches(NOTHING, self._trust(**TO_ROLE))
        assert not _reaches(_role(boundary=SILENT), self._trust(**TO_ROLE))

    def test_a_federated_identity_is_bound_by_its_claims(self) -> None:
        provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.example.com"
        subject = {"StringEquals": {"token.example.com:sub": "repo:globex"}}
        target = self._trust(
            Action="sts:AssumeRoleWithWebIdentity",
            Principal={"Federated": provider},
            Condition=subject,
        )
        for claim, reached in (("repo:globex", True), ("repo:acme", False)):
            facts = {"token.example.com:sub": claim}
            assert _reaches(Principal(provider, Kind.FEDERATED, facts=facts), target) is reached
        assert _reaches(Principal(provider, Kind.FEDERATED), target)


class TestFence:
    """The denials by tag of a shared bucket, for those who are and are not tagged."""

    FENCE = (
        _deny(Condition={"StringNotEquals": {"aws:PrincipalTag/tenant": "globex"}}, **TO_ALL),
        {
            "Effect": "Deny",
            "Action": "s3:*",
            "NotResource": [LAKE, f"{LAKE}/${{aws:PrincipalTag/tenant}}/*"],
            "Principal": "*",
        },
    )

    @pytest.mark.parametrize(
        "facts", [{"aws:PrincipalTag/tenant": "acme"}, {"aws:PrincipalTag/*": ()}]
    )
    def test_a_negated_operator_denies_the_untagged_too(self, facts: dict[str, Any]) -> None:
        assert not _reaches(_role(_allow(), facts=facts), _objects(self.FENCE[0]))

    def test_a_variable_denies_other_tags_but_not_the_untagged(self) -> None:
        target = _objects(self.FENCE[1])
        assert not _reaches(_role(_allow(), facts={"aws:PrincipalTag/tenant": "acme"}), target)
        assert _reaches(_role(_allow(), facts={"aws:PrincipalTag/tenant": "globex"}), target)
        decision = _decided(_role(_allow(), facts={"aws:PrincipalTag/*": ()}), target)
        assert not decision.isolated
        assert "variable" in decision.unknowns[0]

    def test_everybody_of_an_organization_is_not_one_tenant(self) -> None:
        whole = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
        assert _reaches(NOTHING, _objects(_allow(Condition=whole, **TO_ALL)))
        outside = _role(facts={"aws:PrincipalOrgID": "o-2"})
        assert not _reaches(outside, _objects(_allow(Condition=whole, **TO_ALL)))


def test_actions_without_resources_can_be_asked() -> None:
    target = Target((ANY_RESOURCE,), ACCOUNT, actions=("lakeformation:PutDataLakeSettings",))
    assert _reaches(_role(_allow("lakeformation:*")), target)
    assert not _reaches(_role(_allow("lakeformation:*", "arn:aws:glue:*")), target)


def test_the_second_prover_says_when_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second, "TIME_LIMIT", 1)
    hard = [f"{LAKE}/globex/*{a}*{b}*{a}?????*" for a in "abcdef" for b in "uvwxyz"]
    with pytest.raises(Undecided):
        second.reaches(pose(_role(_allow(), _deny(resource=hard)), OBJECTS))
