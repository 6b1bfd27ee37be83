/** Returns the result of a run that has ended or waits. */
import { z } from 'zod'
import { type Clock, milliseconds, storeError, TroupeError, whenAborted } from '../../core/index.ts'
import type { Run, RunResult } from '../../runs/index.ts'
import type { Call } from '../route.ts'
import { runResultSchema } from '../schemas/run-schemas.ts'

const stillRunning = z.object({ status: z.literal('running') })
export const runResult = z.union([runResultSchema, stillRunning])

const longestMs = 60_000

/** @param wait how long to wait for the end; 0s by default */
export async function awaited(
  call: Pick<Call<unknown, unknown, unknown>, 'parts' | 'signal' | 'status'>,
  run: Run,
  wait: string | undefined,
): Promise<z.infer<typeof runResult>> {
  const ms = Math.min(milliseconds(wait ?? '0ms', 'wait'), longestMs)
  if (ms === 0 && (await run.status()).status === 'running') return answerRunning(call)
  const { signal, over, end } = within(call.parts.platform.clock, Math.max(ms, 1_000), call.signal)
  try {
    return wire(await run.result({ signal }))
  } catch (error) {
    if (over() && error instanceof TroupeError && error.code === 'cancelled') return answerRunning(call)
    throw error
  } finally {
    end()
  }
}

function answerRunning({ status }: Pick<Call<unknown, unknown, unknown>, 'status'>) {
  status(202)
  return { status: 'running' as const }
}

/** Returns a signal that aborts with another one or after the given time. */
function within(clock: Clock, ms: number, other: AbortSignal) {
  const ends = new AbortController()
  let isOver = false
  const cancel = clock.after(ms, () => {
    isOver = true
    ends.abort()
  })
  const stopWatching = whenAborted(other, () => ends.abort())
  const end = () => {
    cancel()
    stopWatching()
  }
  return { signal: ends.signal, over: () => isOver, end }
}

const withStored = <T extends { readonly error?: TroupeError }>({ error, ...rest }: T) => ({
  ...rest,
  ...(error ? { error: storeError(error) } : {}),
})

const wire = (result: RunResult): z.infer<typeof runResultSchema> => ({
  ...withStored(result),
  branchResults: result.branchResults.map(withStored),
})

export const shownResult = (found: z.infer<typeof runResult>) =>
  'success' in found ? found : { status: found.status, success: undefined, response: undefined, error: undefined }
