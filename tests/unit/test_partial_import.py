"""Modules of a package are imported on their own, and the package as a whole afterwards."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def run(program: str) -> None:
    """Run a separate program, so that nothing has been imported before."""
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr


def test_uvicorn_comes_without_its_command_and_whole_when_it_is_asked_for() -> None:
    run("""
        import sys
        from alloypy.partial_import import parts_of
        with parts_of("uvicorn", unused=("logging.config",), Config="uvicorn.config"):
            from alloypy.services.admin.uvicorn_server import AdminUvicorn
            from uvicorn.server import Server
        assert {"uvicorn", "click", "logging.config"}.isdisjoint(sys.modules)
        assert issubclass(AdminUvicorn, Server)
        import logging.config
        assert logging.config.dictConfig
        import uvicorn
        assert uvicorn.Server is Server and uvicorn.run and uvicorn.Config
        with parts_of("uvicorn"):
            assert sys.modules["uvicorn"] is uvicorn
    """)


def test_a_name_that_is_not_provided_for_is_missed() -> None:
    run("""
        from alloypy.partial_import import parts_of
        with parts_of("uvicorn"):
            try:
                from uvicorn import Config
            except ImportError:
                raise SystemExit(0)
        raise SystemExit("Config was found")
    """)


def test_uvicorn_is_taken_whole_where_its_parts_need_more() -> None:
    run("""
        import sys
        from alloypy.services.admin import server
        parts_of = server.parts_of
        server.parts_of = lambda package, **names: parts_of(package)  # `Config` is not provided
        made = server._server_class()
        import uvicorn
        assert issubclass(made, uvicorn.Server)
    """)


def test_a_thread_takes_the_whole_package_while_another_takes_parts() -> None:
    run("""
        import threading
        from pathlib import Path
        import alloypy
        from alloypy.partial_import import parts_of
        from alloypy.syntax.grammar.table_building import build_tables
        failed, standing_in, entered = [], threading.Event(), threading.Event()
        def build():
            standing_in.wait()
            entered.set()
            try:
                build_tables('start: "a"', ["start"])
            except ImportError as error:
                failed.append(error)
        thread = threading.Thread(target=build)
        thread.start()
        with parts_of("lark"):
            standing_in.set()
            entered.wait()
            thread.join(0.2)
            import lark.exceptions
        thread.join()
        assert not failed, failed
    """)
