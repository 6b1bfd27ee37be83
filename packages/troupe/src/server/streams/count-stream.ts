/** The open streams of each caller. */
import { failure } from '../../core/index.ts'
import type { RequestPrincipal } from '../access/request-principal.ts'
import type { Site } from '../site.ts'

/**
 * Counts a stream until the returned function is called.
 * @throws CapacityError if the caller has too many open streams
 */
export function countStream(
  { openStreams, settings: { maxStreams } }: Pick<Site, 'openStreams' | 'settings'>,
  { kind, id }: Pick<RequestPrincipal, 'kind' | 'id'>,
): () => void {
  const key = `${kind} ${id}`
  const count = openStreams.get(key) ?? 0
  if (count >= maxStreams) throw failure('capacity.exceeded', { problem: `this caller has ${maxStreams} streams open` })
  openStreams.set(key, count + 1)
  return () => {
    const left = (openStreams.get(key) ?? 1) - 1
    if (left > 0) openStreams.set(key, left)
    else openStreams.delete(key)
  }
}
