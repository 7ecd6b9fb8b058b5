"""`python -m pipeline.cli`: the command line, for when the script `newsbeam` is not on PATH."""

from pipeline.cli.commands import main

main()
