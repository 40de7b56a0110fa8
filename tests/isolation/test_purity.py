"""The proof decides without any cloud or engine: it cannot even import one."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_proof_imports_neither_engine_nor_cloud_nor_builder() -> None:
    modules = [f"isolation.{path.stem}" for path in sorted((ROOT / "isolation").glob("*.py"))]
    program = (
        f"import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(*sorted({'pulumi', 'pulumi_aws', 'boto3', 'botocore', 'components', 'onboarding'}"
        " & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_deciding_needs_no_second_prover() -> None:
    program = "import sys, isolation.evaluation; print('cvc5' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
