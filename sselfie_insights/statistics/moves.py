"""The cheapest whole-number move of some numbers that agrees with equations, asked for many times.

A linear program: its matrix stays, and costs and bounds change from question to question. HiGHS
(Huangfu and Hall, "Parallelizing the dual revised simplex method", Mathematical Programming
Computation 10, 2018) keeps such a model and begins each time with the basis of no move, which is
dual feasible, so that a question takes as many pivots as the move is long. SciPy has it inside,
without a public interface that keeps a model; where it is not to be had, each question goes through
``scipy.optimize.milp``, which builds the model again: the same answers, in four times the time.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, hstack

try:
    from scipy.optimize._highspy import _core
except ImportError:
    _core = None
highs: Any = _core

Array = NDArray[np.float64]

_TOLERANCE = 1e-6
_OPTIONS = {"output_flag": False, "presolve": "off", "solver": "simplex", "parallel": "off"}


class Program:
    """The moves of some numbers that agree with equations and inequalities."""

    def __init__(self, sums: csc_array, least: Array, most: Array) -> None:
        """Take the equations that the numbers are in.

        Args:
            sums: Coefficients, shape (equations, numbers).
            least: By how much the sum of each equation may change at least, shape (equations,).
            most: By how much at most.
        """
        rows = np.unique(sums.indices)
        each = sums[rows]
        self.size = sums.shape[1]
        self.sums = csc_array(hstack([each, -each]))
        self.least, self.most = least[rows], most[rows]
        self._places = np.arange(2 * self.size, dtype=np.int32)
        self._model: Any = None if highs is None or not rows.size else self._write_model()

    def find(self, costs: Array, least: Array, most: Array) -> NDArray[np.int64] | None:
        """Return by how much each number moves, shape (numbers,); None where no move will do.

        Args:
            costs: Of a move by one, either way, shape (numbers,).
            least: The least rise of each number, then the least fall, shape (2 * numbers,).
            most: The greatest rises and falls.
        """
        both = np.concatenate([costs, costs])
        # Most programs have whole corners, and asking for them takes longer.
        found = self._solve(both, least, most) if self._model else self._ask(both, least, most, 0)
        if found is not None and self._is_broken(found):
            found = self._ask(both, least, most, 1)
        if found is None or self._is_broken(found):
            return None
        return np.rint(found[: self.size] - found[self.size :]).astype(np.int64)

    def _is_broken(self, found: Array) -> bool:
        move = found[: self.size] - found[self.size :]
        return bool(np.abs(move - np.rint(move)).max(initial=0) >= _TOLERANCE)

    def _write_model(self) -> Any:
        program = highs.HighsLp()
        program.num_row_, program.num_col_ = self.sums.shape
        program.row_lower_, program.row_upper_ = self.least, self.most
        for name in ("col_cost_", "col_lower_", "col_upper_"):
            setattr(program, name, np.zeros(2 * self.size))
        matrix = program.a_matrix_
        matrix.format_ = highs.MatrixFormat.kColwise
        matrix.num_row_, matrix.num_col_ = self.sums.shape
        matrix.start_, matrix.index_ = self.sums.indptr, self.sums.indices
        matrix.value_ = self.sums.data
        model = highs._Highs()
        for name, value in _OPTIONS.items():
            model.setOptionValue(name, value)
        model.passModel(program)
        return model

    def _solve(self, costs: Array, least: Array, most: Array) -> Array | None:
        self._model.clearSolver()  # so that an answer does not depend on what was asked before
        self._model.changeColsBounds(2 * self.size, self._places, least, most)
        self._model.changeColsCost(2 * self.size, self._places, costs)
        self._model.run()
        if self._model.getModelStatus() != highs.HighsModelStatus.kOptimal:
            return None
        return np.array(self._model.getSolution().col_value)

    def _ask(self, costs: Array, least: Array, most: Array, is_whole: int) -> Array | None:
        found = milp(
            costs,
            integrality=np.full(2 * self.size, is_whole),
            bounds=Bounds(least, most),
            constraints=LinearConstraint(self.sums, self.least, self.most),
        )
        return None if found.x is None else np.asarray(found.x)
