"""VALUES: what expressions mean. Types, conversion, secrets, capsules, scope, evaluator, stdlib."""
