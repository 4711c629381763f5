"""Tables, trees, metadata, distances, and what is computed from them.

Private; ``community`` and ``data`` show what is for users.
"""
