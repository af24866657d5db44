"""Go's texts, numbers and forms, where Alloy shows them."""
