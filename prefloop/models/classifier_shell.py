"""What a reward model is saved as: the sequence classifier of its architecture, head `score`."""

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, PreTrainedConfig, PreTrainedModel

from prefloop.errors import InputError, listing
from prefloop.models.compatibility import N_TOKENS, WORKS, is_close
from prefloop.models.heads import ScoreHead
from prefloop.models.language_model import FORWARD_ERRORS, backbone, hidden_states
from prefloop.models.pretrained import class_problem
from prefloop.models.runtime import Runtime, shapes_only

CLASSIFIER = "sequence classifier, as which the reward model is saved"


def classifier_shell(config: PreTrainedConfig) -> PreTrainedModel:
    """Return the classifier with one output for a language model's configuration, without memory.

    Its weights are to be put in; its own configuration is a copy that may be changed.
    """
    own = copy_of(config)
    own.num_labels = 1
    own.use_cache = False
    with shapes_only():
        shell = AutoModelForSequenceClassification.from_config(own, trust_remote_code=False)
    shell.eval()
    return cast(PreTrainedModel, shell)


def copy_of(config: PreTrainedConfig) -> PreTrainedConfig:
    """Return a configuration that may be changed."""
    return cast(PreTrainedConfig, type(config).from_dict(config.to_dict()))


def refuse_without_classifier(causal: PreTrainedModel, folder: Path) -> None:
    """Refuse a language model whose reward model could not be saved as transformers' classifier.

    InputError if transformers has none for it, or one that would not give the reward model's score:
    a head named `score` on the final hidden state of the last token.
    """
    way_out = f"Name another model, or let a scorer be policy.reward. {WORKS}"
    problem = class_problem(AutoModelForSequenceClassification, causal.config, CLASSIFIER)
    if problem is not None:
        raise InputError(f"model folder {folder} {problem} {way_out}")
    problems = _problems(causal)
    if problems:
        subject = f"the sequence classifier of model folder {folder} ({type(causal).__name__})"
        raise InputError(f"{listing(subject, problems)}\n{way_out}")


@torch.no_grad()
def _problems(causal: PreTrainedModel) -> list[str]:
    shell = classifier_shell(causal.config)
    layers = {f"{causal.base_model_prefix}.{name}" for name in backbone(causal).state_dict()}
    unknown = sorted(set(shell.state_dict()) - layers - {"score.weight"})
    if unknown or "score.weight" not in shell.state_dict():
        return [f"its head is not one matrix named score ({', '.join(unknown[:3]) or 'none'})"]
    width = causal.get_output_embeddings().weight.shape[1]
    head = ScoreHead(width, seed=0, runtime=Runtime(device=causal.device, dtype=causal.dtype))
    ids = torch.arange(1, N_TOKENS + 1, device=causal.device)[None]
    try:
        wanted = head.scores(hidden_states(causal, ids, ids > 0))[:, -1]
        found = _scores(shell, causal, head, ids)
    except FORWARD_ERRORS as error:
        return [f"it cannot read a text with the language model's layers ({error})"]
    return [] if is_close(found, wanted) else ["it gives other scores than the reward model"]


def _scores(
    shell: PreTrainedModel, causal: PreTrainedModel, head: nn.Module, ids: Tensor
) -> Tensor:
    """Return the classifier's scores, with the layers of the language model in place of its own."""
    setattr(shell, shell.base_model_prefix, backbone(causal))
    shell.score = head
    shell.config.pad_token_id = 0
    return cast(Tensor, shell(ids, attention_mask=torch.ones_like(ids)).logits[:, 0])
