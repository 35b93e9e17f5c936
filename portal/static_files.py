"""Static files: hashed and compressed once `collectstatic` has run; until then (development, demo, tests) the
plain files, served from where they lie, so that no build step is needed."""

from pathlib import Path

from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if self.hashed_files else name


class Server(WhiteNoiseMiddleware):
    def add_files(self, root: str, prefix: str | None = None) -> None:
        if Path(root).is_dir():
            super().add_files(root, prefix)  # type: ignore[no-untyped-call]
        else:
            self.use_finders = True
