"""What the names of models and scorers stood for when the run began, kept when it resumes.

`run.resolved.yaml` keeps the names; the files behind them may change under the same name. Their
hashes are in `contents.json`, beside it.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, ValidationError

from prefloop.access import is_there
from prefloop.choices import chosen_kind
from prefloop.errors import SettingsError, listing
from prefloop.files import read_text, write_if_changed
from prefloop.models.identity import ModelIdentity, identity_of
from prefloop.registry import LABELERS, SCORERS
from prefloop.run_paths import expanded
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.scorers.endpoint.usage import ENDPOINTS_HAVE
from prefloop.scorers.fingerprint import source_hash
from prefloop.scorers.function import FunctionScorer
from prefloop.settings.comparisons import NOBODY, PEOPLE
from prefloop.settings.run import RunConfig

CONTENTS = "contents.json"

Say = Callable[[str], None]

NO_CODE: Mapping[str, str] = MappingProxyType({})


class KeptModel(BaseModel):
    """The base model that a run was begun with."""

    model_config = ConfigDict(frozen=True)

    name: str
    folder: str
    identity: ModelIdentity


class KeptContents(BaseModel):
    """What `contents.json` holds."""

    model_config = ConfigDict(frozen=True)

    model: KeptModel | None = None
    scorers: dict[str, str] = {}
    """Hashes of the files that scorers read, by name."""
    code: dict[str, str] = {}
    """Hashes of the code that the user installed, by name."""
    shares_queries: bool | None = None
    """Whether responses to one query shared a row when the model was last loaded, as a trial of it
    found (`prefloop.models.shared_query`); None where that was not kept."""


def keep_contents(
    name: str,
    base: Path,
    scorers: Mapping[str, CheckedScorer],
    folder: Path,
    *,
    code: Mapping[str, str] = NO_CODE,
    has_begun: bool,
    say: Say,
) -> None:
    """Refuse another model under the name of the run's own, or behind a scorer that it follows.

    `scorers` are those that labels or the policy rest on, and `code` is the code of those that the
    user installed, see `installed_code`. Changed code and a changed function of the user's are
    reported, not refused: a run that failed in it continues once it is corrected. SettingsError
    names all that was changed; before the first samples everything may be.
    """
    earlier = _read_contents(folder)
    known, kept, kept_code = earlier.model, earlier.scorers, earlier.code
    identity = identity_of(base, known.identity if known else None)
    hashes = {n: found for n, scorer in scorers.items() if (found := content_hash(scorer))}
    if has_begun:
        changed = [n for n, found in hashes.items() if kept.get(n, found) != found]
        corrected = [n for n in changed if _is_function(scorers[n])]
        replaced = [n for n in changed if n not in corrected]
        _refuse(folder, [*_model_problems(name, base, identity, known), *map(_replaced, replaced)])
        reported = [f"scorers.{n}: {_place(scorers[n])}" for n in corrected]
        reported += [
            f"{n}: its code" for n, found in code.items() if kept_code.get(n, found) != found
        ]
        for what in reported:
            say(
                f"{what} has changed; what was labeled or trained by the earlier one stays, and "
                "the new one holds from here on."
            )
    model = KeptModel(name=name, folder=str(base.resolve()), identity=identity)
    new = {"model": model, "scorers": kept | hashes, "code": kept_code | dict(code)}
    _write(folder, earlier.model_copy(update=new))


def keep_sharing(shares_queries: bool, folder: Path, *, has_begun: bool, say: Say) -> None:
    """Keep whether responses to one query share a row; a run that goes on otherwise says so.

    Other versions or another device may let a trial of the same model come out differently.
    """
    earlier = _read_contents(folder)
    if has_begun and earlier.shares_queries not in (None, shares_queries):
        now = "share a row now, and did not" if shares_queries else "share no row now, as they did"
        say(
            f"Responses to one query {now} when this model was loaded before: reward models, and "
            "policies with several responses to a prompt, that are trained from here on round "
            "otherwise, and the run is not, to the last bit, the one that it would have been. "
            "provenance.json of each names the versions and the device that it was trained with."
        )
    _write(folder, earlier.model_copy(update={"shares_queries": shares_queries}))


def _write(folder: Path, content: KeptContents) -> None:
    write_if_changed(folder / CONTENTS, content.model_dump_json(indent=1))


def is_known_model(name: str, folder: Path) -> bool:
    """Whether a folder holds the very model that the run in `folder` was begun with."""
    base, known = expanded(name), _read_contents(folder).model
    if known is None or not is_there(base) or not base.is_dir():
        return False
    return not identity_of(base, known.identity).differences(known.identity)


def scorer_hash(name: str, folder: Path) -> str | None:
    """Return the hash of what a scorer of a run was made of: a function, or files; None if the run
    does not say, or it reads none."""
    return _read_contents(folder).scorers.get(name)


def model_differences(one: Path, other: Path) -> list[str] | None:
    """Return in what the models differ that two runs were begun with; None if a run does not
    say."""
    first, second = (_read_contents(folder).model for folder in (one, other))
    if first is None or second is None:
        return None
    return first.identity.differences(second.identity)


def _read_contents(folder: Path) -> KeptContents:
    """Return what `contents.json` says; nothing if there is none, SettingsError if it is damaged.

    Taken for none it would be written again, with whatever model lies there now.
    """
    path = folder / CONTENTS
    if not path.is_file():
        return KeptContents()
    try:
        return KeptContents.model_validate_json(read_text(path))
    except ValidationError as error:
        raise SettingsError(
            f"{path} is damaged ({error.error_count()} problems): it holds the hashes of the model "
            "and the files that the run was begun with. Put back a backup of it, or delete it: "
            "then nothing tells whether they are still the same."
        ) from error


def _refuse(folder: Path, problems: Sequence[str]) -> None:
    if problems:
        raise SettingsError(
            listing(f"{folder} was begun with other files and", problems)
            + "\nPut the earlier files back to continue this run, or start a new one: copy "
            "run.yaml into a new folder and run that."
        )


def _replaced(scorer: str) -> str:
    return (
        f"scorers.{scorer}: the files behind it have changed; labels or rewards that rest on "
        "different scorers would be mixed"
    )


def followed_scorers(config: RunConfig) -> dict[str, CheckedScorer]:
    """Return the scorers that labels or the policy rest on, made now: errors come now.

    Those behind an endpoint are left out: they read no files, and may need a key only later.
    """
    known = [*config.comparisons.known_scorers, *config.rewards.hold_out]
    names = known if config.policy.uses_reward_model else [config.policy.reward]
    kinds = {name: chosen_kind(config.scorers, name)[0] for name in names}
    local = [
        name for name, kind in kinds.items() if not hasattr(SCORERS.load(kind), ENDPOINTS_HAVE)
    ]
    return {name: build_scorer(name, config.scorers) for name in local}


def installed_code(config: RunConfig, scorers: Mapping[str, CheckedScorer]) -> dict[str, str]:
    """Return hashes of the code of scorers and labelers that the user installed, by name.

    The code is a class's file and the modules of its package that it uses, see `source_hash`; a
    class without a file, as in a zip archive, has none. Of other packages that it imports, and of a
    program that it starts, nothing is known.
    """
    made = {f"scorers.{n}": type(s.scorer) for n, s in scorers.items() if not _is_function(s)}
    if config.policy.uses_reward_model and config.comparisons.labelers not in (PEOPLE, NOBODY):
        name = config.comparisons.labelers
        made[f"labeler {name}"] = LABELERS.load(name)
    return {
        name: source_hash(module)
        for name, kind in made.items()
        if not kind.__module__.startswith("prefloop.")
        and (module := sys.modules.get(kind.__module__)) is not None
        and Path(getattr(module, "__file__", None) or "").is_file()
    }


def _is_function(scorer: CheckedScorer) -> bool:
    """Whether a scorer is a function of the user's, whose file is its content."""
    return isinstance(scorer.scorer, FunctionScorer)


def _place(scorer: CheckedScorer) -> str:
    """Return where the code of a function of the user's is, in words."""
    assert isinstance(scorer.scorer, FunctionScorer)
    return scorer.scorer.place


def content_hash(scorer: CheckedScorer) -> str:
    """Return the hash of the files that a scorer reads; nothing if it reads none."""
    found: str = getattr(scorer.scorer, "content_hash", "")
    return found


def _model_problems(
    name: str, base: Path, identity: ModelIdentity, known: KeptModel | None
) -> list[str]:
    """Return what of the base model is another than at the first start."""
    if known is None:
        return []
    return [
        f"models.name {name}: {base} holds different {what} than the first start found in "
        f"{known.folder}; samples and checkpoints are of the other model"
        for what in identity.differences(known.identity)
    ]
