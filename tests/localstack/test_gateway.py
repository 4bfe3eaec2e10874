"""What API Gateway tells a function of the client, and who reaches it."""

import json
import socket
import urllib.request
from ipaddress import ip_address
from urllib.parse import urlsplit

import psutil

from tests.localstack.running import RunningLocalStack
from tests.localstack.stacks import Stack, service

ECHO = """
import json

def handler(event, context):
    told = {name: value for name, value in event["headers"].items() if name.lower() == "x-forwarded-for"}
    return {"statusCode": 200, "body": json.dumps([*told.values(), event["requestContext"]["identity"]["sourceIp"]])}
"""
"""Answers with the header's value and the source address."""
CLIENT_HELLO = b"\x16\x03\x01"
"""How a client begins who wants TLS."""


def test_the_peer_is_appended_to_the_addresses_a_client_sends(localstack: RunningLocalStack) -> None:
    stack = Stack(localstack)
    assert stack.create(service(ECHO)) == "CREATE_COMPLETE"
    url = f"{localstack.url}/_aws/execute-api/{stack.physical_id('Api')}/api/old"

    def told(**headers: str) -> list[str]:
        request = urllib.request.Request(url, headers={name.replace("_", "-"): text for name, text in headers.items()})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return list(json.load(answer))

    assert told() == ["127.0.0.1", "127.0.0.1"]
    assert told(X_Forwarded_For="1.2.3.4, 198.18.0.7") == ["1.2.3.4, 198.18.0.7, 127.0.0.1", "127.0.0.1"]


def test_nobody_else_on_the_network_reaches_it(localstack: RunningLocalStack) -> None:
    """Whatever it listens at is an address of this machine alone."""
    listening = [
        one.laddr.ip
        for one in psutil.Process(localstack.process.pid).net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert {ip_address(ip).is_loopback for ip in listening} == {True}


def test_it_speaks_plain_http_and_needs_no_certificate(localstack: RunningLocalStack) -> None:
    """One that several share is rewritten at each start, and read half by whoever starts just then."""
    where = urlsplit(localstack.url)
    with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
        connection.sendall(CLIENT_HELLO + b"\r\n\r\n")
        assert connection.recv(1024).startswith(b"HTTP/1.1 400 ")
