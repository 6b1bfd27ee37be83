/** Creates, executes and cancels child runs for the host. */

import type { Agent, ChildRunSpec } from '../../../agents/index.ts'
import { finishNow, type UserId } from '../../../core/index.ts'
import { runJournal } from '../../../journal/index.ts'
import { PastRun } from '../../history/past-run.ts'
import { breakpointsIn } from '../../machine/people/breakpoints.ts'
import { childQuestionId } from '../../machine/run/child-question-id.ts'
import type { RunAccount } from '../../machine/run/run-account.ts'
import { viewOf } from '../../machine/state-view.ts'
import { shareOf } from '../budgets/draw-budget.ts'
import { type RunMessage, runMessageJson } from '../commands/run-message.ts'
import { foldRun } from '../execution/fold-run.ts'
import { findRetryPoint } from '../forks/find-retry-point.ts'
import { forkRun } from '../forks/fork-run.ts'
import type { ChildRuns, RemainingBudget } from '../orchestra-parts.ts'
import { isPassing, isUnable } from '../ownership/ensure-owned.ts'
import type { RunHost } from '../run-host.ts'
import type { TeamReference } from '../starts/resolve-team.ts'
import { createRunInParts, prepareRun, type StartSpec } from '../starts/start-run.ts'
import { readAccount, readAccountOutline } from '../store/account-text.ts'
import { readRetainedRecords } from '../store/retained-records.ts'
import type { RunRow } from '../store/run-store.ts'
import { childCancellation } from './child-cancellation.ts'
import { childBreakpoints } from './notify-related-runs.ts'
import { childPools, parentOf, poolsOf } from './parent.ts'

/** Rows of an inbox that are looked at. */
const maxRows = 200

export function createChildRuns(host: RunHost): ChildRuns {
  return {
    ...childCancellation(host),
    prepare: (spec: ChildRunSpec) => {
      const { task, config, tags } = spec as StartSpec
      const topology = host.parts.agents.resolveTeam(spec as TeamReference, 'ctx.startRun')
      return prepareRun({ task, topology, ...(config ? { config } : {}), ...(tags ? { tags } : {}) })
    },
    create: (user, run, spec) => {
      host.rememberCode(user, run, spec.agents)
      const { statements, owner, events } = finishNow(createRunInParts(host.parts, user, run, spec))
      return { statements, announce: () => owner.announceStart(events) }
    },
    retry: async (user, run, as, parent, repeat) => {
      const records = await readRetainedRecords(host.parts, user, await host.row(user, run))
      const { pinned } = foldRun({ snapshot: undefined, records })
      const { at, step } = await findRetryPoint(host.parts, user, PastRun.of(run, records), { stopped: true })
      const before = Object.entries(parentOf(pinned)?.reserved ?? {})
      const amounts = Object.fromEntries(before.map(([resource, { amount }]) => [resource, amount]))
      const agents = await codeOf(host, user, run)
      host.rememberCode(user, as, agents)
      const source = { run, records, pinned, agents }
      const retry = {
        budget: {},
        parent: { ...parent, ...childPools(parent.pools, as, amounts) },
        ...(step === undefined ? {} : { step }),
      }
      return (await forkRun(host.parts, user, source, { at, id: as, repeat }, retry)).statements
    },
    hopsOf: async (user, run) => {
      const records = await readRetainedRecords(host.parts, user, await host.row(user, run))
      return viewOf(foldRun({ snapshot: undefined, records }).state).hops
    },
    remaining: (user, run, step) => remaining(host, user, run, step),
    claim: async (user, run, agents, parent) => {
      const row = await host.parts.stores.store.get(user, run)
      // Retention may have deleted an ended child; the record of the step has its result.
      if (host.isClosed || !row || row.endedAt !== null) return
      try {
        // The run was paused before the child was durable, so the child has not received the pause.
        if (viewOf((await host.own(user, parent)).state).isPaused) {
          const { inbox } = host.parts.journal
          const { storage } = host.parts.stores
          const pause = inbox.put(
            user,
            runJournal(run),
            runJournal(parent),
            'pause start',
            runMessageJson({ type: 'pause', by: 'parent' }),
          )
          await storage.commit({ id: null, scope: { user }, statements: pause.statements })
        }
        await host.own(user, run, agents)
      } catch (error) {
        // Another process that has the code has claimed the child, perhaps during this claim.
        if (!isPassing(error)) throw error
      }
    },
  }
}

/** Returns the code of a run. If this process lacks it, the step that starts the child run provides it. */
async function codeOf(host: RunHost, user: UserId, run: string): Promise<ReadonlyMap<string, Agent>> {
  try {
    return (await host.source(user, run)).agents
  } catch (error) {
    if (isUnable(error)) return new Map()
    throw error
  }
}

/** From its first child run on, a run reserves its usage in the shared budget, because its children use the same budget. */
async function remaining(host: RunHost, user: UserId, run: string, step: string): Promise<RemainingBudget> {
  const owner = await host.own(user, run)
  const { state, pinned } = owner
  const draws = () => pinned.draws || viewOf(state).granted !== undefined
  if (!draws()) {
    await owner.apply((at) => (draws() ? undefined : { at, type: 'budget.granted', steps: 0, hops: 0, branches: 0 }))
  }
  // Each child checks the share: the process may have ended after the grant and before the share was stored.
  if (!pinned.draws) await shareOf(host.parts, owner)
  return {
    pools: poolsOf(pinned, run),
    depth: pinned.config.budget.depth - (viewOf(state).step(step)?.depth ?? 0) - 1,
    budget: pinned.config.budget,
    breakOn: childBreakpoints(breakpointsIn(state)),
  }
}

/** Returns the account of a waiting run with the questions of its child runs; undefined while a step executes. */
export async function accountWhileChildrenWait(
  host: RunHost,
  user: UserId,
  row: RunRow,
): Promise<RunAccount | undefined> {
  const questions = await questionsWhileChildrenWait(host, user, row)
  return questions && { ...(await readAccount(row.result as string, host.parts.platform.clock)), questions }
}

/** Returns the questions of a waiting run and of its child runs; undefined while a step executes. */
export async function questionsWhileChildrenWait(
  host: RunHost,
  user: UserId,
  row: RunRow,
): Promise<RunAccount['questions'] | undefined> {
  if (row.result === null) return undefined
  const { questions } = readAccountOutline(row.result)
  if (row.outside === 0) return questions
  const open = await host.parts.stores.store.children(user, row.run)
  // A child run has ended, and the step that waits for it has not resumed yet. In a stopped run, steps may wait for replies too.
  if (!isStopped(row) && open.length < row.outside) return undefined
  const all = [...questions]
  for (const child of open) {
    if (isStopped(child) && (await isResuming(host, user, child.run))) return undefined
    const asked = await questionsWhileChildrenWait(host, user, child)
    if (!asked) return undefined
    all.push(...asked.map((question) => ({ ...question, id: childQuestionId(child.run, question.id) })))
  }
  return all
}

const isStopped = (row: RunRow | undefined) => row?.reason === 'paused' || row?.reason === 'breakpoint'

/** Returns whether a stopped child run is about to resume, because its parent has resumed. */
async function isResuming({ parts }: RunHost, user: UserId, run: string): Promise<boolean> {
  const rows = await parts.journal.inbox.read(user, runJournal(run), maxRows)
  if (rows.some(({ body }) => (body as RunMessage).type === 'resume')) return true
  return !isStopped(await parts.stores.store.get(user, run))
}
