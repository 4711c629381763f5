"""Files of sequences, genomes and variants: datasets, encoders, tokenizers, caches.

Private; ``data``, ``transforms``, ``tokenizers`` and ``cache`` show what is for users.
"""
