"""The only way a run asks AWS: every call is counted, retries too, and every trouble has a name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from catalog import aws
from catalog.models import Place
from catalog.sync import trouble

# Far beyond every quota: a list that never ends is a mistake.
_MOST_PAGES = 1000


class Reader:
    """Reads in one place. Used by several threads. `calls`: requests sent, botocore's retries among them."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.calls = 0
        self._counting = threading.Lock()

    def client(self, service: str) -> Any:
        """Raises Trouble where it cannot be told who we are, or we may not act there."""
        place = self.place
        make: Any = aws.client
        try:
            if place.role_arn:
                return aws.client_as(place.role_arn, service, place.region, place.account)
            return make(service, place.region, place.account)
        except ClientError as error:
            found = trouble.of_client(error, "sts:GetCallerIdentity")
            # Not of what is asked for: nothing else could be asked either.
            raise found if isinstance(found, trouble.Passing) else trouble.General(found.code) from None
        except BotoCoreError as error:
            raise trouble.of_botocore(error) from None

    def count(self, calls: int = 1) -> None:
        with self._counting:
            self.calls += calls

    def ask(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """One call. Raises Trouble."""
        client = self.client(service)
        try:
            answer: dict[str, Any] = getattr(client, operation)(**arguments)
        except ClientError as error:
            self.count(1 + error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0))
            action = client.meta.method_to_api_mapping[operation]
            raise trouble.of_client(error, f"{service}:{action}") from None
        except BotoCoreError as error:
            self.count()
            raise trouble.of_botocore(error) from None
        self.count(1 + answer["ResponseMetadata"].get("RetryAttempts", 0))
        return answer

    def pages(self, operation: str, key: str, **arguments: Any) -> Iterator[list[Any]]:
        """Each page of one of Service Catalog's lists, to its end. Raises Trouble."""
        token = ""
        for _ in range(_MOST_PAGES):
            more = {"PageToken": token} if token else {}
            answer = self.ask("servicecatalog", operation, **arguments, **more)
            yield answer[key]
            token = answer.get("NextPageToken", "")
            if not token:
                return
        raise trouble.Trouble("endless")

    def every(self, operation: str, key: str, **arguments: Any) -> list[Any]:
        """A whole list. Raises Trouble."""
        return [one for page in self.pages(operation, key, **arguments) for one in page]
