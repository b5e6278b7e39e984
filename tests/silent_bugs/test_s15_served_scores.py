"""S15: the saved reward model gives the scores that it gave inside PPO.

Reported as LlamaFactory#6100: behind the server the same model gave others.
"""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from prefloop.models.export import save_reward_model
from prefloop.models.padding import pad_right
from prefloop.models.runtime import CPU
from prefloop.policy.reward_source import RewardModelSource
from tests.stages_for_tests import (
    PROMPTS,
    Adapter,
    disturb,
    responses_with_stop,
    sampled_batch,
    token_of,
    trainer_on,
)
from tests.tolerances import RELOADED


@pytest.mark.parametrize("adapter", ["lora", "none"])
@torch.no_grad()
def test_transformers_alone_gives_the_scores_of_ppo(
    model_folder: Path, tmp_path: Path, adapter: Adapter
) -> None:
    rule = {"stop": ".", "stop_min": 1, "prefix": "Q: ", "suffix": " A:", "response_tokens": 12}
    trainer = trainer_on(model_folder, adapter=adapter, task=rule)
    source, sampler = trainer.collector.reward, trainer.collector.sampler
    assert isinstance(source, RewardModelSource)
    model = source.model
    disturb(trainer.collector.roles.reward)
    response = responses_with_stop(token_of(sampler.tokenizer, "."), len(PROMPTS), 12)
    responses, texts = response.tolist(), [p.text for p in PROMPTS]
    sequences = [sampler.reward_ids(t, r) for t, r in zip(texts, responses, strict=True)]
    model.normalize(sequences)
    batch = sampled_batch(response, sampler)
    assert batch.stop_mask.is_ended.all()
    inside = source.score(PROMPTS, batch).scores

    save_reward_model(tmp_path / "r", trainer.collector.roles, model.head, sampler.tokenizer)
    served = AutoModelForSequenceClassification.from_pretrained(tmp_path / "r")
    ids, mask = pad_right(sequences, served.config.pad_token_id, device=CPU.device)
    logits = served(ids, attention_mask=mask.long()).logits[:, 0]
    torch.testing.assert_close(logits + served.config.reward_shift, inside, **RELOADED)

    uncut = [sampler.tokenizer.encode(t) + r for t, r in zip(texts, responses, strict=True)]
    with_prefix = [sampler.query_ids(p) + s for p, s in zip(PROMPTS, sequences, strict=True)]
    for twin in (uncut, with_prefix):
        ids, mask = pad_right(twin, served.config.pad_token_id, device=CPU.device)
        wrong = served(ids, attention_mask=mask.long()).logits[:, 0] + served.config.reward_shift
        assert (wrong - inside).abs().mean() > 0.01
    assert (logits - inside).abs().min() > 0.01
