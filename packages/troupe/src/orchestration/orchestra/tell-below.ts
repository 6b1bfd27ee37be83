/**
 * In the change that pauses a run, lets it go on, or sets its breakpoints: the runs that its steps have started hear of it. A
 * run that comes to a breakpoint tells the one above, so that all of them stop.
 */
import type { UserId } from '../../core/index.ts'
import type { Statement } from '../../storage/index.ts'
import type { BreakOn } from '../core/config.ts'
import type { Event, Pinned } from '../core/model.ts'
import { parentOf } from './parent.ts'
import type { OrchestraParts } from './parts.ts'
import { runJournal } from './run-journals.ts'
import { type Told, toJson } from './wire.ts'

/** What of its breakpoints holds below too: an event's number is of one journal. */
export const breakBelow = (breakOn: readonly BreakOn[]): readonly BreakOn[] => breakOn.filter(({ on }) => on !== 'seq')

function toldBelow(event: Event): Told | undefined {
  if (event.type === 'run.paused') return { type: 'pause' }
  if (event.type === 'breakpoints.set') return { type: 'break', breakOn: breakBelow(event.breakOn) }
  if (event.type !== 'run.continued') return undefined
  return { type: 'continue', ...(event.steps === undefined ? {} : { steps: event.steps }) }
}

type Placed = Event & { readonly seq: number }
interface Place {
  readonly user: UserId
  readonly run: string
  readonly pinned: Pinned
}

export async function tellOthers(
  parts: Pick<OrchestraParts, 'store' | 'inbox'>,
  place: Place,
  events: readonly Placed[],
): Promise<readonly Statement[]> {
  return [...(await tellBelow(parts, place, events)), ...tellAbove(parts, place, events)]
}

async function tellBelow(
  { store, inbox }: Pick<OrchestraParts, 'store' | 'inbox'>,
  { user, run }: Place,
  events: readonly Placed[],
): Promise<readonly Statement[]> {
  const told = events.flatMap((event) => {
    const what = toldBelow(event)
    return what ? [{ what, seq: event.seq }] : []
  })
  if (told.length === 0) return []
  const below = (await store.children(user)).filter(({ parent }) => parent.run === run)
  return below.flatMap((child) =>
    told.flatMap(
      ({ what, seq }) =>
        inbox.put(user, runJournal(child.run), runJournal(run), `${what.type} ${seq}`, toJson(what)).statements,
    ),
  )
}

export function tellAbove(
  { inbox }: Pick<OrchestraParts, 'inbox'>,
  { user, run, pinned }: Place,
  events: readonly Placed[],
): readonly Statement[] {
  const above = parentOf(pinned)?.run
  if (above === undefined) return []
  return events.flatMap((event) => {
    if (event.type !== 'run.paused' || !event.breakpoint) return []
    const told: Told = { type: 'pause', breakpoint: { run, ...event.breakpoint } }
    return inbox.put(user, runJournal(above), runJournal(run), `break ${event.seq}`, toJson(told)).statements
  })
}
