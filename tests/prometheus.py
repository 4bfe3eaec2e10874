"""A real Prometheus for tests, and what its queries name."""

import contextlib
import http.server
import json
import re
import shutil
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from chalicelib.monitoring.families import FAMILIES
from localcloud.ports import free_ports
from localcloud.system_packages import program
from tests.localstack.running import eventually

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "infra" / "prometheus"

Json = dict[str, Any]


def promtool(*arguments: str | Path, stdin: str = "") -> str:
    """What promtool says; fails with it when it finds fault."""
    command = [str(program("promtool")), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def rules() -> list[Json]:
    """Every rule of every file."""
    files = sorted((FOLDER / "rules").glob("*.yml"))
    return [rule for file in files for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


_LABEL: Final = r"[a-zA-Z_]\w*"
_NOT_NAMES: Final = {"and", "or", "unless", "by", "without", "on", "ignoring", "offset", "bool", "inf", "nan"} | {
    *("group_left", "group_right", "start", "end")
}
_GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR: Final = re.compile(r"(?<![\w:$])([a-zA-Z_:][\w:]*)(?![\w:])(?!\s*\()\s*(?:\{([^}]*)\})?")


def named(query: str) -> tuple[dict[str, set[str]], set[str]]:
    """Metrics of a query, each with the labels it is chosen by, and the labels the query groups by."""
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', '""', query)
    labels = {label.strip() for group in _GROUPING.findall(plain) for label in group.split(",") if label.strip()}
    plain = _GROUPING.sub(" ", plain)
    plain = re.sub(r"\[[^\]]*\]", " ", plain)
    plain = re.sub(r"\boffset\s+\w+", " ", plain)
    found: dict[str, set[str]] = {}
    for name, chosen in _SELECTOR.findall(plain):
        if name not in _NOT_NAMES:
            found.setdefault(name, set()).update(re.findall(rf"({_LABEL})\s*(?:=~|!~|!=|=)", chosen))
    return found, labels


TARGET_LABELS: Final = {"region", "instance", "job"}


def exposed() -> dict[str, set[str]]:
    """Names of series that /metrics has or Prometheus adds, each with its labels."""
    found: dict[str, set[str]] = {
        "up": set(TARGET_LABELS),
        "aiba_build_info": {*TARGET_LABELS, "tier"},
        "aiba_dependency_up": {*TARGET_LABELS, "dependency"},
    }
    for family in FAMILIES.values():
        labels = {*TARGET_LABELS, *family.labels}
        if family.kind != "histogram":
            found[family.name] = labels
            continue
        for name in {family.name, family.region_name or family.name}:
            found |= {f"{name}_bucket": {*labels, "le"}, f"{name}_sum": labels, f"{name}_count": labels}
    for rule in rules():
        if "record" in rule:
            found[rule["record"]] = {*named(rule["expr"])[1], "region"} - {"le"}
    # Prometheus's own, of alerts that are raised.
    found["ALERTS"] = {*TARGET_LABELS, "alertname", "alertstate", "severity"}
    return found


def check_names(query: str, where: str) -> None:
    """Fails when a query names a metric or a label that nobody exposes."""
    known = exposed()
    metrics, groups = named(query)
    assert metrics, f"{where}: no metric in {query}"
    for name, labels in metrics.items():
        assert name in known, f"{where}: nobody exposes {name}"
        assert labels <= known[name], f"{where}: {name} has no label {labels - known[name]}"
    reached = set().union(*(known[name] for name in metrics))
    assert groups <= reached, f"{where}: nothing it names has the label {groups - reached}"


class Prometheus:
    """A running server."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self._log = log

    def ask(self, path: str, **parameters: str) -> Any:
        """Its data; fails with its error."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from error

    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextlib.contextmanager
def running_prometheus(directory: Path, targets: list[Json], *, interval: str = "1s") -> Iterator[Prometheus]:
    """The repository's configuration on a free port, with these targets; it scrapes and evaluates each ``interval``."""
    shutil.copytree(FOLDER, directory / "prometheus")
    config = directory / "prometheus" / "prometheus.yml"
    settings = yaml.safe_load(config.read_text())
    settings["global"] = dict.fromkeys(settings["global"], interval)
    for job in settings["scrape_configs"]:
        job["scrape_timeout"] = interval
    config.write_text(yaml.safe_dump(settings))
    (config.parent / "targets" / "test.json").write_text(json.dumps(targets))
    port, log = free_ports(1)[0], directory / "prometheus.log"
    command = [
        str(program("prometheus")),
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=directory)
    server = Prometheus(f"http://127.0.0.1:{port}", log)
    try:
        eventually(lambda: process.poll() is not None or server.is_ready(), seconds=60)
        assert process.poll() is None, server.output()
        yield server
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def serving(pages: Mapping[str, Callable[[], tuple[str, str]]]) -> Iterator[str]:
    """Serves pages by path, each called for its content type and text; gives host and port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content_type, text = pages[self.path]()
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
