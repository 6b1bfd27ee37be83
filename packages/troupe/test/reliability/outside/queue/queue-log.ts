/** What the processes of the queue agree on, and what they write down. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** In each producer. */
export const senders = 4

export type JobPayload = { id: string; kind: 'poison' | 'flaky' | 'effect' | 'plain' }

export const jobOf = (sender: string, n: number): JobPayload => ({
  id: `${sender}-${n}`,
  kind: n % 53 === 0 ? 'poison' : n % 41 === 0 ? 'flaky' : n % 3 === 0 ? 'effect' : 'plain',
})

export const queueConfig = (storage: string) => ({
  storage,
  log: 'silent' as const,
  lease: '2s' as const,
  messaging: { lease: '3s' as const, backpressure: 'wait' as const, capacity: { count: 3_000 } },
})

/** The words of each line. */
export const linesIn = (folder: string, file: string): readonly (readonly string[])[] =>
  existsSync(join(folder, file))
    ? readFileSync(join(folder, file), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split(' '))
    : []
