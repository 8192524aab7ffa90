#!/usr/bin/env bash
# Installs the remit that this action is a checkout of, into an environment of its own.
#
# Environment: PYTHON (or none: the `python3` there is), EXTRAS, GITHUB_ACTION_PATH, RUNNER_TEMP.
set -euo pipefail

if [[ ! $EXTRAS =~ ^[a-z0-9,-]*$ ]]; then
  echo "::error title=remit::\`extras\` are names with commas between them, as in: prove,sql"
  exit 2
fi
what=$GITHUB_ACTION_PATH${EXTRAS:+[$EXTRAS]}
venv=$RUNNER_TEMP/remit/venv
echo "::group::install remit"
"${PYTHON:-python3}" -m venv "$venv"
bin=$venv/bin
[ -d "$bin" ] || bin=$venv/Scripts # Windows
"$bin/python" -m pip install --quiet --disable-pip-version-check "$what"
"$bin/remit" --version
echo "::endgroup::"
