"""The documents that describe the service, rendered from the table of operations."""

from scoreboard.web.documents.messages import asyncapi
from scoreboard.web.documents.operations import openapi
from scoreboard.web.documents.page import docs_page

__all__ = ["asyncapi", "docs_page", "openapi"]
