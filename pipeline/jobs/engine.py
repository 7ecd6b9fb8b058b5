"""Beam's FnApiRunner for a pipeline that is translated once and run many times.

`FnApiRunner` translates a pipeline into a proto, fuses it into stages, starts a worker with a processor for each stage,
runs, and closes the worker; the run itself takes 4 of some 120 ms of CPU. WarmRunner keeps the stages and the worker.
As on every runner between two bundles, the worker's own cache reuses the processor of an earlier run by the id of its
stage: counters restart at zero, and start_bundle and finish_bundle are called.
"""

from __future__ import annotations

import copy
from itertools import chain

import apache_beam as beam
from apache_beam.metrics import monitoring_infos
from apache_beam.portability.api import metrics_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.execution import FnApiRunnerExecutionContext
from apache_beam.runners.portability.fn_api_runner.fn_runner import RunnerResult
from apache_beam.runners.portability.fn_api_runner.translations import Stage, TransformContext
from apache_beam.runners.portability.fn_api_runner.worker_handlers import WorkerHandlerManager
from apache_beam.runners.runner import PipelineState


class WarmRunner(FnApiRunner):  # type: ignore[misc]
    """Run one bounded pipeline again and again in this process, by one thread at a time.

    Raises ValueError for a pipeline that keeps something between runs: state or timers.
    """

    def __init__(self, pipeline: beam.Pipeline) -> None:
        super().__init__()
        # checks, translates and fuses the pipeline and hands the result to run_stages
        self.run_pipeline(pipeline, pipeline.options)

    def run_stages(self, stage_context: TransformContext, stages: list[Stage]) -> None:
        """Keep the stages that FnApiRunner would run immediately."""
        if any(stage.is_stateful() for stage in stages):
            raise ValueError("a pipeline with state or timers cannot be run again: run it with FnApiRunner")
        self._prepared = stage_context, stages
        self._workers = WorkerHandlerManager(stage_context.components.environments, self._provision_info)

    def run_again(self) -> RunnerResult:
        """Run the pipeline to its end, as FnApiRunner.run_stages does.

        Raises what a step raises; the runner must then be closed, as its worker may hold half a bundle.
        """
        # a copy: a run writes the addresses of its data channels into the stages
        stage_context, stages = copy.deepcopy(self._prepared)
        context = FnApiRunnerExecutionContext(
            stages,
            self._workers,
            stage_context.components,
            stage_context.safe_coders,
            stage_context.data_channel_coders,
            self._num_workers,
            split_managers=self._split_managers,
        )
        context.setup()
        queues = context.queues
        infos: dict[str, list[metrics_pb2.MonitoringInfo]] = {}
        while len(queues.ready_inputs):
            name, given = queues.ready_inputs.deque()
            done = self._execute_bundle(context, context.bundle_manager_for(context.stages[name]), given)
            found = chain(infos.get(name, ()), done.process_bundle.monitoring_infos)
            infos[name] = list(monitoring_infos.consolidate(found))
            if not len(queues.ready_inputs):
                self._schedule_ready_bundles(context)
        if len(queues.watermark_pending_inputs) or len(queues.time_pending_inputs):
            raise RuntimeError("the run ended with bundles that never became ready")
        return RunnerResult(PipelineState.DONE, infos)

    def close(self) -> None:
        """Close the worker: tear down its steps and end its thread."""
        self._workers.close_all()
