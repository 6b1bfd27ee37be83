/** A sandbox that is opened at its first use: most steps have no files. */
import { lazy } from '../core/index.ts'
import type { Sandbox } from './sandbox-port.ts'

export class DeferredSandbox implements Sandbox {
  readonly #sandbox: () => Sandbox

  constructor(open: () => Sandbox) {
    this.#sandbox = lazy(open)
  }

  get files(): Sandbox['files'] {
    return this.#sandbox().files
  }

  readonly run: Sandbox['run'] = async (options) => this.#sandbox().run(options)
  readonly snapshot: Sandbox['snapshot'] = async () => this.#sandbox().snapshot()
  readonly restore: Sandbox['restore'] = async (snapshot) => this.#sandbox().restore(snapshot)
}
