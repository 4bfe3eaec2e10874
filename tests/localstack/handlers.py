"""Source of the small functions the tests deploy."""

WHO = """
import os

def handler(event, context):
    return {
        "pid": os.getpid(),
        "version": context.function_version,
        "init": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"],
    }
"""
"""Says which process, version and kind of environment answers."""

ACTIONS = """
import os, threading

print("loaded")

def handler(event, context):
    print("asked for", event.get("do"), "of", os.getpid())
    match event.get("do"):
        case "raise":
            raise ValueError("no such broker")
        case "hang":
            threading.Event().wait()
        case "crash":
            os._exit(3)
        case "flood":
            return "x" * (7 * 1024 * 1024)
        case "environment":
            return dict(os.environ)
    return {"pid": os.getpid(), "arn": context.invoked_function_arn, "left": context.get_remaining_time_in_millis()}
"""
"""Misbehaves as asked."""

SLOW_TO_START = """
import os

if os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency":
    with open(os.environ["GATE"]):  # blocks until somebody opens the pipe for writing
        pass
""" + WHO.lstrip()
"""Its provisioned environments do not finish starting before the named pipe GATE is opened."""

WAITS = """
import os, subprocess

def handler(event, context):
    if event.get("child"):
        subprocess.Popen(["tail", "-f", "/dev/null"])
    with open(os.environ["STARTED"], "w") as started:
        started.write("yes")
    with open(os.environ["GATE"]):
        pass
    with open(os.environ["DONE"], "w") as done:
        done.write("yes")
    return "done"
"""
"""Writes STARTED, waits until the named pipe GATE is opened, writes DONE."""

BATCH = """
def handler(event, context):
    failed = [record["messageId"] for record in event["Records"] if "bad" in record["body"]]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}
"""
"""Fails the messages that say bad, and only those."""
