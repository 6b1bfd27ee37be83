/** What the host does for runs that steps start. */
import type { ChildRunSpec } from '../../agents/index.ts'
import type { UserId } from '../../core/index.ts'
import { type Json, TroupeError } from '../../core/index.ts'
import { breakpointsIn } from '../core/debug.ts'
import type { State } from '../core/state.ts'
import { PastRun } from '../history/past-run.ts'
import { foldRun } from './fold-run.ts'
import { forkRun } from './fork-run.ts'
import { keptRecords } from './kept-records.ts'
import { parentOf } from './parent.ts'
import type { ChildRuns, HeldFor, Left, Share } from './parts.ts'
import { placeAgain } from './place-again.ts'
import type { RunHost } from './run-host.ts'
import { runJournal } from './run-journals.ts'
import type { RunRow } from './run-store.ts'
import { createRun, prepareRun, type StartSpec } from './start-run.ts'
import { breakBelow } from './tell-below.ts'
import { waitingBelow } from './waiting-below.ts'
import type { Told } from './wire.ts'

/** Rows of an inbox that are looked at. */
const most = 200
const isOver = (error: unknown): boolean => error instanceof TroupeError && error.code === 'run.over'

export function createChildRuns(host: RunHost): ChildRuns {
  const openOf = async (user: UserId) => host.parts.store.children(user)
  const beginning = new Set<string>()
  const cancel: ChildRuns['cancel'] = async (user, run) => {
    if ((await host.row(user, run)).endedAt !== null) return
    await host.give(user, run, { type: 'cancel', by: 'parent' }).catch((error: unknown) => {
      if (!isOver(error)) throw error
    })
    await host.ended(user, run)
  }
  return {
    cancel,
    prepare: (spec: ChildRunSpec) => prepareRun(spec as Omit<StartSpec, 'id'>),
    rows: (user, run, first) => createRun(host.parts, user, run, first).statements,
    again: async (user, run, as, parent) => {
      const records = await keptRecords(host.parts, user, await host.row(user, run))
      const { pinned, state } = foldRun({ snapshot: undefined, records })
      const { at, step } = await placeAgain(host.parts, user, PastRun.of(run, records), { stopped: true })
      const { slice = pinned.config.budget.steps, held = run } = parentOf(pinned) ?? {}
      const charged = parent.charged && { charged: { ...parent.charged, hops: state.counts.hops } }
      // Its code comes with the step that starts it.
      const source = { run, records, pinned, agents: new Map() }
      const retry = {
        budget: {},
        parent: { ...parent, ...charged, slice, held },
        ...(step === undefined ? {} : { step }),
      }
      return (await forkRun(host.parts, user, source, { at, id: as }, retry)).statements
    },
    hold: (user, of, take) => hold(host, beginning, user, of, take),
    begun: (run) => void beginning.delete(run),
    take: async (user, run, agents) => {
      const row = await host.parts.store.get(user, run)
      // One that ended long ago is not kept any more; the step's record holds what it brought.
      if (host.isClosed || !row || row.endedAt !== null) return
      try {
        const child = await host.own(user, run, agents)
        const above = parentOf(child.pinned)
        // Paused while it was being made: it was not among those that were told.
        if (above && (await host.own(user, above.run)).state.pausedBy !== undefined)
          await child.apply((at) => ({ at, type: 'pause', by: 'parent' }))
      } catch (error) {
        // Another process was faster, which has the code too.
        if (!isOver(error) && !(error instanceof TroupeError && error.code === 'run.elsewhere')) throw error
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
async function hold<S extends Share>(
  host: RunHost,
  beginning: Set<string>,
  user: UserId,
  { run, step, child }: HeldFor,
  take: (left: Left) => S,
): Promise<S> {
  const { store } = host.parts
  const owner = await host.own(user, run)
  const instead: string[] = []
  for (const [id, { step: by }] of owner.state.held)
    if (by === step && id !== child && !beginning.has(id) && !(await store.get(user, id))) instead.push(id)
  const open = (await store.children(user)).filter(({ parent }) => parent.run === run)
  beginning.add(child)
  let found: { readonly share: S } | { readonly refused: unknown } | undefined
  await owner.apply((at) => {
    try {
      const share = take(leftOf(owner.state, step, { open, but: [child, ...instead] }))
      found = { share }
      return { at, type: 'run.held', run: child, step, steps: share.steps, hops: share.hops, instead }
    } catch (refused) {
      found = { refused }
      return undefined
    }
  })
  if (found && 'share' in found) return found.share
  throw found?.refused
}

type ChildRow = Awaited<ReturnType<RunHost['parts']['store']['children']>>[number]

/**
 * @param beside `open`: runs that go on below, of which those count with their slice for which nothing is held; `but`:
 * runs whose share is free, for it is this step's own
 */
function leftOf(
  state: State,
  step: string,
  { open, but }: { readonly open: readonly ChildRow[]; readonly but: readonly string[] },
): Left {
  const { counts, held, pinned } = state
  const { budget } = pinned.config
  const free = but.map((id) => held.get(id) ?? { steps: 0, hops: 0 })
  const unheld = open.filter(({ run, parent }) => !held.has(parent.held ?? run))
  const sum = (amounts: readonly number[]) => amounts.reduce((total, one) => total + one, 0)
  return {
    steps:
      budget.steps -
      counts.totalSteps -
      counts.heldSteps +
      sum(free.map(({ steps }) => steps)) -
      sum(unheld.map(({ parent }) => parent.slice)),
    hops: budget.hops - counts.hops - counts.heldHops + sum(free.map(({ hops }) => hops)),
    budget,
    depth: budget.depth - (state.steps.get(step)?.depth ?? 0) - 1,
    breakOn: breakBelow(breakpointsIn(state)),
  }
}

/** What a run shows while it waits for runs below it alone; undefined while something moves, as far as anybody can tell. */
export async function stillBelow(host: RunHost, user: UserId, row: RunRow): Promise<Json | undefined> {
  if (row.result === null) return undefined
  const account = JSON.parse(row.result) as Json
  if (row.outside === 0) return account
  const open = (await host.parts.store.children(user)).filter(({ parent }) => parent.run === row.run)
  const children = []
  for (const child of open) {
    const goesOn = isStopped(child) && (await isToGoOn(host, user, child.run))
    const still = goesOn ? undefined : await stillBelow(host, user, child)
    children.push({ run: child.run, step: child.parent.step, still })
  }
  return waitingBelow({ account, outside: row.outside }, children)
}

const isStopped = (row: RunRow | undefined) => row?.reason === 'paused' || row?.reason === 'breakpoint'

/** A run below that was found stopped: the one above has gone on, and it will as soon as it has heard of it, or has already. */
async function isToGoOn({ parts }: RunHost, user: UserId, run: string): Promise<boolean> {
  const rows = await parts.inbox.read(user, runJournal(run), most)
  if (rows.some(({ body }) => (body as Told).type === 'continue')) return true
  return !isStopped(await parts.store.get(user, run))
}
