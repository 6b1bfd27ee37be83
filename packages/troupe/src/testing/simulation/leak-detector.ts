/** Finds what reaches the real world during a simulation: timers, files, threads, sockets, the pool of threads. */
import { createHook } from 'node:async_hooks'

export interface LeakDetector {
  /** What leaked since it was asked last, each kind once, with the place where it began. */
  take(): readonly string[]
  /** Runs what is allowed to use the real world. */
  allow<T>(run: () => T): T
  watch(on: boolean): void
}

const leaks =
  /^(Timeout|Immediate|MESSAGEPORT|WORKER|FSREQ\w*|FILEHANDLE|\w*REQUEST|\w*REQ(WRAP)?|TCP\w*|UDP\w*|TLS\w*|PIPE\w*|PROCESSWRAP|FSEVENTWRAP|STATWATCHER|ZLIB|HTTP\w*)$/

export function createLeakDetector(): LeakDetector {
  const found = new Map<string, string>()
  let allowed = false
  const hook = createHook({
    init(_id, type) {
      if (allowed || found.size >= 20 || !leaks.test(type) || found.has(type)) return
      const { stackTraceLimit } = Error
      Error.stackTraceLimit = 30
      const frames = (new Error().stack ?? '').split('\n').filter((line) => !line.includes('node:internal'))
      Error.stackTraceLimit = stackTraceLimit
      found.set(type, `${type}\n${frames.slice(2, 12).join('\n')}`)
    },
  })
  return {
    take() {
      const all = [...found.values()]
      found.clear()
      return all
    },
    allow(run) {
      const before = allowed
      allowed = true
      try {
        return run()
      } finally {
        allowed = before
      }
    },
    watch: (on) => void (on ? hook.enable() : hook.disable()),
  }
}
