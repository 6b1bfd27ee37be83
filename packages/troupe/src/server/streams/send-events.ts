/**
 * Sends a stream of events. It is pulled: the next frame is made when the socket takes it, so that a slow reader costs no
 * memory; one that takes nothing for long is let go, and comes back with Last-Event-ID.
 */
import type { ServerResponse } from 'node:http'
import type { Cancel, Clock } from '../../core/index.ts'
import { encodeFrame, type Frame } from './frame.ts'

export interface EventTimes {
  /** Between comments that keep proxies from closing what is silent. */
  readonly heartbeatMs: number
  /** A reader that takes nothing for so long is let go. */
  readonly stalledMs: number
}

interface Sending {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly times: EventTimes
  /** Asked at each sign of life; false: the reader is let go. */
  readonly isSessionValid: () => Promise<boolean>
}

/** @param frames end with the signal */
export async function sendEvents(
  response: ServerResponse,
  frames: AsyncIterable<Frame>,
  { clock, signal, times, isSessionValid }: Sending,
): Promise<void> {
  let cancel: Cancel | undefined
  const beat = () => {
    // While something waits to be sent, the reader is not idle.
    if (response.writableLength === 0) response.write(': still here\n\n')
    cancel = clock.after(times.heartbeatMs, nextBeat, { background: true })
  }
  const nextBeat = () => {
    beat()
    void isSessionValid().then((does) => void (does || response.destroy()))
  }
  response.write(': open\n\n')
  beat()
  try {
    for await (const frame of frames) {
      if (signal.aborted || response.destroyed) return
      if (!response.write(encodeFrame(frame)) && !(await waitForDrain(response, clock, signal, times.stalledMs))) return
    }
  } finally {
    cancel?.()
    response.end()
  }
}

/** @returns false where the reader went away or stalled; it is cut off */
function waitForDrain(
  response: ServerResponse,
  clock: Clock,
  signal: AbortSignal,
  stalledMs: number,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const onDrain = () => resolve(true)
  const gone = () => resolve(false)
  const stalled = clock.after(stalledMs, () => {
    response.destroy()
    gone()
  })
  response.once('drain', onDrain)
  response.once('close', gone)
  signal.addEventListener('abort', gone, { once: true })
  return promise.finally(() => {
    stalled()
    response.off('drain', onDrain)
    response.off('close', gone)
    signal.removeEventListener('abort', gone)
  })
}
