/**
 * Runs that a step starts. A child is made in the very change that commits the step's turn, together with the step's wait
 * for its end: so it exists exactly if the step knows of it, and its last change answers the wait. Its id is in
 * the step's record: entered again, the step finds the same child, also in a fork of its run.
 */
import type { ChildRun, ChildRunResult, ChildRunSpec } from '../../../agents/index.ts'
import { checkOptions, failure, hashJson } from '../../../core/index.ts'
import type { Recorder } from '../../../journal/index.ts'
import type { RunConfig } from '../../../topology/index.ts'
import type { Pinned } from '../../machine/machine-events.ts'
import type { RunStep } from '../execution/run-step.ts'
import type { BudgetShare, OrchestraParts, RemainingBudget } from '../orchestra-parts.ts'
import { revive } from '../run-result.ts'
import { stepJournal } from '../store/run-journals.ts'
import { childCall, childRunId, childWait } from './child-run-id.ts'
import { childLineage, withParent } from './parent.ts'

export async function startChildRun(
  parts: OrchestraParts,
  at: RunStep,
  recorder: Recorder,
  spec: ChildRunSpec,
): Promise<ChildRun> {
  checkOptions('ctx.startRun', spec, ['task', 'team', 'agent', 'topology', 'config', 'tags'])
  const runSpec = parts.children.prepare(spec)
  at.onChildRun()
  // Before anything is awaited: runs that start side by side keep their order.
  const run = recorder.answerNow(childCall, () => childRunId(at.run, parts.ids.next()))
  const step = stepJournal(at.run, at.step)
  const { topology, config: asked } = runSpec.pinned
  const ended = recorder.wait({
    call: { kind: childWait, name: run },
    input: hashJson([runSpec.task, topology, asked]),
    notify: async (wait) => {
      const { config, steps: slice } = await parts.children.reserveBudget(
        at.user,
        { run: at.run, step: at.step, child: run },
        (remaining) => shareOf(runSpec.pinned, spec.config, remaining, at.run),
      )
      const pinned = withParent(
        { ...runSpec.pinned, config },
        { ...childLineage(at.run, at.pinned), step, wait, slice },
      )
      return {
        statements: parts.children.rows(at.user, run, { ...runSpec, pinned, taint: recorder.taint }),
        wake: ['runs', 'timers'],
      }
    },
  })
  // Who never asks for the result is not told of it.
  ended.catch(() => {})
  try {
    await recorder.commit()
  } finally {
    parts.children.begun(run)
  }
  await parts.children.claim(at.user, run, runSpec.agents, at.run)
  return {
    id: run,
    result: async () => revive(await ended) as ChildRunResult,
    cancel: () =>
      recorder.effect('cancelRun', { class: 'idempotent', key: run }, async () => {
        await parts.children.cancel(at.user, run)
      }),
  }
}

/** What the child asks for as far as there is so much; half of what is left where it asks for nothing. */
function shareOf(
  pinned: Pinned,
  asked: RunConfig | undefined,
  remaining: RemainingBudget,
  run: string,
): BudgetShare & { readonly config: Pinned['config'] } {
  const preset = pinned.topology.config as RunConfig | undefined
  const limits = { ...preset?.budget, ...asked?.budget }
  const { budget } = pinned.config
  const some = (name: 'steps' | 'hops' | 'depth') => {
    const limit = remaining.budget[name]
    if (remaining[name] < 1)
      throw failure('budget.exceeded', { run, budget: name, limit, used: limit - remaining[name] })
  }
  const share = (name: 'steps' | 'hops') => {
    some(name)
    return Math.min(budget[name], limits[name] === undefined ? Math.ceil(remaining[name] / 2) : remaining[name])
  }
  some('depth')
  const steps = share('steps')
  const hops = share('hops')
  const config = {
    ...pinned.config,
    budget: { ...budget, steps, hops, depth: Math.min(budget.depth, remaining.depth) },
    ...(pinned.config.debug === undefined && remaining.breakOn.length > 0
      ? { debug: { breakOn: remaining.breakOn } }
      : {}),
  }
  return { config, steps, hops }
}
