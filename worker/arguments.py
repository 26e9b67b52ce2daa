"""Signals and updates whose arguments do not fit their handler, as when somebody forgets ``--input``.

Temporal's library drops what it cannot read only where the number of arguments is right, and it hands nothing and plain bytes
over whatever the handler wants. The handler's error would then fail the workflow task at every try, for good.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, get_origin

from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)


class FittingArguments(Interceptor):
    """Keeps such a signal from its workflow and refuses such an update; a query that fails harms nobody."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002 - the name is the library's
    ) -> type[WorkflowInboundInterceptor]:
        """Return what stands before the handlers of every workflow."""
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002 - the name is the library's
        if _fits(_workflow().signals.get(input.signal), input.args):
            await super().handle_signal(input)
            return
        # Never what was sent: it may hold a secret.
        workflow.logger.warning(
            'a signal "%s" was dropped: its input is missing, of another kind, or more than one (%d came)',
            input.signal,
            len(input.args),
        )

    def handle_update_validator(self, input: HandleUpdateInput) -> None:  # noqa: A002 - the name is the library's
        _check(input)
        super().handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002 - the name is the library's
        _check(input)  # an update without a validator comes here first
        return await super().handle_update_handler(input)


def _check(update: HandleUpdateInput) -> None:
    if not _fits(_workflow().updates.get(update.update), update.args):
        text = f'"{update.update}" takes one input (--input) of its kind, and {len(update.args)} came'
        raise ApplicationError(text, type="malformed", non_retryable=True)


def _workflow() -> workflow._Definition:
    # The handlers that the library's public functions return are bound already, and have no signature of their own.
    return workflow._Definition.must_from_class(type(workflow.instance()))  # noqa: SLF001 - nothing public has them


def _fits(handler: workflow._SignalDefinition | workflow._UpdateDefinition | None, args: Sequence[Any]) -> bool:
    """Return whether ``handler`` can be called with ``args``. A text is only for the reader of the history, so any will do."""
    if handler is None:
        return True
    try:
        inspect.signature(handler.fn).bind(workflow.instance(), *args)
    except TypeError:
        return False
    kinds = zip(args, handler.arg_types or (), strict=False)
    return all(kind in {Any, str} or isinstance(arg, get_origin(kind) or kind) for arg, kind in kinds)
