"""Every example is loaded by the real binary; only names, paths and privileged places are put into reach."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from infra.cli.local_front import LOCAL_NGINX
from infra.fronts import haproxy, nginx
from infra.fronts.examples import fronts
from infra.fronts.model import Front, Pool, Region, Server
from localcloud.haproxy import haproxy_binary
from localcloud.nginx import nginx_binary
from localcloud.ports import LOOPBACK, free_ports
from tests.integration.fronts.world import certified

IN_PLACE = haproxy.Runtime(directory=".")


def within_reach(front: Front, directory: Path) -> Front:
    """With servers whose names need no name server, ports anyone may have, and a certificate that is there."""
    (plain, tls), (certificate, _) = free_ports(2), certified(directory)
    return replace(
        front,
        regions=tuple(_local(region) for region in front.regions),
        http_port=plain,
        https_port=tls,
        certificate=str(certificate.bundle),
        authorities=str(certificate.authority),
        resolver=None,
    )


def _local(region: Region) -> Region:
    websocket = None if region.websocket is None else _pool(region.websocket)
    return replace(region, api=_pool(region.api), websocket=websocket)


def _pool(pool: Pool) -> Pool:
    return replace(pool, servers=tuple(Server(LOOPBACK, 5000 + number) for number in range(len(pool.servers))))


@pytest.mark.parametrize("name", list(fronts()))
def test_nginx_loads(name: str, tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(nginx.render(within_reach(fronts()[name], tmp_path), LOCAL_NGINX))
    command = [str(nginx_binary()), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", "stderr", "-t"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


@pytest.mark.parametrize("name", list(fronts()))
def test_haproxy_loads(name: str, tmp_path: Path) -> None:
    front = within_reach(fronts()[name], tmp_path)
    for file, text in {**haproxy.files(front), "haproxy.cfg": haproxy.render(front, IN_PLACE)}.items():
        (tmp_path / file).write_text(text)
    command = [str(haproxy_binary()), "-c", "-f", "haproxy.cfg"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
