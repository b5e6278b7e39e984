"""Mistakes about what a transformer costs. Nothing of this is ever imported."""

from prefloop.functional.model_cost import forward_operations


def one_operation_a_weight(shape, *, tokens, head_tokens, context):
    """A multiplication and an addition as one: half of everything."""
    whole = forward_operations(shape, tokens=tokens, head_tokens=head_tokens, context=context)
    return whole / 2


def without_attention(shape, *, tokens, head_tokens, context):
    """6 N alone, which long texts exceed."""
    return forward_operations(shape, tokens=tokens, head_tokens=head_tokens, context=0.0)


def head_on_every_token(shape, *, tokens, head_tokens, context):
    """Logits of queries, too, which nobody reads."""
    return forward_operations(shape, tokens=tokens, head_tokens=tokens, context=context)


def cache_of_all_heads(shape, *, number_bytes):
    """Keys as wide as queries: eight times the cache of grouped queries."""
    return 2 * shape.layers * shape.width * number_bytes


def keys_without_values(shape, *, number_bytes):
    """Half of the cache."""
    return shape.layers * shape.kv_width * number_bytes


def one_row_a_question(*, query, response, responses):
    """One response read where all of a question's are compared."""
    return query + response


def activations_of_the_residual(shape):
    """What enters and leaves a layer, as with recomputation, which prefloop does not do."""
    return 2 * shape.width
