"""The railway: trains that carry batteries between storage stations of a grid."""
