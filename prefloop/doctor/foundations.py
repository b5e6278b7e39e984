"""Checks of what a run stands on: its database, model, tokenizer and prompts."""

from pathlib import Path

from prefloop.config import RunConfig
from prefloop.doctor.finding import Finding
from prefloop.errors import InputError, PrefloopError
from prefloop.models.loading import PAD_TOKEN, TextCoder
from prefloop.prompts.loading import check_context, load_prompts
from prefloop.prompts.queries import CachedPieces, cut_query
from prefloop.prompts.sources import read_passages
from prefloop.store.store import Store

LOOKED_AT = 500
"""Passages that are cut to see how many survive."""

FEW = 0.2
"""A smaller share of surviving passages is told as a warning."""


def check_store(config: RunConfig, folder: Path) -> list[Finding]:
    """Whether the database opens and its ledger is whole."""
    path = config.store or folder / "prefloop.db"
    if config.store is None and not Path(path).exists():
        return [_store("later", "There is no database yet: the run has not begun.")]
    try:
        with Store.open(path, read_only=True) as store:
            n_events = store.verify_chain()
    except PrefloopError as error:
        return [_store("bad", str(error), "Put back a backup of the database; keep this one.")]
    return [_store("ok", f"The database opens, and its ledger of {n_events} events is whole.")]


def _store(status: str, told: str, action: str = "") -> Finding:
    return Finding(
        stage="store",
        check="store opens, ledger is whole",
        status=status,  # type: ignore[arg-type]
        told=told,
        action=action,
    )


def check_model(config: RunConfig, base: Path) -> Finding:
    """Say where the model was found."""
    told = f"models.name {config.models.name} is {base}."
    return Finding(stage="models", check="model folder", status="ok", told=told)


def check_tokenizer(config: RunConfig, coder: TextCoder) -> list[Finding]:
    """Whether padding is a token of its own, and the stop text one token."""
    eos = coder.tokenizer.eos_token_id
    is_own = coder.pad_id is not None and coder.pad_id != eos
    added = ", added by prefloop" if coder.tokenizer.pad_token == PAD_TOKEN else ""
    pad = Finding(
        stage="models",
        check="padding is not end-of-text",
        status="ok" if is_own else "bad",
        told=f"Padding is token {coder.pad_id}{added}; end-of-text is {eos}.",
        action="" if is_own else "Give the tokenizer a pad token of its own.",
    )
    return [pad, _check_stop(config, coder)]


def _check_stop(config: RunConfig, coder: TextCoder) -> Finding:
    check, stop = "stop text is one token", config.task.stop
    if stop is None:
        told = "task.stop is null: every response counts as ended."
        return Finding(stage="prompts", check=check, status="ok", told=told)
    try:
        told = f"task.stop {stop!r} is token {coder.single_token(stop)}."
    except InputError as error:
        action = "Set task.stop to such a text, or to null."
        return Finding(stage="prompts", check=check, status="bad", told=str(error), action=action)
    return Finding(stage="prompts", check=check, status="ok", told=told)


def check_prompts(config: RunConfig, coder: TextCoder, context: int) -> Finding:
    """How many passages become prompts under the task's rules."""
    check_context(config.task, coder, context)
    passages = read_passages(config.prompts).passages[:LOOKED_AT]
    pieces = CachedPieces(coder)
    kept = sum(cut_query(p.text, config.task, pieces).refusal is None for p in passages)
    share = kept / len(passages)
    if not kept:
        # It says for each rule how many passages it refused.
        load_prompts(config.prompts, config.task, coder, context=context)
    is_few = share < FEW
    return Finding(
        stage="prompts",
        check="prompts survive the task's rules",
        status="warn" if is_few else "ok",
        told=f"{kept} of the first {len(passages)} passages survive the task's rules "
        f"({share:.0%}).",
        action="See task.start_after, task.end_at, task.query_tokens_min and _max."
        if is_few
        else "",
    )
