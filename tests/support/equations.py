"""Whole numbers that agree with equations, which an attacker asks for."""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

Equation = tuple[dict[int, int], float, float]
"""Coefficients by variable, and what their sum is at least and at most."""


class System:
    """The equations of variables that have nothing to do with any others."""

    def __init__(
        self,
        variables: Sequence[int],
        low_of: Sequence[float],
        high_of: Sequence[float],
        equations: Iterable[Equation],
    ) -> None:
        """Take ``variables``, the bounds of all that there are, and the equations of all."""
        self.place = {variable: index for index, variable in enumerate(variables)}
        self.low = np.array([low_of[variable] for variable in variables])
        self.high = np.array([high_of[variable] for variable in variables])
        values, rows, columns, least, most = [], [], [], [], []
        for terms, low, high in equations:
            if not any(variable in self.place for variable in terms):
                continue
            known = 0.0
            for variable, sign in terms.items():
                if variable in self.place:
                    values.append(float(sign))
                    rows.append(len(least))
                    columns.append(self.place[variable])
                else:
                    known += sign * low_of[variable]
            least.append(low - known)
            most.append(high - known)
        # What whole solutions have shown to be possible, by variable.
        self.seen: list[set[int]] = [set() for _ in variables]
        sums = csr_array((values, (rows, columns)), shape=(len(least), len(variables)))
        self.constraints = LinearConstraint(sums, least, most) if least else ()

    def solve(self, cost: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray | None:
        """The cheapest whole numbers that agree with everything, if there are any."""
        found = milp(
            cost,
            integrality=np.ones(len(cost)),
            bounds=Bounds(low, high),
            constraints=self.constraints,
        )
        if found.x is not None:
            for values, value in zip(self.seen, found.x, strict=True):
                values.add(round(value))
        return found.x

    def look_around(self, rng: np.random.Generator) -> None:
        """Solve in some directions, so that fewer numbers have to be asked for one by one."""
        for _ in range(12):
            far = np.minimum(self.high, self.low + rng.integers(1, 9, len(self.low)))
            self.solve(rng.integers(-3, 4, len(self.low)).astype(float), self.low, far)

    def allows(self, variable: int, value: int) -> bool:
        if value in self.seen[self.place[variable]]:
            return True
        low, high = self.low.copy(), self.high.copy()
        low[self.place[variable]] = high[self.place[variable]] = value
        return self.solve(np.zeros(len(low)), low, high) is not None

    def list_some(self, variable: int, most: int) -> list[int]:
        """So many values of a variable, or all that it can have."""
        low, index = self.low.copy(), self.place[variable]
        if len(self.seen[index]) >= most:
            return sorted(self.seen[index])[:most]
        values: list[int] = []
        while len(values) < most:
            cost = np.zeros(len(low))
            cost[index] = 1
            found = self.solve(cost, low, self.high)
            if found is None:
                break
            values.append(round(found[index]))
            low[index] = values[-1] + 1
        return values
