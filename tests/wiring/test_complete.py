"""Every setting has a test in this folder that shows where it goes."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import tests.wiring
from docs.generate import is_section, sections
from prefloop.registry import METHODS
from prefloop.settings.run import RunConfig
from prefloop.settings.section import Section
from tests.wiring.wires import Wire


def settings_of(root: type[Section]) -> set[str]:
    """Return the dotted names of all settings of a section, of those below it, and of methods.

    A method's own settings have its name before theirs, as in `ppo: policy.options.gamma`.
    """
    of_methods = {
        f"{method}: policy.options.{name}"
        for method in METHODS.names()
        for name in METHODS.load(method).Settings.model_fields
    }
    return of_methods | {
        f"{place}.{name}" if place else name
        for place, section in sections(root)
        for name, field in section.model_fields.items()
        if not is_section(field.annotation)
    }


def wiring_tests() -> Iterator[ModuleType]:
    """Yield the test files of this folder."""
    for module in pkgutil.iter_modules(tests.wiring.__path__):
        if module.name.startswith("test_"):
            yield importlib.import_module(f"tests.wiring.{module.name}")


def covered(modules: Iterator[ModuleType]) -> set[str]:
    """Return the settings that a table or a marked test covers."""
    found: set[str] = set()
    for module in modules:
        for value in vars(module).values():
            rows = value if isinstance(value, list) else []
            found |= {row.name for row in rows if isinstance(row, Wire)}
            found |= set(getattr(value, "covers", ()))
    return found


def test_every_setting_has_a_test_of_its_wiring() -> None:
    assert settings_of(RunConfig) - covered(wiring_tests()) == set()


def test_no_test_is_about_a_setting_that_there_is_not() -> None:
    assert covered(wiring_tests()) - settings_of(RunConfig) == set()


def test_a_new_setting_without_a_test_would_be_seen() -> None:
    class Extended(RunConfig):
        """A run with one setting more."""

        unheard_of: int = 1
        """Nobody reads it."""

    assert settings_of(Extended) - covered(wiring_tests()) >= {"unheard_of"}
