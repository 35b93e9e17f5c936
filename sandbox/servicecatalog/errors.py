"""The errors Service Catalog answers with; `code` is the name in AWS's model."""


class CatalogueError(Exception):
    """An operation refused with one of the service's own error codes."""

    code = "InvalidParametersException"


class InvalidParametersError(CatalogueError):
    code = "InvalidParametersException"


class ResourceNotFoundError(CatalogueError):
    code = "ResourceNotFoundException"


class DuplicateResourceError(CatalogueError):
    code = "DuplicateResourceException"


class ResourceInUseError(CatalogueError):
    code = "ResourceInUseException"


class LimitExceededError(CatalogueError):
    code = "LimitExceededException"


class UnknownOperationError(CatalogueError):
    code = "UnknownOperationException"


class SerializationError(CatalogueError):
    code = "SerializationException"
