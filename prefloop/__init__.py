"""prefloop: fine-tune a language model from human preferences, with the evidence.

The tree tells the story; data flows, and imports point, down this list:

    prompts      what the model is asked
    samples      what the model says
    comparisons  what people said about it
    rewards      what people want, as a number
    policy       the model, made better (PPO under a KL penalty)
    evaluation   is it better?
    report       what a person reads at the end

`loop.py` calls them in this order, once per round. `functional` holds every formula,
`models` every network, `store` every line of SQL.
"""

__version__ = "0.1.0"
