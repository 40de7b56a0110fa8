"""Host names: two tenants' never meet, and a certificate is for its owner's alone."""

from fnmatch import fnmatchcase

from tenancy.hosts import Hosts
from tenancy.names import PLATFORM

HOSTS = Hosts("lake.example.com")


def covers(owner: str, host: str) -> bool:
    """A wildcard in a certificate stands for one label (RFC 6125, 6.4.3)."""
    return any(
        fnmatchcase(host, name) and host.count(".") == name.count(".")
        for name in HOSTS.certified(owner)
    )


def test_the_platforms_certificate_covers_the_shared_hosts_and_each_medium_tenants() -> None:
    for host in (HOSTS.catalog, HOSTS.dagster, HOSTS.nessie_of("globex")):
        assert covers(PLATFORM, host)


def test_a_hard_tenants_certificate_covers_its_own_hosts_and_nobody_elses() -> None:
    assert covers("initech", HOSTS.nessie_of("initech"))
    assert covers("initech", HOSTS.dagster_of("initech"))
    for host in (HOSTS.catalog, HOSTS.dagster, HOSTS.nessie_of("globex"), "lake.example.com"):
        assert not covers("initech", host)


def test_the_longest_first_name_of_a_certificate_is_one_that_aws_takes() -> None:
    longest = Hosts("a" * 31 + ".com")
    assert all(len(longest.certified(owner)[0]) <= 64 for owner in (PLATFORM, "b" * 20))
