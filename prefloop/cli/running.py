"""The verbs that run the loop: the whole of it, the demo, and one stage at a time."""

import json
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefloop.cli.arguments import AsJson, Overrides, RunPlace, run_file
from prefloop.cli.run_folder_of import folder_of
from prefloop.cli.several import joined, refuse_joined

if TYPE_CHECKING:
    from prefloop.progress import Progress
    from prefloop.settings.run import RunConfig

HERE = Path(__file__).parent

NOTHING = {
    "samples": "no samples are drawn to be compared",
    "comparisons": "nobody is asked to compare anything",
    "rewards": "no reward model is trained",
}
"""What a stage has to do where the reward is known: nothing, and in what words."""


def demo(
    overrides: Overrides = None,
    fast: Annotated[bool, typer.Option(help="Use the tiny embedded model: three minutes.")] = False,
    copying: Annotated[
        bool, typer.Option(help="Hurried labelers against careful ones: does the model copy?")
    ] = False,
    folder: Annotated[Path | None, typer.Option(help="The run folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole loop on a small model and show what came out.

    With `--copying` two kinds of labelers compare the same summaries of news, one policy learns
    from each, and what is shown is how much more of the articles each copies.

    Example: `prefloop demo --fast`
    """
    from prefloop.files import write_atomically

    if copying:
        from prefloop.cli.experiment import copying_demo
        from prefloop.errors import InputError

        refuse_joined("prefloop demo --copying")
        if fast:
            raise InputError("The copying demo has one size. Give --copying or --fast, not both.")
        copying_demo(folder or Path("demo-run-copying"), overrides, as_json=as_json)
        return

    folder = folder or Path("demo-run-fast" if fast else "demo-run")
    source = HERE / "runs" / ("fast.yaml" if fast else "demo.yaml")
    if not (folder / "run.yaml").exists():
        refuse_before_a_folder_is_made(source, overrides)
        write_atomically(folder / "run.yaml", source.read_text(encoding="utf-8"))
    report = carry_out(folder, overrides)
    _show_result(folder, report, n_pairs=5, as_json=as_json)


def refuse_before_a_folder_is_made(source: Path, overrides: list[str] | None) -> None:
    """Raise an error for settings that cannot be, and for a model that is not there."""
    from prefloop.run_file import load_run_file

    name = load_run_file(source, overrides or []).models.name
    # Imported late: a mistake in the settings is reported at once, before a library loads.
    from prefloop.models.sources import resolve

    resolve(name, say=lambda text: print(text, file=sys.stderr))


def run(
    folder: RunPlace,
    overrides: Overrides = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print what it will do, and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run every stage; ^C stops, and the same command resumes.

    The run of a file that is not called run.yaml goes into a folder named after the file.

    Example: `prefloop run my-run policy.lr=1e-4`
    """
    folder = folder_of(folder)
    if plan:
        _show_plan(folder, overrides, as_json=as_json)
        return
    report = carry_out(folder, overrides)
    _show_result(folder, report, n_pairs=3, as_json=as_json)


def prompts(folder: RunPlace, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Read and store the prompts, and stop there.

    Example: `prefloop prompts my-run`
    """
    from prefloop.run.kept_settings import with_method_options
    from prefloop.run.stored_prompts import are_prompts_stored
    from prefloop.run_file import load_run_file

    folder = folder_of(folder)
    config = with_method_options(load_run_file(run_file(folder), overrides or []))
    if are_prompts_stored(config, folder):
        _show(folder, as_json)
        return
    from prefloop.errors import DiskError

    try:
        _stage(folder, overrides, "prompts", as_json)
    except DiskError as error:
        if (folder / "run.resolved.yaml").is_file():
            _show(folder, as_json)
        raise DiskError(f"No prompt was stored, and nothing was changed. {error}") from error


def samples(folder: RunPlace, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Run up to the samples of this round: drawn, made into questions, not yet answered.

    Example: `prefloop samples my-run`
    """
    _stage(folder, overrides, "samples", as_json)


def comparisons(folder: RunPlace, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Run up to the comparisons of this round: the questions are answered.

    Example: `prefloop comparisons my-run`
    """
    _stage(folder, overrides, "comparisons", as_json)


def rewards(folder: RunPlace, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Run up to the reward model of this round.

    Example: `prefloop rewards my-run rewards.lr=1e-4`
    """
    _stage(folder, overrides, "rewards", as_json)


def policy(folder: RunPlace, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Run up to the policy of this round.

    Example: `prefloop policy my-run`
    """
    _stage(folder, overrides, "policy", as_json)


def evaluation(
    folder: RunPlace,
    overrides: Overrides = None,
    judge: Annotated[
        list[str] | None,
        typer.Option("--judge", help="A further judge, beside those of the run file."),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--models", help="Models to judge, such as `policy/round-0`, or a folder."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run up to the evaluation of this round, the last or not.

    With `--judge` or `--models` nothing is trained: models are judged again, those that were judged
    before unless some are named. New figures stand beside the earlier ones.

    Example: `prefloop evaluation my-run --judge length --models policy/round-0 policy/round-1`
    """
    if not judge and not models:
        _stage(folder, overrides, "evaluation", as_json)
        return
    folder = folder_of(folder)
    # What follows the first name of a model and is no change of a setting is a name as well.
    more = [text for text in overrides or [] if models and "=" not in text]
    changes = [text for text in overrides or [] if text not in more]
    names = [*(models or []), *more]
    carry_out(folder, _judging(folder, changes, judge or [], names), again=names)
    _show(folder, as_json)


def _judging(folder: Path, changes: list[str], judges: list[str], models: list[str]) -> list[str]:
    """Return the changes with those that add judges and models to the run file's."""
    from prefloop.run_file import load_run_file

    asked = load_run_file(run_file(folder), changes).evaluation
    both = {"judges": [*asked.judges, *judges], "models": [*asked.models, *models]}
    added = [f"evaluation.{key}={json.dumps(list(dict.fromkeys(v)))}" for key, v in both.items()]
    return [*changes, *added]


def _stage(folder: Path, overrides: list[str] | None, stage: str, as_json: bool) -> None:
    folder = folder_of(folder)
    carry_out(folder, overrides, until=stage)
    if nothing := _nothing_to_do(folder, overrides, stage):
        print(nothing, file=sys.stderr)
    _show(folder, as_json)


def _show(folder: Path, as_json: bool) -> None:
    from prefloop.cli.showing import show_progress

    show_progress(folder, as_json=as_json)


def _nothing_to_do(folder: Path, overrides: list[str] | None, stage: str) -> str:
    """Say why a run with a known reward has nothing to do in a stage; "" if it has."""
    from prefloop.run_file import load_run_file

    config = load_run_file(run_file(folder), overrides or [])
    if config.policy.uses_reward_model or stage not in NOTHING:
        return ""
    return (
        f"policy.reward is {config.policy.reward!r}, a scorer: the policy is trained towards it, "
        f"and {NOTHING[stage]}. Next: prefloop policy {folder}"
    )


def _show_plan(folder: Path, overrides: list[str] | None, *, as_json: bool) -> None:
    """Print what the run is going to do: its model's tokenizer and its prompts are read for it."""
    import json
    from dataclasses import asdict

    from prefloop.run_file import load_run_file

    config = load_run_file(run_file(folder), overrides or [])
    from prefloop.cli.console import make_progress
    from prefloop.run.assemble import plan_run
    from prefloop.run.kept_settings import with_method_options
    from prefloop.run.plan import plan_lines

    progress = make_progress()
    try:
        planned = plan_run(with_method_options(config), progress.say, joined())
    finally:
        progress.close()
    print(json.dumps(asdict(planned)) if as_json else "\n".join(plan_lines(planned, folder)))


def _show_result(folder: Path, report: Path, *, n_pairs: int, as_json: bool) -> None:
    from prefloop.cli.showing import show_result

    show_result(folder, report, n_pairs=n_pairs, as_json=as_json)


def carry_out(
    folder: Path,
    overrides: list[str] | None,
    until: str | None = None,
    *,
    again: list[str] | None = None,
) -> Path:
    """Run the loop, alone in the folder and with settings that fit what is there.

    With `again`, these models are judged instead, whatever is left to do.
    """
    from prefloop.run_file import load_run_file

    config = load_run_file(run_file(folder), overrides or [])
    # Imported late: a mistake in the run file is reported at once, before a library loads.
    from prefloop.cli.console import make_progress
    from prefloop.run.carry_out import carry_out

    progress = make_progress()
    until = until if again is None else "evaluation"
    try:
        page = _page(config, folder, overrides or [], progress, until)
        return carry_out(
            *(config, folder, progress),
            until=until,
            again=again,
            beside=page,
            processes=joined(),
        )
    finally:
        progress.close()


def _page(
    config: "RunConfig",
    folder: Path,
    overrides: list[str],
    progress: "Progress",
    until: str | None,
) -> AbstractContextManager[None]:
    """Keep the labeling page up if people label or judge, unless it is served elsewhere."""
    from prefloop.cli.page import labeling_page
    from prefloop.settings.comparisons import PEOPLE
    from prefloop.web.strings import read_strings

    people = config.comparisons.people
    label = config.policy.uses_reward_model and config.comparisons.labelers == PEOPLE
    label = label and until not in ("prompts", "samples")
    judge = PEOPLE in config.evaluation.judges and until in (None, "evaluation")
    if not (label or judge) or not people.serve:
        return nullcontext()
    if config.comparisons.strings is not None:
        # Before anything is drawn: without them there is no page to label on.
        read_strings(Path(config.comparisons.strings))
    return labeling_page(folder, overrides, progress, opens_browser=people.browser)
