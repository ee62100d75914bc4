"""What every ledger promises of its history, written out and read in again."""
