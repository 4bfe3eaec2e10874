"""Packages: deterministic, reused, without needless files, and clear about what is wrong."""

import importlib.util
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chalicelib.dataclass_methods import file_in, kept_in
from infra.archive import remove_needless
from infra.package import PackageError, build_package
from tests.sample_project import write_sample_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_sample_project(tmp_path / "project")


def test_the_archive_holds_the_application_and_nothing_needless(project: Path, tmp_path: Path) -> None:
    cache = project / "chalicelib" / "__pycache__"
    cache.mkdir()
    for name in ("x", "__init__"):
        (cache / f"{name}.{sys.implementation.cache_tag}.pyc").write_bytes(b"stale")
    package = build_package("dev", tmp_path / "build", lambda _: None, project)
    with zipfile.ZipFile(package.zip_path) as archive:
        names = archive.namelist()
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        stale = archive.read(f"chalicelib/__pycache__/__init__.{sys.implementation.cache_tag}.pyc") == b"stale"
    sources = ["app.py", "chalice/__init__.py", "chalice/app.py", "chalicelib/__init__.py"]
    methods = file_in(Path("chalicelib")).as_posix()
    assert names == sorted([*sources, methods, *(importlib.util.cache_from_source(name) for name in sources)])
    assert not stale
    assert not (project / ".chalice" / "deployments").exists()


def test_nothing_is_built_twice(project: Path, tmp_path: Path) -> None:
    said: list[str] = []
    first = build_package("dev", tmp_path / "build", said.append, project)
    built = len(said)
    assert build_package("dev", tmp_path / "build", said.append, project) == first
    assert built
    assert len(said) == built


def test_equal_sources_give_equal_hashes_elsewhere(project: Path, tmp_path: Path) -> None:
    other = write_sample_project(tmp_path / "elsewhere")
    one = build_package("dev", tmp_path / "build", lambda _: None, project)
    two = build_package("dev", tmp_path / "build2", lambda _: None, other)
    assert (one.content_hash, one.template) == (two.content_hash, two.template)
    assert one.zip_path.read_bytes() == two.zip_path.read_bytes()


def test_a_changed_source_is_packaged_anew(project: Path, tmp_path: Path) -> None:
    before = build_package("dev", tmp_path / "build", lambda _: None, project)
    (project / "chalicelib" / "new.py").write_text("X = 1\n")
    after = build_package("dev", tmp_path / "build", lambda _: None, project)
    assert before.content_hash != after.content_hash
    with zipfile.ZipFile(after.zip_path) as archive:
        assert "chalicelib/new.py" in archive.namelist()


def test_the_package_runs_without_compiling_and_tells_places_as_they_are(project: Path, tmp_path: Path) -> None:
    (project / "chalicelib" / "failing.py").write_text("def fail():\n    return 1 / 0\n")
    package, unpacked = build_package("dev", tmp_path / "build", lambda _: None, project), tmp_path / "unpacked"
    with zipfile.ZipFile(package.zip_path) as archive:
        archive.extractall(unpacked)
    # What would be compiled would be compiled of this.
    for source in unpacked.rglob("*.py"):
        source.write_text(source.read_text().replace("return 1 / 0", "return 'compiled again'"))
    script = "import sys, app; from chalicelib.failing import fail; fail()"
    done = subprocess.run([sys.executable, "-c", script], cwd=unpacked, capture_output=True, text=True, check=False)
    assert "ZeroDivisionError" in done.stderr
    assert f'"{unpacked}/chalicelib/failing.py", line 2' in done.stderr


def test_methods_of_dataclasses_are_compiled(project: Path, tmp_path: Path) -> None:
    (project / "chalicelib" / "thing.py").write_text(
        "from dataclasses import dataclass\n\n\n@dataclass\nclass Thing:\n    size: int\n"
    )
    package, unpacked = build_package("dev", tmp_path / "build", lambda _: None, project), tmp_path / "unpacked"
    with zipfile.ZipFile(package.zip_path) as archive:
        archive.extractall(unpacked)
    assert any("self.size=size" in text for text in kept_in(unpacked / "chalicelib"))


def test_a_module_that_does_not_import_is_explained(project: Path, tmp_path: Path) -> None:
    (project / "chalicelib" / "broken.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(PackageError, match=r"(?s)nothing_of_that_name.*hint: importing any module"):
        build_package("dev", tmp_path / "build", lambda _: None, project)


def test_old_packages_do_not_pile_up(project: Path, tmp_path: Path) -> None:
    for number in range(5):
        (project / "chalicelib" / "new.py").write_text(f"X = {number}\n")
        newest = build_package("dev", tmp_path / "build", lambda _: None, project)
    kept = list((tmp_path / "build" / "packages").iterdir())
    assert len(kept) == 3
    assert newest.zip_path.parent in kept


def test_concurrent_runs_of_several_stages(project: Path, tmp_path: Path) -> None:
    stages = ["dev", "staging", "prod", "enterprise"] * 2
    with ThreadPoolExecutor(len(stages)) as pool:
        packages = list(pool.map(lambda s: build_package(s, tmp_path / "build", lambda _: None, project), stages))
    assert [package.stage for package in packages] == stages
    assert len({package.content_hash for package in packages}) == 1
    tiers = {str(package.template["Description"]) for package in packages}
    assert len(tiers) == 4


def test_an_application_that_does_not_import_is_explained(project: Path, tmp_path: Path) -> None:
    (project / "app.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(PackageError, match=r"(?s)nothing_of_that_name.*hint: importing app.py"):
        build_package("dev", tmp_path / "build", lambda _: None, project)
    assert not list((tmp_path / "build").glob("packaging-*"))


def test_a_requirement_that_can_not_be_had_is_an_error(project: Path, tmp_path: Path) -> None:
    (project / "requirements.txt").write_text("./no-such-folder\n")
    with pytest.raises(PackageError, match=r"(?s)no-such-folder.*hint: each line of requirements.txt"):
        build_package("dev", tmp_path / "build", lambda _: None, project)


def test_an_unknown_stage_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="choose one of dev, staging, prod, enterprise"):
        build_package("live", tmp_path, lambda _: None)


def test_needless_files_go_and_licences_stay(tmp_path: Path) -> None:
    kept = [
        "lib/__init__.py",
        "lib/fast.so",
        "lib-1.dist-info/METADATA",
        "lib-1.dist-info/licenses/LICENSE",
        "x/RECORD",
    ]
    needless = ["bin/tool", "lib/__pycache__/a.pyc", "lib/a.pyi", "lib/a.c", "lib-1.dist-info/RECORD"]
    for name in kept + needless:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    remove_needless(tmp_path)
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()) == sorted(kept)
