#!/usr/bin/env python3
"""Holds the sources to the table of CONTRIBUTING.md that says which folder may include which, and finds names that a
source takes in (`using std::max;`) and does not use; lint runs it.

    scripts/check_includes.py      prints what breaks the rule, and exits 1 where something does
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = "include/contentvec"
HEADING = "| folder | may include |"


def read_rules() -> dict[str, set[str]]:
    """The folders of the table, with those they may include; each may include itself."""
    lines = (ROOT / "CONTRIBUTING.md").read_text().splitlines()
    if HEADING not in lines:
        sys.exit(f"CONTRIBUTING.md has no table with the heading {HEADING!r}")
    rules = {}
    for line in lines[lines.index(HEADING) + 2 :]:
        if not line.startswith("|"):
            break
        folders, allowed = (re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split("|"))
        for folder in folders:
            rules[folder] = {folder, *allowed}
    return rules


def folder_of(path: str, rules: dict[str, set[str]]) -> str | None:
    """The deepest folder of the table that `path` is in."""
    inside = [folder for folder in rules if path.startswith(folder + "/")]
    return max(inside, key=len, default=None)


def included_file(name: str) -> str | None:
    """Where an included name lies in the tree; None for a system's or a library's."""
    for start in ("src/", "include/", ""):
        if (ROOT / (start + name)).is_file():
            return start + name
    return None


def broken_rules(path: str, rules: dict[str, set[str]]) -> list[str]:
    own = folder_of(path, rules)
    if own is None:
        return [f"{path}: its folder is not in CONTRIBUTING.md's table"]
    found = []
    for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
        target = match and included_file(match[1])
        if target and folder_of(target, rules) not in rules[own]:
            found.append(f"{path}:{number}: {own} may not include {target}; it may {', '.join(sorted(rules[own]))}")
    return found


def unused_names(path: str) -> list[str]:
    """clang-tidy's misc-unused-using-decls, which is silent where several sources are taken at a time."""
    found = []
    text = (ROOT / path).read_text()
    for match in re.finditer(r"^ *using ((?:\w*::)+(\w+));", text, re.MULTILINE):
        if not re.search(rf"\b{match[2]}\b", text[: match.start()] + text[match.end() :]):
            found.append(f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[1]} is not used")
    return found


def main() -> None:
    rules = read_rules()
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "include", "src", "cli", "python", "bench", "fuzz", "examples"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()
    sources = [path for path in listed if path.endswith((".cc", ".h", ".inc", ".c")) and (ROOT / path).is_file()]
    found = [problem for path in sources for problem in broken_rules(path, rules)]
    found += [problem for path in sources if path.endswith(".cc") for problem in unused_names(path)]
    print("\n".join(found) or f"{len(sources)} sources include what they may")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
