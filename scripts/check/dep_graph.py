"""Who may depend on whom in this workspace; run by scripts/check-dep-graph.sh.

Three questions: are the edges between our crates exactly those of EDGES, do the documents draw
that graph, and does any crate reach a library that it must not know.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

# Folder of each crate below the root -> (package, folders it depends on). Dependencies of every
# kind count: normal, build and dev. Nothing else may point anywhere.
EDGES = {
    "verifier": ("quittance-verifier", set()),
    "proto": ("quittance-proto", set()),
    "circuits": ("quittance-circuits", {"verifier"}),
    "prover/engine": ("quittance-engine", {"verifier"}),
    "prover/server": ("quittance", {"circuits", "prover/engine", "proto", "verifier"}),
    # Benches may use every crate; the list is what they do use.
    "benches": ("quittance-benches", {"circuits", "prover/engine", "verifier"}),
}

SERVICE = {
    "axum", "clap", "figment", "h2", "hyper", "indicatif", "prost", "redb", "tokio", "tonic", "tower",
}
PROOF_SYSTEM = {"ark-groth16", "ark-snark", "ark-crypto-primitives"}
CONSTRAINTS = {"ark-relations", "ark-r1cs-std"}

# Package -> libraries that its normal and build dependencies must never reach (default features).
NEVER = {
    "quittance-verifier": SERVICE | PROOF_SYSTEM | CONSTRAINTS | {
        # Needs an operating system, threads, a clock or a source of randomness.
        "anyhow", "crossbeam-utils", "getrandom", "libc", "memmap2", "rayon", "rayon-core", "tempfile", "time",
        "wasm-bindgen",
        # Would let a file format decide what a statement is.
        "bincode", "serde", "serde_core", "serde_json",
    },
    "quittance-circuits": SERVICE | PROOF_SYSTEM,
    "quittance-engine": SERVICE,
    "quittance-proto": SERVICE - {"h2", "hyper", "prost", "tokio", "tonic", "tower"}
    | PROOF_SYSTEM | CONSTRAINTS | {"ark-ff", "ark-ec", "rayon"},
}

# Packages whose whole tree must build without the standard library: no dependency may have the
# feature `std` switched on.
NO_STD = {"quittance-verifier"}
# These ship the feature `std` for proc-macro hosts only, where it is harmless.
RUNS_IN_THE_COMPILER = "(proc-macro)"

PICTURES = ["README.md", "ARCHITECTURE.md"]
ARROW = re.compile(r"^\s*(\S+)\s*->\s*(.+?)\s*$")


def wrong_edges(real, allowed):
    """Differences between {folder: {folder}} maps, one sentence each."""
    for crate in sorted(set(real) | set(allowed)):
        if crate not in allowed:
            yield f"crate {crate} is not in the graph of scripts/check/dep_graph.py"
            continue
        if crate not in real:
            yield f"crate {crate} is in the graph but not in the workspace"
            continue
        for target in sorted(real[crate] - allowed[crate]):
            yield f"edge {crate} -> {target} is not allowed"
        for target in sorted(allowed[crate] - real[crate]):
            yield f"edge {crate} -> {target} is expected but nothing uses it"


def parse_picture(name, text):
    """The graph in the document's block fenced as ```dep-graph."""
    blocks = re.findall(r"^```dep-graph\n(.*?)^```$", text, re.S | re.M)
    if len(blocks) != 1:
        raise ValueError(f"{name}: one block fenced as dep-graph expected, found {len(blocks)}")
    graph = {}
    for line in blocks[0].splitlines():
        if not line.strip():
            continue
        match = ARROW.match(line)
        if not match:
            raise ValueError(f"{name}: not an arrow of the graph: {line!r}")
        crate, targets = match.groups()
        if crate in graph:
            raise ValueError(f"{name}: {crate} is drawn twice")
        graph[crate] = set() if targets == "(nothing of ours)" else set(re.split(r"\s*,\s*", targets))
    return graph


def wrong_picture(name, drawn, real):
    """Differences between a document's graph and the real one."""
    for crate in sorted(set(real) | set(drawn)):
        for target in sorted(drawn.get(crate, set()) - real.get(crate, set())):
            yield f"{name} draws {crate} -> {target}, which does not exist"
        for target in sorted(real.get(crate, set()) - drawn.get(crate, set())):
            yield f"{name} does not draw {crate} -> {target}"
        if (crate in real) != (crate in drawn):
            yield f"{name} and the workspace do not both have {crate}"


def wrong_reach(package, reached, never, no_std):
    """`reached` maps a library's name to (set of features, whether it runs in the compiler)."""
    for library in sorted(set(reached) & never):
        yield f"{package} must never reach {library}"
    if no_std:
        for library, (features, in_compiler) in sorted(reached.items()):
            if "std" in features and not in_compiler:
                yield f"{package} must build without std, but {library} has its feature std on"


def cargo(*arguments):
    done = subprocess.run(["cargo", *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"check-dep-graph: cargo {arguments[0]} failed")
    return done.stdout


def workspace():
    """The packages of this workspace: {folder: metadata}."""
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--no-deps", "--locked"))
    root = Path(metadata["workspace_root"])
    return {str(Path(p["manifest_path"]).parent.relative_to(root)): p for p in metadata["packages"]}


def real_edges(packages):
    folder_of = {package["name"]: folder for folder, package in packages.items()}
    return {
        folder: {folder_of[d["name"]] for d in package["dependencies"] if d["name"] in folder_of}
        for folder, package in packages.items()
    }


def reach(package):
    """Everything below a package along normal and build edges, as its default features resolve."""
    lines = cargo(
        "tree", "--locked", "--package", package, "--edges", "normal,build", "--prefix", "none",
        "--format", "{p}\t{f}",
    ).splitlines()
    reached = {}
    for line in lines[1:]:
        name_and_version, _, features = line.partition("\t")
        in_compiler = RUNS_IN_THE_COMPILER in name_and_version
        name = name_and_version.split(" ")[0]
        before, was_in_compiler = reached.get(name, (set(), True))
        features = set(features.removesuffix(" (*)").split(","))
        reached[name] = (before | features, was_in_compiler and in_compiler)
    return reached


def lints(manifest, table):
    """The lints of a manifest by their tool and name."""
    found = {}
    for tool, body in re.findall(rf"^\[{re.escape(table)}\.(\w+)\]\n((?:[^\[\n].*\n?)*)", manifest, re.M):
        found |= {(tool, name): level for name, level in re.findall(r'^(\w+) = "(\w+)"$', body, re.M)}
    return found


def wrong_lints(folder, manifest, ours):
    """Each crate takes the workspace's lints. Only the one with kernels lists them, to allow unsafe code by block."""
    if re.search(r"^\[lints\]\nworkspace = true$", manifest, re.M):
        return
    if folder != "prover/engine":
        yield f"{folder} does not take the workspace's lints"
    elif lints(manifest, "lints") != {**ours, ("rust", "unsafe_code"): "deny"}:
        yield f"{folder}: lints differ from the workspace's in more than that unsafe code is denied, not forbidden"


def check():
    packages = workspace()
    real = real_edges(packages)
    allowed = {folder: targets for folder, (_, targets) in EDGES.items()}
    problems = list(wrong_edges(real, allowed))
    for folder, (name, _) in EDGES.items():
        if folder in packages and packages[folder]["name"] != name:
            problems.append(f"{folder} holds package {packages[folder]['name']}, expected {name}")
    ours = lints(Path("Cargo.toml").read_text(), "workspace.lints")
    for folder in packages:
        problems += wrong_lints(folder, Path(folder, "Cargo.toml").read_text(), ours)
    for name in PICTURES:
        try:
            problems += wrong_picture(name, parse_picture(name, Path(name).read_text()), real)
        except (OSError, ValueError) as error:
            problems.append(str(error))
    for package, never in NEVER.items():
        problems += wrong_reach(package, reach(package), never, package in NO_STD)
    for problem in problems:
        print(f"check-dep-graph: {problem}")
    if problems:
        return 1
    edges = sum(len(targets) for targets in real.values())
    print(f"dependency graph: {len(real)} crates, {edges} edges, {len(NEVER)} crates kept apart, "
          f"{len(PICTURES)} pictures: all as drawn")
    return 0


def self_test():
    """Each rule is broken once; a rule that does not notice ends the test."""
    good = {"a": set(), "b": {"a"}}
    picture = "text\n```dep-graph\na -> (nothing of ours)\nb -> a\n```\n"
    clean = ({"std"}, True)

    def drawn(text):
        try:
            return list(wrong_picture("doc", parse_picture("doc", text), good))
        except ValueError as error:
            return [str(error)]

    ours = {("rust", "unsafe_code"): "forbid", ("clippy", "panic"): "deny"}
    listed = '[lints.rust]\nunsafe_code = "deny"\n\n[lints.clippy]\npanic = "deny"\n'
    cases = [
        ("the workspace's lints", wrong_lints("a", "[lints]\nworkspace = true\n", ours), None),
        ("no lints", wrong_lints("a", "[package]\n", ours), "does not take the workspace's lints"),
        ("lints of its own", wrong_lints("a", listed, ours), "does not take the workspace's lints"),
        ("lints with unsafe by block", wrong_lints("prover/engine", listed, ours), None),
        ("a lint lost", wrong_lints("prover/engine", listed.replace("panic", "todo"), ours), "lints differ"),
        ("unsafe allowed", wrong_lints("prover/engine", listed.replace('"deny"', '"allow"', 1), ours), "lints differ"),
        ("the good graph", wrong_edges(good, good), None),
        ("an edge backwards", wrong_edges({"a": {"b"}, "b": {"a"}}, good), "edge a -> b is not allowed"),
        ("an edge lost", wrong_edges({"a": set(), "b": set()}, good), "b -> a is expected"),
        ("a crate added", wrong_edges({**good, "c": set()}, good), "crate c is not in the graph"),
        ("a crate lost", wrong_edges({"a": set()}, good), "not in the workspace"),
        ("the good picture", drawn(picture), None),
        ("a picture too many arrows", drawn(picture.replace("(nothing of ours)", "b")), "a -> b, which does not exist"),
        ("a picture too few arrows", drawn(picture.replace("b -> a", "b -> (nothing of ours)")), "does not draw b -> a"),
        ("a picture without a crate", drawn(picture.replace("a -> (nothing of ours)\n", "")), "do not both have a"),
        ("no picture", drawn("text"), "found 0"),
        ("a scribble", drawn(picture.replace("b -> a", "b to a")), "not an arrow"),
        ("a clean reach", wrong_reach("a", {"x": clean}, {"y"}, True), None),
        ("a forbidden library", wrong_reach("a", {"tokio": (set(), False)}, SERVICE, False), "must never reach tokio"),
        ("std switched on", wrong_reach("a", {"x": ({"std"}, False)}, set(), True), "feature std on"),
    ]
    wrong = 0
    for name, problems, expected in cases:
        problems = list(problems)
        if expected is None:
            noticed = problems == []
        else:
            noticed = any(expected in problem for problem in problems)
        if not noticed:
            wrong += 1
            print(f"check-dep-graph --self-test: {name}: expected {expected!r}, got {problems}")
    print(f"check-dep-graph --self-test: {len(cases) - wrong} of {len(cases)} cases as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test())
    if sys.argv[1:]:
        sys.exit("usage: check-dep-graph.sh [--self-test]")
    sys.exit(check())
