"""The command line: `watchkeeper NOUN VERB`. A command's module is imported only when it is called, so that starting is cheap.

An error of ours prints one sentence and a hint and ends with its exit status; an error that is not ours says so in one
sentence and keeps its trace for WATCHKEEPER_TRACE=1.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

from watchkeeper import __version__
from watchkeeper.base.errors import WatchkeeperError


@dataclass(frozen=True, slots=True)
class Verb:
    """One command: its name, the module it lives in and what it does."""

    name: str
    module: str
    help: str


COMMANDS: tuple[Verb, ...] = (
    Verb("demo", "demo", "Start a small real shop, break it, and watch its runbook bring it back."),
    Verb("drill", "drill", "Break an estate on purpose, and see what its runbook makes of it."),
    Verb("show", "show", "Say what a runbook says: procedures, commands with risk, thresholds, ladder, schedules."),
    Verb("init", "init", "Write an annotated watchkeeper.toml for a runbook."),
    Verb("doctor", "doctor", "Say of each signal, target, person and tool whether it works."),
    Verb("serve", "serve", "Watch the service and operate it from its runbook, with the console."),
    Verb("worker", "worker", "Work beside others on one PostgreSQL: watch, drive runs, tell people; no console."),
    Verb("address", "address", "Print an address of the running console, with a token that opens one session."),
    Verb("signals", "signals", "Show each signal with its readings and the thresholds they decide."),
    Verb("capacity", "capacity", "Say of each threshold where its reading goes, and when it reaches its limit."),
    Verb("check", "check", "Look at every signal once and print how the service stands; the exit status says it too."),
    Verb("export", "export", "Write Prometheus rules, Alertmanager routes, Grafana dashboards or a status from the runbook."),
    Verb("why", "why", "Say why a threshold or an incident stands as it does."),
    Verb("incident", "incident", "List, show, acknowledge and resolve incidents."),
    Verb("measures", "measures", "Say how long incidents took, by severity, cause or month, and how much people were paged."),
    Verb("learn", "learn", "Propose what an incident showed about its runbook, as a branch or a patch."),
    Verb("statuspage", "statuspage", "Tell the public: the status page, posts, announced maintenance, subscribers."),
    Verb("silence", "silence", "Keep expected alerts from opening incidents for a time."),
    Verb("followup", "followup", "What reviews ask people to do: add, list, done."),
    Verb("change", "change", "Say what was deployed, released or set: a suspect of what breaks within a day; list it."),
    Verb("oncall", "oncall", "Say who is on call now and next; override, swap, leave notes, subscribe to calendars."),
    Verb("import", "importing", "Read schedules and policies of PagerDuty, Opsgenie, GoAlert or Grafana OnCall."),
    Verb("page", "page", "Page a person, a role or a rota; say whom it would reach; try every address."),
    Verb("run", "run", "Plan, start, follow, approve, answer, resume, cancel and undo runs of procedures."),
    Verb("halt", "halt", "Stop everything automatic at once."),
    Verb("unhalt", "halt", "Let automatic acts go on again."),
    Verb("people", "people", "List who may come in, set passwords, end sessions, void links."),
    Verb("token", "token", "Make, list and take back the tokens of programs."),
    Verb("restored", "restored", "Say that the database was put back from a backup."),
    Verb("audit", "audit", "List, show and verify the ledger of acts and decisions."),
)


def main() -> NoReturn:
    """Run the command line and exit."""
    sys.exit(execute(sys.argv[1:]))


def execute(arguments: list[str]) -> int:
    """Run one command; returns the exit status."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(f"watchkeeper {__version__}")
        return 0
    verb = next((v for v in COMMANDS if v.name == arguments[0]), None)
    if verb is None:
        near = difflib.get_close_matches(arguments[0], [v.name for v in COMMANDS], n=1)
        hint = f"Did you mean `watchkeeper {near[0]}`?" if near else "`watchkeeper --help` lists the commands."
        return complain(f"There is no command {arguments[0]!r}.", hint, 2)
    return _call(verb, arguments[1:])


def _call(verb: Verb, arguments: list[str]) -> int:
    import typer

    # Typer carries a click of its own, so what it raises is known by Typer's names alone
    called_wrongly = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
    try:
        result = application(verb)(args=arguments, prog_name=f"watchkeeper {verb.name}", standalone_mode=False)
    except WatchkeeperError as problem:
        return complain(str(problem), problem.hint, problem.exit_status, problem.code)
    except typer.Exit as leave:
        return leave.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return complain("Stopped.", None, 130)
    except BrokenPipeError:
        # the reader of our output went away: say nothing, and keep the interpreter from saying it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as problem:
        if isinstance(problem, called_wrongly):
            called = getattr(getattr(problem, "ctx", None), "command_path", None) or f"watchkeeper {verb.name}"
            return complain(_said_by(problem), f"`{called} --help` says how it is called.", 2)
        if os.environ.get("WATCHKEEPER_TRACE") == "1":
            raise
        outside = _outside(problem)
        if outside:
            where = "docs/reference/settings.md says where the state and the database are."
            return complain(outside, f"Mend that, then call again; {where}", 1)
        hint = "This is a fault of Watchkeeper: please report it with what WATCHKEEPER_TRACE=1 prints."
        return complain(f"{type(problem).__name__}: {problem}", hint, 70)
    return result if isinstance(result, int) else 0


def _said_by(problem: Exception) -> str:
    """Give the first line of what a wrong call is told, as a sentence; a group called without a verb has none but its usage."""
    if type(problem).__name__ == "NoArgsIsHelpError":
        return "Which of its commands?"
    said: str = problem.format_message()  # type: ignore[attr-defined]
    return said.splitlines()[0].replace("Value error, ", "").rstrip(".") + "."


def _outside(problem: Exception) -> str | None:
    """Give the sentence for what the disk or the database refused; None where the fault is ours."""
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.filename or 'The system'}: {problem.strerror}."
    database = sys.modules.get("sqlalchemy.exc")
    if database is not None and isinstance(problem, database.DBAPIError):
        return f"The database cannot be used: {str(problem.orig).splitlines()[0].rstrip('.')}."
    return None


def application(verb: Verb) -> Any:
    """Import a command's module and give its Typer application."""
    import typer

    module = importlib.import_module(f"watchkeeper.cli.{verb.module}")
    made = getattr(module, "app", None)
    if made is not None and (verb.name == verb.module or not hasattr(module, verb.name)):
        return made
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    single.command()(getattr(module, verb.name))
    return single


def overview() -> str:
    """Give what `watchkeeper --help` prints."""
    width = max(len(v.name) for v in COMMANDS)
    lines = [f"  {v.name:{width}}  {v.help}" for v in COMMANDS]
    return "\n".join(
        [
            "Watchkeeper operates a service from the runbook that its team keeps in Markdown.",
            "",
            "Usage: watchkeeper COMMAND [OPTIONS]",
            "",
            *lines,
            "",
            "`watchkeeper COMMAND --help` says more. Settings are environment variables: see docs/reference/settings.md.",
            "Exit status: 0 done, 1 it went wrong, 2 called wrongly, 3 what was given cannot be used, 70 a fault of ours.",
        ]
    )


def complain(message: str, hint: str | None, status: int, code: str | None = None) -> int:
    """Print an error as one sentence and a hint; returns the status."""
    print(f"watchkeeper: {message}" + (f" [{code}]" if code else ""), file=sys.stderr)
    if hint:
        print(f"  {hint}", file=sys.stderr)
    return status


if __name__ == "__main__":
    main()
