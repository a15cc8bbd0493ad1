#!/usr/bin/env python3
"""Collects the pages of the documentation's site in build/docs/pages, for scripts/docs: README.md is its first page, then
all of docs/, and the texts that lie in the project's folder. A link to a header leads to its page of Doxygen's; what
else of the project a page links to is shown as a page of its own.
"""

import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "build/docs/pages"
# Where each text is on the site.
TEXTS = {
    ROOT / "README.md": "index.md",
    ROOT / "ARCHITECTURE.md": "architecture.md",
    ROOT / "CHANGELOG.md": "changelog.md",
    ROOT / "CONTRIBUTING.md": "contributing.md",
    ROOT / "LICENSE": "licence.md",
    ROOT / "SECURITY.md": "security.md",
    ROOT / "bench/NOTES.md": "bench-notes.md",
    **{page: page.name for page in sorted((ROOT / "docs").glob("*.md"))},
}
PYTHON = """# The Python package

::: contentvec
    options:
      members_order: source
"""


def as_page(source: Path) -> str:
    """The page of a file or folder of the project that is no text."""
    name = source.relative_to(ROOT)
    if source.is_dir():
        files = sorted(path for path in source.iterdir() if path.suffix != ".pyc" and not path.name.startswith("__"))
        return f"# {name}\n\n" + "".join(f"- [{path.name}](/{path.relative_to(ROOT)})\n" for path in files)
    return f"# {name}\n\n````{source.suffix[1:]} linenums=\"1\"\n{source.read_text()}\n````\n"


class Site:
    def __init__(self) -> None:
        self.missing: list[Path] = []  # sources that a page links to, and that have no page yet
        self.done: set[Path] = set()

    def place_of(self, target: Path) -> str:
        """Where a file of the project is on the site."""
        if target in TEXTS:
            return TEXTS[target]
        if target == ROOT / "include/contentvec":
            return "api/files.html"
        if target.is_relative_to(ROOT / "include"):
            return "api/" + target.name.replace("_", "__").replace(".", "_8") + ".html"
        if target.is_relative_to(ROOT / "docs"):
            return str(target.relative_to(ROOT / "docs"))
        if target not in self.done:
            self.done.add(target)
            self.missing.append(target)
        return f"source/{target.relative_to(ROOT)}.md"

    def write(self, source: Path, place: str, text: str) -> None:
        """A page, its links changed to where the site has what they lead to."""

        def link(match: re.Match[str]) -> str:
            if re.match(r"[a-z]+:|#", match[1]):
                return match[0]
            path, _, anchor = match[1].partition("#")
            target = ROOT / path[1:] if path.startswith("/") else (source.parent / path).resolve()
            there = os.path.relpath(self.place_of(target), Path(place).parent)
            return f"]({there}{'#' * bool(anchor)}{anchor})"

        page = PAGES / place
        page.parent.mkdir(parents=True, exist_ok=True)
        fenced = re.compile(r"(^ *```.*?^ *```+$|^ *````.*?^ *````$)", re.M | re.S)
        parts = fenced.split(text)  # blocks of code, in which a bracket is no link, at the odd places
        parts[::2] = [re.sub(r"\]\(([^)\s]+)\)", link, part) for part in parts[::2]]
        page.write_text("".join(parts))


def main() -> None:
    site = Site()
    for source, place in TEXTS.items():
        site.write(source, place, source.read_text())
    while site.missing:
        source = site.missing.pop()
        place = site.place_of(source)
        site.write(source, place, as_page(source))
    (PAGES / "python-api.md").write_text(PYTHON)
    shutil.copytree(ROOT / "docs/images", PAGES / "images", dirs_exist_ok=True)


if __name__ == "__main__":
    main()
