"""The guide's figures in what is rendered, the examples in the tree, and what makes no front."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from chalicelib.scaling.tiers import TIERS
from infra.cli.front import command
from infra.cli.local_front import RegionAddresses, front_before
from infra.fronts import haproxy, nginx
from infra.fronts.addresses import pool_at, server_at
from infra.fronts.examples import files
from infra.fronts.geography import AREAS, COUNTRIES, area_of_region, default_area, orders
from infra.fronts.model import Front, Pool, Region, Server
from infra.fronts.tiers import FRONTS, deployed
from localcloud.certificate import Certificate
from localcloud.topology import REGIONS

INFRA = Path(__file__).resolve().parents[3] / "infra"
BALANCERS = {"none": "none", "nginx": "nginx", "haproxy_or_alb": "haproxy", "several": "haproxy"}


def test_the_examples_are_what_the_code_renders() -> None:
    for name, text in files().items():
        assert (INFRA / name).read_text(encoding="utf-8") == text, f"{name}: run ./arena front examples"
    present = {str(path.relative_to(INFRA)) for kind in ("nginx", "haproxy") for path in (INFRA / kind).glob("*.*")}
    assert present == set(files())


def test_each_tier_has_the_front_of_the_guide_s_table() -> None:
    assert {name: front.kind for name, front in FRONTS.items()} == {
        name: BALANCERS[tier.load_balancer] for name, tier in TIERS.items()
    }
    assert [front.balancers for front in FRONTS.values()] == [0, 1, 1, 2]


def said(text: str, *lines: str) -> None:
    folded = {" ".join(line.split()) for line in text.splitlines()}
    assert [line for line in lines if line not in folded] == []


def test_nginx_has_the_guide_s_figures() -> None:
    text = nginx.render(deployed("production"))
    said(
        text,
        "least_conn;",
        *(f"server backend-{number}:5000 max_fails=3 fail_timeout=30s weight=1;" for number in (1, 2, 3)),
        "keepalive 32;",
        "limit_req_zone $api_client zone=api:10m rate=20r/s;",
        "limit_req_zone $battle_client zone=battle:10m rate=5r/s;",
        "limit_req zone=api burst=50 nodelay;",
        "limit_req zone=battle burst=10 nodelay;",
        "proxy_next_upstream error timeout http_500 http_502 http_503 http_504;",
        "proxy_next_upstream_tries 3;",
        "proxy_next_upstream_timeout 10s;",
        "gzip_min_length 1024;",
        "listen 80;",
        "listen 443 ssl;",
    )
    assert timeouts(text, "^~ /api/") == [5, 10, 10]
    assert timeouts(text, "^~ /api/battle/") == [3, 30, 30]
    # None waits in reserve: one that serves only when two are down is one that nobody knows to work.
    assert "backup" not in text
    assert "X-XSS-Protection" not in text


def timeouts(text: str, location: str) -> list[int]:
    block = text.split(f"location {location} {{")[1].split("}")[0]
    return [int(found) for found in re.findall(r"proxy_(?:connect|send|read)_timeout (\d+)s;", block)]


def test_no_header_is_added_inside_a_location() -> None:
    for front in (deployed("staging"), three_regions()):
        depth: list[str] = []
        wrong: list[str] = []
        for line in nginx.render(front).splitlines():
            if line.strip().startswith("add_header") and any(opened.startswith("location") for opened in depth):
                wrong.append(line)
            if line.rstrip().endswith("{"):
                depth.append(line.strip())
            elif line.strip() == "}":
                depth.pop()
        assert wrong == []
        assert depth == []


def test_haproxy_has_the_guide_s_figures() -> None:
    text = haproxy.render(deployed("production"))
    said(
        text,
        "maxconn 4096",
        "timeout connect 5s",
        "timeout client 50s",
        "timeout server 50s",
        "timeout http-request 10s",
        "timeout http-keep-alive 2s",
        "bind :80",
        "stick-table type ipv6 size 1m expire 30s store gpc0_rate(30s)",
        "stick-table type ipv6 size 1m expire 60s store gpc0_rate(60s)",
        "http-check send meth GET uri /health",
    )
    assert backend(text, "battle_home") == ("roundrobin", "3s", 2, 2, 3)
    assert backend(text, "api_home") == ("leastconn", "5s", 2, 3, 3)
    assert backend(text, "websocket_home") == ("source", "5s", 2, 3, 2)
    order = [re.search(rf"use_backend {kind}_home", text) for kind in ("websocket", "battle", "api")]
    assert [found.start() for found in order if found] == sorted(found.start() for found in order if found)
    assert "stats socket ipv4@127.0.0.1:" in text


def backend(text: str, name: str) -> tuple[str, str, int, int, int]:
    """Balance, interval, rise, fall and number of servers."""
    block = text.split(f"backend {name}\n")[1].split("\nbackend ")[0]
    found = re.search(r"default-server inter (\w+) rise (\d+) fall (\d+)", block)
    assert found is not None
    balance = re.search(r"balance (\w+)", block)
    assert balance is not None
    servers = len(re.findall(r"^ +server ", block, re.M))
    return balance[1], found[1], int(found[2]), int(found[3]), servers


def three_regions() -> Front:
    found = {
        name: RegionAddresses(f"http://127.0.0.1:4566/x/{name}", f"ws://127.0.0.1:4580/{name}") for name in REGIONS
    }
    return front_before(found, Certificate(Path("c.pem"), Path("ca.pem")), 8080, 8443)


def test_the_local_front_puts_each_region_s_prefix_before_the_path() -> None:
    front = three_regions()
    for name in REGIONS:
        assert f"uri /x/{name}/health hdr Host 127.0.0.1:4566" in haproxy.render(front)
        assert f"proxy_pass http://arena_{name.replace('-', '_')}_api/x/{name}$request_uri;" in nginx.render(front)
    assert front.http_port == 8080


def test_every_area_begins_somewhere_else_and_knows_all_regions() -> None:
    assert all(sorted(order) == sorted(REGIONS) for order in AREAS.values())
    assert {order[0] for order in AREAS.values()} == set(REGIONS)
    assert set(COUNTRIES.values()) == set(AREAS)
    assert all(re.fullmatch("[A-Z]{2}", country) for country in COUNTRIES)
    assert len(COUNTRIES) > 240


def test_regions_that_are_not_there_are_left_out_and_unknown_ones_come_last() -> None:
    assert orders(["eu-west-1", "sa-east-1"])["americas"] == ("eu-west-1", "sa-east-1")
    assert area_of_region("sa-east-1", ["eu-west-1", "sa-east-1"]) is None
    assert default_area(["ap-southeast-1", "us-east-1"]) == "asia"


@pytest.mark.parametrize(
    ("url", "pool"),
    [
        ("https://a.test/api/", Pool(servers=(Server("a.test", 443),), prefix="/api", host="a.test", tls=True)),
        ("http://127.0.0.1:4566/x", Pool(servers=(Server("127.0.0.1", 4566),), prefix="/x", host="127.0.0.1:4566")),
        ("ws://h:4580/r", Pool(servers=(Server("h", 4580),), prefix="/r", host="h:4580")),
    ],
)
def test_a_pool_from_a_url(url: str, pool: Pool) -> None:
    assert pool_at(url) == pool


@pytest.mark.parametrize("url", ["ftp://a", "a.test", "https://", "https://a/?x=1", "https://u@a/"])
def test_what_is_no_url_of_an_api_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="write http"):
        pool_at(url)


@pytest.mark.parametrize("text", ["a", "a:", ":1", "a:0", "a:70000", "a/b:1", "http://a:1"])
def test_what_is_no_instance_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        server_at(text)


def test_what_makes_no_front_is_refused() -> None:
    region = Region(name="r", api=Pool(servers=(Server("a", 1),)))
    wrongs: dict[str, Callable[[], object]] = {
        "needs a server": lambda: Pool(servers=()),
        "begin with a slash": lambda: Pool(servers=(Server("a", 1),), prefix="x"),
        "its certificate names": lambda: Pool(servers=(Server("a", 1),), tls=True),
        "needs a region": lambda: Front(regions=()),
        "each once": lambda: Front(regions=(region, replace(region))),
    }
    for why, wrong in wrongs.items():
        with pytest.raises(ValueError, match=why):
            wrong()


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("--tier", "staging"), 0, "least_conn;"),
        (("--tier", "production"), 0, "balance leastconn"),
        (("--tier", "production", "--backend", "10.0.0.7:80"), 0, "server api1 10.0.0.7:80 check"),
        (("--tier", "staging", "--region", "us-east-1=https://x.test/api"), 0, "proxy_ssl_name x.test;"),
        (("--tier", "staging", "--no-tls"), 0, "listen 80;"),
        (("--tier", "development"), 2, "tier development has no front"),
        (("--tier", "staging", "--backend", "x"), 2, "write HOST:PORT"),
        (("--tier", "staging", "--backend", "a:1", "--region", "r=https://x"), 2, "give one of them"),
        (("--tier", "staging", "--websocket", "r=wss://x"), 2, "no --region of that name"),
        (("--tier", "staging", "--region", "https://x"), 2, "NAME=URL"),
    ],
)
def test_the_command_line_renders_or_says_what_is_wrong(arguments: tuple[str, ...], code: int, expected: str) -> None:
    done = CliRunner().invoke(command, ["render", *arguments])
    assert done.exit_code == code, done.output
    assert expected in done.output


def test_all_files_are_written_on_request(tmp_path: Path) -> None:
    given = ("--region", "us-east-1=https://a.test", "--region", "eu-west-1=https://b.test")
    done = CliRunner().invoke(command, ["render", "--tier", "production", *given, "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.iterdir()} == {"haproxy.cfg", "countries.map"}
