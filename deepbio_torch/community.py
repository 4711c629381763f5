"""Distances between the samples of a table, and what is made of them.

Ordination, tests, diversity.
"""

from __future__ import annotations

from ._community.diversity import (
    RarefactionCurve,
    alpha_diversity,
    beta_diversity,
    clr,
    hellinger,
    rarefaction_curve,
    rclr,
)
from ._community.group_tests import (
    AdonisRow,
    AnosimResult,
    MantelResult,
    PermanovaResult,
    PermdispResult,
    adonis,
    anosim,
    mantel,
    permanova,
    permdisp,
)
from ._community.ordination import Ordination, ProcrustesResult, pcoa, procrustes
from ._community.phylogenetic import UnifracBatch, faith_pd, unifrac
from ._community.tables import (
    DistanceMatrix,
    Metadata,
    Table,
    Tree,
    read_metadata,
    read_table,
    read_tree,
)

__all__ = [
    "AdonisRow",
    "AnosimResult",
    "DistanceMatrix",
    "MantelResult",
    "Metadata",
    "Ordination",
    "PermanovaResult",
    "PermdispResult",
    "ProcrustesResult",
    "RarefactionCurve",
    "Table",
    "Tree",
    "UnifracBatch",
    "adonis",
    "alpha_diversity",
    "anosim",
    "beta_diversity",
    "clr",
    "faith_pd",
    "hellinger",
    "mantel",
    "pcoa",
    "permanova",
    "permdisp",
    "procrustes",
    "rarefaction_curve",
    "rclr",
    "read_metadata",
    "read_table",
    "read_tree",
    "unifrac",
]
