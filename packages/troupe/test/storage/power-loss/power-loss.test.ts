/** Power cuts, from the log of writes; a part of all moments here, many more by `npm run reliability:power-loss`. */
import { expect, test } from 'vitest'
import { plant } from './plant-defect.ts'
import { trial } from './power-loss-trial.ts'
import { canRecord, record } from './record-file-events.ts'

const part = Number(process.env.TROUPE_POWER_LOSS ?? 0.04)
if (!canRecord) console.log('skipped: strace may not trace here')

test.skipIf(!canRecord)(
  'A power cut loses nothing that was acknowledged and damages nothing.',
  async () => {
    const events = record({ changes: 250, writers: 3 })
    expect(events.filter(({ kind }) => kind === 'acknowledged')).toHaveLength(250)
    // The log was brought into the database at least once.
    expect(events.filter((event) => event.kind === 'sync' && event.file === 'troupe.db').length).toBeGreaterThan(0)
    const { images, problems } = await trial(events, { seed: 'full', part, withStorage: true })
    expect(problems.join('\n')).toBe('')
    expect(images).toBeGreaterThan(200)
  },
  120_000,
)

test.skipIf(!canRecord)(
  'The trial of power cuts finds the losses of `synchronous = normal`.',
  async () => {
    const { from, remove } = plant(
      'storage/sqlite/file/open-for-writing.ts',
      'pragma synchronous = full',
      'pragma synchronous = normal',
    )
    try {
      const { problems } = await trial(record({ changes: 60, writers: 3, from }), {
        seed: 'normal',
        part: 0.15,
        withStorage: false,
      })
      expect(problems.filter((problem) => problem.includes('are lost')).length).toBeGreaterThan(20)
    } finally {
      remove()
    }
  },
  120_000,
)
