"""`python -m pipeline`: see pipeline.cli.job."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.cli.job import job


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the job that the arguments describe; raises SystemExit with its exit code."""
    job.main(args=None if arguments is None else list(arguments), prog_name="python -m pipeline")


if __name__ == "__main__":
    main()
