#!/bin/sh
# Pin everything that the image installs: write deploy/requirements.lock from setup.py and deploy/build.in.
# usage: deploy/lock.sh [--upgrade]      (without --upgrade, versions that still fit are kept)
set -eu
cd "$(dirname "$0")/.."
tools=${TOOLS:-.venv/tools}
[ -x "$tools/bin/uv" ] || { "${PYTHON:-python3}" -m venv "$tools" && "$tools/bin/pip" install --quiet --disable-pip-version-check uv; }
UV_CUSTOM_COMPILE_COMMAND="make lock" exec "$tools/bin/uv" pip compile setup.py deploy/build.in \
    --extra postgres --extra cloud --extra fr \
    --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
    --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links --quiet \
    --output-file deploy/requirements.lock "$@" >/dev/null
