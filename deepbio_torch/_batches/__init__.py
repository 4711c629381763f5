"""How samples become batches: loader, order, streams, collation.

Private; ``data`` shows what is for users.
"""
