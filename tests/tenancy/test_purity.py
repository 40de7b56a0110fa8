"""The model decides without any cloud or engine: it cannot even import one."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_model_imports_neither_engine_nor_cloud() -> None:
    modules = [f"tenancy.{path.stem}" for path in sorted((ROOT / "tenancy").glob("*.py"))]
    program = (
        f"import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(*sorted({'pulumi', 'pulumi_aws', 'boto3', 'botocore'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
