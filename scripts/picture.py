"""Draws docs/terminal.svg: what the demo's history looks like on a terminal.

    scripts/picture.sh

The history ends at a fixed moment, so the same program draws the same picture.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

COLUMNS = 88
ENDING = "2026-03-31T18:00:00Z"
SHOWN = [
    ["show", "last"],
    ["compare", "demo-1-240-00167", "demo-1-240-00227"],
]

# The frame is rich's; the fonts are the reader's own, so that the picture asks nobody for anything.
FRAME = """\
<svg viewBox="0 0 {terminal_width} {height}" xmlns="http://www.w3.org/2000/svg" xml:space="preserve" role="img"
  aria-label="whytrace on a terminal: a scorecard and a comparison of two runs">
<style>
text {{ font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px; line-height: {line_height}px; white-space: pre }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
<rect width="{terminal_width}" height="{height}" rx="8" fill="#1c1f26"/>
<g transform="translate(12, 12)" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""

THEME = TerminalTheme(
    (28, 31, 38),
    (214, 217, 224),
    [(92, 99, 112), (224, 108, 117), (152, 195, 121), (229, 192, 123),
     (97, 175, 239), (198, 120, 221), (86, 182, 194), (214, 217, 224)],
)


def main(program: str, picture: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = {"WHYTRACE_HOME": folder, "HOME": folder, "COLUMNS": str(COLUMNS), "PATH": os.environ["PATH"]}

        def whytrace(*arguments: str) -> str:
            command = [program, *arguments]
            return subprocess.run(command, env=settings, check=True, capture_output=True, text=True).stdout

        whytrace("demo", "--until", ENDING)
        with open(os.devnull, "w") as nowhere:
            console = Console(record=True, width=COLUMNS + 2, file=nowhere, force_terminal=True, color_system="truecolor")
            for arguments in SHOWN:
                console.print(Text.assemble(("$ ", "dim"), ("whytrace " + " ".join(arguments), "bold")))
                console.print(Text.from_ansi(whytrace(*arguments, "--color", "always")))
            drawn = console.export_svg(title="whytrace", theme=THEME, code_format=FRAME, unique_id="whytrace")
    Path(picture).write_text("\n".join(line.rstrip() for line in drawn.splitlines()) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
