#!/usr/bin/env bash
# Lints, formats, tests and compares policies. Findings become annotations of the pull request, the whole of it stands in
# the log, the difference in the summary of the run. All that is wanted runs, whatever came before; then it fails if
# anything did: 1 for findings, 2 where something could not be looked at.
#
# Environment: POLICY (a path a line), DIRECTORY, CHECKS, EXACT, FAIL_LEVEL, FAIL_UNDER, FAIL_ON, BY, BASE, EVENT_BASE,
# and GitHub's own. Bash 3.2, which macOS has, must do.
set -euo pipefail

: "${POLICY=}" "${DIRECTORY=}" "${CHECKS=lint fmt test diff}" "${EXACT=true}" "${FAIL_LEVEL=}" "${FAIL_UNDER=}"
: "${FAIL_ON=}" "${BY=role}" "${BASE=}" "${EVENT_BASE=}"
export REMIT_CACHE=off # a runner that is shared may have remembered for somebody else
out=$RUNNER_TEMP/remit
bin=$out/venv/bin
[ -d "$bin" ] || bin=$out/venv/Scripts # Windows
worst=0
results=()
stop=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')

output() { printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"; }

# What comes of a check by its exit code: a line of the summary, and for what is wrong an annotation, `$3`.
settle() {
  local words=passed
  case $2 in
    0) ;;
    1) words=failed ;;
    *) words="could not be done" ;;
  esac
  results+=("| \`remit $1\` | $words |")
  if [ "$2" != 0 ]; then printf '::error title=remit %s::%s\n' "$1" "$3"; fi
  if [ "$2" -gt "$worst" ]; then worst=$2; fi
}

# Calls remit so that no text of a policy is taken for a command to the workflow; its exit code.
hushed() {
  local code=0
  printf '::stop-commands::%s\n' "$stop"
  "$bin/remit" "$@" 2>&1 || code=$?
  printf '\n::%s::\n' "$stop"
  return "$code"
}

# The same, with the log folded below a title.
told() {
  local code=0
  echo "::group::remit $1"
  hushed "$@" || code=$?
  echo "::endgroup::"
  return "$code"
}

wants() { [[ " ${CHECKS//[,$'\n']/ } " == *" $1 "* ]]; }

policies=()
while IFS= read -r line; do
  line=${line#"${line%%[![:space:]]*}"}
  line=${line%"${line##*[![:space:]]}"}
  if [ -n "$line" ]; then policies+=("$line"); fi
done <<<"$POLICY"
paths=(-- ${policies[@]+"${policies[@]}"})
people=()
if [ -n "$DIRECTORY" ]; then people=(--directory="$DIRECTORY"); fi

for word in ${CHECKS//,/ }; do
  case $word in
    lint | fmt | test | diff) ;;
    *) settle "$word" 2 "there is no such check: it is one of lint, fmt, test and diff" ;;
  esac
done

if wants lint; then
  lint=(lint --no-cache ${people[@]+"${people[@]}"})
  if [ "$EXACT" = true ]; then lint+=(--exact); fi
  if [ -n "$FAIL_LEVEL" ]; then lint+=(--fail-level="$FAIL_LEVEL"); fi
  code=0
  told "${lint[@]}" "${paths[@]}" || code=$?
  # What was found is remembered, so that writing it twice more takes no second look.
  findings=$out/annotations
  : >"$findings"
  "$bin/remit" "${lint[@]}" --exit-zero --output-format github --output "$findings" "${paths[@]}" 2>/dev/null || true
  cat "$findings"
  count=$(grep -c '^::' "$findings" || true)
  output findings "$count"
  output errors "$(grep -c '^::error ' "$findings" || true)"
  if [ "$code" = 2 ]; then
    settle lint 2 "the policies could not be looked at; the log says why"
  else
    "$bin/remit" "${lint[@]}" --exit-zero --output-format sarif --output "$out/remit.sarif" "${paths[@]}"
    output sarif "$out/remit.sarif"
    settle lint "$code" "findings: $count; the log shows them with their lines"
  fi
fi

if wants fmt; then
  code=0
  told fmt --diff --no-cache "${paths[@]}" || code=$?
  settle fmt "$code" "the policies are not in the one format, the log shows what would change; it is done by: remit fmt"
fi

if wants test; then
  code=0
  test=(test)
  if [ -n "$FAIL_UNDER" ]; then test+=(--coverage --fail-under="$FAIL_UNDER"); fi
  told "${test[@]}" "${paths[@]}" || code=$?
  settle test "$code" "tests or asserts of the policies failed; the log shows them with their lines"
fi

# The commit that a name means, brought here where a shallow checkout lacks it.
commit() {
  case $1 in -*) return 1 ;; esac
  git rev-parse --verify --quiet "$1^{commit}" ||
    git rev-parse --verify --quiet "origin/$1^{commit}" ||
    { git fetch --quiet --no-tags --depth=1 origin "$1" >&2 && git rev-parse --verify --quiet "FETCH_HEAD^{commit}"; }
}

# What to compare with; nothing where there is nothing before.
base() {
  if [ -n "$BASE" ]; then
    commit "$BASE"
    return
  fi
  case $EVENT_BASE in *[!0]*) ;; *) return 0 ;; esac # a new branch has a `before` of zeros
  if [ "${GITHUB_EVENT_NAME:-}" = pull_request ]; then
    # What is checked out merges the pull request into its base: the first parent is the base as of now, though a
    # shallow checkout only knows its name. Where the head itself is checked out, it is where the two parted.
    local parents
    parents=$(git cat-file -p HEAD | sed -n '/^$/q; s/^parent //p')
    if [ "$(git rev-parse HEAD)" = "$GITHUB_SHA" ] && [ "$(wc -l <<<"$parents")" -eq 2 ]; then
      commit "${parents%%$'\n'*}"
      return
    fi
    local from
    from=$(commit "$EVENT_BASE") || return 1
    git merge-base "$from" HEAD || printf '%s\n' "$from"
    return
  fi
  commit "$EVENT_BASE"
}

# A path as a revision has it: from here, where it is relative, else from the top of the repository. None for an address
# and for what lies elsewhere.
below() {
  local top
  top=$(git rev-parse --show-toplevel)
  case $1 in
    "" | *://*) return 1 ;;
    "$top"/*) printf '%s' "${1#"$top"/}" ;;
    /*) return 1 ;;
    *) printf './%s' "$1" ;;
  esac
}

# Adds up what changed: gained, lost, and in all.
counts() {
  "$bin/python" - "$@" <<'PY'
import json
import sys

gained = lost = every = 0
for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as file:
        found = json.load(file)["summary"]
    gained += found["gained"] + found["widened"] + found["changed"]
    lost += found["lost"] + found["narrowed"] + found["changed"]
    every += sum(found.values())
print(gained, lost, every)
PY
}

if wants diff; then
  code=0
  from=$(base) || code=2
  if [ "$code" = 2 ]; then
    # Without a wish to fail on changes, a comparison that cannot be had is no reason to stop anybody.
    if [ -n "$FAIL_ON" ]; then
      settle diff 2 "the revision to compare with is not here; check out with \`fetch-depth: 0\`, or name one with \`base\`"
    else
      echo "::warning title=remit diff::the revision to compare with is not here; check out with \`fetch-depth: 0\`"
    fi
  elif [ -z "$from" ]; then
    echo "there is nothing before this to compare with"
  else
    short=$(git rev-parse --short=12 "$from")
    whole=$out/diff.md
    : >"$whole"
    jsons=()
    compared=(${people[@]+"${people[@]}"})
    if [ "$BY" != role ]; then
      compared+=(--by="$BY")
      # A file is as the base had it on the one side, and as it is here on the other; what git does not keep is as it is.
      if before=$(below "$DIRECTORY"); then
        compared=(--directory="$short:$before" --new-directory="$DIRECTORY" --by="$BY")
      fi
    fi
    [ "${#policies[@]}" -gt 0 ] || policies=("")
    number=0
    for policy in "${policies[@]}"; do
      number=$((number + 1))
      diff=(diff "$short:" --allow-missing ${compared[@]+"${compared[@]}"})
      if [ -n "$policy" ]; then diff+=(--policy="$policy"); fi
      if hushed "${diff[@]}" --output-format json --output "$out/diff-$number.json"; then
        jsons+=("$out/diff-$number.json")
      else
        code=2
        continue
      fi
      if [ -n "$FAIL_ON" ]; then diff+=(--fail-on="$FAIL_ON"); fi
      one=0
      hushed "${diff[@]}" --output-format markdown --output "$out/diff-$number.md" || one=$?
      if [ "$one" -gt "$code" ]; then code=$one; fi
      # A comment holds 65,536 characters.
      if [ "$(($(wc -c <"$whole") + $(wc -c <"$out/diff-$number.md")))" -lt 65200 ]; then
        { cat "$out/diff-$number.md"; echo; } >>"$whole"
      else
        printf 'The difference of policy %s has no room here.\n\n' "$number" >>"$whole"
      fi
    done
    if [ "${#jsons[@]}" -gt 0 ]; then
      read -r gained lost changed <<<"$(counts "${jsons[@]}")"
      output gained "$gained"
      output lost "$lost"
      output changed "$changed"
      output diff "$whole"
    fi
    if [ "$code" = 2 ] && [ -z "$FAIL_ON" ]; then
      echo "::warning title=remit diff::a policy could not be compared, the log says why"
    else
      settle diff "$code" "permissions changed in a way that \`fail-on\` does not let pass, or they could not be compared"
    fi
  fi
fi

{
  printf '## remit\n\n| | |\n|---|---|\n'
  printf '%s\n' ${results[@]+"${results[@]}"} ""
  if [ -s "$out/diff.md" ]; then cat "$out/diff.md"; fi
} >>"$GITHUB_STEP_SUMMARY"
exit "$worst"
