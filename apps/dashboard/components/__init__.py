"""The parts of a page: cards, notices, tables, the shell and the provenance of a run."""
