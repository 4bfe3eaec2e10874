"""Packages: deterministic, reused, without needless files, and clear about what is wrong."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from chalicelib.dataclass_methods import file_in, kept_in
from infra.archive import remove_needless
from infra.package import Package, PackageError, build_package
from tests.sample_project import write_sample_project


@dataclass(frozen=True)
class Built:
    """A project as it was first, its package, and what was said while that was made."""

    project: Path
    build_dir: Path
    package: Package
    said: list[str]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Beside the sources is byte code of others. Whoever changes either folder takes copies."""
    folder = tmp_path_factory.mktemp("first")
    project, said = write_sample_project(folder / "project"), list[str]()
    cache = project / "chalicelib" / "__pycache__"
    cache.mkdir()
    for name in ("x", "__init__"):
        (cache / f"{name}.{sys.implementation.cache_tag}.pyc").write_bytes(b"stale")
    return Built(project, folder / "build", build_package("dev", folder / "build", said.append, project), said)


@pytest.fixture
def project(first: Built, tmp_path: Path) -> Path:
    return shutil.copytree(first.project, tmp_path / "project")


@pytest.fixture
def build_dir(first: Built, tmp_path: Path) -> Path:
    """With the first package in it, and the dependencies."""
    return shutil.copytree(first.build_dir, tmp_path / "build")


@pytest.fixture(scope="module")
def changed(first: Built, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Of the same project with two more modules, in the same place."""
    folder = tmp_path_factory.mktemp("changed")
    project = shutil.copytree(first.project, folder / "project")
    build_dir = shutil.copytree(first.build_dir, folder / "build")
    (project / "chalicelib" / "failing.py").write_text("def fail():\n    return 1 / 0\n")
    (project / "chalicelib" / "thing.py").write_text(
        "from dataclasses import dataclass\n\n\n@dataclass\nclass Thing:\n    size: int\n"
    )
    return build_package("dev", build_dir, lambda _: None, project)


@pytest.fixture
def unpacked(changed: Package, tmp_path: Path) -> Path:
    with zipfile.ZipFile(changed.zip_path) as archive:
        archive.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def test_the_archive_holds_the_application_and_nothing_needless(first: Built) -> None:
    with zipfile.ZipFile(first.package.zip_path) as archive:
        names = archive.namelist()
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        stale = archive.read(f"chalicelib/__pycache__/__init__.{sys.implementation.cache_tag}.pyc") == b"stale"
    sources = ["app.py", "chalice/__init__.py", "chalice/app.py", "chalicelib/__init__.py"]
    methods = file_in(Path("chalicelib")).as_posix()
    assert names == sorted([*sources, methods, *(importlib.util.cache_from_source(name) for name in sources)])
    assert not stale
    assert not (first.project / ".chalice" / "deployments").exists()


def test_nothing_is_built_twice(first: Built) -> None:
    said: list[str] = []
    assert build_package("dev", first.build_dir, said.append, first.project) == first.package
    assert first.said
    assert not said


def test_equal_sources_give_equal_hashes_elsewhere(first: Built, tmp_path: Path) -> None:
    other = write_sample_project(tmp_path / "elsewhere")
    # Whichever stage has it made: the others take it as it is.
    made, taken = (build_package(each, tmp_path / "build2", lambda _: None, other) for each in ("enterprise", "dev"))
    assert made.zip_path.samefile(taken.zip_path)
    assert (first.package.content_hash, first.package.template) == (taken.content_hash, taken.template)
    assert first.package.zip_path.read_bytes() == made.zip_path.read_bytes()


def test_a_changed_source_is_packaged_anew(first: Built, changed: Package) -> None:
    assert first.package.content_hash != changed.content_hash
    with zipfile.ZipFile(changed.zip_path) as archive:
        assert "chalicelib/thing.py" in archive.namelist()


def test_the_package_runs_without_compiling_and_tells_places_as_they_are(unpacked: Path) -> None:
    # What would be compiled would be compiled of this.
    for source in unpacked.rglob("*.py"):
        source.write_text(source.read_text().replace("return 1 / 0", "return 'compiled again'"))
    script = "import sys, app; from chalicelib.failing import fail; fail()"
    done = subprocess.run([sys.executable, "-c", script], cwd=unpacked, capture_output=True, text=True, check=False)
    assert "ZeroDivisionError" in done.stderr
    assert f'"{unpacked}/chalicelib/failing.py", line 2' in done.stderr


def test_methods_of_dataclasses_are_compiled(unpacked: Path) -> None:
    assert any("self.size=size" in text for text in kept_in(unpacked / "chalicelib"))


def test_a_module_that_does_not_import_is_explained(project: Path, build_dir: Path) -> None:
    (project / "chalicelib" / "broken.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(PackageError, match=r"(?s)nothing_of_that_name.*hint: importing any module"):
        build_package("dev", build_dir, lambda _: None, project)


def test_old_packages_do_not_pile_up(project: Path, build_dir: Path) -> None:
    """Of each stage the newest three are kept: the one just made, and two of those that were there."""
    packages = build_dir / "packages"
    there = next(packages.iterdir())
    for age, name in enumerate(("dev-2222222222222222", "prod-3333333333333333", "dev-4444444444444444")):
        older = shutil.copytree(there, packages / name)
        os.utime(older, (1_000_000_000 - age,) * 2)
    (project / "chalicelib" / "new.py").write_text("X = 1\n")
    newest = build_package("dev", build_dir, lambda _: None, project)
    kept = {there.name, newest.zip_path.parent.name, "dev-2222222222222222", "prod-3333333333333333"}
    assert {path.name for path in packages.iterdir()} == kept


def test_concurrent_runs_of_several_stages(project: Path, tmp_path: Path) -> None:
    stages, said = ["dev", "enterprise"] * 4, list[str]()
    with ThreadPoolExecutor(len(stages)) as pool:
        packages = list(pool.map(lambda s: build_package(s, tmp_path / "build", said.append, project), stages))
    assert [package.stage for package in packages] == stages
    assert len({package.content_hash for package in packages}) == 1
    tiers = {str(package.template["Description"]) for package in packages}
    assert len(tiers) == 2
    # Each was made by whoever came first.
    assert sorted(line for line in said if "stage" in line) == ["packaging stage dev", "packaging stage enterprise"]


def test_an_application_that_does_not_import_is_explained(project: Path, build_dir: Path) -> None:
    (project / "app.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(PackageError, match=r"(?s)nothing_of_that_name.*hint: importing app.py"):
        build_package("dev", build_dir, lambda _: None, project)
    assert not list(build_dir.glob("packaging-*"))


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
