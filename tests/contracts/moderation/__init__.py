"""What every ledger promises of moderation."""
