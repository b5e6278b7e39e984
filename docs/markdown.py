"""Tables in Markdown."""


def markdown_table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a table; none where there is no row."""
    if not rows:
        return []
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines]
