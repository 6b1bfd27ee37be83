/** The load tester on the machine's clock. */
import { systemClock } from '../core/index.ts'
import { LoadTester as Base, type LoadTarget } from '../resilience/index.ts'

/** @example const report = await new LoadTester(agent).run({ concurrent: 20, total: 200 }) */
export class LoadTester extends Base {
  constructor(target: LoadTarget) {
    super(target, { clock: systemClock })
  }
}
