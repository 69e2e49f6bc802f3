"""House rules for the text of the tree; run by scripts/check-sources.sh.

Looks at the files that git tracks. Every rule is a function from a file to sentences, so that the
self-test can break each of them without touching the tree.
"""

import re
import subprocess
import sys
from pathlib import Path

MAX_LINES = 800
# Only here may `unsafe` stand.
UNSAFE_FOLDER = "prover/engine/src/backend/"
# Written by a program and compared with its output under test, or data.
GENERATED = ("proto/src/gen/", "Cargo.lock", "package-lock.json")
DATA = (".json", ".csv", ".bin", ".hex")
VAGUE_NAMES = {"utils", "util", "common", "misc", "helpers"}


def split(*parts):
    """Joins words that must not stand in this file as they are."""
    return "".join(parts)


UNFINISHED = re.compile(r"\b(" + "|".join([split("TO", "DO"), split("FIX", "ME"), split("XX", "X"), split("HA", "CK")]) + r")\b")
FOREIGN = [
    (re.compile(pattern), what)
    for pattern, what in [
        (split(r"/wo", r"rk/"), "a path of one machine"),
        (split(r"/ro", r"ot/"), "a path of one machine"),
        (split(r"/ho", r"me/\w"), "a path of one machine"),
        (split(r"\.\./sha", r"red"), "a folder outside the repository"),
        (split(r"registry\.", r"npmjs"), "a registry's host"),
        (split(r"(static|index)\.", r"crates\.io"), "a registry's host"),
        (split(r"files\.", r"pythonhosted"), "a registry's host"),
        (split(r"\bpypi", r"\.org"), "a registry's host"),
        (split(r"(deb|security)\.", r"debian\.org"), "a registry's host"),
        (split(r"proxy\.", r"golang"), "a registry's host"),
    ]
]
# The first group is a keyword position, so that words in prose and names of lints do not count.
UNSAFE = re.compile(r"\bunsafe\b\s*(\{|\(|fn\b|impl\b|trait\b|extern\b|$)|\ballow\s*\(\s*unsafe_code")
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
DOCUMENT = re.compile(r"\b((?:[a-z]+/)*[A-Z][A-Z_-]+\.md)\b")


def wrong_length(path, text):
    lines = text.count("\n")
    if lines > MAX_LINES:
        yield f"{path}: {lines} lines, at most {MAX_LINES}"


def wrong_name(path, text):
    name = Path(path)
    if name.suffix == ".rs" and name.name == "mod.rs":
        yield f"{path}: write {name.parent.name}.rs beside the folder instead"
    if name.suffix == ".rs" and name.stem in VAGUE_NAMES:
        yield f"{path}: a file is named after the one idea in it"


def wrong_unsafe(path, text):
    if not path.endswith(".rs") or path.startswith(UNSAFE_FOLDER):
        return
    for number, line in enumerate(text.splitlines(), 1):
        code = re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]
        if UNSAFE.search(code):
            yield f"{path}:{number}: unsafe outside {UNSAFE_FOLDER}"


def wrong_words(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if UNFINISHED.search(line):
            yield f"{path}:{number}: unfinished work: {line.strip()[:60]}"


def foreign_names(path, text):
    """Lock files too: an address of a registry in one would tell every machine where to load from."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, what in FOREIGN:
            if pattern.search(line):
                yield f"{path}:{number}: {what}: {line.strip()[:60]}"


def wrong_text(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip():
            yield f"{path}:{number}: blanks at the end of the line"
    if text and not text.endswith("\n"):
        yield f"{path}: no line feed at the end"


def wrong_links(path, text, tracked):
    """Links between documents, and documents named in capitals anywhere, must exist."""
    folder = Path(path).parent
    if path.endswith(".md"):
        for target in LINK.findall(text):
            if re.match(r"[a-z]+:", target):
                continue
            found = Path(folder, target).as_posix()
            parts = []
            for part in found.split("/"):
                parts = parts[:-1] if part == ".." else parts + [part]
            found = "/".join(part for part in parts if part != ".")
            if not any(file == found or file.startswith(found.rstrip("/") + "/") for file in tracked):
                yield f"{path}: link to {target}, which does not exist"
    if path.endswith((".md", ".rs", ".proto", ".sh", ".toml")):
        for document in sorted(set(DOCUMENT.findall(text))):
            if not any(file == document or file.endswith("/" + document) for file in tracked):
                yield f"{path}: names {document}, which does not exist"


def problems_of(path, text, tracked):
    yield from foreign_names(path, text)
    if path.startswith(GENERATED) or path.endswith(GENERATED):
        return
    yield from wrong_words(path, text)
    if path.endswith(DATA):
        return
    yield from wrong_length(path, text)
    yield from wrong_name(path, text)
    yield from wrong_unsafe(path, text)
    yield from wrong_text(path, text)
    yield from wrong_links(path, text, tracked)


def check():
    listed = subprocess.run(["git", "ls-files", "-z"], stdout=subprocess.PIPE, check=True).stdout
    tracked = [path for path in listed.decode().split("\0") if path and Path(path).is_file()]
    problems = []
    read = 0
    for path in tracked:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        read += 1
        problems += problems_of(path, text, tracked)
    for problem in problems:
        print(f"check-sources: {problem}")
    if problems:
        return 1
    print(f"sources: {read} text files of {len(tracked)} tracked: all rules kept")
    return 0


def self_test():
    tracked = ["README.md", "a/src/lib.rs", "a/GUIDE.md"]
    cases = [
        ("good code", "a/src/lib.rs", "//! Reads `GUIDE.md`, nothing unsafe.\n#![forbid(unsafe_code)]\n", None),
        ("good links", "a/GUIDE.md", "[up](../README.md#top) [code](src/) [web](https://example.org/x)\n", None),
        ("a long file", "a/src/lib.rs", "\n" * (MAX_LINES + 1), "at most 800"),
        ("a mod file", "a/src/b/mod.rs", "", "b.rs beside"),
        ("a vague name", "a/src/utils.rs", "", "one idea"),
        ("an unsafe block", "a/src/lib.rs", "let x = unsafe { y() };\n", "unsafe outside"),
        ("an unsafe function", "a/src/lib.rs", "pub unsafe fn f() {}\n", "unsafe outside"),
        ("an unsafe attribute", "a/src/lib.rs", "#[unsafe(no_mangle)]\n", "unsafe outside"),
        ("the lint switched off", "a/src/lib.rs", "#![allow(unsafe_code)]\n", "unsafe outside"),
        ("unsafe where it belongs", UNSAFE_FOLDER + "x.rs", "unsafe { y() }\n", None),
        ("unsafe in a string", "a/src/lib.rs", 'let x = "unsafe {";\n', None),
        ("unfinished work", "a/src/lib.rs", split("// TO", "DO: later\n"), "unfinished"),
        ("a machine's path", "README.md", split("see /wo", "rk/x\n"), "path of one machine"),
        ("a folder outside", "README.md", split("see ../sha", "red\n"), "outside the repository"),
        ("a registry's host", "a.json", split("https://registry.", "npmjs.org/x\n"), "registry's host"),
        ("a registry's host in a lock file", "x/package-lock.json", split("https://registry.", "npmjs.org/x\n"), "registry's host"),
        ("blanks", "README.md", "a \n", "end of the line"),
        ("no line feed", "README.md", "a", "no line feed"),
        ("a broken link", "README.md", "[x](b/NONE.md)\n", "link to b/NONE.md"),
        ("a missing document", "a/src/lib.rs", split("//! See NONE", ".md.\n"), "names NONE"),
        ("generated code", "proto/src/gen/x.rs", "unsafe {\n", None),
    ]
    wrong = 0
    for name, path, text, expected in cases:
        problems = list(problems_of(path, text, tracked))
        noticed = problems == [] if expected is None else any(expected in p for p in problems)
        if not noticed:
            wrong += 1
            print(f"check-sources --self-test: {name}: expected {expected!r}, got {problems}")
    print(f"check-sources --self-test: {len(cases) - wrong} of {len(cases)} cases as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test())
    if sys.argv[1:]:
        sys.exit("usage: check-sources.sh [--self-test]")
    sys.exit(check())
