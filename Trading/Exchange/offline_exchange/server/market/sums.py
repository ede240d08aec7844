"""Sums over the prints of a market, exact however fine its ticks and steps are.

They are taken in 64 bits where that is enough for all of the numbers together, else in Python's own numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]  # whole numbers, of 64 bits or of Python
_LARGEST = 2**63 - 1


def summable(numbers: Numbers) -> Numbers:
    """The same numbers, none below 0, in a form in which the sum of all of them is exact."""
    if not numbers.size or int(numbers.max()) * numbers.size <= _LARGEST:
        return numbers
    return numbers.astype(object)


def products(numbers: Numbers, others: Numbers) -> Numbers:
    """The product of each two, none below 0, in a form in which the sum of all of them is exact."""
    if not numbers.size or int(numbers.max()) * int(others.max()) * numbers.size <= _LARGEST:
        return _product(numbers, others)
    return _product(numbers.astype(object), others.astype(object))


def _product(numbers: Numbers, others: Numbers) -> Numbers:
    product: Numbers = np.multiply(numbers, others)
    return product
