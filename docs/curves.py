"""Draws a run's learning curves for a page of these docs: the report's charts in one SVG.

python -m docs.curves my-run docs/img/my-run.svg
"""

import re
import sys
from pathlib import Path

from prefloop.report import build
from prefloop.report.training import Chart, kl_levels, policy_charts
from prefloop.run_file import load_run_file
from prefloop.run_folder import read_run_folder

SHOWN = ("Score", "KL", "KL coefficient", "Entropy")
WIDTH, HEIGHT, HEAD, GAP = 360, 210, 32, 44
STYLE = Path(build.__file__).parent / "templates" / "style.css"


def curves(charts: list[Chart]) -> str:
    """Return the charts in two columns, each under its title, with the report's colors."""
    rows = -(-len(charts) // 2)
    width, height = 2 * (WIDTH + GAP), rows * (HEIGHT + HEAD + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
        f"<style>{style()} svg {{ font-family: system-ui, sans-serif; }}</style>",
        f'<rect width="{width}" height="{height}" style="fill: var(--paper)"/>',
    ]
    for place, chart in enumerate(charts):
        x = (place % 2) * (WIDTH + GAP)
        y = (place // 2) * (HEIGHT + HEAD + GAP) + HEAD
        title = (
            f'<text class="value" x="{x + 6}" y="{y - 16}">{chart.title}, {chart.caption}</text>'
        )
        size = f'<svg x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" overflow="visible" '
        parts += ['<g class="chart">', title, str(chart.drawing).replace("<svg ", size, 1), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def style() -> str:
    """Return the rules of the report's style sheet that charts need: colors and their own."""
    text = STYLE.read_text(encoding="utf-8")
    colors, _, rest = text.partition("* {")
    # What `.chart` itself says is about a page's width, and would win over that of each chart.
    own = [line for line in rest.splitlines() if re.match(r"\.chart (?!{)", line)]
    return colors + "\n".join(own)


def main() -> None:
    """Draw the curves of one run."""
    run, target = map(Path, sys.argv[1:])
    settings = load_run_file(run / "run.yaml").policy.kl
    charts = policy_charts(read_run_folder(run).metrics, kl_levels=kl_levels(settings))
    target.write_text(curves([c for c in charts if c.title in SHOWN]), encoding="utf-8")


if __name__ == "__main__":
    main()
