"""Networks, runs, studies and their pages.

Private; ``models``, ``training``, ``study``, ``report`` and ``export`` show what is for users.
"""
