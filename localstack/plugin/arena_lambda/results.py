"""The documents and log lines with which Lambda itself answers for a function that cannot."""

import json
import math
import signal

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MB each way, synchronous.
MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100


def time_out(request_id: str, timeout_seconds: int) -> bytes:
    """Error document of an invocation that did not answer in time."""
    return _document(
        "Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout_seconds:.2f} seconds"
    )


def runtime_exit(request_id: str, exit_code: int | None) -> bytes:
    """Error document of a process that ended during an invocation or its initialisation."""
    return _document("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited {_describe_exit(exit_code)}")


def response_too_large() -> bytes:
    """Error document for an answer over the limit."""
    return _document(
        "Function.ResponseSizeTooLarge",
        f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes).",
    )


def report_line(request_id: str, *, duration_ms: float, memory_mb: int, used_mb: int, init_ms: float | None) -> str:
    """The REPORT line of https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html."""
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {math.ceil(duration_ms)} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {used_mb} MB",
    ]
    if init_ms is not None:
        fields.append(f"Init Duration: {init_ms:.2f} ms")
    return "\t".join(fields)


def _describe_exit(exit_code: int | None) -> str:
    if exit_code == 0:
        return "without providing a reason"
    if exit_code is None:
        return "with error: unknown"
    if exit_code < 0:
        return f"with error: signal: {signal.Signals(-exit_code).name}"
    return f"with error: exit status {exit_code}"


def _document(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()
