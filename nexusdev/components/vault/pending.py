"""Operations that an interruption must not lose: words in one secret, written before the operation and removed after it."""

from __future__ import annotations

from msgspec import Struct

from nexusdev.components.vault.names import PENDING
from nexusdev.interfaces import SecretStore

# The words are stored: an instance may have one from an earlier release.
INITIALIZING_UNSEAL = "initialising-vault-unseal"
INITIALIZING_NODES = "initialising-vault"
ROOT_OF_UNSEAL = "root-token-of-vault-unseal"
ROOT_OF_NODES = "root-token-of-vault"
# Operations that initialization must finish first; seeding revokes a root token of the nodes.
UNFINISHED = (INITIALIZING_UNSEAL, INITIALIZING_NODES, ROOT_OF_UNSEAL)


class PendingOperations(Struct, frozen=True, kw_only=True):
    """A set of words that survives ``kill -9``."""

    secrets: SecretStore

    def __contains__(self, word: str) -> bool:
        return word in self._words()

    def add(self, word: str) -> None:
        """Called before the operation."""
        if word not in self:
            self._write([*self._words(), word])

    def remove(self, word: str) -> None:
        """Called after the operation."""
        if word in self:
            self._write([each for each in self._words() if each != word])

    def _words(self) -> list[str]:
        return self.secrets.read(PENDING).split()

    def _write(self, words: list[str]) -> None:
        self.secrets.write(PENDING, " ".join(words))
