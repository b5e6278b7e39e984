"""The templates of what a notebook shows; whatever a run says or writes is escaped."""

from functools import cache

from jinja2 import Environment

from prefloop.report.filters import page_filters
from prefloop.templates import template_environment


def rendered(template: str, **values: object) -> str:
    """Return a template of `prefloop/python/templates` with its values."""
    return _environment().get_template(f"{template}.html.jinja").render(**values)


@cache
def _environment() -> Environment:
    made = template_environment("prefloop.python")
    made.filters.update(page_filters())
    return made
