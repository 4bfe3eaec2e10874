"""How a log line looks: one JSON object, in ASCII, with the correlation id, and an exception without its words.

A driver's message may hold documents, a parser's what it was given: of an exception the line has types, codes and
places in the code.
"""

import json
import logging
import os
import sys
import traceback
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import IO, Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

SERVICE: Final = "POWERTOOLS_SERVICE_NAME"
LEVEL: Final = "POWERTOOLS_LOG_LEVEL"
TIER_LEVEL: Final = "LOG_LEVEL"
SAMPLE_RATE: Final = "POWERTOOLS_LOGGER_SAMPLE_RATE"
TRACE: Final = "_X_AMZN_TRACE_ID"

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
DEFAULT_LEVEL: Final = "INFO"
CAUSES_MAX: Final = 8
_NOT_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def new_logger(environ: Mapping[str, str], correlation: Callable[[], str], stream: IO[str] | None = None) -> Logger:
    """A logger as ``environ`` has it. What it says wrongly is not used, and said in the log."""
    level = (environ.get(LEVEL) or environ.get(TIER_LEVEL) or DEFAULT_LEVEL).strip().upper()
    rate = _rate(environ.get(SAMPLE_RATE) or "0")
    refused = [name for name, wrong in ((LEVEL, level not in LEVELS), (SAMPLE_RATE, rate is None)) if wrong]
    level, rate = level if level in LEVELS else DEFAULT_LEVEL, rate or 0.0
    found = Logger(
        service=environ.get(SERVICE, "aiba-arena"),
        # What is sampled is decided line by line.
        level="DEBUG" if rate else level,
        sampling_rate=0.0,
        stream=stream or sys.stdout,
        logger_formatter=LineFormatter(),
    )
    found.remove_keys(["sampling_rate"])
    found.addFilter(_Chosen(logging.getLevelNamesMapping()[level], rate, correlation))
    for name in refused:
        found.warning("log setting not used", setting=name)
    return found


def sampled(correlation_id: str, rate: float) -> bool:
    """Whether this id is one of ``rate`` (0..1) of all: the same in every function and region."""
    return bool(correlation_id) and zlib.crc32(correlation_id.encode()) < rate * 2**32


def _rate(text: str) -> float | None:
    try:
        rate = float(text)
    except ValueError:
        return None
    return rate if 0 <= rate <= 1 else None


class _Chosen(logging.Filter):
    """Gives each line its id, and keeps those of the level, and all of sampled ids."""

    def __init__(self, level: int, rate: float, correlation: Callable[[], str]) -> None:
        super().__init__()
        self._level = level
        self._rate = rate
        self._correlation = correlation

    def filter(self, record: logging.LogRecord) -> bool:
        correlation_id = self._correlation()
        if record.levelno < self._level and not sampled(correlation_id, self._rate):
            return False
        if correlation_id:
            record.correlation_id = correlation_id
        return True


class LineFormatter(LambdaPowertoolsFormatter):
    """Powertools' line, made in less time, and without what an exception says."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "level": record.levelname,
            "location": f"{record.funcName}:{record.lineno}",
            # As written, whatever a library wants to put in: messages are constant.
            "message": record.msg,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            **{name: value for name, value in self.log_format.items() if name not in self.log_record_order},
            **{name: value for name, value in record.__dict__.items() if name not in _NOT_FIELDS},
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception_name"] = record.exc_info[0].__name__ if record.exc_info[0] else ""
            line["exception"] = "\n".join(_told(record.exc_info[1]))
        trace = os.environ.get(TRACE)
        if trace:
            line["xray_trace_id"] = trace.partition(";")[0].removeprefix("Root=")
        told = {name: value for name, value in line.items() if value is not None}
        return json.dumps(told, separators=(",", ":"), default=_name_of)


def fault(error: BaseException) -> str:
    """Its type, and its code if it has one: ``DuplicateKeyError(11000)``."""
    response = getattr(error, "response", None)
    sent = response.get("Error") if isinstance(response, Mapping) else None
    codes = (getattr(error, "code", None), sent.get("Code") if isinstance(sent, Mapping) else None)
    code = next((one for one in (*codes, getattr(error, "errno", None)) if isinstance(one, str | int)), None)
    return type(error).__name__ if code is None else f"{type(error).__name__}({code})"


def _told(error: BaseException) -> Iterator[str]:
    """The last one first: where it was raised, what it is, and what it came of."""
    seen: BaseException | None = error
    for _ in range(CAUSES_MAX):
        if seen is None:
            return
        yield fault(seen)
        for frame in reversed(traceback.extract_tb(seen.__traceback__)):
            yield f"  at {frame.filename}:{frame.lineno} {frame.name}"
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
        if seen is not None:
            yield "because of"


def _name_of(value: object) -> str:
    """Of a value JSON has no type for: what it is, not what it holds."""
    return f"<{type(value).__name__}>"
