"""Verbs about the tool itself: is it whole, what do its documents say, how does a shell complete it."""

from __future__ import annotations

from dataclasses import asdict

import click
import pandas as pd
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from geo.cli.common import form_option, main
from geo.output.console import show

_SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@main.command()
@form_option("table", "json")
@click.pass_context
def doctor(ctx: click.Context, form: str) -> None:
    """Is this installation whole: versions, libraries, assets, what is optional and missing."""
    from geo.cli.doctor import examine, faulty

    findings = examine()
    frame = pd.DataFrame([asdict(f) for f in findings])
    show(frame, form, title="this installation")
    ctx.exit(1 if faulty(findings) else 0)


@main.command("help")
@click.argument("topic", required=False)
def help_command(topic: str | None) -> None:
    """The documents, without a network: their list, a page, or one section (PAGE#SECTION); or a verb's own help."""
    from geo.cli.offline_docs import read, topics

    verb = main.commands.get(topic or "")
    if verb is not None and topic not in topics():
        parent = click.Context(main, info_name="geo", **main.context_settings)
        click.echo(verb.get_help(click.Context(verb, info_name=topic, parent=parent)))
        return

    if topic is None:
        for name, title in topics().items():
            click.echo(f"{name:24} {title}")
        return
    click.echo(read(topic, also=main.commands).rstrip("\n"))
    if verb is not None:
        click.echo(f"note: geo {topic} --help lists its options", err=True)


@main.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def completion(shell: str) -> None:
    """The script that completes verbs and options in a shell: eval "$(geo completion bash)"."""
    click.echo(_SHELLS[shell](main, {}, "geo", "_GEO_COMPLETE").source())
