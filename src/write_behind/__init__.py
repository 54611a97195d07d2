"""Write-behind: a queue of rows that a thread of its own writes, for all adapters of ledgers."""
