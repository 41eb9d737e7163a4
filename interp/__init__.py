"""Arithmoscope: a microscope for arithmetic inside language models."""

__version__ = "0.1.0"
