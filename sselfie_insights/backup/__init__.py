"""What no source can give back: written to one file, and restored from it."""

from sselfie_insights.backup.archive import BackupReport, backup, is_backup, restore

__all__ = ["BackupReport", "backup", "is_backup", "restore"]
