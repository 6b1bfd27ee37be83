/** Cuts the power at moments of a recording, and looks at what is left. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Random, seededRandom, systemClock } from '../../../src/core/index.ts'
import { openStorage } from '../../../src/storage/index.ts'
import { migrations, problemIn } from '../numbered-load.ts'
import { Disk, type Image, type Survival } from './disk.ts'
import type { FileEvent } from './record-file-events.ts'

export interface TrialResult {
  readonly images: number
  readonly problems: readonly string[]
}
export interface TrialOptions {
  readonly seed: string
  /** Of all moments, the part that is tried, 0 to 1. */
  readonly part: number
  /** Whether the storage itself is opened on some images, and not SQLite alone. */
  readonly withStorage: boolean
}

const survivals: readonly Survival[] = ['nothing', 'some', 'torn', 'everything']
/** Our own opening, which is slow, is tried on each of the first images, when the file comes into being, and then on some. */
const opened = { first: 48, every: 100 }

export async function trial(
  events: readonly FileEvent[],
  { seed, part, withStorage }: TrialOptions,
): Promise<TrialResult> {
  const random = seededRandom(seed)
  const first = withStorage ? opened.first : 0
  const folder = mkdtempSync(join(tmpdir(), 'troupe-power-loss-'))
  const disk = new Disk()
  const acknowledged: number[] = []
  const problems: string[] = []
  let images = 0
  for (const [index, event] of events.entries()) {
    disk.apply(event)
    if (event.kind === 'acknowledged') acknowledged.push(event.n)
    if (random.next() >= part && images >= first) continue
    for (const survival of disk.unsynced ? survivals : (['nothing'] as const)) {
      const path = write(disk.image(survival, random), folder)
      const openly = images++ < first || (withStorage && images % opened.every === 0)
      const problem = (openly ? await rejectionOf(path, random) : undefined) ?? problemIn(path, acknowledged)
      if (problem !== undefined) problems.push(`after event ${index} (${event.kind}), ${survival} kept: ${problem}`)
    }
  }
  rmSync(folder, { recursive: true })
  return { images, problems }
}

function write(image: Image, folder: string): string {
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  for (const [name, content] of image) writeFileSync(join(folder, name), content)
  return join(folder, 'troupe.db')
}

async function rejectionOf(path: string, random: Random): Promise<string | undefined> {
  try {
    const storage = await openStorage({ url: `sqlite:${path}`, migrations, clock: systemClock, random })
    await storage.close()
    return undefined
  } catch (error) {
    return `not opened: ${(error as Error).message}`
  }
}
