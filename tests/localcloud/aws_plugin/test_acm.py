"""Certificates: issued at once, waited for, and kept while they are used."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto.acm.models import CertBundle

from localcloud.aws_plugin.acm import CertificateValidation
from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import NotKept, ResourceError
from tests.localcloud.aws_plugin import network_examples as networks
from tests.localcloud.aws_plugin.test_ec2 import create
from tests.localcloud.aws_plugin.test_life import make, ready

CERTIFICATE = "aws:acm/certificate:Certificate"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"


def test_outputs_that_programs_read(cloud: Cloud) -> None:
    arn, state = make(cloud, networks.certificate)
    assert state["arn"] == arn
    assert state["status"] == "ISSUED"
    options = state["domainValidationOptions"]
    names = [option["domainName"] for option in options]
    assert names == ["*.lake.example.com", "a.example.com", "lake.example.com"]
    assert options[1]["resourceRecordName"].endswith(".a.example.com.")
    assert {option["resourceRecordType"] for option in options} == {"CNAME"}


def test_its_own_name_may_be_among_the_others(cloud: Cloud) -> None:
    names = ["x.example.com", "y.example.com"]
    inputs: dict[str, Any] = {
        "domainName": names[0],
        "subjectAlternativeNames": names,
        "validationMethod": "DNS",
    }
    _, state = create(cloud, CERTIFICATE, **inputs)
    assert not handler(CERTIFICATE).differences(state, inputs, inputs)
    less = {**inputs, "subjectAlternativeNames": names[:1]}
    assert handler(CERTIFICATE).differences(state, less, inputs) == {"subjectAlternativeNames"}


def test_a_key_that_the_emulator_does_not_make_is_no_success(cloud: Cloud) -> None:
    inputs = {"domainName": "x.example.com", "validationMethod": "DNS"}
    with pytest.raises(NotKept, match="keyAlgorithm"):
        create(cloud, CERTIFICATE, **inputs, keyAlgorithm="EC_prime256v1")


def test_a_certificate_in_use_stays(cloud: Cloud, session: boto3.Session) -> None:
    example = ready(cloud, networks.listener)
    listener, of_listener = create(cloud, example.token, **example.inputs)
    arn = example.inputs["certificateArn"]
    with pytest.raises(Exception, match="ResourceInUse"):
        handler(CERTIFICATE).remove(cloud, arn, {})
    handler(example.token).remove(cloud, listener, of_listener)
    handler(CERTIFICATE).remove(cloud, arn, {})


def test_what_is_not_issued_is_waited_for_and_given_up(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CertBundle, "check", lambda _: None)
    monkeypatch.setattr(CertificateValidation, "patience", 0.0)
    arn, _ = make(cloud, networks.certificate)
    with pytest.raises(ResourceError, match="PENDING_VALIDATION"):
        create(cloud, VALIDATION, certificateArn=arn)
    assert handler(VALIDATION).read(cloud, arn, {}) is None


def test_an_unissued_certificate_serves_no_listener(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CertBundle, "check", lambda _: None)
    with pytest.raises(Exception, match="UnsupportedCertificate"):
        make(cloud, networks.listener)


def test_the_records_that_are_waited_for_must_be_those_that_validate(cloud: Cloud) -> None:
    arn, state = make(cloud, networks.certificate)
    names: list[Any] = [option["resourceRecordName"] for option in state["domainValidationOptions"]]
    with pytest.raises(ResourceError, match=r"lack .*\.a\.example\.com"):
        create(cloud, VALIDATION, certificateArn=arn, validationRecordFqdns=names[:1])
    create(cloud, VALIDATION, certificateArn=arn, validationRecordFqdns=names)


def test_a_certificate_that_is_gone_is_not_waited_for(cloud: Cloud) -> None:
    arn, state = make(cloud, networks.certificate)
    handler(CERTIFICATE).remove(cloud, arn, state)
    with pytest.raises(ResourceError, match="does not exist"):
        create(cloud, VALIDATION, certificateArn=arn)
