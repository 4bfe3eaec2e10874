"""Reading traces."""

from pathlib import Path

import pytest

from infra.simulation.traces import MalformedTrace, read_trace

SHIPPED = Path(__file__).resolve().parents[3] / "bench" / "traces"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["t.csv:1:", "minute,requests"]),
        ("a,b\n0,1\n", ["t.csv:1:", "minute,requests"]),
        ("minute,requests\n", ["t.csv:2:", "at least one"]),
        ("minute,requests\n0,1\n2,1\n", ["t.csv:3:", "'2'", "1 should be", "leave none out"]),
        ("minute,requests\n0,1\n1\n", ["t.csv:3:", "2 columns", "found 1"]),
        ("minute,requests\n0,-4\n", ["t.csv:2:", "'-4'", "whole number"]),
        ("minute,requests\n0,1.5\n", ["t.csv:2:", "'1.5'", "whole number"]),
    ],
)
def test_says_file_line_and_remedy(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MalformedTrace) as refusal:
        read_trace(path)
    assert all(word in str(refusal.value) for word in words)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MalformedTrace, match="UTF-8"):
        read_trace(path)


def test_reads_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("minute,requests\n0,3\n1,0\n", encoding="utf-8")
    trace = read_trace(path)
    assert (trace.name, trace.counts) == ("some", (3, 0))


def test_every_shipped_trace_is_readable_and_has_its_source() -> None:
    sources = (SHIPPED / "SOURCES.md").read_text(encoding="utf-8")
    found = sorted(SHIPPED.glob("*.csv"))
    assert len(found) == 7
    for path in found:
        assert read_trace(path).minutes >= 1440
        assert f"`{path.stem}`" in sources
