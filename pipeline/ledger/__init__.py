"""The ledger: every feed and URL with its fate, and who works on what until when."""
