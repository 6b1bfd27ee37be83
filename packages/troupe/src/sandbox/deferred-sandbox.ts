/** A sandbox that is opened at its first use: most steps have no files. */
import { lazy } from '../core/index.ts'
import type { Recorder } from '../journal/index.ts'
import type { Sandbox } from './sandbox-port.ts'

export class DeferredSandbox implements Sandbox {
  readonly #sandbox: () => Sandbox
  readonly #call: Recorder['clientCall']

  /** @param call makes a call after which the step ends */
  constructor(open: () => Sandbox, call: Recorder['clientCall']) {
    this.#sandbox = lazy(open)
    this.#call = call
  }

  get files(): Sandbox['files'] {
    return this.#sandbox().files
  }

  readonly run: Sandbox['run'] = async (options) => this.#call(() => this.#sandbox().run(options))
  readonly snapshot: Sandbox['snapshot'] = async () => this.#sandbox().snapshot()
  readonly restore: Sandbox['restore'] = async (snapshot) => this.#call(() => this.#sandbox().restore(snapshot))
}
