"""What a person signs: going back to an earlier publication."""
