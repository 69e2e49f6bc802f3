"""The table of attacks against the tests in the tree; run by scripts/check-attacks.sh.

A row of the table is `| S9 | class | file: tests; file: tests |`, where a test is a name in backticks. A row whose third column begins
with "none:" says why the class cannot be attacked here. A function counts as a test if `#[test]`, or an attribute that ends so, such as
`#[tokio::test]`, stands above it, or if the macro `attacks!` makes a test of it.
"""

import re
import subprocess
import sys
from pathlib import Path

TABLE = "circuits/ATTACKS.md"
STATEMENT = "circuits/STATEMENT.md"
ROWS = 49

# What is no code: comments, strings and characters.
TEXT = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\bb?r(#*)".*?"\1|"(?:\\.|[^"\\])*"|'(?:\\[^']+|[^'\\])'""", re.DOTALL
)
# A function below its attributes.
FUNCTION = re.compile(
    r"^[ \t]*((?:#\[(?:[^\[\]]|\[[^\[\]]*\])*\]\s*)*)(?:pub(?:\([\w ]+\))? )?(?:async )?fn (\w+)\(", re.MULTILINE
)
TEST = re.compile(r"#\[(?:\w+::)*test(?:\([^()]*\))?\]")
ATTACKS = re.compile(r"\battacks! \{")
ATTACK = re.compile(r"\bfn (\w+)\(\) breaks\b")
ROW = re.compile(r"^\| S(\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
PLACE = re.compile(r"([\w./-]+\.rs): ((?:`\w+`(?:, )?)+)")
NAME = re.compile(r"`(\w+)`")
# In the statement: `module::name`, or the beginning of a name and an ellipsis.
CITED = re.compile(r"`(?:(\w+)::)?(s\d\d_\w*)(…?)`")


def code_of(text):
    """The same without comments, and without what strings and characters say."""
    return TEXT.sub(lambda match: "" if match[0].startswith("/") else '""', text)


def block_at(code, start):
    """What follows an opening brace, up to the one that closes it."""
    depth = 1
    for brace in re.finditer(r"[{}]", code[start:]):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return code[start : start + brace.start()]
    return code[start:]


def tests_of(text):
    """Names of the tests of a file."""
    code = code_of(text)
    tests = {name for attributes, name in FUNCTION.findall(code) if TEST.search(attributes)}
    for start in ATTACKS.finditer(code):
        tests.update(ATTACK.findall(block_at(code, start.end())))
    return tests


def rows_of(name):
    """The rows that a test's name carries: s09_s44_x carries 9 and 44."""
    carried = set()
    while match := re.match(r"s(\d+)_", name):
        carried.add(int(match.group(1)))
        name = name[match.end() :]
    return carried


def problems_of(table, statement, sources):
    functions = {path: tests_of(text) for path, text in sources.items()}
    carried = set().union(*(rows_of(name) for names in functions.values() for name in names))
    seen = []
    for number, _, where in ROW.findall(table):
        number = int(number)
        seen.append(number)
        if where.startswith("none:"):
            if len(where) < 40:
                yield f"S{number}: no reason is given"
            continue
        if number not in carried:
            yield f"S{number}: no test carries it in its name"
        places = PLACE.findall(where)
        if not places:
            yield f"S{number}: the table names no test"
        for path, names in places:
            for name in NAME.findall(names):
                if name not in functions.get(path, ()):
                    yield f"S{number}: {path} has no test {name}"
                if number not in rows_of(name):
                    yield f"S{number}: {name} does not carry the row in its name"
    if seen != list(range(1, ROWS + 1)):
        yield f"the table should have the rows S1 to S{ROWS} in order, each once; it has {seen}"
    for module, name, cut in CITED.findall(statement):
        found = any(
            function == name or (cut and function.startswith(name))
            for path, names in functions.items()
            if not module or Path(path).stem == module
            for function in names
        )
        if not found:
            yield f"{STATEMENT}: no test {module + '::' if module else ''}{name}{cut}"


def check():
    listed = subprocess.run(["git", "ls-files", "-z", "*.rs"], stdout=subprocess.PIPE, check=True).stdout
    paths = [path for path in listed.decode().split("\0") if path and Path(path).is_file()]
    sources = {path: Path(path).read_text(encoding="utf-8") for path in paths}
    table, statement = (Path(path).read_text(encoding="utf-8") for path in (TABLE, STATEMENT))
    problems = list(problems_of(table, statement, sources))
    for problem in problems:
        print(f"check-attacks: {problem}")
    if problems:
        return 1
    named = sum(len(NAME.findall(names)) for _, names in PLACE.findall(table))
    print(f"attacks: {ROWS} rows, {named} tests named, all exist")
    return 0


def self_test():
    sources = {
        "a/x.rs": '#[test]\nfn s01_s02_both() {}\nattacks! {\n    fn s03_third() breaks "x" {\n        a["}"]\n    }\n\n'
        '    /// Why.\n    fn s03_also() breaks "y" { b }\n}\nfn s03_after() breaks "x" {}\n',
        "b/y.rs": '#[test]\n/// Why.\n#[expect(lint, reason = "]")]\npub(crate) fn s04_fourth() {}\n\n'
        '#[tokio::test(flavor = "many")]\nasync fn s04_waits() {}\n\nfn s04_helper() {}\n\n#[cfg(test)]\nfn s04_only_built() {}\n\n'
        "// #[test]\nfn s04_no_more() {}\n\n/* #[test]\nfn s04_once() {} */\n"
        "proptest! {\n    #[test]\n    fn s04_with_any(n in 0..9u32) {}\n}\n",
    }
    good = {n: f"| S{n} | class | none: it concerns nothing that is made or checked here |" for n in range(1, ROWS + 1)}
    good[1] = "| S1 | class | a/x.rs: `s01_s02_both` |"
    good[3] = "| S3 | class | a/x.rs: `s03_third` |"
    good[4] = "| S4 | class | b/y.rs: `s04_fourth` |"
    said = "| line | rule | `x::s01_…`, `s04_fourth` |"
    kinds = "b/y.rs: `s04_fourth`, `s04_waits`, `s04_with_any`"
    cases = [
        ("good", {}, said, None),
        ("tests of every kind", {3: "| S3 | class | a/x.rs: `s03_third`, `s03_also` |", 4: f"| S4 | class | {kinds} |"}, said, None),
        ("an attack outside of its macro", {3: "| S3 | class | a/x.rs: `s03_after` |"}, said, "has no test s03_after"),
        *(
            (f"{name}, which is no test", {4: f"| S4 | class | b/y.rs: `{name}` |"}, said, f"has no test {name}")
            for name in ("s04_helper", "s04_only_built", "s04_no_more", "s04_once")
        ),
        ("a statement that names no test's function", {}, "`y::s04_helper`", "no test y::s04_helper"),
        ("a test that does not exist", {4: "| S4 | class | b/y.rs: `s04_fifth` |"}, said, "has no test s04_fifth"),
        ("a test of another file", {4: "| S4 | class | a/x.rs: `s04_fourth` |"}, said, "has no test s04_fourth"),
        ("a test of another row", {2: "| S2 | class | b/y.rs: `s04_fourth` |"}, said, "does not carry"),
        ("a row that nobody tests", {5: "| S5 | class | b/y.rs: `s04_fourth` |"}, said, "no test carries it"),
        ("a row without tests", {3: "| S3 | class | see there |"}, said, "names no test"),
        ("a row without a reason", {5: "| S5 | class | none: no |"}, said, "no reason"),
        ("a missing row", {5: ""}, said, "each once"),
        ("a statement that names no test", {}, "`s05_…`", "no test s05_"),
        ("a statement that names another module", {}, "`y::s01_…`", "no test y::s01_"),
    ]
    wrong = 0
    for name, change, statement, expected in cases:
        table = "\n".join((good | change).values())
        problems = list(problems_of(table, statement, sources))
        noticed = problems == [] if expected is None else any(expected in p for p in problems)
        if not noticed:
            wrong += 1
            print(f"check-attacks --self-test: {name}: expected {expected!r}, got {problems}")
    print(f"check-attacks --self-test: {len(cases) - wrong} of {len(cases)} cases as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test())
    if sys.argv[1:]:
        sys.exit("usage: check-attacks.sh [--self-test]")
    sys.exit(check())
