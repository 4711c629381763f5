"""Phylogenetic trees: read, cut, written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import _C
from .._arguments import homes_of, path_text
from ..errors import WrongTypeError
from .ids import Path, html_table, some_of

if TYPE_CHECKING:
    import skbio


class Tree:
    """A phylogenetic tree. Made by :func:`read_tree` or :meth:`from_newick`."""

    def __init__(self, tree: _C.Tree) -> None:
        """Wraps the C++ tree."""
        self.native = tree

    @classmethod
    def from_newick(cls, text: str) -> Tree:
        """A tree from Newick text."""
        return cls(_C.Tree.parse(text))

    @classmethod
    def from_skbio(cls, node: skbio.TreeNode) -> Tree:
        """The tree below a ``skbio.TreeNode``."""
        if not hasattr(node, "tips") or not hasattr(node, "children"):
            raise WrongTypeError(f"from_skbio: expected a TreeNode, got {type(node).__name__}")
        return cls.from_newick(_newick_of(node))

    def to_skbio(self) -> skbio.TreeNode:
        """The tree as ``skbio.TreeNode``."""
        import skbio

        return skbio.TreeNode.read([self.to_newick()], convert_underscores=False)

    @property
    def tips(self) -> list[str]:
        """Names of the tips."""
        return self.native.tips

    def shear(self, tips: Sequence[str]) -> Tree:
        """The part above the given tips; the path to the root stays."""
        return Tree(self.native.shear(tips))

    def to_newick(self) -> str:
        """The tree as text."""
        return self.native.to_newick()

    @property
    def is_rooted(self) -> bool:
        """False where the file says that it is unrooted (``Phylogeny[Unrooted]``, ``[&U]``)."""
        return self.native.is_rooted

    def root_at_midpoint(self) -> Tree:
        """The same branches with the root half way between the two tips that lie furthest apart."""
        return Tree(self.native.root_at_midpoint())

    def with_lengths_from_zero(self) -> Tree:
        """The same tree with 0 for negative lengths, which neighbour joining makes."""
        return Tree(self.native.with_lengths_from_zero())

    def write(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes Newick; whole or not at all."""
        self.native.write(path_text(path), overwrite)

    def __repr__(self) -> str:
        return f"Tree({len(self.tips)} tips, {self.native.num_nodes} nodes)"

    def _repr_html_(self) -> str:
        tips = self.tips
        return html_table(
            [("tips", f"{len(tips)} ({some_of(tips)})"), ("nodes", self.native.num_nodes)]
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle_tree, (self.to_newick(), self.native.path)


def _newick_of(root: Any) -> str:
    """Newick of a TreeNode.

    Its own writer leaves names with a blank and a quote in them unreadable.
    """
    parts: list[str] = []
    work: list[Any] = [root]  # nodes and text, the next one last
    while work:
        item = work.pop()
        if isinstance(item, str):
            parts.append(item)
            continue
        name = "" if item.name is None else "'" + str(item.name).replace("'", "''") + "'"
        label = name if item.length is None else f"{name}:{float(item.length)!r}"
        work.append(f"){label}" if item.children else label)
        for place, child in enumerate(reversed(item.children)):
            work += [",", child] if place else [child]
        if item.children:
            parts.append("(")
    return "".join(parts) + ";"


def _unpickle_tree(text: str, path: str) -> Tree:
    return Tree(_C.Tree.parse(text, path))


def read_tree(path: Path) -> Tree:
    """A tree from a Newick file or a QIIME 2 artifact.

    Raises:
        MissingFileError, ParseError: with line and byte.
    """
    return Tree(_C.Tree.read(path_text(path)))


def tree_of(given: Any) -> Tree:
    """What a function over trees takes: a Tree, a path, or ``skbio.TreeNode``."""
    if isinstance(given, Tree):
        return given
    if isinstance(given, str | os.PathLike):
        return read_tree(given)
    if "skbio" in homes_of(given):
        return Tree.from_skbio(given)
    raise WrongTypeError(
        f"tree: expected a Tree, a path or skbio.TreeNode, got {type(given).__name__}"
    )
