/** Rooms that are closed after each test, files of theirs, and waiting in them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { type Duration, systemClock, type VirtualClock } from '../core/index.ts'
import { openRoom, type Room, type RoomOptions } from './room.test.fixture.ts'

/** To be called once in a file of tests. */
export function roomsOfTests() {
  const open: Room[] = []
  const folders: string[] = []
  afterEach(async () => {
    for (const room of open.splice(0)) await room.close()
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })
  return {
    async room(options: RoomOptions = {}): Promise<Room> {
      const room = await openRoom(options)
      open.push(room)
      return room
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
  for (let i = 0; i < 2_000; i++) {
    if (await holds()) return
    await clock.advance(by)
    // The writer of a file is a thread, for which the virtual clock does not wait.
    await new Promise<void>((resolve) => void systemClock.after(1, resolve))
  }
  throw new Error('it never came true')
}
