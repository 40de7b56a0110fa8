"""How the engine is found, installed or built, with small scripts in the place of both tools."""

from __future__ import annotations

import re
import socket
import threading
import time
from pathlib import Path

import pytest
from pulumi.automation import PulumiCommand

from localcloud import engine, go_build
from localcloud.errors import LocalCloudError
from localcloud.paths import Layout

WANTED = str(engine.wanted_version())


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def pulumi(path: Path, version: str) -> Path:
    return script(path, f"echo {version}")


def go(path: Path, build: str, version: str = "1.26.0") -> Path:
    """A `go` that says its version, and builds by running `build`."""
    return script(
        path,
        f'if [ "$1" = version ]; then echo "go version go{version} linux/amd64"; exit; fi\n{build}',
    )


BUILDS = f'printf "#!/bin/sh\\necho v{WANTED}\\n" > "$GOBIN/pulumi"; chmod +x "$GOBIN/pulumi"'


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all there is on PATH beside the system's own; and no internet."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(engine, "INSTALLER", "http://127.0.0.1:9/install.sh")
    return folder


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "project")


def leftovers(layout: Layout) -> list[str]:
    return sorted(path.name for path in layout.home.glob("*-*") if path != layout.pulumi_home)


def test_takes_the_users_pulumi_when_it_is_new_enough(tools: Path, layout: Layout) -> None:
    mine = pulumi(tools / "pulumi", f"v{WANTED}")
    assert engine.ensure_engine(pytest.fail, layout) == mine


def test_says_why_an_old_pulumi_is_passed_over(tools: Path, layout: Layout) -> None:
    pulumi(tools / "pulumi", "v3.1.0")
    ours = pulumi(layout.bin / "pulumi", f"v{WANTED}")
    said: list[str] = []
    assert engine.ensure_engine(said.append, layout) == ours
    assert said == [
        (
            f"not using {tools}/pulumi: it is version 3.1.0, and the SDK {WANTED} needs an engine"
            " of its own version or a newer 3.x"
        )
    ]


def test_builds_when_there_is_neither_an_engine_nor_the_internet(
    tools: Path, layout: Layout
) -> None:
    go(tools / "go", BUILDS)
    said: list[str] = []
    assert engine.ensure_engine(said.append, layout) == layout.bin / "pulumi"
    assert said[-1].startswith(f"pulumi {WANTED} is built")
    assert engine.ensure_engine(pytest.fail, layout) == layout.bin / "pulumi"
    assert leftovers(layout) == []


def test_an_engine_of_another_version_or_a_broken_one_is_replaced(
    tools: Path, layout: Layout
) -> None:
    go(tools / "go", BUILDS)
    for broken in ("exit 1", "echo v3.1.0"):
        script(layout.bin / "pulumi", broken)
        engine.ensure_engine(lambda _line: None, layout)
        assert engine.version_of(layout.bin / "pulumi") == engine.wanted_version()


def test_an_engine_is_asked_its_version_once_as_long_as_it_is_the_same(
    tools: Path, layout: Layout, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    ours = script(layout.bin / "pulumi", f"echo >> {asked}; echo v{WANTED}")
    for _ in range(3):
        assert engine.ensure_engine(pytest.fail, layout) == ours
    assert asked.read_text("utf-8") == "\n"
    go(tools / "go", BUILDS)
    script(ours, f"echo >> {asked}; echo v3.1.0")
    engine.ensure_engine(lambda _line: None, layout)
    assert asked.read_text("utf-8") == "\n\n", "another file is asked again"
    assert engine.version_of(ours) == engine.wanted_version()


def test_a_failed_build_leaves_nothing_and_says_what_can_be_done(
    tools: Path, layout: Layout
) -> None:
    go(tools / "go", "echo no space left on device >&2; exit 1")
    with pytest.raises(LocalCloudError) as failure:
        engine.ensure_engine(lambda _line: None, layout)
    text = str(failure.value)
    assert "127.0.0.1:9/install.sh is not reachable" in text
    assert "no space left on device" in text
    assert "remedy: install pulumi" in text
    assert not (layout.bin / "pulumi").exists()
    assert leftovers(layout) == []


def test_an_old_go_and_no_go_are_named(tools: Path, layout: Layout) -> None:
    go(tools / "go", BUILDS, version="1.21.4")
    with pytest.raises(LocalCloudError, match=r"is version 1\.21\.4, and 1\.25 is needed"):
        engine.ensure_engine(lambda _line: None, layout)
    (tools / "go").unlink()
    with pytest.raises(LocalCloudError, match="no `go` on PATH"):
        engine.ensure_engine(lambda _line: None, layout)


def test_an_interrupted_build_is_ended_and_leaves_nothing(
    tools: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(go_build, "_REPORT_EVERY", 0.05)
    go(tools / "go", f'echo half > "$GOBIN/pulumi"; echo $$ > {tools}/pid; exec sleep 60')

    def interrupt(line: str) -> None:
        if (tools / "pid").exists() and line.startswith("building pulumi: "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.ensure_engine(interrupt, layout)
    assert not (layout.bin / "pulumi").exists()
    assert leftovers(layout) == []
    pid = (tools / "pid").read_text(encoding="utf-8").strip()
    assert not Path(f"/proc/{pid}").exists()


def test_a_long_build_says_every_few_seconds_that_it_goes_on(
    tools: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(go_build, "_REPORT_EVERY", 0.05)
    go(tools / "go", f"echo go: downloading x >&2; sleep 0.4; {BUILDS}")
    said: list[str] = []
    engine.ensure_engine(said.append, layout)
    assert "building pulumi: 0 s, 1 modules downloaded" in said


def test_of_two_commands_at_once_only_one_builds(tools: Path, layout: Layout) -> None:
    go(tools / "go", f"echo x >> {tools}/builds; sleep 0.5; {BUILDS}")
    said: list[str] = []

    def run() -> None:
        engine.ensure_engine(said.append, layout)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tools / "builds").read_text(encoding="utf-8") == "x\n"
    assert "waiting for another command that gets the engine" in said


def test_a_host_that_never_answers_does_not_hang_the_install(
    tools: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setattr(engine, "INSTALLER", f"http://127.0.0.1:{port}/install.sh")
        monkeypatch.setattr(engine, "INSTALLER_PATIENCE", 0.2)
        go(tools / "go", BUILDS)
        began = time.monotonic()
        engine.ensure_engine(lambda _line: None, layout)
    assert time.monotonic() - began < 5


def test_the_installer_is_used_where_it_is_reachable(
    tools: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(root: str, version: object) -> None:
        assert str(version) == WANTED
        for name in ("pulumi", "pulumi-language-python"):
            pulumi(Path(root) / "bin" / name, f"v{WANTED}")

    monkeypatch.setattr(engine, "_ask_for_installer", lambda: None)
    monkeypatch.setattr(PulumiCommand, "install", install)
    assert engine.ensure_engine(lambda _line: None, layout) == layout.bin / "pulumi"
    assert (layout.bin / "pulumi-language-python").exists()
    assert leftovers(layout) == []


def test_a_failed_installer_falls_back_to_the_build(
    tools: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(root: str, version: object) -> None:
        pulumi(Path(root) / "bin" / "pulumi-language-python", "half of it")
        raise RuntimeError("checksum mismatch")

    monkeypatch.setattr(engine, "_ask_for_installer", lambda: None)
    monkeypatch.setattr(PulumiCommand, "install", install)
    go(tools / "go", BUILDS)
    engine.ensure_engine(lambda _line: None, layout)
    assert not (layout.bin / "pulumi-language-python").exists()


def test_the_go_module_pins_the_engine_that_belongs_to_the_sdk() -> None:
    pinned = (engine.MODULE / "go.mod").read_text(encoding="utf-8")
    for module in ("pkg", "sdk"):
        match = re.search(rf"github\.com/pulumi/pulumi/{module}/v3 v(\S+)", pinned)
        assert match
        assert match[1] == WANTED
