"""Write part of the output of `newsbeam demo` as a picture: `python tools/capture_demo.py docs/demo.svg`."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from pipeline.cli.demo.demonstrate import demonstrate

WIDTH = 104
# the sections of the output to show, and the maximum number of lines of each
SHOWN = {"articles": 12, "one page": 17, "no articles": 6, "audit": 4}


def main(target: str) -> int:
    """Run the demo and write the picture; returns the demo's exit code."""
    printed = io.StringIO()
    code = demonstrate(None, Console(file=printed, width=WIDTH, force_terminal=True, color_system="truecolor"))
    picture = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    picture.print(Text.from_ansi("\n".join(choose_lines(printed.getvalue()))))
    svg = picture.export_svg(title="newsbeam demo")
    # the viewer's own fonts will do; the picture must not load others from the network
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)
    Path(target).write_text(re.sub(r"[ \t]+$", "", svg, flags=re.M))
    return code


def choose_lines(output: str) -> list[str]:
    """Return the lines to show; sections of the output are separated by empty lines and begin with their name."""
    chosen = ["$ newsbeam demo"]
    for section in re.split(r"\n\s*\n", output):
        lines = section.strip("\n").splitlines()
        plain = Text.from_ansi(lines[0]).plain if lines else ""
        limit = next((limit for name, limit in SHOWN.items() if plain.startswith(f"{name}  ")), 0)
        if limit:
            chosen += ["", *lines[:limit], *(["..."] if len(lines) > limit else [])]
    return chosen


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
