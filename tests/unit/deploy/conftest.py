from tests.unit.operations.conftest import house

__all__ = ["house"]
