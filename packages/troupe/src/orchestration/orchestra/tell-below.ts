/** In the change that pauses a run, or lets it go on: the runs that its steps have started hear of it. */
import type { UserId } from '../../core/index.ts'
import type { Statement } from '../../storage/index.ts'
import type { OrchestraParts } from './parts.ts'
import type { PlacedEvent } from './run-event.ts'
import { runJournal } from './run-journals.ts'
import { toJson } from './wire.ts'

const types = { 'run.paused': 'pause', 'run.continued': 'continue' } as const

export async function tellBelow(
  { store, inbox }: OrchestraParts,
  user: UserId,
  run: string,
  events: readonly PlacedEvent[],
): Promise<readonly Statement[]> {
  const told = events.flatMap(({ type, seq }) =>
    type === 'run.paused' || type === 'run.continued' ? [{ type: types[type], seq }] : [],
  )
  if (told.length === 0) return []
  const below = (await store.children(user)).filter(({ parent }) => parent.run === run)
  return below.flatMap((child) =>
    told.flatMap(
      ({ type, seq }) =>
        inbox.put(user, runJournal(child.run), runJournal(run), `${type} ${seq}`, toJson({ type })).statements,
    ),
  )
}
