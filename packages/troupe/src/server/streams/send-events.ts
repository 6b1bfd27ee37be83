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
  /** Called with each keep-alive comment. A returned frame is the last one of the stream. */
  readonly lastFrame: () => Promise<Frame | undefined>
}

/** @param frames must end when the signal aborts */
export async function sendEvents(
  response: ServerResponse,
  frames: AsyncIterable<Frame>,
  { clock, signal, times, lastFrame }: Sending,
): Promise<void> {
  let cancel: Cancel | undefined
  const beat = () => {
    // A keep-alive comment is not needed while data waits to be sent.
    if (response.writableLength === 0) response.write(': still here\n\n')
    cancel = clock.after(times.heartbeatMs, nextBeat, { background: true })
  }
  const encoded = (frame: Frame) => new TimeSlice(clock).finish(encodeFrame(frame), 1)
  const nextBeat = () => {
    beat()
    void lastFrame().then(async (frame) => {
      if (frame === undefined || response.writableEnded) return
      cancel?.()
      response.end(await encoded(frame))
      clock.after(times.stalledMs, () => response.destroy(), { background: true })
    })
  }
  response.write(': open\n\n')
  beat()
  try {
    for await (const frame of frames) {
      const text = await encoded(frame)
      if (signal.aborted || response.destroyed || response.writableEnded) return
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
