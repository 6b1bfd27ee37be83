import { expect, it } from 'vitest'
import type { Checkpoint } from '../../security/index.ts'
import { deliverCheckpoints } from './deliver-checkpoints.ts'

it.runIf(process.platform === 'linux')(
  'A checkpoint is not delivered to a file below /proc, and says so.',
  async () => {
    const target = deliverCheckpoints(() => fetch)('/proc/x/y/checkpoints.jsonl')
    await expect(target.deliver({} as Checkpoint)).rejects.toThrow(/proc/)
  },
)
