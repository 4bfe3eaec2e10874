"""Which regions are near whom, as data.

An area is a part of the world whose clients prefer regions in one order. The orders follow distances by cable, not
measurements of ours. In AWS it is Route 53 that measures; this is for a front of one's own.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

AREAS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "americas": ("us-east-1", "eu-west-1", "ap-southeast-1"),
        "europe": ("eu-west-1", "us-east-1", "ap-southeast-1"),
        "asia": ("ap-southeast-1", "eu-west-1", "us-east-1"),
        "pacific": ("ap-southeast-1", "us-east-1", "eu-west-1"),
    }
)
"""Area → regions, the nearest first. ``europe`` holds Africa, too; ``asia`` the Middle East and South Asia."""

_COUNTRIES: Final = {
    "americas": (
        "AG AI AR AW BB BL BM BO BQ BR BS BZ CA CL CO CR CU CW DM DO EC FK GD GF GL GP GT GY HN HT JM KN KY "
        "LC MF MQ MS MX NI PA PE PM PR PY SR SV SX TC TT US UY VC VE VG VI"
    ),
    "europe": (
        "AD AL AO AT AX BA BE BF BG BI BJ BW BY CD CF CG CH CI CM CV CY CZ DE DJ DK DZ EE EG EH ER ES ET FI "
        "FO FR GA GB GE GG GH GI GM GN GQ GR GW HR HU IE IL IM IS IT JE KE KM LI LR LS LT LU LV LY MA MC MD "
        "ME MG MK ML MR MT MU MW MZ NA NE NG NL NO PL PT RE RO RS RU RW SC SD SE SH SI SJ SK SL SM SN SO SS "
        "ST SZ TD TG TN TR TZ UA UG VA XK YT ZA ZM ZW"
    ),
    "asia": "AE AF AM AZ BD BH BT IN IO IQ IR JO KG KW KZ LB LK MV NP OM PK PS QA SA SY TJ TM UZ YE",
    "pacific": (
        "AQ AS AU BN CC CK CN CX FJ FM GU HK HM ID JP KH KI KP KR LA MH MM MN MO MP MY NC NF NR NU NZ PF PG "
        "PH PN PW SB SG TH TK TL TO TV TW UM VN VU WF WS"
    ),
}

COUNTRIES: Final[Mapping[str, str]] = MappingProxyType(
    {country: area for area, countries in _COUNTRIES.items() for country in countries.split()}
)
"""ISO 3166 code → area."""

TEST_NETWORKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "127.50.0.0/16": "americas",
        "127.51.0.0/16": "europe",
        "127.52.0.0/16": "asia",
        "127.53.0.0/16": "pacific",
    }
)
"""Loopback addresses of the local cloud that stand for clients of an area."""

REGION_HEADER: Final = "X-Arena-Region"
"""Names the region a client wants, before all else."""
COUNTRY_HEADER: Final = "CF-IPCountry"
"""Names the client's country; a CDN before the front sets it. It chooses a region and nothing else, so that whoever
makes one up has a longer way, no more."""


def orders(regions: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Area → order of ``regions``; those that no area knows come last, in their own order."""
    return {
        area: (*(region for region in known if region in regions), *(one for one in regions if one not in known))
        for area, known in AREAS.items()
    }


def area_of_region(region: str, regions: Sequence[str]) -> str | None:
    """The area that begins with ``region``, if one does."""
    return next((area for area, order in orders(regions).items() if order[0] == region), None)


def default_area(regions: Sequence[str]) -> str:
    """Of clients from nowhere known: where the region of the highest priority is the nearest."""
    return area_of_region(regions[0], regions) or next(iter(AREAS))
