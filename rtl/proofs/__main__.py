"""`python -m rtl.proofs [--bugs] [NAME ...]`: runs property sets and prints a table."""

from __future__ import annotations

import argparse
import sys

from machine.errors import TpukitError
from rtl.proofs.catalogue import PROOFS, Method, Proof, proof_named
from rtl.proofs.run import Outcome, Verdict, check_tools, prove, run

METHOD_NAMES = {Method.INDUCTION: "induction", Method.BOUNDED: "bounded", Method.COVER: "cover"}


def _line(name: str, method: str, depth: int, seconds: float, verdict: str) -> str:
    return f"{name:<24}{method:<12}{depth:>6}{seconds:>9.1f}  {verdict}"


def _show(name: str, method: Method, depth: int, outcome: Outcome, good: bool, what: str = "") -> bool:
    verdict = outcome.verdict.value if good else f"{outcome.verdict.value} (wrong)"
    print(_line(name, METHOD_NAMES[method], depth, outcome.seconds, f"{verdict}{what}"), flush=True)
    if not good and outcome.detail:
        print(outcome.detail, flush=True)
    return good


def _run_proof(proof: Proof, *, with_bugs: bool) -> bool:
    good = True
    for method, depth, outcome in prove(proof):
        good &= _show(proof.name, method, depth, outcome, outcome.verdict is Verdict.PASS)
    for bug in proof.bugs if with_bugs else ():
        outcome = run(proof, proof.method, proof.bug_depth, bug)
        good &= _show(proof.name, proof.method, proof.bug_depth, outcome, outcome.verdict is Verdict.FAIL,
                      f", as it should with the bug: {bug.what}")  # fmt: skip
    return good


def main() -> int:
    """Run the property sets that are named, or all; return 0 if all hold (and with --bugs each planted bug is seen)."""
    parser = argparse.ArgumentParser(prog="python -m rtl.proofs", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="property sets; all if none is named")
    parser.add_argument("--bugs", action="store_true", help="plant each set's bugs too: it must fail on each")
    parser.add_argument("--list", action="store_true", help="only say what the sets prove")
    options = parser.parse_args()
    try:
        proofs = [proof_named(name) for name in options.names] or list(PROOFS)
        if options.list:
            for proof in proofs:
                print(f"{proof.name:<24}{proof.what}")
            return 0
        check_tools()
        print(f"{'property set':<24}{'method':<12}{'depth':>6}{'seconds':>9}  verdict")
        results = [_run_proof(proof, with_bugs=options.bugs) for proof in proofs]
    except TpukitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())
