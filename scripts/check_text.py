#!/usr/bin/env python3
"""Looks at what formatters leave alone; lint runs it. Relative links of the documentation have to lead somewhere, to a
heading where they name one; every page of docs/ is linked to; files that it names are there; and no line of a page or a
source is longer than people read.

    scripts/check_text.py      prints what is wrong, and exits 1 where something is
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"bench", "cli", "cmake", "docs", "examples", "fuzz", "include", "python", "scripts", "src", "tests"}
LONGEST = 120
LONGEST_ROW = 210  # a table's, which cannot be wrapped
NOT_OURS = ("tests/oracle/",)  # reference data, as it was handed over


def tracked(*patterns: str) -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    files = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [file for file in files if (ROOT / file).is_file() and not file.startswith(NOT_OURS)]


def without_code(text: str) -> str:
    """The text without fenced blocks and code spans, in which a bracket is no link; lines keep their numbers."""
    text = re.sub(r"^ *```.*?^ *```$", lambda block: "\n" * block[0].count("\n"), text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to headings."""
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S)
    headings = re.findall(r"^#+ +(.+?) *$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(file: str) -> list[tuple[int, Path, str]]:
    """Every relative link: its line, the file it leads to, and the heading there, if any."""
    text = without_code((ROOT / file).read_text())
    found = []
    for match in re.finditer(r"\]\(([^)\s]+)\)", text):
        target, _, anchor = match[1].partition("#")
        if not re.match(r"[a-z]+:", target):
            path = (ROOT / file).parent / target if target else ROOT / file
            found.append((text.count("\n", 0, match.start()) + 1, path.resolve(), anchor))
    return found


def broken_links(file: str) -> list[str]:
    found = []
    for line, path, anchor in links(file):
        if not path.exists():
            found.append(f"{file}:{line}: a link leads to {path}, which is not there")
        elif anchor and anchor not in anchors(path.read_text()):
            found.append(f"{file}:{line}: {path.name} has no heading for #{anchor}")
    return found


def unreachable(pages: list[str]) -> list[str]:
    """Pages of docs/ that no other page links to."""
    reached = {path for page in pages for _, path, _ in links(page) if path != ROOT / page}
    return [
        f"{page}: no other page links to it"
        for page in pages
        if page.startswith("docs/") and ROOT / page not in reached
    ]


def missing_files(file: str) -> list[str]:
    """Paths of the repository in code spans, such as `src/nn` or `tests/*/memory_test.cc`, that name nothing."""
    found = []
    for number, line in enumerate((ROOT / file).read_text().splitlines(), 1):
        for path in re.findall(r"`(\w+/[\w./*-]+)`", line):
            if path.split("/")[0] in FOLDERS and not any(ROOT.glob(path.rstrip("/"))):
                found.append(f"{file}:{number}: there is no {path}")
    return found


def long_lines(file: str) -> list[str]:
    found = []
    for number, line in enumerate((ROOT / file).read_text().splitlines(), 1):
        most = LONGEST_ROW if file.endswith(".md") and line.startswith("|") else LONGEST
        if len(line) > most:
            found.append(f"{file}:{number}: {len(line)} characters, {most} at most: break the line, or say it shorter")
    return found


def main() -> None:
    pages = tracked("*.md")
    sources = tracked("*.h", "*.cc", "*.c", "*.inc")
    found = [error for page in pages for error in broken_links(page) + missing_files(page)]
    found += unreachable(pages)
    found += [error for file in pages + sources for error in long_lines(file)]
    if found:
        sys.exit("\n".join(found))
    print(f"{len(pages)} pages, {len(sources)} sources")


main()
