/** What the host does for runs that steps start. */
import type { ChildRunSpec } from '../../../agents/index.ts'
import type { UserId } from '../../../core/index.ts'
import { type Json, TroupeError } from '../../../core/index.ts'
import { PastRun } from '../../history/past-run.ts'
import { breakpointsIn } from '../../machine/people/breakpoints.ts'
import type { State } from '../../machine/state.ts'
import { type RunMessage, runMessageJson } from '../commands/run-message.ts'
import { foldRun } from '../execution/fold-run.ts'
import { findRetryPoint } from '../forks/find-retry-point.ts'
import { forkRun } from '../forks/fork-run.ts'
import type { BudgetShare, ChildRuns, RemainingBudget, Reservation } from '../orchestra-parts.ts'
import type { TeamReference } from '../resolve-team.ts'
import type { RunHost } from '../run-host.ts'
import { createRun, prepareRun, type StartSpec } from '../start-run.ts'
import { readRetainedRecords } from '../store/retained-records.ts'
import { runJournal } from '../store/run-journals.ts'
import type { RunRow } from '../store/run-store.ts'
import { childBreakpoints } from './notify-related-runs.ts'
import { parentOf } from './parent.ts'
import { waitingOnChildren } from './waiting-on-children.ts'

/** Rows of an inbox that are looked at. */
const maxRows = 200
const isOver = (error: unknown): boolean => error instanceof TroupeError && error.code === 'run.over'

export function createChildRuns(host: RunHost): ChildRuns {
  const openOf = async (user: UserId) => host.parts.store.children(user)
  const beginning = new Set<string>()
  const cancel: ChildRuns['cancel'] = async (user, run) => {
    if ((await host.row(user, run)).endedAt !== null) return
    await host.submit(user, run, { type: 'cancel', by: 'parent' }).catch((error: unknown) => {
      if (!isOver(error)) throw error
    })
    await host.awaitEnd(user, run)
  }
  return {
    cancel,
    prepare: (spec: ChildRunSpec) => {
      const { task, config, tags } = spec as StartSpec
      const topology = host.parts.resolveTeam(spec as TeamReference, 'ctx.startRun')
      return prepareRun({ task, topology, ...(config ? { config } : {}), ...(tags ? { tags } : {}) })
    },
    rows: (user, run, spec) => {
      host.rememberCode(user, run, spec.agents)
      return createRun(host.parts, user, run, spec).statements
    },
    retry: async (user, run, as, parent, repeat) => {
      const records = await readRetainedRecords(host.parts, user, await host.row(user, run))
      const { pinned, state } = foldRun({ snapshot: undefined, records })
      const { at, step } = await findRetryPoint(host.parts, user, PastRun.of(run, records), { stopped: true })
      const { slice = pinned.config.budget.steps, reservedBy = run } = parentOf(pinned) ?? {}
      const charged = parent.charged && { charged: { ...parent.charged, hops: state.counts.hops } }
      // Its code comes with the step that starts it.
      const source = { run, records, pinned, agents: new Map() }
      const retry = {
        budget: {},
        parent: { ...parent, ...charged, slice, reservedBy },
        ...(step === undefined ? {} : { step }),
      }
      return (await forkRun(host.parts, user, source, { at, id: as, repeat }, retry)).statements
    },
    reserveBudget: (user, of, shareOf) => reserveBudget(host, beginning, user, of, shareOf),
    begun: (run) => void beginning.delete(run),
    claim: async (user, run, agents, parent) => {
      const row = await host.parts.store.get(user, run)
      // One that ended long ago is not kept any more; the step's record holds what it brought.
      if (host.isClosed || !row || row.endedAt !== null) return
      try {
        // Paused before the child was durable: it was not among those that heard of it.
        if ((await host.own(user, parent)).state.pausedBy !== undefined) {
          const { inbox, storage } = host.parts
          const pause = inbox.put(
            user,
            runJournal(run),
            runJournal(parent),
            'pause start',
            runMessageJson({ type: 'pause' }),
          )
          await storage.commit({ id: null, scope: { user }, statements: pause.statements })
        }
        await host.own(user, run, agents)
      } catch (error) {
        // Another process was faster, which has the code too.
        if (!isOver(error) && !(error instanceof TroupeError && error.code === 'run.not_owned')) throw error
      }
    },
    cancelOf: async (user, journal) => {
      const open = (await openOf(user)).filter(({ parent }) => parent.step === journal)
      await Promise.all(
        open.map(({ run }) =>
          cancel(user, run).catch((error: unknown) =>
            host.parts.log.warn('a run of a cancelled step goes on', { run, error: error as Error }),
          ),
        ),
      )
    },
  }
}

/** @param beginning runs for which something is held, and whose rows are not durable yet */
async function reserveBudget<S extends BudgetShare>(
  host: RunHost,
  beginning: Set<string>,
  user: UserId,
  { run, step, child }: Reservation,
  shareOf: (remaining: RemainingBudget) => S,
): Promise<S> {
  const { store } = host.parts
  const owner = await host.own(user, run)
  const instead: string[] = []
  for (const [id, { step: by }] of owner.state.reservedBy)
    if (by === step && id !== child && !beginning.has(id) && !(await store.get(user, id))) instead.push(id)
  const open = (await store.children(user)).filter(({ parent }) => parent.run === run)
  beginning.add(child)
  let found: { readonly share: S } | { readonly rejected: unknown } | undefined
  await owner.apply((at) => {
    try {
      const share = shareOf(remainingBudget(owner.state, step, { open, but: [child, ...instead] }))
      found = { share }
      return { at, type: 'run.budget-reserved', run: child, step, steps: share.steps, hops: share.hops, instead }
    } catch (rejected) {
      found = { rejected }
      return undefined
    }
  })
  if (found && 'share' in found) return found.share
  throw found?.rejected
}

type ChildRow = Awaited<ReturnType<RunHost['parts']['store']['children']>>[number]

/**
 * @param beside `open`: runs that go on below, of which those count with their slice for which nothing is held; `but`:
 * runs whose share is free, for it is this step's own
 */
function remainingBudget(
  state: State,
  step: string,
  { open, but }: { readonly open: readonly ChildRow[]; readonly but: readonly string[] },
): RemainingBudget {
  const { counts, reservedBy, pinned } = state
  const { budget } = pinned.config
  const free = but.map((id) => reservedBy.get(id) ?? { steps: 0, hops: 0 })
  const unreserved = open.filter(({ run, parent }) => !reservedBy.has(parent.reservedBy ?? run))
  const sum = (amounts: readonly number[]) => amounts.reduce((total, one) => total + one, 0)
  return {
    steps:
      budget.steps -
      counts.totalSteps -
      counts.reservedSteps +
      sum(free.map(({ steps }) => steps)) -
      sum(unreserved.map(({ parent }) => parent.slice)),
    hops: budget.hops - counts.hops - counts.reservedHops + sum(free.map(({ hops }) => hops)),
    budget,
    depth: budget.depth - (state.steps.get(step)?.depth ?? 0) - 1,
    breakOn: childBreakpoints(breakpointsIn(state)),
  }
}

/** Returns what a run that waits shows, with the questions of its child runs; undefined while something moves. */
export async function resultWhileChildrenWait(host: RunHost, user: UserId, row: RunRow): Promise<Json | undefined> {
  if (row.result === null) return undefined
  const account = JSON.parse(row.result) as Json
  if (row.outside === 0) return account
  const open = (await host.parts.store.children(user)).filter(({ parent }) => parent.run === row.run)
  const children = []
  for (const child of open) {
    const resumes = isStopped(child) && (await isResuming(host, user, child.run))
    children.push({ run: child.run, still: resumes ? undefined : await resultWhileChildrenWait(host, user, child) })
  }
  return waitingOnChildren(account, children)
}

const isStopped = (row: RunRow | undefined) => row?.reason === 'paused' || row?.reason === 'breakpoint'

/** A run below that was found stopped: the one above has gone on, and it will as soon as it has heard of it, or has already. */
async function isResuming({ parts }: RunHost, user: UserId, run: string): Promise<boolean> {
  const rows = await parts.inbox.read(user, runJournal(run), maxRows)
  if (rows.some(({ body }) => (body as RunMessage).type === 'resume')) return true
  return !isStopped(await parts.store.get(user, run))
}
