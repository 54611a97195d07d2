"""Files and batches that the gateway keeps and runs itself."""
