"""The receiving side: listening, requests, bodies within a budget."""
