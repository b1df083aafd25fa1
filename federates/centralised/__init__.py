"""The centralised reference: both operators' data in one process, to measure what the federation reaches without sharing them.

It is no agent and takes no part in a federation. It alone imports from both operators.
"""
