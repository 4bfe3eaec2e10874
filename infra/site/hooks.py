"""What happens between the repository's Markdown and the site: properdocs.yml names this file."""

import json
import re
from pathlib import Path
from typing import Any, Final

from properdocs.plugins import event_priority
from properdocs.structure.files import File

from infra.site.github import indented, without_links_out

ROOT: Final = Path(__file__).resolve().parents[2]
SEARCH: Final = Path(__file__).with_name("search.js")
STYLE: Final = Path(__file__).with_name("site.css")
BESIDE: Final = {"README.md": "readme.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Pages that stand outside docs/, and where the site has them."""
FOLDERS: Final = ("runbooks", "decisions")
"""Folders that are listed by what is in them."""
_SECTION: Final = re.compile(r"^## (.+)$\n+((?:^\|.*\n?)+)", re.MULTILINE)
_LINKED: Final = re.compile(r"^\| \[[^\]]+\]\(([^)]+)\)", re.MULTILINE)


def on_config(config: Any) -> Any:
    """Takes the navigation from the first page; what is in a folder is listed, after the page of its name if any."""
    docs = Path(config.docs_dir)
    index = (docs / "index.md").read_text(encoding="utf-8")
    config.nav = [{"Home": "index.md"}, {"Readme": "readme.md"}]
    for title, table in _SECTION.findall(index):
        pages: list[Any] = []
        for link in _LINKED.findall(table):
            folder = link.removesuffix(".md").rstrip("/")
            within = sorted(path.relative_to(docs).as_posix() for path in (docs / folder).glob("*.md"))
            first = f"{folder}/index.md" if folder in FOLDERS else link
            pages.append({folder.capitalize(): [first, *within]} if within else _there(link))
        config.nav.append({title: pages})
    return config


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages of the repository's root, and the style."""
    for name, page in BESIDE.items():
        text = re.sub(r"\]\(docs/", "](", (ROOT / name).read_text(encoding="utf-8"))
        files.append(File.generated(config, page, content=text))
    for folder in FOLDERS:
        files.append(File.generated(config, f"{folder}/index.md", content=_listed(Path(config.docs_dir) / folder)))
    files.append(File.generated(config, STYLE.name, content=STYLE.read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Rewrites links to those pages, and lists."""
    for name, there in BESIDE.items():
        markdown = re.sub(rf"\]\((?:\.\./)*{name}", f"]({'../' * page.file.src_uri.count('/')}{there}", markdown)
    linked = re.sub(r"\]\(([\w/]*)(runbooks|decisions)/\)", r"](\1\2/index.md)", markdown)
    return indented(without_links_out(linked, page.file.src_uri.count("/")))


@event_priority(-100)  # type: ignore[untyped-decorator]
def on_post_build(config: Any) -> None:
    """Lets the search run from files: the index becomes a script, as a browser reads no JSON from a disk."""
    search = Path(config.site_dir) / "search"
    index = json.loads((search / "search_index.json").read_text(encoding="utf-8"))["docs"]
    # Each page is there once more, whole; every page begins with a heading, so its sections are all of it.
    sections = [one for one in index if "#" in one["location"]]
    (search / "main.js").write_text(
        f"const pages = {json.dumps(sections)};\n{SEARCH.read_text(encoding='utf-8')}", encoding="utf-8"
    )
    for unused in ("search_index.json", "worker.js"):
        (search / unused).unlink()


def _there(link: str) -> str:
    """Where the site has what the first page links to."""
    return BESIDE.get(link.removeprefix("../"), link)


def _listed(folder: Path) -> str:
    """A page that links to all of a folder's."""
    rows = [f"# {folder.name.capitalize()}", ""]
    for path in sorted(folder.glob("*.md")):
        rows.append(f"- [{path.read_text(encoding='utf-8').splitlines()[0].removeprefix('# ')}]({path.name})")
    return "\n".join(rows)
