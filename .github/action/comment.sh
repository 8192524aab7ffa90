#!/usr/bin/env bash
# Writes the difference as a comment on a pull request, or over the one that an earlier run wrote: one comment for each
# job, its policies, and roles or users. Where nothing changed, none is begun, and an old one says so.
#
# Environment: GH_TOKEN (`pull-requests: write`), PULL_REQUEST, DIFF, CHANGED, POLICY, BY, RUNNER_TEMP, and GitHub's own.
set -euo pipefail

key=$(printf '%s\n' "${GITHUB_WORKFLOW:-}" "${GITHUB_JOB:-}" "$POLICY" | cksum | tr ' ' -)
if [ "${BY:-role}" != role ]; then key=$key-$BY; fi
marker="<!-- remit: $key -->"
body=$RUNNER_TEMP/remit/comment.md
{
  printf '%s\n' "$marker"
  cat "$DIFF"
} >"$body"
comments=repos/$GITHUB_REPOSITORY/issues

# A token of a pull request from a fork may not write, and the summary of the run has the difference all the same.
refused() {
  echo "::warning title=remit::the comment could not be written, which takes \`pull-requests: write\`; the summary has it"
  exit 0
}

# Only what a bot wrote: a person's comment that begins with the mark stays theirs.
mine=".[] | select(.user.type == \"Bot\" and (.body | startswith(\"$marker\"))) | .id"
found=$(gh api --paginate "$comments/$PULL_REQUEST/comments?per_page=100" --jq "$mine") || refused
id=${found%%$'\n'*}
if [ -n "$id" ]; then
  gh api --silent --method PATCH "$comments/comments/$id" -F "body=@$body" || refused
elif [ "${CHANGED:-0}" != 0 ]; then
  gh api --silent --method POST "$comments/$PULL_REQUEST/comments" -F "body=@$body" || refused
else
  echo "no permission changed, and no comment is there to say so"
fi
