"""The language host by itself, called as the engine calls it; with an engine: tests/integration."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from localcloud.engine import wanted_version
from localcloud.paths import PROJECT_ROOT
from localcloud.processes import wait_until


class Host:
    """A running host, started as the engine starts it: its standard input stays open."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "localcloud.language_host", "127.0.0.1:1"],
            cwd=PROJECT_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self.stub = language_pb2_grpc.LanguageRuntimeStub(self.channel)

    def close(self) -> None:
        self.channel.close()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()


@pytest.fixture
def host() -> Iterator[Host]:
    started = Host()
    yield started
    started.close()


def program(folder: Path, source: str, virtualenv: str = "") -> language_pb2.ProgramInfo:
    """A program with this `__main__.py`, described as the engine describes it."""
    folder.mkdir(exist_ok=True)
    (folder / "__main__.py").write_text(source, encoding="utf-8")
    options = struct_pb2.Struct()
    if virtualenv:
        options.update({"virtualenv": virtualenv})
    return language_pb2.ProgramInfo(
        root_directory=str(folder),
        program_directory=str(folder),
        entry_point=".",
        options=options,
    )


def plugin(info: language_pb2.ProgramInfo, *args: str) -> language_pb2.RunPluginRequest:
    return language_pb2.RunPluginRequest(
        info=info,
        pwd=info.root_directory,
        kind="resource",
        args=args,
        env=[f"{name}={value}" for name, value in {**os.environ, "ASKED": "for"}.items()],
    )


def test_it_is_of_the_sdks_version_and_tells_about_its_python(host: Host, tmp_path: Path) -> None:
    assert host.stub.GetPluginInfo(empty_pb2.Empty()).version == str(wanted_version())
    about = host.stub.About(language_pb2.AboutRequest(info=program(tmp_path, "")))
    assert about.executable == sys.executable
    assert about.version == sys.version.split()[0]


def test_it_names_the_providers_and_packages_of_the_programs_environment(
    host: Host, tmp_path: Path
) -> None:
    info = program(tmp_path, "")
    packages = host.stub.GetRequiredPackages(
        language_pb2.GetRequiredPackagesRequest(info=info)
    ).packages
    assert [(p.name, p.kind) for p in packages] == [("aws", "resource")]
    assert packages[0].version
    every, direct = (
        {
            package.name
            for package in host.stub.GetProgramDependencies(
                language_pb2.GetProgramDependenciesRequest(
                    info=info, transitiveDependencies=transitive
                )
            ).dependencies
        }
        for transitive in (True, False)
    )
    assert {"pulumi", "botocore"} <= every
    assert "botocore" not in direct


def test_a_virtualenv_that_is_not_there_is_an_error_with_the_remedy(
    host: Host, tmp_path: Path
) -> None:
    request = language_pb2.AboutRequest(info=program(tmp_path, "", virtualenv="absent"))
    with pytest.raises(grpc.RpcError) as failure:
        host.stub.About(request)
    text = str(failure.value)
    assert "runtime option virtualenv" in text
    assert f"python3 -m venv {tmp_path}/absent" in text


def test_a_plugins_output_and_exit_code_are_passed_on(host: Host, tmp_path: Path) -> None:
    source = (
        "import os, sys\nprint('port', *sys.argv[1:])\nprint(os.environ['ASKED'], file=sys.stderr)"
        "\nprint(os.getcwd() == sys.path[0])\nsys.exit(7)"
    )
    answers = list(host.stub.RunPlugin(plugin(program(tmp_path, source), "one", "two")))
    assert b"".join(answer.stdout for answer in answers) == b"port one two\nTrue\n"
    assert b"".join(answer.stderr for answer in answers) == b"for\n"
    assert answers[-1].WhichOneof("output") == "exitcode"
    assert answers[-1].exitcode == 7


SLEEPER = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)"


def start_sleeper(host: Host, folder: Path) -> tuple[grpc.Call, psutil.Process]:
    call = host.stub.RunPlugin(plugin(program(folder, SLEEPER)))
    return call, psutil.Process(int(next(iter(call)).stdout))


def gone(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_a_plugin_ends_when_the_engine_hangs_up(host: Host, tmp_path: Path) -> None:
    call, process = start_sleeper(host, tmp_path)
    call.cancel()
    assert wait_until(lambda: gone(process), 5)


def test_nothing_lives_on_when_the_engine_is_gone(host: Host, tmp_path: Path) -> None:
    _call, process = start_sleeper(host, tmp_path)
    assert host.process.stdin
    host.process.stdin.close()  # what the kernel does when the engine is killed
    assert host.process.wait(5) == 0
    assert wait_until(lambda: gone(process), 5)


def test_nothing_lives_on_when_the_host_is_killed(host: Host, tmp_path: Path) -> None:
    _call, process = start_sleeper(host, tmp_path)
    host.process.kill()
    assert wait_until(lambda: gone(process), 5)


def test_the_engines_interrupt_ends_everything_without_a_word(host: Host, tmp_path: Path) -> None:
    _call, process = start_sleeper(host, tmp_path)
    os.killpg(host.process.pid, signal.SIGINT)
    began = time.monotonic()
    assert host.process.wait(5) == 0
    assert time.monotonic() - began < 2
    assert wait_until(lambda: gone(process), 5)
    assert host.process.stdout
    assert host.process.stderr
    assert host.process.stdout.read() == b""
    assert host.process.stderr.read() == b""


def test_install_dependencies_makes_the_environment(host: Host, tmp_path: Path) -> None:
    info = program(tmp_path, "", virtualenv="venv")
    request = language_pb2.InstallDependenciesRequest(info=info, directory=str(tmp_path))
    output = b"".join(answer.stdout for answer in host.stub.InstallDependencies(request))
    assert b"-m venv" in output
    about = host.stub.About(language_pb2.AboutRequest(info=info))
    assert about.executable == str(tmp_path / "venv" / "bin" / "python")


def test_a_failed_install_says_which_step(host: Host, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("== not a requirement\n", encoding="utf-8")
    request = language_pb2.InstallDependenciesRequest(info=program(tmp_path, ""))
    with pytest.raises(grpc.RpcError, match=r"requirements\.txt ended with exit code 1"):
        list(host.stub.InstallDependencies(request))
