/**
 * Starts a child run for a step. One change commits the child together with the step's turn and its wait for the end of the
 * child, so the child exists exactly if the step knows of it. The last change of the child answers the wait. The record of the
 * step has the id of the child, so a recovered step finds the same child, also in a fork of its run.
 */
import type { ChildRun, ChildRunResult, ChildRunSpec } from '../../../agents/index.ts'
import { checkOptions, failure, hashJson } from '../../../core/index.ts'
import { type Recorder, stepJournal } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import type { RunConfig } from '../../../topology/index.ts'
import { heldText } from '../../machine/budgets/budget-use.ts'
import type { Pinned } from '../../machine/machine-events.ts'
import { usedAndHeld } from '../budgets/draw-budget.ts'
import { mapAmounts, resources, type SharedResource } from '../budgets/shared-budgets.ts'
import { withCallerSpan } from '../events/run-trace.ts'
import type { RunStep } from '../execution/steps/run-step.ts'
import type { OrchestraParts, RemainingBudget } from '../orchestra-parts.ts'
import { revive } from '../run-result.ts'
import { isOfCaller, withCaller } from '../starts/of-caller.ts'
import { childCall, childRunId, childWait } from './child-run-id.ts'
import { childLineage, childPools, type Parent, withParent } from './parent.ts'

export async function startChildRun(
  parts: OrchestraParts,
  at: RunStep,
  recorder: Recorder,
  spec: ChildRunSpec,
): Promise<ChildRun> {
  checkOptions('ctx.startRun', spec, ['task', 'team', 'agent', 'topology', 'config', 'tags'])
  const runSpec = parts.host.children.prepare(spec)
  at.onChildRun()
  // Assigned before the first await, so that runs that start together keep their order.
  const run = recorder.answerNow(childCall, () => childRunId(at.run, parts.platform.ids.next()))
  const step = stepJournal(at.run, at.step)
  const callerSpan = parts.platform.events.surroundingSpan(at.user)
  const { topology, config: asked } = runSpec.pinned
  let announce = () => {}
  const ended = recorder.wait({
    call: { kind: childWait, name: run },
    input: hashJson([runSpec.task, topology, asked]),
    notify: async (wait) => {
      const remaining = await parts.host.children.remaining(at.user, at.run, at.step)
      const amounts = reservedBy(runSpec.pinned, spec.config)
      const lineage = childLineage(at.run, at.pinned)
      const { pools, reserved } = childPools(lineage.pools, run, amounts)
      const reservation = await reserve(parts, at, reserved ?? {})
      const config = configBelow(runSpec.pinned.config, amounts, remaining, at)
      const parent = { ...lineage, step, wait, pools, ...(reserved ? { reserved } : {}) }
      const child = withCallerSpan(withParent({ ...runSpec.pinned, config, draws: true }, parent), callerSpan)
      const pinned = isOfCaller(at.pinned) ? withCaller(child) : child
      const created = parts.host.children.create(at.user, run, { ...runSpec, pinned, taint: recorder.taint })
      announce = created.announce
      return { statements: [...reservation, ...created.statements], wake: ['timers'] }
    },
  })
  // A caller that does not ask for the result gets no rejection.
  ended.catch(() => {})
  await recorder.commit()
  announce()
  await recorder.work(() => parts.host.children.claim(at.user, run, runSpec.agents, at.run))
  return {
    id: run,
    result: async () => revive(run, await ended) as ChildRunResult,
    cancel: () =>
      recorder.effect('cancelRun', { class: 'idempotent', key: run }, async () => {
        await parts.host.children.cancel(at.user, run)
      }),
  }
}

/** Returns the budget that the child's config or its team's config names. That amount is reserved. */
function reservedBy(
  { topology, config }: Pinned,
  asked: RunConfig | undefined,
): { readonly [resource in SharedResource]?: number } {
  const preset = topology.config as RunConfig | undefined
  const named = { ...preset?.budget, ...asked?.budget }
  return Object.fromEntries(
    resources.flatMap((resource) => (named[resource] === undefined ? [] : [[resource, config.budget[resource]]])),
  )
}

/** @throws BudgetExceededError `budget.exceeded` if less is left; the amount is not reduced */
async function reserve(
  { stores: { sharedBudgets } }: OrchestraParts,
  { user, run }: RunStep,
  reserved: NonNullable<Parent['reserved']>,
): Promise<readonly Statement[]> {
  const statements: Statement[] = []
  for (const resource of resources) {
    const { pool = run, amount = 0 } = reserved[resource] ?? {}
    if (amount === 0) continue
    const { drawn = 0, limit = 0 } = (await sharedBudgets.pool(user, resource, pool)) ?? {}
    const found = drawn + amount > limit ? await sharedBudgets.holders(user, resource, pool, '') : undefined
    const use = usedAndHeld(drawn, found?.holders ?? [])
    const others = `${heldText(use)}, and the child run reserves ${amount}`
    const detail = { run, budget: resource, limit, used: use.used, others }
    if (drawn + amount > limit) throw failure('budget.exceeded', { ...detail, ...use })
    statements.push(sharedBudgets.take(user, resource, pool, amount, detail))
  }
  return statements
}

/** Limits that the child does not name are those of the parent. */
function configBelow(
  config: Pinned['config'],
  amounts: { readonly [resource in SharedResource]?: number },
  { budget, depth, breakOn }: RemainingBudget,
  { run, pinned }: Pick<RunStep, 'run' | 'pinned'>,
): Pinned['config'] {
  if (depth < 1)
    throw failure('budget.exceeded', { run, budget: 'depth', limit: budget.depth, used: budget.depth, others: '' })
  const limits = mapAmounts((resource) => amounts[resource] ?? budget[resource])
  const policies = [...(pinned.config.policies ?? []), ...(config.policies ?? [])]
  return {
    ...config,
    ...(policies.length > 0 ? { policies } : {}),
    budget: { ...config.budget, ...limits, depth: Math.min(config.budget.depth, depth) },
    ...(config.debug === undefined && breakOn.length > 0 ? { debug: { breakOn } } : {}),
  }
}
