"""prefloop: fine-tune a language model from human preferences, with the evidence.

Data flows down this list, and imports point up it:

    prompts      what the model is asked
    samples      what the model says
    comparisons  what people said about it
    rewards      what people want, as a number
    policy       the model, trained towards the reward under a KL penalty
    evaluation   is it better?
    report       what a person reads at the end

`run/loop.py` calls them in this order, once per round. `functional` holds every formula,
`models` every network, `store` every line of SQL.
"""

__version__ = "0.1.0"
