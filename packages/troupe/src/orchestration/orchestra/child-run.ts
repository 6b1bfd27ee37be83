/**
 * Runs that a step starts. A child is made in the very change that commits the step's turn, together with the step's wait
 * for its end: so it exists exactly if the step knows of it, and its last change answers the wait. Its id is derived from
 * the step and the call; entered again, the step finds the same child.
 */
import type { ChildRun, ChildRunResult, ChildRunSpec } from '../../agents/index.ts'
import { checkOptions, failure, hashJson, hashText, type Json } from '../../core/index.ts'
import type { Recorder } from '../../durable/index.ts'
import type { Pinned } from '../core/model.ts'
import type { RunConfig } from '../core/read-config.ts'
import { parentOf, withParent } from './parent.ts'
import type { Left, OrchestraParts } from './parts.ts'
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
  const key = await recorder.effect('startRun', { class: 'pure' }, ({ key: derived }) => derived)
  const run = `${at.run.slice(0, 40)}.${hashText(`${at.run}\n${key}`).slice(0, 16)}`
  const step = stepJournal(at.run, at.step)
  const ended = recorder.wait({
    call: { kind: 'run', name: run },
    input: hashJson([first.task, first.pinned as unknown as Json]),
    tell: async (wait) => {
      const { config, slice } = sliceOf(
        first.pinned,
        spec.config,
        await parts.children.leftOf(at.user, at.run, at.step),
        at.run,
      )
      const above = [at.run, ...(parentOf(at.pinned)?.above ?? [])]
      const parent = { run: at.run, step, wait, above, slice, limits: limitsOf(at) }
      const pinned = withParent({ ...first.pinned, config }, parent)
      return {
        statements: parts.children.rows(at.user, run, { ...first, pinned, taint: recorder.taint }),
        wake: ['runs', 'timers'],
      }
    },
  })
  // Who never asks for the result is not told of it.
  ended.catch(() => {})
  await recorder.commit()
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

/** This run and those above it whose tokens or cost are limited. */
function limitsOf({ run, pinned }: RunStep) {
  const { tokens, cost } = pinned.config.budget
  const own = { ...(tokens === undefined ? {} : { tokens }), ...(cost === undefined ? {} : { cost }) }
  return [...(Object.keys(own).length > 0 ? [{ run, ...own }] : []), ...(parentOf(pinned)?.limits ?? [])]
}

/** What the child asks for as far as there is so much; half of what is left where it asks for nothing. */
function sliceOf(
  pinned: Pinned,
  asked: RunConfig | undefined,
  left: Left,
  run: string,
): { readonly config: Pinned['config']; readonly slice: number } {
  const preset = pinned.topology.config as RunConfig | undefined
  const said = { ...preset?.budget, ...asked?.budget }
  const { budget } = pinned.config
  const share = (name: 'steps' | 'hops') => {
    if (left[name] < 1) throw failure('budget.exceeded', { run, budget: name, limit: 0, used: 0 })
    return Math.min(budget[name], said[name] === undefined ? Math.ceil(left[name] / 2) : left[name])
  }
  if (left.depth < 1) throw failure('budget.exceeded', { run, budget: 'depth', limit: 0, used: 0 })
  const steps = share('steps')
  const config = {
    ...pinned.config,
    budget: { ...budget, steps, hops: share('hops'), depth: Math.min(budget.depth, left.depth) },
    ...(pinned.config.debug === undefined && left.breakOn.length > 0 ? { debug: { breakOn: left.breakOn } } : {}),
  }
  return { config, slice: steps }
}
