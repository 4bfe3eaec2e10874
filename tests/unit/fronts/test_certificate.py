"""The local certificate: for whom, by whom, for how long, and who may read its key."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from localcloud.certificate import load_or_create

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_it_is_kept_until_its_last_week_and_then_made_anew(tmp_path: Path) -> None:
    first = load_or_create(tmp_path, NOW).bundle.read_bytes()
    assert load_or_create(tmp_path, NOW + timedelta(days=80)).bundle.read_bytes() == first
    assert load_or_create(tmp_path, NOW + timedelta(days=84)).bundle.read_bytes() != first


def test_a_damaged_one_and_one_without_its_authority_are_made_anew(tmp_path: Path) -> None:
    made = load_or_create(tmp_path, NOW)
    made.bundle.write_text("no certificate")
    assert b"CERTIFICATE" in load_or_create(tmp_path, NOW).bundle.read_bytes()
    made.authority.unlink()
    assert load_or_create(tmp_path, NOW).authority.exists()


def test_it_is_this_machine_s_alone_and_its_key_its_owner_s(tmp_path: Path) -> None:
    made = load_or_create(tmp_path, NOW)
    certificate = x509.load_pem_x509_certificate(made.bundle.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "arena.localhost"]
    assert sorted(map(str, names.get_values_for_type(x509.IPAddress))) == ["127.0.0.1", "::1"]
    assert made.bundle.stat().st_mode & 0o777 == 0o600
    # The authority's own key is in neither file: nothing else can be signed by it.
    assert b"PRIVATE" not in made.authority.read_bytes()
    assert made.bundle.read_bytes().count(b"BEGIN PRIVATE KEY") == 1
