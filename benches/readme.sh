#!/usr/bin/env bash
# Puts the figures of a result into README.md, between its two marks.
#
#   benches/readme.sh RESULT     a file that benches/record.sh has written with its default sizes and shapes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -eq 1 ] && [ -f "$1" ] || { sed -n 's/^# \{0,1\}//p' "$0" | sed -n '2,4p' >&2; exit 2; }
result="$1"
draft="$(mktemp)"
trap 'rm -f "$draft"' EXIT

awk -v result="$result" '
    # Times have two words: a number and its unit.
    /^## Whole proofs, /  { kind = "proofs";  backend = $4; next }
    /^## Real batches, /  { kind = "batches"; backend = $4; next }
    /^## Setups, /        { kind = "setups";  backend = $3; next }
    /^## /                { kind = "" }
    /^# /                 { sub(/^# [^,]*, */, ""); machine = $0 }
    / cores, /            { cores = $2 }
    /^- load before /     { load = $6; sub(/[,;]$/, "", load) }
    /^- rustc /           { match($0, /commit [0-9a-f]+/); commit = substr($0, RSTART + 7, 12) }
    kind == "proofs" && /^2\^/ {
        add($1)
        keep($1, $2 " " $3, $4 " " $5, $6 " " $7, $8 " " $9, $10 " " $11, $12, $14)
    }
    kind == "setups" && /^2\^/ {
        add("setup " $1)
        keep("setup " $1, $2 " " $3, $4 " " $5, "–", $6 " " $7, $8 " " $9, $14, $16)
    }
    kind == "batches" && /^t[0-9]+f[0-9]+: / { shape = $1; sub(":", "", shape); add(shape); rows[shape] = $4 }
    kind == "batches" && / peak memory / { match($0, /peak memory .*/); memory = substr($0, RSTART + 12) }
    kind == "batches" && /^  engine / { wall = $2 " " $3; cpu = $4 " " $5 }
    kind == "batches" && /^  ark-groth16 / { keep(shape, wall, cpu, memory, $2 " " $3, $4 " " $5, $6, $8) }

    function add(name) { if (!(name in known)) { known[name] = 1; names[++count] = name } }
    function keep(name, wall, cpu, memory, their_wall, their_cpu, wall_ratio, cpu_ratio) {
        ratio[name, backend] = cpu_ratio
        if ((name, "ifma") in ratio && backend != "ifma") return
        engine[name] = short(wall) ", " short(cpu); room[name] = memory
        rival[name] = short(their_wall) ", " short(their_cpu)
        wall_of[name] = wall_ratio
    }
    # Three digits are what such a measurement has.
    function short(time,   parts) {
        split(time, parts, " ")
        return sprintf(parts[1] < 10 ? "%.2f" : parts[1] < 100 ? "%.1f" : "%.0f", parts[1]) " " parts[2]
    }
    function of(name, backend) { return (name, backend) in ratio ? ratio[name, backend] " ×" : "–" }
    END {
        printf "%s cores of an %s whose load was %s before the start, commit %s: [results](%s).\n\n", cores, machine, load, commit, result
        print "| circuit | engine: wall, CPU | peak memory | ark-groth16: wall, CPU | wall ratio | CPU ratio | CPU ratio, portable |"
        print "|---|---|---|---|---|---|---|"
        for (i = 1; i <= count; i++) {
            name = names[i]
            title = name ~ /^t/ ? "batch of shape " name ", " rows[name] " rows" : name " rows"
            if (!sub(/^setup /, "setup, ", title) && name !~ /^t/) title = "synthetic, " title
            printf "| %s | %s | %s | %s | %s × | %s | %s |\n", title, engine[name], room[name], rival[name], wall_of[name], of(name, "ifma"), of(name, "portable")
        }
        exit count == 0
    }' "$result" >"$draft" || { echo "readme: $result has no figures" >&2; exit 1; }

awk -v draft="$draft" '
    /^<!-- figures: / { print; while ((getline line < draft) > 0) print line; within = 1; marks++; next }
    /^<!-- end of figures -->$/ { within = 0; marks++ }
    !within
    END { exit marks != 2 }' README.md >"$draft.new" || { rm -f "$draft.new"; echo "readme: README.md lacks its marks" >&2; exit 1; }
cat "$draft.new" >README.md
rm -f "$draft.new"
