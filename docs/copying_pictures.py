"""Draws the pictures of docs/copying.md: the design, and what an experiment found.

python -m docs.copying_pictures                         the design, which needs no run
python -m docs.copying_pictures my-set/results.json     and the results, from their file
"""

import sys
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from docs.curves import style
from prefloop.experiments.charts import copied_chart, dose_chart
from prefloop.experiments.members import copying_settings
from prefloop.figures.experiment import ExperimentFigures

IMAGES = Path(__file__).parent / "img"
WIDTH, TOP = 720, 24
ROW, BOX = 38, 30


def design() -> str:
    """Return the drawing of the design: one set of samples, an arm a row, what each rewards."""
    settings = copying_settings()
    arms = [settings.arms[name] for name in settings.members["zero-shot"]]
    height = TOP + len(arms) * ROW
    root = Element("svg", {"viewBox": f"0 0 {WIDTH} {height}", "class": "chart", "role": "img"})
    _text(root, 70, 16, "drawn once a seed", "name middle")
    middle = (TOP + height) / 2
    for line, words in enumerate(("articles", "4 samples each", "1 question each")):
        _box(root, 10, middle - 58 + line * ROW, 120, words)
    for row, arm in enumerate(arms):
        y = TOP + row * ROW
        _line(root, 130, middle - 4, 200, y + BOX / 2)
        _box(root, 200, y, 250, arm.title)
        _line(root, 450, y + BOX / 2, 490, y + BOX / 2)
        expected = {"rises": "copying rises", "stays": "copying stays", "open": "to be seen"}
        _box(root, 490, y, 110, "its own policy")
        _text(root, 610, y + 19, expected[arm.copying], "name")
    return tostring(root, encoding="unicode")


def _box(root: Element, x: float, y: float, width: float, words: str) -> None:
    place = {"x": f"{x}", "y": f"{y}", "width": f"{width}", "height": f"{BOX}", "rx": "4"}
    SubElement(root, "rect", {**place, "style": "fill: var(--panel); stroke: var(--rule)"})
    _text(root, x + width / 2, y + 19, words, "middle")


def _line(root: Element, x1: float, y1: float, x2: float, y2: float) -> None:
    ends = {"x1": f"{x1}", "y1": f"{y1}", "x2": f"{x2}", "y2": f"{y2}"}
    SubElement(root, "line", {**ends, "class": "axis"})


def _text(root: Element, x: float, y: float, words: str, kind: str) -> None:
    SubElement(root, "text", {"x": f"{x}", "y": f"{y}", "class": kind}).text = words


def picture(drawing: str) -> str:
    """Return a drawing as a file of its own, with the report's colors."""
    inner = f"<style>{style()} svg {{ font-family: system-ui, sans-serif; }}</style>"
    inner += '<rect width="100%" height="100%" style="fill: var(--paper)"/>'
    end = drawing.index(">") + 1
    head = drawing[:end].replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{head}\n{inner}\n{drawing[end:]}\n"


def main() -> None:
    """Draw the design, and the results that are named."""
    drawings = {"copying-design": design()}
    for name in sys.argv[1:]:
        figures = ExperimentFigures.model_validate_json(Path(name).read_text(encoding="utf-8"))
        drawings["copying-arms"] = str(copied_chart(figures))
        if (dose := dose_chart(figures)) is not None:
            drawings["copying-dose"] = str(dose)
    for name, drawing in drawings.items():
        (IMAGES / f"{name}.svg").write_text(picture(drawing), encoding="utf-8")


if __name__ == "__main__":
    main()
