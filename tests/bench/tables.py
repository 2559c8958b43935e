"""Tables of results, and whether two files hold the same memory."""
import json
import os
import subprocess
import sys

from timing import Failed

O = os.environ.get('O') or 'build'
DUMPTOOL = os.path.join(O, 'dumptool')


class Table:
    """Rows of cells, and whether all that was needed was met."""

    def __init__(self, *titles):
        self.rows = [titles]
        self.missed = 0
        self.others_share = 0.0
        self.runs = None  # of each; None: as many as was asked for

    def judge(self, value, text, relation, need):
        """The cell for `value`; counts it if it is not what is needed, if anything is."""
        if need is None:
            return text
        met = value >= need if relation == '≥' else value <= need
        self.missed += not met
        return f'{text} ({relation} {need}){"" if met else " MISSED"}'

    def add(self, series, *cells):
        self.rows.append(cells)
        self.others_share = max(self.others_share, *(one.others_share() for one in series))
        print('  '.join(cells[:2]) + ': measured', file=sys.stderr)

    def text(self):
        widths = [max(map(len, column)) for column in zip(*self.rows)]
        rows = [self.rows[0], ['-' * width for width in widths], *self.rows[1:]]
        return '\n'.join('| ' + ' | '.join(cell.ljust(width) for cell, width in zip(row, widths))
                         + ' |' for row in rows)


def memory_in(path):
    """What `dumptool verify` finds in it: equal answers mean equal memory."""
    result = subprocess.run([DUMPTOOL, 'verify', '-q', '--sum', '--json', path],
                            capture_output=True, text=True, check=False)
    if result.returncode:
        raise Failed(f'verify {path}: exit {result.returncode}: {result.stderr}{result.stdout}')
    found = json.loads(result.stdout)
    return found['sum'], found['nonzero_units'], found['pages_declared']


def expect_same_memory(paths):
    found = {path: memory_in(path) for path in paths}
    if len(set(found.values())) != 1:
        raise Failed('not the same memory: ' + ', '.join(f'{k}: {v}' for k, v in found.items()))
