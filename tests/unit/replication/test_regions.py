"""Who serves whom, as documents say, and how long that is believed."""

import itertools
from collections.abc import Iterator

import pytest

from chalicelib.arena.homes import NotHome
from chalicelib.errors import Unavailable
from chalicelib.replication.regions import ROLES_SECONDS, KnownRoles, roles_of

REGIONS = ("us-east-1", "eu-west-1")


def test_a_region_without_a_document_serves_itself() -> None:
    roles = roles_of(REGIONS, [{"_id": "eu-west-1", "servedBy": "us-east-1", "epoch": 2, "url": "https://eu"}])
    assert list(roles) == list(REGIONS)
    assert (roles["us-east-1"].served_by, roles["us-east-1"].epoch) == ("us-east-1", 0)
    assert (roles["eu-west-1"].served_by, roles["eu-west-1"].url) == ("us-east-1", "https://eu")


def test_roles_are_read_again_after_a_second() -> None:
    now, reads = [0.0], itertools.count()
    known = KnownRoles("eu-west-1", REGIONS, lambda: [{"_id": "us-east-1", "epoch": next(reads)}], lambda: now[0])
    assert known.roles()["us-east-1"].epoch == 0
    now[0] = ROLES_SECONDS - 0.01
    assert known.roles()["us-east-1"].epoch == 0
    now[0] = ROLES_SECONDS
    assert known.roles()["us-east-1"].epoch == 1


def test_what_took_longer_to_read_than_it_is_believed_is_not_believed() -> None:
    times: Iterator[float] = iter([0.0, ROLES_SECONDS, 10.0, 10.0])
    known = KnownRoles("eu-west-1", REGIONS, lambda: [], lambda: next(times))
    with pytest.raises(Unavailable, match="too slowly"):
        known.roles()
    assert known.roles()["us-east-1"].served_by == "us-east-1"


def test_who_has_no_home_belongs_to_the_first_region() -> None:
    known = KnownRoles("eu-west-1", REGIONS, lambda: [], lambda: 0.0)
    with pytest.raises(NotHome, match="us-east-1"):
        known.homes().require(None)
