"""Stands where ``redis-cli`` does in shell scripts: ``redis-cli -e -h HOST -p PORT COMMAND…``, answers as text.

Exit code 1 for an answer that is an error, as ``-e`` asks for. Scripts call it often, so it imports little.
"""

import socket
import sys


def main(arguments: list[str]) -> int:
    errors, _, host, _, port, *command = arguments
    assert errors == "-e", "a script must notice errors"
    with socket.create_connection((host, int(port)), timeout=60) as connection, connection.makefile("rb") as answers:
        words = [word.encode() for word in command]
        connection.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words))
        line = answers.readline()[:-2].decode()
        kind, rest = line[0], line[1:]
        print(answers.read(int(rest)).decode() if kind == "$" else rest)
    return int(kind == "-")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
