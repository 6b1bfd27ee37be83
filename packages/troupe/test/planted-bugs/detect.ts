/** Puts a copy of the library to the trials, in a process of its own, until one finds something. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { trial } from '../storage/power-loss/power-loss-trial.ts'
import { canRecord, record } from '../storage/power-loss/record-file-events.ts'
import type { Bug } from './bugs.ts'

export interface Verdict {
  /** The first findings; none for a library that is well. */
  readonly found: readonly string[]
  /** How many seeds or images it took. */
  readonly tried: number
  /** Why it could not be put to the trial here. */
  readonly skipped?: string
}

const program = join(import.meta.dirname, '../reliability/simulate.ts')
/** Seeds in which each world finds what it has to. */
export const seedsOf = { commits: 60, journals: 60, 'shared-state': 60, runs: 80 } as const

/** @param maxSeeds seeds at most, whatever the world needs to find something */
export async function detect(
  folder: string,
  by: Bug['foundBy'],
  maxSeeds = Number.POSITIVE_INFINITY,
): Promise<Verdict> {
  if (by === 'power-loss') return powerLoss(folder)
  const child = spawn(
    process.execPath,
    [
      '--no-warnings',
      program,
      '--scenario',
      by,
      '--seeds',
      `${Math.min(seedsOf[by], maxSeeds)}`,
      '--base',
      'planted',
      '--bail',
      '--json',
      '--processes',
      '1',
    ],
    { env: { ...process.env, TROUPE_UNDER_TEST: folder }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const read = (stream: NodeJS.ReadableStream) => {
    let text = ''
    stream.on('data', (chunk) => (text += chunk))
    return () => text
  }
  const [output, errors] = [read(child.stdout), read(child.stderr)]
  await new Promise((resolve) => child.once('close', resolve))
  const line = output().trim()
  if (line === '') return { found: [errors().slice(-1_500)], tried: 0 }
  const { failures, share, seeds } = JSON.parse(line) as {
    readonly failures: readonly string[]
    readonly share: readonly string[]
    readonly seeds: number
  }
  return { found: [...failures, ...share], tried: seeds }
}

async function powerLoss(folder: string): Promise<Verdict> {
  if (!canRecord) return { found: [], tried: 0, skipped: 'strace may not trace here' }
  const { problems, images } = await trial(record({ changes: 60, writers: 3, from: folder }), {
    seed: 'planted',
    part: 0.15,
    withStorage: false,
  })
  return { found: problems, tried: images }
}
