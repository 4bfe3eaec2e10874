"""Loads a function as Lambda's runtime does and invokes it once; prints what both took, as JSON.

Run by path in an unpacked package, whose interpreter knows nothing of the checkout: standard library only.
Arguments: the handler's dotted name, its event, and ``dataclasses`` to say as well what making those took.
"""

import contextlib
import dataclasses
import io
import json
import sys
import time
from importlib import import_module
from types import SimpleNamespace
from typing import Any


def _measured(event: Any, handler_name: str) -> dict[str, Any]:
    context = SimpleNamespace(aws_request_id="cold", function_name="cold", get_remaining_time_in_millis=lambda: 25_000)
    module, _, name = handler_name.rpartition(".")
    wall, cpu = time.perf_counter(), time.process_time()
    handler = getattr(import_module(module), name)
    imported = (time.perf_counter() - wall, time.process_time() - cpu)
    wall, cpu = time.perf_counter(), time.process_time()
    answer, failed = None, None
    try:
        answer = handler(event, context)
    except Exception as error:  # noqa: BLE001 - that it fails, and with what, is what is told
        failed = type(error).__name__
    served = (time.perf_counter() - wall, time.process_time() - cpu)
    return {"import": imported, "first": served, "answer": answer, "failed": failed}


def _watched() -> list[float]:
    """Seconds of the processor that each dataclass takes to be made, from now on."""
    taken: list[float] = []
    original = dataclasses._process_class  # type: ignore[attr-defined]

    def process(*arguments: Any) -> Any:
        started = time.process_time()
        try:
            return original(*arguments)
        finally:
            taken.append(time.process_time() - started)

    dataclasses._process_class = process  # type: ignore[attr-defined]
    return taken


def main() -> None:
    handler_name, event, *wishes = sys.argv[1:]
    # There before any function in a real environment, too.
    import_module("awslambdaric.bootstrap")
    made = _watched() if "dataclasses" in wishes else []
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        found = _measured(json.loads(event), handler_name)
    json.dump({**found, "dataclasses": made}, sys.stdout, default=str)


main()
