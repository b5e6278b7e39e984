"""The templates of what a notebook shows; whatever a run says or writes is escaped."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from prefloop.report.filters import page_filters


def rendered(template: str, **values: object) -> str:
    """Return a template of `prefloop/python/templates` with its values."""
    return _environment().get_template(f"{template}.html.jinja").render(**values)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("prefloop.python"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(page_filters())
    return made
