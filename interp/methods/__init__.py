"""One question a file: each method is a function of a model and prompts that returns a labelled xr.Dataset.

accuracy, patching, ablation, cama, peeking, af1, lens, probing and attention are the methods; metrics, nulls
and intervals are what every number stands beside; grid, uninformative, ridge and probe_labels are their
parts.
"""
