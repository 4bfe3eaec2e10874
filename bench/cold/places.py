"""Where functions start: the unpacked package, an interpreter as Lambda's, the servers and the secret they find."""

import json
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from infra.package import PROJECT_ROOT, Package, build_package
from infra.template.document import FUNCTION_TYPE, resources_of_type
from localcloud.environments import environments

STAGE: Final = "prod"
DATABASE: Final = "bench_cold"
STORED_AS: Final = "aiba-arena/bench"
_HERE: Final = Path(__file__).parent
_CHILD_SECONDS: Final = 60


@dataclass(frozen=True)
class Start:
    """One cold start, in milliseconds: by the clock, and the processor's for both parts."""

    imported: float
    first: float
    processor: float
    answer: Any
    failed: str | None
    """The type of what the invocation raised."""

    @property
    def both(self) -> float:
        return self.imported + self.first


@dataclass(frozen=True)
class Place:
    """A folder functions are loaded from, and the variables they are given."""

    folder: Path
    variables: Mapping[str, str]

    def start(self, handler: str, event: Mapping[str, Any]) -> Start:
        """A new interpreter loads ``handler`` and invokes it. Raises RuntimeError with what it printed."""
        found = json.loads(self._run([], handler, json.dumps(event)).stdout)
        (imported, imported_cpu), (first, first_cpu) = found["import"], found["first"]
        return Start(imported * 1000, first * 1000, (imported_cpu + first_cpu) * 1000, found["answer"], found["failed"])

    def dataclasses(self, handler: str, event: Mapping[str, Any]) -> list[float]:
        """Milliseconds of the processor that making each dataclass takes in a start."""
        found = json.loads(self._run([], handler, json.dumps(event), "dataclasses").stdout)
        return [seconds * 1000 for seconds in found["dataclasses"]]

    def import_times(self, handler: str, event: Mapping[str, Any]) -> str:
        """What ``-X importtime`` prints of a start."""
        return self._run(["-X", "importtime"], handler, json.dumps(event)).stderr

    def _run(self, options: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(runtime_python()), "-P", *options, str(_HERE / "child.py"), *arguments]
        environment = {**self.variables, "PYTHONPATH": str(self.folder)}
        done = subprocess.run(  # noqa: S603 (our own code)
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_CHILD_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]} did not start:\n{done.stderr[-2000:]}")
        return done


def runtime_python() -> Path:
    """The interpreter that has what Lambda's has, and nothing else."""
    return environments(PROJECT_ROOT)["runtime"].python


def packaged(say: Callable[[str], None]) -> Package:
    """The stage's package, built unless it is there."""
    return build_package(STAGE, PROJECT_ROOT / ".arena" / "build", say)


def unpacked(package: Package, target: Path) -> Path:
    """The package as Lambda has it, and the yardstick beside it, compiled alike."""
    with zipfile.ZipFile(package.zip_path) as archive:
        archive.extractall(target)
    shutil.copyfile(_HERE / "bare.py", target / "bare.py")
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "bare.py"]
    subprocess.run(command, cwd=target, check=True)  # noqa: S603 (our own code)
    return target


def without_byte_code(folder: Path, target: Path) -> Path:
    """The same sources; nothing is compiled beside them, since a function can't write there."""
    return Path(shutil.copytree(folder, target, ignore=shutil.ignore_patterns("__pycache__")))


def functions(package: Package) -> dict[str, str]:
    """Handlers by the functions' logical ids."""
    found = resources_of_type(package.template, FUNCTION_TYPE)
    return {name: str(resource["Properties"]["Handler"]) for name, resource in found}


def secrets(mongo_uri: str, redis_url: str) -> dict[str, str]:
    return {
        "TELEGRAM_BOT_TOKEN": "1:bench",
        "BATTLE_SEED_SECRET": "bench",
        "MONGO_URI": mongo_uri,
        "REDIS_URL": redis_url,
    }


def variables(secret: Mapping[str, str]) -> dict[str, str]:
    """One region, no queues: what a first invocation does is asking MongoDB and Redis."""
    return {
        "APP_ENV": "dev",
        "ARENA_HEADER_AUTH": "true",
        "MONGO_DATABASE": DATABASE,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        **secret,
    }


@contextmanager
def secret_store(secret: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Variables of functions that read ``secret`` from a Secrets Manager, which answers at once."""
    body = json.dumps({"Name": STORED_AS, "ARN": STORED_AS, "SecretString": json.dumps(dict(secret))}).encode()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield {
            "ARENA_SECRET_ID": STORED_AS,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
        }
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
