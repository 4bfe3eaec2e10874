"""A manifest says what is in a backup, and notices when it is not what was written."""

import json
from dataclasses import replace

import pytest

from chalicelib.backup.codec import BadDocuments, Compressor, count, decompressed, split
from chalicelib.backup.manifest import BadManifest, decoded, encoded
from chalicelib.backup.naming import BackupName, manifests_of, of_manifest, of_part
from chalicelib.backup.restoring import roles_to_restore
from chalicelib.replication.failover import plan_return
from tests.backup_worlds import manifest

NAME = manifest().name


def test_it_reads_as_it_was_written() -> None:
    assert decoded(NAME, encoded(manifest())) == manifest()


@pytest.mark.parametrize("place", range(0, len(encoded(manifest())), 37))
def test_any_changed_byte_is_noticed(place: int) -> None:
    stored = bytearray(encoded(manifest()))
    stored[place] ^= 1
    with pytest.raises(BadManifest, match=NAME.manifest_key):
        decoded(NAME, bytes(stored))


@pytest.mark.parametrize("stored", [b"", b"{}", b"[]", b"null", b'{"digest":"x"}', encoded(manifest())[:-40]])
def test_what_is_no_manifest_is_refused(stored: bytes) -> None:
    with pytest.raises(BadManifest, match=NAME.manifest_key):
        decoded(NAME, stored)


def test_one_of_another_backup_is_refused() -> None:
    other = BackupName("us-east-1", "arena", "20261123T110000Z-0000000f")
    with pytest.raises(BadManifest, match="is that of another backup"):
        decoded(other, encoded(manifest()))


def test_one_whose_sums_are_wrong_is_refused() -> None:
    whole = manifest()
    (users,) = whole.collections
    with pytest.raises(BadManifest, match="the parts of users"):
        decoded(NAME, encoded(replace(whole, collections=(replace(users, documents=users.documents + 1),))))


def test_one_of_a_release_to_come_is_refused() -> None:
    stored = encoded(manifest()).replace(b'"format":1', b'"format":2')
    with pytest.raises(BadManifest, match="damaged"):
        decoded(NAME, stored)
    assert json.loads(encoded(manifest()))["format"] == 1


def test_objects_are_known_by_their_keys() -> None:
    assert of_manifest(NAME.manifest_key) == NAME
    assert of_part(NAME.part_key("odd/../name", 3)) == NAME
    assert "/../" not in NAME.part_key("odd/../name", 3)
    for key in ("manifests/a/b/c.json", f"x{NAME.manifest_key}", "manifests/../../20261123T120000Z-00000000.json", ""):
        assert of_manifest(key) is None
    assert NAME.manifest_key.startswith(manifests_of(NAME.region, NAME.database))
    assert manifests_of(None, "arena") == manifests_of()


def test_runs_of_documents_are_split_and_counted() -> None:
    one, other = b"\x05\0\0\0\0", b"\x0c\0\0\0\x10a\0\1\0\0\0\0"
    assert split(one + other + one) == [one, other, one]
    assert count(b"") == 0
    for wrong in (b"\x05\0\0\0", b"\x06\0\0\0\0", b"\0\0\0\0\0", one + b"\xff\xff\xff\xff\0"):
        with pytest.raises(BadDocuments):
            split(wrong)


def test_compressing_says_the_same_twice_and_takes_no_more_room_than_was_said() -> None:
    raw = b"arena" * 1000
    stored = [_compressed(raw), _compressed(raw)]
    assert stored[0] == stored[1]
    assert decompressed(stored[0], len(raw)) == raw
    for size in (len(raw) - 1, len(raw) + 1, 0):
        with pytest.raises(BadDocuments, match="does not hold"):
            decompressed(stored[0], size)
    for damaged in (stored[0][:-9], b"", b"no gzip"):
        with pytest.raises(BadDocuments):
            decompressed(damaged, len(raw))


def _compressed(raw: bytes) -> bytes:
    compressor = Compressor()
    for start in range(0, len(raw), 7):
        compressor.add(raw[start : start + 7])
    return compressor.finish()


def test_a_restored_region_serves_nobody_and_believes_the_others_serve_themselves() -> None:
    """Whatever was so at the backup: a takeover since then must not be undone by an old document."""
    old = [
        {"region": "us-east-1", "servedBy": "us-east-1", "epoch": 4, "url": "https://u"},
        {"region": "eu-west-1", "servedBy": "us-east-1", "epoch": 6, "url": None},
    ]
    whole = replace(manifest(), regions=("us-east-1", "eu-west-1", "ap-southeast-1"), roles=old)
    assert roles_to_restore(whole) == [
        {"_id": "us-east-1", "servedBy": None, "epoch": 5, "url": "https://u"},
        {"_id": "eu-west-1", "servedBy": "eu-west-1", "epoch": 0},
        {"_id": "ap-southeast-1", "servedBy": "ap-southeast-1", "epoch": 0},
    ]
    assert roles_to_restore(replace(whole, regions=())) == []


@pytest.mark.parametrize(
    ("of", "known", "written"),
    [
        # It served itself, as far as its database knew: it does not any more, whatever the backup's epoch.
        ("us-east-1", {"servedBy": "us-east-1", "epoch": 9}, {"servedBy": None, "epoch": 10}),
        ("us-east-1", {"servedBy": None, "epoch": 9}, {"servedBy": None, "epoch": 10}),
        # A failover has said since that another serves: so it stays.
        ("us-east-1", {"servedBy": "eu-west-1", "epoch": 2}, None),
        ("eu-west-1", {"servedBy": "ap-southeast-1", "epoch": 2}, None),
        # It had taken over: no more, with a database of before.
        ("eu-west-1", {"servedBy": "us-east-1", "epoch": 2}, {"servedBy": None, "epoch": 3}),
    ],
)
def test_what_a_failover_said_meanwhile_counts(of: str, known: dict[str, object], written: object) -> None:
    whole = replace(manifest(), regions=("us-east-1", "eu-west-1"))
    found = {one.pop("_id"): one for one in roles_to_restore(whole, [{"_id": of, **known}])}
    assert found.get(of) == written


def test_its_players_are_given_back_with_and_without_a_failover_before() -> None:
    """What it wrote is above what anybody knew at the backup, and below a takeover since then."""
    regions = ("us-east-1", "eu-west-1")
    restored = roles_to_restore(replace(manifest(), regions=regions))
    at_the_backup = [{"_id": "us-east-1", "servedBy": "us-east-1", "epoch": 0}]
    taken_over = [{"_id": "us-east-1", "servedBy": "eu-west-1", "epoch": 2}]
    for others, epoch in ((at_the_backup, 2), (taken_over, 3)):
        found = {"us-east-1": restored, "eu-west-1": others}
        takeover = plan_return(regions, found, region="us-east-1")
        assert (takeover.serving, takeover.epoch) == ("us-east-1", epoch)
