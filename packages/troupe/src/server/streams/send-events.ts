/**
 * Sends a stream of events. The next frame is created when the socket accepts data, so that a slow reader costs no memory. The
 * stream of a stalled reader ends, and the reader resumes it with Last-Event-ID.
 */
import type { ServerResponse } from 'node:http'
import { type Cancel, type Clock, TimeSlice, whenAborted } from '../../core/index.ts'
import { encodeFrame, type Frame } from './frame.ts'

export interface EventTimes {
  /** The interval of comments that keep proxies from closing a silent connection. */
  readonly heartbeatMs: number
  /** How long a reader may accept no data before its stream ends. */
  readonly stalledMs: number
}

interface Sending {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly times: EventTimes
  /** Called with each keep-alive comment. If it returns false, the stream ends. */
  readonly isSessionValid: () => Promise<boolean>
}

/** @param frames must end when the signal aborts */
export async function sendEvents(
  response: ServerResponse,
  frames: AsyncIterable<Frame>,
  { clock, signal, times, isSessionValid }: Sending,
): Promise<void> {
  let cancel: Cancel | undefined
  const beat = () => {
    // A keep-alive comment is not needed while data waits to be sent.
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
      const text = await new TimeSlice(clock).finish(encodeFrame(frame), 1)
      if (signal.aborted || response.destroyed) return
      if (!response.write(text) && !(await waitForDrain(response, clock, signal, times.stalledMs))) return
    }
  } finally {
    cancel?.()
    response.end()
  }
}

/** @returns false if the reader disconnected or stalled; its connection is closed then */
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
  const stopWatching = whenAborted(signal, gone)
  return promise.finally(() => {
    stalled()
    response.off('drain', onDrain)
    response.off('close', gone)
    stopWatching()
  })
}
