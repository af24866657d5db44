"""Clustering: replicas that share targets find each other by name, and agree without talking about it."""
