/** Finds uses of the real machine during a simulation: timers, files, threads, sockets, the thread pool. */
import { createHook } from 'node:async_hooks'

export interface LeakDetector {
  /** Returns the leaks since the last call, one of each kind, with the line of code where it began. */
  take(): readonly string[]
  /** Executes a function that may use the real machine. */
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
