/** A sandbox that is opened at its first use: most steps have no files. */
import type { Sandbox } from './sandbox-port.ts'

export function deferredSandbox(open: () => Sandbox): Sandbox {
  let opened: Sandbox | undefined
  const sandbox = () => {
    opened ??= open()
    return opened
  }
  return {
    get files() {
      return sandbox().files
    },
    run: async (options) => sandbox().run(options),
    snapshot: async () => sandbox().snapshot(),
    restore: async (snapshot) => sandbox().restore(snapshot),
  }
}
