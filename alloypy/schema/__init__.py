"""DECLARED FIELDS: attribute, block and label declarations on a class -> decode, check, describe."""
