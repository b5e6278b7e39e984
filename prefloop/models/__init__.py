"""Every network: loading, adapters, heads, generation, checkpoints."""
