"""Figures: by-hand datasets, and every figure of every method on synthetic ones."""
