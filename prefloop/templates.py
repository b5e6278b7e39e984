"""The environment in which every page, card and document is made."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def template_environment(
    package: str, *, autoescape: bool = True, keep_trailing_newline: bool = False
) -> Environment:
    """Return the environment of the templates beside a package: a misspelt name is an error.

    Escaping is on unless the template is no HTML: what is shown may be a stranger's.
    """
    return Environment(
        loader=PackageLoader(package),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=keep_trailing_newline,
    )
