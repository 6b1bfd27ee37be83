/** Rooms that are closed after each test, files of theirs, and waiting in them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { type Duration, systemClock, type VirtualClock } from '../core/index.ts'
import {
  type MessagingTestbed,
  type MessagingTestbedOptions,
  openMessagingTestbed,
} from './messaging-testbed.test.fixture.ts'

/** To be called once in a file of tests. */
export function messagingTestbeds() {
  const open: MessagingTestbed[] = []
  const folders: string[] = []
  afterEach(async () => {
    for (const testbed of open.splice(0)) await testbed.close()
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })
  return {
    async testbed(options: MessagingTestbedOptions = {}): Promise<MessagingTestbed> {
      const testbed = await openMessagingTestbed(options)
      open.push(testbed)
      return testbed
    },
    /** The URL of a database that is not there yet. */
    newFile(): string {
      const folder = mkdtempSync(join(tmpdir(), 'troupe-messaging-'))
      folders.push(folder)
      return `sqlite:${join(folder, 'troupe.db')}`
    },
  }
}

/** Moves the virtual clock on until something holds. */
export async function until(clock: VirtualClock, holds: () => boolean | Promise<boolean>, by: Duration = '10ms') {
  // A loaded server may need seconds for what takes milliseconds alone.
  const end = systemClock.monotonic() + 60_000
  for (let i = 0; i < 2_000 || systemClock.monotonic() < end; i++) {
    if (await holds()) return
    await clock.advance(by)
    // The writer of a file is a thread, for which the virtual clock does not wait.
    await new Promise<void>((resolve) => void systemClock.after(1, resolve))
  }
  throw new Error('it never came true')
}

/** Returns the rejections that nothing handles during the work, which would end a process. */
export async function unhandledDuring(work: () => Promise<void>): Promise<readonly unknown[]> {
  const unhandled: unknown[] = []
  const add = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', add)
  try {
    await work()
    for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => void systemClock.soon(resolve))
  } finally {
    process.off('unhandledRejection', add)
  }
  return unhandled
}
