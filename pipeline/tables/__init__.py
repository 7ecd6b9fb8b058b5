"""The tables: declared once, filled from records, kept true in databases by migrations."""
