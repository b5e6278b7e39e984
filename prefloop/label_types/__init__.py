"""What an answer is, by label type: schema, validation, training target, loss, widget."""
