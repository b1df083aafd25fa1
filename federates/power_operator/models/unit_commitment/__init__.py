"""Day-ahead unit commitment with a DC grid."""
