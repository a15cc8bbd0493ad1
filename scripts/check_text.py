#!/usr/bin/env python3
"""Looks at what formatters leave alone; lint runs it. Relative links of the documentation have to lead somewhere, to a
heading where they name one, and no line of it, and of a source, is longer than people read.

    scripts/check_text.py      prints what is wrong, and exits 1 where something is
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
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


def broken_links(file: str) -> list[str]:
    text = without_code((ROOT / file).read_text())
    found = []
    for match in re.finditer(r"\]\(([^)\s]+)\)", text):
        target, _, anchor = match[1].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (ROOT / file).parent / target if target else ROOT / file
        line = text.count("\n", 0, match.start()) + 1
        if not path.exists():
            found.append(f"{file}:{line}: the link {match[1]} leads to no file")
        elif anchor and anchor not in anchors(path.read_text()):
            found.append(f"{file}:{line}: {target or file} has no heading for #{anchor}")
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
    found = [error for page in pages for error in broken_links(page)]
    found += [error for file in pages + sources for error in long_lines(file)]
    if found:
        sys.exit("\n".join(found))
    print(f"{len(pages)} pages, {len(sources)} sources")


main()
