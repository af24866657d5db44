"""What runs, and how a reload changes it in one step."""
