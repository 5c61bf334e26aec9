"""Coverage-guided fuzzing of the reader, outside the suite: `pip install atheris`, then

    python tests/soak/fuzz_reader.py FOLDER -max_total_time=3600

FOLDER holds documents to begin with, such as pieces of the runbooks under estates/, and takes what it finds.
A document that raises, or takes more than two seconds, is kept by libFuzzer as a crash file.
"""

from __future__ import annotations

import sys
import time

import atheris

with atheris.instrument_imports(include=["watchkeeper"]):
    from watchkeeper.base.errors import InputError
    from watchkeeper.book.contract import to_contract
    from watchkeeper.book.reader import read_source

LONGEST_S = 2.0


def one(data: bytes) -> None:
    started = time.process_time()
    try:
        to_contract(read_source("fuzzed.md", data))
    except InputError:
        return  # said in one sentence: binary, empty, not text
    took = time.process_time() - started
    if took > LONGEST_S:
        raise RuntimeError(f"{len(data)} bytes took {took:.1f} s")


if __name__ == "__main__":
    atheris.Setup([*sys.argv, "-max_len=20000", "-timeout=20"], one)
    atheris.Fuzz()
