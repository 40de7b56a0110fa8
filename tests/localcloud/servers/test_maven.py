"""Files from a Maven repository: kept for the next time, never used unless the right ones."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from localcloud.errors import LocalCloudError
from localcloud.servers.maven import REPOSITORY_VARIABLE, MavenFile

CONTENT = b"not really a jar"
PLACE = Path("org", "example", "tool", "1.0", "tool-1.0-runner.jar")


def wanted(content: bytes = CONTENT) -> MavenFile:
    digest = hashlib.sha256(content).hexdigest()
    return MavenFile("org.example", "tool", "1.0", "runner", digest)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository on loopback with one file, and a cache that is empty."""
    root = tmp_path / "repository"
    file = root / PLACE
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    file.with_name(f"{file.name}.sha1").write_text(hashlib.sha1(CONTENT).hexdigest())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("M2_REPO", str(tmp_path / "cache"))
    monkeypatch.setenv(REPOSITORY_VARIABLE, f"http://127.0.0.1:{server.server_port}")
    yield root
    server.shutdown()
    server.server_close()


def test_a_file_is_downloaded_once_into_the_cache(repository: Path, tmp_path: Path) -> None:
    found = wanted().fetch()
    assert found == tmp_path / "cache" / PLACE
    assert found.read_bytes() == CONTENT
    (repository / PLACE).unlink()
    assert wanted().fetch() == found


def test_a_download_that_was_cut_short_is_made_again(repository: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cache" / PLACE
    cut.parent.mkdir(parents=True)
    cut.write_bytes(CONTENT[:4])
    assert wanted().fetch().read_bytes() == CONTENT


def test_a_file_with_another_content_is_refused_and_not_kept(
    repository: Path, tmp_path: Path
) -> None:
    with pytest.raises(LocalCloudError, match="has the hash"):
        wanted(b"something else").fetch()
    assert not (tmp_path / "cache" / PLACE).exists()


def test_a_file_that_cannot_be_had_says_how_to_get_it(repository: Path) -> None:
    (repository / PLACE).unlink()
    with pytest.raises(LocalCloudError, match="mvn dependency:get") as refused:
        wanted().fetch()
    assert "org.example:tool:1.0:jar:runner" in refused.value.problem
    assert REPOSITORY_VARIABLE in refused.value.remedy


def test_a_repository_that_is_not_there_says_how_to_name_another(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REPOSITORY_VARIABLE, "http://127.0.0.1:9")
    with pytest.raises(LocalCloudError, match=REPOSITORY_VARIABLE):
        wanted().fetch()
