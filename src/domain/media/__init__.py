"""Images and files in messages: their kinds, sizes and bounds."""
