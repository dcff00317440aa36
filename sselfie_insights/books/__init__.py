"""What a person signs: closed months, earlier publications, and other tools' numbers."""
