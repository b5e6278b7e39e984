"""How a saved policy samples with transformers alone: as it did in the run."""

from transformers import GenerationConfig

from prefloop.samples.sampler import Sampler


def generation_config(sampler: Sampler) -> GenerationConfig:
    """Return the run's way of sampling: plain, at its temperature, banned tokens left out.

    Nothing of the base model's own settings stays: with its top_p the policy would draw from other
    distributions than those that were trained. End-of-text ends a response only where the task says
    so; before `task.stop_min` it is not drawn, where a run draws it and goes on (the card says it).
    A stop that is a text is left out: there is no setting for where it first counts.
    """
    task, tokenizer = sampler.task, sampler.tokenizer
    end_ids = list(sampler.queries.end_ids)
    banned = sampler.banned.nonzero().squeeze(1).tolist()
    return GenerationConfig(
        do_sample=True,
        temperature=task.temperature,
        top_k=0,
        top_p=1.0,
        max_new_tokens=task.response_tokens,
        min_new_tokens=task.stop_min if end_ids else None,
        eos_token_id=end_ids or None,
        pad_token_id=tokenizer.pad_id,
        bos_token_id=tokenizer.hf_tokenizer.bos_token_id,
        suppress_tokens=banned,
    )
