"""What the warehouse file is: its names, its lock, publishing, its schema ``meta``, its journal.

Nothing here knows what the data means. Every other room stands on this one.
"""
