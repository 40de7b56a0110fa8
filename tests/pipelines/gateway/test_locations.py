from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.gateway.locations import foreign_property, is_below, is_location, points_somewhere

METADATA, DATA = "s3://lake/acme/lakehouse/metadata/", "s3://lake/acme/lakehouse/data/"
FOREIGN = [
    "s3://lake/globex/lakehouse/metadata/t",
    "s3://lake/acme-etl/lakehouse/metadata/t",
    "s3://lake/acme/lakehouse/metadata/../../../globex/t",
    "s3://lake/acme/lakehouse/metadata/./t",
    "s3://lake/acme/lakehouse/metadata//t",
    "s3://lake/acme/lakehouse/metadata/%2e%2e/t",
    "s3://lake/acme/lakehouse/metadata/%252e%252e/t",
    "s3://lake/acme/lakehouse/metadata/a%2Fb",
    "s3://lake/acme/lakehouse/metadata/t?versionId=1",
    "s3://lake/acme/lakehouse/metadata/t#",
    "s3://lake/acme/lakehouse/metadata/t\n",
    "s3://lake/acme/lakehouse/metadata/t\\..\\u",
    "s3://lake/ACME/lakehouse/metadata/t",
    "S3://lake/acme/lakehouse/metadata/t",
    "s3a://lake/acme/lakehouse/metadata/t",
    "s3n://lake/acme/lakehouse/metadata/t",
    "https://lake.s3.amazonaws.com/acme/lakehouse/metadata/t",
    "s3://user@lake/acme/lakehouse/metadata/t",
    "s3://lake:443/acme/lakehouse/metadata/t",
    "s3://lake/acme/lakehouse/metadatas/t",
    "s3://lake/acme/restricted/metadata/t",
    "s3://lake/acme/",
    "s3://lake",
    "file:///etc/passwd",
    "/acme/lakehouse/metadata/t",
    " s3://lake/acme/lakehouse/metadata/t",
    "",
]


@pytest.mark.parametrize("location", FOREIGN)
def test_nothing_but_the_plain_form_below_a_folder_is_in_it(location: str) -> None:
    assert not is_below(location, METADATA)


@pytest.mark.parametrize("rest", ["", "t", "t/", "a=b/c_1-2.avro", "acme/events_1/metadata"])
def test_the_folder_and_what_is_in_it_are(rest: str) -> None:
    assert is_below(METADATA + rest, METADATA)
    assert is_below(METADATA.removesuffix("/"), METADATA)


@given(st.text(max_size=40))
def test_what_is_in_the_folder_stays_there_however_it_is_read(text: str) -> None:
    location = METADATA + text
    if is_below(location, METADATA):
        assert is_location(location)
        assert quote(location, safe=":/=+,") == location  # nothing to decode
        assert not {"..", ".", "\\"} & set(location.replace("\\", "/\\/").split("/"))


@given(
    st.sampled_from(["s3://x/y", "S3A://x", "/etc", "\\\\host\\share", "file:/x"]),
    st.integers(0, 8),
)
def test_escaping_hides_no_location(location: str, times: int) -> None:
    for _ in range(times):
        location = quote(location, safe="")
    assert points_somewhere(location)


@pytest.mark.parametrize(
    "text", ["zstd", "a:b", "1.5", "see x/y", "true", "org.apache.Impl", "50%"]
)
def test_other_values_point_nowhere(text: str) -> None:
    assert not points_somewhere(text)


@pytest.mark.parametrize(
    "key", ["location", "Location", " LOCATION", "write.metadata.path", "x.uri"]
)
def test_a_property_that_is_a_place_must_be_among_the_metadata(key: str) -> None:
    for location in [*FOREIGN, f"{DATA}t", "true", "relative/path"]:
        expected = None if location == "true" and "location" not in key.lower() else key
        assert foreign_property({key: location}, METADATA, DATA) == expected
    assert foreign_property({key: f"{METADATA}t"}, METADATA, DATA) is None


@pytest.mark.parametrize("key", ["write.data.path", "write.object-storage.path"])
def test_data_may_lie_among_the_data(key: str) -> None:
    for folder in (METADATA, DATA):
        assert foreign_property({key: f"{folder}t"}, METADATA, DATA) is None
    for location in FOREIGN:
        assert foreign_property({key: location}, METADATA, DATA) == key


def test_a_location_is_found_under_any_name_and_however_escaped() -> None:
    for value in ("s3://lake/globex/x", "s3%3A%2F%2Flake%2Fglobex", "s3%253A//lake/globex", "/etc"):
        assert foreign_property({"a": "b", "my.setting": value}, METADATA, DATA) == "my.setting"


def test_plain_properties_and_prose_are_left_alone() -> None:
    properties = {
        "comment": "see https://wiki.example.com/events",
        "write.format.default": "parquet",
        "write.object-storage.partitioned-paths": "false",
        "owner": "data team",
    }
    assert foreign_property(properties, METADATA, DATA) is None
