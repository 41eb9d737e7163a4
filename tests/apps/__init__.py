"""The app: pages as functions, its defences, and a real browser."""
