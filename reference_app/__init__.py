"""The reference application: small services worth verifying."""
