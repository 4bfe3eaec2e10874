"""Fault: each function has its archive stored and unpacked for itself: three regions of the arena are one archive 42
times over, 400 MB uploaded before anything is answered, 67,000 files that take longer to delete than to use, and each
copy compiles the same modules again.

Now: equal archives are stored once in each region and unpacked once, and both go with the last function that uses them.
"""

import base64
import dataclasses
import tempfile
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from localstack.services.lambda_ import provider
from localstack.services.lambda_.invocation import lambda_service
from localstack.services.lambda_.invocation.lambda_models import S3Code

from arena_lambda.patches.replacing import replace

_storing = threading.RLock()
_unpacking = threading.RLock()
"""Not one for both: what is stored next need not wait until the first is unpacked."""
_users: defaultdict[Path, set[str]] = defaultdict(set)
"""Ids of the codes that were unpacked to a directory and not destroyed since."""
_stored: dict[tuple[str, str, str], S3Code] = {}
"""By account, region and digest: a code whose archive is stored."""
_holders: defaultdict[str, set[str]] = defaultdict(set)
"""Ids of the codes whose archive is stored under a key."""


def apply() -> None:
    """Name archives and directories by what is in them, and count who uses them."""
    for module in (lambda_service, provider):
        replace(module, "store_lambda_archive", _build_store)
    replace(S3Code, "get_unzipped_code_location", _build_location)
    replace(S3Code, "prepare_for_execution", _build_prepare)
    replace(S3Code, "destroy_cached", _build_destroy_cached)
    replace(S3Code, "destroy", _build_destroy)


def _build_store(original: Callable[..., S3Code]) -> Callable[..., S3Code]:
    def store_lambda_archive(archive_file: bytes, function_name: str, region_name: str, account_id: str) -> S3Code:
        place = (account_id, region_name, sha256(archive_file).hexdigest())
        with _storing:
            known = _stored.get(place)
            if known is None:
                code = original(archive_file, function_name, region_name, account_id)
                _stored[place] = code
            else:
                own_id = f"{function_name}-{uuid.uuid4()}"
                code = dataclasses.replace(known, id=own_id, _disk_lock=threading.RLock())
            _holders[code.s3_key].add(code.id)
            return code

    return store_lambda_archive


def _build_destroy(original: Callable[[S3Code], None]) -> Callable[[S3Code], None]:
    def destroy(code: S3Code) -> None:
        with _storing:
            holders = _holders[code.s3_key]
            holders.discard(code.id)
            if holders:
                code.destroy_cached()
                return
            for place in [place for place, stored in _stored.items() if stored.s3_key == code.s3_key]:
                del _stored[place]
            del _holders[code.s3_key]
            original(code)

    return destroy


def _build_location(_: Callable[[S3Code], Path]) -> Callable[[S3Code], Path]:
    def get_unzipped_code_location(code: S3Code) -> Path:
        digest = base64.b64decode(code.code_sha256).hex()
        return Path(tempfile.gettempdir(), "lambda", digest, "code")

    return get_unzipped_code_location


def _build_prepare(original: Callable[[S3Code], None]) -> Callable[[S3Code], None]:
    def prepare_for_execution(code: S3Code) -> None:
        with _unpacking:
            original(code)
            _users[code.get_unzipped_code_location()].add(code.id)

    return prepare_for_execution


def _build_destroy_cached(original: Callable[[S3Code], None]) -> Callable[[S3Code], None]:
    def destroy_cached(code: S3Code) -> None:
        with _unpacking:
            users = _users[code.get_unzipped_code_location()]
            users.discard(code.id)
            if not users:
                original(code)

    return destroy_cached
