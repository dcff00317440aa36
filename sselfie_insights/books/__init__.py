"""What a person signs: months that are closed, and going back to an earlier publication."""
