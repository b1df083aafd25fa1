"""The information audit: who told whom what, held against the topic table. Nothing here takes part in a federation."""
