"""Training of the policy: methods, rollouts, optimizer steps, checkpoints and weights."""
