/** One page of a listing of a step: the recorder answers it, so that a replay of the step sees the same page. */
import { canonicalJson, encodeCursor, type Json } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { ListOptions } from '../context-client.ts'

/**
 * @param kind the name of the call in the record
 * @param ask reads the page when the record holds no answer
 */
export async function recordedPage(
  recorder: Recorder,
  kind: 'list' | 'keys',
  { signal: _, ...options }: ListOptions,
  ask: () => Promise<{ readonly items: readonly Json[]; readonly next: string | undefined }>,
): Promise<{ readonly items: readonly Json[]; readonly cursor: string | undefined }> {
  const defined = Object.entries(options).filter(([, value]) => value !== undefined)
  const name = canonicalJson(Object.fromEntries(defined) as Json)
  const answer = await recorder.answer({ kind, name }, async () => {
    const { items, next } = await ask()
    return { items, cursor: next === undefined ? null : encodeCursor(next) }
  })
  return { items: answer.items, cursor: answer.cursor ?? undefined }
}
