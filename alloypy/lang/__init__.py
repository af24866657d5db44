"""What expressions mean: values, types, conversion, secrets, evaluation, the standard library."""
