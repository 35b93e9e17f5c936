"""CloudFormation templates as text with places, and as data. Nothing here asks AWS or the database."""

from catalog.templates.document import BadTemplate, Document, read
from catalog.templates.errors import CannotEdit
from catalog.templates.nodes import Node
from catalog.templates.references import references
from catalog.templates.tree import Verbatim, plain, verbatim

__all__ = ["BadTemplate", "CannotEdit", "Document", "Node", "Verbatim", "plain", "read", "references", "verbatim"]
