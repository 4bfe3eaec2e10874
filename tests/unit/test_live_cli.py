"""``./arena live`` fails in plain words, and never shows the address it dials: that holds the sign-in."""

import socket
import threading
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from websockets.sync.server import ServerConnection, serve

from infra.cli.live import command


def live(url: str) -> Result:
    return CliRunner().invoke(command, ["--url", url, "--bot-token", "1:token"])


@pytest.fixture
def rude_server() -> Iterator[str]:
    """``host:port`` of a server that answers the handshake with something else."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(65536)
                client.sendall(b"220 mail.test ready\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join(60)


def assert_refused_plainly(done: Result, shown: str) -> None:
    assert (done.exit_code, type(done.exception)) == (1, SystemExit)
    assert f"Error: {shown} " in done.output
    assert not [word for word in ("initData", "hash", "secret", "Traceback") if word in done.output]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "ws://127.0.0.1:none/x", "ws:///x"])
def test_an_address_that_is_none_of_a_websocket(url: str) -> None:
    assert_refused_plainly(live(f"{url}?secret=1"), url)


def test_a_server_that_speaks_something_else(rude_server: str) -> None:
    assert_refused_plainly(live(f"ws://{rude_server}/x"), f"ws://{rude_server}/x")


def test_a_server_that_is_not_there() -> None:
    # Taken, so that nobody else listens there, and not listened to.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert_refused_plainly(live(f"ws://127.0.0.1:{port}/x"), f"ws://127.0.0.1:{port}/x")


def test_a_refused_subscription_ends_it() -> None:
    refusal = '{"type":"error","error":{"code":"validation_error","message":"league: unknown"}}'

    def answer(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(refusal)

    # However long a busy machine takes over the handshake.
    with serve(answer, "127.0.0.1", 0, open_timeout=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/x"
        done = CliRunner().invoke(command, ["--url", url, "--bot-token", "1:token", "--league", "nowhere"])
        server.shutdown()
        thread.join(60)
    assert done.exit_code == 1
    assert "Error: refused: validation_error: league: unknown" in done.output
