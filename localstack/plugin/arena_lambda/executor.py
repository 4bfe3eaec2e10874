"""LocalStack's runtime executor whose environments are processes on this machine.

LocalStack creates one executor per Lambda environment. The executor outlives its process: a process that
crashed, was killed or timed out is replaced under the same environment, as Lambda does.
"""

import logging
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import ShutdownDuringStartup, StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from arena_lambda import results
from arena_lambda.child_environment import child_environment
from arena_lambda.exchange import Answer, InitFailedError, Invocation, ProcessEndedError
from arena_lambda.function_log import FunctionLog
from arena_lambda.runtime_process import RuntimeProcess
from arena_lambda.settings import load_settings

LOG = logging.getLogger(__name__)

# Processes that die younger, several in a row, die of their own code: replacing them at once would spin.
# The next one is started when an invocation asks for it.
YOUNG_SECONDS = 1.0
YOUNG_DEATHS_MAX = 3
_ATTEMPTS = 3


class ProcessRuntimeExecutor(RuntimeExecutor):
    """One Lambda environment: at most one process at a time, one invocation at a time."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id, function_version)
        self._settings = load_settings()
        self._lock = threading.Lock()
        self._process: RuntimeProcess | None = None
        self._log: FunctionLog | None = None
        self._environment: dict[str, str] = {}
        self._init_ms: float | None = None
        self._young_deaths = 0
        self._stopping = False

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpack the code once; every environment of the version runs from the same directory."""
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Keep the code: other versions may share it, and LocalStack deletes what none uses."""

    def get_address(self) -> str:
        """Address of the environment as LocalStack sees it."""
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        """Address of LocalStack as the environment sees it."""
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        """LocalStack's own route for its init process, which this executor has no use for."""
        return f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    def get_logs(self) -> str:
        """The end of what this environment has printed so far."""
        return self._log.tail() if self._log else ""

    def start(self, env_vars: dict[str, Any]) -> None:
        """Start the process and wait until its handler is loaded.

        Raises StatusErrorException with Lambda's error document when the code cannot be loaded, and
        ShutdownDuringStartup when LocalStack gives up waiting (it calls ``stop`` from its own timer).
        """
        version = self.function_version
        code = Path(version.config.code.get_unzipped_code_location())
        self._environment = child_environment(env_vars, code=code, runtime=version.config.runtime)
        with self._lock:
            if self._stopping:
                raise ShutdownDuringStartup("the environment was stopped before it started")
            self._log = FunctionLog(
                self._settings.log_dir, version.id.region, version.id.function_name, version.id.qualifier, self.id
            )
            process = self._process = self._spawn()
        try:
            process.exchange.wait_ready()
        except InitFailedError as failure:
            raise StatusErrorException("the handler could not be loaded", payload=failure.payload) from failure
        except ProcessEndedError as failure:
            if self._stopping:
                raise ShutdownDuringStartup("the environment was stopped while it started") from failure
            payload = results.runtime_exit(self.id, process.exit_code)
            raise StatusErrorException("the runtime ended while it started", payload=payload) from failure
        self._init_ms = process.age_seconds * 1000

    def stop(self) -> None:
        """Let a running invocation finish, then end the process. Idempotent."""
        with self._lock:
            self._stopping = True
            process, self._process = self._process, None
        if process is None:
            return
        if process.exchange.initialised and process.exchange.wait_idle(self.function_version.config.timeout + 1):
            process.terminate()
        else:
            process.kill()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Run one invocation. A crash, a time-out and a failed restart are results; nothing is raised for them."""
        timeout_seconds = self.function_version.config.timeout
        request_id = payload["invoke-id"]
        log = self._log
        if log is None:
            raise RuntimeError(f"environment {self.id} was invoked before it was started")
        log.rotate()
        offset = log.size()
        log.write(f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}")
        started = time.monotonic()
        answer = self._run(payload, request_id, timeout_seconds)
        if len(answer.payload) > results.MAX_RESPONSE_BYTES:
            answer = Answer(results.response_too_large(), is_error=True)
        log.write(f"END RequestId: {request_id}")
        log.write(self._report(request_id, (time.monotonic() - started) * 1000))
        return InvocationResult(request_id, answer.payload, is_error=answer.is_error, logs=log.since(offset))

    def _run(self, payload: dict[str, str], request_id: str, timeout_seconds: int) -> Answer:
        exit_code: int | None = None
        for _ in range(_ATTEMPTS):
            process = self._live_process()
            try:
                process.exchange.wait_ready(config.LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT)
                invocation = Invocation(
                    request_id=request_id,
                    payload=payload["payload"].encode(),
                    function_arn=payload["invoked-function-arn"],
                    trace_id=payload["trace-id"],
                    deadline_ms=int((time.time() + timeout_seconds) * 1000),
                )
                return process.exchange.invoke(invocation, timeout_seconds)
            except InitFailedError as failure:
                return Answer(failure.payload, is_error=True)
            except TimeoutError:
                process.kill()
                return Answer(results.time_out(request_id, timeout_seconds), is_error=True)
            except ProcessEndedError as failure:
                process.kill()
                exit_code = process.exit_code
                if failure.taken:
                    break
                # The process died idle, before it saw the request: another one may run it safely.
        return Answer(results.runtime_exit(request_id, exit_code), is_error=True)

    def _live_process(self) -> RuntimeProcess:
        with self._lock:
            if self._stopping:
                raise RuntimeError(f"environment {self.id} is stopping")
            if self._process is None or self._process.exchange.closed:
                self._process = self._spawn()
            return self._process

    def _spawn(self) -> RuntimeProcess:
        launcher = Path(__file__).with_name("launch.py")
        return RuntimeProcess(
            [str(self._settings.runtime_python), "-P", str(launcher), self.function_version.config.handler],
            self._environment,
            directory=Path(self._environment["LAMBDA_TASK_ROOT"]),
            output=self._log.fileno() if self._log else -1,
            on_exit=self._replace,
        )

    def _replace(self, ended: RuntimeProcess) -> None:
        """Bring a new process up before the next invocation needs it."""
        with self._lock:
            if self._stopping or self._process is not ended or not ended.exchange.initialised:
                return
            LOG.warning("Runtime process %s of %s ended (%s)", ended.pid, self.id, ended.exit_code)
            self._young_deaths = self._young_deaths + 1 if ended.age_seconds < YOUNG_SECONDS else 0
            if self._young_deaths <= YOUNG_DEATHS_MAX:
                self._process = self._spawn()

    def _report(self, request_id: str, duration_ms: float) -> str:
        init_ms, self._init_ms = self._init_ms, None
        return results.report_line(
            request_id,
            duration_ms=duration_ms,
            memory_mb=self.function_version.config.memory_size,
            used_mb=self._resident_mb(),
            init_ms=init_ms,
        )

    def _resident_mb(self) -> int:
        process = self._process
        try:
            return psutil.Process(process.pid).memory_info().rss // 2**20 if process else 0
        except psutil.Error:
            return 0
