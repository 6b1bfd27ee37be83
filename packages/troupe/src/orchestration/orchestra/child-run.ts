/**
 * Runs that a step starts. A child is made in the very change that commits the step's turn, together with the step's wait
 * for its end: so it exists exactly if the step knows of it, and its last change answers the wait. Its id is in
 * the step's record: entered again, the step finds the same child, also in a fork of its run.
 */
import type { ChildRun, ChildRunResult, ChildRunSpec } from '../../agents/index.ts'
import { checkOptions, failure, hashJson } from '../../core/index.ts'
import type { Recorder } from '../../durable/index.ts'
import type { Pinned } from '../core/model.ts'
import type { RunConfig } from '../core/read-config.ts'
import { childCall, childOf, childWait } from './child-names.ts'
import { placeBelow, withParent } from './parent.ts'
import type { Left, OrchestraParts, Share } from './parts.ts'
import { stepJournal } from './run-journals.ts'
import { revive } from './run-result.ts'
import type { RunStep } from './run-step.ts'

export async function startChildRun(
  parts: OrchestraParts,
  at: RunStep,
  recorder: Recorder,
  spec: ChildRunSpec,
): Promise<ChildRun> {
  checkOptions('ctx.startRun', spec, ['task', 'topology', 'config', 'tags'])
  const first = parts.children.prepare(spec)
  // Before anything is awaited: runs that start side by side keep their order.
  const run = recorder.answerNow(childCall, () => childOf(at.run, parts.ids.next()))
  const step = stepJournal(at.run, at.step)
  const { topology, config: asked } = first.pinned
  const ended = recorder.wait({
    call: { kind: childWait, name: run },
    input: hashJson([first.task, topology, asked]),
    tell: async (wait) => {
      const { config, steps: slice } = await parts.children.hold(
        at.user,
        { run: at.run, step: at.step, child: run },
        (left) => shareOf(first.pinned, spec.config, left, at.run),
      )
      const pinned = withParent({ ...first.pinned, config }, { ...placeBelow(at.run, at.pinned), step, wait, slice })
      return {
        statements: parts.children.rows(at.user, run, { ...first, pinned, taint: recorder.taint }),
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
  await parts.children.take(at.user, run, first.agents)
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
  left: Left,
  run: string,
): Share & { readonly config: Pinned['config'] } {
  const preset = pinned.topology.config as RunConfig | undefined
  const said = { ...preset?.budget, ...asked?.budget }
  const { budget } = pinned.config
  const some = (name: 'steps' | 'hops' | 'depth') => {
    const limit = left.budget[name]
    if (left[name] < 1) throw failure('budget.exceeded', { run, budget: name, limit, used: limit - left[name] })
  }
  const share = (name: 'steps' | 'hops') => {
    some(name)
    return Math.min(budget[name], said[name] === undefined ? Math.ceil(left[name] / 2) : left[name])
  }
  some('depth')
  const steps = share('steps')
  const hops = share('hops')
  const config = {
    ...pinned.config,
    budget: { ...budget, steps, hops, depth: Math.min(budget.depth, left.depth) },
    ...(pinned.config.debug === undefined && left.breakOn.length > 0 ? { debug: { breakOn: left.breakOn } } : {}),
  }
  return { config, steps, hops }
}
