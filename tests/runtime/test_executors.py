"""The executors: guilty tasks fail, all others get their results, and nobody is left behind."""

import errno
import itertools
import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.errors import (
    EmbedderUnavailable,
    ImagematchError,
    KeepsFailing,
    SettingsError,
    Stopped,
)
from imagematch.records import Failure
from imagematch.runtime.executors import Executor, SerialExecutor, open_executor
from imagematch.runtime.tasks import Outcome
from imagematch.runtime.worker import warm_up_at_low_priority
from imagematch.settings import WorkerSettings
from tests.runtime import workers

QUICK = WorkerSettings(count=2, seconds_per_file=0.5, memory_mb=1024, chunk=3)
REPOSITORY = Path(__file__).parents[2]

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux does this")
glibc_only = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc does this")


@pytest.fixture(scope="module")
def team() -> Iterator[Executor]:
    """Workers that the tests share, to start few processes."""
    with open_executor(QUICK) as executor:
        yield executor


@pytest.fixture(scope="module")
def patient() -> Iterator[Executor]:
    """As `team`, where no task runs out of time."""
    with open_executor(replace(QUICK, seconds_per_file=60)) as executor:
        yield executor


def codes(outcomes: list[Outcome[str, str]]) -> list[str | None]:
    """What became of the tasks: the result, or the code of the failure."""
    return [o.result if o.failure is None else o.failure.code for o in outcomes]


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended, be it not yet collected by its new parent."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what another process does; far longer than it ever takes."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_outcomes_come_in_the_order_of_the_tasks(team: Executor) -> None:
    tasks = [str(number) + "x" for number in range(50)]
    assert list(team.run(workers.behave, tasks)) == [
        Outcome(task, task.upper(), None) for task in tasks
    ]


def test_no_tasks_give_no_outcomes_and_start_no_worker() -> None:
    before = children()
    with open_executor(QUICK) as executor:
        assert list(executor.run(workers.behave, [])) == []
        assert children() == before


def test_workers_that_are_started_early_are_warm_and_no_more_than_wanted() -> None:
    before = {process.pid for process in children()}

    def started() -> set[int]:
        return {process.pid for process in children()} - before

    with open_executor(QUICK, workers.warm_up_slowly) as executor:
        executor.start()
        wait_until(lambda: len(started()) == 2)
        early = started()
        executor.start()
        outcomes = list(executor.run(workers.is_warm, [0, 1]))
        assert [outcome.result for outcome in outcomes] == [True, True]
        assert started() == early


def test_workers_that_start_early_in_vain_are_told_of_by_the_run() -> None:
    with open_executor(QUICK, workers.warm_up_in_vain) as executor:
        executor.start()
        with pytest.raises(FileNotFoundError, match="the model is missing"):
            list(executor.run(workers.behave, ["a"]))


def test_guilty_tasks_fail_and_the_others_get_their_results(team: Executor) -> None:
    tasks = ["a", "segfault", "b", "exit", "c", "killed", "d", "e", "f", "sleep", "g", "h"]
    outcomes = list(team.run(workers.behave, tasks))
    assert [outcome.task for outcome in outcomes] == tasks
    assert codes(outcomes) == [
        *("A", "crashed", "B"),
        *("crashed", "C", "crashed"),
        *("D", "E", "F"),
        *("timeout", "G", "H"),
    ]
    messages = {o.task: o.failure.message for o in outcomes if o.failure is not None}
    assert messages["segfault"] == "the worker process died (signal 11, segmentation fault)"
    assert messages["exit"] == "the worker process died (exit status 3)"
    assert messages["killed"].startswith("the worker process died (signal 9, killed, perhaps")
    assert messages["sleep"] == "still busy after 0.5 s; the worker was stopped"


@linux_only
def test_greedy_task_fails_with_memory(team: Executor) -> None:
    outcomes = list(team.run(workers.behave, ["a", "greedy", "b"]))
    assert codes(outcomes) == ["A", "memory", "B"]
    assert outcomes[1].failure is not None
    assert outcomes[1].failure.message == "needs more memory than a worker may use (1024 MiB)"


@linux_only
def test_addresses_that_are_only_reserved_cost_nothing(team: Executor) -> None:
    """A graphics card's driver reserves more of them than the machine has memory, on starting."""
    [outcome] = team.run(workers.behave, ["reserving"])
    assert outcome.result == "reserved"


@linux_only
def test_native_code_that_holds_the_interpreter_is_stopped(team: Executor) -> None:
    assert codes(list(team.run(workers.behave, ["a", "stuck"]))) == ["A", "timeout"]


def test_nothing_but_guilty_tasks_all_fail(team: Executor) -> None:
    assert codes(list(team.run(workers.behave, ["exit"] * 7))) == ["crashed"] * 7


def test_tasks_whose_worker_died_once_are_not_guilty(team: Executor, tmp_path: Path) -> None:
    function = partial(workers.die_once, tmp_path)
    assert codes(list(team.run(function, ["a", "b"]))) == ["a", "b"]
    assert (tmp_path / "died").exists()


def test_workers_that_die_idle_are_replaced(team: Executor) -> None:
    list(team.run(workers.behave, ["a"] * 9))
    for child in children():
        child.kill()
    assert codes(list(team.run(workers.behave, ["a"] * 9))) == ["A"] * 9


def test_signals_meant_for_the_program_cost_no_worker(team: Executor) -> None:
    list(team.run(workers.behave, ["a"] * 9))
    before = children()
    for child in before:
        child.send_signal(signal.SIGINT)
        child.send_signal(signal.SIGTERM)
    assert codes(list(team.run(workers.behave, ["a"] * 9))) == ["A"] * 9
    assert children() == before


def test_big_tasks_and_results_pass_whole(team: Executor) -> None:
    task = bytes(range(256)) * 40_000  # 10 MB
    outcomes = list(team.run(workers.swap_ends, [task] * 4))
    assert [outcome.result for outcome in outcomes] == [task[::-1]] * 4


def test_chunks_are_no_longer_than_the_setting(team: Executor, tmp_path: Path) -> None:
    function = partial(workers.record_and_double, tmp_path)
    outcomes = list(team.run(function, range(8)))
    assert [outcome.result for outcome in outcomes] == [0, 2, 4, 6, 8, 10, 12, 14]
    lines = [line for log in tmp_path.iterdir() for line in log.read_text().splitlines()]
    assert sorted(lines) == ["[0, 1, 2]", "[3, 4, 5]", "[6, 7]"]


def test_a_run_of_which_all_outcomes_were_taken_leaves_the_workers_alone(tmp_path: Path) -> None:
    function = partial(workers.record_and_double, tmp_path)
    with open_executor(WorkerSettings(count=1, chunk=2)) as executor:
        for _ in range(3):
            run: Any = executor.run(function, range(4))
            assert [next(run).result for _ in range(4)] == [0, 2, 4, 6]
            run.close()  # as when the caller knows how many there are, and asks no further
    assert len(list(tmp_path.iterdir())) == 1


def test_tasks_are_consumed_a_bounded_way_ahead(team: Executor) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        for taken in itertools.count(1):  # noqa: B007 - counted for the test
            yield "a"

    run = team.run(workers.behave, endless())
    for asked in range(1, 31):
        next(run)
        assert taken <= asked + 3 * 2 * QUICK.chunk
    assert taken >= 30
    del run


def test_whatever_the_function_raises_is_the_failure_of_one_task(patient: Executor) -> None:
    tasks = ["a", "bug", "b", *RAISING, "c"]
    outcomes = list(patient.run(workers.behave, tasks))
    assert [outcome.task for outcome in outcomes] == tasks
    assert codes(outcomes) == ["A", "internal", "B", *["internal"] * len(RAISING), "C"]
    failures = {o.task: o.failure for o in outcomes if o.failure is not None}
    bug = failures["bug"]
    assert re.fullmatch(
        r"imagematch itself failed on it \(workers\.py:\d+\): LookupError: a bug in the function",
        bug.message,
    )
    assert "in _behave" in bug.traceback
    assert "Unportable: onetwo" in failures["unportable"].message
    assert "Speechless: it can't say what is wrong" in failures["speechless"].message
    assert "Panic: the native part gave up" in failures["panic"].message
    assert len(failures["recursion"].traceback) < 7000
    assert "SystemExit: 0" in failures["system exit"].message


#: Words for errors that are hard to catch, to carry or to tell of.
RAISING = (
    *("unportable", "speechless", "unknown class", "panic", "system exit", "keyboard interrupt"),
    *("recursion", "group", "endless", "unpicklable result", "explosive result"),
)


def test_serial_executor_fails_the_same_tasks(patient: Executor) -> None:
    # Here, the last three would end the tests.
    words = ["a", "bug", *RAISING[:3], "recursion", "group", "endless", "b"]
    with SerialExecutor(chunk=3) as serial:
        here = list(serial.run(workers.behave, words))
    there = list(patient.run(workers.behave, words))
    assert codes(here) == codes(there) == ["A", *["internal"] * 7, "B"]
    assert [o.failure and o.failure.message for o in here] == [
        o.failure and o.failure.message for o in there
    ]


def test_what_is_kept_of_an_error_is_short_and_on_one_line(patient: Executor) -> None:
    (outcome,) = patient.run(workers.behave, ["endless"])
    assert outcome.failure is not None
    assert len(outcome.failure.message) < 400
    assert "\n" not in outcome.failure.message
    assert len(outcome.failure.traceback) < 7000
    assert outcome.failure.traceback.endswith("...\n")


def test_refusal_of_a_photo_keeps_its_code_and_needs_no_traceback(team: Executor) -> None:
    (outcome,) = team.run(workers.behave, ["refused"])
    assert outcome.failure == Failure("corrupt", "no picture in it")


def test_failure_that_the_function_returns_is_the_failure_of_the_task(team: Executor) -> None:
    (outcome,) = team.run(workers.behave, ["failure"])
    assert (outcome.result, outcome.failure) == (None, Failure("empty", "zero bytes"))


@pytest.mark.parametrize("function", [workers.forget_one, workers.return_nothing])
def test_function_that_loses_results_fails_its_tasks(
    team: Executor, function: Callable[[list[int]], list[int]]
) -> None:
    outcomes = list(team.run(function, [1, 2, 3]))  # type: ignore[arg-type]
    assert [o.failure and o.failure.code for o in outcomes] == ["internal"] * 3


def test_result_that_a_check_refuses_is_the_failure_of_its_task(team: Executor) -> None:
    def check(task: str, result: str) -> None:
        if result == "B":
            raise ValueError(f"{task} gave nonsense")

    outcomes = list(team.run(workers.behave, ["a", "b", "c"], check))
    assert codes(outcomes) == ["A", "internal", "C"]
    assert outcomes[1].failure is not None
    assert "b gave nonsense" in outcomes[1].failure.message


@pytest.mark.parametrize(
    ("word", "error"), [("model missing", EmbedderUnavailable), ("disk full", OSError)]
)
def test_what_is_about_the_run_reaches_the_caller_with_its_traceback(
    word: str, error: type[Exception]
) -> None:
    for executor in (open_executor(QUICK), SerialExecutor(chunk=3)):
        with executor:
            run = executor.run(workers.behave, ["a", "b", "c", word])
            assert [next(run).result for _ in range(3)] == ["A", "B", "C"]
            with pytest.raises(error) as caught:
                next(run)
        if not isinstance(executor, SerialExecutor):
            assert any("in _behave" in note for note in caught.value.__notes__)


def test_many_internal_failures_in_a_row_end_the_run_and_nobody_sees_them() -> None:
    settings = replace(QUICK, internal_in_a_row=5)
    tasks = ["a", *["bug"] * 4, "b", "bug", "c", *["bug"] * 9]
    with open_executor(settings) as executor:
        run = executor.run(workers.behave, tasks)
        seen = list(itertools.islice(run, 8))
        with pytest.raises(
            KeepsFailing, match=r"imagematch doctor.*internal_in_a_row.*a bug"
        ) as caught:
            next(run)
    assert codes(seen) == ["A", *["internal"] * 4, "B", "internal", "C"]
    assert caught.value.exit_code == 3


def test_internal_failures_in_a_row_are_counted_from_run_to_run() -> None:
    """As of a query, which asks for a few photos at a time."""
    with open_executor(replace(QUICK, internal_in_a_row=5)) as executor:
        assert codes(list(executor.run(workers.behave, ["bug"] * 4))) == ["internal"] * 4
        with pytest.raises(KeepsFailing):
            list(executor.run(workers.behave, ["bug"] * 4))


def test_other_failures_end_no_run_and_break_the_row() -> None:
    with open_executor(replace(QUICK, internal_in_a_row=3)) as executor:
        tasks = ["bug", "bug", "refused"] * 3 + ["refused"] * 5
        assert len(list(executor.run(workers.behave, tasks))) == len(tasks)


def test_no_number_of_internal_failures_ends_a_run_where_the_settings_say_so() -> None:
    with open_executor(replace(QUICK, internal_in_a_row=0)) as executor:
        outcomes = list(executor.run(workers.behave, ["bug"] * 120))
    assert codes(outcomes) == ["internal"] * 120


def test_error_of_the_tasks_reaches_the_caller() -> None:
    def tasks() -> Iterator[str]:
        yield from ["sleep"] * 6
        raise OSError("the folder is gone")

    before = children()
    with (
        open_executor(WorkerSettings(count=2, chunk=3)) as executor,
        pytest.raises(OSError, match="the folder is gone"),
    ):
        list(executor.run(workers.behave, tasks()))
    assert children() == before


def test_executor_works_again_after_an_error(team: Executor) -> None:
    with pytest.raises(EmbedderUnavailable):
        list(team.run(workers.behave, ["model missing"]))
    assert codes(list(team.run(workers.behave, ["a"]))) == ["A"]


def test_giving_up_a_run_leaves_what_has_not_begun(tmp_path: Path) -> None:
    log = partial(workers.record_and_double, tmp_path)
    with open_executor(WorkerSettings(count=1, chunk=1)) as executor:
        run = executor.run(log, range(100))
        assert next(run).result == 0
        run.close()  # type: ignore[attr-defined]
        assert [outcome.result for outcome in executor.run(log, [1000])] == [2000]
    lines = [line for file in tmp_path.iterdir() for line in file.read_text().splitlines()]
    assert len(lines) < 1 + 3 + 1 + 1
    assert lines[-1] == "[1000]"


def test_giving_up_a_run_costs_the_run_of_another_thread_nothing() -> None:
    with open_executor(WorkerSettings(count=2, chunk=1)) as executor:
        given_up = executor.run(workers.behave, ["a", *["b"] * 50])
        next(given_up)
        with ThreadPoolExecutor() as threads:
            other = threads.submit(lambda: list(executor.run(workers.behave, ["c"] * 40)))
            given_up.close()  # type: ignore[attr-defined]
            assert codes(other.result(timeout=60)) == ["C"] * 40


def test_many_threads_share_the_workers(team: Executor) -> None:
    def ask(word: str) -> list[str | None]:
        return codes(list(team.run(workers.behave, [word] * 20)))

    words = [*"abcdefgh", "exit", *"ijk"]
    with ThreadPoolExecutor(len(words)) as threads:
        results = list(threads.map(ask, words))
    assert results == [["crashed" if word == "exit" else word.upper()] * 20 for word in words]


def test_urgent_work_overtakes_what_waits(tmp_path: Path) -> None:
    log = partial(workers.record_and_double, tmp_path)
    with open_executor(WorkerSettings(count=1, chunk=1)) as executor:
        slow = executor.run(log, range(3))
        assert next(slow).result == 0  # two wait now, or one of them has begun
        assert [outcome.result for outcome in executor.run(log, [50], urgent=True)] == [100]
        assert [outcome.result for outcome in slow] == [2, 4]
    (file,) = tmp_path.iterdir()
    assert file.read_text().splitlines().index("[50]") < 3


def test_closing_stops_the_runs_of_all_threads() -> None:
    before = children()
    with ThreadPoolExecutor() as threads:
        executor = open_executor(WorkerSettings(count=2, chunk=1))
        begun = executor.run(workers.behave, ["a", *["sleep"] * 20])
        next(begun)
        other = threads.submit(lambda: list(executor.run(workers.behave, ["b"] * 20)))
        executor.close()
        with pytest.raises(Stopped):
            list(begun)
        with pytest.raises(Stopped):
            other.result(timeout=60)
    assert children() == before


@pytest.mark.parametrize("used", [True, False])
def test_nobody_starts_workers_again_once_the_executor_was_closed(*, used: bool) -> None:
    before = children()
    executor = open_executor(WorkerSettings(count=1, chunk=1))
    if used:
        assert codes(list(executor.run(workers.behave, ["a"]))) == ["A"]
    late = executor.run(workers.behave, ["b"])  # as by another thread, which has it already
    executor.close()
    executor.start()
    with pytest.raises(Stopped):
        list(late)
    executor.close()
    assert children() == before


def test_an_executor_that_gets_no_thread_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    executor = open_executor(WorkerSettings(count=2, chunk=1))
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            list(executor.run(workers.behave, ["a"]))
    executor.close()


def test_leaving_the_executor_leaves_no_worker() -> None:
    before = children()
    with open_executor(WorkerSettings(count=2, chunk=1)) as executor:
        run = executor.run(workers.behave, ["a", *["sleep"] * 20])
        next(run)
    assert children() == before


def test_slow_start_is_not_blamed_on_a_task() -> None:
    settings = WorkerSettings(count=2, seconds_per_file=0.2, chunk=1)
    with open_executor(settings, warm_up=workers.warm_up_slowly) as executor:
        outcomes = list(executor.run(workers.is_warm, range(4)))
    assert [outcome.result for outcome in outcomes] == [True] * 4


def test_error_while_warming_up_reaches_the_caller() -> None:
    with (
        open_executor(QUICK, warm_up=workers.warm_up_in_vain) as executor,
        pytest.raises(FileNotFoundError, match="the model is missing"),
    ):
        list(executor.run(workers.behave, ["a"]))


def test_workers_that_can_not_start_are_an_error_and_not_the_fault_of_a_task() -> None:
    with (
        open_executor(QUICK, warm_up=workers.warm_up_fatally) as executor,
        pytest.raises(ImagematchError, match=r"can't start.*exit status 9.*memory_mb \(now 1024\)"),
    ):
        list(executor.run(workers.behave, ["a"]))


def test_workers_for_which_no_process_is_left_are_an_error_that_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refused)
    with (
        open_executor(QUICK) as executor,
        pytest.raises(SettingsError, match=r"can't start.*temporarily unavailable"),
    ):
        list(executor.run(workers.behave, ["a"]))


def test_workers_run_native_code_on_one_thread(
    team: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    [outcome] = team.run(workers.surroundings, ["OMP_NUM_THREADS"])
    assert outcome.result == "1"
    assert "OMP_NUM_THREADS" not in os.environ


def test_workers_import_nothing_that_the_function_does_not_need() -> None:
    heavy = ["numpy", "cv2", "sqlalchemy", "faiss", "imagematch.runtime.executors"]
    with open_executor(QUICK) as executor:
        outcomes = list(executor.run(workers.modules, [*heavy, "tests.runtime.workers"]))
    assert [outcome.result for outcome in outcomes] == [False] * len(heavy) + [True]


def test_noise_of_native_code_reaches_neither_terminal_nor_results(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with open_executor(QUICK) as executor:
        assert codes(list(executor.run(workers.behave, ["noisy", "segfault"]))) == [
            "NOISY",
            "crashed",
        ]
    assert capfd.readouterr() == ("", "")


SCRIPT = """
import sys
import threading
from imagematch.settings import WorkerSettings
from imagematch.runtime.executors import open_executor
from tests.runtime import workers
with open_executor(WorkerSettings(count=2, chunk=1)) as executor:
    for outcome in executor.run(workers.behave, sys.argv[1:]):
        print(outcome.result, flush=True)
"""


def script(*words: str) -> "subprocess.Popen[str]":
    """Run SCRIPT the hardest way: from standard input, where there is no main file to import."""
    process = subprocess.Popen(
        [sys.executable, "-", *words],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(SCRIPT)
    process.stdin.close()
    process.stdin = None
    return process


def test_program_without_a_main_file_can_start_workers() -> None:
    process = script("a", "b", "c")
    assert process.communicate() == ("A\nB\nC\n", "")


@pytest.mark.parametrize(
    "sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda sign: sign.name
)
@pytest.mark.parametrize("word", ["sleep", pytest.param("stuck", marks=linux_only)])
def test_stopped_program_leaves_no_worker(sign: signal.Signals, word: str) -> None:
    process = script("a", "b", word, word, word)
    assert process.stdout is not None
    assert [process.stdout.readline(), process.stdout.readline()] == ["A\n", "B\n"]
    found = psutil.Process(process.pid).children(recursive=True)
    assert len(found) == 2
    time.sleep(0.2)  # for the workers to take up the words; without it the test is only milder
    if sign == signal.SIGKILL:
        process.kill()
    else:
        os.killpg(process.pid, sign)  # as a terminal or systemd does; only the program minds
    process.communicate()
    assert process.returncode == -sign
    wait_until(lambda: all(gone(child) for child in found))


@glibc_only
def test_a_worker_hands_back_memory_that_lies_in_pieces() -> None:
    with open_executor(WorkerSettings(count=1, chunk=1)) as executor:
        resident = [
            outcome.result or 0 for outcome in executor.run(workers.leave_gaps, [200] + [0] * 60)
        ]
    assert resident[1] > 200
    assert resident[-1] < 100


def test_serial_executor_gives_the_same_outcomes(team: Executor) -> None:
    tasks = [str(number) for number in range(20)]
    with SerialExecutor(chunk=3) as serial:
        assert list(serial.run(workers.behave, tasks)) == list(team.run(workers.behave, tasks))


@given(tasks=st.lists(st.integers()), short=st.integers(0, 9), chunk=st.integers(1, 7))
def test_only_tasks_short_of_memory_fail_whatever_chunk_they_are_in(
    tasks: list[int], short: int, chunk: int
) -> None:
    def double(numbers: list[int]) -> list[int]:
        if any(number % 10 == short for number in numbers):
            raise MemoryError
        return [2 * number for number in numbers]

    outcomes = list(SerialExecutor(chunk).run(double, tasks))  # type: ignore[arg-type]
    assert [outcome.task for outcome in outcomes] == tasks
    for outcome in outcomes:
        guilty = outcome.task % 10 == short
        assert (outcome.failure is not None) == guilty
        assert outcome.result == (None if guilty else 2 * outcome.task)


def test_a_worker_killed_by_somebody_else_costs_no_task_even_alone(tmp_path: Path) -> None:
    """As when the kernel, short of memory, picks a worker: the file in hand is not to blame."""
    with open_executor(WorkerSettings(count=1, chunk=1)) as executor:
        outcomes = list(executor.run(partial(workers.die_once, tmp_path), ["only"]))
    assert [outcome.failure for outcome in outcomes] == [None]


@pytest.mark.skipif(not hasattr(os, "nice"), reason="needs priorities as POSIX has them")
def test_workers_stand_back_as_far_as_asked() -> None:
    prepare = partial(warm_up_at_low_priority, 3, workers.warm_up_slowly)
    with open_executor(QUICK, prepare) as executor:
        (outcome,) = executor.run(workers.niceness, [None])
    assert outcome.result == min(19, os.nice(0) + 3)
