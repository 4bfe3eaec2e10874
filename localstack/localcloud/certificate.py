"""A certificate for this machine alone, signed by an authority whose key nobody keeps."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.ports import LOOPBACK
from localcloud.state import PRIVATE_FILE_MODE, write_atomically

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_DAYS = 90
_LEAST_DAYS = 7
_NAMES = ("localhost", "arena.localhost")
_ADDRESSES = (LOOPBACK, "::1")


@dataclass(frozen=True)
class Certificate:
    """``bundle``: the server's certificate and key, its owner's alone to read. ``authority``: what clients trust."""

    bundle: Path
    authority: Path


def load_or_create(directory: Path, now: datetime.datetime) -> Certificate:
    """The certificate in ``directory``; a new one and a new authority where none is good for another week."""
    # Late: the command line's help must not wait for it.
    from cryptography import x509

    found = Certificate(directory / "front.pem", directory / "front-ca.pem")
    try:
        certificate = x509.load_pem_x509_certificate(found.bundle.read_bytes())
        current = certificate.not_valid_after_utc > now + datetime.timedelta(days=_LEAST_DAYS)
    except (OSError, ValueError):
        current = False
    if not current or not found.authority.exists():
        _create(found, now)
    return found


def _create(target: Certificate, now: datetime.datetime) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _signed("AIBA Arena local authority", authority_key, None, authority_key, now)
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in _NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in _ADDRESSES]
    certificate = _signed("AIBA Arena local front", key, authority, authority_key, now, names)
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_atomically(target.authority, authority.public_bytes(pem).decode())
    write_atomically(target.bundle, (certificate.public_bytes(pem) + secret).decode(), mode=PRIVATE_FILE_MODE)


def _signed(
    subject: str,
    key: "EllipticCurvePrivateKey",
    issuer: "x509.Certificate | None",
    issuer_key: "EllipticCurvePrivateKey",
    now: datetime.datetime,
    names: "list[x509.GeneralName] | None" = None,
) -> "x509.Certificate":
    """An authority where ``names`` is None, else a server's certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of machines that share a state directory differ.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(_usage(signs=names is None), critical=True)
    )
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(*, signs: bool) -> "x509.KeyUsage":
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
