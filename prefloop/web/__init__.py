"""The pages on which people label and owners watch, and the interface that programs use."""
