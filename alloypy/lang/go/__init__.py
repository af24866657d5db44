"""Go's texts, numbers and formats, as far as Alloy shows them."""
