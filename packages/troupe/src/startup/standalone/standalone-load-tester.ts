/** The public LoadTester: what `resilience` has, on the machine's clock unless told otherwise. */
import { type Clock, systemClock } from '../../core/index.ts'
import { LoadTester as Base, type LoadTarget } from '../../resilience/index.ts'

/** @example const report = await new LoadTester(agent).run({ concurrent: 20, total: 200 }) */
export class LoadTester extends Base {
  constructor(target: LoadTarget, options: { readonly clock?: Clock } = {}) {
    super(target, { clock: options.clock ?? systemClock })
  }
}
