"""The tables: declared once, filled from records, and brought up to date in databases by migrations."""
